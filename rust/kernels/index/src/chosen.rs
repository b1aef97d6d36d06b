//! Elements that differ from zero, counted task by task, so that each task then writes what it finds from a place of its
//! own.

use crate::copy::{Base, GRAIN, by_width, check_mask, int64, same_dtype, same_sizes};
use corten_base::alloc::filled;
use corten_base::element::{Cast, b8};
use corten_base::pool::parallel_for;
use corten_base::{Element, Operand, Result, fail, multiversion, with_dtype};
use corten_strided::{Dims, dims_of};
use std::ops::Range;

/// Elements whose places are noted at a time, each in a byte.
const PIECE: usize = 256;

/// How many elements of an operand differ from zero, in total and in each task's share of them: [`GRAIN`] elements in
/// row-major order.
pub struct Chosen {
    /// How many come before each task's, and last how many there are.
    starts: Vec<usize>,
}

impl Chosen {
    /// Counts those of `x`.
    pub fn of(x: &Operand) -> Result<Self> {
        let dims = dims_of(x).coalesced();
        let mut starts = filled(0, dims.numel().div_ceil(GRAIN) + 1)?;
        let counts = Base(starts[1..].as_mut_ptr());
        with_dtype!(x.dtype(), T => parallel_for(dims.numel(), GRAIN, &|range| {
            let (counts, task, mut count) = (counts, range.start / GRAIN, 0);
            dims.runs(range, |[at], [step], n| {
                // SAFETY: elements of `x`.
                count += unsafe { count_run(Base::<T>::of(x).0.wrapping_offset(at), step, n) };
            });
            // SAFETY: each task has its own count.
            unsafe { counts.write(task as isize, count) }
        }));
        let mut total = 0;
        for start in &mut starts {
            total += *start;
            *start = total;
        }
        Ok(Chosen { starts })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Calls `body` for each task with its share of `numel` elements, and the places of those chosen among all that are.
    fn share(&self, numel: usize, body: &(dyn Fn(Range<usize>, Range<usize>) + Sync)) -> Result<()> {
        if numel.div_ceil(GRAIN) + 1 != self.starts.len() {
            fail!(Runtime, "expected the operand whose elements were counted, but got one of {numel} elements");
        }
        parallel_for(numel, GRAIN, &|range| {
            let task = range.start / GRAIN;
            body(range, self.starts[task]..self.starts[task + 1]);
        });
        Ok(())
    }
}

/// An element that is true or false.
trait Truth: Element + Cast<b8> {
    #[inline(always)]
    fn is_true(self) -> bool {
        self.cast().0 != 0
    }
}

impl<T: Element + Cast<b8>> Truth for T {}

/// How many of the `n` elements from `first` on, `step` apart, differ from zero.
///
/// # Safety
/// The elements may be read, and nothing writes them meanwhile.
unsafe fn count_run<T: Truth>(first: *const T, step: isize, n: usize) -> usize {
    if step == 1 {
        // SAFETY: the caller's promise.
        return count_row(unsafe { std::slice::from_raw_parts(first, n) });
    }
    // SAFETY: the caller's promise.
    (0..n as isize).filter(|i| unsafe { first.offset(i * step).read() }.is_true()).count()
}

multiversion! {
    fn count_row<T: Truth>(row: &[T]) -> usize {
        // Counts of a byte each, while a byte can hold them.
        row.chunks(255).map(|piece| piece.iter().fold(0u8, |count, &x| count + x.is_true() as u8) as usize).sum()
    }
}

/// Notes which of the `n` elements (at most [`PIECE`]) from `first` on, `step` apart, differ from zero; answers how many.
///
/// # Safety
/// As for [`count_run`].
#[inline(never)]
unsafe fn find<T: Truth>(first: *const T, step: isize, n: usize, found: &mut [u8; PIECE]) -> usize {
    let mut count = 0;
    for i in 0..n.min(PIECE) {
        // Each place is noted, and over by the next, so that nothing depends on a guess of what comes.
        found[count] = i as u8;
        // SAFETY: the caller's promise.
        count += unsafe { first.offset(i as isize * step).read() }.is_true() as usize;
    }
    count
}

/// The indices of the elements of `x`, of which the `chosen` differ from zero, in row-major order: one row of `out` (int64,
/// their number × dimensions) each.
pub fn nonzero(out: Operand, x: Operand, chosen: &Chosen) -> Result<()> {
    int64(&out)?;
    let (&[rows, rank], &[down, across]) = (out.sizes(), out.strides()) else {
        fail!(Runtime, "expected a result of two dimensions, but got {:?}", out.sizes());
    };
    if rank != x.ndim() as i64 || rows != chosen.count() as i64 {
        fail!(Runtime, "expected a result of {} × {}, but got {rows} × {rank}", chosen.count(), x.ndim());
    }
    let dims = dims_of(&x);
    // Runs go along the last dimension that has more than one element.
    let longer: Vec<usize> = (0..x.ndim()).filter(|&dim| x.sizes()[dim] != 1).collect();
    with_dtype!(x.dtype(), T => chosen.share(dims.numel(), &|range, mut places| {
        let mut at = vec![0; x.ndim()];
        let mut found = [0u8; PIECE];
        dims.indexed_runs(range, |index, [first], [step], count| {
            longer.iter().zip(index).for_each(|(&dim, &index)| at[dim] = index as i64);
            for start in (0..count).step_by(PIECE) {
                let first = Base::<T>::of(&x).0.wrapping_offset(first + start as isize * step);
                // SAFETY: elements of `x`.
                let n = unsafe { find(first, step, (count - start).min(PIECE), &mut found) };
                // No more than were counted, should somebody have written to `x` since.
                let found = &found[..n.min(places.len())];
                for (dim, &index) in at.iter().enumerate() {
                    let to = (places.start as i64 * down + dim as i64 * across) as isize;
                    let to = Base::<i64>::of(&out).0.wrapping_offset(to);
                    // SAFETY: the task's own places in `out`.
                    unsafe {
                        if longer.last() == Some(&dim) {
                            write_places(to, down as isize, index + start as i64, found);
                        } else {
                            (0..found.len() as isize).for_each(|row| to.offset(row * down as isize).write(index));
                        }
                    }
                }
                places.start += found.len();
            }
        });
    }))
}

/// Writes `start` plus each of the places `found`, `step` apart.
///
/// # Safety
/// There must be so many elements that nothing else uses.
unsafe fn write_places(to: *mut i64, step: isize, start: i64, found: &[u8]) {
    for (row, &place) in found.iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe { to.offset(row as isize * step).write(start + place as i64) }
    }
}

/// The elements of `x` where `mask` (bool, of its sizes), which chooses the `chosen`, is true, in row-major order, into the
/// one-dimensional `out` of as many elements.
pub fn masked_select(out: Operand, x: Operand, mask: Operand, chosen: &Chosen) -> Result<()> {
    check_mask(&mask)?;
    same_dtype(&out, &x)?;
    same_sizes(&x, &mask)?;
    let (&[total], &[stride]) = (out.sizes(), out.strides()) else {
        fail!(Runtime, "expected a result of one dimension, but got {:?}", out.sizes());
    };
    if total != chosen.count() as i64 {
        fail!(Runtime, "the mask chooses {} elements, but the result has {total}", chosen.count());
    }
    let dims = Dims::new(x.sizes(), [x.strides(), mask.strides()]).coalesced();
    by_width!(x.dtype(), T => chosen.share(dims.numel(), &|range, mut places| {
        dims.runs(range, |[from, at], steps, n| {
            let (x, flags) = (Base::<T>::of(&x).0.wrapping_offset(from), mask.ptr().wrapping_offset(at));
            let to = Base::<T>::of(&out).0.wrapping_offset((places.start as i64 * stride) as isize);
            // SAFETY: elements of `x` and of the mask, and the task's own places in `out`.
            places.start += unsafe { select(to, stride as isize, places.len(), x, flags, steps, n) };
        });
    }))
}

/// Writes those of the `n` elements from `x` on whose flags are true, at most `room`, `step` apart; answers how many.
///
/// # Safety
/// There must be so many elements, flags (`steps` apart) and, unused by anything else, places.
unsafe fn select<T: Copy>(
    to: *mut T,
    step: isize,
    room: usize,
    x: *const T,
    flags: *const u8,
    steps: [isize; 2],
    n: usize,
) -> usize {
    let mut taken = 0;
    for i in 0..n as isize {
        if taken == room {
            break;
        }
        // SAFETY: the caller's promise. What the mask does not choose is written too, and over by the next that it does, so
        // that nothing depends on a guess of what it holds.
        unsafe {
            to.offset(taken as isize * step).write(x.offset(i * steps[0]).read());
            taken += (flags.offset(i * steps[1]).read() != 0) as usize;
        }
    }
    taken
}
