//! Single elements chosen by indices: `gather`, `scatter` and its reductions, `take` and `put`.

use crate::arithmetic::Arithmetic;
use crate::copy::{Base, GRAIN, by_width, check_dim, int64, out_of_bounds, read_index, same_dtype, same_sizes};
use corten_base::alloc::room;
use corten_base::pool::parallel_for;
use corten_base::{Error, Operand, Result, Scalar, error, fail, multiversion, with_dtype};
use corten_strided::{Dim, Dims, dims_of};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

/// Indices that are checked together, just before they are used.
const PIECE: usize = 64;

/// How an element scattered to a place joins what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// Replaces it: the last is kept.
    Replace,
    /// Sum.
    Add,
    /// Product.
    Mul,
    /// Mean (of integers rounded down).
    Mean,
    /// Larger.
    Amax,
    /// Smaller.
    Amin,
}

/// What is scattered.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// The elements of an operand at least as large as the index.
    Operand(Operand<'a>),
    /// One number everywhere.
    Scalar(Scalar),
}

/// Steps through `index`, `other` (0 if none) and `x`, which does not move along `dim`.
fn dims_along(index: &Operand, other: Option<&Operand>, x: &Operand, dim: usize) -> Result<Dims<3>> {
    int64(index)?;
    if index.numel() == 0 {
        return Ok(Dims::from_dims([Dim { size: 0, strides: [0; 3] }]));
    }
    let rank = x.ndim();
    if index.ndim() != rank || other.is_some_and(|o| o.ndim() != rank) {
        fail!(Runtime, "Index tensor must have the same number of dimensions as the input and the source");
    }
    if rank > 0 {
        check_dim(x, dim)?;
    }
    for i in 0..rank {
        let size = index.sizes()[i];
        if (i != dim && size > x.sizes()[i]) || other.is_some_and(|o| size > o.sizes()[i]) {
            fail!(
                Runtime,
                "Size does not match at dimension {i} expected index {:?} to be no larger than {:?} apart from dimension {dim}",
                index.sizes(),
                x.sizes()
            );
        }
    }
    Ok(Dims::from_dims((0..rank).map(|i| Dim {
        size: index.sizes()[i] as usize,
        strides: [
            index.strides()[i] as isize,
            other.map_or(0, |o| o.strides()[i] as isize),
            if i == dim { 0 } else { x.strides()[i] as isize },
        ],
    })))
}

/// Refuses indices outside `size` before anything is written; negative ones too.
fn check_indices(index: &Operand, size: i64, dim: usize) -> Result<()> {
    let dims = Dims::new(index.sizes(), [index.strides()]).coalesced();
    let refused = AtomicBool::new(false);
    let base = Base(index.ptr().cast::<i64>());
    parallel_for(dims.numel(), GRAIN, &|range| {
        let (base, dims) = (base, &dims);
        dims.runs(range, |[first], [step], count| {
            // SAFETY: elements of the index.
            if unsafe { outside(base.0.offset(first), step, count, size) } {
                refused.store(true, Ordering::Relaxed);
            }
        });
    });
    if !refused.into_inner() {
        return Ok(());
    }
    match first_outside(index, 0..size) {
        None => Ok(()),
        Some(i) => fail!(Runtime, "{}", out_of_bounds(i, size, dim)),
    }
}

/// The first index that is not in `range`.
fn first_outside(index: &Operand, range: Range<i64>) -> Option<i64> {
    let (dims, mut bad) = (Dims::new(index.sizes(), [index.strides()]).coalesced(), None);
    dims.walk(0..dims.numel(), |[at]| {
        // SAFETY: an element of the index.
        let i = unsafe { read_index(index, at) };
        bad = bad.or((!range.contains(&i)).then_some(i));
    });
    bad
}

/// True if one of `count` indices, `step` apart, is negative or not below `size`.
///
/// # Safety
/// They must be valid to read.
unsafe fn outside(first: *const i64, step: isize, count: usize, size: i64) -> bool {
    if step == 1 {
        // SAFETY: the caller's promise.
        return any_outside(unsafe { std::slice::from_raw_parts(first, count) }, size);
    }
    // SAFETY: as above.
    (0..count as isize).any(|k| !(0..size).contains(&unsafe { first.offset(k * step).read() }))
}

multiversion! {
    /// True if an index is negative or not below `size`.
    fn any_outside(indices: &[i64], size: i64) -> bool {
        signs(indices, 0, size) < 0
    }
}

/// Negative if an index is below `least` or not below `size`: by signs, and without a way out of the loop, so that it
/// takes several at once.
#[inline(always)]
fn signs(indices: &[i64], least: i64, size: i64) -> i64 {
    indices.iter().fold(0, |signs, &i| signs | i.wrapping_sub(least) | (size - 1).wrapping_sub(i))
}

/// A line that elements are chosen from: where it begins, its size (indices from `least` on are good, negative ones count
/// from its end) and its stride, and where the first chosen one goes; that of the next element of the index begins, and
/// the element goes, `steps` further on.
#[derive(Clone, Copy)]
struct Line<T> {
    first: *const T,
    least: i64,
    size: i64,
    stride: isize,
    out: *mut T,
    steps: [isize; 2],
}

impl<T> Line<T> {
    /// The line of the `k`th element from here on.
    #[inline(always)]
    fn on(self, k: usize) -> Self {
        let [first, out] = self.steps.map(|step| k as isize * step);
        Line { first: self.first.wrapping_offset(first), out: self.out.wrapping_offset(out), ..self }
    }
}

multiversion! {
    /// Writes what `indices` choose to its places; false if one of them lies outside the line.
    ///
    /// # Safety
    /// There must be a line to read and a place to write to for each of the indices.
    unsafe fn choose_run<T: Copy>(indices: &[i64], line: Line<T>) -> bool {
        match line {
            // SAFETY: the caller's promise, here and below.
            Line { stride: 1, steps: [0, 1], .. } => unsafe {
                pieces(indices, Line { stride: 1, steps: [0, 1], ..line })
            },
            // SAFETY: as above.
            Line { steps: [step, 1], .. } => unsafe { pieces(indices, Line { steps: [step, 1], ..line }) },
            // SAFETY: as above.
            _ => unsafe { pieces(indices, line) },
        }
    }
}

/// Checks a piece of the indices at once, and uses them while they are near.
///
/// # Safety
/// As for [`choose_run`].
#[inline(always)]
unsafe fn pieces<T: Copy>(indices: &[i64], mut line: Line<T>) -> bool {
    for indices in indices.chunks(PIECE) {
        if signs(indices, line.least, line.size) < 0 {
            return false;
        }
        for &i in indices {
            let from_start = i + (i >> 63 & line.size);
            // SAFETY: the caller's promise; the index has been checked.
            unsafe { line.out.write(line.first.wrapping_offset(from_start as isize * line.stride).read()) };
            line = line.on(1);
        }
    }
    true
}

/// `out[i][j][k] = x[i][index[i][j][k]][k]` for `dim` 1; `out` has the index's sizes.
pub fn gather(out: Operand, x: Operand, dim: usize, index: Operand) -> Result<()> {
    same_dtype(&out, &x)?;
    same_sizes(&out, &index)?;
    let dims = dims_along(&index, Some(&out), &x, dim)?;
    let (size, stride) = line(&x, dim);
    match choose(&out, &x, &index, dims, 0..size, stride) {
        None => Ok(()),
        Some(i) => fail!(Runtime, "{}", out_of_bounds(i, size, dim)),
    }
}

/// Writes the elements that an index chooses along lines of `x`, whose elements are `stride` apart; `dims` step through
/// the index, `out` and the lines. Answers the first index that is not in `range`; negative ones count from its end.
pub(crate) fn choose(
    out: &Operand,
    x: &Operand,
    index: &Operand,
    dims: Dims<3>,
    range: Range<i64>,
    stride: isize,
) -> Option<i64> {
    let (dims, refused) = (dims.coalesced(), AtomicBool::new(false));
    by_width!(x.dtype(), T => {
        let (indices, to, from) = (Base::<i64>::of(index), Base::<T>::of(out), Base::<T>::of(x));
        let (least, size) = (range.start, range.end);
        parallel_for(dims.numel(), GRAIN, &|range| {
            let (indices, to, from) = (indices, to, from);
            dims.runs(range, |[at, o, f], [at_step, o_step, step], count| {
                let (indices, out) = (indices.0.wrapping_offset(at).cast_const(), to.0.wrapping_offset(o));
                let line = Line { first: from.0.wrapping_offset(f), least, size, stride, out, steps: [step, o_step] };
                let apart = (indices as usize + count * size_of::<i64>() <= out as usize)
                    || (out as usize + count * size_of::<T>() <= indices as usize);
                let good = if at_step == 1 && o_step == 1 && apart {
                    // SAFETY: elements of the index, which nobody writes to; elements of `out`, and lines of `x`.
                    unsafe { choose_run(std::slice::from_raw_parts(indices, count), line) }
                } else {
                    let mut piece = [0; PIECE];
                    (0..count).step_by(PIECE).all(|start| {
                        let piece = &mut piece[..PIECE.min(count - start)];
                        for (k, index) in piece.iter_mut().enumerate() {
                            // SAFETY: elements of the index.
                            *index = unsafe { indices.offset((start + k) as isize * at_step).read() };
                        }
                        // SAFETY: as above.
                        unsafe { choose_run(piece, line.on(start)) }
                    })
                };
                if !good {
                    refused.store(true, Ordering::Relaxed);
                }
            });
        });
    });
    if refused.into_inner() { first_outside(index, range) } else { None }
}

/// Size and stride along `dim`; a scalar is a line of one.
fn line(x: &Operand, dim: usize) -> (i64, isize) {
    if x.ndim() == 0 { (1, 0) } else { (x.sizes()[dim], x.strides()[dim] as isize) }
}

/// The reverse of [`gather`]: writes or joins `source` into `out` at `index` along `dim`, in the index's order. Without
/// `include_self`, what stood at the places written to before does not count.
pub fn scatter(out: Operand, dim: usize, index: Operand, source: Source, join: Join, include_self: bool) -> Result<()> {
    let operand = match &source {
        Source::Operand(source) => {
            same_dtype(&out, source)?;
            Some(source)
        }
        Source::Scalar(_) => None,
    };
    if out.dtype().is_complex() && matches!(join, Join::Amax | Join::Amin) {
        return out.dtype().unsupported("scatter_reduce");
    }
    let dims = dims_along(&index, operand, &out, dim)?;
    let (size, stride) = line(&out, dim);
    check_indices(&index, size, dim)?;
    // Tasks share out another dimension than `dim`, so that each destination has one task.
    let shared = (0..dims.as_slice().len()).filter(|&k| !dims.as_slice()[k].strides[2..].contains(&0));
    let shared = shared.max_by_key(|&k| dims.as_slice()[k].size);
    let scattered = Scattered { out, index, operand, stride, dims };
    with_dtype!(out.dtype(), T => {
        let constant: T = match source {
            Source::Scalar(value) => value.to(),
            Source::Operand(_) => Default::default(),
        };
        if include_self || join == Join::Replace {
            match join {
                Join::Replace => scattered.plain(shared, constant, |_, value| value),
                Join::Add => scattered.plain(shared, constant, T::add),
                Join::Mul => scattered.plain(shared, constant, T::mul),
                Join::Amax => scattered.plain(shared, constant, T::larger),
                Join::Amin => scattered.plain(shared, constant, T::smaller),
                Join::Mean => scattered.counted(constant, join, include_self),
            }
        } else {
            scattered.counted(constant, join, include_self);
        }
    });
    Ok(())
}

/// Elements of a run that a task should have at least.
const LEAST: usize = 128;

/// A [`scatter`] whose indices have been checked; `dims` steps through the index, the source and `out`.
struct Scattered<'a> {
    out: Operand<'a>,
    index: Operand<'a>,
    operand: Option<&'a Operand<'a>>,
    stride: isize,
    dims: Dims<3>,
}

impl Scattered<'_> {
    /// Where the element at these offsets goes.
    fn place(&self, at: isize, t: isize) -> isize {
        // SAFETY: an element of the index.
        t + unsafe { read_index(&self.index, at) } as isize * self.stride
    }

    /// What goes there.
    fn value<T: Copy>(&self, s: isize, constant: T) -> T {
        // SAFETY: an element of the source.
        self.operand.map_or(constant, |o| unsafe { Base::<T>::of(o).read(s) })
    }

    /// Joins each element with what is there; tasks share out dimension `shared`, if any.
    fn plain<T: Copy + Send + Sync>(&self, shared: Option<usize>, constant: T, join: impl Fn(T, T) -> T + Sync) {
        let (base, index) = (Base::<T>::of(&self.out), self.index.ptr().cast::<i64>());
        let (index, stride) = (Base(index), self.stride);
        let some = |dims: &Dims<3>, start: [isize; 3]| {
            let (base, index) = (base, index);
            let source = self.operand.map_or(&raw const constant, |source| source.ptr().cast_const().cast());
            dims.runs(0..dims.numel(), |[at, s, t], steps, count| {
                // SAFETY: elements of the operands (of a constant, the source's steps are zero); the index was checked.
                unsafe {
                    let at = index.0.offset(start[0] + at);
                    let (mut source, mut line) = (source.offset(start[1] + s), base.0.offset(start[2] + t));
                    let mut first = 0;
                    if steps == [1, 1, 0] && stride == 1 {
                        // Eight indices at a time, before a write that might change them, for all the compiler knows.
                        while first + 8 <= count {
                            let places =
                                at.add(first).cast::<[i64; 8]>().read().map(|i| line.wrapping_offset(i as isize));
                            for (k, to) in places.into_iter().enumerate() {
                                to.write(join(to.read(), source.add(k).read()));
                            }
                            source = source.wrapping_add(8);
                            first += 8;
                        }
                    }
                    for k in first..count {
                        let i = at.offset(k as isize * steps[0]).read();
                        let to = line.wrapping_offset(i as isize * stride);
                        to.write(join(to.read(), source.read()));
                        (source, line) = (source.wrapping_offset(steps[1]), line.wrapping_offset(steps[2]));
                    }
                }
            });
        };
        let size = shared.map_or(1, |shared| self.dims.as_slice()[shared].size);
        let each = self.dims.numel() / size.max(1);
        // Runs that a task cuts out of the innermost dimension are no shorter than some cache lines.
        let least = if shared.is_some_and(|shared| shared + 1 == self.dims.as_slice().len()) { LEAST } else { 1 };
        parallel_for(size, (GRAIN / each.max(1)).max(least), &|range| {
            let (dims, start) = match shared {
                Some(shared) => self.dims.part(shared, range),
                None => (self.dims.clone(), [0; 3]),
            };
            some(&dims, start);
        });
    }

    /// Counts the elements that come to each place: the first may replace what is there, a mean divides by them.
    fn counted<T: Arithmetic>(&self, constant: T, join: Join, include_self: bool) {
        let base = Base::<T>::of(&self.out);
        let mut counts: std::collections::HashMap<isize, i64> = Default::default();
        self.dims.walk(0..self.dims.numel(), |[at, s, t]| {
            let (to, value) = (self.place(at, t), self.value(s, constant));
            let count = counts.entry(to).or_insert(include_self as i64);
            let first = *count == 0;
            *count += 1;
            // SAFETY: an element of `out`: the index was checked.
            unsafe {
                let old: T = base.read(to);
                let new = match join {
                    _ if first => value,
                    Join::Replace => value,
                    Join::Add | Join::Mean => old.add(value),
                    Join::Mul => old.mul(value),
                    Join::Amax => old.larger(value),
                    Join::Amin => old.smaller(value),
                };
                base.write(to, new);
            }
        });
        if join == Join::Mean {
            for (to, count) in counts {
                // SAFETY: as above; each place is divided once, so the order does not matter.
                unsafe { base.write(to, base.read(to).divide(count)) }
            }
        }
    }
}

/// The offset of the `flat`th element along dimensions, in row-major order.
#[inline(always)]
fn flat_offset(dims: &[Dim<1>], flat: i64) -> isize {
    let Some((outer, inner)) = dims.split_first() else { return 0 };
    let (mut rest, mut offset) = (flat as usize, 0);
    for dim in inner.iter().rev() {
        offset += (rest % dim.size) as isize * dim.strides[0];
        rest /= dim.size;
    }
    offset + rest as isize * outer.strides[0]
}

/// What is wrong with a flat index that names none of `size` elements.
fn not_among(i: i64, size: i64) -> Error {
    error!(Index, "out of range: tried to access index {i} on a tensor of {size} elements.")
}

/// Offsets in `x` of the flat indices (negative ones counted from the end), in row-major order.
fn flat_places(x: &Operand, index: &Operand) -> Result<Vec<isize>> {
    int64(index)?;
    let size = x.numel() as i64;
    let lines = dims_of(x).coalesced();
    let mut places = room(index.numel())?;
    let mut result = Ok(());
    let dims = Dims::new(index.sizes(), [index.strides()]).coalesced();
    dims.walk(0..dims.numel(), |[at]| {
        // SAFETY: an element of the index.
        let i = unsafe { read_index(index, at) };
        if i < -size || i >= size {
            result = Err(not_among(i, size));
            return;
        }
        places.push(flat_offset(lines.as_slice(), i + (i >> 63 & size)));
    });
    result.map(|()| places)
}

/// The elements of `x` at row-major flat indices; `out` has the index's sizes.
pub fn take(out: Operand, x: Operand, index: Operand) -> Result<()> {
    same_dtype(&out, &x)?;
    same_sizes(&out, &index)?;
    int64(&index)?;
    let size = x.numel() as i64;
    let lines = dims_of(&x).coalesced();
    let stride = match *lines.as_slice() {
        [] => 1,
        [line] => line.strides[0],
        _ => return take_across(&out, &x, &index, lines.as_slice()),
    };
    let step = |d: usize| [index.strides()[d] as isize, out.strides()[d] as isize, 0];
    let dims = Dims::from_dims((0..out.ndim()).map(|d| Dim { size: out.sizes()[d] as usize, strides: step(d) }));
    match choose(&out, &x, &index, dims, -size..size, stride) {
        None => Ok(()),
        Some(i) => Err(not_among(i, size)),
    }
}

/// [`take`] of an operand whose elements lie along several dimensions.
fn take_across(out: &Operand, x: &Operand, index: &Operand, lines: &[Dim<1>]) -> Result<()> {
    let dims = Dims::new(out.sizes(), [out.strides(), index.strides()]).coalesced();
    let (size, refused) = (x.numel() as i64, AtomicBool::new(false));
    by_width!(x.dtype(), T => {
        let (to, indices, from) = (Base::<T>::of(out), Base::<i64>::of(index), Base::<T>::of(x));
        parallel_for(dims.numel(), GRAIN, &|range| {
            let (to, indices, from) = (to, indices, from);
            dims.walk(range, |[o, at]| {
                // SAFETY: elements of the index, of `x` and of `out`.
                unsafe {
                    let i = indices.read(at);
                    if !(-size..size).contains(&i) {
                        return refused.store(true, Ordering::Relaxed);
                    }
                    to.write(o, from.read(flat_offset(lines, i + (i >> 63 & size))));
                }
            });
        });
    });
    match refused.into_inner().then(|| first_outside(index, -size..size)).flatten() {
        None => Ok(()),
        Some(i) => Err(not_among(i, size)),
    }
}

/// Writes or adds the elements of `source` to `out` at row-major flat indices, in order.
pub fn put(out: Operand, index: Operand, source: Operand, accumulate: bool) -> Result<()> {
    same_dtype(&out, &source)?;
    if source.numel() != index.numel() {
        fail!(
            Index,
            "put_(): Expected source and index to have the same number of elements, but got {} and {}",
            source.numel(),
            index.numel()
        );
    }
    let places = flat_places(&out, &index)?;
    let dims = Dims::new(source.sizes(), [source.strides()]).coalesced();
    with_dtype!(out.dtype(), T => {
        let base = Base::<T>::of(&out);
        let mut places = places.iter();
        dims.walk(0..dims.numel(), |[from]| if let Some(&to) = places.next() {
            // SAFETY: elements of `source` and `out`.
            unsafe {
                let value = Base::<T>::of(&source).read(from);
                base.write(to, if accumulate { base.read(to).add(value) } else { value });
            }
        });
    });
    Ok(())
}
