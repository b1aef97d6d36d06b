//! Pooling: the largest or the mean of windows, over one to three spatial dimensions of (N, C, *S).

use crate::geometry::Grid;
use crate::planes::map_planes;
use crate::windows::{Window, Windows, check};
use crate::with_storage;
use corten_base::alloc::filled;
use corten_base::{DType, Operand, Result, fail};
use corten_gemm::refuse_shared;
use corten_gemm::simd::Real;
use corten_gemm::storage::Storage;
use std::sync::atomic::{AtomicBool, Ordering};

fn planes(x: &Operand) -> (usize, usize) {
    (x.sizes()[0] as usize, x.sizes()[1] as usize)
}

/// A number that pooling orders and divides.
trait Pooled: Real {
    const LEAST: Self;
    /// True for a larger number and for NaN.
    fn beats(self, other: Self) -> bool;
    /// `self / n`.
    fn over(self, n: i64) -> Self;
}

macro_rules! pooled_floats {
    ($($t:ty)*) => { $(
        impl Pooled for $t {
            const LEAST: Self = <$t>::NEG_INFINITY;
            #[inline(always)]
            fn beats(self, other: Self) -> bool { (self > other) | self.is_nan() }
            #[inline(always)]
            fn over(self, n: i64) -> Self { self / n as $t }
        }
    )* };
}
pooled_floats! { f32 f64 }

impl Pooled for i64 {
    const LEAST: Self = i64::MIN;
    #[inline(always)]
    fn beats(self, other: Self) -> bool {
        self > other
    }
    #[inline(always)]
    fn over(self, n: i64) -> Self {
        self.wrapping_div(n)
    }
}

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
    let places = indices.map(|i| Grid::<i64>::new(&i));
    macro_rules! run {
        ($s:ty) => {{
            let (from, to) = (Grid::<$s>::new(&x), Grid::<$s>::new(&out));
            // SAFETY: the operands are valid for their sizes, which the windows were made from.
            unsafe {
                map_planes(planes(&x), &from, &to, &|image, channel, x, y| {
                    windows.largest(x, |at, best, from| {
                        y[at..at + best.len()].copy_from_slice(best);
                        let Some(grid) = &places else { return };
                        let [_, b, c] = grid.size;
                        let row = grid.at(image, channel, [at / (b * c), at / c % b, 0]);
                        for (k, &place) in from.iter().enumerate() {
                            if place != NOWHERE {
                                *row.wrapping_offset(k as isize * grid.steps[2]) = place as i64;
                            }
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

impl Windows {
    /// Calls with the first position of each row of outputs, their largest numbers in the plane `x`, and where these are
    /// ([`NOWHERE`] for an empty window). The lines of a window are joined first, side by side, then their columns.
    fn largest<T: Pooled>(&self, x: &[T], mut f: impl FnMut(usize, &[T], &[u32])) -> Result<()> {
        if x.len() >= NOWHERE as usize {
            fail!(Runtime, "max pooling: planes of {} positions are not supported", x.len());
        }
        let (width, count, even) = (self.size[2], self.along[2].len(), self.even());
        let (mut best, mut place) = (filled(T::LEAST, width)?, filled(0u32, width)?);
        let (mut found, mut places) = (filled(T::LEAST, count)?, filled(NOWHERE, count)?);
        let mut at = 0;
        for &a in &self.along[0] {
            for &b in &self.along[1] {
                let mut lines = self.lines(a, b);
                if let Some(first) = lines.next() {
                    best.copy_from_slice(&x[first..first + width]);
                    place.iter_mut().zip(first as u32..).for_each(|(place, at)| *place = at);
                    lines.for_each(|line| join_line(&mut best, &mut place, &x[line..line + width], line as u32));
                    for (o, c) in self.along[2].iter().enumerate() {
                        if even.outputs.contains(&o) {
                            continue;
                        }
                        let columns = (c.start..c.end).step_by(self.step[2]).map(|k| (best[k], place[k]));
                        (found[o], places[o]) = columns.reduce(first_largest).unwrap_or((T::LEAST, NOWHERE));
                    }
                    let (values, from) = (&mut found[even.outputs.clone()], &mut places[even.outputs.clone()]);
                    for tap in 0..even.taps {
                        let start = even.start + tap * self.step[2];
                        join_columns(values, from, &best[start..], &place[start..], even.stride, tap == 0);
                    }
                } else {
                    found.fill(T::LEAST);
                    places.fill(NOWHERE);
                }
                f(at, &found, &places);
                at += count;
            }
        }
        Ok(())
    }
}

/// The place of the largest number of an empty window.
const NOWHERE: u32 = u32::MAX;

corten_base::multiversion! {
    /// Takes over what is larger in a later column of each window, or all of its first.
    fn join_columns<T: Pooled>(
        found: &mut [T],
        places: &mut [u32],
        best: &[T],
        place: &[u32],
        stride: usize,
        first: bool,
    ) {
        match (first, stride) {
            (true, _) => {
                for (o, (found, places)) in found.iter_mut().zip(places).enumerate() {
                    (*found, *places) = (best[o * stride], place[o * stride]);
                }
            }
            (_, 1) => join_evenly::<T, 1>(found, places, best, place),
            (_, 2) => join_evenly::<T, 2>(found, places, best, place),
            _ => {
                for (o, (found, places)) in found.iter_mut().zip(places).enumerate() {
                    (*found, *places) = first_largest((*found, *places), (best[o * stride], place[o * stride]));
                }
            }
        }
    }
}

/// A stride that the compiler knows, so that it can put the numbers side by side.
#[inline(always)]
fn join_evenly<T: Pooled, const STRIDE: usize>(found: &mut [T], places: &mut [u32], best: &[T], place: &[u32]) {
    let whole = found.len().saturating_sub(1);
    let columns = best[..whole * STRIDE].as_chunks::<STRIDE>().0.iter().zip(place.as_chunks::<STRIDE>().0);
    for ((found, places), (value, at)) in found.iter_mut().zip(&mut *places).zip(columns) {
        (*found, *places) = first_largest((*found, *places), (value[0], at[0]));
    }
    // Behind the last number its chunk may end.
    if let (Some(found), Some(places)) = (found.last_mut(), places.last_mut()) {
        (*found, *places) = first_largest((*found, *places), (best[whole * STRIDE], place[whole * STRIDE]));
    }
}

corten_base::multiversion! {
    /// Takes over what is larger in a later line, which begins at `start`.
    fn join_line<T: Pooled>(best: &mut [T], place: &mut [u32], line: &[T], start: u32) {
        for (((best, place), &value), at) in best.iter_mut().zip(place).zip(line).zip(start..) {
            let beats = value.beats(*best);
            *best = if beats { value } else { *best };
            *place = if beats { at } else { *place };
        }
    }
}

/// The larger of two numbers with their places; of equal ones the first, of NaNs the last.
#[inline(always)]
fn first_largest<T: Pooled>((x, i): (T, u32), (y, j): (T, u32)) -> (T, u32) {
    // Equal numbers do not beat one another, NaNs do. Without branches, so that vectors can do it.
    let (x_beats, y_beats, later) = (x.beats(y), y.beats(x), j > i);
    let takes_y = (y_beats & (!x_beats | later)) | (!y_beats & !x_beats & !later);
    (if takes_y { y } else { x }, if takes_y { j } else { i })
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
            map_planes(planes(&g), &Grid::<S>::new(&g), &Grid::<S>::new(&gx), &|image, channel, g, gx| {
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

/// `out = mean` over windows of `x`: the sum divided by `divisor_override`, or else by the number of positions, with
/// those in the padding where `count_include_pad` says so. `out` may have the sizes of either rounding (`ceil_mode`).
///
/// # Errors
/// Sizes that do not fit, settings out of range, bool, a divisor of zero.
pub fn avg_pool(
    out: Operand,
    x: Operand,
    kernel: &[i64],
    stride: &[i64],
    padding: &[i64],
    count_include_pad: bool,
    divisor_override: Option<i64>,
) -> Result<()> {
    let ones = &[1; 3][..kernel.len().min(3)];
    mean(out, x, &Windows::strided((&out, &x), (kernel, stride, padding, ones), count_include_pad)?, divisor_override)
}

/// The gradient `gx` of the input of [`avg_pool`], from `g`, that of its output, with the same settings.
///
/// # Errors
/// As [`avg_pool`].
pub fn avg_pool_backward(
    gx: Operand,
    g: Operand,
    kernel: &[i64],
    stride: &[i64],
    padding: &[i64],
    count_include_pad: bool,
    divisor_override: Option<i64>,
) -> Result<()> {
    let ones = &[1; 3][..kernel.len().min(3)];
    refuse_shared(&gx)?;
    let windows = Windows::strided((&g, &gx), (kernel, stride, padding, ones), count_include_pad)?;
    mean_backward(gx, g, &windows, divisor_override)
}

/// [`avg_pool`] over windows that split `x` evenly between the outputs.
///
/// # Errors
/// As [`avg_pool`].
pub fn adaptive_avg_pool(out: Operand, x: Operand) -> Result<()> {
    mean(out, x, &Windows::adaptive(&out, &x)?, None)
}

/// The gradient `gx` of the input of [`adaptive_avg_pool`], from `g`, that of its output.
///
/// # Errors
/// As [`avg_pool`].
pub fn adaptive_avg_pool_backward(gx: Operand, g: Operand) -> Result<()> {
    refuse_shared(&gx)?;
    mean_backward(gx, g, &Windows::adaptive(&g, &gx)?, None)
}

/// What the sum of a window is divided by; a window wholly in the padding has an empty sum.
fn divisor([a, b, c]: [Window; 3], divisor_override: Option<i64>) -> i64 {
    divisor_override.unwrap_or((a.count * b.count * c.count).max(1) as i64)
}

fn check_mean(dtype: DType, divisor_override: Option<i64>) -> Result<()> {
    if divisor_override == Some(0) {
        fail!(Runtime, "divisor must be not zero");
    }
    if dtype.is_complex() || dtype == DType::U64 {
        fail!(Runtime, "average pooling: not defined for {dtype}");
    }
    Ok(())
}

fn mean(out: Operand, x: Operand, windows: &Windows, divisor_override: Option<i64>) -> Result<()> {
    check_mean(x.dtype(), divisor_override)?;
    with_storage!(x.dtype(), S => {
        // SAFETY: the operands are valid for their sizes, which the windows were made from.
        unsafe {
            map_planes(planes(&x), &Grid::<S>::new(&x), &Grid::<S>::new(&out), &|_, _, x, y| {
                windows.means(x, y, divisor_override);
                Ok(())
            })
        }
    })
}

impl Windows {
    /// The means of all windows of the plane `x`, each summed in row-major order.
    fn means<T: Pooled>(&self, x: &[T], y: &mut [T], divisor_override: Option<i64>) {
        let even = self.even();
        let mut at = 0;
        for &a in &self.along[0] {
            for &b in &self.along[1] {
                for (o, &c) in self.along[2].iter().enumerate() {
                    if even.outputs.contains(&o) {
                        continue;
                    }
                    let mut sum = T::ZERO;
                    self.positions([a, b, c], |i| sum = x[i].plus(sum));
                    y[at + o] = sum.over(divisor([a, b, c], divisor_override));
                }
                let sums = &mut y[at + even.outputs.start..at + even.outputs.end];
                if let Some(&c) = self.along[2].get(even.outputs.start).filter(|_| !sums.is_empty()) {
                    sums.fill(T::ZERO);
                    for line in self.lines(a, b) {
                        for tap in 0..even.taps {
                            add_columns(sums, &x[line + even.start + tap * self.step[2]..], even.stride);
                        }
                    }
                    divide(sums, divisor([a, b, c], divisor_override));
                }
                at += self.along[2].len();
            }
        }
    }
}

corten_base::multiversion! {
    /// Adds numbers that are `stride` apart.
    fn add_columns<T: Pooled>(sums: &mut [T], x: &[T], stride: usize) {
        match stride {
            1 => add_evenly::<T, 1>(sums, x),
            2 => add_evenly::<T, 2>(sums, x),
            _ => sums.iter_mut().enumerate().for_each(|(o, sum)| *sum = x[o * stride].plus(*sum)),
        }
    }
}

/// As [`join_evenly`].
#[inline(always)]
fn add_evenly<T: Pooled, const STRIDE: usize>(sums: &mut [T], x: &[T]) {
    let whole = sums.len().saturating_sub(1);
    for (sum, x) in sums.iter_mut().zip(x[..whole * STRIDE].as_chunks::<STRIDE>().0) {
        *sum = x[0].plus(*sum);
    }
    if let Some(sum) = sums.last_mut() {
        *sum = x[whole * STRIDE].plus(*sum);
    }
}

corten_base::multiversion! {
    fn divide<T: Pooled>(sums: &mut [T], divisor: i64) {
        sums.iter_mut().for_each(|sum| *sum = sum.over(divisor));
    }
}

fn mean_backward(gx: Operand, g: Operand, windows: &Windows, divisor_override: Option<i64>) -> Result<()> {
    check_mean(g.dtype(), divisor_override)?;
    with_storage!(g.dtype(), S => {
        // SAFETY: as in `mean`.
        unsafe {
            map_planes(planes(&g), &Grid::<S>::new(&g), &Grid::<S>::new(&gx), &|_, _, g, gx| {
                gx.fill(Real::ZERO);
                windows.each(|at, window| {
                    let share = g[at].over(divisor(window, divisor_override));
                    windows.positions(window, |i| gx[i] = gx[i].plus(share));
                });
                Ok(())
            })
        }
    })
}
