//! Functions of one array.

use crate::driver::{Src, execute, flat};
use crate::kernel::{Kernel, Map1, Row, column, first, group_trait, kernel1, operators, result, row};
use crate::math::{Bits, Field, Float, Num, Real, bessel, double, error, normal};
use corten_base::element::{b8, c64, c128};
use corten_base::{DType, Flat, Operand, Result, fail};

/// `out = op(x)` for each element, computed in type `compute`. `x` has `out`'s sizes; either may have any dtype.
///
/// # Errors
/// Where the sizes differ, `out` is expanded, or the operator does not exist in that type.
#[inline]
pub fn unary(op: Unary, compute: DType, out: Operand, x: Operand) -> Result<()> {
    execute(op.find(compute)?, out, &[Src::Operand(x)])
}

/// The same of an array whose elements lie in a row, as the result's; false where that is not so simple.
#[inline]
pub fn unary_flat(op: Unary, compute: DType, out: Flat, x: Flat) -> Result<bool> {
    flat(op.find(compute)?, out, [x])
}

operators! {
    /// Functions of one argument.
    Unary(Map1, kernel1);

    neg: num |x| x.neg();
    abs: all -> real |x| x.abs();
    sign: ordered |x| x.sgn();
    sgn: all |x| x.sgn();
    positive: all |x| x;
    square: all |x| x.mul(x);
    cube: num |x| x.mul(x).mul(x);
    /// 1 / x².
    reciprocal_square: field |x| T::ONE.div(x.mul(x));
    reciprocal: field |x| T::ONE.div(x);
    sqrt: field |x| x.sqrt();
    rsqrt: field |x| T::ONE.div(x.sqrt());

    exp: field |x| x.exp();
    exp2: field |x| x.exp2();
    expm1: field |x| x.expm1();
    log: field |x| x.log();
    log2: field |x| x.log2();
    log10: field |x| x.log10();
    log1p: field |x| x.log1p();

    sin: field |x| x.sin(), rare |x| x.is_vast_angle() => x.sin_vast();
    cos: field |x| x.cos(), rare |x| x.is_vast_angle() => x.cos_vast();
    tan: field |x| x.tan(), rare |x| x.is_vast_angle() => x.tan_vast();
    asin: field |x| x.asin();
    acos: field |x| x.acos();
    atan: field |x| x.atan();
    sinh: field |x| x.sinh();
    cosh: field |x| x.cosh();
    tanh: field |x| x.tanh();
    asinh: field |x| x.asinh();
    acosh: field |x| x.acosh();
    atanh: field |x| x.atanh();
    sinc: field |x| {
        let y = x.mul(T::c(std::f64::consts::PI));
        if x.truth() { y.sin().div(y) } else { T::ONE }
    }, rare |x| x.mul(T::c(std::f64::consts::PI)).is_vast_angle() => {
        let y = x.mul(T::c(std::f64::consts::PI));
        y.sin_vast().div(y)
    };
    deg2rad: float |x| x.mul(T::c(std::f64::consts::PI / 180.0));
    rad2deg: float |x| x.mul(T::c(180.0 / std::f64::consts::PI));

    erf: float |x| x.erf();
    erfc: float |x| x.erfc();
    erfinv: float |x| x.erfinv(), rare |x| x.is_near_one() => T::c(normal::erfinv_far(x.double()));
    /// The normal distribution's Φ.
    ndtr: float |x| x.ndtr();
    lgamma: float |x| x.lgamma();
    digamma: float |x| x.digamma();
    i0: float |x| x.i0();
    i0e: float |x| x.i0e();
    i1: float |x| x.i1();
    i1e: float |x| x.i1e();
    /// -x log x, 0 at 0.
    entr: float |x| {
        let below = if x.truth() { T::c(f64::NEG_INFINITY) } else { T::zero() };
        if x > T::zero() { x.mul(x.log()).neg() } else if x.is_nan() { x } else { below }
    };
    erfcx: float |x| T::c(error::erfcx(x.double()));
    log_ndtr: float |x| T::c(error::log_ndtr(x.double()));
    ndtri: float |x| T::c(normal::ndtri(x.double())),
        rare |x| normal::is_tail(x.double()) => T::c(normal::ndtri_far(x.double()));
    bessel_j0: float |x| T::c(libm::j0(x.double()));
    bessel_j1: float |x| T::c(libm::j1(x.double()));
    bessel_y0: float |x| T::c(libm::y0(x.double()));
    bessel_y1: float |x| T::c(libm::y1(x.double()));
    modified_bessel_k0: float |x| T::c(bessel::k0(x.double()));
    modified_bessel_k1: float |x| T::c(bessel::k1(x.double()));
    scaled_modified_bessel_k0: float |x| T::c(bessel::k0e(x.double()));
    scaled_modified_bessel_k1: float |x| T::c(bessel::k1e(x.double()));
    spherical_bessel_j0: float |x| T::c(bessel::spherical(x.double()));
    airy_ai: float |x| T::c(bessel::airy(x.double()));
    /// The number divided by a power of two, so that it lies within one half and one.
    mantissa: float |x| T::c(double::fraction(x.double()).0);
    /// The exponent of that power.
    exponent: float |x| T::c(double::fraction(x.double()).1);

    floor: real |x| x.floor();
    ceil: real |x| x.ceil();
    /// To the nearest integer, ties to even.
    round: real |x| x.round();
    trunc: real |x| x.trunc();
    frac: float |x| x.sub(x.trunc());

    bitwise_not: logic |x| x.not();
    logical_not: all -> bool |x| b8(!x.truth() as u8);
    isnan: all -> bool |x| b8(x.is_nan() as u8);
    isinf: all -> bool |x| b8(x.is_inf() as u8);
    isfinite: all -> bool |x| b8((!x.is_nan() && !x.is_inf()) as u8);
    isposinf: ordered -> bool |x| b8((x.is_inf() & (x > T::zero())) as u8);
    isneginf: ordered -> bool |x| b8((x.is_inf() & (x < T::zero())) as u8);
    signbit: ordered -> bool |x| b8(x.signbit() as u8);

    conj: all |x| x.conj();
    angle: field -> real |x| x.angle();

    sigmoid: field |x| x.sigmoid();
    /// log(x / (1 - x)).
    logit: float |x| x.logit();
    /// log(sigmoid(x)), without overflow.
    logsigmoid: float |x| lesser(x, T::zero()).sub(x.fabs().neg().exp().log1p());
    relu: real |x| greater(x, T::zero());
    /// x · sigmoid(x).
    silu: field |x| x.silu();
    /// x · Φ(x), with the normal distribution's Φ.
    gelu: float |x| x.gelu();
    /// The approximation 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))), by 1 + tanh(y) = 2 / (1 + exp(-2 y)).
    gelu_tanh: float |x| {
        let x = x.double();
        let cubic = (x * x * x).mul_add(0.044715, x);
        T::c(x / (1.0 + T::wide_exp(cubic * (-2.0 * 0.797_884_560_802_865_4))))
    };
    /// x · tanh(softplus(x)), by tanh(log(1 + y)) = y (y + 2) / (y (y + 2) + 2).
    mish: float |x| {
        let x = x.double();
        let growth = T::wide_exp(lesser(x, 20.0));
        let product = growth * (growth + 2.0);
        T::c(x * (product / (product + 2.0)))
    };
    hardsigmoid: float |x| clip(x.add(T::c(3.0)), T::c(6.0)).div(T::c(6.0));
    hardswish: float |x| x.mul(clip(x.add(T::c(3.0)), T::c(6.0))).div(T::c(6.0));
}

/// The lesser; NaN if the first is.
#[inline(always)]
fn lesser<T: Real>(x: T, y: T) -> T {
    if x > y { y } else { x }
}

/// The greater; NaN if the first is.
#[inline(always)]
fn greater<T: Real>(x: T, y: T) -> T {
    if x < y { y } else { x }
}

/// Clipped to `0..=high`; NaN stays.
#[inline(always)]
fn clip<T: Real>(x: T, high: T) -> T {
    lesser(greater(x, T::zero()), high)
}
