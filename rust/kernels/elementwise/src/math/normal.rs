//! The inverses of the error function and of the normal distribution's Φ, in float64.

#![allow(clippy::excessive_precision, reason = "constants as they were fitted")]

use super::double::{horner, log};
use super::error::{erfcx, log_ndtr};
use std::f64::consts::{FRAC_1_SQRT_2, PI, SQRT_2};

/// From here on [`erfinv`] is wrong, and [`erfinv_far`] is right.
pub(crate) const NEAR_ONE: f64 = 0.999;

/// The inverse of erf for `rest` = 1 - x² above 0.002: x times a polynomial in the logarithm, to 2⁻⁵⁵.
#[inline(always)]
fn inverse(x: f64, rest: f64) -> f64 {
    let polynomial = horner(
        -3.125 - log(rest),
        [
            3.388593297205897e-21,
            -9.973813660793817e-22,
            -3.582751807623902e-19,
            1.1437448477381864e-18,
            1.577760587843766e-17,
            -1.3002252746513992e-16,
            -4.311569785111765e-17,
            6.594465593248729e-15,
            -3.998757175710817e-14,
            -8.116799695445545e-14,
            2.6303418460982478e-12,
            -1.297697046761796e-11,
            -5.4142341672304395e-11,
            1.0512184451412585e-09,
            -4.11266209626735e-09,
            -2.90703828904495e-08,
            4.2347881925748005e-07,
            -1.3654691842592358e-06,
            -1.3882523395947277e-05,
            0.00018673420802410717,
            -0.0007407025341538892,
            -0.006033670871427695,
            0.24015818242558826,
            1.6536545626831027,
        ],
    );
    x * polynomial
}

#[inline(always)]
pub(crate) fn erfinv(x: f64) -> f64 {
    inverse(x, (1.0 - x) * (1.0 + x))
}

#[inline(never)]
pub(crate) fn erfinv_far(x: f64) -> f64 {
    (-FRAC_1_SQRT_2 * ndtri_of_tail(0.5 - 0.5 * x.abs())).copysign(x)
}

/// True of numbers that [`ndtri`] gets wrong, and [`ndtri_far`] right.
#[inline(always)]
pub(crate) fn is_tail(p: f64) -> bool {
    !(0.0005..=0.9995).contains(&p)
}

#[inline(always)]
pub(crate) fn ndtri(p: f64) -> f64 {
    SQRT_2 * inverse(2.0 * p - 1.0, 4.0 * p * (1.0 - p))
}

#[inline(never)]
pub(crate) fn ndtri_far(p: f64) -> f64 {
    if p > 0.5 { -ndtri_of_tail(1.0 - p) } else { ndtri_of_tail(p) }
}

/// The inverse of Φ far to the left, by Newton's method for log Φ.
fn ndtri_of_tail(p: f64) -> f64 {
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
