//! Special functions of mathematics.

use corten_tables::ops;

ops! { family = special;

/// `-input * log(input)`, 0 at 0 and -∞ below.
special_entr(input: Tensor) -> Tensor { unary(entr, to_float); forms: fn(special) out; domain: any }
/// `exp(input²) erfc(input)`, which does not vanish for large numbers.
special_erfcx(input: Tensor) -> Tensor { unary(erfcx, to_float); forms: fn(special) out; domain: any }
/// The normal distribution's function Φ.
special_ndtr(input: Tensor) -> Tensor { unary(ndtr, to_float); forms: fn(special) out; domain: any }
/// The logarithm of Φ, exact in the tail too.
special_log_ndtr(input: Tensor) -> Tensor { unary(log_ndtr, to_float); forms: fn(special) out; domain: any }
/// The inverse of Φ: the quantile.
special_ndtri(input: Tensor) -> Tensor { unary(ndtri, to_float); forms: fn(special) out; domain: unit }
/// `input * log(1 + other)`, 0 where `input` is 0.
special_xlog1py(input: TensorOrScalar, other: TensorOrScalar) -> Tensor { binary(xlog1py, to_float); forms: fn(special) out; domain: any, positive }
/// Hurwitz' zeta function `Σ (other + k) ** -input` over `k` from 0.
special_zeta(input: TensorOrScalar, other: TensorOrScalar) -> Tensor { binary(zeta, to_float); forms: fn(special) out; domain: real(1.1, 6.0), positive }
/// The share of Γ(`input`) that lies below `other`: the regularised lower incomplete gamma function.
igamma(input: Tensor, other: Tensor) -> Tensor { binary(igamma, to_float); forms: fn method inplace out; domain: positive, positive }
/// The share of Γ(`input`) that lies above `other`: the regularised upper incomplete gamma function.
igammac(input: Tensor, other: Tensor) -> Tensor { binary(igammac, to_float); forms: fn method inplace out; domain: positive, positive }
/// How a gamma-distributed number moves with its shape, at an unchanged share of the distribution below it.
_standard_gamma_grad(input: Tensor, output: Tensor) -> Tensor { binary(standard_gamma_grad, to_float); forms: fn; check: none; nondiff }

/// Airy's function Ai.
special_airy_ai(x: Tensor) -> Tensor { unary(airy_ai, to_float); forms: fn(special) out; domain: real(-12.0, 6.0); nondiff }
/// The Bessel function of the first kind, of order 0.
special_bessel_j0(input: Tensor) -> Tensor { unary(bessel_j0, to_float); forms: fn(special) out; domain: real(-20.0, 20.0); nondiff }
/// The Bessel function of the first kind, of order 1.
special_bessel_j1(input: Tensor) -> Tensor { unary(bessel_j1, to_float); forms: fn(special) out; domain: real(-20.0, 20.0); nondiff }
/// The Bessel function of the second kind, of order 0.
special_bessel_y0(input: Tensor) -> Tensor { unary(bessel_y0, to_float); forms: fn(special) out; domain: real(0.1, 20.0); nondiff }
/// The Bessel function of the second kind, of order 1.
special_bessel_y1(input: Tensor) -> Tensor { unary(bessel_y1, to_float); forms: fn(special) out; domain: real(0.1, 20.0); nondiff }
/// The modified Bessel function of the first kind, of order 0.
special_modified_bessel_i0(input: Tensor) -> Tensor { unary(i0, to_float); forms: fn(special) out; domain: any; nondiff }
/// The modified Bessel function of the first kind, of order 1.
special_modified_bessel_i1(input: Tensor) -> Tensor { unary(i1, to_float); forms: fn(special) out; domain: any; nondiff }
/// The modified Bessel function of the second kind, of order 0.
special_modified_bessel_k0(input: Tensor) -> Tensor { unary(modified_bessel_k0, to_float); forms: fn(special) out; domain: positive; nondiff }
/// The modified Bessel function of the second kind, of order 1.
special_modified_bessel_k1(input: Tensor) -> Tensor { unary(modified_bessel_k1, to_float); forms: fn(special) out; domain: positive; nondiff }
/// `exp(x) modified_bessel_k0(x)`.
special_scaled_modified_bessel_k0(x: Tensor) -> Tensor { unary(scaled_modified_bessel_k0, to_float); forms: fn(special) out; domain: real(0.1, 20.0); nondiff }
/// `exp(x) modified_bessel_k1(x)`.
special_scaled_modified_bessel_k1(x: Tensor) -> Tensor { unary(scaled_modified_bessel_k1, to_float); forms: fn(special) out; domain: real(0.1, 20.0); nondiff }
/// `sin(x) / x`, the spherical Bessel function of order 0.
special_spherical_bessel_j0(x: Tensor) -> Tensor { unary(spherical_bessel_j0, to_float); forms: fn(special) out; domain: real(-20.0, 20.0); nondiff }

/// Chebyshev's polynomial of the first kind, of degree `n`.
special_chebyshev_polynomial_t(x: TensorOrScalar, n: TensorOrScalar) -> Tensor { binary(chebyshev_polynomial_t, to_float); forms: fn(special) out; domain: any, int(0, 8); nondiff }
/// Chebyshev's polynomial of the second kind, of degree `n`.
special_chebyshev_polynomial_u(x: TensorOrScalar, n: TensorOrScalar) -> Tensor { binary(chebyshev_polynomial_u, to_float); forms: fn(special) out; domain: any, int(0, 8); nondiff }
/// Chebyshev's polynomial of the third kind, of degree `n`.
special_chebyshev_polynomial_v(x: TensorOrScalar, n: TensorOrScalar) -> Tensor { binary(chebyshev_polynomial_v, to_float); forms: fn(special) out; domain: any, int(0, 8); nondiff }
/// Chebyshev's polynomial of the fourth kind, of degree `n`.
special_chebyshev_polynomial_w(x: TensorOrScalar, n: TensorOrScalar) -> Tensor { binary(chebyshev_polynomial_w, to_float); forms: fn(special) out; domain: any, int(0, 8); nondiff }
/// Chebyshev's polynomial of the first kind, of degree `n` at `2 x - 1`.
special_shifted_chebyshev_polynomial_t(x: TensorOrScalar, n: TensorOrScalar) -> Tensor { binary(shifted_chebyshev_polynomial_t, to_float); forms: fn(special) out; domain: any, int(0, 8); nondiff }
/// Chebyshev's polynomial of the second kind, of degree `n` at `2 x - 1`.
special_shifted_chebyshev_polynomial_u(x: TensorOrScalar, n: TensorOrScalar) -> Tensor { binary(shifted_chebyshev_polynomial_u, to_float); forms: fn(special) out; domain: any, int(0, 8); nondiff }
/// Chebyshev's polynomial of the third kind, of degree `n` at `2 x - 1`.
special_shifted_chebyshev_polynomial_v(x: TensorOrScalar, n: TensorOrScalar) -> Tensor { binary(shifted_chebyshev_polynomial_v, to_float); forms: fn(special) out; domain: any, int(0, 8); nondiff }
/// Chebyshev's polynomial of the fourth kind, of degree `n` at `2 x - 1`.
special_shifted_chebyshev_polynomial_w(x: TensorOrScalar, n: TensorOrScalar) -> Tensor { binary(shifted_chebyshev_polynomial_w, to_float); forms: fn(special) out; domain: any, int(0, 8); nondiff }
/// Hermite's polynomial of degree `n`, orthogonal under `exp(-x²)`.
special_hermite_polynomial_h(x: TensorOrScalar, n: TensorOrScalar) -> Tensor { binary(hermite_polynomial_h, to_float); forms: fn(special) out; domain: any, int(0, 8); nondiff }
/// Hermite's polynomial of degree `n`, orthogonal under `exp(-x² / 2)`.
special_hermite_polynomial_he(x: TensorOrScalar, n: TensorOrScalar) -> Tensor { binary(hermite_polynomial_he, to_float); forms: fn(special) out; domain: any, int(0, 8); nondiff }
/// Laguerre's polynomial of degree `n`.
special_laguerre_polynomial_l(x: TensorOrScalar, n: TensorOrScalar) -> Tensor { binary(laguerre_polynomial_l, to_float); forms: fn(special) out; domain: any, int(0, 8); nondiff }
/// Legendre's polynomial of degree `n`.
special_legendre_polynomial_p(x: TensorOrScalar, n: TensorOrScalar) -> Tensor { binary(legendre_polynomial_p, to_float); forms: fn(special) out; domain: any, int(0, 8); nondiff }

}
