//! Derivatives of activation functions.

use corten_tables::derivatives;
use corten_tensor::lazy::number;
use corten_tensor::ops::all::*;

derivatives! {
relu(x) -> out: pointwise { x: threshold_backward(g, out, 0) }
leaky_relu(x, slope: Scalar): pointwise { x: where_(gt(x, 0), g, mul(g, slope)) }
elu(x, alpha: Scalar, scale: Scalar, input_scale: Scalar): pointwise { x: where_(gt(x, 0), mul(g, scale), mul(mul(g * exp(mul(x, input_scale)), alpha), scale.to_f64() * input_scale.to_f64())) }
silu(x): pointwise { x: silu_backward(g, x) }
mish(x): pointwise { x: { let t = tanh(softplus(x)); g * (&t + x * sigmoid(x) * (1.0 - &t * &t)) } }
gelu(x, approximate: str): pointwise { x: gelu_backward_with(g, x, approximate) }
softplus(x, beta: Scalar, threshold: Scalar): pointwise { x: where_(gt(mul(x, beta), threshold), g, g * sigmoid(mul(x, beta))) }
hardtanh(x, min_val: Scalar, max_val: Scalar): pointwise { x: where_(logical_or(le(x, min_val), ge(x, max_val)), 0.0, g) }
hardswish(x): pointwise { x: where_(le(x, -3.0), 0.0, where_(ge(x, 3.0), g, g * (x / 3.0 + 0.5))) }
hardsigmoid(x): pointwise { x: where_(logical_or(le(x, -3.0), ge(x, 3.0)), 0.0, g / 6.0) }
threshold(x, threshold: Scalar, value: Scalar): pointwise { x: threshold_backward(g, x, threshold) }
_prelu_kernel(x, w): pointwise "PreluKernelBackward0" { x: where_(gt(x, 0), g, w * g), w: where_(gt(x, 0), 0.0, x * g) }
log_sigmoid(x): pointwise "LogSigmoidBackward0" { x: g * sigmoid(-x) }
sigmoid_backward(g0, y): other { g0: g * (number(1.0) - y) * y, y: g * g0 * (1.0 - 2.0 * y) }
tanh_backward(g0, y): other { g0: g * (1.0 - y * y), y: -2.0 * (g * g0 * y) }
threshold_backward(g0, x, threshold: Scalar): other { g0: threshold_backward(g, x, threshold), x: zeros_like(g) }
silu_backward(g0, x): other { g0: silu_backward(g, x), x: { let s = sigmoid(x); g * g0 * &s * (1.0 - &s) * (2.0 + x * (1.0 - 2.0 * &s)) } }
gelu_backward(g0, x, approximate: str): other { g0: gelu_backward_with(g, x, approximate), x: crate::rules::powers::gelu_second(g, g0, x, approximate) }
}
