//! Lines side by side: where neighbouring lines lie next to each other in memory, blocks of them are taken row by row,
//! in place if they are numbers. Each line's result is the same in a block of any width.

use crate::lines::{GRAIN, address, line_of, others};
use crate::number::Number;
use corten_base::pool::try_parallel_for;
use corten_base::scratch::Scratch;
use corten_base::{Operand, Result, fail};
use std::marker::PhantomData;

/// Lines of a block, at most: a row of them is long enough for the processor to read ahead.
pub(crate) const WIDTH: usize = 256;
/// Fewer are not worth a loop.
pub(crate) const LEAST: usize = 16;
/// Numbers that a stage of rows should hold at most.
const STAGE: usize = 1 << 19;

/// A block of an operand: at each place along its lines, a row of neighbouring elements.
pub(crate) struct Rows<'a, C> {
    from: *mut C,
    step: isize,
    width: usize,
    count: usize,
    lifetime: PhantomData<&'a [C]>,
}

/// A block of the result.
pub(crate) struct RowsMut<'a, C>(Rows<'a, C>);

impl<C: Number> Rows<'_, C> {
    /// Number of lines.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Number of places along them.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    fn at(&self, place: usize) -> *mut C {
        assert!(place < self.count);
        self.from.wrapping_offset(place as isize * self.step)
    }

    pub(crate) fn row(&self, place: usize) -> &[C] {
        // SAFETY: the elements lie in the operand or its stage, as `map_columns` saw to, and nothing writes them meanwhile.
        unsafe { std::slice::from_raw_parts(self.at(place), self.width) }
    }
}

impl<C: Number> RowsMut<'_, C> {
    pub(crate) fn row(&mut self, place: usize) -> &mut [C] {
        // SAFETY: the elements lie in the result or its stage, in this block alone.
        unsafe { std::slice::from_raw_parts_mut(self.0.at(place), self.0.width) }
    }
}

/// Calls `kernel` with blocks of the lines of `inputs` along `dim` and of `out`, all of one shape. False, and nothing is
/// done, where lines do not lie side by side.
pub(crate) fn map_columns<C: Number, const N: usize, const M: usize>(
    out: &Operand,
    inputs: [&Operand; N],
    dim: usize,
    kernel: impl Fn([Rows<C>; N], RowsMut<C>) + Sync,
) -> Result<bool> {
    // M is N + 1: the output's strides come last.
    let all: [&Operand; M] = std::array::from_fn(|k| if k < N { inputs[k] } else { out });
    let mut steps = [0; M];
    let length = line_of(out, dim)?.size;
    for (step, operand) in steps.iter_mut().zip(all) {
        let line = line_of(operand, dim)?;
        if line.size != length {
            fail!(Runtime, "lines of {length} and {} elements along dimension {dim}", line.size);
        }
        *step = line.strides[0];
    }
    let (outer, inner) = others(all, dim)?.sorted().coalesced().split_inner();
    if inner.strides != [1; M] || inner.size < LEAST || length <= 1 {
        return Ok(false);
    }
    // In place, rows are staged: a kernel may read a row after it wrote it.
    let direct = all.iter().all(|x| x.dtype() == C::DTYPE) && inputs.iter().all(|x| x.ptr() != out.ptr());
    let widest = if direct { WIDTH } else { (STAGE / (M * length)).clamp(LEAST, WIDTH) }.min(inner.size);
    let blocks = inner.size.div_ceil(widest);
    try_parallel_for(outer.numel() * blocks, (GRAIN / (length * widest)).max(1), &|range| {
        let mut staged = Scratch::filled(C::ZERO, if direct { 0 } else { M * length * widest })?;
        for task in range {
            let first = task % blocks * widest;
            let width = widest.min(inner.size - first);
            let mut offsets = [0; M];
            outer.walk(task / blocks..task / blocks + 1, |at| offsets = at);
            let byte =
                |k: usize, place: usize| address(all[k], offsets[k] + first as isize + place as isize * steps[k]);
            let mut block = |k: usize| {
                let mut rows =
                    Rows { from: byte(k, 0).cast(), step: steps[k], width, count: length, lifetime: PhantomData };
                if !direct {
                    let stage = &mut staged[k * length * widest..][..length * widest];
                    rows = Rows { from: stage.as_mut_ptr(), step: widest as isize, ..rows };
                    for (place, row) in stage.chunks_mut(widest).enumerate().filter(|_| k < N) {
                        // SAFETY: a row of the input.
                        unsafe { C::load(all[k].dtype(), byte(k, place), 1, &mut row[..width]) };
                    }
                }
                rows
            };
            kernel(std::array::from_fn(&mut block), RowsMut(block(N)));
            for (place, row) in staged.chunks(widest).skip(N * length).enumerate() {
                // SAFETY: a row of the output.
                unsafe { C::store(out.dtype(), byte(N, place), 1, &row[..width]) };
            }
        }
        Ok(())
    })?;
    Ok(true)
}
