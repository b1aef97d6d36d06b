//! The traits that operator lists are written against.

use corten_base::Element;
use corten_base::element::{Cast, b8};

/// Every compute type. Integers wrap; for bool, addition is `or` and multiplication `and`.
pub(crate) trait Num: Element + Cast<b8> {
    /// The type of absolute values: itself, unless complex.
    type Real: Element;
    const ONE: Self;
    fn add(self, y: Self) -> Self;
    fn sub(self, y: Self) -> Self;
    fn mul(self, y: Self) -> Self;
    fn neg(self) -> Self;
    fn abs(self) -> Self::Real;
    /// -1, 0 or 1; of a complex number, that of absolute value 1 in its direction.
    fn sgn(self) -> Self;
    fn pow(self, y: Self) -> Self;
    #[inline(always)]
    fn conj(self) -> Self {
        self
    }
    fn is_nan(self) -> bool;
    fn is_inf(self) -> bool;
    /// True unless zero.
    #[inline(always)]
    fn truth(self) -> bool {
        Cast::<b8>::cast(self).0 != 0
    }
}

/// Ordered compute types.
pub(crate) trait Real: Num + PartialOrd {
    /// True of negative numbers, and of negative zero and NaN by their sign.
    fn signbit(self) -> bool;
    /// The quotient, rounded down. Zero for an integer over zero, which operators refuse.
    fn div_floor(self, y: Self) -> Self;
    #[inline(always)]
    fn div_floor_vast(self, y: Self) -> Self {
        self.div_floor(y)
    }
    /// The quotient, rounded towards zero.
    fn div_trunc(self, y: Self) -> Self;
    /// What the rounded-down quotient leaves: it has the divisor's sign.
    fn remainder(self, y: Self) -> Self;
    #[inline(always)]
    fn remainder_vast(self, y: Self) -> Self {
        self.remainder(y)
    }
    /// What the truncated quotient leaves: it has the dividend's sign.
    fn fmod(self, y: Self) -> Self;
    #[inline(always)]
    fn fmod_vast(self, y: Self) -> Self {
        self.fmod(y)
    }
    /// True where `div_floor`, `remainder` and `fmod` are wrong; `div_floor_vast` and its like take any arguments.
    #[inline(always)]
    fn is_vast_quotient(self, _: Self) -> bool {
        false
    }
    /// True of an integer zero, which cannot divide.
    fn is_bad_divisor(self) -> bool;
    fn floor(self) -> Self;
    fn ceil(self) -> Self;
    fn trunc(self) -> Self;
    /// To the nearest integer, ties to even.
    fn round(self) -> Self;
    fn zero() -> Self {
        Self::default()
    }
}

/// Integers and bool.
pub(crate) trait Bits: Real {
    fn and(self, y: Self) -> Self;
    fn or(self, y: Self) -> Self;
    fn xor(self, y: Self) -> Self;
    fn not(self) -> Self;
    fn shl(self, y: Self) -> Self;
    fn shr(self, y: Self) -> Self;
    fn gcd(self, y: Self) -> Self;
    fn lcm(self, y: Self) -> Self;
}

/// Real and complex floating-point types.
pub(crate) trait Field: Num {
    /// A constant.
    fn c(x: f64) -> Self;
    fn div(self, y: Self) -> Self;
    fn sqrt(self) -> Self;
    fn exp(self) -> Self;
    fn exp2(self) -> Self;
    fn expm1(self) -> Self;
    fn log(self) -> Self;
    fn log2(self) -> Self;
    fn log10(self) -> Self;
    fn log1p(self) -> Self;
    fn sin(self) -> Self;
    fn cos(self) -> Self;
    fn tan(self) -> Self;
    /// True of angles that `sin`, `cos` and `tan` get wrong; `sin_vast` and its like take any.
    #[inline(always)]
    fn is_vast_angle(self) -> bool {
        false
    }
    fn sin_vast(self) -> Self;
    fn cos_vast(self) -> Self;
    fn tan_vast(self) -> Self;
    fn asin(self) -> Self;
    fn acos(self) -> Self;
    fn atan(self) -> Self;
    fn sinh(self) -> Self;
    fn cosh(self) -> Self;
    fn tanh(self) -> Self;
    fn asinh(self) -> Self;
    fn acosh(self) -> Self;
    fn atanh(self) -> Self;
    /// 1 / (1 + e⁻ˣ).
    #[inline(always)]
    fn sigmoid(self) -> Self {
        Self::ONE.div(Self::ONE.add(self.neg().exp()))
    }
    /// x / (1 + e⁻ˣ).
    #[inline(always)]
    fn silu(self) -> Self {
        self.div(Self::ONE.add(self.neg().exp()))
    }
    /// True of absolute values below one half.
    fn is_below_half(self) -> bool;
    /// The angle in the complex plane.
    fn angle(self) -> Self::Real;
}

/// float32 and float64.
pub(crate) trait Float: Field + Real {
    type Complex: Element;
    fn complex(re: Self, im: Self) -> Self::Complex;
    /// In double precision, in which special functions compute.
    fn double(self) -> f64;
    /// eˣ in double precision, as exactly as a result of this type needs it.
    fn wide_exp(x: f64) -> f64;
    fn mul_add(self, y: Self, z: Self) -> Self;
    /// The absolute value, as a float and not as [`Num::Real`].
    fn fabs(self) -> Self;
    fn copysign(self, y: Self) -> Self;
    fn atan2(self, y: Self) -> Self;
    fn hypot(self, y: Self) -> Self;
    fn nextafter(self, y: Self) -> Self;
    fn erf(self) -> Self;
    fn erfc(self) -> Self;
    fn erfinv(self) -> Self;
    /// x Φ(x), with the normal distribution's Φ.
    fn gelu(self) -> Self;
    /// True of numbers whose `erfinv` is wrong.
    fn is_near_one(self) -> bool;
    /// The normal distribution's Φ, with all its digits in the tail.
    fn ndtr(self) -> Self;
    /// log(x / (1 - x)).
    fn logit(self) -> Self;
    /// The normal distribution's Φ and its density φ.
    fn normal(self) -> (Self, Self);
    fn lgamma(self) -> Self;
    fn digamma(self) -> Self;
    fn i0(self) -> Self;
    fn i0e(self) -> Self;
    fn i1(self) -> Self;
    fn i1e(self) -> Self;
    /// The derivative of order `self` of digamma.
    fn polygamma(self, x: Self) -> Self;
}
