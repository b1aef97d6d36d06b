//! x Φ(x), with the normal distribution's Φ, without the cancellation of x (1 + erf(x / √2)) / 2 on the left.

#![allow(clippy::excessive_precision, reason = "constants as they were fitted")]

use super::single::{LN_2_HIGH, LN_2_LOW, ROUND, expm1_near, horner};
use std::f32::consts::LOG2_E;

/// What x Φ(x) lacks to max(x, 0): a Φ(-a), for a = |x|. Near 0 it is a (½ - a p(a²)); beyond, it is exp(-a²/2) q(t) for
/// t = (a - 1.5) / (a + 1.5), whose a²/2 is carried to twice the digits. At most 2 ulp.
#[inline(always)]
pub(super) fn f32(x: f32) -> f32 {
    let a = x.abs();
    // NaN stays; beyond the bound, float32 has 0.
    let a = if a > 14.45 { 14.45 } else { a };
    let square = a * a;
    let lost = a.mul_add(a, -square);
    let half = -0.5 * square;
    let rounded = half.mul_add(LOG2_E, ROUND);
    let n = rounded - ROUND;
    let r = n.mul_add(-LN_2_LOW, n.mul_add(-LN_2_HIGH, half));
    let growth = expm1_near(lost.mul_add(-0.5, r));
    // 2ⁿ⁺²⁴, which exists where 2ⁿ does not.
    let power = f32::from_bits(rounded.to_bits().wrapping_add(127 + 24) << 23);
    let t = (a - 1.5) / (a + 1.5);
    // By pairs, so that no term waits for all the others; the last ones in turn, for their roundings count.
    let z = t * t;
    let even = horner(z, [-0.000908745474, -0.00236764175, 0.0107863316, -0.0197978475]);
    let odd = horner(z, [0.00125777585, -0.00207218187, 0.00078500808, 0.0177689128]);
    let polynomial = horner(t, [odd.mul_add(t, even), -0.126297508, 0.21112123, 0.308671001]);
    let scaled = power * polynomial;
    let far = scaled.mul_add(growth, scaled) * (1.0 / 16777216.0);
    let near = horner(square, [0.000104465634, -0.00118269594, 0.00997274981, -0.0664903305, 0.39894228]);
    let near = a * near.mul_add(-a, 0.5);
    // The zero has the sign of x, and of negative infinity there is no result, as in PyTorch.
    (if x >= 0.0 { x } else { 0.0 * x }) - if a < 0.7 { near } else { far }
}

#[inline(always)]
pub(super) fn f64(x: f64) -> f64 {
    0.5 * x * libm::erfc(x * -std::f64::consts::FRAC_1_SQRT_2)
}
