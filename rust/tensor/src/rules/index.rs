//! Choosing elements by index tensors and masks: sizes, PyTorch's messages, and the calls of the kernels.

use super::checks::cpp_name;
use super::dims::wrap;
use super::key::int64;
use crate::body::{copy_values, start_update};
use crate::core::{Core, Dims};
use crate::op::Meta;
use crate::pointwise::{broadcast, broadcast_strides, common_device, fresh, like};
use crate::tensor::Tensor;
use crate::text;
use corten_base::{DType, Operand, Result, Scalar, fail};
use corten_index::{self as kernels, Join, Source};
use smallvec::{SmallVec, smallvec};

/// What index tensors choose: sizes, and where the sizes of the indices stand among them.
pub struct Chosen {
    /// Sizes of the result.
    pub sizes: Dims,
    /// The common sizes of the indices.
    shape: Dims,
    /// Position of `shape` in `sizes`.
    at: usize,
    /// Dimensions that are indexed, and those that are not.
    indexed: SmallVec<[usize; 6]>,
    rest: SmallVec<[usize; 6]>,
}

/// Works out what index tensors choose: indices that stand side by side give their place to their common shape;
/// otherwise it comes first, as in NumPy.
pub fn chosen(x: &Tensor, indices: &[Option<Tensor>]) -> Result<Chosen> {
    if indices.len() > x.ndim() {
        fail!(Index, "too many indices for tensor of dimension {} (got {})", x.ndim(), indices.len());
    }
    let given: SmallVec<[&Tensor; 4]> = indices.iter().flatten().collect();
    if let Some(other) = given.iter().find(|t| t.dtype() != DType::I64) {
        fail!(Index, "tensors used as indices must be long, int, byte or bool tensors, got {}", other.dtype());
    }
    let Ok(shape) = broadcast(given.iter().map(|t| t.sizes())) else {
        let shapes: Vec<String> = given.iter().map(|t| text::sizes(t.sizes())).collect();
        fail!(
            Index,
            "shape mismatch: indexing tensors could not be broadcast together with shapes {}",
            shapes.join(", ")
        );
    };
    let indexed: SmallVec<[usize; 6]> = (0..indices.len()).filter(|&d| indices[d].is_some()).collect();
    let rest: SmallVec<[usize; 6]> = (0..x.ndim()).filter(|d| !indexed.contains(d)).collect();
    let adjacent = indexed.windows(2).all(|pair| pair[1] == pair[0] + 1);
    let at = if adjacent { indexed.first().copied().unwrap_or(0) } else { 0 };
    let mut sizes: Dims = rest.iter().map(|&d| x.sizes()[d]).collect();
    sizes.insert_from_slice(at, &shape);
    if shape.iter().product::<i64>() > 0 && indexed.iter().any(|&d| x.sizes()[d] == 0) {
        fail!(Index, "index is out of bounds for dimension with size 0");
    }
    Ok(Chosen { sizes, shape, at, indexed, rest })
}

impl Chosen {
    /// Sizes and strides of the indexed tensor with the indexed dimensions first.
    fn source(&self, x: &Core) -> (Dims, Dims) {
        let order = || self.indexed.iter().chain(&self.rest);
        (order().map(|&d| x.sizes[d]).collect(), order().map(|&d| x.strides[d]).collect())
    }

    /// Sizes and strides of the result with the indices' dimensions first.
    fn result(&self, strides: &[i64]) -> (Dims, Dims) {
        let place = self.at..self.at + self.shape.len();
        let order = || place.clone().chain(0..self.at).chain(place.end..self.sizes.len());
        (order().map(|d| self.sizes[d]).collect(), order().map(|d| strides[d]).collect())
    }
}

/// Calls `body` with the indices, expanded to their common shape.
fn with_indices(indices: &[Option<Tensor>], shape: &[i64], body: impl FnOnce(&[Operand]) -> Result<()>) -> Result<()> {
    let given: SmallVec<[&Tensor; 4]> = indices.iter().flatten().collect();
    let strides: SmallVec<[Dims; 4]> = given.iter().map(|t| broadcast_strides(t.core(), shape)).collect();
    let mut operands: SmallVec<[Operand; 4]> = SmallVec::new();
    for (index, strides) in given.iter().zip(&strides) {
        operands.push(index.core().operand_as(shape, strides)?);
    }
    body(&operands)
}

/// `meta` of `index.tensors`.
pub fn index_meta(x: &Tensor, indices: &[Option<Tensor>]) -> Result<Meta> {
    Ok(smallvec![fresh(x, chosen(x, indices)?.sizes, x.dtype())])
}

/// `kernel` of `index.tensors`.
pub fn index(x: &Tensor, indices: &[Option<Tensor>], out: &Tensor) -> Result<()> {
    let chosen = chosen(x, indices)?;
    let ((sizes, strides), (to, to_strides)) = (chosen.source(x.core()), chosen.result(out.strides()));
    let (target, source) = (out.core().operand_as(&to, &to_strides)?, x.core().operand_as(&sizes, &strides)?);
    with_indices(indices, &chosen.shape, |indices| kernels::gather_nd(target, source, indices))
}

/// `meta` of `index_put.tensors`.
pub fn index_put_meta(x: &Tensor, indices: &[Option<Tensor>], values: &Tensor) -> Result<Meta> {
    if x.dtype() != values.dtype() {
        fail!(
            Runtime,
            "Index put requires the source and destination dtypes match, got {} for the destination and {} for the source.",
            x.dtype().scalar_name(),
            values.dtype().scalar_name()
        );
    }
    let sizes = chosen(x, indices)?.sizes;
    if broadcast([values.sizes(), &sizes]).ok().as_ref() != Some(&sizes) {
        fail!(
            Runtime,
            "shape mismatch: value tensor of shape {} cannot be broadcast to indexing result of shape {}",
            text::sizes(values.sizes()),
            text::sizes(&sizes)
        );
    }
    Ok(smallvec![like(x, x.dtype())])
}

/// `kernel` of `index_put.tensors`.
pub fn index_put(
    x: &Tensor,
    indices: &[Option<Tensor>],
    values: &Tensor,
    accumulate: bool,
    out: &Tensor,
) -> Result<()> {
    start_update(out, x)?;
    let chosen = chosen(x, indices)?;
    let (sizes, strides) = chosen.source(out.core());
    let (from, from_strides) = chosen.result(&broadcast_strides(values.core(), &chosen.sizes));
    let target = out.core().operand_as(&sizes, &strides)?;
    let source = values.core().operand_as(&from, &from_strides)?;
    with_indices(indices, &chosen.shape, |indices| kernels::scatter_nd(target, source, indices, accumulate))
}

/// Sizes and strides with at least one dimension: `index_select` and its like take a number for a vector of one.
fn line(x: &Tensor) -> (Dims, Dims) {
    match x.ndim() {
        0 => (smallvec![1], smallvec![1]),
        _ => (x.core().sizes.clone(), x.core().strides.clone()),
    }
}

fn need_index(name: &str, index: &Tensor) -> Result<()> {
    if !matches!(index.dtype(), DType::I64 | DType::I32) {
        fail!(Runtime, "{name}(): Expected dtype int32/int64 for index");
    }
    Ok(())
}

fn need_vector(name: &str, index: &Tensor) -> Result<()> {
    if index.ndim() > 1 {
        fail!(Index, "{name}(): Index is supposed to be a vector");
    }
    need_index(name, index)
}

/// `meta` of `index_select`.
pub fn index_select_meta(x: &Tensor, dim: i64, index: &Tensor) -> Result<Meta> {
    common_device([x, index])?;
    need_vector("index_select", index)?;
    let d = wrap(dim, x.ndim())?;
    let mut sizes = x.dims();
    match sizes.get_mut(d) {
        Some(size) => *size = index.numel() as i64,
        None if index.numel() != 1 => {
            fail!(Index, "index_select(): Index to scalar can have only 1 value, got {} value(s)", index.numel())
        }
        None => {}
    }
    Ok(smallvec![fresh(x, sizes, x.dtype())])
}

/// `kernel` of `index_select`.
pub fn index_select(x: &Tensor, dim: i64, index: &Tensor, out: &Tensor) -> Result<()> {
    let d = wrap(dim, x.ndim())?;
    let index = int64(index)?;
    let ((s, t), (u, v), (i, j)) = (line(x), line(out), line(&index));
    kernels::index_select(
        out.core().operand_as(&u, &v)?,
        x.core().operand_as(&s, &t)?,
        d,
        index.core().operand_as(&i, &j)?,
    )
}

/// True of halves, whose sums of many terms would stop to grow.
fn sums_are_wider(x: &Tensor) -> bool {
    x.dtype().is_float() && x.dtype().compute() != x.dtype()
}

fn float32(x: &Tensor) -> Result<Tensor> {
    let wide = Tensor::empty(x.sizes(), DType::F32, x.device())?;
    copy_values(&wide, x)?;
    Ok(wide)
}

/// `meta` of `index_add` and `index_copy`.
pub fn index_write_meta(name: &str, x: &Tensor, dim: i64, index: &Tensor, source: &Tensor) -> Result<Meta> {
    common_device([x, index, source])?;
    need_vector(name, index)?;
    let d = wrap(dim, x.ndim())?;
    if x.dtype() != source.dtype() {
        fail!(
            Runtime,
            "{name}(): self ({}) and source ({}) must have the same scalar type",
            x.dtype().scalar_name(),
            source.dtype().scalar_name()
        );
    }
    let (a, b) = (line(x).0, line(source).0);
    let count = index.numel();
    if name == "index_copy_" && b.get(d).is_some_and(|&n| n != count as i64) {
        fail!(Index, "{name}(): Number of indices ({count}) should be equal to source.size(dim) ({})", b[d]);
    }
    let fits = a.len() == b.len() && (0..a.len()).all(|i| b[i] == if i == d { index.numel() as i64 } else { a[i] });
    if !fits {
        fail!(
            Runtime,
            "{name}(): source of sizes {} does not fit {} indices along dimension {d} of sizes {}",
            text::sizes(source.sizes()),
            index.numel(),
            text::sizes(x.sizes())
        );
    }
    Ok(smallvec![like(x, x.dtype())])
}

/// `kernel` of `index_add` (with `alpha`) and `index_copy` (without).
pub fn index_write(
    x: &Tensor,
    dim: i64,
    index: &Tensor,
    source: &Tensor,
    alpha: Option<Scalar>,
    out: &Tensor,
) -> Result<()> {
    if sums_are_wider(out) && alpha.is_some() {
        let (sums, source) = (float32(x)?, float32(source)?);
        index_write(&sums, dim, index, &source, alpha, &sums)?;
        return copy_values(out, &sums);
    }
    start_update(out, x)?;
    let (d, index) = (wrap(dim, x.ndim())?, int64(index)?);
    let ((s, t), (u, v), (i, j)) = (line(source), line(out), line(&index));
    let (out, index) = (out.core().operand_as(&u, &v)?, index.core().operand_as(&i, &j)?);
    let source = source.core().operand_as(&s, &t)?;
    match alpha {
        Some(alpha) => kernels::index_add(out, d, index, source, alpha),
        None => kernels::index_copy(out, d, index, source),
    }
}

/// `meta` of `index_fill`.
pub fn index_fill_meta(x: &Tensor, dim: i64, index: &Tensor) -> Result<Meta> {
    wrap(dim, x.ndim())?;
    need_vector("index_fill_", index)?;
    Ok(smallvec![like(x, x.dtype())])
}

/// `kernel` of `index_fill`.
pub fn index_fill(x: &Tensor, dim: i64, index: &Tensor, value: Scalar, out: &Tensor) -> Result<()> {
    start_update(out, x)?;
    let (d, index) = (wrap(dim, x.ndim())?, int64(index)?);
    let ((u, v), (i, j)) = (line(out), line(&index));
    kernels::index_fill(out.core().operand_as(&u, &v)?, d, index.core().operand_as(&i, &j)?, value)
}

/// The index must fit into `x` (and `src`), but along `dim` into `x` it may have any size.
fn need_fit(x: &Tensor, d: usize, index: &Tensor, src: Option<&Tensor>) -> Result<()> {
    if index.numel() == 0 {
        return Ok(());
    }
    let ndim = |t: &Tensor| t.ndim().max(1);
    if ndim(index) != ndim(x) {
        fail!(Runtime, "Index tensor must have the same number of dimensions as input tensor");
    }
    if src.is_some_and(|src| ndim(src) != ndim(index)) {
        fail!(Runtime, "Index tensor must have the same number of dimensions as src tensor");
    }
    let (a, i) = (line(x).0, line(index).0);
    let too_large = |k: usize| (k != d && i[k] > a[k]) || src.is_some_and(|src| i[k] > line(src).0[k]);
    if let Some(k) = (0..i.len()).find(|&k| too_large(k)) {
        let source = src.map(|src| format!(" and to be no larger size than src {}", text::sizes(src.sizes())));
        fail!(
            Runtime,
            "Size does not match at dimension {k} expected index {} to be no larger than self {} apart from dimension {d}{}",
            text::sizes(index.sizes()),
            text::sizes(x.sizes()),
            source.unwrap_or_default()
        );
    }
    Ok(())
}

/// `meta` of `gather`.
pub fn gather_meta(x: &Tensor, dim: i64, index: &Tensor) -> Result<Meta> {
    common_device([x, index])?;
    let d = wrap(dim, x.ndim())?;
    need_index("gather", index)?;
    need_fit(x, d, index, None)?;
    Ok(smallvec![fresh(x, index.dims(), x.dtype())])
}

/// `kernel` of `gather`.
pub fn gather(x: &Tensor, dim: i64, index: &Tensor, out: &Tensor) -> Result<()> {
    if index.numel() == 0 {
        return Ok(());
    }
    let (d, index) = (wrap(dim, x.ndim())?, int64(index)?);
    let ((s, t), (u, v), (i, j)) = (line(x), line(out), line(&index));
    kernels::gather(out.core().operand_as(&u, &v)?, x.core().operand_as(&s, &t)?, d, index.core().operand_as(&i, &j)?)
}

/// The way that `scatter`'s `reduce` names.
pub fn join(name: Option<&str>) -> Result<Join> {
    Ok(match name {
        None => Join::Replace,
        Some("add") => Join::Add,
        Some("multiply") => Join::Mul,
        Some(_) => fail!(Runtime, "reduce argument must be either add or multiply."),
    })
}

/// The way that `scatter_reduce`'s `reduce` names.
pub fn reduction(name: &str) -> Result<Join> {
    Ok(match name {
        "sum" => Join::Add,
        "prod" => Join::Mul,
        "mean" => Join::Mean,
        "amax" | "max" => Join::Amax,
        "amin" | "min" => Join::Amin,
        _ => fail!(Runtime, "reduce argument must be either sum, prod, mean, amax or amin, got {name}."),
    })
}

/// `meta` of `scatter` and its like.
pub fn scatter_meta(name: &str, x: &Tensor, dim: i64, index: &Tensor, src: Option<&Tensor>) -> Result<Meta> {
    common_device([Some(x), Some(index), src].into_iter().flatten())?;
    let d = wrap(dim, x.ndim())?;
    need_index(name, index)?;
    if src.is_some_and(|src| src.dtype() != x.dtype()) {
        fail!(Runtime, "{name}(): Expected self.dtype to be equal to src.dtype");
    }
    need_fit(x, d, index, src)?;
    Ok(smallvec![fresh(x, x.dims(), x.dtype())])
}

/// `kernel` of `scatter` and its like.
pub fn scatter(
    x: &Tensor,
    dim: i64,
    index: &Tensor,
    source: std::result::Result<&Tensor, Scalar>,
    join: Join,
    include_self: bool,
    out: &Tensor,
) -> Result<()> {
    if sums_are_wider(out) && matches!(join, Join::Add | Join::Mul | Join::Mean) {
        let sums = float32(x)?;
        match source {
            Ok(source) => scatter(&sums, dim, index, Ok(&float32(source)?), join, include_self, &sums)?,
            Err(value) => scatter(&sums, dim, index, Err(value), join, include_self, &sums)?,
        }
        return copy_values(out, &sums);
    }
    start_update(out, x)?;
    if index.numel() == 0 {
        return Ok(());
    }
    let (d, index) = (wrap(dim, x.ndim())?, int64(index)?);
    let ((u, v), (i, j)) = (line(out), line(&index));
    let (out, index) = (out.core().operand_as(&u, &v)?, index.core().operand_as(&i, &j)?);
    match source {
        Err(value) => kernels::scatter(out, d, index, Source::Scalar(value), join, include_self),
        Ok(src) => {
            let (s, t) = line(src);
            let source = Source::Operand(src.core().operand_as(&s, &t)?);
            kernels::scatter(out, d, index, source, join, include_self)
        }
    }
}

fn need_mask(name: &str, mask: &Tensor) -> Result<()> {
    if mask.dtype() != DType::Bool {
        fail!(Runtime, "{name} only supports boolean masks, but got mask with dtype {}", cpp_name(mask.dtype()));
    }
    Ok(())
}

/// `meta` of `masked_fill`.
pub fn masked_fill_meta(x: &Tensor, mask: &Tensor) -> Result<Meta> {
    common_device([x, mask])?;
    need_mask("masked_fill_", mask)?;
    let sizes = broadcast([x.sizes(), mask.sizes()])?;
    Ok(smallvec![fresh(x, sizes, x.dtype())])
}

/// `kernel` of `masked_fill`.
pub fn masked_fill(x: &Tensor, mask: &Tensor, value: Scalar, out: &Tensor) -> Result<()> {
    start_update(out, x)?;
    let strides = broadcast_strides(mask.core(), out.sizes());
    kernels::masked_fill(out.core().operand()?, mask.core().operand_as(out.sizes(), &strides)?, value)
}

/// `meta` of `masked_scatter`.
pub fn masked_scatter_meta(x: &Tensor, mask: &Tensor, source: &Tensor) -> Result<Meta> {
    common_device([x, mask, source])?;
    if x.dtype() != source.dtype() {
        fail!(
            Runtime,
            "masked_scatter: expected self and source to have same dtypes but got {} and {}",
            x.dtype().scalar_name(),
            source.dtype().scalar_name()
        );
    }
    if mask.dtype() != DType::Bool {
        fail!(
            Runtime,
            "masked_scatter_ only supports boolean masks, but got mask with dtype {}",
            cpp_name(mask.dtype())
        );
    }
    masked_fill_meta(x, mask)
}

/// `kernel` of `masked_scatter`.
pub fn masked_scatter(x: &Tensor, mask: &Tensor, source: &Tensor, out: &Tensor) -> Result<()> {
    start_update(out, x)?;
    let strides = broadcast_strides(mask.core(), out.sizes());
    let mask = mask.core().operand_as(out.sizes(), &strides)?;
    kernels::masked_scatter(out.core().operand()?, mask, source.core().operand()?)
}

/// `masked_select`: the chosen elements in row-major order.
pub fn masked_select(x: &Tensor, mask: &Tensor) -> Result<Tensor> {
    common_device([x, mask])?;
    if mask.dtype() != DType::Bool {
        fail!(Runtime, "masked_select: expected BoolTensor for mask");
    }
    let sizes = broadcast([mask.sizes(), x.sizes()])?;
    let (xs, ms) = (broadcast_strides(x.core(), &sizes), broadcast_strides(mask.core(), &sizes));
    let (source, mask) = (x.core().operand_as(&sizes, &xs)?, mask.core().operand_as(&sizes, &ms)?);
    let chosen = kernels::Chosen::of(&mask)?;
    let out = Tensor::empty(&[chosen.count() as i64], x.dtype(), x.device())?;
    kernels::masked_select(out.core().operand()?, source, mask, &chosen)?;
    Ok(out)
}

/// `nonzero`: one row of indices for each element that differs from zero.
pub fn nonzero(x: &Tensor) -> Result<Tensor> {
    let operand = x.core().operand()?;
    // One vector a dimension, side by side, as PyTorch has it.
    let chosen = kernels::Chosen::of(&operand)?;
    let columns = Tensor::empty(&[x.ndim() as i64, chosen.count() as i64], DType::I64, x.device())?;
    let out = crate::ops::all::t(columns).tensor()?;
    kernels::nonzero(out.core().operand()?, operand, &chosen)?;
    Ok(out)
}

/// `meta` of `searchsorted`, whose sizes have been checked.
pub fn search_meta(sequence: &Tensor, x: &Tensor) -> Result<Meta> {
    common_device([sequence, x])?;
    if x.dtype().is_complex() {
        return x.dtype().unsupported("searchsorted_out_cpu");
    }
    Ok(smallvec![fresh(x, x.dims(), DType::I64)])
}

/// `kernel` of `searchsorted`.
pub fn search(sequence: &Tensor, x: &Tensor, right: bool, out: &Tensor) -> Result<()> {
    let compute = match x.dtype().compute() {
        DType::Bool | DType::I32 => DType::I64,
        compute => compute,
    };
    let computed =
        |x: &Tensor| if x.dtype() == compute { Ok(x.clone()) } else { crate::ops::all::to(x, compute).tensor() };
    let (sequence, x) = (computed(sequence)?, computed(x)?);
    kernels::search(out.core().operand()?, sequence.core().operand()?, x.core().operand()?, right)
}

/// `bincount` of a vector without weights.
pub fn bincount(x: &Tensor, least: i64) -> Result<Tensor> {
    let x = int64(x)?;
    let size = match kernels::extent(x.core().operand()?)? {
        Some((low, _)) if low < 0 => fail!(Runtime, "bincount only supports 1-d non-negative integral inputs."),
        Some((_, high)) => high.saturating_add(1).max(least),
        None => least,
    };
    let out = Tensor::empty(&[size], DType::I64, x.device())?;
    kernels::bincount(out.core().operand()?, x.core().operand()?, None)?;
    Ok(out)
}

/// `meta` of `take`.
pub fn take_meta(x: &Tensor, index: &Tensor) -> Result<Meta> {
    common_device([x, index])?;
    if index.dtype() != DType::I64 {
        fail!(Index, "take(): Expected a long tensor for index, but got {}", index.dtype().scalar_name());
    }
    if x.numel() == 0 && index.numel() > 0 {
        fail!(Index, "take(): tried to take from an empty tensor");
    }
    Ok(smallvec![fresh(x, index.dims(), x.dtype())])
}

/// `kernel` of `take`.
pub fn take(x: &Tensor, index: &Tensor, out: &Tensor) -> Result<()> {
    kernels::take(out.core().operand()?, x.core().operand()?, index.core().operand()?)
}

/// `meta` of `put`.
pub fn put_meta(x: &Tensor, index: &Tensor, source: &Tensor) -> Result<Meta> {
    common_device([x, index, source])?;
    if index.dtype() != DType::I64 {
        fail!(Index, "put_(): Expected a long tensor for index, but got {}", index.dtype().scalar_name());
    }
    if x.dtype() != source.dtype() {
        fail!(
            Runtime,
            "put_(): self and source expected to have the same dtype, but got self.dtype = {} and source.dtype = {}",
            x.dtype().scalar_name(),
            source.dtype().scalar_name()
        );
    }
    if source.numel() != index.numel() {
        let (have, want) = (source.numel(), index.numel());
        fail!(
            Index,
            "put_(): Expected source and index to have the same number of elements, but got {have} and {want}"
        );
    }
    Ok(smallvec![like(x, x.dtype())])
}

/// `kernel` of `put`.
pub fn put(x: &Tensor, index: &Tensor, source: &Tensor, accumulate: bool, out: &Tensor) -> Result<()> {
    start_update(out, x)?;
    kernels::put(out.core().operand()?, index.core().operand()?, source.core().operand()?, accumulate)
}
