//! Derivatives of matrix products.

use crate::rules::complex::c;
use crate::rules::neural;
use crate::rules::reduce::{rows, sum_to_last};
use corten_tables::derivatives;
use corten_tensor::ops::all::*;

derivatives! {
mm(x, y): bilinear { x: mm(g, t(c(y))), y: mm(t(c(x)), g) }
bmm(x, y): bilinear { x: bmm(g, mT(c(y))), y: bmm(mT(c(x)), g) }
mv(x, v): bilinear { x: outer(g, c(v)), v: mv(t(c(x)), g) }
dot(x, y): bilinear { x: g * c(y), y: g * c(x) }
linear(x, w, b): bilinear linear { x: matmul(g, c(w)), w: mm(t(rows(g)), c(&rows(x))), b: sum_to_last(g) }
addmm(x, a, b, beta: Scalar, alpha: Scalar): bilinear { x: mul(g, beta), a: mul(mm(g, t(c(b))), alpha), b: mul(mm(t(c(a)), g), alpha) }
_addmm_activation(x, a, b, beta: Scalar, alpha: Scalar, gelu: bool) -> out: other { [x, a, b]: neural::activated_product(g, [x, a, b], [beta, alpha], gelu, out) }
baddbmm(x, a, b, beta: Scalar, alpha: Scalar): bilinear { x: mul(g, beta), a: mul(bmm(g, mT(c(b))), alpha), b: mul(bmm(mT(c(a)), g), alpha) }
}
