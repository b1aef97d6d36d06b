//! float32 functions that vectorise, computed in float64 by shorter polynomials than a float64 result would take. That makes
//! them correctly rounded but for one case in many thousands.

#![allow(clippy::excessive_precision, clippy::approx_constant, reason = "constants as they were fitted")]

use super::{double, power};

/// Angles beyond this need more of π than two doubles.
pub(super) const VAST_ANGLE: f32 = 1e12;

/// The quarter turn that x is nearest to (in the low bits), and the sine and the cosine of the rest to 2⁻³⁴, for
/// |x| ≤ [`VAST_ANGLE`].
#[inline(always)]
fn reduced_sine(x: f32) -> (u64, f64, f64) {
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
    (rounded.to_bits(), sin, cos)
}

/// The sine `ahead` quarter turns ahead.
#[inline(always)]
fn sine(x: f32, ahead: u64) -> f32 {
    let (turn, sin, cos) = reduced_sine(x);
    let turn = turn.wrapping_add(ahead);
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

/// For |x| ≤ [`VAST_ANGLE`].
#[inline(always)]
pub(super) fn tan(x: f32) -> f32 {
    let (turn, sin, cos) = reduced_sine(x);
    let (up, down) = if turn & 1 == 0 { (sin, cos) } else { (-cos, sin) };
    if x == 0.0 { x } else { (up / down) as f32 }
}

/// To 2⁻³².
const ASIN: [f64; 6] = [
    0.03755843529429329,
    0.014407470284971049,
    0.03181633495875816,
    0.04451587008975985,
    0.0750051012717775,
    0.16666659888842703,
];

#[inline(always)]
pub(super) fn asin(x: f32) -> f32 {
    double::arc_sine(x as f64, ASIN) as f32
}

#[inline(always)]
pub(super) fn acos(x: f32) -> f32 {
    double::arc_cosine(x as f64, ASIN) as f32
}

/// To 2⁻³⁴.
const ATAN: [f64; 11] = [
    -0.000709149066359624,
    0.004987555250705184,
    -0.01644378800819905,
    0.03466794442356528,
    -0.05467431020534263,
    0.07267795482074986,
    -0.08988256659893995,
    0.11095090361099089,
    -0.1428423722405692,
    0.1999993135142934,
    -0.3333333221582203,
];

#[inline(always)]
pub(super) fn atan(x: f32) -> f32 {
    double::angle(x as f64, 1.0, ATAN) as f32
}

/// The angle of the point `(x, y)`.
#[inline(always)]
pub(super) fn atan2(y: f32, x: f32) -> f32 {
    double::angle(y as f64, x as f64, ATAN) as f32
}

/// Half of sinh and cosh of |x|, to 2⁻³³.
#[inline(always)]
fn half_hyperbolic(x: f32) -> (f64, f64) {
    double::hyperbolic(
        double::clamp(x.abs() as f64, 0.0, 100.0),
        [0.0001990502971095032, 0.00833328885152229, 0.1666666675492626],
        [0.0013935509169854783, 0.04166645840216856],
    )
}

#[inline(always)]
pub(super) fn sinh(x: f32) -> f32 {
    ((2.0 * half_hyperbolic(x).0) as f32).copysign(x)
}

#[inline(always)]
pub(super) fn cosh(x: f32) -> f32 {
    (2.0 * half_hyperbolic(x).1) as f32
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

/// log(x) to 2⁻⁴⁵, for x that is no subnormal float64; NaN for zero and negative numbers.
#[inline(always)]
fn wide_log(x: f64) -> f64 {
    let log = wide_log2(x) * std::f64::consts::LN_2;
    let log = if x > 0.0 { log } else { f64::NAN };
    if x == f64::INFINITY { x } else { log }
}

#[inline(always)]
pub(super) fn asinh(x: f32) -> f32 {
    let a = x.abs() as f64;
    let far = wide_log(a + a.mul_add(a, 1.0).sqrt());
    let near = (a * a * a).mul_add(-1.0 / 6.0, a);
    ((if a < 0.001 { near } else { far }) as f32).copysign(x)
}

#[inline(always)]
pub(super) fn acosh(x: f32) -> f32 {
    let x = x as f64;
    wide_log(x + x.mul_add(x, -1.0).sqrt()) as f32
}

#[inline(always)]
pub(super) fn atanh(x: f32) -> f32 {
    let a = x.abs() as f64;
    let far = 0.5 * wide_log((1.0 + a) / (1.0 - a));
    let near = (a * a * a).mul_add(1.0 / 3.0, a);
    ((if a < 0.001 { near } else { far }) as f32).copysign(x)
}

/// 2ʸ to 2⁻³⁹, for a float32 result.
#[inline(always)]
fn wide_exp2(y: f64) -> f64 {
    const ROUND: f64 = 6_755_399_441_055_744.0;
    // NaN stays; at the bounds the power is 0 and infinity.
    let y = double::clamp(y, -1023.0, 1024.0);
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

/// eˣ to 2⁻³⁹, where float32 has it.
#[inline(always)]
pub(super) fn wide_exp(x: f64) -> f64 {
    wide_exp2(x * std::f64::consts::LOG2_E)
}

/// a to the power y, by way of logarithms in float64, for a that is not negative.
#[inline(always)]
pub(super) fn pow_of_magnitude(a: f32, y: f64) -> f32 {
    // Every float32 is a normal float64.
    let log = if a > 0.0 { wide_log2(a as f64) } else { f64::NEG_INFINITY };
    // Infinity and NaN are their own logarithms.
    let log = if a < f32::INFINITY { log } else { a as f64 };
    wide_exp2(y * log) as f32
}

/// x to the power y.
#[inline(always)]
pub(super) fn pow(x: f32, y: f32) -> f32 {
    power::signed(pow_of_magnitude(x.abs(), y as f64), x, y)
}

/// exp(-x²) times a polynomial in 1 / (1 + x / 2), to 2⁻³¹; for negative numbers its complement to 2.
#[inline(always)]
fn wide_erfc(x: f64) -> f64 {
    // NaN stays; beyond the bound, float32 has 0.
    let a = double::clamp(x.abs(), 0.0, 10.6);
    let t = 1.0 / a.mul_add(0.5, 1.0);
    let polynomial = double::horner(
        t,
        [
            -0.028406764025451847,
            0.2147140915573098,
            -0.6898343732147765,
            1.1917949028004422,
            -1.1403109947532015,
            0.5825529042679517,
            -0.26059700216795934,
            0.1545242844106883,
            0.16304136825636745,
            0.2484420922974775,
            0.2819811610591508,
            0.2820983298475905,
        ],
    );
    let tail = t * polynomial * wide_exp2(a * a * -std::f64::consts::LOG2_E);
    if x < 0.0 { 2.0 - tail } else { tail }
}

#[inline(always)]
pub(super) fn erfc(x: f32) -> f32 {
    wide_erfc(x as f64) as f32
}

/// The normal distribution's Φ, with all its digits in the tail.
#[inline(always)]
pub(super) fn ndtr(x: f32) -> f32 {
    (0.5 * wide_erfc(x as f64 * -std::f64::consts::FRAC_1_SQRT_2)) as f32
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

/// The length of `(x, y)`: infinite if either is, even beside NaN.
#[inline(always)]
pub(super) fn hypot(x: f32, y: f32) -> f32 {
    let far = x.abs() == f32::INFINITY || y.abs() == f32::INFINITY;
    let (x, y) = (x as f64, y as f64);
    let length = y.mul_add(y, x * x).sqrt() as f32;
    if far { f32::INFINITY } else { length }
}
