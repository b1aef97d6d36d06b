//! Argument checks of elementwise rows, with PyTorch's messages.

use crate::promote;
use crate::tensor::Tensor;
use crate::value::{Number, Value};
use corten_base::{DType, Result, Scalar, fail};

fn dtype_of(value: &Value) -> Option<DType> {
    match value {
        Value::Tensor(t) => Some(t.dtype()),
        _ => None,
    }
}

fn is_bool(value: &Value) -> bool {
    match value {
        Value::Tensor(t) => t.dtype() == DType::Bool,
        value => matches!(value, Value::Scalar(Scalar::Bool(_))),
    }
}

fn promoted(args: &[Value]) -> DType {
    let numbers: smallvec::SmallVec<[Number; 3]> = args
        .iter()
        .filter_map(|value| match value {
            Value::Tensor(t) => Some(Number::Tensor(t)),
            Value::Scalar(s) => Some(Number::Scalar(*s)),
            _ => None,
        })
        .collect();
    promote::result_type(&numbers)
}

/// `neg` refuses bool.
pub fn negation(args: &[Value]) -> Result<()> {
    if is_bool(&args[0]) {
        fail!(
            Runtime,
            "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."
        );
    }
    Ok(())
}

/// `positive` refuses bool.
pub fn plus(args: &[Value]) -> Result<()> {
    if is_bool(&args[0]) {
        fail!(Runtime, "The `+` operator, on a bool tensor is not supported.");
    }
    Ok(())
}

/// `sub` refuses bool on either side.
pub fn subtraction(args: &[Value]) -> Result<()> {
    match (is_bool(&args[0]), is_bool(&args[1])) {
        (true, true) => fail!(
            Runtime,
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` operator instead."
        ),
        (false, false) => Ok(()),
        _ => fail!(
            Runtime,
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."
        ),
    }
}

/// `bitwise_not` takes integers and bool.
pub fn inversion(args: &[Value]) -> Result<()> {
    match dtype_of(&args[0]) {
        Some(dtype) if !dtype.is_integral(true) => dtype.unsupported("bitwise_not_cpu"),
        _ => Ok(()),
    }
}

fn need_real_float(name: &str, x: &Value) -> Result<()> {
    match dtype_of(x) {
        Some(dtype) if !dtype.is_differentiable() || dtype.is_complex() => dtype.unsupported(name),
        _ => Ok(()),
    }
}

/// `hardshrink` takes real floats.
pub fn hardshrink(args: &[Value]) -> Result<()> {
    need_real_float("hardshrink_cpu", &args[0])
}

/// `softshrink` takes real floats, and a width among theirs that is not negative.
pub fn softshrink(args: &[Value]) -> Result<()> {
    need_real_float("softshrink_check", &args[0])?;
    let (Value::Tensor(x), Value::Scalar(width)) = (&args[0], &args[1]) else { return Ok(()) };
    let (width, most) = (width.to_f64(), largest(x.dtype()));
    if !(0.0..=most).contains(&width) {
        let most = match x.dtype() {
            DType::F16 => "65504",
            DType::BF16 => "3.38953e+38",
            DType::F32 => "3.40282e+38",
            _ => "1.79769e+308",
        };
        let (dtype, width) = (x.dtype().scalar_name(), width.to_string().to_lowercase());
        fail!(Runtime, "lambda must be in range [0, {most}] for input dtype {dtype}, but found {width}");
    }
    Ok(())
}

/// `relu` refuses bool.
pub fn rectifier(args: &[Value]) -> Result<()> {
    if is_bool(&args[0]) {
        fail!(Runtime, "Boolean inputs not supported for relu");
    }
    Ok(())
}

/// `threshold` takes numbers that the tensor's elements can be.
pub fn threshold(args: &[Value]) -> Result<()> {
    let Value::Tensor(x) = &args[0] else { return Ok(()) };
    for number in &args[1..] {
        if let Value::Scalar(number) = number {
            convertible(*number, x.dtype())?;
        }
    }
    Ok(())
}

/// `sign` leaves complex numbers to `sgn`.
pub fn real_sign(args: &[Value]) -> Result<()> {
    if dtype_of(&args[0]).is_some_and(DType::is_complex) {
        fail!(
            NotImplemented,
            "Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn instead."
        );
    }
    Ok(())
}

fn no_complex(name: &str, args: &[Value]) -> Result<()> {
    if dtype_of(&args[0]).is_some_and(DType::is_complex) {
        fail!(NotImplemented, "{name} is not supported for complex inputs");
    }
    Ok(())
}

/// `floor` refuses complex numbers.
pub fn floor(args: &[Value]) -> Result<()> {
    no_complex("floor", args)
}

/// `ceil` refuses complex numbers.
pub fn ceil(args: &[Value]) -> Result<()> {
    no_complex("ceil", args)
}

/// `round` refuses complex numbers.
pub fn round(args: &[Value]) -> Result<()> {
    no_complex("round", args)
}

/// `trunc` refuses complex numbers.
pub fn trunc(args: &[Value]) -> Result<()> {
    no_complex("trunc", args)
}

/// `signbit` refuses complex numbers.
pub fn signbit(args: &[Value]) -> Result<()> {
    if dtype_of(&args[0]).is_some_and(DType::is_complex) {
        fail!(NotImplemented, "signbit is not implemented for complex tensors.");
    }
    Ok(())
}

fn ordered(name: &str, args: &[Value]) -> Result<()> {
    if promoted(args).is_complex() {
        fail!(Runtime, "{name} not implemented for complex tensors.");
    }
    Ok(())
}

/// `maximum` needs an order.
pub fn maximum(args: &[Value]) -> Result<()> {
    ordered("maximum", args)
}

/// `minimum` needs an order.
pub fn minimum(args: &[Value]) -> Result<()> {
    ordered("minimum", args)
}

/// `fmax` needs an order.
pub fn fmax(args: &[Value]) -> Result<()> {
    ordered("fmax", args)
}

/// `fmin` needs an order.
pub fn fmin(args: &[Value]) -> Result<()> {
    ordered("fmin", args)
}

/// `abs` refuses bool.
pub fn magnitude(args: &[Value]) -> Result<()> {
    if is_bool(&args[0]) {
        fail!(NotImplemented, "\"abs_cpu\" not implemented for 'Bool'");
    }
    Ok(())
}

/// The order of `polygamma` is not negative.
pub fn polygamma(args: &[Value]) -> Result<()> {
    if let Value::Scalar(order) = &args[0]
        && order.to_f64() < 0.0
    {
        fail!(Runtime, "polygamma(n, x) does not support negative n.");
    }
    Ok(())
}

/// Integers have no negative powers.
pub fn power(args: &[Value]) -> Result<()> {
    match (dtype_of(&args[0]), &args[1]) {
        (Some(dtype), Value::Scalar(Scalar::Int(n))) if *n < 0 && dtype.is_integral(true) => {
            fail!(Runtime, "Integers to negative integer powers are not allowed.")
        }
        _ => Ok(()),
    }
}

/// `addr` takes factors of the result's own kind.
pub fn factors(args: &[Value], given: [(&str, Scalar); 2]) -> Result<()> {
    let dtype = promoted(args);
    for (name, factor) in given {
        match factor {
            Scalar::Float(_) | Scalar::Complex(..) if dtype.is_integral(true) => {
                fail!(Runtime, "For integral input tensors, argument {name} must not be a floating point number.")
            }
            Scalar::Bool(_) if dtype != DType::Bool => {
                fail!(Runtime, "Boolean {name} only supported for Boolean results.")
            }
            factor => convertible(factor, dtype)?,
        }
    }
    Ok(())
}

/// `heaviside` takes real numbers of one dtype.
pub fn heaviside(args: &[Value]) -> Result<()> {
    let (x, y) = (dtype_of(&args[0]), dtype_of(&args[1]));
    if x.is_some_and(DType::is_complex) || y.is_some_and(DType::is_complex) {
        fail!(Runtime, "heaviside is not yet implemented for complex tensors.");
    }
    if x != y {
        fail!(Runtime, "heaviside is not yet implemented for tensors with different dtypes.");
    }
    Ok(())
}

/// `complex` and `polar` take two tensors of one float dtype.
pub fn float_parts(args: &[Value]) -> Result<()> {
    let (Some(x), Some(y)) = (dtype_of(&args[0]), dtype_of(&args[1])) else { return Ok(()) };
    for dtype in [x, y] {
        if !matches!(dtype, DType::F16 | DType::F32 | DType::F64) {
            fail!(
                Runtime,
                "Expected both inputs to be Half, Float or Double tensors but got {} and {}",
                x.scalar_name(),
                y.scalar_name()
            );
        }
    }
    if x != y {
        fail!(
            Runtime,
            "Expected object of scalar type {} but got scalar type {} for second argument",
            x.scalar_name(),
            y.scalar_name()
        );
    }
    Ok(())
}

/// `where` asks for a condition of dtype bool.
pub fn condition(args: &[Value]) -> Result<()> {
    match dtype_of(&args[0]) {
        Some(dtype) if dtype != DType::Bool && dtype != DType::U8 => fail!(
            Runtime,
            "where expected condition to be a boolean tensor, but got a tensor with dtype {}",
            dtype.scalar_name()
        ),
        _ => Ok(()),
    }
}

/// `addcdiv` refuses to divide integers.
pub fn addcdiv(args: &[Value]) -> Result<()> {
    let integral = |value: &Value| dtype_of(value).is_some_and(|d| d.is_integral(true));
    if integral(&args[1]) && integral(&args[2]) {
        fail!(
            Runtime,
            "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a true division of tensor1 and tensor2. The historic addcdiv behavior can be implemented as (input + value * torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer inputs and as (input + value * tensor1 / tensor2) for float inputs. The future addcdiv behavior is just the latter implementation: (input + value * tensor1 / tensor2), for all dtypes."
        );
    }
    Ok(())
}

/// `lerp` takes tensors of one dtype.
pub fn lerp(args: &[Value]) -> Result<()> {
    let names = ["input", "end", "weight"];
    let Some(dtype) = dtype_of(&args[0]) else { return Ok(()) };
    for (name, value) in names.iter().zip(args).skip(1) {
        match dtype_of(value) {
            Some(other) if other != dtype => {
                fail!(Runtime, "expected dtype {} for `{name}` but got dtype {}", cpp_name(dtype), cpp_name(other))
            }
            _ => {}
        }
    }
    Ok(())
}

/// The name of the C++ type, which some of PyTorch's messages use ("float", "double", "long int").
pub fn cpp_name(dtype: DType) -> &'static str {
    match dtype {
        DType::Bool => "bool",
        DType::U8 => "unsigned char",
        DType::I8 => "signed char",
        DType::U16 => "unsigned short",
        DType::I16 => "short",
        DType::U32 => "unsigned int",
        DType::I32 => "int",
        DType::U64 => "unsigned long",
        DType::I64 => "long int",
        DType::F16 => "c10::Half",
        DType::BF16 => "c10::BFloat16",
        DType::F32 => "float",
        DType::F64 => "double",
        DType::C64 => "c10::complex<float>",
        DType::C128 => "c10::complex<double>",
    }
}

/// Refuses a complex value for elements that are real.
pub fn real_value(value: &Tensor, dtype: DType) -> Result<()> {
    if value.dtype().is_complex() && !dtype.is_complex() && dtype != DType::Bool {
        fail!(Runtime, "value cannot be converted to type {} without overflow", cpp_name(dtype));
    }
    Ok(())
}

/// Refuses a number that a dtype cannot hold. Whole negative numbers wrap around in unsigned integers, as in PyTorch.
pub fn convertible(value: Scalar, dtype: DType) -> Result<()> {
    let bits = 8 * dtype.size() as u32;
    let fits = match (value, dtype) {
        (Scalar::Complex(_, im), dtype) if im != 0.0 && !dtype.is_complex() => dtype == DType::Bool,
        (_, DType::Bool) | (Scalar::Bool(_), _) => true,
        (Scalar::Int(x), dtype) if dtype.is_integral(false) && !dtype.is_unsigned() => x >> (bits - 1) == x >> 63,
        (Scalar::Int(x), dtype) if dtype.is_integral(false) => bits == 64 || x.unsigned_abs() < 1 << bits,
        (Scalar::UInt(_), dtype) if dtype.is_integral(false) => dtype == DType::U64,
        (value, dtype) if dtype.is_integral(false) => {
            let (x, top) = (value.to_f64(), 2f64.powi(bits as i32 - !dtype.is_unsigned() as i32));
            x >= if dtype.is_unsigned() { 0.0 } else { -top } && x < top
        }
        (value, dtype) => {
            let (x, dtype) = (value.to_f64().abs(), dtype.to_real());
            !x.is_finite() || dtype == DType::F64 || x <= largest(dtype)
        }
    };
    if !fits {
        fail!(Runtime, "value cannot be converted to type {} without overflow", cpp_name(dtype));
    }
    Ok(())
}

/// The largest finite number of a float dtype.
pub fn largest(dtype: DType) -> f64 {
    match dtype {
        DType::F16 => 65504.0,
        DType::BF16 => 3.389_531_389_251_535_5e38,
        DType::F32 => f32::MAX as f64,
        _ => f64::MAX,
    }
}
