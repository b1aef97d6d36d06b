//! A real row times a matrix, in the 64 lanes of [`crate::dot`]: bound by memory whichever way the matrix lies.

use crate::dot::{BLOCK, LANES, LEAF, lanes, tree};
use crate::product::{Product, TASK_WORK};
use crate::scratch::Ptr;
use crate::simd::Real;
use crate::storage::{Finish, Storage, View};
use corten_base::multiversion;
use corten_base::pool::parallel_for;

/// Columns that are summed at once where they are contiguous: their lanes fit in the first cache.
const COLUMNS: usize = 64;

/// Sums of up to 64 columns, lane by lane.
struct Lanes<T>([[T; COLUMNS]; LANES]);

multiversion! {
    fn add_rows<T: Real>(lanes: &mut Lanes<T>, x: &[T], rows: Ptr<T>, step: isize) {
        for (k, &x) in x.iter().enumerate() {
            // SAFETY: the caller gives as many rows of 64 numbers as `x` has numbers.
            let row = unsafe { &*rows.offset(k as isize * step).cast::<[T; COLUMNS]>() };
            for (sum, &y) in lanes.0[k % LANES].iter_mut().zip(row) {
                *sum = x.fma(y, *sum);
            }
        }
    }
}

multiversion! {
    fn add_lanes<T: Real>(lanes: &mut Lanes<T>, totals: &mut [T; COLUMNS]) {
        let mut half = LANES / 2;
        while half > 0 {
            let (low, high) = lanes.0.split_at_mut(half);
            for (low, high) in low.iter_mut().zip(high) {
                for (x, &y) in low.iter_mut().zip(&*high) {
                    *x = x.plus(y);
                }
            }
            half /= 2;
        }
        for (total, &sum) in totals.iter_mut().zip(&lanes.0[0]) {
            *total = total.plus(sum);
        }
    }
}

impl<S: Storage> Product<S> {
    /// Computes a product with one row, of a real dtype.
    ///
    /// # Safety
    /// As [`Product::run`].
    pub(crate) unsafe fn run_row(&self) {
        let chunks = self.n.div_ceil(COLUMNS);
        let down = self.b.row == 1 && self.b.column != 1;
        parallel_for(chunks, TASK_WORK / 8 / (COLUMNS * self.k.max(1)) + 1, &|range| {
            for chunk in range {
                let (column, columns) = (chunk * COLUMNS, COLUMNS.min(self.n - chunk * COLUMNS));
                let mut totals = [S::Compute::ZERO; COLUMNS];
                // SAFETY: the caller's promise, for these columns.
                unsafe {
                    if down || columns < 8 {
                        self.columns_down(column, &mut totals[..columns]);
                    } else {
                        self.columns_across(column, columns, &mut totals);
                    }
                    let finish = Finish { bias: self.bias_at(0, column), ..self.finish };
                    S::finish(totals.as_ptr(), 0, 1, columns, self.c.at(0, column), &finish);
                }
            }
        });
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
        for leaf in (0..self.k).step_by(LEAF) {
            let end = self.k.min(leaf + LEAF);
            for (j, total) in totals.iter_mut().enumerate() {
                let mut sums = [S::Compute::ZERO; LANES];
                for start in (leaf..end).step_by(BLOCK) {
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

    /// All columns at once, row by row.
    ///
    /// # Safety
    /// The columns must be the product's.
    unsafe fn columns_across(&self, column: usize, columns: usize, totals: &mut [S::Compute; COLUMNS]) {
        const ROWS: usize = LANES;
        let direct = S::is_compute() && self.b.column == 1 && columns == COLUMNS;
        let mut packed = [[S::Compute::ZERO; COLUMNS]; ROWS];
        let mut buffer = [S::Compute::ZERO; BLOCK];
        let mut all = Lanes([[S::Compute::ZERO; COLUMNS]; LANES]);
        for leaf in (0..self.k).step_by(LEAF) {
            let end = self.k.min(leaf + LEAF);
            all.0 = [[S::Compute::ZERO; COLUMNS]; LANES];
            for start in (leaf..end).step_by(ROWS) {
                let rows = ROWS.min(end - start);
                let b = self.b.at(start, column);
                // SAFETY: the caller's promise; packed rows have the width of the lanes.
                unsafe {
                    let x = Self::numbers(self.a.at(0, start), rows, &mut buffer);
                    if direct {
                        add_rows(&mut all, x, Ptr(b.ptr.cast()), self.b.row);
                    } else {
                        let to = packed.as_mut_ptr().cast();
                        S::pack_right(b, rows, columns, to, COLUMNS);
                        add_rows(&mut all, x, Ptr(to), COLUMNS as isize);
                    }
                }
            }
            add_lanes(&mut all, totals);
        }
    }
}
