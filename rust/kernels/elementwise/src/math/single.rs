//! float32 functions that vectorise. The hottest are computed in float32, the others in float64, which makes them
//! correctly rounded but for one case in many thousands.

#![allow(clippy::excessive_precision, clippy::approx_constant, reason = "constants as they were fitted")]

use super::double;
use std::f32::consts::LOG2_E;

/// Adding it rounds to an integer (ties to even), which then stands in the low bits.
pub(super) const ROUND: f32 = 12582912.0;
/// ln 2 in two parts, the first of 16 bits, so that its product with an exponent is exact.
pub(super) const LN_2_HIGH: f32 = 0.693145751953125;
pub(super) const LN_2_LOW: f32 = 1.4286068203094173e-06;

macro_rules! by_double {
    ($($name:ident)*) => { $(
        #[inline(always)]
        pub(super) fn $name(x: f32) -> f32 {
            double::$name(x as f64) as f32
        }
    )* };
}

by_double! { tan asin acos atan sinh cosh asinh acosh atanh }

#[inline(always)]
pub(super) fn horner<const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    let mut sum = coefficients[0];
    for coefficient in &coefficients[1..] {
        sum = sum.mul_add(x, *coefficient);
    }
    sum
}

/// NaN stays.
#[inline(always)]
fn clamp(x: f32, low: f32, high: f32) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

/// 2ⁿ for a whole number n from -126 to 127.
#[inline(always)]
fn power_of_two(n: f32) -> f32 {
    f32::from_bits((n + ROUND).to_bits().wrapping_add(127) << 23)
}

/// expm1(r), for |r| ≤ ln 2 / 2.
#[inline(always)]
pub(super) fn expm1_near(r: f32) -> f32 {
    let tail = horner(r, [0.001_392_619_8, 0.008_363_19, 0.041_666_556, 0.166_665_77, 0.5]);
    (r * r).mul_add(tail, r)
}

/// The whole number n nearest to x / ln 2, and expm1(x - n ln 2).
#[inline(always)]
fn reduced_expm1(x: f32) -> (f32, f32) {
    let n = x.mul_add(LOG2_E, ROUND) - ROUND;
    (n, expm1_near(n.mul_add(-LN_2_LOW, n.mul_add(-LN_2_HIGH, x))))
}

/// x · 2ⁿ, for x near 1 and |n| ≤ 250.
#[inline(always)]
fn scale(x: f32, n: f32) -> f32 {
    // In two steps: the first exact, the second rounds, perhaps to a subnormal or infinity.
    let half = n.mul_add(0.5, ROUND) - ROUND;
    x * power_of_two(half) * power_of_two(n - half)
}

#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    let (n, tail) = reduced_expm1(clamp(x, -105.0, 90.0));
    scale(tail + 1.0, n)
}

/// 1 + eˣ, by one rounding less than through [`exp`].
#[inline(always)]
pub(super) fn one_plus_exp(x: f32) -> f32 {
    let (n, tail) = reduced_expm1(clamp(x, -87.0, 89.0));
    // Halved, since 2¹²⁸ does not exist.
    let half = power_of_two(n - 1.0);
    2.0 * (half.mul_add(tail, 0.5) + half)
}

#[inline(always)]
pub(super) fn exp2(x: f32) -> f32 {
    let x = clamp(x, -151.0, 130.0);
    let n = (x + ROUND) - ROUND;
    scale(expm1_near((x - n) * std::f32::consts::LN_2) + 1.0, n)
}

/// At most 1.6 ulp.
#[inline(always)]
pub(super) fn expm1(x: f32) -> f32 {
    let (n, tail) = reduced_expm1(clamp(x, -20.0, 89.0));
    // Halved, since 2¹²⁸ does not exist.
    let half = power_of_two(n - 1.0);
    let value = 2.0 * half.mul_add(tail, half - 0.5);
    if x == 0.0 { x } else { value }
}

/// At most 2 ulp.
#[inline(always)]
pub(super) fn tanh(x: f32) -> f32 {
    let (n, tail) = reduced_expm1(2.0 * clamp(x.abs(), 0.0, 10.0));
    let power = power_of_two(n);
    let growth = power.mul_add(tail, power - 1.0);
    let far = growth / (growth + 2.0);
    // Near 0 the quotient is two or three roundings off.
    let z = x * x;
    let tail = horner(z, [0.00236816631, -0.00840795444, 0.0217877258, -0.0539614842, 0.133333126, -0.333333332]);
    (if x.abs() < 0.6 { (z * x.abs()).mul_add(tail, x.abs()) } else { far }).copysign(x)
}

/// k, f and t with log(x) = k ln 2 + f - f²/2 + t f³.
#[inline(always)]
fn log_parts(x: f32) -> (f32, f32, f32) {
    const SQRT_HALF: u32 = 0x3f35_04f3;
    let tiny = x < f32::MIN_POSITIVE;
    let normal = if tiny { x * 8388608.0 } else { x };
    // x = 2ᵏ (1 + f), with 1 + f between √½ and √2.
    let bits = normal.to_bits().wrapping_sub(SQRT_HALF);
    let k = ((bits as i32) >> 23) as f32 - if tiny { 23.0 } else { 0.0 };
    let f = f32::from_bits((bits & 0x007f_ffff) + SQRT_HALF) - 1.0;
    let tail = horner(
        f,
        [
            -0.079_036_437,
            0.126_237_385,
            -0.129_984_906,
            0.142_143_565,
            -0.166_412_475,
            0.200_010_484,
            -0.250_003_07,
            0.333_333_307,
        ],
    );
    (k, f, tail)
}

/// The logarithm `value` of x, or what zero, negative numbers, infinity and NaN have instead.
#[inline(always)]
fn log_value(x: f32, value: f32) -> f32 {
    let special = if x == 0.0 { f32::NEG_INFINITY } else { f32::NAN };
    let value = if x > 0.0 { value } else { special };
    if x == f32::INFINITY { x } else { value }
}

/// log(x) + c, for a small c.
#[inline(always)]
fn log_plus(x: f32, c: f32) -> f32 {
    let (k, f, tail) = log_parts(x);
    // Largest terms last.
    let square = f * f;
    let low = k.mul_add(LN_2_LOW, (square * f).mul_add(tail, square.mul_add(-0.5, c)));
    log_value(x, k.mul_add(LN_2_HIGH, f + low))
}

/// log(x) in base B, for 1 / ln B = `unit` and log_B 2 = `two`, both in two parts. At most 1 ulp.
#[inline(always)]
fn log_base(x: f32, unit: (f32, f32), two: (f32, f32)) -> f32 {
    let (k, f, tail) = log_parts(x);
    // The rounding errors are carried along.
    let half_square = 0.5 * f * f;
    let lost = (0.5 * f).mul_add(f, -half_square);
    let high = f - half_square;
    let low = (2.0 * half_square * f).mul_add(tail, ((f - high) - half_square) - lost);
    let product = high * unit.0;
    let low = high.mul_add(unit.0, -product) + high.mul_add(unit.1, low * unit.0);
    let whole = k * two.0;
    let sum = whole + product;
    log_value(x, sum + (((whole - sum) + product) + k.mul_add(two.1, low)))
}

#[inline(always)]
pub(super) fn log(x: f32) -> f32 {
    log_plus(x, 0.0)
}

#[inline(always)]
pub(super) fn log2(x: f32) -> f32 {
    log_base(x, (LOG2_E, 1.925963033500011e-08), (1.0, 0.0))
}

#[inline(always)]
pub(super) fn log10(x: f32) -> f32 {
    log_base(x, (std::f32::consts::LOG10_E, -1.0103049952192578e-08), (0.301025390625, 4.605039066518657e-06))
}

#[inline(always)]
pub(super) fn log1p(x: f32) -> f32 {
    let sum = 1.0 + x;
    // What the sum lost, relative to it.
    let lost = if x < 1.0 { x - (sum - 1.0) } else { 1.0 - (sum - x) };
    let lost = if sum > 1e-30 && sum < 1e30 { lost / sum } else { 0.0 };
    let value = log_plus(sum, lost);
    if x.abs() < 1e-30 { x } else { value }
}

/// Angles beyond this need more of π than two doubles.
pub(super) const VAST_ANGLE: f32 = 1e12;

/// The sine `ahead` quarter turns ahead, for |x| ≤ [`VAST_ANGLE`].
#[inline(always)]
fn sine(x: f32, ahead: u64) -> f32 {
    const ROUND: f64 = 6755399441055744.0;
    let x = x as f64;
    let rounded = x.mul_add(std::f64::consts::FRAC_2_PI, ROUND);
    let n = rounded - ROUND;
    let r = n.mul_add(-6.123233995736766e-17, n.mul_add(-std::f64::consts::FRAC_PI_2, x));
    let z = r * r;
    let sin = [2.7249864655139585e-06, -0.00019840086263755443, 0.008333331873837089, -0.16666666663853044];
    let cos = [-2.7300908167996537e-07, 2.480059998353171e-05, -0.0013888887671288108, 0.04166666666431933];
    let sin = (z * r).mul_add(double::horner(z, sin), r);
    let cos = (z * z).mul_add(double::horner(z, cos), z.mul_add(-0.5, 1.0));
    let turn = rounded.to_bits().wrapping_add(ahead);
    let value = if turn & 1 == 0 { sin } else { cos };
    f64::from_bits(value.to_bits() ^ ((turn & 2) << 62)) as f32
}

/// For |x| ≤ [`VAST_ANGLE`].
#[inline(always)]
pub(super) fn sin(x: f32) -> f32 {
    if x == 0.0 { x } else { sine(x, 0) }
}

/// For |x| ≤ [`VAST_ANGLE`].
#[inline(always)]
pub(super) fn cos(x: f32) -> f32 {
    sine(x, 1)
}

/// A polynomial in x² near 0, beyond it 1 - q⁴ for one that approaches the fourth root of 1 - erf(x). At most 1.3 ulp.
#[inline(always)]
pub(super) fn erf(x: f32) -> f32 {
    let a = clamp(x.abs(), 0.0, 4.0);
    let near = horner(
        a * a,
        [
            -8.180_757_5e-6,
            0.000_106_728_79,
            -0.000_838_878_56,
            0.005_213_181,
            -0.026_861_966,
            0.112_837_06,
            -0.376_126_32,
            0.128_379_17,
        ],
    );
    let root = horner(
        a,
        [
            7.121_348e-6,
            -0.000_313_124_94,
            0.004_287_413,
            -0.026_790_498,
            0.078_162_834,
            -0.070_172_07,
            -0.043_825_58,
            -0.319_662_63,
            1.008_079_6,
        ],
    );
    let square = root * root;
    (if a < 1.18 { near.mul_add(a, a) } else { square.mul_add(-square, 1.0) }).copysign(x)
}

/// log2(a) to 2⁻⁴⁵, for a positive normal number.
#[inline(always)]
fn wide_log2(a: f64) -> f64 {
    const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
    // a = 2ᵏ m, with m between √½ and √2.
    let bits = a.to_bits().wrapping_sub(SQRT_HALF);
    let k = f64::from_bits((bits.wrapping_add(2048 << 52) >> 52) | 0x4330_0000_0000_0000) - 4_503_599_627_372_544.0;
    let m = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) + SQRT_HALF);
    let s = (m - 1.0) / (m + 1.0);
    // By pairs, so that no term waits for all the others.
    let z = s * s;
    let low = 0.961796694112264835f64.mul_add(z, 2.88539008177785062);
    let middle = 0.412209224061104352f64.mul_add(z, 0.577077942660304468);
    let high = 0.282885023407482355f64.mul_add(z, 0.319906803807013373);
    let series = high.mul_add(z * z, middle).mul_add(z * z, low);
    s.mul_add(series, k)
}

/// 2ʸ to 2⁻³⁹, for a float32 result.
#[inline(always)]
fn wide_exp2(y: f64) -> f64 {
    const ROUND: f64 = 6_755_399_441_055_744.0;
    // NaN stays; beyond the bounds, float32 has 0 and infinity.
    let y = if y < -200.0 { -200.0 } else { y };
    let y = if y > 200.0 { 200.0 } else { y };
    let n = (y + ROUND) - ROUND;
    let r = y - n;
    let square = r * r;
    let first = 0.693147180545933455f64.mul_add(r, 1.0);
    let second = 0.0555041094120593299f64.mul_add(r, 0.240226506958129882);
    let third = 0.00133334505680006457f64.mul_add(r, 0.00961812915940255819);
    let fourth = 0.0000153100794022492974f64.mul_add(r, 0.000154034558524538394);
    let high = 1.3255224878668817e-6f64.mul_add(square, fourth).mul_add(square, third);
    let tail = high.mul_add(square * square, second.mul_add(square, first));
    tail * f64::from_bits((n + ROUND).to_bits().wrapping_add(1023) << 52)
}

/// x to the power y, by way of logarithms in float64.
#[inline(always)]
pub(super) fn pow(x: f32, y: f32) -> f32 {
    let a = x.abs();
    // Every float32 is a normal float64.
    let log = if a > 0.0 { wide_log2(a as f64) } else { f64::NEG_INFINITY };
    // Infinity and NaN are their own logarithms.
    let log = if a < f32::INFINITY { log } else { a as f64 };
    let magnitude = wide_exp2(y as f64 * log) as f32;
    let whole = y.trunc() == y;
    // Even above 2²⁴, where halves are whole too.
    let odd = whole && (y * 0.5).trunc() != y * 0.5;
    let signed = if odd { magnitude.copysign(x) } else { magnitude };
    let value = if x < 0.0 && x != f32::NEG_INFINITY && !whole { f32::NAN } else { signed };
    let one = x == 1.0 || y == 0.0 || (x == -1.0 && y.abs() == f32::INFINITY);
    if one { 1.0 } else { value }
}

/// exp(-x²) times a polynomial in 1 / (1 + x / 2), to 2⁻³⁵; for negative numbers its complement to 2.
#[inline(always)]
pub(super) fn erfc(x: f32) -> f32 {
    // NaN stays; beyond the bound, float32 has 0.
    let a = clamp(x.abs(), 0.0, 11.0) as f64;
    let t = 1.0 / a.mul_add(0.5, 1.0);
    let polynomial = double::horner(
        t,
        [
            0.030433489875911695,
            -0.23603582632483058,
            0.7962599667105044,
            -1.501153192639402,
            1.6783581205169948,
            -1.0937049574048445,
            0.4435760014414319,
            -0.21406077924583536,
            0.029655288981246735,
            0.0789827459636621,
            0.1766716915659924,
            0.24682934325484396,
            0.28209323077653164,
            0.2820948765418145,
        ],
    );
    let tail = t * polynomial * wide_exp2(a * a * -std::f64::consts::LOG2_E);
    (if x < 0.0 { 2.0 - tail } else { tail }) as f32
}

/// The inverse of erf: x times a polynomial in w = -log(1 - x²), or in its root where w is large, to 2⁻³².
#[inline(always)]
pub(super) fn erfinv(x: f32) -> f32 {
    let a = x.abs() as f64;
    let w = wide_log2((1.0 - a) * (1.0 + a)) * -std::f64::consts::LN_2;
    let near = double::horner(
        w,
        [
            1.2732868700624292e-12,
            -6.422145756320853e-11,
            1.4032584714338136e-09,
            -1.6923902436625356e-08,
            1.152717126477136e-07,
            -3.5632990549477385e-07,
            -2.5451429175235337e-07,
            7.729469588986991e-07,
            4.800504385044124e-05,
            -0.00012905664603910536,
            -0.0023346575307747605,
            0.011549239751570647,
            0.2320136758842984,
            0.8862269253099326,
        ],
    );
    let far = double::horner(
        w.sqrt(),
        [
            -4.107829275976675e-05,
            0.0014167097117978482,
            -0.021893212895480213,
            0.19937501527588816,
            -1.1826597977274491,
            4.761507413933706,
            -13.120867504797115,
            24.265013882764812,
            -28.46285151068317,
            19.64768092345701,
            -5.048072113397931,
        ],
    );
    let value = a * if w < 6.0 { near } else { far };
    let special = if a == 1.0 { f64::INFINITY } else { f64::NAN };
    ((if a < 1.0 { value } else { special }) as f32).copysign(x)
}

/// The angle of the point `(x, y)`.
#[inline(always)]
pub(super) fn atan2(y: f32, x: f32) -> f32 {
    let (a, b) = (y.abs() as f64, x.abs() as f64);
    // Where both are zero or both infinite, the quotient that leads to the multiple of an eighth turn.
    let equal = if a == 0.0 { 0.0 } else { 1.0 };
    let angle = double::atan(if a == b { equal } else { a / b });
    let angle = if x.is_sign_negative() { std::f64::consts::PI - angle } else { angle };
    (angle as f32).copysign(y)
}

/// The length of `(x, y)`: infinite if either is, even beside NaN.
#[inline(always)]
pub(super) fn hypot(x: f32, y: f32) -> f32 {
    let far = x.abs() == f32::INFINITY || y.abs() == f32::INFINITY;
    let (x, y) = (x as f64, y as f64);
    let length = y.mul_add(y, x * x).sqrt() as f32;
    if far { f32::INFINITY } else { length }
}
