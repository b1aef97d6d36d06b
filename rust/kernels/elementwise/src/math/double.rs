//! float64 functions that vectorise: no branch, no table, no call. The tests bound their errors, in units in the last
//! place (ulp). Polynomials are minimax fits, highest power first.

#![allow(clippy::excessive_precision, clippy::approx_constant, reason = "constants as they were fitted")]

use std::f64::consts::{FRAC_PI_2, LN_2, LOG2_E};

/// Adding it rounds to an integer (ties to even), which then stands in the low bits.
const ROUND: f64 = 6755399441055744.0;
/// ln 2 in two parts, the first of 42 bits, so that its product with an exponent is exact.
pub(super) const LN_2_HIGH: f64 = 0.6931471805598903;
pub(super) const LN_2_LOW: f64 = 5.497923018708371e-14;

#[inline(always)]
pub(super) fn horner<const N: usize>(x: f64, coefficients: [f64; N]) -> f64 {
    if N < 10 {
        return coefficients[1..].iter().fold(coefficients[0], |sum, coefficient| sum.mul_add(x, *coefficient));
    }
    // In two chains, so that a term waits for half as many others.
    let (square, mut sums) = (x * x, [coefficients[1], coefficients[0]]);
    for (i, coefficient) in coefficients[2..].iter().enumerate() {
        sums[1 - i % 2] = sums[1 - i % 2].mul_add(square, *coefficient);
    }
    sums[1 - N % 2].mul_add(x, sums[N % 2])
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
pub(super) fn clamp(x: f64, low: f64, high: f64) -> f64 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

/// The whole number n nearest to x / ln 2, and x - n ln 2.
#[inline(always)]
fn reduce_exp(x: f64) -> (f64, f64) {
    let n = x.mul_add(LOG2_E, ROUND) - ROUND;
    (n, n.mul_add(-LN_2_LOW, n.mul_add(-LN_2_HIGH, x)))
}

/// `factor` times e to the power `high + low`, for a factor near one and a low part far below it.
#[inline(always)]
pub(super) fn exp_times(factor: f64, high: f64, low: f64) -> f64 {
    let (n, r) = reduce_exp(clamp(high, -760.0, 760.0));
    let r = r + low;
    scale(factor.mul_add((r * r).mul_add(exp_tail(r), r), factor), n)
}

#[inline(always)]
pub(super) fn exp(x: f64) -> f64 {
    exp_times(1.0, x, -0.0)
}

/// log(x / (1 - x)).
#[inline(always)]
pub(super) fn logit(x: f64) -> f64 {
    log(x / (1.0 - x))
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

/// k and f with x = 2ᵏ (1 + f) and 1 + f between √½ and √2, for a positive number.
#[inline(always)]
pub(super) fn split(x: f64) -> (f64, f64) {
    const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
    let tiny = x < f64::MIN_POSITIVE;
    let normal = if tiny { x * 18014398509481984.0 } else { x };
    let bits = normal.to_bits().wrapping_add(0x3ff0_0000_0000_0000 - SQRT_HALF);
    let biased = f64::from_bits((bits >> 52) | 0x4330_0000_0000_0000) - 4503599627370496.0;
    let k = biased - if tiny { 1077.0 } else { 1023.0 };
    (k, f64::from_bits((bits & 0x000f_ffff_ffff_ffff) + SQRT_HALF) - 1.0)
}

/// The number of at least one half and below one that, times a power of two, is x, and that power's exponent; 0 and 0
/// for zero, and 0 beside infinity and NaN.
#[inline(always)]
pub(crate) fn fraction(x: f64) -> (f64, f64) {
    let tiny = x.abs() < f64::MIN_POSITIVE;
    let bits = (if tiny { x * 18014398509481984.0 } else { x }).to_bits();
    let biased = f64::from_bits(((bits >> 52) & 0x7ff) | 0x4330_0000_0000_0000) - 4503599627370496.0;
    let exponent = biased - if tiny { 1076.0 } else { 1022.0 };
    let mantissa = f64::from_bits((bits & 0x800f_ffff_ffff_ffff) | 0x3fe0_0000_0000_0000);
    let plain = x != 0.0 && x.abs() < f64::INFINITY;
    (if plain { mantissa } else { x }, if plain { exponent } else { 0.0 })
}

/// log(x) + c in base B, for 1 / ln B = `unit` and log_B 2 = `two`, both in two parts. `c` is small.
#[inline(always)]
fn log_base(x: f64, c: f64, unit: (f64, f64), two: (f64, f64)) -> f64 {
    let (k, f) = split(x);
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

/// log(x) + c, for a small c.
#[inline(always)]
pub(super) fn log_sum(x: f64, c: f64) -> f64 {
    log_base(x, c, (1.0, 0.0), (LN_2_HIGH, LN_2_LOW))
}

#[inline(always)]
pub(super) fn log(x: f64) -> f64 {
    log_sum(x, 0.0)
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
    let value = log_sum(sum, lost);
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

/// The angle of the point `(x, y)`, for a polynomial `tail` that approaches (atan(√z) / √z - 1) / z for z ≤ 1.
#[inline(always)]
pub(super) fn angle<const N: usize>(y: f64, x: f64, tail: [f64; N]) -> f64 {
    let (a, b) = (y.abs(), x.abs());
    let steep = a > b;
    let (low, high) = if steep { (b, a) } else { (a, b) };
    // Where both are zero or both infinite, the quotient that leads to the multiple of an eighth turn.
    let equal = if low == 0.0 { 0.0 } else { 1.0 };
    let r = if low == high { equal } else { low / high };
    let z = r * r;
    let part = (z * r).mul_add(horner(z, tail), r);
    let angle = if steep { FRAC_PI_2 - (part - 6.123233995736766e-17) } else { part };
    let left = std::f64::consts::PI - (angle - 1.2246467991473532e-16);
    (if x.is_sign_negative() { left } else { angle }).copysign(y)
}

/// To 4e-18.
const ATAN: [f64; 20] = [
    1.3447140604581824e-05,
    -0.0001543772986536345,
    0.0008415515717131459,
    -0.002913882491445872,
    0.007252780120071228,
    -0.013980087475053075,
    0.02206937371677086,
    -0.029972760367210305,
    0.03668546366890476,
    -0.042213225343519095,
    0.04723142610642236,
    -0.05253761101519679,
    0.058805825360828685,
    -0.06666413301930187,
    0.0769228097670822,
    -0.09090907100892016,
    0.11111111012577136,
    -0.14285714282763617,
    0.19999999999954698,
    -0.3333333333333309,
];

/// At most 2 ulp.
#[inline(always)]
pub(super) fn atan(x: f64) -> f64 {
    angle(x, 1.0, ATAN)
}

/// At most 2 ulp.
#[inline(always)]
pub(super) fn atan2(y: f64, x: f64) -> f64 {
    angle(y, x, ATAN)
}

/// The length of `(x, y)`: infinite if either is, even beside NaN. At most 1 ulp.
#[inline(always)]
pub(super) fn hypot(x: f64, y: f64) -> f64 {
    let (x, y) = (x.abs(), y.abs());
    // By powers of two, so that no square overflows or vanishes.
    let vast = x > 1e150 || y > 1e150;
    let tiny = x < 1e-140 && y < 1e-140;
    let near = if tiny { 2f64.powi(600) } else { 1.0 };
    let (scale, back) = if vast { (2f64.powi(-600), 2f64.powi(600)) } else { (near, 1.0 / near) };
    let (a, b) = (x * scale, y * scale);
    let length = b.mul_add(b, a * a).sqrt() * back;
    if x == f64::INFINITY || y == f64::INFINITY { f64::INFINITY } else { length }
}

/// For a polynomial `tail` that approaches (asin(√z) / √z - 1) / z for z ≤ ¼.
#[inline(always)]
pub(super) fn arc_sine<const N: usize>(x: f64, tail: [f64; N]) -> f64 {
    let a = x.abs();
    let large = a > 0.5;
    let z = if large { 0.5 - 0.5 * a } else { a * a };
    let r = if large { z.sqrt() } else { a };
    let value = (z * r).mul_add(horner(z, tail), r);
    (if large { FRAC_PI_2 - 2.0 * value } else { value }).copysign(x)
}

/// With the same polynomial.
#[inline(always)]
pub(super) fn arc_cosine<const N: usize>(x: f64, tail: [f64; N]) -> f64 {
    let a = x.abs();
    let large = a > 0.5;
    let z = if large { 0.5 - 0.5 * a } else { x * x };
    let r = if large { z.sqrt() } else { x };
    let tail = z * r * horner(z, tail);
    let near = FRAC_PI_2 - (r + (tail - 6.123233995736766e-17));
    let far = 2.0 * (r + tail);
    let far = if x < 0.0 { std::f64::consts::PI - far } else { far };
    if large { far } else { near }
}

/// To 1.5e-17.
const ASIN: [f64; 13] = [
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
];

/// At most 3 ulp.
#[inline(always)]
pub(super) fn asin(x: f64) -> f64 {
    arc_sine(x, ASIN)
}

/// At most 2 ulp.
#[inline(always)]
pub(super) fn acos(x: f64) -> f64 {
    arc_cosine(x, ASIN)
}

/// Half of sinh(a) and of cosh(a), for a from 0 to 710.5, where sinh(r) = r + r³ S(r²) and cosh(r) = 1 + r²/2 + r⁴ C(r²) near 0,
/// by the theorems for the sum of n ln 2 and r.
#[inline(always)]
pub(super) fn hyperbolic<const M: usize, const N: usize>(a: f64, s: [f64; M], c: [f64; N]) -> (f64, f64) {
    let (n, r) = reduce_exp(a);
    let z = r * r;
    let s = z * r * horner(z, s);
    let c = z * z.mul_add(horner(z, c), 0.5);
    // Beyond 2¹⁰⁰ only one of the powers counts.
    let (up, down) = (power_of_two(n - 2.0), power_of_two(-2.0 - clamp(n, 0.0, 100.0)));
    let (sinh, cosh) = (up - down, up + down);
    (two_products(sinh, cosh, r, s, c), two_products(cosh, sinh, r, s, c))
}

/// x (1 + c) + y (r + s) for small c and s, the largest rounding error carried along.
#[inline(always)]
fn two_products(x: f64, y: f64, r: f64, s: f64, c: f64) -> f64 {
    let sum = y.mul_add(r, x);
    sum + (y.mul_add(r, x - sum) + y.mul_add(s, x * c))
}

#[inline(always)]
fn half_hyperbolic(a: f64) -> (f64, f64) {
    hyperbolic(
        a,
        [
            2.510915045989159e-08,
            2.7557243848319423e-06,
            0.00019841269886529316,
            0.008333333333321449,
            0.16666666666666677,
        ],
        [
            2.0921677918447605e-09,
            2.7557252059987213e-07,
            2.480158734900006e-05,
            0.0013888888888873338,
            0.041666666666666685,
        ],
    )
}

/// At most 2 ulp.
#[inline(always)]
pub(super) fn sinh(x: f64) -> f64 {
    (2.0 * half_hyperbolic(clamp(x.abs(), 0.0, 710.5)).0).copysign(x)
}

/// At most 2 ulp.
#[inline(always)]
pub(super) fn cosh(x: f64) -> f64 {
    2.0 * half_hyperbolic(clamp(x.abs(), 0.0, 710.5)).1
}

/// At most 3 ulp.
#[inline(always)]
pub(super) fn tanh(x: f64) -> f64 {
    let (sinh, cosh) = half_hyperbolic(clamp(x.abs(), 0.0, 22.0));
    (sinh / cosh).copysign(x)
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
