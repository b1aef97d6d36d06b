//! Derivatives of functions of one tensor.

use crate::rules::complex::{c, sgn_backward, turned};
use crate::rules::special::{i1_slope, i1e_slope, sinc_slope};
use corten_tables::derivatives;
use corten_tensor::ops::all::*;
use std::f64::consts::{LN_2, LN_10, PI};

derivatives! {
neg(x): linear { x: -g }
abs(x): pointwise { x: g * sgn(x) }
sign(x): zero { x: zeros_like(g) }
sgn(x) -> out: pointwise { x: sgn_backward(g, x, out) }
reciprocal(x) -> out: pointwise { x: -g * c(&(out * out)) }
sqrt(x) -> out: pointwise { x: g / (2.0 * c(out)) }
rsqrt(x) -> out: pointwise { x: -0.5 * g * c(&pow(out, 3)) }
exp(x) -> out: pointwise { x: g * c(out) }
exp2(x) -> out: pointwise { x: g * c(out) * LN_2 }
expm1(x) -> out: pointwise { x: g * (c(out) + 1.0) }
log(x): pointwise { x: g / c(x) }
log2(x): pointwise { x: g / (c(x) * LN_2) }
log10(x): pointwise { x: g / (c(x) * LN_10) }
log1p(x): pointwise "Log1PBackward0" { x: g / (c(x) + 1.0) }
sin(x): pointwise { x: g * c(&cos(x)) }
cos(x): pointwise { x: -g * c(&sin(x)) }
tan(x) -> out: pointwise { x: g * c(&(out * out + 1.0)) }
asin(x): pointwise { x: g * c(&rsqrt(1.0 - x * x)) }
acos(x): pointwise { x: -g * c(&rsqrt(1.0 - x * x)) }
atan(x): pointwise { x: g / c(&(x * x + 1.0)) }
sinh(x): pointwise { x: g * c(&cosh(x)) }
cosh(x): pointwise { x: g * c(&sinh(x)) }
tanh(x) -> out: pointwise { x: tanh_backward(g, out) }
asinh(x): pointwise { x: g * c(&rsqrt(x * x + 1.0)) }
acosh(x): pointwise { x: g * c(&(rsqrt(x - 1.0) * rsqrt(x + 1.0))) }
atanh(x): pointwise { x: g / c(&(1.0 - x * x)) }
sinc(x): pointwise { x: g * c(&sinc_slope(x)) }
deg2rad(x): linear "Deg2RadBackward0" { x: g * (PI / 180.0) }
rad2deg(x): linear "Rad2DegBackward0" { x: g * (180.0 / PI) }
erf(x): pointwise { x: g * exp(-(x * x)) * std::f64::consts::FRAC_2_SQRT_PI }
erfc(x): pointwise { x: -g * exp(-(x * x)) * std::f64::consts::FRAC_2_SQRT_PI }
erfinv(x) -> out: pointwise { x: g * exp(out * out) * (PI.sqrt() / 2.0) }
lgamma(x): pointwise { x: g * digamma(x) }
digamma(x): pointwise { x: g * polygamma(1, x) }
polygamma(n: int, x): pointwise { x: g * polygamma(n + 1, x) }
i0(x): pointwise { x: g * special_i1(x) }
special_i0e(x) -> out: pointwise "SpecialI0EBackward0" { x: g * (special_i1e(x) - sgn(x) * out) }
special_i1(x) -> out: pointwise { x: g * i1_slope(x, out) }
special_i1e(x) -> out: pointwise "SpecialI1EBackward0" { x: g * i1e_slope(x, out) }
floor(x): zero { x: zeros_like(g) }
ceil(x): zero { x: zeros_like(g) }
round(x): zero { x: zeros_like(g) }
trunc(x): zero { x: zeros_like(g) }
frac(x): linear { x: g.clone() }
_conj(x): linear "ConjBackward0" { x: conj(g) }
angle(x): pointwise { x: turned(g, x) }
sigmoid(x) -> out: pointwise { x: sigmoid_backward(g, out) }
_mantissa(x): pointwise { x: g / exp2(_exponent(x)) }
_nan_to_num(x, nan: Scalar, posinf: Scalar, neginf: Scalar): pointwise "NanToNumBackward0" { x: where_(isfinite(x), g, 0.0) }
_logit(x) -> out: pointwise "LogitBackward0" { x: where_(isnan(out), out, g / (x * (1.0 - x))) }
}
