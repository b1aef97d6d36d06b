//! Results one by one, each of its elements in the order of memory.

use super::tree::{LEAF, Pairs, TOGETHER};
use super::{Fold, GRAIN, LINE};
use crate::shared::Shared;
use crate::source::Mapped;
use corten_base::Result;
use corten_base::alloc::filled;
use corten_base::pool::{parallel_for, try_parallel_for};
use corten_strided::{Dim, Dims};

/// Results of one leaf each, which lie in `x` as they are read: several are finished and written together.
pub(super) fn lines<C: Mapped>(fold: &Fold<C>) {
    let count = fold.count;
    parallel_for(fold.kept.numel(), (GRAIN / count.max(1)).max(1), &|range| {
        fold.kept.runs(range, |offsets, strides, number| {
            let mut values = [C::ZERO; TOGETHER];
            for first in (0..number).step_by(TOGETHER) {
                let values = &mut values[..TOGETHER.min(number - first)];
                // Lines that follow one another are joined together.
                let at_once = if strides[0] == count as isize { values.len() } else { 1 };
                for (i, values) in values.chunks_mut(at_once).enumerate() {
                    let at = offsets[0] + (first + i) as isize * strides[0];
                    // SAFETY: the lines' numbers are elements of `x`.
                    let lines = unsafe { fold.numbers(at, values.len() * count) };
                    (fold.tree.leaves)(lines, count, C::ZERO, values);
                }
                // SAFETY: the results are elements of `out`.
                unsafe { fold.write(offsets[3] + first as isize * strides[3], strides[3], values) };
            }
        });
    });
}

/// Results in any layout.
pub(super) fn rows<C: Mapped>(fold: &Fold<C>) -> Result<()> {
    let (outer, inner) = fold.reduced.clone().split_inner();
    try_parallel_for(fold.kept.numel(), (GRAIN / fold.count.max(1)).max(1), &|range| {
        let mut staged = stage(fold, inner)?;
        fold.kept.walk(range, |[x, y, center, out]| {
            let mut value = [row(fold, [x, y], fold.center(center), &outer, inner, &mut staged)];
            // SAFETY: an element of `out`.
            unsafe { fold.write(out, 1, &mut value) }
        });
        Ok(())
    })
}

/// Few results of one long line each: the leaves of a line in parallel, its tree the same as [`rows`]'.
pub(super) fn long_rows<C: Mapped>(fold: &Fold<C>, line: Dim<2>) -> Result<()> {
    let mut result = Ok(());
    fold.kept.walk(0..fold.kept.numel(), |[x, y, center, out]| {
        match long_row(fold, [x, y], fold.center(center), line) {
            // SAFETY: an element of `out`.
            Ok(value) => unsafe { fold.write(out, 1, &mut [value]) },
            Err(error) => result = Err(error),
        }
    });
    result
}

/// Room for a leaf, or none where lines are taken from where they lie.
fn stage<C: Mapped>(fold: &Fold<C>, line: Dim<2>) -> Result<Vec<C>> {
    let in_place = fold.reader.direct::<C>() && line.strides[0] == 1 && (line.size == fold.count || line.size >= LINE);
    filled(C::ZERO, if in_place { 0 } else { fold.count.clamp(1, LEAF) })
}

/// One result of the elements along `outer` and `line`, which go through `staged` if there is room.
fn row<C: Mapped>(fold: &Fold<C>, at: [isize; 2], center: C, outer: &Dims<2>, line: Dim<2>, staged: &mut [C]) -> C {
    let tree = &fold.tree;
    if staged.is_empty() {
        // SAFETY: the elements of a line of `x`.
        let join = |offset: isize| tree.of(unsafe { fold.numbers(offset, line.size) }, center);
        if outer.as_slice().is_empty() {
            return join(at[0]);
        }
        let mut pairs = Pairs::new(tree);
        outer.walk(0..outer.numel(), |[x, _]| pairs.push(join(at[0] + x)));
        return pairs.finish();
    }
    let mut filled = 0;
    let mut pairs = Pairs::new(tree);
    outer.walk(0..outer.numel(), |offsets| {
        let mut done = 0;
        while done < line.size {
            let part = (line.size - done).min(staged.len() - filled);
            let from = [0, 1].map(|k| at[k] + offsets[k] + done as isize * line.strides[k]);
            // SAFETY: elements of the operands.
            unsafe { fold.reader.read(from, line.strides, &[center], &mut staged[filled..filled + part]) };
            done += part;
            filled += part;
            if filled == staged.len() {
                pairs.push(tree.leaf(staged, center));
                filled = 0;
            }
        }
    });
    if filled > 0 {
        pairs.push(tree.leaf(&staged[..filled], center));
    }
    pairs.finish()
}

fn long_row<C: Mapped>(fold: &Fold<C>, at: [isize; 2], center: C, line: Dim<2>) -> Result<C> {
    let mut leaves = filled(C::ZERO, line.size.div_ceil(LEAF))?;
    let shared = Shared::new(&mut leaves);
    try_parallel_for(line.size.div_ceil(LEAF), GRAIN / LEAF, &|range| {
        // SAFETY: each task has its own places in `leaves`, which outlives the loop.
        let leaves = unsafe { shared.part(&range) };
        let first = range.start * LEAF;
        let size = line.size.min(range.end * LEAF) - first;
        let from = [0, 1].map(|k| at[k] + first as isize * line.strides[k]);
        let mut staged = stage(fold, line)?;
        if staged.is_empty() {
            // SAFETY: elements of a line of `x`.
            fold.tree.cut(unsafe { fold.numbers(from[0], size) }, center, leaves);
            return Ok(());
        }
        for (i, leaf) in leaves.iter_mut().enumerate() {
            let staged = &mut staged[..LEAF.min(size - i * LEAF)];
            let from = [0, 1].map(|k| from[k] + (i * LEAF) as isize * line.strides[k]);
            // SAFETY: elements of the operands.
            unsafe { fold.reader.read(from, line.strides, &[center], staged) };
            *leaf = fold.tree.leaf(staged, center);
        }
        Ok(())
    })?;
    let mut pairs = Pairs::new(&fold.tree);
    leaves.into_iter().for_each(|leaf| pairs.push(leaf));
    Ok(pairs.finish())
}
