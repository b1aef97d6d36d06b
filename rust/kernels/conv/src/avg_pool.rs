//! Pooling by the mean of windows, over one to three spatial dimensions of (N, C, *S), and its gradient.

use crate::geometry::Grid;
use crate::planes::map_planes;
use crate::windows::{Window, Windows, count};
use crate::with_storage;
use corten_base::{DType, Operand, Result, fail};
use corten_gemm::refuse_shared;
use corten_gemm::simd::Real;

/// A number that can be divided by how many there are.
trait Divided: Real {
    /// `self / n`.
    fn over(self, n: i64) -> Self;
}

macro_rules! divided_floats {
    ($($t:ty)*) => { $(
        impl Divided for $t {
            #[inline(always)]
            fn over(self, n: i64) -> Self { self / n as $t }
        }
    )* };
}
divided_floats! { f32 f64 }

impl Divided for i64 {
    #[inline(always)]
    fn over(self, n: i64) -> Self {
        self.wrapping_div(n)
    }
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
    refuse_shared(&out)?;
    with_storage!(x.dtype(), S => {
        // SAFETY: the operands are valid for their sizes, which the windows were made from.
        unsafe {
            map_planes(count(&x), &Grid::<S>::new(&x), &Grid::<S>::new(&out), &|_, _, x, y| {
                windows.means(x, y, divisor_override);
                Ok(())
            })
        }
    })
}

impl Windows {
    /// The means of all windows of the plane `x`, each summed in row-major order.
    fn means<T: Divided>(&self, x: &[T], y: &mut [T], divisor_override: Option<i64>) {
        let even = &self.even;
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
    fn add_columns<T: Divided>(sums: &mut [T], x: &[T], stride: usize) {
        match stride {
            1 => add_evenly::<T, 1>(sums, x),
            2 => add_evenly::<T, 2>(sums, x),
            _ => sums.iter_mut().enumerate().for_each(|(o, sum)| *sum = x[o * stride].plus(*sum)),
        }
    }
}

/// A stride that the compiler knows, so that it can put the numbers side by side.
#[inline(always)]
fn add_evenly<T: Divided, const STRIDE: usize>(sums: &mut [T], x: &[T]) {
    let whole = sums.len().saturating_sub(1);
    for (sum, x) in sums.iter_mut().zip(x[..whole * STRIDE].as_chunks::<STRIDE>().0) {
        *sum = x[0].plus(*sum);
    }
    if let Some(sum) = sums.last_mut() {
        *sum = x[whole * STRIDE].plus(*sum);
    }
}

corten_base::multiversion! {
    fn divide<T: Divided>(sums: &mut [T], divisor: i64) {
        sums.iter_mut().for_each(|sum| *sum = sum.over(divisor));
    }
}

fn mean_backward(gx: Operand, g: Operand, windows: &Windows, divisor_override: Option<i64>) -> Result<()> {
    check_mean(g.dtype(), divisor_override)?;
    refuse_shared(&gx)?;
    with_storage!(g.dtype(), S => {
        // SAFETY: as in `mean`.
        unsafe {
            map_planes(count(&g), &Grid::<S>::new(&g), &Grid::<S>::new(&gx), &|_, _, g, gx| {
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
