//! Functions of two arrays, either of which may be a number.

use crate::driver::{Src, execute, flat};
use crate::halves::{of_bf16, of_f16};
use crate::kernel::{Kernel, Map2, Row, column, first, group_trait, habit, kernel2, operators, result, row};
use crate::math::{Bits, Field, Float, Num, Real, gamma, polynomials, special};
use crate::unary::{Unary, unary};
use corten_base::element::{b8, c64, c128};
use corten_base::{DType, Flat, Operand, Result, Scalar, fail};

/// `out = op(x, y)` for each element, computed in type `compute`. Arrays have `out`'s sizes and any dtype.
///
/// # Errors
/// Where the sizes differ, `out` is expanded, the operator does not exist in that type, or an integer is divided by
/// zero (`ZeroDivisionError`, as PyTorch says it) or raised to a negative number.
#[inline]
pub fn binary(op: Binary, compute: DType, out: Operand, x: Src, y: Src) -> Result<()> {
    if let (Binary::pow, Src::Operand(base), Src::Scalar(exponent)) = (op, x, y) {
        if compute.is_integral(false) && matches!(exponent, Scalar::Int(e) if e < 0) {
            fail!(Runtime, "Integers to negative integer powers are not allowed.");
        }
        if let Some(op) = power(compute, exponent) {
            return unary(op, compute, out, base);
        }
    }
    if let Some(kernel) = narrow_kernel(op, compute, &out, x, y) {
        return execute(kernel, out, &[x, y]);
    }
    execute(op.find(compute)?, out, &[x, y])
}

/// The same of two arrays whose elements lie in a row, as the result's; false where that is not so simple.
#[inline]
pub fn binary_flat(op: Binary, compute: DType, out: Flat, x: Flat, y: Flat) -> Result<bool> {
    if compute == DType::I32
        && let Some(kernel) = narrow(op, x.dtype())
    {
        return flat(kernel, out, [x, y]);
    }
    flat(op.find(compute)?, out, [x, y])
}

/// The kernel in the type of one or two bytes that arrays, numbers and result share, if there is one. (A number beside
/// halves need not be a half.)
#[inline]
fn narrow_kernel(op: Binary, compute: DType, out: &Operand, x: Src, y: Src) -> Option<&'static Kernel> {
    let ((Src::Operand(array), _) | (_, Src::Operand(array))) = (x, y) else { return None };
    let dtype = array.dtype();
    if dtype == compute || dtype.compute() != compute {
        return None;
    }
    let kernel = narrow(op, dtype)?;
    let has_type = |input| match input {
        Src::Operand(x) => x.dtype() == dtype,
        Src::Scalar(Scalar::Int(value)) => match dtype {
            DType::U8 => u8::try_from(value).is_ok(),
            DType::I8 => i8::try_from(value).is_ok(),
            DType::I16 => i16::try_from(value).is_ok(),
            _ => false,
        },
        Src::Scalar(_) => false,
    };
    (out.dtype() == kernel.output && has_type(x) && has_type(y)).then_some(kernel)
}

/// Operators whose result in a narrow type is that of int32, wrapped around, and those with loops of halves.
macro_rules! narrow {
    ($($name:ident)*; $($float:ident)*) => {
        fn narrow(op: Binary, dtype: DType) -> Option<&'static Kernel> {
            if matches!(dtype, DType::F16 | DType::BF16) {
                let kernels: &'static [Option<Kernel>; 2] = match op {
                    $(Binary::$float => const { &[of_f16::<op::$float>(), of_bf16::<op::$float>()] })*
                    _ => return None,
                };
                return kernels[usize::from(dtype == DType::BF16)].as_ref();
            }
            let kernels: &'static [Option<Kernel>; 3] = match op {
                $(Binary::$name => const {
                    &[kernel2::<u8, op::$name>(), kernel2::<i8, op::$name>(), kernel2::<i16, op::$name>()]
                })*
                _ => return None,
            };
            match dtype {
                DType::U8 => kernels[0].as_ref(),
                DType::I8 => kernels[1].as_ref(),
                DType::I16 => kernels[2].as_ref(),
                _ => None,
            }
        }
    };
}

narrow! { add sub mul eq ne lt le gt ge bitwise_and bitwise_or bitwise_xor; add sub mul div }

/// The function that a power with a constant exponent is, as PyTorch chooses it.
fn power(compute: DType, exponent: Scalar) -> Option<Unary> {
    if !compute.is_differentiable() || matches!(exponent, Scalar::Complex(_, im) if im != 0.0) {
        return None;
    }
    let exponent = exponent.to_f64();
    if exponent == 1.0 {
        Some(Unary::positive)
    } else if exponent == 2.0 {
        Some(Unary::square)
    } else if exponent == 3.0 {
        Some(Unary::cube)
    } else if exponent == 0.5 {
        Some(Unary::sqrt)
    } else if exponent == -0.5 {
        Some(Unary::rsqrt)
    } else if exponent == -1.0 {
        Some(Unary::reciprocal)
    } else if exponent == -2.0 {
        Some(Unary::reciprocal_square)
    } else {
        None
    }
}

operators! {
    /// Functions of two arguments.
    Binary(Map2, kernel2);

    add: all, updates, holds |x, y| x.add(y);
    sub: num, updates, holds |x, y| x.sub(y);
    mul: all, updates, holds |x, y| x.mul(y);
    div: field, updates, holds |x, y| x.div(y);
    /// The quotient rounded down.
    div_floor: real |x, y| x.div_floor(y), refuse |_, y| y.is_bad_divisor() => "ZeroDivisionError",
        rare |x, y| x.is_vast_quotient(y) => x.div_floor_vast(y);
    /// The quotient rounded towards zero.
    div_trunc: real |x, y| x.div_trunc(y), refuse |_, y| y.is_bad_divisor() => "ZeroDivisionError";
    /// Python's `%`.
    remainder: real |x, y| x.remainder(y), refuse |_, y| y.is_bad_divisor() => "ZeroDivisionError",
        rare |x, y| x.is_vast_quotient(y) => x.remainder_vast(y);
    /// C's `%`.
    fmod: real |x, y| x.fmod(y), refuse |_, y| y.is_bad_divisor() => "ZeroDivisionError",
        rare |x, y| x.is_vast_quotient(y) => x.fmod_vast(y);
    pow: all |x, y| x.pow(y);
    /// NaN if either is.
    maximum: ordered, holds |x, y| if x > y || x.is_nan() { x } else { y };
    /// NaN if either is.
    minimum: ordered, holds |x, y| if x < y || x.is_nan() { x } else { y };
    /// NaN only if both are.
    fmax: ordered |x, y| if x >= y || y.is_nan() { x } else { y };
    /// NaN only if both are.
    fmin: ordered |x, y| if x <= y || y.is_nan() { x } else { y };

    eq: all -> bool |x, y| b8((x == y) as u8);
    ne: all -> bool |x, y| b8((x != y) as u8);
    lt: ordered -> bool |x, y| b8((x < y) as u8);
    le: ordered -> bool |x, y| b8((x <= y) as u8);
    gt: ordered -> bool |x, y| b8((x > y) as u8);
    ge: ordered -> bool |x, y| b8((x >= y) as u8);
    logical_and: all -> bool |x, y| b8((x.truth() & y.truth()) as u8);
    logical_or: all -> bool |x, y| b8((x.truth() | y.truth()) as u8);
    logical_xor: all -> bool |x, y| b8((x.truth() ^ y.truth()) as u8);

    bitwise_and: logic |x, y| x.and(y);
    bitwise_or: logic |x, y| x.or(y);
    bitwise_xor: logic |x, y| x.xor(y);
    shift_left: int |x, y| x.shl(y);
    shift_right: int |x, y| x.shr(y);
    gcd: int |x, y| x.gcd(y);
    lcm: int |x, y| x.lcm(y);

    atan2: float |y, x| y.atan2(x);
    hypot: float |x, y| x.hypot(y);
    /// The derivative of order n of digamma.
    polygamma: float |n, x| n.polygamma(x);
    copysign: float |x, y| x.copysign(y);
    nextafter: float |x, y| x.nextafter(y);
    /// x · log(y), 0 where x is 0 and y is not NaN.
    xlogy: float |x, y| {
        let product = x.mul(y.log());
        if y.is_nan() { y } else if x.truth() { product } else { T::zero() }
    };
    /// x · log(1 + y), 0 where x is 0 and y is not NaN.
    xlog1py: float |x, y| {
        let product = x.mul(y.log1p());
        if y.is_nan() { y } else if x.truth() { product } else { T::zero() }
    };
    igamma: float |a, x| T::c(gamma::igamma(a.double(), x.double()));
    igammac: float |a, x| T::c(gamma::igammac(a.double(), x.double()));
    /// How x, distributed as Γ(a), moves with a.
    standard_gamma_grad: float |a, x| T::c(gamma::moved(a.double(), x.double()));
    /// Hurwitz' zeta function.
    zeta: float |s, q| T::c(special::hurwitz(s.double(), q.double()));
    /// log(eˣ + eʸ), without overflow.
    logaddexp: float |x, y| {
        let high = if x > y || x.is_nan() { x } else { y };
        let sum = high.add(x.sub(y).fabs().neg().exp().log1p());
        if high.is_inf() && x == y { high } else { sum }
    };
    /// log₂(2ˣ + 2ʸ), without overflow.
    logaddexp2: float |x, y| {
        let high = if x > y || x.is_nan() { x } else { y };
        let sum = high.add(x.sub(y).fabs().neg().exp2().log1p().mul(T::c(std::f64::consts::LOG2_E)));
        if high.is_inf() && x == y { high } else { sum }
    };
    /// 0 for negative x, 1 for positive, y for zero.
    heaviside: ordered |x, y| if x.truth() { if x > T::zero() { T::ONE } else { T::zero() } } else { y };
    /// The complex number of this length and angle.
    polar: float -> complex |length, angle| T::complex(length.mul(angle.cos()), length.mul(angle.sin())),
        rare |length, angle| angle.is_vast_angle() =>
            T::complex(length.mul(angle.cos_vast()), length.mul(angle.sin_vast()));
    /// The complex number of these parts.
    complex: float -> complex |re, im| T::complex(re, im);

    chebyshev_polynomial_t: float |x, n| T::c(polynomials::chebyshev_t(x.double(), n.double()));
    chebyshev_polynomial_u: float |x, n| T::c(polynomials::chebyshev_u(x.double(), n.double()));
    chebyshev_polynomial_v: float |x, n| T::c(polynomials::chebyshev_v(x.double(), n.double()));
    chebyshev_polynomial_w: float |x, n| T::c(polynomials::chebyshev_w(x.double(), n.double()));
    shifted_chebyshev_polynomial_t: float |x, n| T::c(polynomials::chebyshev_t(2.0 * x.double() - 1.0, n.double()));
    shifted_chebyshev_polynomial_u: float |x, n| T::c(polynomials::chebyshev_u(2.0 * x.double() - 1.0, n.double()));
    shifted_chebyshev_polynomial_v: float |x, n| T::c(polynomials::chebyshev_v(2.0 * x.double() - 1.0, n.double()));
    shifted_chebyshev_polynomial_w: float |x, n| T::c(polynomials::chebyshev_w(2.0 * x.double() - 1.0, n.double()));
    hermite_polynomial_h: float |x, n| T::c(polynomials::hermite_h(x.double(), n.double()));
    hermite_polynomial_he: float |x, n| T::c(polynomials::hermite_he(x.double(), n.double()));
    laguerre_polynomial_l: float |x, n| T::c(polynomials::laguerre(x.double(), n.double())),
        refuse |_, n| n > T::c(polynomials::HIGHEST) => "laguerre_polynomial_l: the degree must not be above 100000";
    legendre_polynomial_p: float |x, n| T::c(polynomials::legendre(x.double(), n.double())),
        refuse |_, n| n > T::c(polynomials::HIGHEST) => "legendre_polynomial_p: the degree must not be above 100000";

    /// g · (1 - y) · y, for y = sigmoid(x).
    sigmoid_backward: field |g, y| g.mul(T::ONE.sub(y).mul(y).conj());
    /// g · (1 - y²), for y = tanh(x).
    tanh_backward: field |g, y| g.mul(T::ONE.sub(y.mul(y)).conj());
    /// g where x is positive, 0 elsewhere.
    threshold_backward: real |g, x| if x <= T::zero() { T::zero() } else { g };
    /// g · (Φ(x) + x φ(x)), with the normal distribution's Φ and φ.
    gelu_backward: float |g, x| {
        let (area, density) = x.normal();
        g.mul(x.mul_add(density, area))
    };
    /// The derivative of the approximation with tanh.
    gelu_tanh_backward: float |g, x| {
        let beta = T::c(0.797_884_560_802_865_4);
        let square = x.mul(x);
        let tanh = square.mul(x).mul_add(T::c(0.044715), x).mul(beta).tanh();
        let inner = square.mul_add(T::c(3.0 * 0.044715), T::ONE).mul(beta);
        let right = x.mul(T::c(0.5)).mul(T::ONE.sub(tanh.mul(tanh))).mul(inner);
        g.mul(T::ONE.add(tanh).mul(T::c(0.5)).add(right))
    };
    /// g · s (1 + x (1 - s)), for s = sigmoid(x).
    silu_backward: field |g, x| {
        let sigmoid = x.sigmoid();
        g.mul(sigmoid.mul(T::ONE.add(x.mul(T::ONE.sub(sigmoid)))).conj())
    };
    /// x, or slope · x where x is not positive.
    leaky_relu: float |x, slope| if x > T::zero() { x } else { x.mul(slope) };
    /// x, nearer to zero by `width`; NaN stays.
    softshrink: float, holds |x, width| {
        let within = x.mul(T::zero());
        let below = if x < width.neg() { x.add(width) } else { within };
        if x > width { x.sub(width) } else { below }
    };
    /// x, but 0 up to `width` from zero.
    hardshrink: float, holds |x, width| if x >= width.neg() && x <= width { T::zero() } else { x };
}
