//! The normal distribution: the scaled error function, and the logarithm and the inverse of Φ. All in float64.

use super::special::inverse_erf;
use std::f64::consts::{FRAC_1_SQRT_2, PI, SQRT_2};

/// exp(x²) erfc(x): the product up to 10, beyond it the asymptotic series (DLMF 7.12.1).
#[inline(never)]
pub(crate) fn erfcx(x: f64) -> f64 {
    if x < -27.0 {
        return f64::INFINITY;
    }
    if x < 10.0 {
        // The square in two parts, the first of them exact: its rounding would be multiplied by the exponential.
        let head = f64::from_bits(x.to_bits() & 0xffff_ffff_0000_0000);
        return libm::exp(head * head) * libm::exp((x - head) * (x + head)) * libm::erfc(x);
    }
    let z = 0.5 / (x * x);
    let series = (1..=14).rev().fold(1.0, |sum, m| 1.0 - f64::from(2 * m - 1) * z * sum);
    series / (x * PI.sqrt())
}

/// log Φ(x): of the tail by way of `erfcx`, which does not vanish there.
#[inline(never)]
pub(crate) fn log_ndtr(x: f64) -> f64 {
    if x < -1.0 {
        return libm::log(erfcx(-x * FRAC_1_SQRT_2) / 2.0) - x * x / 2.0;
    }
    libm::log1p(-libm::erfc(x * FRAC_1_SQRT_2) / 2.0)
}

/// The inverse of Φ: by that of erf, and in the tail by Newton's method for log Φ.
#[inline(never)]
pub(crate) fn ndtri(p: f64) -> f64 {
    if p > 0.5 {
        return -ndtri(1.0 - p);
    }
    if p > 0.02 {
        return SQRT_2 * inverse_erf(2.0 * p - 1.0);
    }
    if p == 0.0 {
        return f64::NEG_INFINITY;
    }
    if p < 0.0 || p.is_nan() {
        return f64::NAN;
    }
    let target = libm::log(p);
    // The start of Abramowitz and Stegun 26.2.23, with an error below 0.00045.
    let t = (-2.0 * target).sqrt();
    let quotient = (2.515517 + t * (0.802853 + t * 0.010328)) / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
    let mut y = quotient - t;
    for _ in 0..3 {
        // Φ / φ, the reciprocal of the logarithm's slope.
        y -= (log_ndtr(y) - target) * erfcx(-y * FRAC_1_SQRT_2) * (PI / 2.0).sqrt();
    }
    y
}
