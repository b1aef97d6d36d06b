//! The forward pass: blocks of queries are tasks, blocks of keys follow one another with a running maximum.

use crate::blocks::{GAP, Number, Turned, head, product};
use crate::{Attention, Sizes};
use corten_base::pool::try_parallel_for;
use corten_base::{Operand, Result};
use corten_gemm::product::TASK_WORK;
use corten_gemm::scratch::{Inline, Ptr, Scratch};
use corten_gemm::storage::View;
use corten_reduce::rows;
use std::ops::Range;

/// Queries of a task.
const QUERIES: usize = 64;
/// Keys of a block, whose scores with a task's queries stay in a small L2 cache.
const KEYS: usize = 512;

pub fn run<C: Number>(out: &Operand, log_sums: &Operand, job: &Attention, sizes: Sizes) -> Result<()> {
    let tasks = sizes.queries.div_ceil(QUERIES);
    if sizes.batches * sizes.heads * tasks == 0 {
        return Ok(());
    }
    let mut inline = Inline::uninit();
    let mut memory = Scratch::new(&mut inline);
    // SAFETY: `sizes` has checked the operands; the scratch memory lives to the end of this function.
    let keys = unsafe { Turned::<C>::new(&job.key, &mut memory)? };
    let log_sums = Ptr(log_sums.ptr().cast::<C>());
    let work = QUERIES.min(sizes.queries) * sizes.keys * (sizes.width + sizes.out_width);
    try_parallel_for(sizes.batches * sizes.heads * tasks, TASK_WORK / work.max(1) + 1, &|range| {
        let (mut first, mut second) = (Inline::uninit(), Inline::uninit());
        let (mut scores, mut sums) = (Scratch::new(&mut first), Scratch::new(&mut second));
        let scores = scores.room::<C>(QUERIES * (KEYS.min(sizes.keys) + GAP))?;
        let sums = sums.room::<C>(QUERIES * sizes.out_width)?;
        for task in range {
            let (number, start) = (task / tasks, task % tasks * QUERIES);
            let (batch, number) = (number / sizes.heads, number % sizes.heads);
            let queries = start..sizes.queries.min(start + QUERIES);
            let block = Block { job, sizes, batch, number, queries, scores: scores.0, sums: sums.0 };
            let to = log_sums.at((batch * sizes.heads + number) * sizes.queries + start);
            // SAFETY: the operands have been checked, the rooms hold a block, and each task writes rows of its own.
            unsafe { block.run(keys.head(batch, number), head(out, batch, number), to)? };
        }
        Ok(())
    })
}

/// Some queries of one batch and head.
struct Block<'a, C> {
    job: &'a Attention<'a>,
    sizes: Sizes,
    batch: usize,
    number: usize,
    queries: Range<usize>,
    scores: *mut C,
    sums: *mut C,
}

impl<C: Number> Block<'_, C> {
    /// # Safety
    /// The views must be valid for the sizes; the rooms must hold the block.
    unsafe fn run(&self, turned: View<C>, out: View<C>, log_sums: *mut C) -> Result<()> {
        let Block { job, sizes, queries, .. } = self;
        let (count, width) = (queries.len(), sizes.out_width);
        let sums = View { ptr: self.sums, row: width as isize, column: 1 };
        let query = head::<C>(&job.query, self.batch, self.number).at(queries.start, 0);
        let value = head::<C>(&job.value, self.batch, self.number);
        let mask = job.mask::<C>(self.batch, self.number);
        // What each query knows of the keys so far: the largest score, and the sum of the exponentials of the distances to it.
        let (mut peaks, mut totals) = ([C::LOWEST; QUERIES], [C::ZERO; QUERIES]);
        // SAFETY: the caller's promise, for the blocks of rows and columns below.
        unsafe {
            let row = |view: View<C>, i: usize, len| std::slice::from_raw_parts_mut(view.at(i, 0).ptr, len);
            let seen = job.keys_of(queries, *sizes);
            if seen == 0 {
                (0..count).for_each(|i| row(sums, i, width).fill(C::ZERO));
            }
            for first in (0..seen).step_by(KEYS) {
                let keys = KEYS.min(seen - first);
                let scores = View { ptr: self.scores, row: (keys + GAP) as isize, column: 1 };
                product([count, keys, sizes.width], query, turned.at(0, first), scores, job.scale, false)?;
                for (i, (peak, total)) in peaks[..count].iter_mut().zip(&mut totals).enumerate() {
                    let scores = row(scores, i, keys);
                    mask.on_query(scores, queries.start + i, first, job.causal);
                    let largest = peak.larger(rows::largest(scores));
                    if largest.to_f64() == f64::NEG_INFINITY {
                        // Nothing is seen yet: the distances to the largest are no numbers.
                        scores.fill(C::ZERO);
                        continue;
                    }
                    let sum = rows::exp_minus(scores, largest);
                    if first == 0 {
                        (*peak, *total) = (largest, sum);
                        continue;
                    }
                    let shrunk = peak.minus(largest).exp();
                    (*peak, *total) = (largest, total.times(shrunk).plus(sum));
                    rows::scale(row(sums, i, width), shrunk);
                }
                product([count, width, keys], scores, value.at(first, 0), sums, 1.0, first > 0)?;
            }
            for (i, &total) in totals[..count].iter().enumerate() {
                let factor = if total.to_f64() != 0.0 { C::ONE.over(total) } else { C::ZERO };
                let sums = row(sums, i, width);
                if out.column == 1 {
                    rows::scaled(sums, factor, row(out, queries.start + i, width));
                } else {
                    let to = |j| out.at(queries.start + i, j).ptr;
                    sums.iter().enumerate().for_each(|(j, sum)| *to(j) = sum.times(factor));
                }
            }
            // Of what sees nothing, both are -∞.
            rows::plus_logs(&peaks, &totals, std::slice::from_raw_parts_mut(log_sums, count));
        }
        Ok(())
    }
}
