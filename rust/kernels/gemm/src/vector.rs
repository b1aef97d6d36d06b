//! A real row times a matrix, in the 64 lanes of [`crate::dot`]: bound by memory whichever way the matrix lies.

use crate::dot::{LANES, LEAF};
use crate::product::{Product, TASK_WORK};
use crate::scratch::{Inline, Ptr, Scratch};
use crate::simd::Real;
use crate::storage::{Finish, Storage, View};
use crate::tile::Compute;
use corten_base::pool::{num_threads, try_parallel_for};
use corten_base::{Result, multiversion};

/// Columns of a task where they are read one by one.
const NARROW: usize = 64;
/// Columns of a task where rows are read: long stretches, so that they are fetched ahead.
const WIDE: usize = 4096;
/// Bytes of a matrix that is taken to lie in memory rather than in a cache.
const FAR: usize = 16 << 20;
/// Terms of a column that is long enough to be read beside others.
const LONG: usize = 512;
/// Rows of a lane that are added at once, so that its sums are read and written once for all.
const TOGETHER: usize = 4;
/// Columns that are summed in registers, as many as a vector has lanes or some times that.
const PIECE: usize = 8;
/// Sums of neighbouring lanes that stay near.
const SUMS: usize = 4096;

/// Adds the products of the first `N` of `x` and as many rows, which are `step` apart, to zeros (where this is the first)
/// or `sums`.
///
/// # Safety
/// There must be so many rows as wide as `sums`, which nothing writes meanwhile.
#[inline(always)]
unsafe fn add_rows<T: Real, const N: usize>(sums: &mut [T], first: bool, x: [T; TOGETHER], rows: Ptr<T>, step: isize) {
    let (pieces, rest) = sums.as_chunks_mut::<PIECE>();
    let from = |i: usize, column: usize| rows.offset(i as isize * step).wrapping_add(column);
    let whole = pieces.len() * PIECE;
    for (column, piece) in (0..).step_by(PIECE).zip(pieces) {
        let mut sums = if first { [T::ZERO; PIECE] } else { *piece };
        for (i, &x) in x[..N].iter().enumerate() {
            // SAFETY: the caller's promise.
            let near = unsafe { &*from(i, column).cast::<[T; PIECE]>() };
            for (sum, &y) in sums.iter_mut().zip(near) {
                *sum = x.fma(y, *sum);
            }
        }
        *piece = sums;
    }
    for (column, sum) in (whole..).zip(rest) {
        let mut total = if first { T::ZERO } else { *sum };
        for (i, &x) in x[..N].iter().enumerate() {
            // SAFETY: the caller's promise.
            total = x.fma(unsafe { *from(i, column) }, total);
        }
        *sum = total;
    }
}

#[inline(always)]
fn add<T: Real>(sums: &mut [T], others: &[T]) {
    for (sum, &other) in sums.iter_mut().zip(others) {
        *sum = sum.plus(other);
    }
}

/// Neighbouring lanes whose rows of `width` are read one after the other: many where rows are short.
fn neighbours(width: usize) -> usize {
    1 << (SUMS / width).clamp(1, LANES).ilog2()
}

/// Working memory of [`sum_leaf`] for rows of `width`.
fn room(width: usize, packed: bool) -> usize {
    let lanes = neighbours(width);
    ((LANES / lanes).ilog2() as usize + 1) * lanes * width + if packed { TOGETHER * width } else { 0 }
}

/// True where numbers may be read as they lie.
fn in_place<S: Storage>(row: View<S>) -> bool {
    S::is_compute() && row.column == 1
}

/// Rows of numbers: where they lie, or what copies so many of them, every 64th from one on.
#[derive(Clone, Copy)]
enum Rows<'a, T> {
    At(Ptr<T>, isize),
    Packed(&'a dyn Fn(usize, usize, *mut T)),
}

multiversion! {
    /// Adds the products of `x`, at most [`LEAF`] numbers, and as many rows to `totals`, in the lanes of
    /// [`crate::dot::dots`]. Lanes that it adds to each other follow each other here and are added as soon as both are
    /// there, so that few wait at a time; lanes without terms are left out.
    ///
    /// # Safety
    /// There must be so many rows as wide as `totals`, which nothing writes meanwhile, and `room` as large as it says.
    unsafe fn sum_leaf<T: Real>(x: &[T], rows: Rows<T>, totals: &mut [T], room: &mut [T]) {
        let (width, lanes) = (totals.len(), neighbours(totals.len()));
        let (packed, sums) = room.split_at_mut(if let Rows::At(..) = rows { 0 } else { TOGETHER * width });
        let bits = (LANES / lanes).ilog2();
        let first = |turn: usize| turn.reverse_bits().checked_shr(usize::BITS - bits).unwrap_or(0) * lanes;
        let mut waiting = 0;
        for turn in 0..LANES / lanes {
            let first_lane = first(turn);
            for from in (first_lane..x.len()).step_by(TOGETHER * LANES) {
                for start in from..x.len().min(from + lanes) {
                    let sum = &mut sums[(waiting * lanes + start - from) * width..][..width];
                    let count = (x.len() - start).div_ceil(LANES).min(TOGETHER);
                    let factors: [_; TOGETHER] = std::array::from_fn(|i| x[start + i.min(count - 1) * LANES]);
                    let (near, step) = match rows {
                        Rows::At(first, step) => {
                            (Ptr(first.offset(start as isize * step)), step.wrapping_mul(LANES as isize))
                        }
                        Rows::Packed(pack) => {
                            pack(start, count, packed.as_mut_ptr());
                            (Ptr(packed.as_mut_ptr()), width as isize)
                        }
                    };
                    let first = from == first_lane;
                    // SAFETY: the caller's promise; as many rows as there is room for have been packed.
                    unsafe {
                        match count {
                            1 => add_rows::<_, 1>(sum, first, factors, near, step),
                            2 => add_rows::<_, 2>(sum, first, factors, near, step),
                            3 => add_rows::<_, 3>(sum, first, factors, near, step),
                            _ => add_rows::<_, TOGETHER>(sum, first, factors, near, step),
                        }
                    }
                }
            }
            for pair in 0..turn.trailing_ones() {
                waiting -= 1;
                let (sum, next) = sums[waiting * lanes * width..].split_at_mut(lanes * width);
                let there = x.len().saturating_sub(first(turn >> pair << pair)).min(lanes);
                add(sum, &next[..there * width]);
            }
            waiting += 1;
        }
        let (mut half, mut there) = (lanes / 2, x.len().min(lanes));
        while half > 0 {
            let (low, high) = sums.split_at_mut(half * width);
            add(low, &high[..there.saturating_sub(half) * width]);
            there = there.min(half);
            half /= 2;
        }
        add(totals, &sums[..width]);
    }
}

impl<S: Storage> Product<S> {
    /// Computes a product with one row, of a real dtype.
    ///
    /// # Safety
    /// As [`Product::run`].
    pub(crate) unsafe fn run_row(&self) -> Result<()> {
        let down = self.n < 8 || (self.b.row == 1 && self.b.column != 1);
        // A share of the columns for each thread: each column's sum is its own.
        let share = self.n.div_ceil(num_threads()).next_multiple_of(NARROW);
        let most = if down { NARROW } else { share.clamp(WIDE / 8, WIDE) };
        try_parallel_for(self.n.div_ceil(most), TASK_WORK / 8 / (most * self.k.max(1)) + 1, &|range| {
            let mut inline = Inline::uninit();
            let mut scratch = Scratch::new(&mut inline);
            for chunk in range {
                let (column, columns) = (chunk * most, most.min(self.n - chunk * most));
                let terms = LEAF.min(self.k);
                let packed = if in_place(self.a) { 0 } else { terms };
                let sums = if down { terms } else { room(columns, !in_place(self.b)) };
                let len = columns + packed + sums;
                let buffer = scratch.room::<S::Compute>(len)?;
                // SAFETY: the room is that large; but for the totals, numbers are written before they are read.
                let buffer = unsafe { std::slice::from_raw_parts_mut(buffer.0, len) };
                let (totals, buffer) = buffer.split_at_mut(columns);
                let (left, buffer) = buffer.split_at_mut(packed);
                totals.fill(S::Compute::ZERO);
                // SAFETY: the caller's promise, for these columns.
                unsafe {
                    for start in (0..self.k).step_by(LEAF) {
                        let x = Self::numbers(self.a.at(0, start), LEAF.min(self.k - start), left);
                        let rows = self.b.at(start, column);
                        if down {
                            self.sum_columns(x, rows, totals, buffer);
                        } else if in_place(rows) {
                            sum_leaf(x, Rows::At(Ptr(rows.ptr.cast()), rows.row), totals, buffer);
                        } else {
                            let every = rows.row.wrapping_mul(LANES as isize);
                            let pack = |start: usize, count: usize, to: *mut S::Compute| {
                                // SAFETY: rows of the product, and room for them.
                                S::pack_right(View { row: every, ..rows.at(start, 0) }, count, columns, to, columns);
                            };
                            sum_leaf(x, Rows::Packed(&pack), totals, buffer);
                        }
                    }
                    let finish = Finish { bias: self.bias_at(0, column), ..self.finish };
                    S::finish(totals.as_ptr(), 0, 1, columns, self.c.at(0, column), &finish);
                }
            }
            Ok(())
        })
    }

    /// Numbers of a row, in place or packed.
    ///
    /// # Safety
    /// The view must be a row of `len` elements.
    unsafe fn numbers(row: View<S>, len: usize, buffer: &mut [S::Compute]) -> &[S::Compute] {
        // SAFETY: the caller's promise; a row in place is contiguous and of the compute type.
        unsafe {
            if in_place(row) {
                return std::slice::from_raw_parts(row.ptr.cast::<S::Compute>(), len);
            }
            let buffer = &mut buffer[..len];
            S::pack_left(row, 1, len, buffer.as_mut_ptr(), 0);
            buffer
        }
    }

    /// Adds the products of `x`, at most [`LEAF`] numbers, and each column to its total.
    ///
    /// # Safety
    /// There must be as many rows as `x` has numbers, and as many columns as totals.
    unsafe fn sum_columns(
        &self,
        x: &[S::Compute],
        rows: View<S>,
        totals: &mut [S::Compute],
        buffer: &mut [S::Compute],
    ) {
        let dots = <S::Compute as Compute>::kernels().dots;
        // SAFETY: the caller's promise.
        unsafe {
            if in_place(rows.transposed()) {
                let far = self.k >= LONG && self.k.saturating_mul(self.n) >= FAR / size_of::<S>();
                return dots[far as usize](x, rows.ptr.cast(), rows.column, totals);
            }
            for (j, total) in totals.iter_mut().enumerate() {
                let column = Self::numbers(rows.at(0, j).transposed(), x.len(), buffer);
                dots[0](x, column.as_ptr(), 0, std::slice::from_mut(total));
            }
        }
    }
}
