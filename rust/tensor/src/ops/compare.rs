//! Comparisons, logic, choices and limits, element by element.

use crate::lazy::T;
use crate::op::Meta;
use crate::pointwise;
use crate::promote::Promote;
use crate::rules::checks;
use crate::value::Value;
use crate::{DType, Result, Scalar, Tensor, fail};
use corten_elementwise::{Binary, Ternary};
use corten_tables::ops;

ops! { family = compare;

/// True where both are equal.
eq(input: Tensor, other: TensorOrScalar) -> Tensor { binary(eq, predicate); forms: fn method inplace out; domain: any, any; nondiff }
/// True where they differ.
ne(input: Tensor, other: TensorOrScalar) -> Tensor { binary(ne, predicate); forms: fn method inplace out; alias: not_equal; domain: any, any; nondiff }
/// True where `input < other`.
lt(input: Tensor, other: TensorOrScalar) -> Tensor { binary(lt, predicate); forms: fn method inplace out; alias: less; domain: any, any; nondiff }
/// True where `input <= other`.
le(input: Tensor, other: TensorOrScalar) -> Tensor { binary(le, predicate); forms: fn method inplace out; alias: less_equal; domain: any, any; nondiff }
/// True where `input > other`.
gt(input: Tensor, other: TensorOrScalar) -> Tensor { binary(gt, predicate); forms: fn method inplace out; alias: greater; domain: any, any; nondiff }
/// True where `input >= other`.
ge(input: Tensor, other: TensorOrScalar) -> Tensor { binary(ge, predicate); forms: fn method inplace out; alias: greater_equal; domain: any, any; nondiff }
/// True where neither is zero.
logical_and(input: Tensor, other: Tensor) -> Tensor { binary(logical_and, predicate); forms: fn method inplace out; domain: any, any; nondiff }
/// True where one is not zero.
logical_or(input: Tensor, other: Tensor) -> Tensor { binary(logical_or, predicate); forms: fn method inplace out; domain: any, any; nondiff }
/// True where exactly one is zero.
logical_xor(input: Tensor, other: Tensor) -> Tensor { binary(logical_xor, predicate); forms: fn method inplace out; domain: any, any; nondiff }
/// True where `|input - other| <= atol + rtol * |other|`.
isclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = false) -> Tensor { composite: close(input, other, rtol, atol, equal_nan)?; forms: fn method; domain: any, any; nondiff }

/// `input` where the condition is true, else `other`.
where(condition: Tensor, input: TensorOrScalar, other: TensorOrScalar) -> Tensor { ternary(select, default, 1..3, checks::condition); forms: fn out; domain: bool, any, any }
/// The tensor where the condition is true, else `other`.
where.method(input: Tensor, condition: Tensor, other: TensorOrScalar) -> Tensor { composite: where_(condition, input, other); forms: method; domain: any, bool, any }
/// Limited to the elements of `min` and `max`, of which one may be missing.
clamp.tensor(input: Tensor, min: Tensor?, max: Tensor?) -> Tensor { meta: limited_meta(args); kernel: limited(args, outs); elementwise; forms: fn method inplace out; alias: clip; domain: any, any, any }
/// Limited to `min` and `max`, of which one may be missing.
clamp(input: Tensor, min: Scalar?, max: Scalar?) -> Tensor { meta: limited_meta(args); kernel: limited(args, outs); elementwise; forms: fn method inplace out; alias: clip; domain: any, scalar, scalar }
/// Not below the elements of `min`.
clamp_min.tensor(input: Tensor, min: Tensor) -> Tensor { binary(maximum, default, checks::maximum); forms: fn method inplace out; domain: any, any }
/// Not below `min`.
clamp_min(input: Tensor, min: Scalar) -> Tensor { meta: limited_meta(&[args[0].clone(), args[1].clone(), Value::None]); kernel: limited(&[args[0].clone(), args[1].clone(), Value::None], outs); elementwise; forms: fn method inplace out; domain: any, scalar }
/// Not above the elements of `max`.
clamp_max.tensor(input: Tensor, max: Tensor) -> Tensor { binary(minimum, default, checks::minimum); forms: fn method inplace out; domain: any, any }
/// Not above `max`.
clamp_max(input: Tensor, max: Scalar) -> Tensor { meta: limited_meta(&[args[0].clone(), Value::None, args[1].clone()]); kernel: limited(&[args[0].clone(), Value::None, args[1].clone()], outs); elementwise; forms: fn method inplace out; domain: any, scalar }

}

fn close(input: &Tensor, other: &Tensor, rtol: f64, atol: f64, equal_nan: bool) -> Result<T> {
    use super::{binary::*, cast::to, unary::*};
    let dtype = input.dtype();
    if dtype != other.dtype() {
        fail!(Runtime, "{} did not match {}", dtype.scalar_name(), other.dtype().scalar_name());
    }
    for (name, value) in [("rtol", rtol), ("atol", atol)] {
        if value.is_nan() || value < 0.0 {
            fail!(Runtime, "{name} must be greater than or equal to zero, but got {value}");
        }
    }
    let mut close = eq(input, other);
    if equal_nan && dtype.is_differentiable() {
        close = bitwise_or(close, bitwise_and(isnan(input), isnan(other)));
    }
    if rtol == 0.0 && atol == 0.0 {
        return Ok(close);
    }
    let (x, y) = match dtype.is_integral(true) {
        true => (to(input, DType::F64), to(other, DType::F64)),
        false => (T::from(input), T::from(other)),
    };
    let allowed = add(abs(mul(&y, rtol)), atol);
    let distance = abs(sub(x, y));
    Ok(bitwise_or(close, bitwise_and(isfinite(&distance), le(distance, allowed))))
}

/// What a limit asks of the kernels: one limit is a maximum or minimum with the same rule for not-a-number.
fn limits(args: &[Value]) -> Result<Option<Binary>> {
    match (&args[1], &args[2]) {
        (Value::None, Value::None) => {
            fail!(Runtime, "torch.clamp: At least one of 'min' or 'max' must not be None")
        }
        (_, Value::None) => Ok(Some(Binary::maximum)),
        (Value::None, _) => Ok(Some(Binary::minimum)),
        _ => Ok(None),
    }
}

fn pair(args: &[Value]) -> [Value; 2] {
    let limit = if matches!(args[1], Value::None) { &args[2] } else { &args[1] };
    [args[0].clone(), limit.clone()]
}

/// `meta` of `clamp` and its like: `input`, `min`, `max`.
pub(super) fn limited_meta(args: &[Value]) -> Result<Meta> {
    let complex = |value: &Value| match value {
        Value::Tensor(t) => t.dtype().is_complex(),
        value => matches!(value, Value::Scalar(Scalar::Complex(..))),
    };
    if args.iter().any(complex) {
        fail!(NotImplemented, "clamp is not supported for complex types");
    }
    match limits(args)? {
        Some(op) => pointwise::binary_meta(op, Promote::default, &pair(args)),
        None => pointwise::many_meta("clamp", |d| Ternary::clamp.supports(d), Promote::default, &args[..3], 0..3),
    }
}

/// `kernel` of `clamp` and its like.
pub(super) fn limited(args: &[Value], outs: &[Tensor]) -> Result<()> {
    match limits(args)? {
        Some(op) => pointwise::binary(op, Promote::default, &pair(args), outs),
        None => pointwise::many(Promote::default, &args[..3], 0..3, outs, |compute, out, sources| match sources {
            [x, low, high] => corten_elementwise::ternary(Ternary::clamp, compute, out, *x, *low, *high),
            _ => fail!(Type, "clamp takes a tensor and two limits"),
        }),
    }
}
