//! complex64 and complex128; functions beyond arithmetic are computed in complex128.

use super::traits::{Field, Num};
use corten_base::{c64, c128};

macro_rules! complexes {
    ($($t:ident, $part:ident; $($method:ident)*;)*) => { $(
        impl Num for $t {
            type Real = $part;
            const ONE: Self = $t { re: 1.0, im: 0.0 };
            #[inline(always)]
            fn add(self, y: Self) -> Self { self + y }
            #[inline(always)]
            fn sub(self, y: Self) -> Self { self - y }
            #[inline(always)]
            fn mul(self, y: Self) -> Self { self * y }
            #[inline(always)]
            fn neg(self) -> Self { -self }
            #[inline(always)]
            fn abs(self) -> $part { super::double::hypot(self.re as f64, self.im as f64) as $part }
            #[inline(always)]
            fn sgn(self) -> Self {
                let length = self.abs();
                if length == 0.0 { $t::default() } else { $t::new(self.re / length, self.im / length) }
            }
            #[inline(always)]
            fn pow(self, y: Self) -> Self {
                let power = functions::pow(wide(self.re, self.im), wide(y.re, y.im));
                $t::new(power.re as $part, power.im as $part)
            }
            #[inline(always)]
            fn conj(self) -> Self { $t::new(self.re, -self.im) }
            #[inline(always)]
            fn is_nan(self) -> bool { self.re.is_nan() || self.im.is_nan() }
            #[inline(always)]
            fn is_inf(self) -> bool { self.re.is_infinite() || self.im.is_infinite() }
        }

        impl Field for $t {
            #[inline(always)]
            fn c(x: f64) -> Self { $t::new(x as $part, 0.0) }
            #[inline(always)]
            fn div(self, y: Self) -> Self { self / y }
            #[inline(always)]
            fn sin_vast(self) -> Self { self.sin() }
            #[inline(always)]
            fn cos_vast(self) -> Self { self.cos() }
            #[inline(always)]
            fn tan_vast(self) -> Self { self.tan() }
            #[inline(always)]
            fn is_below_half(self) -> bool { self.abs() < 0.5 }
            #[inline(always)]
            fn angle(self) -> $part { super::double::atan2(self.im as f64, self.re as f64) as $part }
            $(
                #[inline(always)]
                fn $method(self) -> Self {
                    let value = functions::$method(wide(self.re, self.im));
                    $t::new(value.re as $part, value.im as $part)
                }
            )*
        }
    )* };
}

#[inline(always)]
fn wide(re: impl Into<f64>, im: impl Into<f64>) -> c128 {
    c128::new(re.into(), im.into())
}

complexes! {
    c64, f32;
    sqrt exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh;
    c128, f64;
    sqrt exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh;
}

/// The formulas; branch cuts and signs of zero as C99's Annex G has them (Kahan, 1987, "Branch cuts for complex
/// elementary functions").
mod functions {
    use corten_base::c128;
    use libm::{
        asinh as real_asinh, atan2, cos as cosine, exp as exponential, hypot, log1p as real_log1p, sin as sine,
    };
    use std::f64::consts::{LN_2, LN_10, LOG2_E, LOG10_E};

    fn times_i(z: c128) -> c128 {
        c128::new(-z.im, z.re)
    }

    fn over_i(z: c128) -> c128 {
        c128::new(z.im, -z.re)
    }

    fn scale(z: c128, factor: f64) -> c128 {
        c128::new(z.re * factor, z.im * factor)
    }

    /// `length · (cos angle + i sin angle)`; an exact zero stays one where the length is infinite.
    fn polar(length: f64, angle: f64) -> c128 {
        if angle == 0.0 {
            return c128::new(length, angle);
        }
        if !angle.is_finite() && (length == 0.0 || length.is_infinite()) {
            return if length == 0.0 { c128::default() } else { c128::new(length, f64::NAN) };
        }
        c128::new(length * cosine(angle), length * sine(angle))
    }

    pub(super) fn exp(z: c128) -> c128 {
        if z.re > 709.0 && z.re < 1400.0 {
            // e^x alone would overflow before its product with a small sine does.
            let half = exponential(z.re / 2.0);
            return scale(polar(half, z.im), half);
        }
        polar(exponential(z.re), z.im)
    }

    pub(super) fn exp2(z: c128) -> c128 {
        polar(libm::exp2(z.re), z.im * LN_2)
    }

    pub(super) fn expm1(z: c128) -> c128 {
        let (growth, half) = (libm::expm1(z.re), sine(z.im / 2.0));
        c128::new(growth * cosine(z.im) - 2.0 * half * half, (growth + 1.0) * sine(z.im))
    }

    pub(super) fn log(z: c128) -> c128 {
        let (large, small) = if z.re.abs() > z.im.abs() { (z.re.abs(), z.im.abs()) } else { (z.im.abs(), z.re.abs()) };
        let length = if large > 0.5 && large < 2.0 && small < 2.0 {
            real_log1p((large - 1.0) * (large + 1.0) + small * small) / 2.0
        } else {
            libm::log(hypot(z.re, z.im))
        };
        c128::new(length, atan2(z.im, z.re))
    }

    pub(super) fn log2(z: c128) -> c128 {
        scale(log(z), LOG2_E)
    }

    pub(super) fn log10(z: c128) -> c128 {
        let z = log(z);
        c128::new(z.re / LN_10, z.im * LOG10_E)
    }

    pub(super) fn log1p(z: c128) -> c128 {
        if z.re.abs() + z.im.abs() > 0.5 {
            return log(c128::new(1.0 + z.re, z.im));
        }
        c128::new(real_log1p(z.re * (2.0 + z.re) + z.im * z.im) / 2.0, atan2(z.im, 1.0 + z.re))
    }

    pub(super) fn sqrt(z: c128) -> c128 {
        let (x, y) = (z.re, z.im);
        if x == 0.0 && y == 0.0 {
            return c128::new(0.0, y);
        }
        if y.is_infinite() {
            return c128::new(f64::INFINITY, y);
        }
        if x.is_infinite() {
            let small = if y.is_nan() { y } else { 0.0f64.copysign(y) };
            return if x > 0.0 { c128::new(x, small) } else { c128::new(small.abs(), f64::INFINITY.copysign(y)) };
        }
        // Scaled by a power of four, so that neither the sum overflows nor the length vanishes.
        let (up, down) = if x.abs().max(y.abs()) > 1e300 {
            (0.0625, 4.0)
        } else if x.abs().max(y.abs()) < 1e-290 {
            (2f64.powi(108), 2f64.powi(-54))
        } else {
            (1.0, 1.0)
        };
        let (x, y) = (x * up, y * up);
        let root = ((x.abs() + hypot(x, y)) * 0.5).sqrt();
        let other = y / (2.0 * root);
        if x >= 0.0 {
            c128::new(root * down, other * down)
        } else {
            c128::new(other.abs() * down, root.copysign(y) * down)
        }
    }

    pub(super) fn sin(z: c128) -> c128 {
        over_i(sinh(times_i(z)))
    }

    pub(super) fn cos(z: c128) -> c128 {
        cosh(times_i(z))
    }

    pub(super) fn tan(z: c128) -> c128 {
        over_i(tanh(times_i(z)))
    }

    pub(super) fn sinh(z: c128) -> c128 {
        if z.im == 0.0 {
            return c128::new(libm::sinh(z.re), z.im);
        }
        if z.re == 0.0 {
            return c128::new(z.re, sine(z.im));
        }
        if z.re.is_infinite() && !z.im.is_finite() {
            return c128::new(z.re, f64::NAN);
        }
        c128::new(libm::sinh(z.re) * cosine(z.im), libm::cosh(z.re) * sine(z.im))
    }

    pub(super) fn cosh(z: c128) -> c128 {
        if z.im == 0.0 || z.re == 0.0 {
            let im = if z.re.is_finite() && z.im.is_finite() { z.re * z.im } else { 0.0 };
            return c128::new(if z.im == 0.0 { libm::cosh(z.re) } else { cosine(z.im) }, im);
        }
        if z.re.is_infinite() && !z.im.is_finite() {
            return c128::new(f64::INFINITY, f64::NAN);
        }
        c128::new(libm::cosh(z.re) * cosine(z.im), libm::sinh(z.re) * sine(z.im))
    }

    pub(super) fn tanh(z: c128) -> c128 {
        if z.re.abs() > 22.0 {
            let decay = exponential(-2.0 * z.re.abs());
            let im = if z.im.is_finite() { 4.0 * sine(z.im) * cosine(z.im) * decay } else { 0.0f64.copysign(z.im) };
            return c128::new(1f64.copysign(z.re), im);
        }
        if z.re == 0.0 || z.im == 0.0 {
            return c128::new(libm::tanh(z.re), libm::tan(z.im));
        }
        let (tangent, growth) = (libm::tan(z.im), libm::sinh(z.re));
        let beta = 1.0 + tangent * tangent;
        let denominator = 1.0 + beta * growth * growth;
        if tangent.is_infinite() {
            return c128::new((1.0 + growth * growth).sqrt() / growth, 1.0 / tangent);
        }
        c128::new(beta * (1.0 + growth * growth).sqrt() * growth / denominator, tangent / denominator)
    }

    /// √(1-z) and √(1+z), the zero's sign kept.
    fn roots(z: c128) -> (c128, c128) {
        (sqrt(c128::new(1.0 - z.re, -z.im)), sqrt(c128::new(1.0 + z.re, z.im)))
    }

    pub(super) fn asin(z: c128) -> c128 {
        if is_vast(z) {
            let far = acosh_vast(z);
            return c128::new(atan2(z.re, z.im.abs()), far.copysign(z.im));
        }
        let (minus, plus) = roots(z);
        c128::new(
            atan2(z.re, minus.re * plus.re - minus.im * plus.im),
            real_asinh(minus.re * plus.im - minus.im * plus.re),
        )
    }

    pub(super) fn acos(z: c128) -> c128 {
        if is_vast(z) {
            return c128::new(atan2(z.im.abs(), z.re), acosh_vast(z).copysign(-z.im));
        }
        let (minus, plus) = roots(z);
        c128::new(2.0 * atan2(minus.re, plus.re), real_asinh(plus.re * minus.im - plus.im * minus.re))
    }

    /// True where products of the roots would overflow, or a part is infinite.
    fn is_vast(z: c128) -> bool {
        let large = if z.re.abs() > z.im.abs() { z.re.abs() } else { z.im.abs() };
        large > 1e150
    }

    /// log |2z|, which is what acosh is far out.
    fn acosh_vast(z: c128) -> f64 {
        libm::log(hypot(z.re / 2.0, z.im / 2.0)) + 2.0 * LN_2
    }

    pub(super) fn acosh(z: c128) -> c128 {
        // acosh z = ±i acos z, with the sign that makes the real part positive.
        let angle = acos(z);
        if z.im.is_sign_negative() { c128::new(angle.im, -angle.re) } else { c128::new(-angle.im, angle.re) }
    }

    pub(super) fn asinh(z: c128) -> c128 {
        over_i(asin(times_i(z)))
    }

    pub(super) fn atan(z: c128) -> c128 {
        over_i(atanh(times_i(z)))
    }

    pub(super) fn atanh(z: c128) -> c128 {
        if is_vast(z) {
            // 1/z + iπ/2 with the imaginary part's sign.
            let length = hypot(z.re, z.im);
            let re = if length.is_infinite() { 0.0f64.copysign(z.re) } else { z.re / length / length };
            return c128::new(re, std::f64::consts::FRAC_PI_2.copysign(z.im));
        }
        let (x, y) = (z.re, z.im);
        let re = real_log1p(4.0 * x.abs() / ((1.0 - x.abs()) * (1.0 - x.abs()) + y * y)) / 4.0;
        c128::new(re.copysign(x), atan2(2.0 * y, (1.0 - x) * (1.0 + x) - y * y) / 2.0)
    }

    pub(super) fn pow(x: c128, y: c128) -> c128 {
        if y.re == 0.0 && y.im == 0.0 {
            return c128::new(1.0, 0.0);
        }
        if x.re == 0.0 && x.im == 0.0 {
            let value = if y.re > 0.0 { 0.0 } else { f64::NAN };
            return c128::new(value, value);
        }
        exp(y * log(x))
    }
}
