//! Derivatives of elementwise mathematics.

use corten_tables::derivatives;
use corten_tensor::ops::all::*;

derivatives! {
neg(x): linear { x: -g }
abs(x): pointwise { x: g * x }
exp(x) -> out: pointwise { x: g * out }
log(x): pointwise { x: g / x }
sqrt(x) -> out: pointwise { x: g / (2.0 * out) }
add(x, y, alpha: Scalar): linear { x: g.clone(), y: if alpha == corten_tensor::Scalar::Int(1) { g.clone() } else { mul(g, alpha) } }
sub(x, y, alpha: Scalar): linear { x: g.clone(), y: if alpha == corten_tensor::Scalar::Int(1) { -g } else { -mul(g, alpha) } }
mul(x, y): bilinear { x: g * y, y: g * x }
div(x, y): pointwise { x: g / y, y: -(g * x) / (y * y) }
}
