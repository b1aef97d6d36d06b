//! The error function and what the normal distribution takes from it, in float64, so that it vectorises: no branch, no
//! table, no call. Polynomials are minimax fits, highest power first.

#![allow(clippy::excessive_precision, reason = "constants as they were fitted")]

use super::double::{clamp, exp_times, horner, log_sum};
use std::f64::consts::FRAC_1_SQRT_2;

/// A polynomial in x² up to 1.25, beyond it 1 - q⁸ for one that approaches the eighth root of erfc, each to 2⁻⁵⁶ of the
/// result. At most 1 ulp.
#[inline(always)]
pub(crate) fn erf(x: f64) -> f64 {
    let a = clamp(x.abs(), 0.0, 5.95);
    let near = horner(
        a * a,
        [
            -3.3862425585185226e-12,
            8.067250505603758e-11,
            -1.1948889295087457e-09,
            1.4750490405462936e-08,
            -1.6359483638332216e-07,
            1.6461633257427874e-06,
            -1.4925626794069384e-05,
            0.0001205533232924263,
            -0.0008548327019488659,
            0.005223977625798187,
            -0.026866170645251163,
            0.11283791670956704,
            -0.37612638903183837,
            0.1283791670955126,
        ],
    );
    let root = horner(
        a,
        [
            8.402794139610796e-13,
            -3.852821071840543e-11,
            7.875240381764057e-10,
            -9.175266307006579e-09,
            6.363835739041255e-08,
            -2.3526617665927188e-07,
            1.4077047228333117e-07,
            2.73940417164088e-06,
            -1.8601004558008603e-05,
            0.00012474632408750533,
            -0.000573971368653201,
            0.0002602335810520568,
            0.006525124792767867,
            -0.0020495561090496345,
            -0.06964675903940497,
            -0.1410432397464298,
            0.9999995098914742,
        ],
    );
    let fourth = (root * root) * (root * root);
    (if a < 1.25 { near.mul_add(a, a) } else { fourth.mul_add(-fourth, 1.0) }).copysign(x)
}

/// exp(a²) erfc(a) for a ≥ 0, that is (½ + v Q(v - 1)) / (½ + a) for v = a / (a / 2 + 1.75), which goes from 0 to 2; to 2⁻⁵⁵.
#[inline(always)]
fn scaled_erfc(a: f64) -> f64 {
    let v = a / a.mul_add(0.5, 1.75);
    let rest = horner(
        v - 1.0,
        [
            -5.67072919507856e-10,
            5.998972996126032e-10,
            6.123913581274543e-09,
            -5.805378841724406e-09,
            -4.21796055938944e-08,
            3.7906285434671954e-08,
            2.6253686169881273e-07,
            -2.841252832661991e-07,
            -1.6226224647388195e-06,
            2.7863219353102957e-06,
            9.343682727185221e-06,
            -3.0734570207121816e-05,
            -3.002143650528538e-05,
            0.000312213575695184,
            -0.0004633475650865916,
            -0.001644162375971869,
            0.011193827854425565,
            -0.03560549076972989,
            0.07959706768160414,
            -0.13714186676162768,
            0.18590141433827645,
            -0.1911792125043871,
            0.1211746224355772,
        ],
    );
    let value = v.mul_add(rest, 0.5);
    // The divisor's rounding and the quotient's are made good.
    let divisor = a + 0.5;
    let lost = a - (divisor - 0.5);
    let inverse = 1.0 / divisor;
    let quotient = value * inverse;
    let rest = quotient.mul_add(-lost, quotient.mul_add(-divisor, value));
    if a == f64::INFINITY { 0.0 } else { rest.mul_add(inverse, quotient) }
}

/// `factor` times exp(`scale` · x²) for a power of two as the scale, what the square's rounding lost made good.
#[inline(always)]
fn bell(factor: f64, x: f64, scale: f64) -> f64 {
    let square = x * x;
    exp_times(factor, scale * square, scale * x.mul_add(x, -square))
}

/// At most 2 ulp.
#[inline(always)]
pub(crate) fn erfc(x: f64) -> f64 {
    let a = clamp(x.abs(), 0.0, 28.0);
    let tail = bell(scaled_erfc(a), a, -1.0);
    if x < 0.0 { 2.0 - tail } else { tail }
}

/// exp(x²) erfc(x).
#[inline(always)]
pub(crate) fn erfcx(x: f64) -> f64 {
    let tail = scaled_erfc(x.abs());
    let above = 2.0 * bell(1.0, clamp(x, -27.0, 0.0), 1.0) - tail;
    if x < 0.0 { above } else { tail }
}

/// The normal distribution's Φ(x), the area to the left of x, and φ(x), its density there.
#[inline(always)]
pub(crate) fn normal(x: f64) -> (f64, f64) {
    let a = clamp(x.abs(), 0.0, 39.0);
    let tail = bell(0.5 * scaled_erfc(a * FRAC_1_SQRT_2), a, -0.5);
    (if x > 0.0 { 1.0 - tail } else { tail }, bell(0.398_942_280_401_432_7, a, -0.5))
}

/// Φ(x).
#[inline(always)]
pub(crate) fn ndtr(x: f64) -> f64 {
    normal(x).0
}

/// x Φ(x).
#[inline(always)]
pub(crate) fn gelu(x: f64) -> f64 {
    x * ndtr(x)
}

/// log Φ(x). The tail itself vanishes before its logarithm does.
#[inline(always)]
pub(crate) fn log_ndtr(x: f64) -> f64 {
    let a = x.abs();
    let scaled = 0.5 * scaled_erfc(a * FRAC_1_SQRT_2);
    let tail = bell(scaled, clamp(a, 0.0, 39.0), -0.5);
    let area = 1.0 - tail;
    let lost = ((1.0 - area) - tail) / area;
    let right = x > 0.0;
    log_sum(if right { area } else { scaled }, if right { lost } else { 0.0 }) - if right { 0.0 } else { 0.5 * x * x }
}
