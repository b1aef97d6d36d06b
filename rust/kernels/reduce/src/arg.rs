//! Where the largest or smallest element is; and along a line the k-th smallest, the k largest, or all in order.

use crate::columns::{LEAST, WIDTH};
use crate::fold::{Join, LEAF, Largest, Same, Smallest, leaf};
use crate::lines::{address, buffer, line_of, others, read_line};
use crate::number::{Number, Ordered, by_order};
use corten_base::alloc::{filled, room};
use corten_base::pool::{parallel_for, try_parallel_for};
use corten_base::{DType, Operand, Result, fail, multiversion};
use corten_strided::Dim;

/// Elements compared at once in the search for a value.
const BLOCK: usize = 64;

/// What is sought along a dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seek {
    /// The largest element: of equal ones the first; NaN if one is there.
    Max,
    /// The smallest element: of equal ones the first; NaN if one is there.
    Min,
    /// The lower of the middle elements; NaN if one is there.
    Median,
    /// The lower of the middle elements that are not NaN.
    NanMedian,
    /// The most frequent element (of equally frequent ones the smallest), at its last place.
    Mode,
    /// The k-th smallest element, k from 1 on; NaN above everything.
    Kth(usize),
}

/// Calls `body` with each line of `x` along `dim` in turn (converted), room for its keys, and the line of results to be
/// filled: places, of which the values are taken where they are wanted.
fn each_line<C: Ordered>(
    values: Option<&Operand>,
    indices: &Operand,
    x: &Operand,
    dim: usize,
    body: impl Fn(&[C], &mut Vec<C::Key>, &mut [i64]) + Sync,
) -> Result<()> {
    if indices.dtype() != DType::I64 {
        fail!(Runtime, "indices must be int64, but are {}", indices.dtype());
    }
    let target = values.unwrap_or(indices);
    let dims = others([x, target, indices], dim)?;
    let (from, to, index) = (line_of(x, dim)?, line_of(target, dim)?, line_of(indices, dim)?);
    if to.size != index.size || from.size > u32::MAX as usize {
        fail!(Runtime, "values and indices have sizes {} and {} along dimension {dim}", to.size, index.size);
    }
    try_parallel_for(dims.numel(), (8192 / from.size.max(1)).max(1), &|range| {
        let mut room_for_line = buffer::<C>(x, from)?;
        let (mut found, mut taken) = (filled(0i64, to.size)?, filled(C::ZERO, to.size)?);
        let mut keys = room(from.size)?;
        dims.walk(range, |at| {
            // SAFETY: a line of elements of `x`.
            let line = unsafe { read_line(x, address(x, at[0]), from, &mut room_for_line) };
            body(line, &mut keys, &mut found);
            taken.iter_mut().zip(&found).for_each(|(taken, &at)| *taken = line[at as usize]);
            // SAFETY: lines of the two results.
            unsafe {
                i64::store(DType::I64, address(indices, at[2]), index.strides[0], &found);
                if let Some(values) = values {
                    C::store(values.dtype(), address(values, at[1]), to.strides[0], &taken);
                }
            }
        });
        Ok(())
    })
}

/// Finds what `op` seeks along `dim`: its index, and its value if wanted. Both results have size 1 along `dim`, which must
/// not be empty.
pub fn arg_reduce(op: Seek, values: Option<Operand>, indices: Operand, x: Operand, dim: usize) -> Result<()> {
    let length = line_of(&x, dim)?.size;
    if line_of(&indices, dim)?.size != 1 || length == 0 {
        fail!(Index, "a search along dimension {dim} of size {length} needs an element and results of size 1");
    }
    if let Seek::Kth(k) = op
        && (k == 0 || k > length)
    {
        fail!(Runtime, "kthvalue(): selected number k out of range for dimension {dim}");
    }
    by_order!(x.dtype(), "arg_reduce", C => {
        let done = match op {
            Seek::Max => extreme_columns::<C, Largest>(values.as_ref(), &indices, &x, dim)?,
            Seek::Min => extreme_columns::<C, Smallest>(values.as_ref(), &indices, &x, dim)?,
            _ => false,
        };
        if done {
            return Ok(());
        }
        each_line::<C>(values.as_ref(), &indices, &x, dim, |line, keys, found| found[0] = seek(op, line, keys) as i64)
    })
}

fn seek<C: Ordered>(op: Seek, line: &[C], keys: &mut Vec<C::Key>) -> usize {
    let first_nan = || line.iter().position(|v| v.is_nan());
    let kth = |keys: &mut Vec<C::Key>, k: usize| {
        fill_keys(line, keys, false);
        C::place(*keys.select_nth_unstable(k).1)
    };
    match op {
        Seek::Max => first_extreme::<C, Largest>(line),
        Seek::Min => first_extreme::<C, Smallest>(line),
        Seek::Median => first_nan().unwrap_or_else(|| kth(keys, (line.len() - 1) / 2)),
        Seek::NanMedian => {
            let numbers = line.iter().filter(|v| !v.is_nan()).count();
            kth(keys, numbers.saturating_sub(1) / 2)
        }
        Seek::Kth(k) => kth(keys, k - 1),
        Seek::Mode => {
            fill_keys(line, keys, false);
            keys.sort_unstable();
            let (mut best, mut most, mut run) = (0, 0, 0);
            let mut before = None;
            for place in keys.iter().map(|&key| C::place(key)) {
                let same = before.is_some_and(|before: usize| !line[place].above(line[before]));
                run = if same { run + 1 } else { 1 };
                if run > most {
                    (best, most) = (place, run);
                }
                before = Some(place);
            }
            best
        }
    }
}

/// An extreme that joins lead to.
trait Extreme<C>: Join<C> {
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

/// The first place of a line's extreme.
fn first_extreme<C: Ordered, E: Extreme<C>>(line: &[C]) -> usize {
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

/// Finds extremes of lines that lie side by side, row by row; answers whether they do.
fn extreme_columns<C: Ordered, E: Extreme<C>>(
    values: Option<&Operand>,
    indices: &Operand,
    x: &Operand,
    dim: usize,
) -> Result<bool> {
    let target = values.unwrap_or(indices);
    let (outer, inner) = others([x, target, indices], dim)?.sorted().coalesced().split_inner();
    let line = line_of(x, dim)?;
    if inner.strides[0] != 1 || inner.size < LEAST || line.size > u32::MAX as usize || indices.dtype() != DType::I64 {
        return Ok(false);
    }
    let blocks = inner.size.div_ceil(WIDTH);
    parallel_for(outer.numel() * blocks, (8192 / (line.size * WIDTH)).max(1), &|range| {
        for task in range {
            let first = task % blocks * WIDTH;
            let width = WIDTH.min(inner.size - first);
            let (mut best, mut places, mut room) = ([C::ZERO; WIDTH], [0u32; WIDTH], [C::ZERO; WIDTH]);
            let (best, places) = (&mut best[..width], &mut places[..width]);
            let row = Dim { size: width, strides: [1] };
            outer.walk(task / blocks..task / blocks + 1, |at| {
                for place in 0..line.size {
                    let from = address(x, at[0] + first as isize + place as isize * line.strides[0]);
                    // SAFETY: a row of elements of `x`.
                    let row = unsafe { read_line(x, from, row, &mut room) };
                    if place == 0 {
                        best.copy_from_slice(row)
                    } else {
                        advance::<C, E>(best, places, row, place as u32)
                    }
                }
                let to = [1, 2].map(|k| at[k] + first as isize * inner.strides[k]);
                for (i, &place) in places.iter().enumerate() {
                    // SAFETY: elements of `indices`, which are int64.
                    unsafe {
                        indices.ptr().cast::<i64>().offset(to[1] + i as isize * inner.strides[2]).write(place as i64)
                    };
                }
                if let Some(values) = values {
                    // SAFETY: elements of the values.
                    unsafe { C::store(values.dtype(), address(values, to[0]), inner.strides[1], best) };
                }
            });
        }
    });
    Ok(true)
}

multiversion! {
    /// Takes a row's elements that are further out than the best so far, and its place with them.
    fn advance<C: Ordered, E: Extreme<C>>(best: &mut [C], places: &mut [u32], row: &[C], place: u32) {
        for ((best, at), &value) in best.iter_mut().zip(places).zip(row) {
            let better = E::beats(value, *best);
            // Places only grow; a choice between two would become a store under a mask, which is slow.
            *at = (*at).max(if better { place } else { 0 });
            *best = if better { value } else { *best };
        }
    }
}

fn fill_keys<C: Ordered>(line: &[C], keys: &mut Vec<C::Key>, down: bool) {
    keys.clear();
    keys.extend(line.iter().enumerate().map(|(at, value)| value.key(at as u32, down)));
}

/// Sorts along `dim`; equal elements keep their order, NaN counts as the largest.
pub fn sort(values: Operand, indices: Operand, x: Operand, dim: usize, largest_first: bool) -> Result<()> {
    let length = line_of(&x, dim)?.size;
    topk(values, indices, x, length, dim, largest_first, true)
}

/// The `k` largest (or smallest) elements along `dim` in order; of equal ones the first. `sorted` may be false where the
/// order does not matter: they then come in the order of their places.
pub fn topk(
    values: Operand,
    indices: Operand,
    x: Operand,
    k: usize,
    dim: usize,
    largest: bool,
    sorted: bool,
) -> Result<()> {
    let length = line_of(&x, dim)?.size;
    if k > length {
        fail!(Runtime, "selected index k out of range");
    }
    if line_of(&values, dim)?.size != k || line_of(&indices, dim)?.size != k {
        fail!(Runtime, "the results must have size {k} along dimension {dim}");
    }
    if k == 0 {
        return Ok(());
    }
    by_order!(x.dtype(), "sort", C => each_line::<C>(Some(&values), &indices, &x, dim, |line, keys, found| {
        fill_keys(line, keys, largest);
        if k < line.len() {
            keys.select_nth_unstable(k - 1);
            keys.truncate(k);
        }
        // Places break ties, so an unstable sort gives the stable order.
        if sorted {
            keys.sort_unstable();
        } else {
            keys.sort_unstable_by_key(|&key| C::place(key));
        }
        found.iter_mut().zip(keys.iter()).for_each(|(found, &key)| *found = C::place(key) as i64);
    }))
}
