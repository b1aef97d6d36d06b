//! Slopes of special functions, with their limits at zero; and those that nobody knows a formula for.

use corten_tensor::lazy::T;
use corten_tensor::ops::all as ops;
use std::f64::consts::PI;

/// Where `x` is zero, and `x` with ones there.
fn without_zero(x: &T) -> (T, T) {
    let zero = ops::eq(x, 0);
    let filled = ops::where_(&zero, 1.0, x);
    (zero, filled)
}

/// Of `sin(πx) / (πx)`; at zero the linear term of its series, from which the second derivative follows.
pub fn sinc_slope(x: &T) -> T {
    let (zero, y) = without_zero(x);
    let angle = &y * PI;
    let slope = (ops::cos(&angle) * &y - ops::sin(angle) / PI) / (&y * &y);
    ops::where_(zero, x * (-PI * PI / 3.0), slope)
}

/// Of the Bessel function `i1`: `i0(x) - i1(x) / x`, and a half at zero.
pub fn i1_slope(x: &T, out: &T) -> T {
    let (zero, y) = without_zero(x);
    ops::where_(zero, 0.5, ops::i0(x) - out / &y)
}

/// Of `exp(-|x|) i1(x)`.
pub fn i1e_slope(x: &T, out: &T) -> T {
    let (zero, y) = without_zero(x);
    ops::where_(zero, 0.5, ops::special_i0e(x) - out * &(ops::sgn(x) + 1.0 / &y))
}

/// The error that stands for a derivative which PyTorch has not either.
pub fn unknown(name: &str) -> T {
    corten_tensor::error!(NotImplemented, "the derivative for '{name}' is not implemented.").into()
}
