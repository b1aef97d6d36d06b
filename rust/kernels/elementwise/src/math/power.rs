//! Powers, in float64: the logarithm in two parts, so that its product with the exponent has an error far below one.

#![allow(clippy::excessive_precision, reason = "constants as they were fitted")]

use super::double::{LN_2_HIGH, LN_2_LOW, exp_times, horner, split};
use super::mixed;
use super::traits::Float;
use corten_base::multiversion;

/// log(a) in two parts, to 2⁻⁶⁴ of its size, for a positive finite number.
#[inline(always)]
fn log_pair(a: f64) -> (f64, f64) {
    let (k, f) = split(a);
    // s = f / (2 + f), and log(1 + f) = 2 s + s³ (2/3 + s² R(s²)).
    let sum = f + 2.0;
    let sum_low = f - (sum - 2.0);
    let inverse = 1.0 / sum;
    let s = f * inverse;
    let s_low = (-s).mul_add(sum_low, (-s).mul_add(sum, f)) * inverse;
    let z = s * s;
    let z_low = s.mul_add(s, -z) + 2.0 * s * s_low;
    let rest = z * horner(
        z,
        [
            0.11978930805447895,
            0.11676119816356872,
            0.13336248005907897,
            0.15384558842309737,
            0.18181818838378502,
            0.22222222217828516,
            0.28571428571443735,
            0.3999999999999998,
        ],
    );
    const TWO_THIRDS: f64 = 2.0 / 3.0;
    let factor = TWO_THIRDS + rest;
    let factor_low = 3.700743415417188e-17 + (rest - (factor - TWO_THIRDS));
    let product = z * factor;
    let product_low = z.mul_add(factor, -product) + z.mul_add(factor_low, z_low * factor);
    let cube = s * product;
    let cube_low = s.mul_add(product, -cube) + s.mul_add(product_low, s_low * product);
    // Largest terms last; each sum's rounding error is exact.
    let near = 2.0 * s + cube;
    let near_low = (cube - (near - 2.0 * s)) + 2.0f64.mul_add(s_low, cube_low);
    let whole = k * LN_2_HIGH;
    let high = whole + near;
    (high, (near - (high - whole)) + k.mul_add(LN_2_LOW, near_low))
}

/// a to the power y, for a that is not negative. At most 1 ulp.
#[inline(always)]
fn pow_of_magnitude(a: f64, y: f64) -> f64 {
    let (high, low) = log_pair(a);
    let high = if a > 0.0 { high } else { f64::NEG_INFINITY };
    // Infinity and NaN are their own logarithms.
    let high = if a < f64::INFINITY { high } else { a };
    let product = y * high;
    let product_low = y.mul_add(high, -product) + y * low;
    // Beyond these bounds are zero and infinity.
    exp_times(1.0, product, if product.abs() < 800.0 { product_low } else { 0.0 })
}

/// x to the power y. At most 1 ulp.
#[inline(always)]
pub(crate) fn pow(x: f64, y: f64) -> f64 {
    signed(pow_of_magnitude(x.abs(), y), x, y)
}

/// x to the power y, from its absolute value.
#[inline(always)]
pub(super) fn signed<T: Float>(magnitude: T, x: T, y: T) -> T {
    let whole = y.trunc() == y;
    // Even where halves are whole too.
    let half = y.mul(T::c(0.5));
    let odd = whole && half.trunc() != half;
    let signed = if odd { magnitude.copysign(x) } else { magnitude };
    let value = if x < T::zero() && x != T::c(f64::NEG_INFINITY) && !whole { T::c(f64::NAN) } else { signed };
    let one = x == T::ONE || y == T::zero() || (x == T::c(-1.0) && y.fabs() == T::c(f64::INFINITY));
    if one { T::ONE } else { value }
}

multiversion! {
    /// Replaces numbers by their absolute values to the power y. At most 0.51 ulp.
    pub fn magnitude_powers_f32(x: &mut [f32], y: f64) {
        for x in x {
            *x = mixed::pow_of_magnitude(x.abs(), y);
        }
    }
}

multiversion! {
    /// The same. At most 1 ulp.
    pub fn magnitude_powers_f64(x: &mut [f64], y: f64) {
        for x in x {
            *x = pow_of_magnitude(x.abs(), y);
        }
    }
}
