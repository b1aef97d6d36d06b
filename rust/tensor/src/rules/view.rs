//! The geometry of views: each function gives the sizes, strides and offset under which the same storage is seen.

use super::dims::{infer, wrap, wrap_all};
use crate::core::{Core, Dims, contiguous_strides};
use crate::op::Views;
use crate::tensor::Tensor;
use corten_base::{DType, Result, fail};
use smallvec::SmallVec;

fn one(x: &Tensor, sizes: Dims, strides: Dims, offset: i64) -> Result<Views> {
    Ok(Views::One(x.core().with_geometry(sizes, strides, offset)))
}

/// Strides under which `x`'s elements, in order, have the given sizes; `None` where only a copy would do.
pub fn view_strides(x: &Core, sizes: &[i64]) -> Option<Dims> {
    if x.numel() == 0 || x.is_contiguous() {
        return Some(contiguous_strides(sizes));
    }
    let mut strides: Dims = SmallVec::from_elem(0, sizes.len());
    let mut d = sizes.len();
    let mut chunk_stride = *x.strides.last()?;
    let (mut chunk, mut filled) = (1i64, 1i64);
    for i in (0..x.ndim()).rev() {
        chunk *= x.sizes[i];
        // A chunk ends where the next dimension does not continue it.
        let ends = i == 0 || (x.sizes[i - 1] != 1 && x.strides[i - 1] != chunk * chunk_stride);
        if ends {
            while d > 0 && (filled < chunk || sizes[d - 1] == 1) {
                d -= 1;
                strides[d] = filled * chunk_stride;
                filled *= sizes[d];
            }
            if filled != chunk {
                return None;
            }
            if i > 0 {
                (chunk, filled, chunk_stride) = (1, 1, x.strides[i - 1]);
            }
        }
    }
    (d == 0).then_some(strides)
}

/// The same elements in another shape.
pub fn view(x: &Tensor, sizes: &[i64]) -> Result<Views> {
    let sizes = infer(sizes, x.numel())?;
    match view_strides(x.core(), &sizes) {
        Some(strides) => one(x, sizes, strides, x.core().offset),
        None => fail!(
            Runtime,
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two contiguous subspaces). Use .reshape(...) instead."
        ),
    }
}

/// The same bytes as another dtype; the last dimension shrinks or grows where the sizes of elements differ.
pub fn view_dtype(x: &Tensor, dtype: DType) -> Result<Views> {
    let core = x.core();
    let (from, to) = (core.dtype.size() as i64, dtype.size() as i64);
    let mut new = core.clone();
    new.dtype = dtype;
    if from != to {
        let Some(last) = core.ndim().checked_sub(1) else {
            fail!(
                Runtime,
                "self.dim() cannot be 0 to view {} as {} (different element sizes)",
                core.dtype.scalar_name(),
                dtype.scalar_name()
            );
        };
        if core.strides[last] != 1 {
            fail!(
                Runtime,
                "self.stride(-1) must be 1 to view {} as {} (different element sizes), but got {}",
                core.dtype.scalar_name(),
                dtype.scalar_name(),
                core.strides[last]
            );
        }
        let scale = |n: i64, what: &str| {
            if n * from % to != 0 {
                fail!(
                    Runtime,
                    "self.{what} must be divisible by {} to view {} as {} (different element sizes), but got {n}",
                    to / from,
                    core.dtype.scalar_name(),
                    dtype.scalar_name()
                );
            }
            Ok(n * from / to)
        };
        new.sizes[last] = scale(core.sizes[last], "size(-1)")?;
        new.offset = scale(core.offset, "storage_offset()")?;
        for d in 0..last {
            new.strides[d] = scale(core.strides[d], &format!("stride({d})"))?;
        }
    }
    Ok(Views::One(new))
}

/// Dimensions in another order.
pub fn permute(x: &Tensor, dims: &[i64]) -> Result<Views> {
    let core = x.core();
    if dims.len() != core.ndim() {
        fail!(
            Runtime,
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired ordering of dimensions i.e. input.dim() = {} is not equal to len(dims) = {}",
            core.ndim(),
            dims.len()
        );
    }
    let order = match wrap_all(dims, core.ndim()) {
        Err(e) if e.kind() == corten_base::Kind::Runtime => {
            fail!(Runtime, "permute(): duplicate dims are not allowed.")
        }
        order => order?,
    };
    let pick = |from: &Dims| order.iter().map(|&d| from[d]).collect();
    one(x, pick(&core.sizes), pick(&core.strides), core.offset)
}

/// Two dimensions exchanged.
pub fn transpose(x: &Tensor, dim0: i64, dim1: i64) -> Result<Views> {
    let core = x.core();
    let (a, b) = (wrap(dim0, core.ndim())?, wrap(dim1, core.ndim())?);
    let (mut sizes, mut strides) = (Dims::from_slice(&core.sizes), Dims::from_slice(&core.strides));
    if core.ndim() > 0 {
        sizes.swap(a, b);
        strides.swap(a, b);
    }
    one(x, sizes, strides, core.offset)
}

/// A matrix transposed; vectors and numbers as they are.
pub fn t(x: &Tensor) -> Result<Views> {
    match x.ndim() {
        0 | 1 => Ok(Views::One(x.core().clone())),
        2 => transpose(x, 0, 1),
        n => fail!(Runtime, "t() expects a tensor with <= 2 dimensions, but self is {n}D"),
    }
}

/// All dimensions reversed (`.T`).
pub fn reversed(x: &Tensor) -> Result<Views> {
    let core = x.core();
    one(x, core.sizes.iter().rev().copied().collect(), core.strides.iter().rev().copied().collect(), core.offset)
}

/// The last two dimensions exchanged (`.mT`).
pub fn matrix_transpose(x: &Tensor) -> Result<Views> {
    if x.ndim() < 2 {
        fail!(Runtime, "tensor.mT is only supported on matrices or batches of matrices. Got {}-D tensor.", x.ndim());
    }
    transpose(x, -2, -1)
}

/// Sizes of one repeated, without a copy.
pub fn expand(x: &Tensor, sizes: &[i64]) -> Result<Views> {
    let core = x.core();
    if sizes.len() < core.ndim() {
        fail!(
            Runtime,
            "expand({}{}, size={}): the number of sizes provided ({}) must be greater or equal to the number of dimensions in the tensor ({})",
            type_name(x),
            brace(&core.sizes),
            crate::text::sizes(sizes),
            sizes.len(),
            core.ndim()
        );
    }
    let lead = sizes.len() - core.ndim();
    let (mut out, mut strides) = (Dims::new(), Dims::new());
    for (d, &wanted) in sizes.iter().enumerate() {
        let have = if d < lead { 1 } else { core.sizes[d - lead] };
        let size = if wanted == -1 {
            if d < lead {
                fail!(
                    Runtime,
                    "expand({}{}, size={}): the expanded size of the tensor ({wanted}) isn't allowed in a leading, non-existing dimension {d}",
                    type_name(x),
                    brace(&core.sizes),
                    crate::text::sizes(sizes)
                );
            }
            have
        } else {
            wanted
        };
        if size < 0 || (have != 1 && size != have) {
            fail!(
                Runtime,
                "The expanded size of the tensor ({size}) must match the existing size ({have}) at non-singleton dimension {d}.  Target sizes: {}.  Tensor sizes: {}",
                crate::text::sizes(sizes),
                crate::text::sizes(&core.sizes)
            );
        }
        out.push(size);
        strides.push(if d < lead || (have == 1 && size != 1) { 0 } else { core.strides[d - lead] });
    }
    crate::core::checked_numel(&out, core.dtype)?;
    one(x, out, strides, core.offset)
}

fn type_name(x: &Tensor) -> String {
    format!("torch.{}Tensor", x.dtype().scalar_name())
}

fn brace(sizes: &[i64]) -> String {
    format!("{{{}}}", crate::text::sizes(sizes))
}

/// Without the given dimensions of size one (all of them where none is given).
pub fn squeeze(x: &Tensor, dims: Option<&[i64]>) -> Result<Views> {
    let core = x.core();
    let dims = match dims {
        Some(dims) => wrap_all(dims, core.ndim())?,
        None => (0..core.ndim()).collect(),
    };
    let kept = |d: &usize| core.sizes[*d] != 1 || !dims.contains(d);
    let sizes = (0..core.ndim()).filter(kept).map(|d| core.sizes[d]).collect();
    let strides = (0..core.ndim()).filter(kept).map(|d| core.strides[d]).collect();
    one(x, sizes, strides, core.offset)
}

/// With a new dimension of size one at `dim`.
pub fn unsqueeze(x: &Tensor, dim: i64) -> Result<Views> {
    let core = x.core();
    let d = wrap(dim, core.ndim() + 1)?;
    let (mut sizes, mut strides) = (Dims::from_slice(&core.sizes), Dims::from_slice(&core.strides));
    let stride = if d < core.ndim() { core.sizes[d] * core.strides[d] } else { 1 };
    sizes.insert(d, 1);
    strides.insert(d, stride);
    one(x, sizes, strides, core.offset)
}

fn need_dims(x: &Tensor, name: &str) -> Result<()> {
    if x.ndim() == 0 {
        fail!(Runtime, "{name}() cannot be applied to a 0-dim tensor.");
    }
    Ok(())
}

/// `length` elements of dimension `dim` from `start`.
pub fn narrow(x: &Tensor, dim: i64, start: i64, length: i64) -> Result<Views> {
    need_dims(x, "narrow")?;
    let core = x.core();
    let d = wrap(dim, core.ndim())?;
    let size = core.sizes[d];
    if length < 0 {
        fail!(Runtime, "narrow(): length must be non-negative.");
    }
    if start < -size || start > size {
        fail!(Index, "start out of range (expected to be in range of [{}, {size}], but got {start})", -size);
    }
    let from = if start < 0 { start + size } else { start };
    if length > size - from {
        fail!(Runtime, "start ({from}) + length ({length}) exceeds dimension size ({size}).");
    }
    let mut sizes = Dims::from_slice(&core.sizes);
    sizes[d] = length;
    one(x, sizes, Dims::from_slice(&core.strides), core.offset + from * core.strides[d])
}

/// Position `index` of dimension `dim`, which disappears.
pub fn select(x: &Tensor, dim: i64, index: i64) -> Result<Views> {
    if x.ndim() == 0 {
        fail!(Index, "select() cannot be applied to a 0-dim tensor.");
    }
    let core = x.core();
    let d = wrap(dim, core.ndim())?;
    let size = core.sizes[d];
    if index < -size || index >= size {
        fail!(
            Index,
            "select(): index {index} out of range for tensor of size {} at dimension {d}",
            crate::text::sizes(&core.sizes)
        );
    }
    let at = if index < 0 { index + size } else { index };
    let (mut sizes, mut strides) = (Dims::from_slice(&core.sizes), Dims::from_slice(&core.strides));
    sizes.remove(d);
    let stride = strides.remove(d);
    one(x, sizes, strides, core.offset + at * stride)
}

/// Where a slice `start:stop:step` of a dimension begins and how many elements it has; `step` may be negative.
pub fn slice_bounds(size: i64, start: Option<i64>, stop: Option<i64>, step: i64) -> (i64, i64) {
    let wrap = |i: i64| if i < 0 { i.saturating_add(size) } else { i };
    if step > 0 {
        let from = wrap(start.unwrap_or(0)).clamp(0, size);
        let to = wrap(stop.unwrap_or(size)).clamp(0, size);
        (from, if to > from { (to - from - 1) / step + 1 } else { 0 })
    } else {
        let from = start.map_or(size - 1, |i| wrap(i).clamp(-1, size - 1));
        let to = stop.map_or(-1, |i| wrap(i).clamp(-1, size - 1));
        (from, if from > to { (from - to - 1) / step.unsigned_abs() as i64 + 1 } else { 0 })
    }
}

/// Every `step`-th element of dimension `dim` from `start` to before `stop`.
pub fn slice(x: &Tensor, dim: i64, start: Option<i64>, stop: Option<i64>, step: i64) -> Result<Views> {
    need_dims(x, "slice")?;
    if step == 0 {
        fail!(Value, "slice step cannot be zero");
    }
    if step == i64::MIN {
        fail!(Value, "slice step {step} is too large");
    }
    let core = x.core();
    let d = wrap(dim, core.ndim())?;
    let (from, length) = slice_bounds(core.sizes[d], start, stop, step);
    let (mut sizes, mut strides) = (Dims::from_slice(&core.sizes), Dims::from_slice(&core.strides));
    sizes[d] = length;
    strides[d] = core.strides[d].saturating_mul(step);
    let offset = if length > 0 { core.offset + from * core.strides[d] } else { core.offset };
    if length <= 1 {
        strides[d] = core.strides[d].saturating_mul(step.clamp(-(1 << 31), 1 << 31));
    }
    one(x, sizes, strides, offset)
}

/// The diagonal of two dimensions, as a new last dimension.
pub fn diagonal(x: &Tensor, offset: i64, dim1: i64, dim2: i64) -> Result<Views> {
    let core = x.core();
    let (a, b) = (wrap(dim1, core.ndim())?, wrap(dim2, core.ndim())?);
    if a == b {
        fail!(Runtime, "diagonal dimensions cannot be identical {dim1}, {dim2}");
    }
    let (rows, columns) = (core.sizes[a], core.sizes[b]);
    let length =
        if offset >= 0 { rows.min(columns.saturating_sub(offset)) } else { rows.saturating_add(offset).min(columns) }
            .max(0);
    let start = match length {
        0 => 0,
        _ if offset >= 0 => offset * core.strides[b],
        _ => -offset * core.strides[a],
    };
    let kept = |d: &usize| *d != a && *d != b;
    let mut sizes: Dims = (0..core.ndim()).filter(kept).map(|d| core.sizes[d]).collect();
    let mut strides: Dims = (0..core.ndim()).filter(kept).map(|d| core.strides[d]).collect();
    sizes.push(length);
    strides.push(core.strides[a] + core.strides[b]);
    one(x, sizes, strides, core.offset + start)
}

/// Any sizes, strides and offset that stay inside the storage.
pub fn as_strided(x: &Tensor, sizes: &[i64], strides: &[i64], offset: Option<i64>) -> Result<Views> {
    let core = x.core();
    let offset = offset.unwrap_or(core.offset);
    if sizes.len() != strides.len() {
        fail!(
            Runtime,
            "mismatch in length of strides and shape: sizes {}, strides {}",
            crate::text::sizes(sizes),
            crate::text::sizes(strides)
        );
    }
    if let Some(&stride) = strides.iter().find(|&&s| s < 0) {
        fail!(
            Runtime,
            "as_strided: Negative strides are not supported at the moment, got strides: {} ({stride})",
            crate::text::sizes(strides)
        );
    }
    if offset < 0 {
        fail!(Runtime, "Tensor: invalid storage offset {offset}");
    }
    crate::core::checked_numel(sizes, core.dtype)?;
    let reach = crate::core::extent(sizes, strides)? as i128;
    let bytes = if reach == 0 { 0 } else { (offset as i128 + reach) * core.dtype.size() as i128 };
    if bytes > core.storage.bytes() as i128 {
        fail!(
            Runtime,
            "setStorage: sizes {}, strides {}, storage offset {offset}, and itemsize {} requiring a storage size of {bytes} are out of bounds for storage of size {}",
            crate::text::sizes(sizes),
            crate::text::sizes(strides),
            core.dtype.size(),
            core.storage.bytes()
        );
    }
    one(x, Dims::from_slice(sizes), Dims::from_slice(strides), offset)
}

/// Windows of `size` elements, `step` apart, along `dim`; the window becomes a new last dimension.
pub fn unfold(x: &Tensor, dim: i64, size: i64, step: i64) -> Result<Views> {
    let core = x.core();
    let d = wrap(dim, core.ndim())?;
    let have = core.sizes.get(d).copied().unwrap_or(1);
    if size < 0 || size > have {
        fail!(Runtime, "maximum size for tensor at dimension {d} is {have} but size is {size}");
    }
    if step <= 0 {
        fail!(Runtime, "step is {step} but must be > 0");
    }
    let (mut sizes, mut strides) = (Dims::from_slice(&core.sizes), Dims::from_slice(&core.strides));
    let stride = strides.get(d).copied().unwrap_or(1);
    if core.ndim() > 0 {
        sizes[d] = (have - size) / step + 1;
        strides[d] = stride.wrapping_mul(step);
    }
    sizes.push(size);
    strides.push(stride);
    one(x, sizes, strides, core.offset)
}

/// Views that one call may give; more would only exhaust memory.
const MOST_VIEWS: i64 = 1 << 24;

/// Refuses to make more views than anyone can hold.
fn countable(count: i64) -> Result<()> {
    if count > MOST_VIEWS {
        fail!(Memory, "cannot make {count} views in one call, {MOST_VIEWS} are allowed");
    }
    Ok(())
}

/// Pieces of dimension `dim` with the given lengths.
pub fn split(x: &Tensor, lengths: &[i64], dim: i64) -> Result<Views> {
    let core = x.core();
    let d = wrap(dim, core.ndim())?;
    let mut start = 0;
    let mut pieces = Vec::with_capacity(lengths.len());
    for &length in lengths {
        let mut sizes = Dims::from_slice(&core.sizes);
        sizes[d] = length;
        pieces.push(core.with_geometry(sizes, Dims::from_slice(&core.strides), core.offset + start * core.strides[d]));
        start += length;
    }
    Ok(Views::Many(pieces))
}

/// `split`: a length (the last piece may be shorter), or one length a piece.
pub fn split_sections(x: &Tensor, sections: &[i64], whole: bool, dim: i64) -> Result<Views> {
    need_dims(x, "split")?;
    let size = x.sizes()[wrap(dim, x.ndim())?];
    if whole {
        let length = sections[0];
        if length < 0 {
            fail!(Runtime, "split expects split_size be non-negative, but got split_size={length}");
        }
        if length == 0 && size > 0 {
            fail!(Runtime, "split_size can only be 0 if dimension size is 0, but got dimension size of {size}");
        }
        let count = if length == 0 { 1 } else { (size as u64).div_ceil(length as u64).max(1) as i64 };
        countable(count)?;
        let lengths: Vec<i64> = (0..count).map(|i| length.min(size - i * length)).collect();
        return split(x, &lengths, dim);
    }
    if sections.iter().any(|&n| n < 0) {
        fail!(
            Runtime,
            "split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes={}",
            crate::text::sizes(sections)
        );
    }
    if sections.iter().fold(0i64, |sum, &n| sum.saturating_add(n)) != size {
        fail!(
            Runtime,
            "split_with_sizes expects split_sizes to sum exactly to {size} (input tensor's size at dimension {dim}), but got split_sizes={}",
            crate::text::sizes(sections)
        );
    }
    split(x, sections, dim)
}

/// `chunks` pieces of equal length, the last ones shorter or missing.
pub fn chunk(x: &Tensor, chunks: i64, dim: i64) -> Result<Views> {
    need_dims(x, "chunk")?;
    if chunks <= 0 {
        fail!(Runtime, "chunk expects `chunks` to be greater than 0, got: {chunks}");
    }
    let size = x.sizes()[wrap(dim, x.ndim())?];
    if size == 0 {
        countable(chunks)?;
        return split(x, &vec![0; chunks as usize], dim);
    }
    let length = size / chunks + (size % chunks != 0) as i64;
    split_sections(x, &[length], true, dim)
}

/// The slices along `dim`, without it.
pub fn unbind(x: &Tensor, dim: i64) -> Result<Views> {
    if x.ndim() == 0 {
        fail!(Index, "Dimension specified as {dim} but tensor has no dimensions");
    }
    let core = x.core();
    let d = wrap(dim, core.ndim())?;
    countable(core.sizes[d])?;
    let (mut sizes, mut strides) = (Dims::from_slice(&core.sizes), Dims::from_slice(&core.strides));
    sizes.remove(d);
    let stride = strides.remove(d);
    let slices =
        (0..core.sizes[d]).map(|i| core.with_geometry(sizes.clone(), strides.clone(), core.offset + i * stride));
    Ok(Views::Many(slices.collect()))
}

/// The sizes after dimensions `start` to `end` become one.
pub fn flattened(x: &Tensor, start: i64, end: i64) -> Result<Dims> {
    let (a, b) = (wrap(start, x.ndim())?, wrap(end, x.ndim())?);
    if a > b {
        fail!(Runtime, "flatten() has invalid args: start_dim cannot come after end_dim");
    }
    if x.ndim() == 0 {
        return Ok(smallvec::smallvec![1]);
    }
    let sizes = x.sizes();
    let mut out: Dims = sizes[..a].into();
    out.push(sizes[a..=b].iter().product());
    out.extend_from_slice(&sizes[b + 1..]);
    Ok(out)
}

/// A complex tensor as a real one with a last dimension of two.
pub fn as_real(x: &Tensor) -> Result<Views> {
    if !x.dtype().is_complex() {
        fail!(Runtime, "view_as_real is only supported for complex tensors");
    }
    let core = x.core();
    let mut new = core.clone();
    new.dtype = core.dtype.to_real();
    new.offset = 2 * core.offset;
    new.strides.iter_mut().for_each(|stride| *stride *= 2);
    new.sizes.push(2);
    new.strides.push(1);
    Ok(Views::One(new))
}

/// A real tensor with a last dimension of two as a complex one.
pub fn as_complex(x: &Tensor) -> Result<Views> {
    let core = x.core();
    if !matches!(core.dtype, DType::F32 | DType::F64) {
        fail!(
            Runtime,
            "view_as_complex is only supported for half, float and double tensors, but got a tensor of scalar type: {}",
            core.dtype.scalar_name()
        );
    }
    let last = core.ndim().wrapping_sub(1);
    if core.sizes.last() != Some(&2) || core.strides[last] != 1 {
        fail!(Runtime, "Tensor must have a last dimension of size 2 with stride 1");
    }
    let mut new = core.clone();
    new.dtype = core.dtype.to_complex();
    new.sizes.pop();
    new.strides.pop();
    if core.offset % 2 != 0 || new.strides.iter().any(|stride| stride % 2 != 0) {
        fail!(Runtime, "Tensor must have a stride divisible by 2 for all but last dimension");
    }
    new.offset = core.offset / 2;
    new.strides.iter_mut().for_each(|stride| *stride /= 2);
    Ok(Views::One(new))
}
