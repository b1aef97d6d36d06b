//! float32 functions that vectorise, computed in float32.

#![allow(clippy::excessive_precision, clippy::approx_constant, reason = "constants as they were fitted")]

use std::f32::consts::LOG2_E;

/// Adding it rounds to an integer (ties to even), which then stands in the low bits.
const ROUND: f32 = 12582912.0;
/// ln 2 in two parts, the first of 16 bits, so that its product with an exponent is exact.
const LN_2_HIGH: f32 = 0.693145751953125;
const LN_2_LOW: f32 = 1.4286068203094173e-06;

#[inline(always)]
fn horner<const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
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

/// (expm1(r) - r) / r², for |r| ≤ ln 2 / 2.
const EXP_TAIL: [f32; 5] = [0.001_392_619_8, 0.008_363_19, 0.041_666_556, 0.166_665_77, 0.5];

/// expm1(r), for |r| ≤ ln 2 / 2.
#[inline(always)]
fn expm1_near(r: f32) -> f32 {
    (r * r).mul_add(horner(r, EXP_TAIL), r)
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

/// What 1 + e⁻ˣ is multiplied by where it would overflow before its reciprocal vanishes.
const UNIT: f32 = 1.0 / 8_589_934_592.0;

/// `UNIT` (1 + e⁻ˣ), by one rounding less than through [`exp`].
#[inline(always)]
fn scaled_one_plus_exp(x: f32) -> f32 {
    let x = clamp(x, -111.0, 60.0);
    // As `reduced_expm1` of -x; a number negated after it was clamped would take two instructions more.
    let n = x.mul_add(-LOG2_E, ROUND) - ROUND;
    let r = n.mul_add(LN_2_LOW, n.mul_add(LN_2_HIGH, x));
    let [a, b, c, d, e] = EXP_TAIL;
    let tail = (r * r).mul_add(horner(r, [a, -b, c, -d, e]), -r);
    let power = power_of_two(n - 33.0);
    power.mul_add(tail, UNIT) + power
}

/// 1 / (1 + e⁻ˣ). At most 2 ulp.
#[inline(always)]
pub(super) fn sigmoid(x: f32) -> f32 {
    UNIT / scaled_one_plus_exp(x)
}

/// x / (1 + e⁻ˣ). At most 2 ulp.
#[inline(always)]
pub(super) fn silu(x: f32) -> f32 {
    // The sum, doubled, is infinite where x is out of its bounds.
    let value = x / (2.0 * scaled_one_plus_exp(x)) * (2.0 * UNIT);
    // The quotient of vast numbers overflows; they are their own results.
    if x > 1e9 { x } else { value }
}

/// log(x / (1 - x)), near ½ by the series of 2 artanh(2x - 1). At most 2 ulp.
#[inline(always)]
pub(super) fn logit(x: f32) -> f32 {
    let u = x.mul_add(2.0, -1.0);
    let z = u * u;
    let tail = horner(z, [0.35338214, 0.102716640, 0.23647456, 0.28445524, 0.40005037, 0.66666603]);
    let near = (z * u).mul_add(tail, 2.0 * u);
    let far = log(x / (1.0 - x));
    if u.abs() < 0.5 { near } else { far }
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
    if x.abs() < 1e-30 { x } else { value }
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

/// The normal distribution's Φ, whose error is small beside one but not in the tail, and its density φ.
#[inline(always)]
pub(super) fn normal(x: f32) -> (f32, f32) {
    let area = 0.5 * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2));
    (area, exp(x * x * -0.5) * 0.398_942_3)
}

/// x Φ(x), with the normal distribution's Φ, from what it lacks to max(x, 0): a Φ(-a), for a = |x|. Near 0 that is
/// a (½ - a p(a²)); beyond, it is exp(-a²/2) q(t) for t = (a - 1.5) / (a + 1.5), where a²/2 is carried to twice the digits.
/// At most 2 ulp.
#[inline(always)]
pub(super) fn gelu(x: f32) -> f32 {
    let a = x.abs();
    // NaN stays; beyond the bound, float32 has 0.
    let a = if a > 14.45 { 14.45 } else { a };
    let square = a * a;
    let lost = a.mul_add(a, -square);
    let half = -0.5 * square;
    let rounded = half.mul_add(LOG2_E, ROUND);
    let n = rounded - ROUND;
    // Of the exponential, less one, the largest term is added last, before it is rounded.
    let (high, low) = (n.mul_add(-LN_2_HIGH, half), lost.mul_add(-0.5, n * -LN_2_LOW));
    let r = high + low;
    let growth = high + (r * r).mul_add(horner(r, EXP_TAIL), low);
    // 2ⁿ⁺²⁴, which exists where 2ⁿ does not.
    let power = f32::from_bits(rounded.to_bits().wrapping_add(127 + 24) << 23);
    let t = (a - 1.5) / (a + 1.5);
    // By pairs, so that no term waits for all the others; the last ones in turn, for their roundings count.
    let z = t * t;
    let even = horner(z, [-0.00090874545, -0.0023676327, 0.0107862735, -0.019797847]);
    let odd = horner(z, [0.0012577758, -0.0020721818, 0.0007850081, 0.017768912]);
    let polynomial = horner(t, [odd.mul_add(t, even), -0.12629747, 0.21112123, 0.308671]);
    let scaled = power * polynomial;
    let far = scaled.mul_add(growth, scaled) * (1.0 / 16777216.0);
    let near = horner(square, [0.000104465634, -0.00118269594, 0.00997274981, -0.0664903305, 0.39894228]);
    let near = a * near.mul_add(-a, 0.5);
    // The zero has the sign of x, and of negative infinity there is no result, as in PyTorch.
    (if x >= 0.0 { x } else { 0.0 * x }) - if a < 0.7 { near } else { far }
}
