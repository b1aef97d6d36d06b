//! Borders that continue what they surround, and their gradient.

use crate::arithmetic::Arithmetic;
use crate::arrange::{copy_run, zero_run};
use crate::blocks::join_run;
use crate::copy::{Base, GRAIN, by_width, same_dtype};
use corten_base::alloc::{filled, room};
use corten_base::pool::parallel_for;
use corten_base::{Operand, Result, fail, with_dtype};
use corten_strided::{Dim, Dims};

/// Most dimensions that have a border.
const MOST: usize = 3;
/// Widest border, so that sums with sizes do not overflow.
const FURTHEST: u64 = 1 << 40;

/// What a border shows of the inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// What lies as far behind the outermost element.
    Reflect,
    /// The outermost element.
    Replicate,
    /// What is left of it from the other end on.
    Circular,
}

/// A dimension with a border before and behind it; a negative border cuts.
struct Side {
    /// Which dimension it is.
    dim: usize,
    /// The place inside that each of its places shows.
    places: Vec<isize>,
    kept: Kept,
}

/// The places of a bordered dimension that show the inside as it is.
#[derive(Clone, Copy)]
struct Kept {
    /// The first of them, and the place inside that it shows.
    first: usize,
    shown: usize,
    count: usize,
}

impl Side {
    /// Of dimension `dim` with `before` elements before its `size`, which make `total` with those behind.
    fn new(edge: Edge, dim: usize, size: i64, before: i64, total: i64) -> Result<Self> {
        if before.unsigned_abs() > FURTHEST {
            fail!(Runtime, "a border of {before} elements is too wide");
        }
        let after = total - size - before;
        let inside = (-before).max(0)..size + after.min(0);
        let place = |at: i64| match edge {
            Edge::Reflect if at.abs() < size => at.abs(),
            Edge::Reflect => 2 * (size - 1) - at,
            Edge::Replicate => at.min(size - 1).max(0),
            Edge::Circular => inside.start + (at - inside.start).rem_euclid((inside.end - inside.start).max(1)),
        };
        let kept = match inside.is_empty() {
            true => Kept { first: total as usize, shown: 0, count: 0 },
            false => Kept {
                first: before.max(0) as usize,
                shown: inside.start as usize,
                count: (inside.end - inside.start) as usize,
            },
        };
        let mut places = room(total as usize)?;
        places.extend((0..kept.first as i64).map(|i| place(i - before) as isize));
        places.extend((kept.shown..).take(kept.count).map(|i| i as isize));
        places.extend((places.len() as i64..total).map(|i| place(i - before) as isize));
        if !places.iter().all(|&place| (0..size as isize).contains(&place)) {
            fail!(Runtime, "a border of {before} and {after} shows more than the {size} elements that it surrounds");
        }
        Ok(Side { dim, places, kept })
    }

    /// The dimensions of `whole` that have a border around those of `inside`, of which there are `before` elements before.
    fn all(edge: Edge, whole: &Operand, inside: &Operand, before: &[i64]) -> Result<Vec<Self>> {
        same_dtype(whole, inside)?;
        let rank = inside.ndim();
        if whole.ndim() != rank || before.len() != rank {
            fail!(Runtime, "sizes {:?} and {:?} differ in more than a border", whole.sizes(), inside.sizes());
        }
        let bordered = |&d: &usize| before[d] != 0 || whole.sizes()[d] != inside.sizes()[d];
        let sides = (0..rank).filter(bordered);
        let sides: Vec<Self> =
            sides.map(|d| Side::new(edge, d, inside.sizes()[d], before[d], whole.sizes()[d])).collect::<Result<_>>()?;
        if sides.len() > MOST {
            fail!(Runtime, "at most {MOST} dimensions have a border, but got {before:?}");
        }
        Ok(sides)
    }
}

/// The rows of two operands, one of which has a border.
struct Rows {
    /// Steps from row to row: in the operand that is written; in the one that is read, but not along dimensions with a
    /// border; and in each of those dimensions.
    outer: Dims<5>,
    /// The elements of a row, and which of the sides it is.
    size: usize,
    side: Option<usize>,
    /// The steps along a row in both operands.
    steps: [isize; 2],
}

/// What a row with a border shows: the offsets inside of all its places, and those that show the inside as it is; only
/// these where it has no border.
struct Row {
    places: Vec<isize>,
    kept: Kept,
    /// The steps along a row in the operand that is written and in the one that is read.
    steps: [isize; 2],
}

impl Rows {
    fn new(out: &Operand, x: &Operand, sides: &[Side]) -> Self {
        let dims = (0..out.ndim()).map(|d| {
            let side = sides.iter().position(|side| side.dim == d);
            let mut strides = [out.strides()[d] as isize, x.strides()[d] as isize, 0, 0, 0];
            if let Some(k) = side {
                (strides[1], strides[2 + k]) = (0, 1);
            }
            Dim { size: out.sizes()[d] as usize, strides }
        });
        let (outer, Dim { size, strides }) = Dims::from_dims(dims).sorted().coalesced().split_inner();
        let side = strides[2..].iter().position(|&step| step != 0);
        let read = side.map_or(strides[1], |k| x.strides()[sides[k].dim] as isize);
        Rows { outer, size, side, steps: [strides[0], read] }
    }

    /// A row, in steps of `inside` in the operand without a border.
    fn row(&self, sides: &[Side], inside: isize) -> Row {
        let side = self.side.map(|k| &sides[k]);
        Row {
            places: side.map_or(Vec::new(), |side| side.places.iter().map(|place| place * inside).collect()),
            kept: side.map_or(Kept { first: 0, shown: 0, count: self.size }, |side| side.kept),
            steps: self.steps,
        }
    }

    /// What `of` gives for each side that rows go across, and for other places of a row `none`.
    fn across<S: Clone>(&self, sides: &[Side], none: S, of: impl Fn(&Side) -> Result<S>) -> Result<[S; MOST]> {
        let mut all: [S; MOST] = std::array::from_fn(|_| none.clone());
        for (k, side) in sides.iter().enumerate().filter(|&(k, _)| self.side != Some(k)) {
            all[k] = of(side)?;
        }
        Ok(all)
    }
}

/// `x` in a border of `before` elements before each dimension, and as many behind as `out` has room for; negative ones cut.
pub fn border(out: Operand, x: Operand, edge: Edge, before: &[i64]) -> Result<()> {
    let sides = Side::all(edge, &out, &x, before)?;
    if out.numel() == 0 {
        return Ok(());
    }
    let rows = Rows::new(&out, &x, &sides);
    let row = rows.row(&sides, rows.steps[1]);
    let across = rows.across(&sides, vec![0], |side| {
        Ok(side.places.iter().map(|place| place * x.strides()[side.dim] as isize).collect())
    })?;
    by_width!(x.dtype(), T => {
        let (to, from) = (Base::<T>::of(&out), Base::<T>::of(&x));
        parallel_for(rows.outer.numel(), (GRAIN / rows.size).max(1), &|range| {
            let (to, from) = (to, from);
            rows.outer.runs(range, |[t, f, at @ ..], [t_step, f_step, moves @ ..], count| {
                // The rows of a run differ in one dimension; where that has a border, its places tell where they lie.
                let moving = moves.iter().position(|&step| step != 0);
                let f = (0..MOST).filter(|&k| moving != Some(k)).fold(f, |f, k| f + across[k][at[k] as usize]);
                let lines = moving.map_or(&[][..], |k| &across[k][at[k] as usize..]);
                let (to, from) = (to.0.wrapping_offset(t), from.0.wrapping_offset(f));
                // SAFETY: rows of `out`; offsets of elements of `x`, since all places lie inside.
                unsafe { copy_rows(to, from, [t_step, f_step], lines, count, &row) }
            });
        });
    });
    Ok(())
}

/// Writes `count` rows with a border, `apart` from each other, and what they show from `lines` on, or evenly apart too.
///
/// # Safety
/// There must be such rows at `to`, used by nothing else, and where they show something elements.
unsafe fn copy_rows<T: Copy>(to: *mut T, from: *const T, apart: [isize; 2], lines: &[isize], count: usize, row: &Row) {
    let behind = row.kept.first + row.kept.count;
    let (first, last) = (row.places.get(..row.kept.first), row.places.get(behind..));
    for i in 0..count {
        let line = lines.get(i).copied().unwrap_or(i as isize * apart[1]);
        let (to, from) = (to.wrapping_offset(i as isize * apart[0]), from.wrapping_offset(line));
        // SAFETY: the caller's promise.
        unsafe {
            show(to, row.steps[0], from, first.unwrap_or_default());
            let (kept, shown) = (row.kept.first as isize * row.steps[0], row.kept.shown as isize * row.steps[1]);
            copy_run(to.offset(kept), from.offset(shown), row.steps, row.kept.count);
            show(to.offset(behind as isize * row.steps[0]), row.steps[0], from, last.unwrap_or_default());
        }
    }
}

/// Copies the elements at `places`, one at each step.
///
/// # Safety
/// As for [`copy_rows`].
#[inline(always)]
unsafe fn show<T: Copy>(to: *mut T, step: isize, from: *const T, places: &[isize]) {
    for (i, &place) in places.iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe { to.offset(i as isize * step).write(from.offset(place).read()) }
    }
}

/// The gradient of [`border`]: of all that show an element the sum, in their row-major order.
pub fn border_backward(out: Operand, g: Operand, edge: Edge, before: &[i64]) -> Result<()> {
    let sides = Side::all(edge, &g, &out, before)?;
    if out.numel() == 0 {
        return Ok(());
    }
    let rows = Rows::new(&out, &g, &sides);
    let row = rows.row(&sides, rows.steps[0]);
    let across = rows.across(&sides, vec![vec![0]], |side| {
        let mut showing = filled(Vec::new(), out.sizes()[side.dim] as usize)?;
        for (i, &place) in side.places.iter().enumerate() {
            showing[place as usize].push(i as isize * g.strides()[side.dim] as isize);
        }
        Ok(showing)
    })?;
    with_dtype!(g.dtype(), T => {
        let (to, from) = (Base::<T>::of(&out), Base::<T>::of(&g));
        parallel_for(rows.outer.numel(), (GRAIN / rows.size).max(1), &|range| {
            let (to, from) = (to, from);
            rows.outer.walk(range, |[t, f, at @ ..]| {
                let to = to.0.wrapping_offset(t);
                // SAFETY: a row of `out`.
                unsafe { zero_run(to, rows.steps[0], rows.size) };
                let [a, b, c] = std::array::from_fn(|k| &across[k][at[k] as usize]);
                for (a, b, c) in a.iter().flat_map(|a| b.iter().flat_map(move |b| c.iter().map(move |c| (a, b, c)))) {
                    let from = from.0.wrapping_offset(f + a + b + c);
                    // SAFETY: the same row, in which all places lie, and one of `g`.
                    unsafe { add_row(to, from, &row) }
                }
            });
        });
    });
    Ok(())
}

/// Adds each element of a row with a border to what it shows.
///
/// # Safety
/// There must be such a row at `from`, and elements where it shows something at `to`, used by nothing else.
unsafe fn add_row<T: Arithmetic>(to: *mut T, from: *const T, row: &Row) {
    let add = |places: std::ops::Range<usize>| {
        for (i, &place) in places.clone().zip(row.places.get(places).unwrap_or_default()) {
            // SAFETY: the caller's promise.
            unsafe {
                let to = to.offset(place);
                to.write(to.read().add(from.offset(i as isize * row.steps[1]).read()));
            }
        }
    };
    add(0..row.kept.first);
    let (shown, kept) = (row.kept.shown as isize * row.steps[0], row.kept.first as isize * row.steps[1]);
    // SAFETY: the caller's promise.
    unsafe { join_run(to.wrapping_offset(shown), from.wrapping_offset(kept), row.steps, row.kept.count, &T::add) };
    add(row.kept.first + row.kept.count..row.places.len());
}
