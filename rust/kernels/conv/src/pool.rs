//! Pooling: the largest or the mean of windows, over one to three spatial dimensions of (N, C, *S).

use crate::geometry::{Grid, setting};
use crate::planes::map_planes;
use crate::with_storage;
use corten_base::alloc::filled;
use corten_base::{DType, Operand, Result, fail};
use corten_gemm::refuse_shared;
use corten_gemm::simd::Real;
use corten_gemm::storage::Storage;
use std::sync::atomic::{AtomicBool, Ordering};

/// Positions of the input that one output reads along one dimension.
#[derive(Clone, Copy)]
struct Window {
    start: usize,
    end: usize,
    /// How many positions a mean counts, padding included where it counts.
    count: usize,
}

/// The windows of all outputs.
struct Windows {
    along: [Vec<Window>; 3],
    step: [usize; 3],
    size: [usize; 3],
}

impl Windows {
    /// Those of a kernel that moves by `stride` over the padded input.
    fn strided(
        (out, x): (&Operand, &Operand),
        (kernel, stride, padding, dilation): (&[i64], &[i64], &[i64], &[i64]),
        count_padding: bool,
    ) -> Result<Windows> {
        let dims = check("pooling", x, out)?;
        let kernel = setting("kernel_size", kernel, dims, 1)?;
        let stride = setting("stride", stride, dims, 1)?;
        let padding = setting("padding", padding, dims, 0)?;
        let dilation = setting("dilation", dilation, dims, 1)?;
        let (size, outs) = (Grid::<u8>::new(x).size, Grid::<u8>::new(out).size);
        let mut along = [const { Vec::new() }; 3];
        for d in 0..3 {
            let span = dilation[d] as i128 * (kernel[d] as i128 - 1) + 1;
            if 2 * padding[d] as i128 > span {
                fail!(Runtime, "pad should be at most half of effective kernel size, but got pad={}", padding[d]);
            }
            let room = size[d] as i128 + 2 * padding[d] as i128 - span;
            // Rounded up (`ceil_mode`), the last window must still start inside the input or its left padding.
            let least = if room < 0 { 0 } else { room / stride[d] as i128 + 1 };
            let most = (room + stride[d] as i128 - 1).div_euclid(stride[d] as i128) + 1;
            let starts_inside = |count: i128| (count - 1) * (stride[d] as i128) < (size[d] + padding[d]) as i128;
            let outputs = outs[d] as i128;
            if !(outputs == least || (outputs == most && starts_inside(outputs))) {
                fail!(Runtime, "pooling: output size {outputs} does not fit input size {} here", size[d]);
            }
            along[d] = (0..outs[d])
                .map(|o| {
                    let start = (o * stride[d]) as i64 - padding[d] as i64;
                    let reach = start.saturating_add(span.min(i64::MAX as i128) as i64);
                    let padded_end = reach.min((size[d] + padding[d]) as i64);
                    let skipped = if start < 0 { (-start as usize).div_ceil(dilation[d]) * dilation[d] } else { 0 };
                    let first = (start + skipped as i64) as usize;
                    let end = reach.clamp(0, size[d] as i64) as usize;
                    let inside = end.saturating_sub(first);
                    let count = if count_padding { (padded_end - start) as usize } else { inside };
                    Window { start: first.min(end), end, count }
                })
                .collect();
        }
        Ok(Windows { along, step: dilation, size })
    }

    /// Those that split the input evenly: from floor(i * size / outputs) to ceil((i + 1) * size / outputs).
    fn adaptive(out: &Operand, x: &Operand) -> Result<Windows> {
        check("adaptive pooling", x, out)?;
        let (size, outs) = (Grid::<u8>::new(x).size, Grid::<u8>::new(out).size);
        if size.contains(&0) {
            fail!(Runtime, "adaptive pooling: expected spatial dimensions of nonzero size, got {:?}", x.sizes());
        }
        let along = std::array::from_fn(|d| {
            let (size, outputs) = (size[d] as u128, outs[d] as u128);
            let window = |i: u128| {
                let (start, end) = ((i * size / outputs) as usize, ((i + 1) * size).div_ceil(outputs) as usize);
                Window { start, end, count: end - start }
            };
            (0..outputs).map(window).collect()
        });
        Ok(Windows { along, step: [1; 3], size })
    }

    /// Calls with the flat position of each output and its windows.
    #[inline(always)]
    fn each(&self, mut f: impl FnMut(usize, [Window; 3])) {
        let mut at = 0;
        for &i in &self.along[0] {
            for &j in &self.along[1] {
                for &k in &self.along[2] {
                    f(at, [i, j, k]);
                    at += 1;
                }
            }
        }
    }

    /// Calls with the flat positions of the input in a window, ascending.
    #[inline(always)]
    fn positions(&self, [a, b, c]: [Window; 3], mut f: impl FnMut(usize)) {
        for i in (a.start..a.end).step_by(self.step[0]) {
            for j in (b.start..b.end).step_by(self.step[1]) {
                let line = (i * self.size[1] + j) * self.size[2];
                for k in (c.start..c.end).step_by(self.step[2]) {
                    f(line + k);
                }
            }
        }
    }
}

/// Checks dtypes and the first two sizes; the number of spatial dimensions.
fn check(what: &str, x: &Operand, out: &Operand) -> Result<usize> {
    if !(3..=5).contains(&x.ndim()) || out.ndim() != x.ndim() || out.sizes()[..2] != x.sizes()[..2] {
        fail!(Runtime, "{what}: sizes {:?} do not give {:?}", x.sizes(), out.sizes());
    }
    if out.dtype() != x.dtype() || x.dtype() == DType::Bool {
        fail!(Runtime, "{what}: not defined from {} to {}", x.dtype(), out.dtype());
    }
    refuse_shared(out)?;
    Ok(x.ndim() - 2)
}

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
            fn beats(self, other: Self) -> bool { self > other || self.is_nan() }
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
                    windows.largest(x, |at, best, place| {
                        y[at] = best;
                        if let (Some(grid), Some(place)) = (&places, place) {
                            let [_, b, c] = grid.size;
                            *grid.at(image, channel, [at / (b * c), at / c % b, at % c]) = place as i64;
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
    /// Calls with the flat position of each output, the largest number of its window in the plane `x`, and where it is
    /// (nowhere in an empty window). The lines of a window are joined first, side by side, then their columns.
    fn largest<T: Pooled>(&self, x: &[T], mut f: impl FnMut(usize, T, Option<usize>)) -> Result<()> {
        let width = self.size[2];
        let (mut best, mut place) = (filled(T::LEAST, width)?, filled(0usize, width)?);
        let mut at = 0;
        for &a in &self.along[0] {
            for &b in &self.along[1] {
                let mut lines = (a.start..a.end)
                    .step_by(self.step[0])
                    .flat_map(|i| (b.start..b.end).step_by(self.step[1]).map(move |j| (i * self.size[1] + j) * width));
                let first = lines.next();
                if let Some(first) = first {
                    best.copy_from_slice(&x[first..first + width]);
                    place.iter_mut().zip(first..).for_each(|(place, at)| *place = at);
                }
                lines.for_each(|line| join_line(&mut best, &mut place, &x[line..line + width], line));
                for c in &self.along[2] {
                    let columns = (c.start..c.end).step_by(self.step[2]).map(|k| (best[k], place[k]));
                    let found = first.and_then(|_| columns.reduce(first_largest));
                    f(at, found.map_or(T::LEAST, |(value, _)| value), found.map(|(_, place)| place));
                    at += 1;
                }
            }
        }
        Ok(())
    }
}

corten_base::multiversion! {
    /// Takes over what is larger in a later line, which begins at `start`.
    fn join_line<T: Pooled>(best: &mut [T], place: &mut [usize], line: &[T], start: usize) {
        for (k, ((best, place), &value)) in best.iter_mut().zip(place).zip(line).enumerate() {
            let beats = value.beats(*best);
            *best = if beats { value } else { *best };
            *place = if beats { start + k } else { *place };
        }
    }
}

/// The larger of two numbers with their places; of equal ones the first, of NaNs the last.
#[inline(always)]
fn first_largest<T: Pooled>((x, i): (T, usize), (y, j): (T, usize)) -> (T, usize) {
    let (x_beats, y_beats) = (x.beats(y), y.beats(x));
    // Equal numbers do not beat one another, NaNs do.
    let takes_y = if x_beats == y_beats { (j < i) != x_beats } else { y_beats };
    if takes_y { (y, j) } else { (x, i) }
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
                for (at, &g) in g.iter().enumerate() {
                    let place = *places.at(image, channel, [at / (b * c), at / c % b, at % c]);
                    match usize::try_from(place).ok().and_then(|place| gx.get_mut(place)) {
                        Some(sum) => *sum = sum.plus(g),
                        None => beyond.store(true, Ordering::Relaxed),
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
                windows.each(|at, window| {
                    let mut sum = Real::ZERO;
                    windows.positions(window, |i| sum = x[i].plus(sum));
                    y[at] = sum.over(divisor(window, divisor_override));
                });
                Ok(())
            })
        }
    })
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
