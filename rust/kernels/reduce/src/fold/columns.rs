//! Results whose elements stand in rows: one result beside the other, or short lines of neighbouring results one behind
//! the other, as those of the channels of images. Blocks of results are joined row by row, then the columns of each.

use super::tower::{RUN, Stack, Tower};
use super::{Fold, GRAIN, LINE};
use crate::shared::Shared;
use crate::source::Mapped;
use corten_base::Result;
use corten_base::alloc::filled;
use corten_base::pool::try_parallel_for;
use corten_strided::{Dim, Dims};
use std::ops::Range;

/// Columns of a block of results side by side.
const BESIDE: usize = 128;
/// Columns of a block of lines.
const BEHIND: usize = 1024;
/// Elements that are converted at a time where they are not numbers yet.
const STAGED: usize = 2048;
/// Rows that may be joined apart from others, where there are too few blocks for all threads.
const PART: usize = RUN * RUN;
/// Blocks that are enough.
const ENOUGH: usize = 16;

/// Where the columns are.
pub(super) struct Columns<'a, C> {
    fold: &'a Fold<'a, C>,
    /// The results that lie next to each other.
    inner: Dim<4>,
    /// Results of a block.
    together: usize,
    /// Columns of a result.
    length: usize,
    /// How far apart columns are in x and y.
    steps: [isize; 2],
    /// Where rows are in x and y.
    rows: Dims<2>,
}

/// Some of the results that lie next to each other.
struct Block {
    /// Where x, y, the centers and `out` begin.
    at: [isize; 4],
    results: usize,
}

impl<'a, C: Mapped> Columns<'a, C> {
    /// Results side by side, if they lie closer to each other than their own elements do.
    pub(super) fn beside(fold: &'a Fold<'a, C>) -> Option<Self> {
        let &inner = fold.kept.as_slice().last()?;
        // Of one element each, results are a row.
        let apart = fold.reduced.as_slice().last().map_or(isize::MAX, |line| line.strides[0].abs());
        if inner.size < 8 || inner.strides[0].abs() >= apart {
            return None;
        }
        let steps = [inner.strides[0], inner.strides[1]];
        Some(Columns { fold, inner, together: inner.size.min(BESIDE), length: 1, steps, rows: fold.reduced.clone() })
    }

    /// Results whose lines lie one behind the other, if the lines are too short to be joined by themselves.
    pub(super) fn behind(fold: &'a Fold<'a, C>) -> Option<Self> {
        let [_, .., line] = fold.reduced.as_slice() else { return None };
        let &inner = fold.kept.as_slice().last()?;
        let operands = if fold.reader.y.is_some() { 2 } else { 1 };
        let behind = |k: usize| line.strides[k] == 1 && inner.strides[k] == line.size as isize;
        if line.size >= LINE || !(0..operands).all(behind) {
            return None;
        }
        let (rows, line) = fold.reduced.clone().split_inner();
        let together = (BEHIND / line.size).min(inner.size);
        Some(Columns { fold, inner, together, length: line.size, steps: [1, 1], rows })
    }

    /// Joins all blocks, and writes their results.
    pub(super) fn fold(&self) -> Result<()> {
        let (width, rows) = (self.together * self.length, self.rows.numel());
        let blocks = self.fold.kept.numel() / self.inner.size * self.inner.size.div_ceil(self.together);
        // Rows that a task joins: a tower joins its runs of runs in order, and so are the parts joined.
        let part = if blocks < ENOUGH { rows.min(PART) } else { rows };
        let parts = rows.div_ceil(part);
        let mut partial = filled(C::ZERO, if parts > 1 { blocks * parts * width } else { 0 })?;
        let shared = Shared::new(&mut partial);
        let staged = if self.in_place() { 0 } else { (STAGED / width).clamp(1, RUN) * width };
        let lines = if self.length > 1 { self.together } else { 0 };
        try_parallel_for(blocks * parts, (GRAIN / (width * part)).max(1), &|range| {
            let mut room = filled(C::ZERO, lines + staged + width * (1 + Tower::<C>::levels(part)))?;
            let (lines, rest) = room.split_at_mut(lines);
            let (staged, rest) = rest.split_at_mut(staged);
            let (centers, levels) = rest.split_at_mut(width);
            for item in range {
                let block = self.block(item / parts);
                let centers = &mut centers[..block.results * self.length];
                self.read_centers(&block, centers);
                let first = item % parts * part;
                let total = self.join(&block, first..rows.min(first + part), centers, staged, levels);
                if parts == 1 {
                    self.write(&block, total, lines);
                } else {
                    // SAFETY: each item has its own columns of `partial`, which outlives the loop.
                    unsafe { shared.part(&(item * width..item * width + total.len())) }.copy_from_slice(total);
                }
            }
            Ok(())
        })?;
        let mut lines = filled(C::ZERO, lines)?;
        for (i, partial) in partial.chunks_mut(parts * width).enumerate() {
            let block = self.block(i);
            let (total, rest) = partial.split_at_mut(width);
            let total = &mut total[..block.results * self.length];
            rest.chunks(width).for_each(|part| (self.fold.tree.joined_row)(total, &part[..total.len()]));
            self.write(&block, total, &mut lines);
        }
        Ok(())
    }

    /// True if rows can be taken from where they lie.
    fn in_place(&self) -> bool {
        self.fold.reader.direct::<C>() && self.steps[0] == 1
    }

    /// Block `i`, in the order of the results.
    fn block(&self, i: usize) -> Block {
        let blocks = self.inner.size.div_ceil(self.together);
        let first = i % blocks * self.together;
        let result = i / blocks * self.inner.size + first;
        let mut at = [0; 4];
        self.fold.kept.walk(result..result + 1, |offsets| at = offsets);
        Block { at, results: self.together.min(self.inner.size - first) }
    }

    /// The center of each column, which is that of its result.
    fn read_centers(&self, block: &Block, centers: &mut [C]) {
        let (line, step) = if self.length == 1 { (centers.len(), self.inner.strides[2]) } else { (self.length, 0) };
        for (i, centers) in centers.chunks_mut(line).enumerate() {
            let at = block.at[2] + i as isize * self.inner.strides[2];
            // SAFETY: the centers of these results.
            unsafe { self.fold.reader.centers(at, step, centers) };
        }
    }

    /// Joins `rows` of a block.
    fn join<'r>(
        &'r self,
        block: &Block,
        rows: Range<usize>,
        centers: &[C],
        staged: &mut [C],
        levels: &'r mut [C],
    ) -> &'r mut [C] {
        let (reader, tree, width) = (self.fold.reader, &self.fold.tree, centers.len());
        let together = if self.in_place() { RUN } else { staged.len() / width };
        let mut tower = Tower::new(tree, levels, width);
        self.rows.runs(rows, |offsets, strides, count| {
            let mut done = 0;
            while done < count {
                let rows = tower.left().min(count - done).min(together);
                let at = |row: usize| [0, 1].map(|k| block.at[k] + offsets[k] + row as isize * strides[k]);
                let stack = if self.in_place() {
                    let from = reader.x.ptr().cast::<C>().wrapping_offset(at(done)[0]);
                    // SAFETY: the rows are elements of `x`, which nothing writes meanwhile.
                    unsafe { Stack::new(from, strides[0], rows, width) }
                } else {
                    for (i, line) in staged.chunks_exact_mut(width).take(rows).enumerate() {
                        // SAFETY: elements of the operands.
                        unsafe { reader.read(at(done + i), self.steps, centers, line) };
                    }
                    // SAFETY: the rows are lines of `staged`.
                    unsafe { Stack::new(staged.as_ptr(), width as isize, rows, width) }
                };
                (tree.rows)(tower.run(rows), stack, centers);
                done += rows;
            }
        });
        tower.finish()
    }

    /// Joins each result's columns, in room for `lines`, and writes the results.
    fn write(&self, block: &Block, total: &mut [C], lines: &mut [C]) {
        let mut results = total;
        if self.length > 1 {
            let lines = &mut lines[..block.results];
            (self.fold.tree.joined_leaves)(results, self.length, C::ZERO, lines);
            results = lines;
        }
        // SAFETY: elements of `out`.
        unsafe { self.fold.write(block.at[3], self.inner.strides[3], results) };
    }
}
