//! Joining, repeating and moving elements, by copies of regions.

use super::dims::{wrap, wrap_all};
use crate::core::{Core, Dims, checked_numel};
use crate::op::{Meta, OutSpec, Views};
use crate::pointwise::{common_device, fresh};
use crate::promote;
use crate::tensor::Tensor;
use crate::text;
use crate::value::Number;
use corten_base::{Result, Scalar, fail};
use smallvec::{SmallVec, smallvec};

/// Copies `source` into `out`; both have the same sizes.
pub fn copy(out: &Core, source: &Core) -> Result<()> {
    corten_elementwise::copy(out.operand()?, source.operand()?)
}

fn one(views: Result<Views>) -> Result<Core> {
    match views? {
        Views::One(core) => Ok(core),
        Views::Many(_) => fail!(Runtime, "expected one view"),
    }
}

/// Part of a core along one dimension.
pub fn part(core: &Core, d: usize, start: i64, length: i64) -> Core {
    let mut sizes = core.sizes.clone();
    sizes[d] = length;
    core.with_geometry(sizes, core.strides.clone(), core.offset + start * core.strides[d])
}

/// A vector without elements, which `cat` skips whatever the others' sizes.
fn skipped(x: &Tensor) -> bool {
    x.sizes() == [0]
}

/// `meta` of `cat`.
pub fn cat_meta(tensors: &[Tensor], dim: i64) -> Result<Meta> {
    let Some(first) = tensors.iter().find(|x| !skipped(x)).or(tensors.first()) else {
        fail!(Value, "torch.cat(): expected a non-empty list of Tensors");
    };
    if let Some(at) = tensors.iter().position(|x| x.ndim() == 0) {
        fail!(Runtime, "zero-dimensional tensor (at position {at}) cannot be concatenated");
    }
    let device = common_device(tensors)?;
    let d = wrap(dim, first.ndim())?;
    let mut sizes = first.dims();
    sizes[d] = 0;
    for (at, x) in tensors.iter().enumerate().filter(|(_, x)| !skipped(x)) {
        if x.ndim() != first.ndim() {
            fail!(Runtime, "Tensors must have same number of dimensions: got {} and {}", first.ndim(), x.ndim());
        }
        for (i, (&want, &have)) in first.sizes().iter().zip(x.sizes()).enumerate() {
            if i != d && want != have {
                fail!(
                    Runtime,
                    "Sizes of tensors must match except in dimension {d}. Expected size {want} but got size {have} for tensor number {at} in the list."
                );
            }
        }
        sizes[d] += x.sizes()[d];
    }
    let numbers: SmallVec<[Number; 8]> = tensors.iter().map(Number::Tensor).collect();
    Ok(smallvec![OutSpec { sizes, strides: None, dtype: promote::result_type(&numbers), device }])
}

/// `kernel` of `cat`.
pub fn cat(tensors: &[Tensor], dim: i64, out: &Tensor) -> Result<()> {
    let parts = tensors.iter().filter(|x| !skipped(x)).map(|x| x.core().clone()).collect();
    join(out.core(), parts, wrap(dim, out.ndim())?)
}

/// Copies `parts` to `out`, one after the other along dimension `d`.
fn join(out: &Core, parts: Vec<Core>, d: usize) -> Result<()> {
    let inputs = parts.iter().map(Core::operand).collect::<Result<Vec<_>>>()?;
    if corten_index::cat(out.operand()?, &inputs, d)? {
        return Ok(());
    }
    let mut start = 0;
    for x in &parts {
        let length = x.sizes[d];
        copy(&part(out, d, start, length), x)?;
        start += length;
    }
    Ok(())
}

/// `meta` of `stack`.
pub fn stack_meta(tensors: &[Tensor], dim: i64) -> Result<Meta> {
    let Some(first) = tensors.first() else { fail!(Runtime, "stack expects a non-empty TensorList") };
    let d = wrap(dim, first.ndim() + 1)?;
    for (at, x) in tensors.iter().enumerate() {
        if x.sizes() != first.sizes() {
            fail!(
                Runtime,
                "stack expects each tensor to be equal size, but got {} at entry 0 and {} at entry {at}",
                text::sizes(first.sizes()),
                text::sizes(x.sizes())
            );
        }
    }
    let device = common_device(tensors)?;
    let numbers: SmallVec<[Number; 8]> = tensors.iter().map(Number::Tensor).collect();
    let mut sizes = first.dims();
    sizes.insert(d, tensors.len() as i64);
    Ok(smallvec![OutSpec { sizes, strides: None, dtype: promote::result_type(&numbers), device }])
}

/// `kernel` of `stack`.
pub fn stack(tensors: &[Tensor], dim: i64, out: &Tensor) -> Result<()> {
    let d = wrap(dim, out.ndim())?;
    let part = |x: &Tensor| {
        let core = x.core();
        let (mut sizes, mut strides) = (core.sizes.clone(), core.strides.clone());
        sizes.insert(d, 1);
        strides.insert(d, 1);
        core.with_geometry(sizes, strides, core.offset)
    };
    join(out.core(), tensors.iter().map(part).collect(), d)
}

/// `meta` of `repeat`.
pub fn repeat_meta(x: &Tensor, repeats: &[i64]) -> Result<Meta> {
    if repeats.len() < x.ndim() {
        fail!(Runtime, "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor");
    }
    let lead = repeats.len() - x.ndim();
    let mut sizes: Dims = SmallVec::new();
    for (d, &times) in repeats.iter().enumerate() {
        let size = if d < lead { 1 } else { x.sizes()[d - lead] };
        match size.checked_mul(times) {
            Some(size) => sizes.push(size),
            None => fail!(Runtime, "repeat: {size} times {times} elements are too many"),
        }
    }
    checked_numel(&sizes, x.dtype())?;
    Ok(smallvec![fresh(x, sizes, x.dtype())])
}

/// `kernel` of `repeat`: the result with each dimension as (times, size).
pub fn repeat(x: &Tensor, repeats: &[i64], out: &Tensor) -> Result<()> {
    let (core, to) = (x.core(), out.core());
    let lead = repeats.len() - x.ndim();
    let (mut sizes, mut from, mut into) = (Dims::new(), Dims::new(), Dims::new());
    for (d, &times) in repeats.iter().enumerate() {
        let (size, stride) = if d < lead { (1, 0) } else { (core.sizes[d - lead], core.strides[d - lead]) };
        sizes.extend([times, size]);
        from.extend([0, stride]);
        into.extend([size * to.strides[d], to.strides[d]]);
    }
    corten_elementwise::copy(to.operand_as(&sizes, &into)?, core.operand_as(&sizes, &from)?)
}

/// `kernel` of `flip`: the source is read backwards.
pub fn flip(x: &Tensor, dims: &[i64], out: &Tensor) -> Result<()> {
    let dims: Vec<usize> = wrap_all(dims, x.ndim())?.into_iter().filter(|&d| d < x.ndim()).collect();
    corten_index::flip(out.core().operand()?, x.core().operand()?, &dims)
}

/// How far each dimension is rolled, with PyTorch's checks; without dims the elements roll as one row.
pub fn roll_plan(x: &Tensor, shifts: &[i64], dims: &[i64]) -> Result<Vec<(usize, i64)>> {
    if shifts.is_empty() {
        fail!(Runtime, "`shifts` required");
    }
    if shifts.len() != dims.len() {
        fail!(Runtime, "shifts and dimensions must align. shifts: {}, dims:{}", shifts.len(), dims.len());
    }
    dims.iter().zip(shifts).map(|(&dim, &shift)| Ok((wrap(dim, x.ndim())?, shift))).collect()
}

/// `kernel` of `roll`.
pub fn roll(x: &Tensor, plan: &[(usize, i64)], out: &Tensor) -> Result<()> {
    if x.numel() == 0 {
        return Ok(());
    }
    roll_parts(out.core(), x.core(), plan)
}

fn roll_parts(out: &Core, x: &Core, plan: &[(usize, i64)]) -> Result<()> {
    let Some((&(d, shift), rest)) = plan.split_first() else { return copy(out, x) };
    // A dimension that is rolled twice is rolled once by the sum.
    let shift = rest.iter().filter(|(other, _)| *other == d).fold(shift, |sum, (_, more)| sum.wrapping_add(*more));
    let rest: Vec<_> = rest.iter().copied().filter(|(other, _)| *other != d).collect();
    let Some(&size) = x.sizes.get(d) else { return roll_parts(out, x, &rest) };
    let shift = shift.rem_euclid(size);
    for (to, from, length) in [(shift, 0, size - shift), (0, size - shift, shift)] {
        if length > 0 {
            roll_parts(&part(out, d, to, length), &part(x, d, from, length), &rest)?;
        }
    }
    Ok(())
}

/// `meta` of `tril` and `triu`.
pub fn triangle_meta(name: &str, x: &Tensor) -> Result<Meta> {
    if x.ndim() < 2 {
        fail!(Runtime, "{name}: input tensor must have at least 2 dimensions");
    }
    Ok(smallvec![fresh(x, x.dims(), x.dtype())])
}

/// `meta` of `constant_pad_nd`: pairs of (before, after), the last dimension's first; negative ones crop.
pub fn pad_meta(x: &Tensor, pad: &[i64]) -> Result<Meta> {
    if !pad.len().is_multiple_of(2) {
        fail!(Runtime, "Length of pad must be even but instead it equals {}", pad.len());
    }
    if pad.len() / 2 > x.ndim() {
        fail!(
            Runtime,
            "Length of pad should be no more than twice the number of dimensions of the input. Pad length is {} while the input has {} dimensions.",
            pad.len(),
            x.ndim()
        );
    }
    let mut sizes = x.dims();
    for (i, pair) in pad.chunks_exact(2).enumerate() {
        let d = x.ndim() - 1 - i;
        let size = i128::from(sizes[d]) + i128::from(pair[0]) + i128::from(pair[1]);
        if size < 0 {
            fail!(
                Runtime,
                "The input size {}, plus negative padding {} and {} resulted in a negative output size, which is invalid. Check dimension {d} of your input.",
                sizes[d],
                pair[0],
                pair[1]
            );
        }
        let Ok(size) = i64::try_from(size) else {
            fail!(Runtime, "constant_pad_nd: {} elements padded by {} and {} are too many", sizes[d], pair[0], pair[1]);
        };
        sizes[d] = size;
    }
    let mut out = fresh(x, sizes, x.dtype());
    if pad.iter().all(|&n| n <= 0) {
        // What only crops keeps the order of dimensions, as a copy does.
        let core = x.core();
        let cropped = core.with_geometry(out.sizes.clone(), core.strides.clone(), core.offset);
        out.strides = Some(cropped.dense_strides());
    }
    Ok(smallvec![out])
}

/// `kernel` of `constant_pad_nd`.
pub fn pad(x: &Tensor, pad: &[i64], value: Scalar, out: &Tensor) -> Result<()> {
    corten_elementwise::fill(out.core().operand()?, value)?;
    let (mut source, mut target) = (x.core().clone(), out.core().clone());
    for (i, pair) in pad.chunks_exact(2).enumerate() {
        let d = x.ndim() - 1 - i;
        let crop = pair[0].saturating_neg().max(0);
        let length = (source.sizes[d] - crop).saturating_sub(pair[1].saturating_neg().max(0));
        if length <= 0 {
            return Ok(());
        }
        source = part(&source, d, crop, length);
        target = part(&target, d, pair[0].max(0), length);
    }
    copy(&target, &source)
}

/// `meta` of `diag_embed`: the last dimension on the diagonal of two new ones.
pub fn diag_embed_meta(x: &Tensor, offset: i64, dim1: i64, dim2: i64) -> Result<Meta> {
    let (a, b) = (wrap(dim1, x.ndim() + 1)?, wrap(dim2, x.ndim() + 1)?);
    if a == b {
        fail!(Runtime, "diagonal dimensions cannot be identical {dim1}, {dim2}");
    }
    let Some((&last, lead)) = x.sizes().split_last() else {
        fail!(Index, "Dimension specified as -1 but tensor has no dimensions");
    };
    let size = last.saturating_add(offset.saturating_abs());
    let mut sizes: Dims = lead.into();
    for d in [a.min(b), a.max(b)] {
        sizes.insert(d, size);
    }
    checked_numel(&sizes, x.dtype())?;
    Ok(smallvec![fresh(x, sizes, x.dtype())])
}

/// `kernel` of `diag_embed`.
pub fn diag_embed(x: &Tensor, offset: i64, dim1: i64, dim2: i64, out: &Tensor) -> Result<()> {
    corten_elementwise::fill(out.core().operand()?, Scalar::Int(0))?;
    copy(&one(super::view::diagonal(out, offset, dim1, dim2))?, x.core())
}
