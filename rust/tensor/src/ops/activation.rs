//! Activation functions and the parts of their derivatives that are faster as one kernel.

use super::compare::{limited, limited_meta};
use super::{binary::*, compare::*, unary::*};
use crate::body::evaluate;
use crate::lazy::T;
use crate::pointwise;
use crate::promote::Promote;
use crate::rules::checks;
use crate::value::Value;
use crate::{Result, Scalar, Tensor, fail};
use corten_elementwise::{Binary, Unary};
use corten_tables::ops;

ops! { family = activation;

/// `input` where positive, else 0.
relu(input: Tensor) -> Tensor { unary(relu, default, checks::rectifier); forms: fn method inplace; domain: any }
/// `input` limited to 0 and 6.
relu6(input: Tensor) -> Tensor { composite: hardtanh_with(input, 0, 6); forms: fn inplace; domain: any }
/// `input` where positive, else `negative_slope * input`.
leaky_relu(input: Tensor, negative_slope: Scalar = 0.01) -> Tensor { binary(leaky_relu, default); forms: fn inplace out; domain: any, scalar }
/// `scale * input` where positive, else `scale * alpha * (exp(input_scale * input) - 1)`.
elu(input: Tensor, alpha: Scalar = 1, scale: Scalar = 1, input_scale: Scalar = 1) -> Tensor { quaternary(elu, default, 0..1); forms: fn inplace out; domain: any, positive_scalar }
/// `max(0, input) + min(0, alpha * (exp(input / alpha) - 1))`.
celu(input: Tensor, alpha: Scalar = 1.0) -> Tensor { composite: { if alpha.is_zero() { fail!(Runtime, "ZeroDivisionError: alpha cannot be 0 for CELU") } elu_with(input, alpha, Scalar::Float(1.0), 1.0 / alpha.to_f64()) }; forms: fn inplace; domain: any, positive_scalar }
/// The self-normalising `elu`.
selu(input: Tensor) -> Tensor { composite: elu_with(input, SELU_ALPHA, SELU_SCALE, 1.0); forms: fn inplace; domain: any }
/// `input * sigmoid(input)`.
silu(input: Tensor) -> Tensor { unary(silu, default); forms: fn inplace out; domain: any }
/// `input * tanh(softplus(input))`.
mish(input: Tensor) -> Tensor { unary(mish, default); forms: fn inplace out; domain: any }
/// `input * Φ(input)`, exactly (`none`) or by `tanh`.
gelu(input: Tensor, *, approximate: str = "none") -> Tensor { meta: pointwise::unary_meta(bell(approximate)?, Promote::default, args); kernel: pointwise::unary(bell(approximate)?, Promote::default, args, outs); elementwise; forms: fn inplace out; domain: any }
/// `log(1 + exp(beta * input)) / beta`, the input itself where `beta * input > threshold`.
softplus(input: Tensor, beta: Scalar = 1, threshold: Scalar = 20) -> Tensor { ternary(softplus, default, 0..1); forms: fn out; domain: any, positive_scalar }
/// `input` limited to `min_val` and `max_val`.
hardtanh(input: Tensor, min_val: Scalar = -1, max_val: Scalar = 1) -> Tensor { meta: { let [low, high] = clip_limits(input, min_val, max_val)?; limited_meta(&[args[0].clone(), low, high])?; Ok(smallvec::smallvec![pointwise::like(input, input.dtype())]) }; kernel: { let [low, high] = clip_limits(input, min_val, max_val)?; limited(&[args[0].clone(), low, high], outs) }; elementwise; forms: fn inplace out; domain: any, scalar, scalar }
/// `input * clamp(input + 3, 0, 6) / 6`.
hardswish(input: Tensor) -> Tensor { unary(hardswish, default); forms: fn inplace out; domain: any }
/// `clamp(input + 3, 0, 6) / 6`.
hardsigmoid(input: Tensor) -> Tensor { unary(hardsigmoid, default); forms: fn inplace out; domain: any }
/// `input` where above `threshold`, else `value`.
threshold(input: Tensor, threshold: Scalar, value: Scalar) -> Tensor { ternary(threshold, default, 0..1, checks::threshold); forms: fn inplace out; domain: any, scalar, scalar }
/// `input` where positive, else `weight * input`, with one weight or one a channel.
prelu(input: Tensor, weight: Tensor) -> Tensor { composite: _prelu_kernel(input, channel_weight(input, weight)?); forms: fn method; domain: any, any }
/// `input` where positive, else `weight * input`.
_prelu_kernel(input: Tensor, weight: Tensor) -> Tensor { binary(leaky_relu, default); domain: any, any }
/// `input` moved towards zero by `lambd`, 0 within it.
softshrink(input: Tensor, lambd: Scalar = 0.5) -> Tensor { binary(softshrink, default, checks::softshrink); forms: fn out; domain: any, positive_scalar }
/// `input` outside `[-lambd, lambd]`, else 0.
hardshrink(input: Tensor, lambd: Scalar = 0.5) -> Tensor { binary(hardshrink, default, checks::hardshrink); forms: fn method out; domain: any, positive_scalar }
/// `log(sigmoid(input))`, without overflow.
log_sigmoid(input: Tensor) -> Tensor { unary(logsigmoid, default); forms: fn out; alias: logsigmoid; domain: any }
/// `input / (1 + |input|)`.
softsign(input: Tensor) -> Tensor { composite: div(input, add(abs(input), 1)); forms: fn; domain: any }
/// `input - tanh(input)`.
tanhshrink(input: Tensor) -> Tensor { composite: sub(input, tanh(input)); forms: fn; domain: any }
/// The first half of a dimension times the sigmoid of the second.
glu(input: Tensor, dim: Dim = -1) -> Tensor { composite: gated(input, dim)?; forms: fn out; domain: any }

/// `grad_output * (1 - output) * output`.
sigmoid_backward(grad_output: Tensor, output: Tensor) -> Tensor { binary(sigmoid_backward, default); domain: any, unit }
/// `grad_output * (1 - output²)`.
tanh_backward(grad_output: Tensor, output: Tensor) -> Tensor { binary(tanh_backward, default); domain: any, unit }
/// `grad_output` where `input` is above `threshold`, else 0.
threshold_backward(grad_output: Tensor, input: Tensor, threshold: Scalar) -> Tensor { meta: pointwise::binary_meta(Binary::mul, Promote::default, args); kernel: if threshold.is_zero() && !input.dtype().is_integral(true) { pointwise::binary(Binary::threshold_backward, Promote::default, args, outs) } else { evaluate(&outs[0], || where_(le(input, threshold), 0, grad_output)) }; domain: any, any }
/// The gradient of `silu`.
silu_backward(grad_output: Tensor, input: Tensor) -> Tensor { binary(silu_backward, default); domain: any, any }
/// The gradient of `gelu`.
gelu_backward(grad_output: Tensor, input: Tensor, *, approximate: str = "none") -> Tensor { meta: pointwise::binary_meta(bell_backward(approximate)?, Promote::default, args); kernel: pointwise::binary(bell_backward(approximate)?, Promote::default, args, outs); elementwise; domain: any, any }

}

/// Klambauer et al., Self-Normalizing Neural Networks, 2017.
const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;
const SELU_SCALE: f64 = 1.050_700_987_355_480_5;

fn bell(approximate: &str) -> Result<Unary> {
    match approximate {
        "none" => Ok(Unary::gelu),
        "tanh" => Ok(Unary::gelu_tanh),
        _ => fail!(Runtime, "approximate argument must be either none or tanh."),
    }
}

fn bell_backward(approximate: &str) -> Result<Binary> {
    Ok(if bell(approximate)? == Unary::gelu { Binary::gelu_backward } else { Binary::gelu_tanh_backward })
}

/// A number as an element of the tensor's dtype, in which it is compared or stored.
fn own_number(x: &Tensor, number: Scalar) -> Result<Scalar> {
    checks::convertible(number, x.dtype())?;
    Ok(if x.dtype().is_integral(true) { Scalar::Int(number.to_i64()) } else { number })
}

/// The limits of `hardtanh`, in the tensor's dtype.
fn clip_limits(x: &Tensor, low: Scalar, high: Scalar) -> Result<[Value; 2]> {
    if low.to_f64() > high.to_f64() {
        fail!(Value, "min_val cannot be greater than max_val");
    }
    if x.dtype() == crate::DType::Bool {
        fail!(Runtime, "Bool inputs not supported for hardtanh");
    }
    if x.dtype().is_unsigned() && (low.to_f64() < 0.0 || high.to_f64() < 0.0) {
        fail!(Runtime, "cannot do hardtanh on an unsigned type with negative limits");
    }
    Ok([Value::Scalar(own_number(x, low)?), Value::Scalar(own_number(x, high)?)])
}

/// The weights of `prelu`, shaped to lie along the channels.
fn channel_weight(input: &Tensor, weight: &Tensor) -> Result<T> {
    if weight.ndim() > 1 {
        fail!(Runtime, "prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {}", weight.ndim());
    }
    if weight.dtype() != input.dtype() {
        let (x, w) = (input.dtype().scalar_name(), weight.dtype().scalar_name());
        fail!(Runtime, "prelu: Type promoting not supported. Got {x} and {w}");
    }
    let count = weight.numel() as i64;
    if count == 1 {
        return Ok(super::view::reshape(weight, [1].repeat(input.ndim())));
    }
    let channels = if input.ndim() > 1 { input.sizes()[1] } else { 1 };
    if count != channels {
        fail!(
            Runtime,
            "Mismatch of parameter numbers and input channel size. Found parameter numbers = {count} and channel size = {channels}."
        );
    }
    let mut sizes = vec![1; input.ndim()];
    sizes[1] = count;
    Ok(super::view::reshape(weight, sizes))
}

fn gated(input: &Tensor, dim: i64) -> Result<T> {
    if input.ndim() == 0 {
        fail!(Runtime, "glu does not support 0-dimensional tensors");
    }
    let d = crate::rules::dims::wrap(dim, input.ndim())?;
    let size = input.sizes()[d];
    if size % 2 != 0 {
        fail!(Runtime, "Halving dimension must be even, but dimension {d} is size {size}");
    }
    crate::body::in_single(input.dtype(), [input], |[x]| {
        let half = |start: i64| super::view::narrow(&x, d, start, size / 2);
        Ok(mul(half(0), sigmoid(half(size / 2))))
    })
}
