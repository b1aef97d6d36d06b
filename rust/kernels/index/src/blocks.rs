//! Whole blocks of elements chosen by indices: advanced indexing, and the family of `index_select`.

use crate::arithmetic::Arithmetic;
use crate::copy::{
    Base, GRAIN, by_width, check_dim, copy_rows, int64, out_of_bounds, read_index, same_dtype, same_sizes, wrapped,
};
use crate::elements;
use corten_base::alloc::room;
use corten_base::pool::parallel_for;
use corten_base::{DType, Element, Error, Operand, Result, Scalar, error, fail, multiversion, with_dtype};
use corten_strided::{Dim, Dims, dims_of};
use std::ops::Range;

/// Elements of a row that are worth a walk.
const PIECE: usize = 512;

/// Elements of a block that go to their places together, each of which is read once for them.
const ABREAST: usize = 4;

/// Where blocks lie: one pair of offsets a block (in the operand of indices, then in the indexed one), and the
/// dimensions of a block in both.
struct Blocks {
    places: Vec<[isize; 2]>,
    block: Dims<2>,
}

/// The dimensions of a block, where `indices` (int64, of one shape) index the first dimensions of `x`.
fn block_nd(chosen: &Operand, x: &Operand, indices: &[Operand]) -> Result<Dims<2>> {
    let Some(first) = indices.first() else { fail!(Index, "indexing needs an index") };
    let (count, rank) = (indices.len(), first.ndim());
    if count > x.ndim() {
        fail!(Index, "too many indices for tensor of dimension {}", x.ndim());
    }
    for index in indices {
        int64(index)?;
        same_sizes(index, first)?;
    }
    let sizes = chosen.sizes();
    if sizes.len() != rank + x.ndim() - count || sizes[..rank] != *first.sizes() || sizes[rank..] != x.sizes()[count..]
    {
        fail!(Runtime, "shape mismatch: indices of {:?} into {:?} do not give {sizes:?}", first.sizes(), x.sizes());
    }
    Ok(Dims::new(&sizes[rank..], [&chosen.strides()[rank..], &x.strides()[count..]]).sorted().coalesced())
}

/// Offsets in `x` of the blocks that [`block_nd`] describes: one for each element of the indices.
fn plan_nd(chosen: &Operand, x: &Operand, indices: &[Operand]) -> Result<Blocks> {
    let (block, shape) = (block_nd(chosen, x, indices)?, indices[0].sizes());
    let mut places = starts(shape, &chosen.strides()[..shape.len()])?;
    for (dim, index) in indices.iter().enumerate() {
        let (size, stride) = (x.sizes()[dim], x.strides()[dim]);
        // Indices from -size on are good; those from 0 on, where they are.
        if let Some(bad) = choose(&mut places, index, -size..size, stride as isize) {
            fail!(Index, "{}", out_of_bounds(bad, size, dim));
        }
    }
    Ok(Blocks { places, block })
}

/// The dimensions of a slice along `dim` of which the one-dimensional `index` names some.
fn block_dim(chosen: &Operand, x: &Operand, dim: usize, index: &Operand) -> Result<Dims<2>> {
    check_dim(x, dim)?;
    int64(index)?;
    let &[count] = index.sizes() else { fail!(Index, "Index is supposed to be a vector, but got {:?}", index.sizes()) };
    let fits = chosen.ndim() == x.ndim()
        && (0..x.ndim()).all(|i| chosen.sizes()[i] == if i == dim { count } else { x.sizes()[i] });
    if !fits {
        fail!(Runtime, "{count} indices into {:?} along {dim} do not give {:?}", x.sizes(), chosen.sizes());
    }
    let rest = (0..x.ndim())
        .filter(|&i| i != dim)
        .map(|i| Dim { size: x.sizes()[i] as usize, strides: [chosen.strides()[i] as isize, x.strides()[i] as isize] });
    Ok(Dims::from_dims(rest).sorted().coalesced())
}

/// Offsets of the slices of `x` along `dim` that `index` names, and of the slices of `chosen`, as [`block_dim`] describes
/// them. Negative indices count from the end where `wraps`; `outside` is the error of an index that names none.
fn plan_dim(
    chosen: &Operand,
    x: &Operand,
    dim: usize,
    index: &Operand,
    wraps: bool,
    outside: impl FnOnce(i64, i64) -> Error,
) -> Result<Blocks> {
    let block = block_dim(chosen, x, dim, index)?;
    let mut places = starts(index.sizes(), &[chosen.strides()[dim]])?;
    let size = x.sizes()[dim];
    if let Some(bad) = choose(&mut places, index, if wraps { -size } else { 0 }..size, x.strides()[dim] as isize) {
        return Err(outside(bad, size));
    }
    Ok(Blocks { places, block })
}

/// Where blocks are single elements: writes those of `x` along `dim` that `index` names in `range`, and answers the first
/// index that is not in it. `strides` are those of `out` along the index's dimensions.
fn select(out: &Operand, strides: &[i64], x: &Operand, dim: usize, index: &Operand, range: Range<i64>) -> Option<i64> {
    let step = |d: usize| [index.strides()[d] as isize, strides[d] as isize, 0];
    let dims = (0..index.ndim()).map(|d| Dim { size: index.sizes()[d] as usize, strides: step(d) });
    elements::choose(out, x, index, Dims::from_dims(dims), range, x.strides()[dim] as isize)
}

/// Offsets of the blocks in the operand of indices, where the indices have these sizes; the other offsets are 0.
fn starts(sizes: &[i64], strides: &[i64]) -> Result<Vec<[isize; 2]>> {
    let dims = Dims::new(sizes, [strides]).coalesced();
    let mut places = room(dims.numel())?;
    dims.runs(0..dims.numel(), |[at], [step], count| {
        places.extend((0..count as isize).map(|i| [at + i * step, 0]));
    });
    Ok(places)
}

/// Moves the second offset of each place by `stride` times its element of `index`, if that is in `range`; negative ones
/// count from the range's end. Returns the first that is not.
fn choose(places: &mut [[isize; 2]], index: &Operand, range: Range<i64>, stride: isize) -> Option<i64> {
    let dims = dims_of(index).coalesced();
    let (mut places, mut bad) = (places.iter_mut(), None);
    dims.runs(0..dims.numel(), |[at], [step], count| {
        for (i, place) in (&mut places).take(count).enumerate() {
            // SAFETY: an element of the index.
            let index = unsafe { read_index(index, at + i as isize * step) };
            if !range.contains(&index) {
                bad = bad.or(Some(index));
            }
            let from_start = if index < 0 { index.wrapping_add(range.end) } else { index };
            place[1] = place[1].wrapping_add((from_start as isize).wrapping_mul(stride));
        }
    });
    bad
}

/// Copies the elements at each place from each of these offsets on, in `to` and in `from`.
///
/// # Safety
/// They must be elements, those written to used by nothing else.
#[inline]
unsafe fn move_places<T: Copy, const N: usize>(
    places: &[[isize; 2]],
    to: *mut T,
    from: *const T,
    rows: [[isize; 2]; N],
) {
    let rows = rows.map(|[t, f]| (to.wrapping_offset(t), from.wrapping_offset(f)));
    for place in places {
        for (to, from) in rows {
            // SAFETY: the caller's promise.
            unsafe { to.offset(place[0]).write(from.offset(place[1]).read()) }
        }
    }
}

impl Blocks {
    /// Copies each block from `from` to `to`.
    ///
    /// # Safety
    /// The plan must be that of operands at `to` and `from` with elements of T.
    unsafe fn gather<T: Copy>(&self, to: *mut T, from: *const T) {
        let count = self.block.numel();
        if count == 0 {
            return;
        }
        let (to, from) = (Base(to), Base(from.cast_mut()));
        let inner = self.block.as_slice().last();
        if self.places.len() > 1 && inner.is_some_and(|d| d.strides[0] != 1) {
            // The indexed dimension is the inner one: all places for each element of a block.
            parallel_for(count, (GRAIN / self.places.len()).max(1), &|range| {
                let (to, from) = (to, from);
                self.block.runs(range, |[t, f], steps, count| {
                    for first in (0..count).step_by(ABREAST) {
                        let rows = ABREAST.min(count - first);
                        let (to, from) = (to.0.wrapping_offset(t), from.0.wrapping_offset(f).cast_const());
                        let row = |i: usize| [0, 1].map(|k| (first + i) as isize * steps[k]);
                        // SAFETY: the caller's promise.
                        unsafe {
                            if rows == ABREAST {
                                move_places::<T, ABREAST>(&self.places, to, from, std::array::from_fn(row));
                            } else {
                                (0..rows).for_each(|i| move_places(&self.places, to, from, [row(i)]));
                            }
                        }
                    }
                });
            });
            return;
        }
        let (outer, inner) = self.block.clone().split_inner();
        let plain = outer.as_slice().is_empty() && inner.strides == [1, 1];
        parallel_for(self.places.len(), (GRAIN / count).max(1), &|range| {
            let (to, from) = (to, from);
            for place in &self.places[range] {
                // SAFETY: the caller's promise.
                unsafe {
                    let (to, from) = (to.0.offset(place[0]), from.0.offset(place[1]));
                    if count == 1 {
                        to.write(from.read());
                    } else if plain {
                        // Here and not by a walk, which takes longer than a short row does.
                        std::ptr::copy(from, to, count);
                    } else {
                        copy_rows(&outer, inner, to, from);
                    }
                }
            }
        });
    }

    /// Joins each element of the blocks with what is where it goes, blocks in order; where blocks are large, tasks share
    /// out their elements, so that each destination has one task.
    ///
    /// # Safety
    /// The plan must be that of operands at `from` and `to` with elements of T.
    unsafe fn scatter<T: Copy>(&self, from: *const T, to: *mut T, join: impl Fn(T, T) -> T + Sync) {
        let (from, to) = (Base(from.cast_mut()), Base(to));
        let each = |f: isize, t: isize| {
            // SAFETY: the caller's promise.
            unsafe { to.write(t, join(to.read(t), from.read(f))) }
        };
        let (outer, inner) = self.block.clone().split_inner();
        if inner.strides != [1, 1] && self.places.len() > 1 {
            // The indexed dimension is the inner one: all places for each element of a block.
            let count = self.block.numel();
            parallel_for(count, (GRAIN / self.places.len()).max(1), &|range| {
                self.block.walk(range, |[f, t]| self.places.iter().for_each(|place| each(place[0] + f, place[1] + t)));
            });
            return;
        }
        // Pieces of rows, so that long rows are shared too; each piece is a walk through all places.
        let piece = (GRAIN / self.places.len().max(1)).max(PIECE);
        let pieces = inner.size.div_ceil(piece);
        parallel_for(outer.numel() * pieces, (piece / inner.size.max(1)).max(1), &|range| {
            let (from, to) = (from, to);
            for task in range {
                let first = task % pieces * piece;
                let count = piece.min(inner.size - first);
                outer.walk(task / pieces..task / pieces + 1, |[f, t]| {
                    for place in &self.places {
                        let f = place[0] + f + first as isize * inner.strides[0];
                        let t = place[1] + t + first as isize * inner.strides[1];
                        let steps = [inner.strides[1], inner.strides[0]];
                        // SAFETY: the caller's promise.
                        unsafe { join_run(to.0.offset(t), from.0.offset(f), steps, count, &join) }
                    }
                });
            }
        });
    }
}

multiversion! {
    fn join_apart<T: Copy, F: Fn(T, T) -> T>(to: &mut [T], from: &[T], join: &F) {
        for (to, &from) in to.iter_mut().zip(from) {
            *to = join(*to, from);
        }
    }
}

/// Joins `count` elements with those at `to`, `steps` apart there and at `from`.
///
/// # Safety
/// There must be so many elements at both addresses.
#[inline]
pub(crate) unsafe fn join_run<T: Copy>(
    to: *mut T,
    from: *const T,
    steps: [isize; 2],
    count: usize,
    join: &impl Fn(T, T) -> T,
) {
    if steps == [1, 1] && (to as usize).abs_diff(from as usize) >= count * size_of::<T>() {
        // SAFETY: the caller's promise; the two do not overlap, and kernels alone write to `to` meanwhile.
        let (to, from) =
            unsafe { (std::slice::from_raw_parts_mut(to, count), std::slice::from_raw_parts(from, count)) };
        return join_apart(to, from, join);
    }
    for i in 0..count as isize {
        // SAFETY: the caller's promise.
        unsafe {
            let to = to.offset(i * steps[0]);
            to.write(join(to.read(), from.offset(i * steps[1]).read()));
        }
    }
}

/// Elements of `x` at `indices` into its first dimensions (int64, of one shape, negative ones counted from the end). `out`
/// has the indices' shape followed by `x`'s other dimensions.
pub fn gather_nd(out: Operand, x: Operand, indices: &[Operand]) -> Result<()> {
    same_dtype(&out, &x)?;
    if let [index] = indices
        && block_nd(&out, &x, indices)?.as_slice().is_empty()
    {
        let size = x.sizes()[0];
        return match select(&out, out.strides(), &x, 0, index, -size..size) {
            None => Ok(()),
            Some(bad) => fail!(Index, "{}", out_of_bounds(bad, size, 0)),
        };
    }
    let plan = plan_nd(&out, &x, indices)?;
    // SAFETY: the plan's offsets are those of elements of `out` and `x`.
    by_width!(x.dtype(), T => unsafe { plan.gather::<T>(out.ptr().cast(), x.ptr().cast()) });
    Ok(())
}

/// Writes `values` (of the shape that [`gather_nd`] gives) into `out` at `indices`, or adds them. Of several at one place
/// the last is kept; sums are made in the order of the indices.
pub fn scatter_nd(out: Operand, values: Operand, indices: &[Operand], accumulate: bool) -> Result<()> {
    same_dtype(&out, &values)?;
    let plan = plan_nd(&values, &out, indices)?;
    put_blocks(&plan, &out, &values, accumulate);
    Ok(())
}

fn put_blocks(plan: &Blocks, out: &Operand, values: &Operand, accumulate: bool) {
    if accumulate {
        with_dtype!(out.dtype(), T => {
            // SAFETY: the plan's offsets are those of elements of `values` and `out`.
            unsafe { plan.scatter::<T>(values.ptr().cast(), out.ptr().cast(), T::add) }
        });
    } else {
        by_width!(out.dtype(), T => {
            // SAFETY: as above.
            unsafe { plan.scatter::<T>(values.ptr().cast(), out.ptr().cast(), |_, value| value) }
        });
    }
}

/// The slices of `x` along `dim` that the one-dimensional `index` names.
pub fn index_select(out: Operand, x: Operand, dim: usize, index: Operand) -> Result<()> {
    same_dtype(&out, &x)?;
    let outside = || error!(Index, "index out of range in self");
    if block_dim(&out, &x, dim, &index)?.as_slice().is_empty() {
        let bad = select(&out, &[out.strides()[dim]], &x, dim, &index, 0..x.sizes()[dim]);
        return bad.map_or(Ok(()), |_| Err(outside()));
    }
    let plan = plan_dim(&out, &x, dim, &index, false, |_, _| outside())?;
    // SAFETY: the plan's offsets are those of elements of `out` and `x`.
    by_width!(x.dtype(), T => unsafe { plan.gather::<T>(out.ptr().cast(), x.ptr().cast()) });
    Ok(())
}

/// Writes the slices of `source` along `dim` into those of `out` that `index` names; the last of several is kept.
pub fn index_copy(out: Operand, dim: usize, index: Operand, source: Operand) -> Result<()> {
    same_dtype(&out, &source)?;
    let plan = plan_dim(&source, &out, dim, &index, false, |index, size| {
        error!(Index, "index_copy_(): {}", out_of_bounds(index, size, dim))
    })?;
    put_blocks(&plan, &out, &source, false);
    Ok(())
}

/// Adds `alpha` times the slices of `source` along `dim` to those of `out` that `index` names, in order.
pub fn index_add(out: Operand, dim: usize, index: Operand, source: Operand, alpha: Scalar) -> Result<()> {
    same_dtype(&out, &source)?;
    let plan = plan_dim(&source, &out, dim, &index, false, |index, size| match out.ndim() {
        1 => error!(Index, "index out of range in self"),
        _ => error!(Runtime, "{}", out_of_bounds(index, size, dim)),
    })?;
    with_dtype!(out.dtype(), T => {
        let alpha = alpha.to::<T>();
        // SAFETY: the plan's offsets are those of elements of `source` and `out`.
        unsafe {
            plan.scatter::<T>(source.ptr().cast(), out.ptr().cast(), |old, value| old.add(alpha.mul(value)))
        }
    });
    Ok(())
}

/// Sets the slices of `out` along `dim` that `index` names to `value`.
pub fn index_fill(out: Operand, dim: usize, index: Operand, value: Scalar) -> Result<()> {
    check_dim(&out, dim)?;
    int64(&index)?;
    let (mut sizes, strides) = (out.sizes().to_vec(), vec![0; out.ndim()]);
    sizes[dim] = index.numel() as i64;
    with_dtype!(out.dtype(), T => {
        let mut one = [Element::from_scalar(value); 1];
        let source: &mut [T] = &mut one;
        let memory = corten_base::Memory::from_slice(source);
        let source = Operand::new(memory, out.dtype(), 0, &sizes, &strides)?;
        let plan = plan_dim(&source, &out, dim, &index, true, |index, size| {
            error!(Index, "{}", out_of_bounds(index, size, dim))
        })?;
        put_blocks(&plan, &out, &source, false);
    });
    Ok(())
}

/// The gradient of an embedding's weight (rows × width): the rows of `g` (int64 `index`'s shape × width) added up where
/// `index` took them, but for `padding`.
pub fn embedding_backward(gw: Operand, g: Operand, index: Operand, padding: Option<i64>) -> Result<()> {
    same_dtype(&gw, &g)?;
    if gw.ndim() != 2 {
        fail!(Runtime, "expected a weight of two dimensions, but got {:?}", gw.sizes());
    }
    let mut plan = plan_nd(&g, &gw, &[index])?;
    if let Some(padding) = padding {
        let skipped = wrapped(padding, gw.sizes()[0], 0)? as isize * gw.strides()[0] as isize;
        plan.places.retain(|place| place[1] != skipped);
    }
    let all = Dims::new(gw.sizes(), [gw.strides()]).coalesced();
    by_width!(gw.dtype(), T => {
        let base = Base::<T>::of(&gw);
        // SAFETY: elements of `gw`; zero bytes are zero in every dtype.
        let clear = |at| unsafe { base.write(at, T::default()) };
        all.runs(0..all.numel(), |[at], [step], count| match step {
            1 => (at..at + count as isize).for_each(clear),
            step => (0..count as isize).for_each(|i| clear(at + i * step)),
        });
    });
    put_blocks(&plan, &gw, &g, true);
    Ok(())
}

/// The indices that repeat each i of 0..n `repeats[i]` times, into the one-dimensional int64 `out` of their sum.
pub fn repeat_indices(out: Operand, repeats: Operand) -> Result<()> {
    int64(&out)?;
    int64(&repeats)?;
    let (&[total], &[count]) = (out.sizes(), repeats.sizes()) else {
        fail!(Runtime, "repeats must be a vector, but have sizes {:?}", repeats.sizes());
    };
    let mut at = 0;
    for i in 0..count {
        // SAFETY: an element of `repeats`.
        let times = unsafe { read_index(&repeats, (i * repeats.strides()[0]) as isize) };
        if times < 0 || times > total - at {
            fail!(Runtime, "repeats can not be negative, and must sum up to {total}");
        }
        for _ in 0..times {
            // SAFETY: an element of `out`.
            unsafe { Base::<i64>::of(&out).write((at * out.strides()[0]) as isize, i) };
            at += 1;
        }
    }
    if at != total {
        fail!(Runtime, "repeats sum up to {at}, not {total}");
    }
    debug_assert_eq!(out.dtype(), DType::I64);
    Ok(())
}
