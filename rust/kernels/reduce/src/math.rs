//! Exponential and logarithm of our own: branch-free, so that loops over them vectorise, and the same on every machine.

/// Rounds to an integer when added and taken away again (float32); the integer stands in the sum's low bits.
const ROUND_F32: f32 = 12_582_912.0;
/// The same for float64.
const ROUND_F64: f64 = 6_755_399_441_055_744.0;

/// eˣ: x = k ln 2 + r, Taylor's series of r to the seventh power, and 2ᵏ in two factors so that subnormal results are
/// rounded once.
#[inline(always)]
pub(crate) fn exp_f32(x: f32) -> f32 {
    let clamped = if x > 89.0 { 89.0 } else { x };
    let clamped = if clamped < -104.0 { -104.0 } else { clamped };
    let shifted = clamped.mul_add(std::f32::consts::LOG2_E, ROUND_F32);
    let k = shifted - ROUND_F32;
    let exponent = (shifted.to_bits() as i32).wrapping_sub(ROUND_F32.to_bits() as i32);
    // ln 2 in two parts, the first with trailing zeros: k times it is exact.
    let r = k.mul_add(-0.693_359_4, clamped);
    let r = k.mul_add(2.121_944_4e-4, r);
    let mut p = 1.0f32 / 5040.0;
    for c in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5] {
        p = p.mul_add(r, c);
    }
    let p = p.mul_add(r * r, r) + 1.0;
    let half = exponent >> 1;
    let power = |k: i32| f32::from_bits((k.wrapping_add(127) as u32) << 23);
    p * power(half) * power(exponent.wrapping_sub(half))
}

/// eˣ, as [`exp_f32`], with the series to the thirteenth power.
#[inline(always)]
pub(crate) fn exp_f64(x: f64) -> f64 {
    let clamped = if x > 710.0 { 710.0 } else { x };
    let clamped = if clamped < -746.0 { -746.0 } else { clamped };
    let shifted = clamped.mul_add(std::f64::consts::LOG2_E, ROUND_F64);
    let k = shifted - ROUND_F64;
    let exponent = (shifted.to_bits() as i64).wrapping_sub(ROUND_F64.to_bits() as i64);
    let r = k.mul_add(-6.931_471_803_691_238e-1, clamped);
    let r = k.mul_add(-1.908_214_929_270_587_7e-10, r);
    let mut p = 1.0f64 / 6_227_020_800.0;
    for c in [
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
    ] {
        p = p.mul_add(r, c);
    }
    let p = p.mul_add(r * r, r) + 1.0;
    let half = exponent >> 1;
    let power = |k: i64| f64::from_bits((k.wrapping_add(1023) as u64) << 52);
    p * power(half) * power(exponent.wrapping_sub(half))
}

/// ln x with the polynomial of Cephes' `logf`; subnormal arguments are scaled first.
#[inline(always)]
pub(crate) fn ln_f32(x: f32) -> f32 {
    let small = x < f32::MIN_POSITIVE;
    let scaled = if small { x * 16_777_216.0 } else { x };
    // The mantissa in [√½, √2): its exponent is chosen by the distance of the bits to those of √½.
    let shifted = scaled.to_bits().wrapping_sub(0x3f35_04f3);
    let exponent = ((shifted as i32) >> 23) as f32 - if small { 24.0 } else { 0.0 };
    let f = f32::from_bits((shifted & 0x007f_ffff).wrapping_add(0x3f35_04f3)) - 1.0;
    let square = f * f;
    let mut p = 7.037_683_6e-2_f32;
    for c in [
        -1.151_461e-1,
        1.167_699_9e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_7e-1,
        2.000_071_4e-1,
        -2.499_999_4e-1,
        3.333_333e-1,
    ] {
        p = p.mul_add(f, c);
    }
    let low = exponent.mul_add(-2.121_944_4e-4, p * f * square);
    let result = exponent.mul_add(0.693_359_4, f + square.mul_add(-0.5, low));
    let result = if x == f32::INFINITY { x } else { result };
    let result = if x == 0.0 { f32::NEG_INFINITY } else { result };
    if x >= 0.0 { result } else { f32::NAN }
}

/// ln x by the series of fdlibm's `log` in f / (2 + f).
#[inline(always)]
pub(crate) fn ln_f64(x: f64) -> f64 {
    let small = x < f64::MIN_POSITIVE;
    let scaled = if small { x * 18_014_398_509_481_984.0 } else { x };
    let shifted = scaled.to_bits().wrapping_sub(0x3fe6_a09e_667f_3bcd);
    let exponent = ((shifted as i64) >> 52) as f64 - if small { 54.0 } else { 0.0 };
    let f = f64::from_bits((shifted & 0x000f_ffff_ffff_ffff).wrapping_add(0x3fe6_a09e_667f_3bcd)) - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let mut p = 1.479_819_860_511_658_6e-1_f64;
    for c in [
        1.531_383_769_920_937_3e-1,
        1.818_357_216_161_805e-1,
        2.222_219_843_214_978_4e-1,
        2.857_142_874_366_239e-1,
        3.999_999_999_940_942e-1,
        6.666_666_666_666_735e-1,
    ] {
        p = p.mul_add(z, c);
    }
    let half_square = 0.5 * f * f;
    let low = exponent.mul_add(1.908_214_929_270_587_7e-10, s * (half_square + z * p));
    let result = exponent.mul_add(6.931_471_803_691_238e-1, f - (half_square - low));
    let result = if x == f64::INFINITY { x } else { result };
    let result = if x == 0.0 { f64::NEG_INFINITY } else { result };
    if x >= 0.0 { result } else { f64::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ulps_f32(got: f32, exact: f64) -> f64 {
        if exact as f32 == got {
            return 0.0;
        }
        let unit = (f32::from_bits((exact as f32).abs().to_bits() + 1) - (exact as f32).abs()) as f64;
        (got as f64 - exact).abs() / unit
    }

    #[test]
    fn within_about_an_ulp() {
        let (mut worst_exp, mut worst_ln) = (0.0f64, 0.0f64);
        for i in 0..400_000 {
            let x = -103.9 + i as f32 * (192.0 / 400_000.0);
            worst_exp = worst_exp.max(ulps_f32(exp_f32(x), (x as f64).exp()));
            let x = f32::from_bits(1 + i * 5_300);
            worst_ln = worst_ln.max(ulps_f32(ln_f32(x), (x as f64).ln()));
        }
        assert!(worst_exp < 1.05 && worst_ln < 1.0, "exp {worst_exp}, ln {worst_ln} ulp");
        for i in 0..200_000 {
            let x = -740.0 + i as f64 * (1449.0 / 200_000.0);
            let exact = x.exp();
            assert!((exp_f64(x) - exact).abs() <= 2.3e-16 * exact + 5e-324, "exp {x}");
            let x = f64::from_bits(1 + i * 46_000_000_000_000);
            assert!((ln_f64(x) - x.ln()).abs() <= 2.3e-16 * x.ln().abs().max(1e-300), "ln {x}");
        }
    }

    #[test]
    fn special_values() {
        assert_eq!((exp_f32(f32::INFINITY), exp_f32(f32::NEG_INFINITY), exp_f32(0.0)), (f32::INFINITY, 0.0, 1.0));
        assert_eq!((exp_f64(f64::INFINITY), exp_f64(f64::NEG_INFINITY), exp_f64(0.0)), (f64::INFINITY, 0.0, 1.0));
        assert_eq!((ln_f32(0.0), ln_f32(1.0), ln_f32(f32::INFINITY)), (f32::NEG_INFINITY, 0.0, f32::INFINITY));
        assert_eq!((ln_f64(0.0), ln_f64(1.0), ln_f64(f64::INFINITY)), (f64::NEG_INFINITY, 0.0, f64::INFINITY));
        assert!(
            exp_f32(f32::NAN).is_nan() && ln_f32(-1.0).is_nan() && exp_f64(f64::NAN).is_nan() && ln_f64(-1.0).is_nan()
        );
    }
}
