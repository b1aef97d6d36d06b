//! Arithmetic of two or more operands, element by element.

use crate::lazy::T;
use crate::op::Meta;
use crate::pointwise;
use crate::promote::Promote;
use crate::rules::checks;
use crate::value::{Number, Value};
use crate::{DType, Result, Tensor, fail};
use corten_base::dtype::Category;
use corten_elementwise::Binary;
use corten_tables::ops;

ops! { family = binary;

/// `input + alpha * other`.
add(input: TensorOrScalar, other: TensorOrScalar, *, alpha: Scalar = 1) -> Tensor { scaled(add, add_scaled); forms: fn method inplace out; domain: any, any }
/// `input - alpha * other`.
sub(input: TensorOrScalar, other: TensorOrScalar, *, alpha: Scalar = 1) -> Tensor { scaled(sub, sub_scaled, checks::subtraction); forms: fn method inplace out; alias: subtract; domain: any, any }
/// `other - alpha * input`, of two tensors.
rsub(input: Tensor, other: Tensor, *, alpha: Scalar = 1) -> Tensor { reversed(sub, sub_scaled, checks::subtraction); forms: fn; domain: any, any }
/// `other - alpha * input`, of a number.
rsub.scalar(input: Tensor, other: Scalar, alpha: Scalar = 1) -> Tensor { reversed(sub, sub_scaled, checks::subtraction); forms: fn; domain: any, scalar }
/// `input * other`.
mul(input: TensorOrScalar, other: TensorOrScalar) -> Tensor { binary(mul, default); forms: fn method inplace out; alias: multiply; domain: any, any }
/// `input / other`.
div(input: TensorOrScalar, other: TensorOrScalar) -> Tensor { binary(div, to_float); forms: fn method inplace out; alias: divide, true_divide; domain: any, positive }
/// `input / other`, rounded down (`floor`), towards zero (`trunc`) or not at all (`None`).
div.mode(input: TensorOrScalar, other: TensorOrScalar, *, rounding_mode: str?) -> Tensor { meta: quotient_meta(args, rounding_mode); kernel: quotient(args, rounding_mode, outs); elementwise; forms: fn method inplace out; alias: divide; domain: any, positive }
/// `input / other`, rounded down.
floor_divide(input: TensorOrScalar, other: TensorOrScalar) -> Tensor { binary(div_floor, default); forms: fn method inplace out; domain: any, positive }
/// Python's `input % other`: with the sign of `other`.
remainder(input: TensorOrScalar, other: TensorOrScalar) -> Tensor { binary(remainder, default); forms: fn method inplace out; domain: any, positive }
/// C's `fmod`: with the sign of `input`.
fmod(input: Tensor, other: TensorOrScalar) -> Tensor { binary(fmod, default); forms: fn method inplace out; domain: any, positive }
/// `input ** exponent`.
pow.tensor(input: Tensor, exponent: Tensor) -> Tensor { binary(pow, default); forms: fn method inplace out; domain: positive, any }
/// `input ** exponent`, for one exponent.
pow(input: Tensor, exponent: Scalar) -> Tensor { binary(pow, default, checks::power); forms: fn method inplace out; domain: positive, scalar }
/// `input ** exponent`, for one base.
pow.base(input: Scalar, exponent: Tensor) -> Tensor { binary(pow, default); forms: fn out; domain: scalar, any }
/// `input ** exponent` in double precision.
float_power(input: TensorOrScalar, exponent: TensorOrScalar) -> Tensor { composite: double_power(&args[0], &args[1]); forms: fn method inplace out; domain: positive, any }

/// The greater of each pair; not-a-number wins.
maximum(input: Tensor, other: Tensor) -> Tensor { binary(maximum, default, checks::maximum); forms: fn method out; domain: any, any }
/// The lesser of each pair; not-a-number wins.
minimum(input: Tensor, other: Tensor) -> Tensor { binary(minimum, default, checks::minimum); forms: fn method out; domain: any, any }
/// The greater of each pair; not-a-number loses.
fmax(input: Tensor, other: Tensor) -> Tensor { binary(fmax, default, checks::fmax); forms: fn method out; domain: any, any }
/// The lesser of each pair; not-a-number loses.
fmin(input: Tensor, other: Tensor) -> Tensor { binary(fmin, default, checks::fmin); forms: fn method out; domain: any, any }
/// The angle of the point `(other, input)`.
atan2(input: Tensor, other: Tensor) -> Tensor { binary(atan2, to_float); forms: fn method inplace out; alias: arctan2; domain: any, any }
/// `sqrt(input² + other²)`, without overflow.
hypot(input: Tensor, other: Tensor) -> Tensor { binary(hypot, default); forms: fn method inplace out; domain: any, any }
/// The magnitude of `input` with the sign of `other`.
copysign(input: Tensor, other: TensorOrScalar) -> Tensor { binary(copysign, to_float); forms: fn method inplace out; domain: any, any }
/// The next number from `input` towards `other`.
nextafter(input: Tensor, other: Tensor) -> Tensor { binary(nextafter, default); forms: fn method inplace out; domain: any, any }
/// `input * 2 ** other`.
ldexp(input: Tensor, other: Tensor) -> Tensor { composite: scaled_by_power(input, other); forms: fn method inplace(fn) out; domain: any, real(-5.0, 5.0) }
/// `input * log(other)`, 0 where `input` is 0.
xlogy(input: TensorOrScalar, other: TensorOrScalar) -> Tensor { binary(xlogy, to_float); forms: fn method inplace(fn) out; domain: any, positive }
/// `log(exp(input) + exp(other))`.
logaddexp(input: Tensor, other: Tensor) -> Tensor { composite: match crate::promote::result_type(&[Number::Tensor(input), Number::Tensor(other)]).is_complex() { true => complex_logaddexp(input, other), false => _logaddexp(input, other) }; forms: fn method out; domain: any, any }
/// `log(exp(input) + exp(other))` of real numbers.
_logaddexp(input: Tensor, other: Tensor) -> Tensor { binary(logaddexp, default); domain: any, any }
/// `log2(2 ** input + 2 ** other)`.
logaddexp2(input: Tensor, other: Tensor) -> Tensor { binary(logaddexp2, default); forms: fn method out; domain: any, any }
/// 0 below zero, 1 above, `values` at zero.
heaviside(input: Tensor, values: Tensor) -> Tensor { binary(heaviside, default, checks::heaviside); forms: fn method inplace out; domain: any, any; nondiff }
/// The greatest common divisor.
gcd(input: Tensor, other: Tensor) -> Tensor { binary(gcd, default); forms: fn method inplace(fn) out; domain: int, int; nondiff }
/// The least common multiple.
lcm(input: Tensor, other: Tensor) -> Tensor { binary(lcm, default); forms: fn method inplace(fn) out; domain: int, int; nondiff }
/// Complex numbers from real and imaginary parts.
complex(real: Tensor, imag: Tensor) -> Tensor { binary(complex, to_complex, checks::float_parts); forms: fn out; domain: any, any }
/// Complex numbers from lengths and angles.
polar(abs: Tensor, angle: Tensor) -> Tensor { binary(polar, to_complex, checks::float_parts); forms: fn out; domain: positive, any }

/// Bitwise and; of bool the logical one.
bitwise_and(input: TensorOrScalar, other: TensorOrScalar) -> Tensor { binary(bitwise_and, default); forms: fn method inplace out; domain: int, int; nondiff }
/// Bitwise or; of bool the logical one.
bitwise_or(input: TensorOrScalar, other: TensorOrScalar) -> Tensor { binary(bitwise_or, default); forms: fn method inplace out; domain: int, int; nondiff }
/// Bitwise exclusive or; of bool the logical one.
bitwise_xor(input: TensorOrScalar, other: TensorOrScalar) -> Tensor { binary(bitwise_xor, default); forms: fn method inplace out; domain: int, int; nondiff }
/// Bits moved up by `other` places.
bitwise_left_shift(input: TensorOrScalar, other: TensorOrScalar) -> Tensor { binary(shift_left, default); forms: fn method inplace out; domain: int, int(0, 8); nondiff }
/// Bits moved down by `other` places; the sign stays.
bitwise_right_shift(input: TensorOrScalar, other: TensorOrScalar) -> Tensor { binary(shift_right, default); forms: fn method inplace out; domain: int, int(0, 8); nondiff }

/// `input + value * tensor1 * tensor2`.
addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Scalar = 1) -> Tensor { quaternary(addcmul, default, 0..3); forms: fn method inplace out; domain: any, any, any }
/// `input + value * tensor1 / tensor2`.
addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Scalar = 1) -> Tensor { quaternary(addcdiv, default, 0..3, checks::addcdiv); forms: fn method inplace out; domain: any, any, positive }
/// `input + weight * (end - input)`.
lerp.tensor(input: Tensor, end: Tensor, weight: Tensor) -> Tensor { ternary(lerp, default, 0..3, checks::lerp); forms: fn method inplace out; domain: any, any, unit }
/// `input + weight * (end - input)`, for one weight.
lerp(input: Tensor, end: Tensor, weight: Scalar) -> Tensor { ternary(lerp, default, 0..2, checks::lerp); forms: fn method inplace out; domain: any, any, scalar }

}

/// The kernel and the promotion that a rounding mode asks for.
fn rounding(mode: Option<&str>) -> Result<(Binary, Promote)> {
    match mode {
        None => Ok((Binary::div, Promote::to_float)),
        Some("floor") => Ok((Binary::div_floor, Promote::default)),
        Some("trunc") => Ok((Binary::div_trunc, Promote::default)),
        Some(other) => {
            fail!(Runtime, "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{other}'")
        }
    }
}

fn quotient_meta(args: &[Value], mode: Option<&str>) -> Result<Meta> {
    let (op, rule) = rounding(mode)?;
    pointwise::binary_meta(op, rule, args)
}

fn quotient(args: &[Value], mode: Option<&str>, outs: &[Tensor]) -> Result<()> {
    let (op, rule) = rounding(mode)?;
    pointwise::binary(op, rule, args, outs)
}

/// The power in the precision of the result, which may be higher than that of `other`.
fn scaled_by_power(input: &Tensor, other: &Tensor) -> T {
    let dtype = crate::promote::result_type(&[Number::Tensor(input), Number::Tensor(other)]);
    let dtype = if other.dtype().is_complex() { dtype } else { dtype.to_real() };
    let other = if dtype.is_differentiable() { super::cast::to(other, dtype) } else { T::from(other) };
    mul(input, pow_base(2.0, other))
}

/// From the number with the greater real part, whose imaginary part the result keeps beyond ±π, as PyTorch's does.
pub(super) fn complex_logaddexp(x: impl Into<T>, y: impl Into<T>) -> T {
    use super::{compare::*, unary::*, view::real};
    let (x, y): (T, T) = (x.into(), y.into());
    let first = ge(real(&x), real(&y));
    let (high, low) = (where_(&first, &x, &y), where_(&first, &y, &x));
    where_(isfinite(real(&high)), log1p(exp(low - &high)) + &high, &high)
}

fn double_power(base: &Value, exponent: &Value) -> T {
    let wide = |value: &Value| match value {
        Value::Tensor(t) => super::cast::to(t, if t.dtype().is_complex() { DType::C128 } else { DType::F64 }),
        Value::Scalar(s) if s.category() < Category::Complex => T::value(s.to_f64()),
        other => T::value(other),
    };
    match (base, exponent) {
        (Value::Tensor(_), Value::Tensor(_)) => pow_tensor(wide(base), wide(exponent)),
        (Value::Tensor(_), _) => pow(wide(base), wide(exponent)),
        _ => pow_base(wide(base), wide(exponent)),
    }
}
