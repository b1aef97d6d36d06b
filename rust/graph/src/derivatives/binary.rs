//! Derivatives of arithmetic, choices and limits.

use crate::rules::complex::c;
use crate::rules::powers;
use corten_tables::derivatives;
use corten_tensor::ops::all::*;

derivatives! {
add(x, y, alpha: Scalar): linear { x: g.clone(), y: powers::scaled(g, alpha) }
sub(x, y, alpha: Scalar): linear { x: g.clone(), y: -powers::scaled(g, alpha) }
rsub(x, y, alpha: Scalar): linear { x: -powers::scaled(g, alpha), y: g.clone() }
rsub.scalar(x, y: Scalar, alpha: Scalar): linear "RsubBackward1" { x: -powers::scaled(g, alpha) }
mul(x, y): bilinear { x: g * c(y), y: g * c(x) }
div(x, y): pointwise { x: g / c(y), y: -g * c(&(x / y / y)) }
div.mode(x, y, rounding_mode: str?): pointwise "DivBackward1" { x: if rounding_mode.is_none() { g / y } else { zeros_like(g) }, y: if rounding_mode.is_none() { -g * (x / y / y) } else { zeros_like(g) } }
eq(x, y): zero { x: zeros_like(g), y: zeros_like(g) }
ne(x, y): zero { x: zeros_like(g), y: zeros_like(g) }
lt(x, y): zero { x: zeros_like(g), y: zeros_like(g) }
le(x, y): zero { x: zeros_like(g), y: zeros_like(g) }
gt(x, y): zero { x: zeros_like(g), y: zeros_like(g) }
ge(x, y): zero { x: zeros_like(g), y: zeros_like(g) }
floor_divide(x, y): zero { x: zeros_like(g), y: zeros_like(g) }
remainder(x, y): pointwise { x: g.clone(), y: -g * div_mode_with(x, y, "floor") }
fmod(x, y): pointwise { x: g.clone(), y: -g * div_mode_with(x, y, "trunc") }
pow(x, exponent: Scalar): pointwise { x: powers::base(g, x, exponent) }
pow.tensor(x, y) -> out: pointwise "PowBackward1" { x: powers::base_by_tensor(g, x, y), y: powers::exponent(g, x, y, out) }
pow.base(x: Scalar, y) -> out: pointwise "PowBackward2" { y: powers::exponent_of_scalar(g, x, y, out) }
maximum(x, y): pointwise { x: powers::share(g, x, y, lt(x, y)), y: powers::share(g, x, y, gt(x, y)) }
minimum(x, y): pointwise { x: powers::share(g, x, y, gt(x, y)), y: powers::share(g, x, y, lt(x, y)) }
fmax(x, y): pointwise { x: where_(logical_or(ge(x, y), isnan(y)), g, 0.0), y: where_(logical_or(ge(x, y), isnan(y)), 0.0, g) }
fmin(x, y): pointwise { x: where_(logical_or(le(x, y), isnan(y)), g, 0.0), y: where_(logical_or(le(x, y), isnan(y)), 0.0, g) }
atan2(x, y): pointwise { x: powers::over_square(g, x, y) * y, y: -(powers::over_square(g, x, y) * x) }
hypot(x, y) -> out: pointwise { x: g * (x / out), y: g * (y / out) }
nextafter(x, y): pointwise { x: where_(eq(x, y), 0.0, g), y: zeros_like(g) }
copysign(x, y): pointwise { x: where_(eq(x, 0.0), 0.0, g * sign(x) * copysign(ones_like(g), y)), y: zeros_like(g) }
xlogy(x, y): pointwise { x: g * where_(logical_and(eq(powers::tensor(x, g), 0.0), le(powers::tensor(y, g), 0.0)), 0.0, log(powers::tensor(y, g))), y: g * x / y }
_logaddexp(x, y): pointwise { x: g * sigmoid(x - y), y: g * sigmoid(y - x) }
logaddexp2(x, y) -> out: pointwise { x: g * exp2(x - out), y: g * exp2(y - out) }
complex(x, y): linear { x: real(g), y: imag(g) }
polar(x, y) -> out: pointwise { x: real(conj(g) * polar(ones_like(y), y)), y: real(conj(g) * mul(out, corten_tensor::Scalar::Complex(0.0, 1.0))) }
addcmul(x, a, b, value: Scalar): pointwise { x: g.clone(), a: mul(g * c(b), value), b: mul(g * c(a), value) }
addcdiv(x, a, b, value: Scalar): pointwise { x: g.clone(), a: mul(g / c(b), value), b: -mul(g * c(&(a / (b * b))), value) }
lerp(x, y, weight: Scalar): linear { x: mul(g, powers::conjugate(powers::one_minus(weight))), y: mul(g, powers::conjugate(weight)) }
lerp.tensor(x, y, weight): pointwise "LerpBackward1" { x: g * (1.0 - c(weight)), y: g * c(weight), weight: g * c(&(y - x)) }
where(condition: Tensor, x, y): linear { x: where_(condition, g, 0.0), y: where_(condition, 0.0, g) }
clamp(x, min: Scalar?, max: Scalar?): pointwise "ClampBackward1" { x: powers::inside(g, x, min, max) }
clamp.tensor(x, min, max): pointwise { x: powers::inside_tensors(g, x, min, max), min: powers::at_min(g, x, min, max), max: powers::at_max(g, x, min, max) }
clamp_min(x, min: Scalar): pointwise { x: powers::inside(g, x, Some(min), None) }
clamp_min.tensor(x, y): pointwise "ClampMinBackward1" { x: where_(ge(x, y), g, 0.0), y: where_(lt(x, y), g, 0.0) }
clamp_max(x, max: Scalar): pointwise { x: powers::inside(g, x, None, Some(max)) }
clamp_max.tensor(x, y): pointwise "ClampMaxBackward1" { x: where_(le(x, y), g, 0.0), y: where_(gt(x, y), g, 0.0) }
}
