//! float32 and float64.

use super::traits::{Field, Float, Num, Real};
use super::{double, error, mixed, normal, power, quotient, single, special};
use corten_base::{c64, c128};

macro_rules! floats {
    ($(
        $t:ident, $complex:ident;
        $($method:ident $function:path,)*;
        $($method2:ident $function2:path,)*;
        $pow:path, $wide_exp:path, $atan2:path, $hypot:path, $normal:path, $vast:path, $near_one:expr;
    )*) => { $(
        impl Num for $t {
            type Real = $t;
            const ONE: Self = 1.0;
            #[inline(always)]
            fn add(self, y: Self) -> Self { self + y }
            #[inline(always)]
            fn sub(self, y: Self) -> Self { self - y }
            #[inline(always)]
            fn mul(self, y: Self) -> Self { self * y }
            #[inline(always)]
            fn neg(self) -> Self { -self }
            #[inline(always)]
            fn abs(self) -> Self { self.abs() }
            #[inline(always)]
            fn sgn(self) -> Self { (if self > 0.0 { 1.0 } else { 0.0 }) - if self < 0.0 { 1.0 } else { 0.0 } }
            #[inline(always)]
            fn pow(self, y: Self) -> Self { $pow(self, y) }
            #[inline(always)]
            #[allow(clippy::eq_op, reason = "vectorises better than the bits' test")]
            fn is_nan(self) -> bool { self != self }
            #[inline(always)]
            fn is_inf(self) -> bool { self.abs() == <$t>::INFINITY }
            #[inline(always)]
            fn truth(self) -> bool { self != 0.0 }
        }

        impl Real for $t {
            #[inline(always)]
            fn signbit(self) -> bool { self.is_sign_negative() }
            #[inline(always)]
            fn div_floor(self, y: Self) -> Self { quotient::$t::floor(self, y, self.fmod(y)) }
            #[inline(always)]
            fn div_floor_vast(self, y: Self) -> Self { quotient::$t::floor(self, y, self.fmod_vast(y)) }
            #[inline(always)]
            fn div_trunc(self, y: Self) -> Self { (self / y).trunc() }
            #[inline(always)]
            fn remainder(self, y: Self) -> Self { quotient::$t::remainder(y, self.fmod(y)) }
            #[inline(always)]
            fn remainder_vast(self, y: Self) -> Self { quotient::$t::remainder(y, self.fmod_vast(y)) }
            #[inline(always)]
            fn fmod(self, y: Self) -> Self { quotient::$t::fmod(self, y) }
            #[inline(always)]
            fn fmod_vast(self, y: Self) -> Self { quotient::$t::fmod_vast(self, y) }
            #[inline(always)]
            fn is_vast_quotient(self, y: Self) -> bool { quotient::$t::is_vast(self, y) }
            #[inline(always)]
            fn is_bad_divisor(self) -> bool { false }
            #[inline(always)]
            fn floor(self) -> Self { self.floor() }
            #[inline(always)]
            fn ceil(self) -> Self { self.ceil() }
            #[inline(always)]
            fn trunc(self) -> Self { self.trunc() }
            #[inline(always)]
            fn round(self) -> Self { self.round_ties_even() }
        }

        impl Field for $t {
            #[inline(always)]
            fn c(x: f64) -> Self { x as $t }
            #[inline(always)]
            fn div(self, y: Self) -> Self { self / y }
            #[inline(always)]
            fn sqrt(self) -> Self { self.sqrt() }
            #[inline(always)]
            fn is_vast_angle(self) -> bool { self.abs() > $vast }
            #[inline(always)]
            fn is_below_half(self) -> bool { self.abs() < 0.5 }
            #[inline(always)]
            fn angle(self) -> Self {
                let angle = if self.is_sign_negative() && self != 0.0 { std::f64::consts::PI as $t } else { 0.0 };
                if self.is_nan() { self } else { angle }
            }
            $(
                #[inline(always)]
                fn $method(self) -> Self { $function(self) }
            )*
        }

        impl Float for $t {
            type Complex = $complex;
            #[inline(always)]
            fn complex(re: Self, im: Self) -> $complex { $complex::new(re, im) }
            #[inline(always)]
            fn double(self) -> f64 { self as f64 }
            #[inline(always)]
            fn wide_exp(x: f64) -> f64 { $wide_exp(x) }
            #[inline(always)]
            fn mul_add(self, y: Self, z: Self) -> Self { <$t>::mul_add(self, y, z) }
            #[inline(always)]
            fn fabs(self) -> Self { <$t>::abs(self) }
            #[inline(always)]
            fn copysign(self, y: Self) -> Self { <$t>::copysign(self, y) }
            #[inline(always)]
            fn nextafter(self, y: Self) -> Self {
                if self.is_nan() || y.is_nan() {
                    return <$t>::NAN;
                }
                if self == y {
                    return y;
                }
                if self == 0.0 {
                    return <$t>::from_bits(1).copysign(y);
                }
                // Away from zero the bits count up.
                let up = (y > self) == (self > 0.0);
                <$t>::from_bits(if up { self.to_bits() + 1 } else { self.to_bits() - 1 })
            }
            #[inline(always)]
            fn atan2(self, y: Self) -> Self { $atan2(self, y) }
            #[inline(always)]
            fn hypot(self, y: Self) -> Self { $hypot(self, y) }
            #[inline(always)]
            fn is_near_one(self) -> bool { self.abs() > $near_one }
            #[inline(always)]
            fn normal(self) -> (Self, Self) { $normal(self) }
            #[inline(always)]
            fn polygamma(self, x: Self) -> Self { special::polygamma::$t(self, x) }
            $(
                #[inline(always)]
                fn $method2(self) -> Self { $function2(self) }
            )*
        }
    )* };
}

floats! {
    f32, c64;
    exp single::exp, sigmoid single::sigmoid, silu single::silu, exp2 single::exp2, expm1 single::expm1, log single::log, log2 single::log2, log10 single::log10,
    log1p single::log1p, sin mixed::sin, cos mixed::cos, tan mixed::tan, asin mixed::asin, acos mixed::acos,
    atan mixed::atan, sinh mixed::sinh, cosh mixed::cosh, tanh single::tanh, asinh mixed::asinh,
    acosh mixed::acosh, atanh mixed::atanh, sin_vast special::sin::f32, cos_vast special::cos::f32,
    tan_vast special::tan::f32,;
    erf single::erf, erfc mixed::erfc, ndtr mixed::ndtr, erfinv mixed::erfinv, gelu single::gelu, logit single::logit, lgamma special::lgamma::f32,
    digamma special::digamma::f32, i0 special::i0::f32, i0e special::i0e::f32, i1 special::i1::f32,
    i1e special::i1e::f32,;
    mixed::pow, mixed::wide_exp, mixed::atan2, mixed::hypot, single::normal, mixed::VAST_ANGLE, f32::INFINITY;
    f64, c128;
    exp double::exp, exp2 double::exp2, expm1 double::expm1, log double::log, log2 double::log2, log10 double::log10,
    log1p double::log1p, sin double::sin, cos double::cos, tan double::tan, asin double::asin, acos double::acos,
    atan double::atan, sinh double::sinh, cosh double::cosh, tanh double::tanh, asinh double::asinh,
    acosh double::acosh, atanh double::atanh, sin_vast special::sin::f64, cos_vast special::cos::f64,
    tan_vast special::tan::f64,;
    erf error::erf, erfc error::erfc, ndtr error::ndtr, erfinv normal::erfinv, gelu error::gelu, logit double::logit, lgamma special::lgamma::f64,
    digamma special::digamma::f64, i0 special::i0::f64, i0e special::i0e::f64, i1 special::i1::f64,
    i1e special::i1e::f64,;
    power::pow, double::exp, double::atan2, double::hypot, error::normal, double::VAST_ANGLE, normal::NEAR_ONE;
}
