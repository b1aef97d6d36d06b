//! A real row times a matrix, in the 64 lanes of [`crate::dot`]: bound by memory whichever way the matrix lies.

use crate::dot::{BLOCK, LANES, LEAF, lanes, leaf, tree};
use crate::product::{Product, TASK_WORK};
use crate::scratch::{Inline, Ptr, Scratch};
use crate::simd::Real;
use crate::storage::{Finish, Storage, View};
use corten_base::pool::try_parallel_for;
use corten_base::{Result, multiversion};

/// Columns whose sums stay in registers.
const COLUMNS: usize = 64;
/// Columns of a vector.
const PIECE: usize = 8;
/// Columns that are summed at once where they are contiguous, at least and at most: the longer a stretch of each row, the
/// better it is fetched ahead, but a task for each quarter of the columns shares them out.
const WIDE: [usize; 2] = [512, 2048];
/// Rows whose products go to one lane at once.
const TOGETHER: usize = 4;

multiversion! {
    /// Adds the products of `x` and as many rows, which are `step` apart and as wide as the lanes, some times [`PIECE`].
    ///
    /// # Safety
    /// There must be so many such rows, which nothing writes meanwhile.
    unsafe fn add_rows<T: Real>(lanes: &mut [T], x: &[T], rows: Ptr<T>, step: isize) {
        let width = lanes.len() / LANES;
        // SAFETY: the caller's promise: as many rows as `x` has numbers.
        let row = |k: usize, piece: usize| unsafe {
            &*rows.offset(k as isize * step).cast::<[T; PIECE]>().wrapping_add(piece)
        };
        // Rows of one lane together, so that it is read and written once for all.
        let (groups, rest) = x.as_chunks::<{ TOGETHER * LANES }>();
        for (group, x) in groups.iter().enumerate() {
            for (lane, sums) in lanes.chunks_exact_mut(width).enumerate() {
                let first = group * TOGETHER * LANES + lane;
                let x: [T; TOGETHER] = std::array::from_fn(|i| x[lane + i * LANES]);
                for (piece, sums) in sums.as_chunks_mut::<PIECE>().0.iter_mut().enumerate() {
                    let near: [_; TOGETHER] = std::array::from_fn(|i| row(first + i * LANES, piece));
                    *sums = (0..TOGETHER)
                        .fold(*sums, |sums, i| std::array::from_fn(|c| x[i].fma(near[i][c], sums[c])));
                }
            }
        }
        let done = x.len() - rest.len();
        for (k, &x) in rest.iter().enumerate() {
            let sums = &mut lanes[k % LANES * width..][..width];
            for (piece, sums) in sums.as_chunks_mut::<PIECE>().0.iter_mut().enumerate() {
                let near = row(done + k, piece);
                *sums = std::array::from_fn(|c| x.fma(near[c], sums[c]));
            }
        }
    }
}

multiversion! {
    fn add_lanes<T: Real>(lanes: &mut [T], totals: &mut [T]) {
        let width = lanes.len() / LANES;
        let mut half = LANES / 2;
        while half > 0 {
            let (low, high) = lanes.split_at_mut(half * width);
            for (x, &y) in low.iter_mut().zip(&*high) {
                *x = x.plus(y);
            }
            half /= 2;
        }
        for (total, &sum) in totals.iter_mut().zip(&*lanes) {
            *total = total.plus(sum);
        }
    }
}

impl<S: Storage> Product<S> {
    /// Computes a product with one row, of a real dtype.
    ///
    /// # Safety
    /// As [`Product::run`].
    pub(crate) unsafe fn run_row(&self) -> Result<()> {
        let down = self.b.row == 1 && self.b.column != 1;
        let wide = (self.n / 4).next_multiple_of(COLUMNS).clamp(WIDE[0], WIDE[1]);
        let most = if down { COLUMNS } else { wide };
        try_parallel_for(self.n.div_ceil(most), TASK_WORK / 8 / (most * self.k.max(1)) + 1, &|range| {
            let mut inline = Inline::uninit();
            let mut room = Scratch::new(&mut inline);
            for chunk in range {
                let (column, columns) = (chunk * most, most.min(self.n - chunk * most));
                let mut totals = [S::Compute::ZERO; WIDE[1]];
                // SAFETY: the caller's promise, for these columns.
                unsafe {
                    if down || columns < PIECE {
                        self.columns_down(column, &mut totals[..columns]);
                    } else {
                        self.columns_across(column, &mut totals[..columns], &mut room)?;
                    }
                    let finish = Finish { bias: self.bias_at(0, column), ..self.finish };
                    S::finish(totals.as_ptr(), 0, 1, columns, self.c.at(0, column), &finish);
                }
            }
            Ok(())
        })
    }

    /// Numbers of a row or column, in place or packed.
    ///
    /// # Safety
    /// The view must be a row of `len` elements.
    unsafe fn numbers(row: View<S>, len: usize, buffer: &mut [S::Compute; BLOCK]) -> &[S::Compute] {
        // SAFETY: the caller's promise; a row in place is contiguous and of the compute type.
        unsafe {
            if S::is_compute() && row.column == 1 {
                return std::slice::from_raw_parts(row.ptr.cast::<S::Compute>(), len);
            }
            S::pack_left(row, 1, len, buffer.as_mut_ptr(), 0);
        }
        &buffer[..len]
    }

    /// Column by column.
    ///
    /// # Safety
    /// The columns must be the product's.
    unsafe fn columns_down(&self, column: usize, totals: &mut [S::Compute]) {
        let mut buffers = [[S::Compute::ZERO; BLOCK]; 2];
        let [left, right] = &mut buffers;
        let direct = S::is_compute() && self.a.column == 1 && self.b.row == 1;
        for first in (0..self.k).step_by(LEAF) {
            let end = self.k.min(first + LEAF);
            for (j, total) in totals.iter_mut().enumerate() {
                if direct {
                    // SAFETY: the caller's promise; both are contiguous and of the compute type.
                    let [x, y] = [self.a.at(0, first), self.b.at(first, column + j)]
                        .map(|from| unsafe { std::slice::from_raw_parts(from.ptr.cast::<S::Compute>(), end - first) });
                    *total = total.plus(leaf(x, y));
                    continue;
                }
                let mut sums = [S::Compute::ZERO; LANES];
                for start in (first..end).step_by(BLOCK) {
                    let len = BLOCK.min(end - start);
                    // SAFETY: the caller's promise.
                    unsafe {
                        let x = Self::numbers(self.a.at(0, start), len, left);
                        let y = Self::numbers(self.b.at(start, column + j).transposed(), len, right);
                        lanes(&mut sums, x, y);
                    }
                }
                *total = total.plus(tree(sums));
            }
        }
    }

    /// Several columns at once, at least [`PIECE`], row by row.
    ///
    /// # Safety
    /// The columns must be the product's.
    unsafe fn columns_across(&self, column: usize, totals: &mut [S::Compute], room: &mut Scratch) -> Result<()> {
        let plain = S::is_compute() && self.b.column == 1;
        let mut packed = [[S::Compute::ZERO; COLUMNS]; LANES];
        let mut buffer = [S::Compute::ZERO; BLOCK];
        // In place, the last columns are a whole piece: those that it shares with the one before are summed again.
        let count = totals.len();
        let (most, last) = if plain { (count / PIECE * PIECE, count - PIECE) } else { (COLUMNS, count) };
        for first in (0..count).step_by(most).map(|first| first.min(last)) {
            let totals = &mut totals[first..count.min(first + most)];
            let width = totals.len().next_multiple_of(PIECE);
            totals.fill(S::Compute::ZERO);
            let lanes = room.room::<S::Compute>(LANES * width)?;
            // SAFETY: the room is that large, and each leaf fills it with zeros before it is read.
            let lanes = unsafe { std::slice::from_raw_parts_mut(lanes.0, LANES * width) };
            for leaf in (0..self.k).step_by(LEAF) {
                let end = self.k.min(leaf + LEAF);
                lanes.fill(S::Compute::ZERO);
                let at_once = if plain { BLOCK } else { LANES };
                for start in (leaf..end).step_by(at_once) {
                    let rows = at_once.min(end - start);
                    let b = self.b.at(start, column + first);
                    // SAFETY: the caller's promise; packed rows have the width of the lanes.
                    unsafe {
                        let x = Self::numbers(self.a.at(0, start), rows, &mut buffer);
                        if plain {
                            add_rows(lanes, x, Ptr(b.ptr.cast()), self.b.row);
                        } else {
                            let to = packed.as_mut_ptr().cast();
                            S::pack_right(b, rows, totals.len(), to, width);
                            add_rows(lanes, x, Ptr(to), width as isize);
                        }
                    }
                }
                add_lanes(lanes, totals);
            }
        }
        Ok(())
    }
}
