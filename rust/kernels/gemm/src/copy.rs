//! Copies between layouts, converting on the way: what packing is made of.

use corten_base::element::Cast;
use corten_base::{Element, multiversion};

/// Columns of a panel of float32 with vectors of eight: rows of a known length are copied without a loop.
const PANEL: usize = 16;

/// An element type that converts to `T`.
pub trait Source<T>: Element + Cast<T> {}
impl<S: Element + Cast<T>, T> Source<T> for S {}

/// Writes `rows` by `columns` numbers at `to`, whose columns are contiguous and whose rows are `to_step` apart, from
/// `from` with any strides `(row, column)`.
///
/// # Safety
/// Both sides must be valid for those elements and must not overlap.
pub unsafe fn copy<S: Source<T>, T: Element>(
    (rows, columns): (usize, usize),
    to: *mut T,
    to_step: usize,
    from: *const S,
    (row, column): (isize, isize),
) {
    // A single dense column is a row.
    let job = match (columns, to_step) {
        (1, 1) => Job { rows: 1, columns: rows, to, to_step, from, row: 0, column: row },
        _ => Job { rows, columns, to, to_step, from, row, column },
    };
    // SAFETY: the caller's promise.
    unsafe { copy_loops::<T, S>(job) }
}

struct Job<S, T> {
    rows: usize,
    columns: usize,
    to: *mut T,
    to_step: usize,
    from: *const S,
    row: isize,
    column: isize,
}

impl<S: Source<T>, T: Element> Job<S, T> {
    /// # Safety
    /// The element (r, c) of both sides must be valid.
    #[inline(always)]
    unsafe fn one(&self, r: usize, c: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            let x = *self.from.offset(r as isize * self.row + c as isize * self.column);
            *self.to.add(r * self.to_step + c) = x.cast();
        }
    }

    /// Eight by eight from (r, c), where rows are contiguous in the source.
    ///
    /// # Safety
    /// These elements of both sides must be valid.
    #[inline(always)]
    unsafe fn turn8(&self, r: usize, c: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            let from = self.from.add(r).offset(c as isize * self.column);
            let to = self.to.add(r * self.to_step + c);
            #[cfg(target_arch = "x86_64")]
            if is_f32::<S>() && is_f32::<T>() && has_avx() {
                return turn8_avx(from.cast(), self.column, to.cast(), self.to_step);
            }
            let mut block = [[T::default(); 8]; 8];
            for (j, line) in block.iter_mut().enumerate() {
                let from = from.offset(j as isize * self.column);
                for (i, x) in line.iter_mut().enumerate() {
                    *x = (*from.add(i)).cast();
                }
            }
            for i in 0..8 {
                for (j, line) in block.iter().enumerate() {
                    *to.add(i * self.to_step + j) = line[i];
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn is_f32<T: Element>() -> bool {
    std::any::TypeId::of::<T>() == std::any::TypeId::of::<f32>()
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn has_avx() -> bool {
    use corten_base::isa::{Isa, isa};
    matches!(isa(), Isa::Avx2 | Isa::Avx512)
}

multiversion! {
    /// # Safety
    /// As [`copy`].
    unsafe fn copy_loops<T: Element, S: Source<T>>(job: Job<S, T>) {
        if job.column != 1 && job.row == 1 && job.rows >= 8 && job.columns >= 8 {
            // Two blocks beside one another fill a cache line of the source, which is gone where the next ones are read.
            // The last blocks begin early: what they have in common with others is copied twice.
            let (last, last_column) = (job.rows - 8, job.columns - 8);
            for r in (0..job.rows).step_by(16) {
                for c in (0..job.columns).step_by(8) {
                    // SAFETY: blocks of the job's elements.
                    unsafe {
                        job.turn8(r.min(last), c.min(last_column));
                        if r + 8 < job.rows {
                            job.turn8((r + 8).min(last), c.min(last_column));
                        }
                    }
                }
            }
        } else if job.column == 1 && job.columns == PANEL {
            for r in 0..job.rows {
                // SAFETY: a row of the job's elements.
                unsafe {
                    let from = job.from.offset(r as isize * job.row).cast::<[S; PANEL]>();
                    let to = job.to.add(r * job.to_step).cast::<[T; PANEL]>();
                    to.write(std::array::from_fn(|i| (*from)[i].cast()));
                }
            }
        } else if job.column == 1 {
            for r in 0..job.rows {
                // SAFETY: a row of the job's elements.
                let (from, to) = unsafe {
                    (
                        std::slice::from_raw_parts(job.from.offset(r as isize * job.row), job.columns),
                        std::slice::from_raw_parts_mut(job.to.add(r * job.to_step), job.columns),
                    )
                };
                // In pieces of a known length: most rows are too short for a loop of several vectors at a time.
                let (blocks, tail) = from.as_chunks::<8>();
                let (to_blocks, to_tail) = to.as_chunks_mut::<8>();
                for (y, x) in to_blocks.iter_mut().zip(blocks) {
                    *y = x.map(Cast::cast);
                }
                let (blocks, tail) = tail.as_chunks::<4>();
                let (to_blocks, to_tail) = to_tail.as_chunks_mut::<4>();
                for (y, x) in to_blocks.iter_mut().zip(blocks) {
                    *y = x.map(Cast::cast);
                }
                for (y, x) in to_tail.iter_mut().zip(tail) {
                    *y = x.cast();
                }
            }
        } else {
            for r in 0..job.rows {
                for c in 0..job.columns {
                    // SAFETY: one of the job's elements.
                    unsafe { job.one(r, c) };
                }
            }
        }
    }
}

/// Transposes eight by eight f32.
///
/// # Safety
/// The memory must be valid, and the processor must have AVX.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx")]
unsafe fn turn8_avx(from: *const f32, from_step: isize, to: *mut f32, to_step: usize) {
    use std::arch::x86_64::*;
    // SAFETY: the caller's promise.
    unsafe {
        let row = |i: isize| _mm256_loadu_ps(from.offset(i * from_step));
        let (r0, r1, r2, r3) = (row(0), row(1), row(2), row(3));
        let (r4, r5, r6, r7) = (row(4), row(5), row(6), row(7));
        let (a0, a1) = (_mm256_unpacklo_ps(r0, r1), _mm256_unpackhi_ps(r0, r1));
        let (a2, a3) = (_mm256_unpacklo_ps(r2, r3), _mm256_unpackhi_ps(r2, r3));
        let (a4, a5) = (_mm256_unpacklo_ps(r4, r5), _mm256_unpackhi_ps(r4, r5));
        let (a6, a7) = (_mm256_unpacklo_ps(r6, r7), _mm256_unpackhi_ps(r6, r7));
        let (b0, b1) = (_mm256_shuffle_ps::<0x44>(a0, a2), _mm256_shuffle_ps::<0xee>(a0, a2));
        let (b2, b3) = (_mm256_shuffle_ps::<0x44>(a1, a3), _mm256_shuffle_ps::<0xee>(a1, a3));
        let (b4, b5) = (_mm256_shuffle_ps::<0x44>(a4, a6), _mm256_shuffle_ps::<0xee>(a4, a6));
        let (b6, b7) = (_mm256_shuffle_ps::<0x44>(a5, a7), _mm256_shuffle_ps::<0xee>(a5, a7));
        let put = |i: usize, x: __m256| _mm256_storeu_ps(to.add(i * to_step), x);
        put(0, _mm256_permute2f128_ps::<0x20>(b0, b4));
        put(1, _mm256_permute2f128_ps::<0x20>(b1, b5));
        put(2, _mm256_permute2f128_ps::<0x20>(b2, b6));
        put(3, _mm256_permute2f128_ps::<0x20>(b3, b7));
        put(4, _mm256_permute2f128_ps::<0x31>(b0, b4));
        put(5, _mm256_permute2f128_ps::<0x31>(b1, b5));
        put(6, _mm256_permute2f128_ps::<0x31>(b2, b6));
        put(7, _mm256_permute2f128_ps::<0x31>(b3, b7));
    }
}
