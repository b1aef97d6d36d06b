//! Lines abreast: however they lie, blocks of them are read so that a row holds one place of each. Each line's result is
//! the same as alone.

use crate::fold::SHORT;
use crate::lines::{GRAIN, address, line_of, others, read_line, write_line};
use crate::number::Number;
use corten_base::pool::try_parallel_for;
use corten_base::scratch::Scratch;
use corten_base::{Operand, Result};
use corten_strided::{Dim, Dims};

/// Lines of a block.
pub(crate) const ABREAST: usize = 16;
/// Fewer are not worth one.
const LEAST: usize = 4;
/// Elements of a line that fills vectors of its own: from here on it takes longer to turn blocks around than they save.
const LONG: usize = SHORT / 2;

/// Calls `kernel` with blocks of the lines of `inputs` along `dim` and the block of `out`, all of one shape. False, and
/// nothing is done, where lines are long or few.
pub(crate) fn map_abreast<C: Number, const N: usize, const M: usize>(
    out: &Operand,
    inputs: [&Operand; N],
    dim: usize,
    kernel: impl Fn([&[[C; ABREAST]]; N], &mut [[C; ABREAST]]) + Sync,
) -> Result<bool> {
    // M is N + 1: the output's strides come last.
    let all: [&Operand; M] = std::array::from_fn(|k| if k < N { inputs[k] } else { out });
    let (dims, length) = (others(all, dim)?.sorted().coalesced(), line_of(out, dim)?.size);
    let count = dims.numel();
    if !(1..LONG).contains(&length) || count < LEAST {
        return Ok(false);
    }
    let mut lines = [line_of(out, dim)?; M];
    for (line, operand) in lines.iter_mut().zip(all) {
        *line = line_of(operand, dim)?;
    }
    try_parallel_for(count.div_ceil(ABREAST), (GRAIN / (ABREAST * length)).max(1), &|range| {
        let (mut staged, mut room) = (Scratch::filled([C::ZERO; ABREAST], M * length)?, [C::ZERO; LONG]);
        let (from, to) = staged.split_at_mut(N * length);
        for group in range {
            let (at, width) = group_of(&dims, group);
            for (k, block) in from.chunks_exact_mut(length).enumerate() {
                // SAFETY: lines of the input, which nothing writes before they are read.
                unsafe { read_block(all[k], at[..width].iter().map(|at| at[k]), lines[k], &mut room, block) };
            }
            kernel(std::array::from_fn(|k| &from[k * length..][..length]), to);
            // SAFETY: lines of the output.
            unsafe { write_block(out, at[..width].iter().map(|at| at[N]), lines[N], &mut room, to) };
        }
        Ok(())
    })?;
    Ok(true)
}

/// Where the lines of a group begin in each operand, and how many there are.
pub(crate) fn group_of<const M: usize>(dims: &Dims<M>, group: usize) -> ([[isize; M]; ABREAST], usize) {
    let (mut at, mut width) = ([[0; M]; ABREAST], 0);
    dims.walk(group * ABREAST..dims.numel().min((group + 1) * ABREAST), |offsets| {
        at[width] = offsets;
        width += 1;
    });
    (at, width)
}

/// Reads the lines that begin at `starts` into a block, by way of `room` where they cannot be taken from where they lie.
///
/// # Safety
/// There must be such lines, which nothing writes meanwhile.
pub(crate) unsafe fn read_block<C: Number>(
    x: &Operand,
    starts: impl Iterator<Item = isize>,
    line: Dim<1>,
    room: &mut [C],
    block: &mut [[C; ABREAST]],
) {
    for (i, start) in starts.enumerate() {
        // SAFETY: the caller's promise.
        let line = unsafe { read_line(x, address(x, start), line, room) };
        block.iter_mut().zip(line).for_each(|(row, &value)| row[i] = value);
    }
}

/// The reverse of [`read_block`].
///
/// # Safety
/// There must be such lines, which nothing else uses meanwhile.
pub(crate) unsafe fn write_block<C: Number>(
    out: &Operand,
    starts: impl Iterator<Item = isize>,
    line: Dim<1>,
    room: &mut [C],
    block: &[[C; ABREAST]],
) {
    for (i, start) in starts.enumerate() {
        let fill = |line: &mut [C]| line.iter_mut().zip(block).for_each(|(value, row)| *value = row[i]);
        // SAFETY: the caller's promise.
        unsafe { write_line(out, address(out, start), line, room, fill) };
    }
}
