//! Derivatives of activation functions.

use crate::rules::complex::c;
use crate::rules::powers;
use corten_tables::derivatives;
use corten_tensor::lazy::number;
use corten_tensor::ops::all::*;

derivatives! {
relu(x) -> out: pointwise { x: threshold_backward(g, out, 0) }
leaky_relu(x, slope: Scalar): pointwise { x: where_(gt(x, 0), g, mul(g, slope)) }
elu(x, alpha: Scalar, scale: Scalar, input_scale: Scalar): pointwise { x: { let below = exp(mul(where_(lt(x, 0), x, 0.0), input_scale)); where_(le(x, 0), mul(mul(g * below, alpha), scale.to_f64() * input_scale.to_f64()), mul(g, scale)) } }
silu(x): pointwise { x: silu_backward(g, c(x)) }
mish(x): pointwise { x: { let t = tanh(softplus(x)); g * (&t + x * sigmoid(x) * (1.0 - &t * &t)) } }
gelu(x, approximate: str): pointwise { x: gelu_backward_with(g, x, approximate) }
softplus(x, beta: Scalar, threshold: Scalar): pointwise { x: powers::softplus(g, &mul(x, beta), threshold) }
hardtanh(x, min_val: Scalar, max_val: Scalar): pointwise { x: where_(logical_or(le(x, min_val), ge(x, max_val)), 0.0, g) }
hardswish(x): pointwise { x: where_(le(x, -3.0), 0.0, where_(ge(x, 3.0), g, g * (x / 3.0 + 0.5))) }
hardsigmoid(x): pointwise { x: where_(logical_or(le(x, -3.0), ge(x, 3.0)), 0.0, g / 6.0) }
threshold(x, threshold: Scalar, value: Scalar): pointwise { x: threshold_backward(g, x, threshold) }
_prelu_kernel(x, w): pointwise "PreluKernelBackward0" { x: where_(gt(x, 0), g, w * g), w: where_(gt(x, 0), 0.0, x * g) }
log_sigmoid(x): pointwise "LogSigmoidBackward0" { x: g * sigmoid(-x) }
sigmoid_backward(g0, y): other { g0: g * (number(1.0) - y) * y, y: c(g) * g0 * (1.0 - 2.0 * c(y)) }
tanh_backward(g0, y): other { g0: g * (1.0 - y * y), y: -2.0 * (c(g) * g0 * c(y)) }
softshrink(x, lambd: Scalar): pointwise { x: powers::beyond(g, x, lambd) }
hardshrink(x, lambd: Scalar): pointwise { x: powers::beyond(g, x, lambd) }
threshold_backward(g0, x, threshold: Scalar): other { g0: threshold_backward(g, x, threshold), x: zeros_like(g) }
silu_backward(g0, x): other { g0: silu_backward(g, c(x)), x: { let s = sigmoid(x); g * c(&(g0 * &s * (1.0 - &s) * (2.0 + x * (1.0 - 2.0 * &s)))) } }
gelu_backward(g0, x, approximate: str): other { g0: gelu_backward_with(g, x, approximate), x: powers::gelu_second(g, g0, x, approximate) }
}
