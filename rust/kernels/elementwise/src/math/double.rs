//! float64 functions that vectorise: no branch, no table, no call. The tests bound their errors, in units in the last
//! place (ulp). Polynomials are minimax fits, highest power first.

#![allow(clippy::excessive_precision, clippy::approx_constant, reason = "constants as they were fitted")]

use std::f64::consts::{FRAC_PI_2, LN_2, LOG2_E};

/// Adding it rounds to an integer (ties to even), which then stands in the low bits.
const ROUND: f64 = 6755399441055744.0;
/// ln 2 in two parts, the first of 42 bits, so that its product with an exponent is exact.
const LN_2_HIGH: f64 = 0.6931471805598903;
const LN_2_LOW: f64 = 5.497923018708371e-14;

#[inline(always)]
pub(super) fn horner<const N: usize>(x: f64, coefficients: [f64; N]) -> f64 {
    let mut sum = coefficients[0];
    for coefficient in &coefficients[1..] {
        sum = sum.mul_add(x, *coefficient);
    }
    sum
}

/// (eʳ - 1 - r) / r² for |r| ≤ ln 2 / 2, to 1.4e-18.
#[inline(always)]
fn exp_tail(r: f64) -> f64 {
    horner(
        r,
        [
            2.0914701283103285e-09,
            2.51052370507603e-08,
            2.7557273608709007e-07,
            2.7557255352032673e-06,
            2.4801587325574868e-05,
            0.00019841269874858612,
            0.0013888888888883742,
            0.008333333333326124,
            0.04166666666666667,
            0.1666666666666667,
            0.5,
        ],
    )
}

/// 2ⁿ for a whole number n from -1022 to 1023.
#[inline(always)]
fn power_of_two(n: f64) -> f64 {
    f64::from_bits((n + ROUND).to_bits().wrapping_add(1023) << 52)
}

/// x · 2ⁿ with one rounding, where x is near 1 and |n| < 2040.
#[inline(always)]
fn scale(x: f64, n: f64) -> f64 {
    let half = n.mul_add(0.5, ROUND) - ROUND;
    x * power_of_two(half) * power_of_two(n - half)
}

/// NaN stays.
#[inline(always)]
fn clamp(x: f64, low: f64, high: f64) -> f64 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

/// The whole number n nearest to x / ln 2, and x - n ln 2.
#[inline(always)]
fn reduce_exp(x: f64) -> (f64, f64) {
    let n = x.mul_add(LOG2_E, ROUND) - ROUND;
    (n, n.mul_add(-LN_2_LOW, n.mul_add(-LN_2_HIGH, x)))
}

/// eˣ · 2ᵐ.
#[inline(always)]
fn exp_times(x: f64, m: f64) -> f64 {
    let (n, r) = reduce_exp(clamp(x, -760.0, 760.0));
    scale((r * r).mul_add(exp_tail(r), r) + 1.0, n + m)
}

#[inline(always)]
pub(super) fn exp(x: f64) -> f64 {
    exp_times(x, 0.0)
}

#[inline(always)]
pub(super) fn exp2(x: f64) -> f64 {
    let x = clamp(x, -1100.0, 1100.0);
    let n = (x + ROUND) - ROUND;
    let high = (x - n) * LN_2;
    let low = (x - n).mul_add(LN_2, -high) + (x - n) * 2.3190468138462996e-17;
    scale((high * high).mul_add(exp_tail(high), low) + high + 1.0, n)
}

/// At most 2 ulp.
#[inline(always)]
pub(super) fn expm1(x: f64) -> f64 {
    let (n, r) = reduce_exp(clamp(x, -45.0, 710.0));
    let tail = (r * r).mul_add(exp_tail(r), r);
    // Halved, since 2¹⁰²⁴ does not exist.
    let half = power_of_two(n - 1.0);
    let value = 2.0 * half.mul_add(tail, half - 0.5);
    if x.abs() < 1e-300 { x } else { value }
}

/// log(x) + c in base B, for 1 / ln B = `unit` and log_B 2 = `two`, both in two parts. `c` is small.
#[inline(always)]
fn log_base(x: f64, c: f64, unit: (f64, f64), two: (f64, f64)) -> f64 {
    const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
    let tiny = x < f64::MIN_POSITIVE;
    let normal = if tiny { x * 18014398509481984.0 } else { x };
    // x = 2ᵏ (1 + f), with 1 + f between √½ and √2.
    let bits = normal.to_bits().wrapping_add(0x3ff0_0000_0000_0000 - SQRT_HALF);
    let biased = f64::from_bits((bits >> 52) | 0x4330_0000_0000_0000) - 4503599627370496.0;
    let k = biased - if tiny { 1077.0 } else { 1023.0 };
    let f = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) + SQRT_HALF) - 1.0;
    // log(1 + f) = f - f²/2 + s (f²/2 + z R(z)), for s = f / (2 + f), z = s² (as in FreeBSD's library).
    let s = f / (2.0 + f);
    let z = s * s;
    let rest = horner(
        z,
        [
            0.1461703754879165,
            0.1533167403016786,
            0.18182890556695602,
            0.2222221111514416,
            0.2857142862609589,
            0.3999999999989924,
            0.666666666666667,
        ],
    );
    let half_square = 0.5 * f * f;
    let high = f - half_square;
    let low = ((f - high) - half_square) + (s.mul_add(z.mul_add(rest, half_square), c));
    // Times the unit, plus k log 2, the rounding errors carried along.
    let product = high * unit.0;
    let product_low = high.mul_add(unit.0, -product) + high.mul_add(unit.1, low * unit.0);
    let whole = k * two.0;
    let sum = whole + product;
    let value = sum + (((whole - sum) + product) + k.mul_add(two.1, product_low));
    let special = if x == 0.0 { f64::NEG_INFINITY } else { f64::NAN };
    let value = if x > 0.0 { value } else { special };
    if x == f64::INFINITY { x } else { value }
}

#[inline(always)]
pub(super) fn log(x: f64) -> f64 {
    log_base(x, 0.0, (1.0, 0.0), (LN_2_HIGH, LN_2_LOW))
}

#[inline(always)]
pub(super) fn log2(x: f64) -> f64 {
    log_base(x, 0.0, (LOG2_E, 2.0355273740931033e-17), (1.0, 0.0))
}

#[inline(always)]
pub(super) fn log10(x: f64) -> f64 {
    const UNIT: (f64, f64) = (std::f64::consts::LOG10_E, 1.098319650216765e-17);
    log_base(x, 0.0, UNIT, (0.30102999566395283, 2.8363394551044964e-14))
}

#[inline(always)]
pub(super) fn log1p(x: f64) -> f64 {
    let sum = 1.0 + x;
    // What the sum lost, relative to it.
    let lost = if x < 1.0 { x - (sum - 1.0) } else { 1.0 - (sum - x) };
    let lost = if sum > 1e-300 && sum < 1e300 { lost / sum } else { 0.0 };
    let value = log_base(sum, lost, (1.0, 0.0), (LN_2_HIGH, LN_2_LOW));
    if x.abs() < 1e-300 { x } else { value }
}

/// Angles beyond this need more of π than three doubles.
pub(super) const VAST_ANGLE: f64 = 1e9;

/// The quarter turn that x is nearest to (in the low bits), and the rest in two parts.
#[inline(always)]
fn reduce_angle(x: f64) -> (u64, f64, f64) {
    let rounded = x.mul_add(std::f64::consts::FRAC_2_PI, ROUND);
    let n = rounded - ROUND;
    // Exact: the product's last bit is above the difference's.
    let first = n.mul_add(-FRAC_PI_2, x);
    let product = n * -6.123233995736766e-17;
    let product_low = n.mul_add(-6.123233995736766e-17, -product);
    let high = first + product;
    // What the sum lost (Knuth), as either part may be the larger.
    let back = high - first;
    let lost = (first - (high - back)) + (product - back);
    let low = n.mul_add(1.4973849048591698e-33, lost + product_low);
    (rounded.to_bits(), high, low)
}

/// sin(high + low), for up to an eighth turn.
#[inline(always)]
fn sin_part(high: f64, low: f64) -> f64 {
    let z = high * high;
    let tail = horner(
        z,
        [
            1.591810123027412e-10,
            -2.5051131455427946e-08,
            2.755731610068303e-06,
            -0.0001984126983675497,
            0.008333333333330946,
            -0.16666666666666666,
        ],
    );
    high + (z * high).mul_add(tail, low.mul_add(-0.5 * z, low))
}

/// cos(high + low), for up to an eighth turn.
#[inline(always)]
fn cos_part(high: f64, low: f64) -> f64 {
    let z = high * high;
    let tail = horner(
        z,
        [
            -1.1382614868556325e-11,
            2.0876146024689747e-09,
            -2.7557317270560326e-07,
            2.4801587298763433e-05,
            -0.0013888888888887395,
            0.041666666666666664,
        ],
    );
    let half = 0.5 * z;
    let first = 1.0 - half;
    first + (((1.0 - first) - half) + (z * z).mul_add(tail, -high * low))
}

/// Changes the sign if bit 1 of `turn` is set.
#[inline(always)]
fn turn_sign(x: f64, turn: u64) -> f64 {
    f64::from_bits(x.to_bits() ^ ((turn & 2) << 62))
}

/// For |x| ≤ [`VAST_ANGLE`].
#[inline(always)]
pub(super) fn sin(x: f64) -> f64 {
    let (turn, high, low) = reduce_angle(x);
    let (sin, cos) = (sin_part(high, low), cos_part(high, low));
    let value = turn_sign(if turn & 1 == 0 { sin } else { cos }, turn);
    if x == 0.0 { x } else { value }
}

/// For |x| ≤ [`VAST_ANGLE`].
#[inline(always)]
pub(super) fn cos(x: f64) -> f64 {
    let (turn, high, low) = reduce_angle(x);
    let (sin, cos) = (sin_part(high, low), cos_part(high, low));
    turn_sign(if turn & 1 == 0 { cos } else { sin }, turn.wrapping_add(turn & 1))
}

/// For |x| ≤ [`VAST_ANGLE`]. At most 2 ulp.
#[inline(always)]
pub(super) fn tan(x: f64) -> f64 {
    let (turn, high, low) = reduce_angle(x);
    let (sin, cos) = (sin_part(high, low), cos_part(high, low));
    let value = if turn & 1 == 0 { sin / cos } else { -cos / sin };
    if x == 0.0 { x } else { value }
}

/// At most 2 ulp.
#[inline(always)]
pub(super) fn atan(x: f64) -> f64 {
    let a = x.abs();
    // tan(3π/8), tan(π/8): three ranges folded onto |z| ≤ tan(π/8).
    let (large, middle) = (a > 2.414213562373095, a > 0.41421356237309503);
    let numerator = if large {
        -1.0
    } else if middle {
        a - 1.0
    } else {
        a
    };
    let denominator = if large {
        a
    } else if middle {
        a + 1.0
    } else {
        1.0
    };
    let (base, base_low) = if large {
        (FRAC_PI_2, 6.123233995736766e-17)
    } else if middle {
        (std::f64::consts::FRAC_PI_4, 3.061616997868383e-17)
    } else {
        (0.0, 0.0)
    };
    let r = numerator / denominator;
    let z = r * r;
    let tail = horner(
        z,
        [
            -0.013916943217800841,
            0.03063443323901452,
            -0.04104381417807643,
            0.04719381457895137,
            -0.052580394289794816,
            0.05881925033877732,
            -0.06666642004996545,
            0.07692306735321475,
            -0.0909090906699066,
            0.11111111110754406,
            -0.14285714285711515,
            0.19999999999999993,
            -0.3333333333333333,
        ],
    );
    (base + ((z * r).mul_add(tail, base_low) + r)).copysign(x)
}

/// (asin(√z) / √z - 1) / z for z ≤ ¼, to 1.5e-17.
#[inline(always)]
fn asin_tail(z: f64) -> f64 {
    horner(
        z,
        [
            0.02877844261259304,
            -0.014881409392818066,
            0.017419357964884856,
            0.00545087818772055,
            0.010324318288744113,
            0.011478952690257387,
            0.013971235301124539,
            0.017352391265909227,
            0.022372173002005596,
            0.030381944137085216,
            0.04464285714637338,
            0.07499999999998425,
            0.16666666666666669,
        ],
    )
}

/// At most 3 ulp.
#[inline(always)]
pub(super) fn asin(x: f64) -> f64 {
    let a = x.abs();
    let large = a > 0.5;
    let z = if large { 0.5 - 0.5 * a } else { a * a };
    let r = if large { z.sqrt() } else { a };
    let value = (z * r).mul_add(asin_tail(z), r);
    (if large { FRAC_PI_2 - 2.0 * value } else { value }).copysign(x)
}

/// At most 2 ulp.
#[inline(always)]
pub(super) fn acos(x: f64) -> f64 {
    let a = x.abs();
    let large = a > 0.5;
    let z = if large { 0.5 - 0.5 * a } else { x * x };
    let r = if large { z.sqrt() } else { x };
    let tail = z * r * asin_tail(z);
    let near = FRAC_PI_2 - (r + (tail - 6.123233995736766e-17));
    let far = 2.0 * (r + tail);
    let far = if x < 0.0 { std::f64::consts::PI - far } else { far };
    if large { far } else { near }
}

/// At most 3 ulp.
#[inline(always)]
pub(super) fn sinh(x: f64) -> f64 {
    let a = x.abs();
    let growth = expm1(clamp(a, 0.0, 30.0));
    let near = 0.5 * (growth + growth / (growth + 1.0));
    (if a < 22.0 { near } else { exp_times(a, -1.0) }).copysign(x)
}

/// At most 2 ulp.
#[inline(always)]
pub(super) fn cosh(x: f64) -> f64 {
    let half = exp_times(x.abs(), -1.0);
    half + 0.25 / half
}

/// At most 3 ulp.
#[inline(always)]
pub(super) fn tanh(x: f64) -> f64 {
    let growth = expm1(2.0 * clamp(x.abs(), 0.0, 22.0));
    (growth / (growth + 2.0)).copysign(x)
}

/// At most 2 ulp.
#[inline(always)]
pub(super) fn asinh(x: f64) -> f64 {
    let a = x.abs();
    let large = a > 268435456.0;
    let near = a + a * a / (1.0 + a.mul_add(a, 1.0).sqrt());
    (log1p(if large { a - 1.0 } else { near }) + if large { LN_2 } else { 0.0 }).copysign(x)
}

/// At most 2 ulp.
#[inline(always)]
pub(super) fn acosh(x: f64) -> f64 {
    let large = x > 268435456.0;
    let t = x - 1.0;
    let near = t + t.mul_add(t, 2.0 * t).sqrt();
    let value = log1p(if large { t } else { near }) + if large { LN_2 } else { 0.0 };
    if x < 1.0 { f64::NAN } else { value }
}

/// At most 2 ulp.
#[inline(always)]
pub(super) fn atanh(x: f64) -> f64 {
    let a = x.abs();
    (0.5 * log1p(2.0 * a / (1.0 - a))).copysign(x)
}
