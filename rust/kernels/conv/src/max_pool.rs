//! Pooling by the largest of windows, over one to three spatial dimensions of (N, C, *S), and its gradient.

use crate::geometry::Grid;
use crate::planes::map_planes;
use crate::windows::{Even, Window, Windows, check, count};
use crate::with_storage;
use corten_base::{DType, Operand, Result, fail};
use corten_gemm::refuse_shared;
use corten_gemm::scratch::{Inline, Scratch};
use corten_gemm::simd::Real;
use corten_gemm::storage::Storage;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

/// A number that has an order.
trait Ordered: Real {
    const LEAST: Self;
    /// True for a larger number and for NaN.
    fn beats(self, other: Self) -> bool;
}

macro_rules! ordered_floats {
    ($($t:ty)*) => { $(
        impl Ordered for $t {
            const LEAST: Self = <$t>::NEG_INFINITY;
            #[inline(always)]
            fn beats(self, other: Self) -> bool { (self > other) | self.is_nan() }
        }
    )* };
}
ordered_floats! { f32 f64 }

impl Ordered for i64 {
    const LEAST: Self = i64::MIN;
    #[inline(always)]
    fn beats(self, other: Self) -> bool {
        self > other
    }
}

/// The place of the largest number of an empty window; behind every other place.
const NOWHERE: u32 = u32::MAX;
/// Positions of joined lines at a time, so that they stay near.
const BLOCK: usize = 1024;
/// Outputs of evenly spaced windows at a time.
const LANES: usize = 8;

/// `out = max` over windows of `x`, and where it was found: `indices` (int64, of out's sizes) gets flat positions in the
/// spatial dimensions of `x`. The first of equal values is taken; the last NaN wins over everything. `out` may have the
/// sizes of either rounding (`ceil_mode`).
///
/// # Errors
/// Sizes that do not fit, settings out of range, a complex dtype, bool or uint64.
pub fn max_pool(
    out: Operand,
    indices: Option<Operand>,
    x: Operand,
    kernel: &[i64],
    stride: &[i64],
    padding: &[i64],
    dilation: &[i64],
) -> Result<()> {
    largest(out, indices, x, &Windows::strided((&out, &x), (kernel, stride, padding, dilation), false)?)
}

/// [`max_pool`] over windows that split `x` evenly between the outputs.
///
/// # Errors
/// As [`max_pool`].
pub fn adaptive_max_pool(out: Operand, indices: Option<Operand>, x: Operand) -> Result<()> {
    largest(out, indices, x, &Windows::adaptive(&out, &x)?)
}

fn largest(out: Operand, indices: Option<Operand>, x: Operand, windows: &Windows) -> Result<()> {
    if let Some(indices) = indices {
        check_indices(&indices, &out)?;
        refuse_shared(&indices)?;
    }
    refuse_shared(&out)?;
    let positions = windows.size.iter().product::<usize>();
    if positions >= NOWHERE as usize {
        fail!(Runtime, "max pooling: planes of {positions} positions are not supported");
    }
    let (rows, places) = (Rows::new(windows), indices.map(|i| Grid::<i64>::new(&i)));
    macro_rules! run {
        ($s:ty) => {{
            let (from, to) = (Grid::<$s>::new(&x), Grid::<$s>::new(&out));
            // SAFETY: the operands are valid for their sizes, which the windows were made from.
            unsafe {
                map_planes(count(&x), &from, &to, &|image, channel, x, y| {
                    rows.largest(x, y, |at, from| {
                        if let Some(grid) = &places {
                            store_places(grid, windows, [image, channel], at, from);
                        }
                    })
                })
            }
        }};
    }
    match x.dtype() {
        DType::F32 => run!(f32),
        DType::F64 => run!(f64),
        DType::F16 => run!(corten_base::f16),
        DType::BF16 => run!(corten_base::bf16),
        DType::U8 => run!(u8),
        DType::I8 => run!(i8),
        DType::U16 => run!(u16),
        DType::I16 => run!(i16),
        DType::U32 => run!(u32),
        DType::I32 => run!(i32),
        DType::I64 => run!(i64),
        other => fail!(Runtime, "max pooling: not defined for {other}"),
    }
}

/// Stores the places of whole rows of outputs, the first at position `at` of a plane; those of empty windows are where the
/// windows begin, as in PyTorch.
///
/// # Safety
/// The grid must be valid and have such rows.
unsafe fn store_places(grid: &Grid<i64>, windows: &Windows, [image, channel]: [usize; 2], at: usize, places: &[u32]) {
    let [_, b, c] = grid.size;
    // One row if positions are evenly spaced.
    let (length, step) = grid.flat().map_or((c, grid.steps[2]), |step| (places.len(), step));
    for (i, places) in places.chunks(length).enumerate() {
        let line = at / c + i;
        let row = grid.at(image, channel, [line / b, line % b, 0]);
        if step == 1 && !places.contains(&NOWHERE) {
            // SAFETY: the caller's promise, here and below.
            places.iter().enumerate().for_each(|(k, &place)| unsafe { row.add(k).write(place as i64) });
            continue;
        }
        for (k, &place) in places.iter().enumerate() {
            let place = if place == NOWHERE { windows.begin(line * c + k) } else { place as i64 };
            // SAFETY: as above.
            unsafe { row.wrapping_offset(k as isize * step).write(place) };
        }
    }
}

/// The windows of rows of outputs: the lines of a row's windows are joined first, side by side, then their columns.
struct Rows<'a> {
    windows: &'a Windows,
    /// True where the rows' windows follow one another as a row's own do.
    joined: bool,
}

impl<'a> Rows<'a> {
    fn new(windows: &'a Windows) -> Self {
        let (even, outputs) = (&windows.even, windows.along[2].len());
        let whole = even.outputs == (0..outputs) && even.start == 0 && (1..=2).contains(&even.stride);
        Rows { windows, joined: whole && even.stride * outputs == windows.size[2] }
    }

    /// The largest numbers `y` of all windows of the plane `x`; calls with the first position and the places of a few rows
    /// at a time.
    fn largest<T: Ordered>(&self, x: &[T], y: &mut [T], mut f: impl FnMut(usize, &[u32])) -> Result<()> {
        let (width, outputs) = (self.windows.size[2], self.windows.along[2].len());
        if outputs == 0 {
            return Ok(());
        }
        let step = (BLOCK / width.max(outputs)).clamp(1, (y.len() / outputs).max(1));
        let mut inline = [const { Inline::uninit() }; 4];
        let [best, place, found, places] = &mut inline;
        let (mut best, mut place) = (Scratch::new(best), Scratch::new(place));
        let (mut found, mut places) = (Scratch::new(found), Scratch::new(places));
        // The last eight outputs may go beyond the last row.
        let (lines, results) = (step * width + 2 * LANES, step * outputs + LANES);
        let (best, place) = (best.filled(T::LEAST, lines)?, place.filled(NOWHERE, lines)?);
        let (found, places) = (found.filled(T::LEAST, results)?, places.filled(NOWHERE, results)?);
        for (block, y) in y.chunks_mut(step * outputs).enumerate() {
            let (first, rows) = (block * step, y.len() / outputs);
            join_lines(self, first..first + rows, x, best, place);
            join_columns(self, rows, best, place, found, places);
            y.copy_from_slice(&found[..y.len()]);
            f(first * outputs, &places[..y.len()]);
        }
        Ok(())
    }
}

corten_base::multiversion! {
    /// Joins the lines of each row's windows.
    fn join_lines<T: Ordered>(plan: &Rows, rows: Range<usize>, x: &[T], best: &mut [T], place: &mut [u32]) {
        let width = plan.windows.size[2];
        for (i, row) in rows.enumerate() {
            let (best, place) = (&mut best[i * width..][..width], &mut place[i * width..][..width]);
            let [upper, lower, _] = &plan.windows.along;
            let (a, b) = (upper[row / lower.len()], lower[row % lower.len()]);
            let mut first = 0;
            while first < width {
                if width < LANES {
                    join_chunk::<T, 1>(plan.windows, [a, b], x, first, best, place);
                    first += 1;
                } else {
                    // The last eight columns may be joined twice.
                    join_chunk::<T, LANES>(plan.windows, [a, b], x, first.min(width - LANES), best, place);
                    first += LANES;
                }
            }
        }
    }
}

/// Joins `N` columns of the lines of a row's windows.
#[inline(always)]
fn join_chunk<T: Ordered, const N: usize>(
    windows: &Windows,
    [a, b]: [Window; 2],
    x: &[T],
    first: usize,
    best: &mut [T],
    place: &mut [u32],
) {
    let (mut values, mut places, mut none) = ([T::LEAST; N], [NOWHERE; N], true);
    for line in windows.lines(a, b) {
        let start = line + first;
        let (line, start) = (&x[start..][..N], start as u32);
        for lane in 0..N {
            // As a number, so that vectors can choose.
            let wins = ((line[lane].beats(values[lane]) | none) as u32).wrapping_neg();
            values[lane] = if wins != 0 { line[lane] } else { values[lane] };
            places[lane] = (start.wrapping_add(lane as u32) & wins) | (places[lane] & !wins);
        }
        none = false;
    }
    best[first..][..N].copy_from_slice(&values);
    place[first..][..N].copy_from_slice(&places);
}

corten_base::multiversion! {
    /// Joins the columns of each window of some rows.
    fn join_columns<T: Ordered>(
        plan: &Rows,
        rows: usize,
        best: &[T],
        place: &[u32],
        found: &mut [T],
        places: &mut [u32],
    ) {
        let (even, step) = (&plan.windows.even, plan.windows.step[2]);
        let (width, outputs) = (plan.windows.size[2], plan.windows.along[2].len());
        let (rows, outputs) = if plan.joined { (1, rows * outputs) } else { (rows, outputs) };
        for row in 0..rows {
            let (found, places) = (&mut found[row * outputs..], &mut places[row * outputs..]);
            let (best, place) = (&best[row * width..], &place[row * width..]);
            let evens = if plan.joined { 0..outputs } else { even.outputs.clone() };
            match even.stride {
                1 => join_evenly::<T, 1>(even, step, evens.clone(), best, place, found, places),
                2 => join_evenly::<T, 2>(even, step, evens.clone(), best, place, found, places),
                _ => {}
            }
            let others = if (1..=2).contains(&even.stride) { evens } else { 0..0 };
            for o in (0..others.start).chain(others.end..outputs) {
                (found[o], places[o]) = (T::LEAST, NOWHERE);
                let window = &plan.windows.along[2][o];
                let mut k = window.start;
                while k < window.end {
                    (found[o], places[o]) = first_largest((found[o], places[o]), (best[k], place[k]));
                    k += step;
                }
            }
        }
    }
}

/// Joins the columns of even windows, whose stride the compiler knows, eight at a time; further outputs of the last eight
/// become anything.
#[inline(always)]
fn join_evenly<T: Ordered, const STRIDE: usize>(
    even: &Even,
    step: usize,
    outputs: Range<usize>,
    best: &[T],
    place: &[u32],
    found: &mut [T],
    places: &mut [u32],
) {
    let found = found[outputs.start..].as_chunks_mut::<LANES>().0;
    let places = places[outputs.start..].as_chunks_mut::<LANES>().0;
    for (i, (found, places)) in found.iter_mut().zip(places).take(outputs.len().div_ceil(LANES)).enumerate() {
        let (mut values, mut at) = ([T::LEAST; LANES], [NOWHERE; LANES]);
        for tap in 0..even.taps {
            let start = even.start + tap * step + i * LANES * STRIDE;
            let (best, place) = (&best[start..][..LANES * STRIDE], &place[start..][..LANES * STRIDE]);
            for lane in 0..LANES {
                let next = (best[lane * STRIDE], place[lane * STRIDE]);
                (values[lane], at[lane]) = first_largest((values[lane], at[lane]), next);
            }
        }
        (*found, *places) = (values, at);
    }
}

/// The larger of two numbers with their places; of equal ones the first, of NaNs the last.
#[inline(always)]
fn first_largest<T: Ordered>((x, i): (T, u32), (y, j): (T, u32)) -> (T, u32) {
    // Equal numbers do not beat one another, NaNs do. As numbers, so that vectors can choose.
    let (x_beats, y_beats, later) = (x.beats(y) as u32, y.beats(x) as u32, (j > i) as u32);
    let takes_y = (y_beats & ((x_beats ^ 1) | later)) | ((x_beats | y_beats | later) ^ 1);
    (if takes_y != 0 { y } else { x }, if takes_y != 0 { j } else { i })
}

fn check_indices(indices: &Operand, out: &Operand) -> Result<()> {
    if indices.dtype() != DType::I64 || indices.sizes() != out.sizes() {
        let (dtype, sizes) = (indices.dtype(), indices.sizes());
        fail!(Runtime, "max pooling: expected int64 indices of sizes {:?}, got {dtype} {sizes:?}", out.sizes());
    }
    Ok(())
}

/// The gradient `gx` (N, C, *S) of the input of [`max_pool`] or [`adaptive_max_pool`]: `g` (N, C, *T) added up where
/// `indices` says, in ascending order of the outputs, zero elsewhere.
///
/// # Errors
/// Sizes that do not fit, indices beyond the positions of `gx`.
pub fn max_pool_backward(gx: Operand, g: Operand, indices: Operand) -> Result<()> {
    check("max pooling", &g, &gx)?;
    check_indices(&indices, &g)?;
    let places = Grid::<i64>::new(&indices);
    let beyond = AtomicBool::new(false);
    with_storage!(gx.dtype(), S => {
        if S::PARTS == 2 {
            fail!(Runtime, "max pooling: not defined for {}", gx.dtype());
        }
        // SAFETY: the operands are valid for their sizes; indices are checked before use.
        unsafe {
            map_planes(count(&g), &Grid::<S>::new(&g), &Grid::<S>::new(&gx), &|image, channel, g, gx| {
                gx.fill(Real::ZERO);
                let [_, b, c] = places.size;
                for (row, g) in g.chunks(c.max(1)).enumerate() {
                    let row = places.at(image, channel, [row / b, row % b, 0]);
                    for (k, &g) in g.iter().enumerate() {
                        let place = *row.wrapping_offset(k as isize * places.steps[2]);
                        match usize::try_from(place).ok().and_then(|place| gx.get_mut(place)) {
                            Some(sum) => *sum = sum.plus(g),
                            None => beyond.store(true, Ordering::Relaxed),
                        }
                    }
                }
                Ok(())
            })?;
        }
    });
    if beyond.into_inner() {
        fail!(Runtime, "max pooling: an index lies beyond the spatial sizes {:?}", &gx.sizes()[2..]);
    }
    Ok(())
}
