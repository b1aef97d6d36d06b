//! Elementwise mathematics.

use corten_tables::ops;

ops! { family = math;

/// `-input`.
neg(input: Tensor) -> Tensor { unary(neg, default); forms: fn method inplace out; alias: negative }
/// Absolute value; of a complex number its modulus.
abs(input: Tensor) -> Tensor { unary(abs, to_real); forms: fn method inplace out; alias: absolute }
/// e to the power of each element.
exp(input: Tensor) -> Tensor { unary(exp, to_float); forms: fn method inplace out; domain: real(-20.0, 20.0) }
/// Natural logarithm.
log(input: Tensor) -> Tensor { unary(log, to_float); forms: fn method inplace out; domain: positive }
/// Square root.
sqrt(input: Tensor) -> Tensor { unary(sqrt, to_float); forms: fn method inplace out; domain: positive }

/// `input + alpha * other`.
add(input: TensorOrScalar, other: TensorOrScalar, *, alpha: Scalar = 1) -> Tensor { scaled(add, add_scaled); forms: fn method inplace out }
/// `input * other`.
mul(input: TensorOrScalar, other: TensorOrScalar) -> Tensor { binary(mul, default); forms: fn method inplace out; alias: multiply }
/// `input - other`.
sub(input: TensorOrScalar, other: TensorOrScalar, *, alpha: Scalar = 1) -> Tensor { scaled(sub, sub_scaled); forms: fn method inplace out; alias: subtract }
/// `input / other`.
div(input: TensorOrScalar, other: TensorOrScalar) -> Tensor { binary(div, to_float); forms: fn method inplace out; alias: true_divide }

}
