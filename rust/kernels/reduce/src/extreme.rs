//! Where the extremes of lines are, and those of their beginnings.

use crate::columns::{LEAST, WIDTH};
use crate::fold::{Join, LEAF, Largest, Same, Smallest, leaf};
use crate::lines::{address, line_of, others, read_line, same_sizes};
use crate::number::{Number, Ordered, by_order};
use crate::places::{GRAIN, check_places, each_line};
use corten_base::pool::parallel_for;
use corten_base::{DType, Operand, Result, multiversion};
use corten_strided::Dim;
use std::marker::PhantomData;

/// Elements compared at once in the search for a value.
const BLOCK: usize = 64;
/// Elements compared at once with the extreme before them.
const PART: usize = 32;

/// Which of two elements is an extreme.
pub(crate) trait Extreme<C> {
    /// Whether `x` is further out than `y`; NaN is furthest.
    fn beats(x: C, y: C) -> bool;
}

impl<C: Ordered> Extreme<C> for Largest {
    #[inline(always)]
    fn beats(x: C, y: C) -> bool {
        x.above(y)
    }
}
impl<C: Ordered> Extreme<C> for Smallest {
    #[inline(always)]
    fn beats(x: C, y: C) -> bool {
        !y.is_nan() & (x.is_nan() | y.above(x))
    }
}

/// An extreme of which the latest counts.
struct Latest<E>(PhantomData<E>);

impl<C, E: Extreme<C>> Extreme<C> for Latest<E> {
    #[inline(always)]
    fn beats(x: C, y: C) -> bool {
        !E::beats(y, x)
    }
}

/// The first place of a line's extreme.
pub(crate) fn first_extreme<C: Ordered, E: Extreme<C> + Join<C>>(line: &[C]) -> usize {
    let mut parts = line.chunks(LEAF).map(|part| leaf::<C, E, Same>(part, C::ZERO)).enumerate();
    let Some(first) = parts.next() else { return 0 };
    let (part, extreme) = parts.fold(first, |best, next| if E::beats(next.1, best.1) { next } else { best });
    part * LEAF + place_of(&line[part * LEAF..], extreme)
}

multiversion! {
    /// The first place of a value that is there.
    fn place_of<C: Ordered>(line: &[C], value: C) -> usize {
        let same = |&x: &C| (x == value) | (x.is_nan() & value.is_nan());
        // All of a block are compared at once, then one after the other.
        let before = line.chunks(BLOCK).take_while(|block| !block.iter().fold(false, |any, x| any | same(x))).count();
        let start = before * BLOCK;
        start + line[start..].iter().position(same).unwrap_or(0)
    }
}

/// The largest (or smallest) element so far along `dim`, and its index: of equal ones the last, as PyTorch. NaN wins.
pub fn cum_extreme(largest: bool, values: Operand, indices: Operand, x: Operand, dim: usize) -> Result<()> {
    same_sizes(&values, &x)?;
    same_sizes(&indices, &x)?;
    by_order!(x.dtype(), "cummax_cummin", C => match largest {
        true => running::<C, Largest>(&values, &indices, &x, dim),
        false => running::<C, Smallest>(&values, &indices, &x, dim),
    })
}

fn running<C: Ordered, E: Extreme<C>>(values: &Operand, indices: &Operand, x: &Operand, dim: usize) -> Result<()> {
    if extreme_columns::<C, Latest<E>>(Some(values), indices, x, dim)? {
        return Ok(());
    }
    each_line::<C, _>(
        Some(values),
        indices,
        x,
        dim,
        |_| Ok(()),
        |line, _, places, values| running_extreme::<C, E>(line, places, values),
    )
}

multiversion! {
    /// The extreme up to each element of a line, and its last place.
    fn running_extreme<C: Ordered, E: Extreme<C>>(line: &[C], places: &mut [i64], values: &mut [C]) {
        let Some(&first) = line.first() else { return };
        let (mut best, mut best_at) = (first, 0);
        let results = places.chunks_mut(PART).zip(values.chunks_mut(PART));
        for (part, (line, (places, values))) in line.chunks(PART).zip(results).enumerate() {
            // Extremes are rare: most parts have none, and are looked through and filled by vectors.
            if line.iter().fold(true, |all, &value| all & E::beats(best, value)) {
                places.fill(best_at);
                values.fill(best);
                continue;
            }
            for (i, (&value, (place, extreme))) in line.iter().zip(places.iter_mut().zip(values)).enumerate() {
                let behind = E::beats(best, value);
                best_at = if behind { best_at } else { (part * PART + i) as i64 };
                best = if behind { best } else { value };
                (*place, *extreme) = (best_at, best);
            }
        }
    }
}

/// Finds extremes of lines that lie side by side, row by row. Results as long as the lines are those of the lines'
/// beginnings. Answers whether the lines lie so.
pub(crate) fn extreme_columns<C: Ordered, E: Extreme<C>>(
    values: Option<&Operand>,
    indices: &Operand,
    x: &Operand,
    dim: usize,
) -> Result<bool> {
    check_places(indices)?;
    let target = values.unwrap_or(indices);
    let (outer, inner) = others([x, target, indices], dim)?.sorted().coalesced().split_inner();
    let (line, to, index) = (line_of(x, dim)?, line_of(target, dim)?, line_of(indices, dim)?);
    if inner.strides[0] != 1 || inner.size < LEAST || line.size > u32::MAX as usize {
        return Ok(false);
    }
    let blocks = inner.size.div_ceil(WIDTH);
    parallel_for(outer.numel() * blocks, (GRAIN / (line.size * WIDTH).max(1)).max(1), &|range| {
        for task in range {
            let first = task % blocks * WIDTH;
            let width = WIDTH.min(inner.size - first);
            let (mut best, mut places, mut room) = ([C::ZERO; WIDTH], [0u32; WIDTH], [C::ZERO; WIDTH]);
            let (best, places) = (&mut best[..width], &mut places[..width]);
            let row = Dim { size: width, strides: [1] };
            outer.walk(task / blocks..task / blocks + 1, |at| {
                let write = |place: usize, best: &[C], places: &[u32]| {
                    let mut wide = [0; WIDTH];
                    wide.iter_mut().zip(places).for_each(|(wide, &place)| *wide = place as i64);
                    let step = |k: usize, along: Dim<1>| {
                        at[k] + first as isize * inner.strides[k] + place as isize * along.strides[0]
                    };
                    // SAFETY: elements of the results; indices are int64.
                    unsafe {
                        i64::store(DType::I64, address(indices, step(2, index)), inner.strides[2], &wide[..width]);
                        if let Some(values) = values {
                            C::store(values.dtype(), address(values, step(1, to)), inner.strides[1], best);
                        }
                    }
                };
                for place in 0..line.size {
                    let from = address(x, at[0] + first as isize + place as isize * line.strides[0]);
                    // SAFETY: a row of elements of `x`.
                    let row = unsafe { read_line(x, from, row, &mut room) };
                    if place == 0 {
                        best.copy_from_slice(row)
                    } else {
                        advance::<C, E>(best, places, row, place as u32)
                    }
                    if index.size == line.size {
                        write(place, best, places);
                    }
                }
                if index.size != line.size {
                    write(0, best, places);
                }
            });
        }
    });
    Ok(true)
}

multiversion! {
    /// Takes a row's elements that beat the best so far, and its place with them.
    fn advance<C: Ordered, E: Extreme<C>>(best: &mut [C], places: &mut [u32], row: &[C], place: u32) {
        for ((best, at), &value) in best.iter_mut().zip(places).zip(row) {
            let better = E::beats(value, *best);
            // Places only grow; a choice between two would become a store under a mask, which is slow.
            *at = (*at).max(if better { place } else { 0 });
            *best = if better { value } else { *best };
        }
    }
}
