//! What gradients need of complex numbers; for real ones nothing of it costs anything.

use corten_tensor::lazy::T;
use corten_tensor::ops::all as ops;
use corten_tensor::value::Value;
use corten_tensor::{Result, Scalar};

/// The conjugate; a real tensor or number is itself.
pub fn c(x: &T) -> T {
    match x.clone().get() {
        Ok(Value::Tensor(t)) if t.dtype().is_complex() => ops::conj(x),
        Ok(Value::Scalar(Scalar::Complex(re, im))) => T::value(Scalar::Complex(re, -im)),
        _ => x.clone(),
    }
}

fn is_complex(x: &T) -> Result<bool> {
    Ok(x.clone().tensor()?.dtype().is_complex())
}

/// The gradient of `x / |x|`: what is orthogonal to the direction, over the length; zero for real numbers.
pub fn sgn_backward(g: &T, x: &T, sgn: &T) -> Result<T> {
    if !is_complex(x)? {
        return Ok(ops::zeros_like(g));
    }
    let length = ops::abs(x);
    let along = ops::real(g * &c(sgn)) * sgn;
    Ok(ops::where_(ops::eq(&length, 0), 0.0, (g - along) / length))
}

/// The gradient of the angle: across the direction, over the length; zero for real numbers.
pub fn turned(g: &T, x: &T) -> Result<T> {
    if !is_complex(x)? {
        return Ok(ops::zeros_like(g));
    }
    let square = ops::real(x * &ops::conj(x));
    let across = ops::mul(x, Scalar::Complex(0.0, 1.0)) * g / &square;
    Ok(ops::where_(ops::eq(square, 0), 0.0, across))
}
