//! Lines along a dimension, each with results that are places in it and the values there.

use crate::lines::{address, buffer, line_of, others, read_line, write_line};
use crate::number::Ordered;
use corten_base::pool::try_parallel_for;
use corten_base::scratch::Scratch;
use corten_base::{DType, Operand, Result, fail};

/// Elements a task should have at least.
pub(crate) const GRAIN: usize = 8192;

/// Calls `body` with each line of `x` along `dim` in turn (converted), what `work` made for lines of their length, and the
/// lines of places and of values to be filled.
pub(crate) fn each_line<C: Ordered, W>(
    values: Option<&Operand>,
    indices: &Operand,
    x: &Operand,
    dim: usize,
    work: impl Fn(usize) -> Result<W> + Sync,
    body: impl Fn(&[C], &mut W, &mut [i64], &mut [C]) + Sync,
) -> Result<()> {
    check_places(indices)?;
    let target = values.unwrap_or(indices);
    let dims = others([x, target, indices], dim)?;
    let (from, to, index) = (line_of(x, dim)?, line_of(target, dim)?, line_of(indices, dim)?);
    if to.size != index.size || from.size > u32::MAX as usize {
        fail!(Runtime, "values and indices have sizes {} and {} along dimension {dim}", to.size, index.size);
    }
    // In place, lines are copied: results may be written before all of the line was read.
    let in_place = [target, indices].iter().any(|result| result.ptr() == x.ptr());
    try_parallel_for(dims.numel(), (GRAIN / from.size.max(1)).max(1), &|range| {
        let mut read = if in_place { Scratch::filled(C::ZERO, from.size)? } else { buffer::<C>(x, from)? };
        let mut places = buffer::<i64>(indices, index)?;
        let mut taken = match values {
            Some(values) => buffer::<C>(values, to)?,
            None => Scratch::filled(C::ZERO, to.size)?,
        };
        let mut work = work(from.size)?;
        dims.walk(range, |at| {
            // SAFETY: lines of elements of `x` and of the results.
            unsafe {
                let from_x = address(x, at[0]);
                let line = if in_place {
                    C::load(x.dtype(), from_x, from.strides[0], &mut read);
                    &*read
                } else {
                    read_line(x, from_x, from, &mut read)
                };
                write_line(indices, address(indices, at[2]), index, &mut places, |places| match values {
                    Some(values) => write_line(values, address(values, at[1]), to, &mut taken, |values| {
                        body(line, &mut work, places, values)
                    }),
                    None => body(line, &mut work, places, &mut taken),
                });
            }
        });
        Ok(())
    })
}

/// The values at these places of a line.
pub(crate) fn take<C: Ordered>(line: &[C], places: &[i64], values: &mut [C]) {
    values.iter_mut().zip(places).for_each(|(value, &place)| *value = line[place as usize]);
}

/// Refuses places that are not int64.
pub(crate) fn check_places(indices: &Operand) -> Result<()> {
    if indices.dtype() != DType::I64 {
        fail!(Runtime, "indices must be int64, but are {}", indices.dtype());
    }
    Ok(())
}
