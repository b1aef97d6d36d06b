//! Gradients of powers, limits and choices, with PyTorch's values at their singular points.

use super::complex::c;
use corten_tensor::lazy::{T, number};
use corten_tensor::ops::all as ops;
use corten_tensor::value::Value;
use corten_tensor::{Result, Scalar};

/// `alpha * g`.
pub fn scaled(g: &T, alpha: Scalar) -> T {
    if alpha == Scalar::Int(1) { g.clone() } else { ops::mul(g, conjugate(alpha)) }
}

/// The conjugate of a number.
pub fn conjugate(s: Scalar) -> Scalar {
    match s {
        Scalar::Complex(re, im) => Scalar::Complex(re, -im),
        real => real,
    }
}

/// `1 - weight`.
pub fn one_minus(weight: Scalar) -> Scalar {
    match weight {
        Scalar::Complex(re, im) => Scalar::Complex(1.0 - re, -im),
        real => Scalar::Float(1.0 - real.to_f64()),
    }
}

/// Of the angle of the point `(y, x)`, as what both gradients are multiples of: zero at the origin.
pub fn over_square(g: &T, x: &T, y: &T) -> T {
    let square = x * x + y * y;
    let zero = ops::eq(&square, 0);
    ops::where_(&zero, 0.0, g / &ops::where_(&zero, 1.0, &square))
}

/// `x` as a tensor, with the dtype of `model` where it is a number.
pub fn tensor(x: &T, model: &T) -> T {
    match x.clone().get() {
        Ok(Value::Scalar(s)) => ops::new_full(model, [0i64; 0], s),
        _ => x.clone(),
    }
}

/// Of `x ** exponent`, by x.
pub fn base(g: &T, x: &T, exponent: Scalar) -> T {
    if exponent.is_zero() {
        return ops::zeros_like(g);
    }
    let less = match exponent {
        Scalar::Int(n) => Scalar::Int(n.wrapping_sub(1)),
        Scalar::Complex(re, im) => Scalar::Complex(re - 1.0, im),
        real => Scalar::Float(real.to_f64() - 1.0),
    };
    g * c(&ops::mul(ops::pow(x, less), exponent))
}

/// Of `x ** y`, by x: zero where y is zero.
pub fn base_by_tensor(g: &T, x: &T, y: &T) -> T {
    ops::where_(ops::eq(y, 0), 0.0, g * c(&(y * &ops::pow_tensor(x, y - &number(1.0)))))
}

/// Of `x ** y`, by y: zero where x is zero and y is not negative.
pub fn exponent(g: &T, x: &T, y: &T, out: &T) -> T {
    let flat = ops::logical_and(ops::eq(x, 0), not_negative(y));
    g * ops::where_(flat, 0.0, c(&(out * &ops::log(x))))
}

/// Where the real part is zero or above.
fn not_negative(y: &T) -> T {
    let complex = y.clone().tensor().is_ok_and(|t| t.dtype().is_complex());
    if complex { ops::ge(ops::real(y), 0) } else { ops::ge(y, 0) }
}

/// Of `x ** y`, by y, for a number x.
pub fn exponent_of_scalar(g: &T, x: Scalar, y: &T, out: &T) -> T {
    match x {
        Scalar::Complex(..) => g * c(&(out * &ops::log(ops::new_full(out, [0i64; 0], x)))),
        _ if x.is_zero() => ops::where_(not_negative(y), 0.0, g * &(out * f64::NEG_INFINITY)),
        _ => {
            let log = ops::log(ops::new_full(out, [0i64; 0], x));
            g * &c(&(out * &log))
        }
    }
}

/// `g` but where x loses, half of it where both are equal; beside NaN neither loses.
pub fn share(g: &T, x: &T, y: &T, loses: T) -> T {
    ops::where_(loses, 0.0, ops::where_(ops::eq(x, y), g / 2.0, g))
}

/// `g` where x lies within the limits.
pub fn inside(g: &T, x: &T, min: Option<Scalar>, max: Option<Scalar>) -> T {
    let within = match (min, max) {
        (Some(min), Some(max)) => ops::logical_and(ops::ge(x, min), ops::le(x, max)),
        (Some(min), None) => ops::ge(x, min),
        (None, Some(max)) => ops::le(x, max),
        (None, None) => return g.clone(),
    };
    ops::where_(within, g, 0.0)
}

/// `g` but where x lies within `width` of zero.
pub fn beyond(g: &T, x: &T, width: Scalar) -> T {
    let within = ops::logical_and(ops::ge(x, -width.to_f64()), ops::le(x, width));
    ops::where_(within, 0.0, g)
}

/// `g` where x lies within limits that are tensors, either of which may be absent.
pub fn inside_tensors(g: &T, x: &T, min: &T, max: &T) -> T {
    let mut out = g.clone();
    if !min.is_none() {
        out = ops::where_(ops::ge(x, min), out, 0.0);
    }
    if !max.is_none() {
        out = ops::where_(ops::le(x, max), out, 0.0);
    }
    out
}

/// `g` where the lower limit is the result.
pub fn at_min(g: &T, x: &T, min: &T, max: &T) -> T {
    if min.is_none() {
        return min.clone();
    }
    let out = ops::where_(ops::lt(x, min), g, 0.0);
    if max.is_none() { out } else { ops::where_(ops::lt(min, max), out, 0.0) }
}

/// `g` where the upper limit is the result.
pub fn at_max(g: &T, x: &T, min: &T, max: &T) -> T {
    if max.is_none() {
        return max.clone();
    }
    let above = ops::gt(x, max);
    let result = if min.is_none() { above } else { ops::logical_or(above, ops::gt(min, max)) };
    ops::where_(result, g, 0.0)
}

/// Of softplus, by its input times beta; constant from the threshold on.
pub fn softplus(g: &T, scaled: &T, threshold: Scalar) -> T {
    let at_threshold = 1.0 / (1.0 + libm::exp(-threshold.to_f64()));
    let slope = ops::where_(ops::ge(scaled, threshold), at_threshold, ops::sigmoid(scaled));
    ops::where_(ops::gt(scaled, threshold), g, g * &slope)
}

/// The second derivative of gelu: `g · g0 · gelu''(x)`.
pub fn gelu_second(g: &T, g0: &T, x: &T, approximate: &str) -> Result<T> {
    let square = x * x;
    if approximate == "none" {
        let density = ops::exp(&square * -0.5) * 0.398_942_280_401_432_7;
        return Ok(g * g0 * density * (2.0 - square));
    }
    let beta = 0.797_884_560_802_865_4;
    let t = ops::tanh((x + &(&square * x * 0.044715)) * beta);
    let inner = (&square * (3.0 * 0.044715) + 1.0) * beta;
    let slope = 1.0 - &t * &t;
    let second = &slope * &inner - x * &t * &slope * &inner * &inner + x * &slope * x * (3.0 * 0.044715 * beta);
    Ok(g * g0 * second)
}
