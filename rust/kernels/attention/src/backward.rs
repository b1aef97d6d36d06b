//! The backward pass: each batch and head is a task, which computes the weights again, transposed, block by block.

use crate::blocks::{GAP, Number, Turned, head, product};
use crate::{Attention, Sizes};
use corten_base::alloc::filled;
use corten_base::pool::try_parallel_for;
use corten_base::{Operand, Result};
use corten_gemm::copy::copy;
use corten_gemm::product::TASK_WORK;
use corten_gemm::scratch::{Inline, Ptr, Scratch};
use corten_gemm::storage::View;
use corten_reduce::rows;
use std::ops::Range;

/// Keys of a block.
const KEYS: usize = 64;
/// Queries of a block: its transpose is read in place, by the strides of its rows (see [`GAP`]).
const QUERIES: usize = 112;

pub fn run<C: Number>(
    [gq, gk, gv]: [&Operand; 3],
    [g, out, log_sums]: [&Operand; 3],
    job: &Attention,
    sizes: Sizes,
) -> Result<()> {
    let (mut first, mut second) = (Inline::uninit(), Inline::uninit());
    let (mut first, mut second) = (Scratch::new(&mut first), Scratch::new(&mut second));
    // SAFETY: `attention_backward` has checked the operands; the scratch memory lives to the end of this function.
    let (query, gradient) = unsafe { (Turned::<C>::new(&job.query, &mut first)?, Turned::<C>::new(g, &mut second)?) };
    let log_sums = Ptr(log_sums.ptr().cast::<C>());
    let work = sizes.queries * sizes.keys * (sizes.width + sizes.out_width);
    try_parallel_for(sizes.batches * sizes.heads, TASK_WORK / work.max(1) + 1, &|range| {
        let (mut first, mut second) = (Inline::uninit(), Inline::uninit());
        let (mut weights, mut slopes) = (Scratch::new(&mut first), Scratch::new(&mut second));
        let (weights, slopes) = (weights.room::<C>(KEYS * (QUERIES + GAP))?, slopes.room::<C>(KEYS * (QUERIES + GAP))?);
        let mut shifts = filled(C::ZERO, sizes.queries)?;
        for index in range {
            let (batch, number) = (index / sizes.heads, index % sizes.heads);
            let one = Head {
                job,
                sizes,
                place: (batch, number),
                turned: (query.head(batch, number), gradient.head(batch, number)),
                g: head(g, batch, number),
                results: [gq, gk, gv].map(|x| head(x, batch, number)),
                weights: weights.0,
                slopes: slopes.0,
            };
            // SAFETY: the operands have been checked, the rooms hold a block, and each task writes heads of its own.
            unsafe {
                let sums = std::slice::from_raw_parts(log_sums.at(index * sizes.queries), sizes.queries);
                shifts.copy_from_slice(sums);
                // What sees nothing has no weights.
                shifts.iter_mut().filter(|sum| !sum.above(C::LOWEST)).for_each(|sum| *sum = C::HIGHEST);
                one.run(&shifts, &one.deltas(head(out, batch, number))?)?;
            }
        }
        Ok(())
    })
}

/// One batch and head.
struct Head<'a, C> {
    job: &'a Attention<'a>,
    sizes: Sizes,
    place: (usize, usize),
    /// The transposes of the queries and of the result's gradient.
    turned: (View<C>, View<C>),
    g: View<C>,
    results: [View<C>; 3],
    weights: *mut C,
    slopes: *mut C,
}

impl<C: Number> Head<'_, C> {
    /// The products of each row of the result with its gradient: what the weights' gradients are measured from.
    ///
    /// # Safety
    /// The views must be valid for the sizes.
    unsafe fn deltas(&self, out: View<C>) -> Result<Vec<C>> {
        let width = self.sizes.out_width;
        let mut lines = filled(C::ZERO, 3 * width)?;
        let (x, rest) = lines.split_at_mut(width);
        let (y, room) = rest.split_at_mut(width);
        let mut deltas = filled(C::ZERO, self.sizes.queries)?;
        for (i, delta) in deltas.iter_mut().enumerate() {
            // SAFETY: the caller's promise; the lines have room for a row.
            unsafe {
                for (line, from) in [(&mut *x, self.g.at(i, 0)), (&mut *y, out.at(i, 0))] {
                    copy((1, width), line.as_mut_ptr(), width, from.ptr.cast_const(), (from.row, from.column));
                }
            }
            *delta = rows::dot(x, y, room);
        }
        Ok(deltas)
    }

    /// # Safety
    /// The views must be valid for the sizes; the rooms must hold a block.
    unsafe fn run(&self, shifts: &[C], deltas: &[C]) -> Result<()> {
        let Head { job, sizes, results: [gq, gk, gv], .. } = self;
        let zero = |view: &View<C>, rows: Range<usize>, width: usize| {
            for (i, j) in rows.flat_map(|i| (0..width).map(move |j| (i, j))) {
                // SAFETY: the caller's promise.
                unsafe { *view.at(i, j).ptr = C::ZERO };
            }
        };
        if sizes.keys == 0 {
            zero(gq, 0..sizes.queries, sizes.width);
        }
        for start in (0..sizes.keys).step_by(KEYS) {
            let keys = start..sizes.keys.min(start + KEYS);
            // Earlier queries do not see these keys.
            let begin = if job.causal { start.min(sizes.queries) } else { 0 };
            if begin == sizes.queries {
                zero(gk, keys.clone(), sizes.width);
                zero(gv, keys, sizes.out_width);
                continue;
            }
            for first in (begin..sizes.queries).step_by(QUERIES) {
                let queries = first..sizes.queries.min(first + QUERIES);
                // SAFETY: the caller's promise.
                unsafe { self.block(keys.clone(), queries, [shifts, deltas], first > begin)? };
            }
        }
        Ok(())
    }

    /// Adds what a block of keys and queries gives; the first of a block of keys starts their gradients, and the first
    /// block of keys starts those of the queries.
    ///
    /// # Safety
    /// As [`Head::run`].
    unsafe fn block(&self, keys: Range<usize>, queries: Range<usize>, saved: [&[C]; 2], add: bool) -> Result<()> {
        let Head { job, sizes, place: (batch, number), results: [gq, gk, gv], .. } = self;
        let [shifts, deltas] = saved.map(|x| &x[queries.clone()]);
        let (m, n) = (keys.len(), queries.len());
        let (key, value) = (head::<C>(&job.key, *batch, *number), head::<C>(&job.value, *batch, *number));
        let (key, value) = (key.at(keys.start, 0), value.at(keys.start, 0));
        let query = head::<C>(&job.query, *batch, *number).at(queries.start, 0);
        let mask = job.mask::<C>(*batch, *number);
        let [weights, slopes] =
            [self.weights, self.slopes].map(|ptr| View { ptr, row: (QUERIES + GAP) as isize, column: 1 });
        // SAFETY: the caller's promise, for these rows and columns.
        unsafe {
            let row = |view: View<C>, i: usize| std::slice::from_raw_parts_mut(view.at(i, 0).ptr, n);
            product([m, n, sizes.width], key, self.turned.0.at(0, queries.start), weights, job.scale, false)?;
            for (i, at) in keys.clone().enumerate() {
                mask.on_key(row(weights, i), at, queries.start, job.causal);
                rows::exp_difference(row(weights, i), shifts);
            }
            let g = self.g.at(queries.start, 0);
            product([m, sizes.out_width, n], weights, g, gv.at(keys.start, 0), 1.0, add)?;
            product([m, n, sizes.out_width], value, self.turned.1.at(0, queries.start), slopes, 1.0, false)?;
            for i in 0..m {
                rows::weighted_difference(row(slopes, i), deltas, row(weights, i));
            }
            product([m, sizes.width, n], slopes, query, gk.at(keys.start, 0), job.scale, add)?;
            let slopes = slopes.transposed();
            product([n, sizes.width, m], slopes, key, gq.at(queries.start, 0), job.scale, keys.start > 0)
        }
    }
}
