//! Functions of one tensor, element by element.

use crate::Tensor;
use crate::body::in_single;
use crate::lazy::T;
use crate::rules::checks;
use crate::value::Value;
use corten_tables::ops;

ops! { family = unary;

/// `-input`.
neg(input: Tensor) -> Tensor { unary(neg, default, checks::negation); forms: fn method inplace out; alias: negative; domain: any }
/// The tensor itself: `+input`.
positive(input: Tensor) -> Tensor { composite: { checks::plus(args)?; T::from(input) }; forms: fn method; domain: any }
/// Absolute value; of a complex number its modulus.
abs(input: Tensor) -> Tensor { unary(abs, to_real, checks::magnitude); forms: fn method inplace out; alias: absolute; domain: any }
/// -1, 0 or 1.
sign(input: Tensor) -> Tensor { unary(sign, default, checks::real_sign); forms: fn method inplace out; domain: any }
/// The sign; of a complex number the number of length one with its angle.
sgn(input: Tensor) -> Tensor { unary(sgn, default); forms: fn method inplace out; domain: any }
/// `input ** 2`.
square(input: Tensor) -> Tensor { composite: super::binary::pow(input, 2); forms: fn method inplace out; domain: any }
/// `1 / input`.
reciprocal(input: Tensor) -> Tensor { unary(reciprocal, to_float); forms: fn method inplace out; domain: positive }
/// Square root.
sqrt(input: Tensor) -> Tensor { unary(sqrt, to_float); forms: fn method inplace out; domain: positive }
/// `1 / sqrt(input)`.
rsqrt(input: Tensor) -> Tensor { unary(rsqrt, to_float); forms: fn method inplace out; domain: positive }

/// e to the power of each element.
exp(input: Tensor) -> Tensor { unary(exp, to_float); forms: fn method inplace out; domain: real(-20.0, 20.0) }
/// 2 to the power of each element.
exp2(input: Tensor) -> Tensor { unary(exp2, to_float); forms: fn method inplace out; domain: real(-20.0, 20.0) }
/// `exp(input) - 1`, exact near zero.
expm1(input: Tensor) -> Tensor { unary(expm1, to_float); forms: fn method inplace out; domain: real(-20.0, 20.0) }
/// Natural logarithm.
log(input: Tensor) -> Tensor { unary(log, to_float); forms: fn method inplace out; domain: positive }
/// Logarithm to base 2.
log2(input: Tensor) -> Tensor { unary(log2, to_float); forms: fn method inplace out; domain: positive }
/// Logarithm to base 10.
log10(input: Tensor) -> Tensor { unary(log10, to_float); forms: fn method inplace out; domain: positive }
/// `log(1 + input)`, exact near zero.
log1p(input: Tensor) -> Tensor { unary(log1p, to_float); forms: fn method inplace out; domain: positive }

/// Sine.
sin(input: Tensor) -> Tensor { unary(sin, to_float); forms: fn method inplace out; domain: real(-10.0, 10.0) }
/// Cosine.
cos(input: Tensor) -> Tensor { unary(cos, to_float); forms: fn method inplace out; domain: real(-10.0, 10.0) }
/// Tangent.
tan(input: Tensor) -> Tensor { unary(tan, to_float); forms: fn method inplace out; domain: real(-1.5, 1.5) }
/// Inverse sine.
asin(input: Tensor) -> Tensor { unary(asin, to_float); forms: fn method inplace out; alias: arcsin; domain: real(-0.99, 0.99) }
/// Inverse cosine.
acos(input: Tensor) -> Tensor { unary(acos, to_float); forms: fn method inplace out; alias: arccos; domain: real(-0.99, 0.99) }
/// Inverse tangent.
atan(input: Tensor) -> Tensor { unary(atan, to_float); forms: fn method inplace out; alias: arctan; domain: any }
/// Hyperbolic sine.
sinh(input: Tensor) -> Tensor { unary(sinh, to_float); forms: fn method inplace out; domain: real(-10.0, 10.0) }
/// Hyperbolic cosine.
cosh(input: Tensor) -> Tensor { unary(cosh, to_float); forms: fn method inplace out; domain: real(-10.0, 10.0) }
/// Hyperbolic tangent.
tanh(input: Tensor) -> Tensor { unary(tanh, to_float); forms: fn method inplace out; domain: any }
/// Inverse hyperbolic sine.
asinh(input: Tensor) -> Tensor { unary(asinh, to_float); forms: fn method inplace out; alias: arcsinh; domain: any }
/// Inverse hyperbolic cosine.
acosh(input: Tensor) -> Tensor { unary(acosh, to_float); forms: fn method inplace out; alias: arccosh; domain: real(1.1, 10.0) }
/// Inverse hyperbolic tangent.
atanh(input: Tensor) -> Tensor { unary(atanh, to_float); forms: fn method inplace out; alias: arctanh; domain: real(-0.99, 0.99) }
/// `sin(π input) / (π input)`, 1 at zero.
sinc(input: Tensor) -> Tensor { unary(sinc, to_float); forms: fn method inplace out; domain: any }
/// Degrees to radians.
deg2rad(input: Tensor) -> Tensor { unary(deg2rad, to_float); forms: fn method inplace out; domain: any }
/// Radians to degrees.
rad2deg(input: Tensor) -> Tensor { unary(rad2deg, to_float); forms: fn method inplace out; domain: any }

/// The error function.
erf(input: Tensor) -> Tensor { unary(erf, to_float); forms: fn method inplace out; domain: any }
/// `1 - erf(input)`.
erfc(input: Tensor) -> Tensor { unary(erfc, to_float); forms: fn method inplace out; domain: any }
/// The inverse of the error function.
erfinv(input: Tensor) -> Tensor { unary(erfinv, to_float); forms: fn method inplace out; domain: real(-0.99, 0.99) }
/// The logarithm of |Γ(input)|.
lgamma(input: Tensor) -> Tensor { unary(lgamma, to_float); forms: fn method inplace out; domain: positive }
/// The derivative of `lgamma`.
digamma(input: Tensor) -> Tensor { unary(digamma, to_float); forms: fn method inplace out; domain: positive }
/// The logarithm of the multivariate gamma function of dimension `p`.
mvlgamma(input: Tensor, p: int) -> Tensor { composite: mvlgamma_of(input, p)?; forms: fn method inplace out; domain: real(5.0, 10.0), int(1, 4) }
/// The modified Bessel function of the first kind, of order 0.
i0(input: Tensor) -> Tensor { unary(i0, to_float); forms: fn method inplace out; domain: any }
/// `exp(-|input|) i0(input)`.
special_i0e(input: Tensor) -> Tensor { unary(i0e, to_float); forms: fn(special) out; domain: any }
/// The modified Bessel function of the first kind, of order 1.
special_i1(input: Tensor) -> Tensor { unary(i1, to_float); forms: fn(special) out; domain: any }
/// `exp(-|input|) i1(input)`.
special_i1e(input: Tensor) -> Tensor { unary(i1e, to_float); forms: fn(special) out; domain: any }
/// The derivative of order `n` of `digamma`.
polygamma(n: int, input: Tensor) -> Tensor { binary(polygamma, to_float, checks::polygamma); forms: fn out; domain: int(0, 4), positive }
/// The derivative of order `n` of `digamma`.
polygamma.method(input: Tensor, n: int) -> Tensor { composite: polygamma(n, input); forms: method inplace; domain: positive, int(0, 4) }

/// The next integer below.
floor(input: Tensor) -> Tensor { unary(floor, default, checks::floor); forms: fn method inplace out; domain: any }
/// The next integer above.
ceil(input: Tensor) -> Tensor { unary(ceil, default, checks::ceil); forms: fn method inplace out; domain: any }
/// The nearest integer, ties to even.
round(input: Tensor) -> Tensor { unary(round, default, checks::round); forms: fn method inplace out; domain: any }
/// The nearest number with so many decimals, ties to even.
round.decimals(input: Tensor, *, decimals: int = 0) -> Tensor { composite: round_to(input, decimals); forms: fn method inplace out; domain: any }
/// The integer part.
trunc(input: Tensor) -> Tensor { unary(trunc, default, checks::trunc); forms: fn method inplace out; alias: fix; domain: any }
/// The part behind the decimal point, with the number's sign.
frac(input: Tensor) -> Tensor { unary(frac, default); forms: fn method inplace out; domain: any }

/// All bits inverted; of bool the negation.
bitwise_not(input: Tensor) -> Tensor { unary(bitwise_not, default, checks::inversion); forms: fn method inplace out; domain: int; nondiff }
/// True where `input` is zero.
logical_not(input: Tensor) -> Tensor { unary(logical_not, predicate); forms: fn method inplace out; domain: any; nondiff }
/// True where `input` is not a number.
isnan(input: Tensor) -> Tensor { unary(isnan, predicate); forms: fn method; domain: any; nondiff }
/// True where `input` is infinite.
isinf(input: Tensor) -> Tensor { unary(isinf, predicate); forms: fn method; domain: any; nondiff }
/// True where `input` is a number and not infinite.
isfinite(input: Tensor) -> Tensor { unary(isfinite, predicate); forms: fn method; domain: any; nondiff }
/// True where `input` is +∞.
isposinf(input: Tensor) -> Tensor { unary(isposinf, predicate); forms: fn method out; domain: any; nondiff }
/// True where `input` is -∞.
isneginf(input: Tensor) -> Tensor { unary(isneginf, predicate); forms: fn method out; domain: any; nondiff }
/// True where the sign bit is set.
signbit(input: Tensor) -> Tensor { unary(signbit, predicate, checks::signbit); forms: fn method out; domain: any; nondiff }
/// True where the imaginary part is zero.
isreal(input: Tensor) -> Tensor { composite: if input.dtype().is_complex() { super::compare::eq(super::view::imag(input), 0) } else { super::factory::ones_like_with(input, crate::DType::Bool, None::<bool>, None::<bool>, false, false, crate::device::MemoryFormat::Preserve) }; forms: fn method; domain: any }

/// The complex conjugates; a real tensor itself.
conj(input: Tensor) -> Tensor { composite: if input.dtype().is_complex() { _conj(input) } else { T::from(input) }; forms: fn method; domain: any }
/// The tensor itself: conjugation is never deferred.
resolve_conj(input: Tensor) -> Tensor { composite: T::from(input); forms: fn method; domain: any }
/// The complex conjugates; a real tensor itself.
conj_physical(input: Tensor) -> Tensor { composite: conj(input); forms: fn method inplace out; domain: any }
/// The complex conjugates, computed.
_conj(input: Tensor) -> Tensor { unary(conj, default); domain: any }
/// The tensor itself: negation is never deferred.
resolve_neg(input: Tensor) -> Tensor { composite: T::from(input); forms: fn method; domain: any }
/// The angle of a complex number; of a real number 0 or π.
angle(input: Tensor) -> Tensor { unary(angle, to_real_float); forms: fn method out; domain: any }

/// `1 / (1 + exp(-input))`.
sigmoid(input: Tensor) -> Tensor { unary(sigmoid, to_float); forms: fn method inplace out; domain: any }
/// `log(input / (1 - input))`; with `eps`, of the input clamped to `[eps, 1 - eps]`.
logit(input: Tensor, eps: float?) -> Tensor { composite: match eps { Some(eps) => _logit(super::compare::clamp_with(input, eps, 1.0 - eps)), None => _logit(input) }; forms: fn method inplace out; domain: unit }
/// `log(input / (1 - input))`.
_logit(input: Tensor) -> Tensor { unary(logit, to_float); domain: unit }
/// Numbers of one half to one, and the exponents of two that they are to be multiplied by; 0 and 0 for 0.
frexp(input: Tensor) -> (mantissa: Tensor, exponent: Tensor) { composite: fraction_and_exponent(input)?; forms: fn method out; domain: any }
/// The numbers that `frexp` gives.
_mantissa(input: Tensor) -> Tensor { unary(mantissa, default); domain: any }
/// The exponents that `frexp` gives, as floats.
_exponent(input: Tensor) -> Tensor { unary(exponent, default); domain: any; nondiff }
/// Not-a-number and infinities replaced: by default by 0 and the largest finite numbers.
nan_to_num(input: Tensor, nan: float?, posinf: float?, neginf: float?) -> Tensor { composite: finite(input, nan, posinf, neginf); forms: fn method inplace out; domain: any }
/// A real float, with other numbers for NaN, infinity and negative infinity.
_nan_to_num(input: Tensor, nan: Scalar, posinf: Scalar, neginf: Scalar) -> Tensor { quaternary(nan_to_num, default, 0..1); domain: any, scalar, scalar, scalar }

}

/// At the scale of the decimal, as PyTorch rounds: by a multiplication or division, never by decimal arithmetic.
fn round_to(input: &Tensor, decimals: i64) -> crate::Result<T> {
    if decimals == 0 {
        return Ok(round(input));
    }
    if !input.dtype().is_float() {
        return input.dtype().unsupported("round_cpu");
    }
    let scale = libm::pow(10.0, decimals.unsigned_abs() as f64);
    in_single(input.dtype(), [input], |[x]| {
        Ok(if decimals > 0 { round(x * scale) / scale } else { round(x / scale) * scale })
    })
}

fn fraction_and_exponent(input: &Tensor) -> crate::Result<Vec<Tensor>> {
    if !input.dtype().is_float() {
        crate::fail!(Runtime, "torch.frexp() only supports floating-point dtypes");
    }
    let exponent = super::cast::to(_exponent(input), crate::DType::I32);
    Ok(vec![_mantissa(input).tensor()?, exponent.tensor()?])
}

fn mvlgamma_of(input: &Tensor, p: i64) -> crate::Result<T> {
    if p < 1 {
        crate::fail!(Runtime, "p has to be greater than or equal to 1");
    }
    if input.dtype() == crate::DType::Bool {
        crate::fail!(Runtime, "The input tensor may not be a boolean tensor.");
    }
    let p = p as f64;
    let constant = 0.25 * p * (p - 1.0) * 1.144_729_885_849_400_2;
    let dtype = super::reduce::float_of(input).tensor()?.dtype();
    let (none, device) = (Value::None, input.device());
    let steps = super::factory::arange_start_with(0.5 * (1.0 - p), 0.5, 0.5, dtype, none, device, false, false);
    let terms = lgamma(super::view::unsqueeze(input, -1) + steps);
    Ok(super::reduce::sum_dim_with(terms, [-1], false, Value::None) + constant)
}

fn finite(input: &Tensor, nan: Option<f64>, posinf: Option<f64>, neginf: Option<f64>) -> crate::Result<T> {
    let dtype = input.dtype();
    if dtype.is_integral(true) {
        return Ok(super::cast::clone(input));
    }
    if dtype.is_complex() {
        let part = |part: T| finite(&part.tensor()?, nan, posinf, neginf);
        return Ok(super::binary::complex(part(super::view::real(input))?, part(super::view::imag(input))?));
    }
    let largest = checks::largest(dtype);
    Ok(_nan_to_num(input, nan.unwrap_or(0.0), posinf.unwrap_or(largest), neginf.unwrap_or(-largest)))
}
