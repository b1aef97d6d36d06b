//! Rows of numbers joined column by column: one after the other in runs, runs in runs of runs, and these one after the
//! other. Each column's result is the same among any others.

use super::tree::{FEW, Function, Join, Tree};
use crate::number::Number;
use corten_base::multiversion;
use std::marker::PhantomData;

/// Rows of a run, and runs of a run of runs.
pub(super) const RUN: usize = 64;
/// Levels of a tower, at most.
pub(crate) const LEVELS: usize = 3;

/// What rows are joined in: the run that grows, the runs before it, and the runs of runs before those.
pub(crate) struct Tower<'a, C> {
    tree: &'a Tree<C>,
    levels: [&'a mut [C]; LEVELS],
    /// Whether a level holds what was below it.
    holds: [bool; LEVELS],
    count: usize,
}

impl<'a, C: Number> Tower<'a, C> {
    /// Levels that so many rows need.
    pub(crate) fn levels(rows: usize) -> usize {
        1 + [RUN, RUN * RUN].iter().filter(|&&below| rows > below).count()
    }

    /// Of rows of `width` numbers, in room for as many of them as there are levels.
    pub(crate) fn new(tree: &'a Tree<C>, room: &'a mut [C], width: usize) -> Self {
        let mut room = room.chunks_exact_mut(width);
        let levels = std::array::from_fn(|_| room.next().unwrap_or_default());
        levels[0].fill(tree.identity);
        Tower { tree, levels, holds: [false; LEVELS], count: 0 }
    }

    /// How many rows the next run can take.
    pub(crate) fn left(&self) -> usize {
        RUN - self.count % RUN
    }

    /// The run that the next `rows` rows, at most as many as are [`left`](Tower::left), are to be joined into.
    pub(crate) fn run(&mut self, rows: usize) -> &mut [C] {
        if self.count > 0 && self.count.is_multiple_of(RUN) {
            self.raise(0);
            if self.count.is_multiple_of(RUN * RUN) {
                self.raise(1);
            }
        }
        self.count += rows;
        self.levels[0]
    }

    /// Joins a level into the next, and empties it.
    fn raise(&mut self, level: usize) {
        let (below, above) = self.levels.split_at_mut(level + 1);
        let (below, above) = (&mut *below[level], &mut *above[0]);
        if self.holds[level + 1] {
            (self.tree.joined_row)(above, below);
        } else {
            above.copy_from_slice(below);
        }
        (self.holds[level], self.holds[level + 1]) = (false, true);
        if level == 0 {
            below.fill(self.tree.identity);
        }
    }

    /// All rows joined.
    pub(crate) fn finish(mut self) -> &'a mut [C] {
        let top = self.holds.iter().rposition(|&holds| holds).unwrap_or(0);
        (0..top).for_each(|level| self.raise(level));
        let [low, middle, high] = self.levels;
        match top {
            0 => low,
            1 => middle,
            _ => high,
        }
    }
}

multiversion! {
    /// Joins `row` into `columns`, element by element.
    pub(crate) fn join_row<C: Number, J: Join<C>>(columns: &mut [C], row: &[C]) {
        for (column, &value) in columns.iter_mut().zip(row) {
            *column = J::join(*column, value);
        }
    }
}

/// Rows of numbers in memory.
#[derive(Clone, Copy)]
pub(crate) struct Stack<'a, C> {
    from: *const C,
    stride: isize,
    rows: usize,
    width: usize,
    lifetime: PhantomData<&'a [C]>,
}

impl<C: Number> Stack<'_, C> {
    /// `rows` of `width` numbers each, `stride` apart, the first at `from`.
    ///
    /// # Safety
    /// While the stack is used, the numbers may be read and nothing writes them.
    pub(super) unsafe fn new(from: *const C, stride: isize, rows: usize, width: usize) -> Self {
        Stack { from, stride, rows, width, lifetime: PhantomData }
    }

    /// The `row`th row.
    #[inline(always)]
    fn row(&self, row: usize) -> &[C] {
        assert!(row < self.rows);
        // SAFETY: numbers of one of the rows, as was promised to `new`.
        unsafe { std::slice::from_raw_parts(self.from.wrapping_offset(row as isize * self.stride), self.width) }
    }

    /// Joins `F` of all columns. Were they joined by one row at a time, only the elements that change would be stored, under a
    /// mask, which is slow.
    #[inline(always)]
    fn join_in_memory<J: Join<C>, F: Function<C>>(self, columns: &mut [C], centers: &[C]) {
        for first in (0..self.rows).step_by(4) {
            let [a, b, c, d] = [0, 1, 2, 3].map(|i| self.row((first + i).min(self.rows - 1)));
            let rows = a.iter().zip(b).zip(c).zip(d);
            for ((column, &center), (((&a, &b), &c), &d)) in columns.iter_mut().zip(centers).zip(rows) {
                for value in [a, b, c, d] {
                    *column = J::join(*column, F::of(value, center));
                }
            }
        }
    }

    /// Joins `F` of the columns from `first` on into `lanes`.
    #[inline(always)]
    fn join<J: Join<C>, F: Function<C>>(self, first: usize, lanes: &mut [C], centers: &[C]) {
        assert!(first + lanes.len() <= self.width);
        for row in 0..self.rows {
            let values = &self.row(row)[first..][..lanes.len()];
            for ((lane, &value), &center) in lanes.iter_mut().zip(values).zip(centers) {
                *lane = J::join(*lane, F::of(value, center));
            }
        }
    }
}

multiversion! {
    /// Joins `F` of the rows into `columns`, one row after the other.
    pub(super) fn join_rows<C: Number, J: Join<C>, F: Function<C>>(columns: &mut [C], rows: Stack<C>, centers: &[C]) {
        if J::IN_MEMORY {
            return rows.join_in_memory::<J, F>(columns, centers);
        }
        // Columns that fill no vector are joined together with those before them, whose totals are dropped.
        let (full, last) = (columns.len() / FEW * FEW, columns.len().saturating_sub(FEW));
        let mut tail = [C::ZERO; FEW];
        if last > 0 && full < columns.len() {
            tail.copy_from_slice(&columns[last..]);
            let mut middle = [C::ZERO; FEW];
            middle.copy_from_slice(&centers[last..][..FEW]);
            rows.join::<J, F>(last, &mut tail, &middle);
        }
        let (columns, rest) = columns.split_at_mut(full);
        let mut first = 0;
        // As many columns as fit into registers go through all rows together.
        let mut chunks = columns.chunks_exact_mut(C::lanes(C::ZERO).as_ref().len());
        for chunk in &mut chunks {
            let (mut lanes, mut middle) = (C::lanes(C::ZERO), C::lanes(C::ZERO));
            let (lanes, middle) = (lanes.as_mut(), middle.as_mut());
            lanes.copy_from_slice(chunk);
            middle.copy_from_slice(&centers[first..][..chunk.len()]);
            rows.join::<J, F>(first, lanes, middle);
            chunk.copy_from_slice(lanes);
            first += lanes.len();
        }
        for chunk in chunks.into_remainder().as_chunks_mut::<FEW>().0 {
            let mut lanes = *chunk;
            rows.join::<J, F>(first, &mut lanes, &centers[first..][..FEW]);
            *chunk = lanes;
            first += FEW;
        }
        if last > 0 {
            rest.copy_from_slice(&tail[FEW - rest.len()..]);
        } else if !rest.is_empty() {
            rows.join::<J, F>(first, rest, &centers[first..]);
        }
    }
}
