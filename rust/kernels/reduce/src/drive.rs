//! Which elements belong to which result: rows folded one by one, or columns side by side.

use crate::fold::{Function, Join, LEAF, Pairs, Stack, TOGETHER, Tree, join_row, join_rows};
use crate::neighbours::Neighbours;
use crate::number::Number;
use crate::softmax::same_sizes;
use crate::source::{Mapped, Reader};
use corten_base::alloc::filled;
use corten_base::pool::{parallel_for, try_parallel_for};
use corten_base::{Operand, Result, fail};
use corten_strided::{Dim, Dims};
use std::ops::Range;

/// Elements a task should have at least.
pub(crate) const GRAIN: usize = 32_768;
/// Columns folded side by side.
const COLUMNS: usize = 128;
/// Rows converted at a time where they are not numbers yet.
const STAGED: usize = 16;
/// Elements of a line that is worth a tree of its own.
pub(crate) const LINE: usize = 256;
/// Rows summed one after the other, and such runs summed one after the other.
pub(crate) const RUN: usize = 64;

/// The shape of a reduction: `kept` steps through x, y, centers and out, `reduced` through the first three.
pub(crate) struct Plan {
    pub(crate) kept: Dims<4>,
    pub(crate) reduced: Dims<3>,
}

fn plan(out: &Operand, reader: &Reader) -> Result<Plan> {
    let x = &reader.x;
    for other in [&reader.y, &reader.center].into_iter().flatten() {
        same_sizes(x, other)?;
    }
    let step = |o: &Option<Operand>, i: usize| o.as_ref().map_or(0, |o| o.strides()[i] as isize);
    if out.ndim() != x.ndim() {
        fail!(Runtime, "a result of {} dimensions cannot take a reduction of {}", out.ndim(), x.ndim());
    }
    let dim = |i: usize| Dim {
        size: x.sizes()[i] as usize,
        strides: [x.strides()[i] as isize, step(&reader.y, i), step(&reader.center, i), out.strides()[i] as isize],
    };
    if let Some(i) = (0..x.ndim()).find(|&i| out.sizes()[i] != x.sizes()[i] && out.sizes()[i] != 1) {
        fail!(Runtime, "the result has size {} along dimension {i}, which has size {}", out.sizes()[i], x.sizes()[i]);
    }
    let kept = (0..x.ndim()).filter(|&i| out.sizes()[i] == x.sizes()[i]).map(dim);
    let reduced = (0..x.ndim()).filter(|&i| out.sizes()[i] != x.sizes()[i]).map(dim);
    let reduced = reduced.map(|d| Dim { size: d.size, strides: [d.strides[0], d.strides[1], d.strides[2]] });
    Ok(Plan {
        kept: Dims::from_dims(kept).sorted().coalesced(),
        reduced: Dims::from_dims(reduced).sorted().coalesced(),
    })
}

/// Number of elements that each result takes in.
pub(crate) fn reduced_count(out: &Operand, x: &Operand) -> usize {
    let sizes = x.sizes().iter().zip(out.sizes());
    sizes.map(|(&x, &out)| if x == out { 1 } else { x.max(0) as usize }).product()
}

/// Folds `F` of what `reader` reads into `out`; `finish` makes the result of what was joined.
pub(crate) fn fold<C: Mapped, J: Join<C>, F: Function<C>>(
    out: &Operand,
    reader: &Reader,
    finish: impl Fn(C) -> C + Sync,
) -> Result<()> {
    if small::<C, J, F>(out, reader, &finish) {
        return Ok(());
    }
    large::<C, J, F>(out, reader, &|values| values.iter_mut().for_each(|value| *value = finish(*value)))
}

/// Makes results of what was joined, in place.
pub(crate) type Finish<'a, C> = &'a (dyn Fn(&mut [C]) + Sync);

/// [`fold`] of any number of elements: one body for all ways to finish.
#[inline(never)]
fn large<C: Mapped, J: Join<C>, F: Function<C>>(out: &Operand, reader: &Reader, finish: Finish<C>) -> Result<()> {
    let plan = plan(out, reader)?;
    let (results, count) = (plan.kept.numel(), plan.reduced.numel());
    if results == 0 {
        return Ok(());
    }
    let inner_kept = plan.kept.as_slice().last().copied();
    let inner_reduced = plan.reduced.as_slice().last().map_or(isize::MAX, |d| d.strides[0].abs());
    if let Some(inner) = inner_kept
        && inner.size >= 8
        && inner.strides[0].abs() < inner_reduced
        && count > 1
    {
        return columns::<C, J, F>(out, reader, plan, finish);
    } else if let Some(neighbours) = Neighbours::of(reader, &plan) {
        return neighbours.fold::<C, J, F>(out, finish);
    } else if results < 8 && count >= 4 * GRAIN && plan.reduced.as_slice().len() == 1 {
        let mut result = Ok(());
        plan.kept.walk(0..results, |offsets| {
            match long_row(
                Tree::new::<J, F>(),
                reader,
                [offsets[0], offsets[1], offsets[2]],
                plan.reduced.as_slice()[0],
            ) {
                // SAFETY: an element of `out`.
                Ok(value) => unsafe { write(out, offsets[3], value, finish) },
                Err(error) => result = Err(error),
            }
        });
        return result;
    } else {
        let plain = reader.direct::<C>() && reader.center.is_none() && count <= LEAF;
        if plain && let [Dim { strides: [1, ..], .. }] = plan.reduced.as_slice() {
            lines(Tree::new::<J, F>(), out, reader, &plan.kept, count, finish);
            return Ok(());
        }
        rows(Tree::new::<J, F>(), out, reader, &plan, count, finish)?;
    }
    Ok(())
}

/// A reduction of few elements, in row-major order and without a plan, if this is one; answers whether it was.
#[inline]
fn small<C: Mapped, J: Join<C>, F: Function<C>>(out: &Operand, reader: &Reader, finish: &impl Fn(C) -> C) -> bool {
    let x = &reader.x;
    let (rank, count) = (x.ndim(), x.numel());
    let plain = reader.direct::<C>() && reader.center.is_none() && out.dtype() == C::DTYPE;
    if !plain || rank > 4 || count > 64 || count == 0 || out.ndim() != rank {
        return false;
    }
    let (mut sizes, mut steps) = ([1usize; 4], [[0isize; 2]; 4]);
    for i in 0..rank {
        let (size, result) = (x.sizes()[i], out.sizes()[i]);
        if result != size && result != 1 {
            return false;
        }
        sizes[4 - rank + i] = size as usize;
        steps[4 - rank + i] = [x.strides()[i] as isize, if result == size { out.strides()[i] as isize } else { 0 }];
    }
    let (from, to) = (x.ptr().cast::<C>(), out.ptr().cast::<C>());
    let [[xa, oa], [xb, ob], [xc, oc], [xd, od]] = steps;
    // The first element that comes to a result, then each further one, then the last, find it by their index along the
    // reduced dimensions; where an output does not move, its dimension is reduced.
    let edge = |step: isize, size: usize, i: usize, last: bool| step != 0 || i == if last { size - 1 } else { 0 };
    for a in 0..sizes[0] {
        for b in 0..sizes[1] {
            for c in 0..sizes[2] {
                for d in 0..sizes[3] {
                    let at = |last: bool| {
                        edge(oa, sizes[0], a, last)
                            && edge(ob, sizes[1], b, last)
                            && edge(oc, sizes[2], c, last)
                            && edge(od, sizes[3], d, last)
                    };
                    let [a, b, c, d] = [a, b, c, d].map(|i| i as isize);
                    // SAFETY: an element of `x` and one of `out`, both of type C.
                    unsafe {
                        let result = to.offset(a * oa + b * ob + c * oc + d * od);
                        let value = F::of(from.offset(a * xa + b * xb + c * xc + d * xd).read(), C::ZERO);
                        let joined = if at(false) { value } else { J::join(result.read(), value) };
                        result.write(if at(true) { finish(joined) } else { joined });
                    }
                }
            }
        }
    }
    true
}

/// Results of one leaf each, which lie in `x` as they are read: several are finished and written together.
#[inline(never)]
fn lines<C: Mapped>(tree: Tree<C>, out: &Operand, reader: &Reader, kept: &Dims<4>, count: usize, finish: Finish<C>) {
    parallel_for(kept.numel(), (GRAIN / count.max(1)).max(1), &|range| {
        kept.runs(range, |offsets, strides, number| {
            let mut values = [C::ZERO; TOGETHER];
            for first in (0..number).step_by(TOGETHER) {
                let values = &mut values[..TOGETHER.min(number - first)];
                // Lines that follow one another are joined together.
                let at_once = if strides[0] == count as isize { values.len() } else { 1 };
                for (i, values) in values.chunks_mut(at_once).enumerate() {
                    let at = offsets[0] + (first + i) as isize * strides[0];
                    let from = reader.x.ptr().cast::<C>().wrapping_offset(at);
                    // SAFETY: the lines' numbers are elements of `x`, which nothing writes meanwhile.
                    let lines = unsafe { std::slice::from_raw_parts(from, values.len() * count) };
                    (tree.leaves)(lines, count, C::ZERO, values);
                }
                finish(values);
                let to = (offsets[3] + first as isize * strides[3]) * out.dtype().size() as isize;
                // SAFETY: the results are elements of `out`.
                unsafe { C::store(out.dtype(), out.ptr().wrapping_offset(to), strides[3], values) };
            }
        });
    });
}

/// Results one by one, each of the elements of its rows.
#[inline(never)]
fn rows<C: Mapped>(
    tree: Tree<C>,
    out: &Operand,
    reader: &Reader,
    plan: &Plan,
    count: usize,
    finish: Finish<C>,
) -> Result<()> {
    let (outer, inner) = plan.reduced.clone().split_inner();
    try_parallel_for(plan.kept.numel(), (GRAIN / count.max(1)).max(1), &|range| {
        let mut staged = stage::<C>(reader, inner, count)?;
        plan.kept.walk(range, |offsets| {
            let value = row(tree, reader, [offsets[0], offsets[1], offsets[2]], &outer, inner, &mut staged);
            // SAFETY: an element of `out`.
            unsafe { write(out, offsets[3], value, finish) }
        });
        Ok(())
    })
}

/// Writes the result of what was joined to the element of `out` at `offset`.
///
/// # Safety
/// `offset` must be that of an element of `out`.
#[inline]
unsafe fn write<C: Number>(out: &Operand, offset: isize, value: C, finish: Finish<C>) {
    let mut value = [value];
    finish(&mut value);
    if out.dtype() == C::DTYPE {
        // SAFETY: the caller's promise.
        return unsafe { out.ptr().cast::<C>().offset(offset).write(value[0]) };
    }
    let ptr = out.ptr().wrapping_offset(offset * out.dtype().size() as isize);
    // SAFETY: the caller's promise.
    unsafe { C::store(out.dtype(), ptr, 1, &value) }
}

/// Room for a leaf, or none where lines of `count` elements can be taken from where they lie.
fn stage<C: Number>(reader: &Reader, inner: Dim<3>, count: usize) -> Result<Vec<C>> {
    let direct = reader.direct::<C>() && inner.strides[0] == 1 && (inner.size == count || inner.size >= LINE);
    filled(C::ZERO, if direct { 0 } else { count.clamp(1, LEAF) })
}

/// The center of the result at this offset.
fn center<C: Mapped>(reader: &Reader, offset: isize) -> C {
    let mut center = [C::ZERO];
    // SAFETY: the center of this result.
    unsafe { reader.centers(offset, 1, &mut center) };
    center[0]
}

/// One result of the elements along `outer` and `inner`, which go through `staged` if there is room.
fn row<C: Mapped>(
    tree: Tree<C>,
    reader: &Reader,
    offsets: [isize; 3],
    outer: &Dims<3>,
    inner: Dim<3>,
    staged: &mut [C],
) -> C {
    let center = center(reader, offsets[2]);
    let single = outer.as_slice().is_empty();
    if staged.is_empty() {
        let line = |offset: isize| {
            let from = reader.x.ptr().cast::<C>().wrapping_offset(offset);
            // SAFETY: the elements lie side by side in `x`, and nothing writes them meanwhile.
            tree.of(unsafe { std::slice::from_raw_parts(from, inner.size) }, center)
        };
        if single {
            return line(offsets[0]);
        }
        let mut pairs = Pairs::new(tree);
        outer.walk(0..outer.numel(), |[x, ..]| pairs.push(line(offsets[0] + x)));
        return pairs.finish();
    }
    let mut filled = 0;
    let mut pairs = Pairs::new(tree);
    outer.walk(0..outer.numel(), |[x, y, z]| {
        let mut done = 0;
        while done < inner.size {
            let part = (inner.size - done).min(staged.len() - filled);
            let at = [0, 1, 2].map(|k| offsets[k] + [x, y, z][k] + done as isize * inner.strides[k]);
            // SAFETY: elements of the operands.
            unsafe { reader.read(at, inner.strides, &mut staged[filled..filled + part]) };
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

/// One result of many elements: the leaves in parallel, the tree the same as [`row`]'s.
#[inline(never)]
fn long_row<C: Mapped>(tree: Tree<C>, reader: &Reader, offsets: [isize; 3], inner: Dim<3>) -> Result<C> {
    let leaves = inner.size.div_ceil(LEAF);
    let mut values = filled(C::ZERO, leaves)?;
    let shared = Shared(values.as_mut_ptr());
    try_parallel_for(leaves, GRAIN / LEAF, &|range| {
        let shared = &shared;
        let mut staged = stage(reader, inner, inner.size)?;
        if staged.is_empty() {
            let first = range.start * LEAF;
            let count = inner.size.min(range.end * LEAF) - first;
            let from = reader.x.ptr().cast::<C>().wrapping_offset(offsets[0] + first as isize);
            // SAFETY: the elements lie side by side in `x`, and nothing writes them meanwhile; the places in `values`, which
            // outlives the loop, are this task's.
            let (line, values) = unsafe {
                let values = std::slice::from_raw_parts_mut(shared.0.add(range.start), range.len());
                (std::slice::from_raw_parts(from, count), values)
            };
            tree.cut(line, center(reader, offsets[2]), values);
            return Ok(());
        }
        for i in range {
            let part = Dim { size: (inner.size - i * LEAF).min(LEAF), strides: inner.strides };
            let at = [0, 1, 2].map(|k| offsets[k] + (i * LEAF) as isize * inner.strides[k]);
            let value = row(tree, reader, at, &Dims::from_dims([]), part, &mut staged);
            // SAFETY: each leaf has its own place in `values`, which outlives the loop.
            unsafe { shared.0.add(i).write(value) }
        }
        Ok(())
    })?;
    let mut pairs = Pairs::new(tree);
    values.into_iter().for_each(|value| pairs.push(value));
    Ok(pairs.finish())
}

struct Shared<C>(*mut C);
// SAFETY: tasks write disjoint places.
unsafe impl<C> Sync for Shared<C> {}

/// Results side by side in memory: rows of x are joined into up to [`COLUMNS`] of them at a time. Long columns are cut
/// into runs of runs, whose results are joined in order.
fn columns<C: Mapped, J: Join<C>, F: Function<C>>(
    out: &Operand,
    reader: &Reader,
    plan: Plan,
    finish: Finish<C>,
) -> Result<()> {
    let (outer, inner) = plan.kept.split_inner();
    let blocks = inner.size.div_ceil(COLUMNS);
    let count = plan.reduced.numel();
    let parts = count.div_ceil(RUN * RUN);
    let block_at = |task: usize| {
        let first = (task % blocks) * COLUMNS;
        let width = (inner.size - first).min(COLUMNS);
        let mut at = [0; 4];
        outer.walk(task / blocks..task / blocks + 1, |offsets| at = offsets);
        (std::array::from_fn::<isize, 4, _>(|k| at[k] + first as isize * inner.strides[k]), width)
    };
    let store = |at: [isize; 4], values: &mut [C]| {
        finish(values);
        let ptr = out.ptr().wrapping_offset(at[3] * out.dtype().size() as isize);
        // SAFETY: elements of `out`.
        unsafe { C::store(out.dtype(), ptr, inner.strides[3], values) }
    };
    let steps = [inner.strides[0], inner.strides[1], inner.strides[2]];
    let tasks = outer.numel() * blocks;
    if parts == 1 || tasks >= 16 {
        let per_task = inner.size.min(COLUMNS) * count;
        parallel_for(tasks, (GRAIN / per_task.max(1)).max(1), &|range| {
            for task in range {
                let (at, width) = block_at(task);
                let mut total = [J::IDENTITY; COLUMNS];
                for part in 0..parts {
                    let rows = part * RUN * RUN..count.min((part + 1) * RUN * RUN);
                    column_part::<C, J, F>(
                        reader,
                        &plan.reduced,
                        [at[0], at[1], at[2]],
                        steps,
                        rows,
                        &mut total[..width],
                        part == 0,
                    );
                }
                store(at, &mut total[..width]);
            }
        });
        return Ok(());
    }
    let mut partial = filled(J::IDENTITY, tasks * parts * COLUMNS)?;
    let shared = Shared(partial.as_mut_ptr());
    parallel_for(tasks * parts, 1, &|range| {
        let shared = &shared;
        for item in range {
            let (at, width) = block_at(item / parts);
            let part = item % parts;
            let rows = part * RUN * RUN..count.min((part + 1) * RUN * RUN);
            // SAFETY: each item has its own columns of `partial`, which outlives the loop.
            let total = unsafe { std::slice::from_raw_parts_mut(shared.0.add(item * COLUMNS), width) };
            column_part::<C, J, F>(reader, &plan.reduced, [at[0], at[1], at[2]], steps, rows, total, true);
        }
    });
    for task in 0..tasks {
        let (at, width) = block_at(task);
        let (total, rest) = partial[task * parts * COLUMNS..][..parts * COLUMNS].split_at_mut(COLUMNS);
        rest.chunks(COLUMNS).for_each(|part| join_row::<C, J>(&mut total[..width], &part[..width]));
        store(at, &mut total[..width]);
    }
    Ok(())
}

/// Joins `rows` (at most [`RUN`]², in runs) of `total.len()` columns into `total`, or replaces it with them if `first`.
fn column_part<C: Mapped, J: Join<C>, F: Function<C>>(
    reader: &Reader,
    reduced: &Dims<3>,
    at: [isize; 3],
    steps: [isize; 3],
    rows: Range<usize>,
    total: &mut [C],
    first: bool,
) {
    let width = total.len();
    let mut centers = [C::ZERO; COLUMNS];
    let centers = &mut centers[..width];
    // SAFETY: the centers of these results.
    unsafe { reader.centers(at[2], steps[2], centers) };
    let mut part = [J::IDENTITY; COLUMNS];
    let part = &mut part[..width];
    let mut start = rows.start;
    while start < rows.end {
        let end = rows.end.min(start + RUN);
        let mut run = [J::IDENTITY; COLUMNS];
        let run = &mut run[..width];
        let direct = reader.direct::<C>() && steps[0] == 1;
        if let (true, [dim]) = (direct, reduced.as_slice()) {
            let from = reader.x.ptr().cast::<C>().wrapping_offset(at[0] + start as isize * dim.strides[0]);
            // SAFETY: the rows are elements of `x`.
            unsafe { join_rows::<C, J, F>(run, Stack { from, stride: dim.strides[0], rows: end - start }, centers) };
        } else {
            let mut staged = [C::ZERO; STAGED * COLUMNS];
            let mut first = start;
            while first < end {
                let last = end.min(first + STAGED);
                let mut lines = staged.chunks_mut(COLUMNS);
                reduced.walk(first..last, |[x, y, z]| {
                    if let Some(line) = lines.next() {
                        // SAFETY: elements of the operands.
                        unsafe { reader.read([at[0] + x, at[1] + y, at[2] + z], steps, &mut line[..width]) };
                    }
                });
                let rows = Stack { from: staged.as_ptr(), stride: COLUMNS as isize, rows: last - first };
                // SAFETY: the rows are lines of `staged`.
                unsafe { join_rows::<C, J, F>(run, rows, centers) };
                first = last;
            }
        }
        if start == rows.start {
            part.copy_from_slice(run)
        } else {
            join_row::<C, J>(part, run)
        }
        start = end;
    }
    if first { total.copy_from_slice(part) } else { join_row::<C, J>(total, part) }
}
