//! Decompositions and solvers, by the array backend.

use super::all::*;
use crate::fail;
use crate::rules::linalg as rules;
use corten_tables::ops;
use smallvec::smallvec;

ops! { family = linalg;

/// `A = U diag(S) Vh`, singular values in falling order.
linalg_svd(A: Tensor, full_matrices: bool = true) -> (U: Tensor, S: Tensor, Vh: Tensor) { meta: rules::svd(A, full_matrices); array: "linalg_svd"; forms: fn(linalg) out; domain: matrix(3, 4) }
/// `A = Q R` with orthonormal columns in `Q` and an upper triangle in `R`.
linalg_qr(A: Tensor, mode: str = "reduced") -> (Q: Tensor, R: Tensor) { meta: rules::qr(A, mode); array: "linalg_qr"; forms: fn(linalg) out; domain: matrix(4, 3) }
/// Eigenvalues in rising order, and eigenvectors, of symmetric or Hermitian matrices.
linalg_eigh(A: Tensor, UPLO: str = "L") -> (eigenvalues: Tensor, eigenvectors: Tensor) { meta: rules::eigh(A, UPLO); array: "linalg_eigh"; forms: fn(linalg) out; domain: symmetric(3) }
/// Eigenvalues and eigenvectors.
linalg_eig(A: Tensor) -> (eigenvalues: Tensor, eigenvectors: Tensor) { meta: rules::eig(A); array: "linalg_eig"; forms: fn(linalg) out; domain: matrix(3, 3) }
/// Eigenvalues.
linalg_eigvals(A: Tensor) -> Tensor { composite: linalg_eig(A).pick(0); forms: fn(linalg) out; domain: matrix(3, 3) }
/// The matrices' inverses.
linalg_inv(A: Tensor) -> Tensor { meta: rules::square_meta("inv", A, |n| smallvec![n, n]); array: "linalg_inv"; forms: fn(linalg) out; domain: invertible(3) }
/// The `X` with `A X = B`, or `X A = B` where `left` is false.
linalg_solve(A: Tensor, B: Tensor, *, left: bool = true) -> Tensor { meta: rules::solve(A, B, left); array: "linalg_solve"; forms: fn(linalg) out; domain: invertible(3), matrix(3, 2) }
/// The matrices' determinants.
linalg_det(A: Tensor) -> Tensor { meta: rules::square_meta("det", A, |_| smallvec![]); array: "linalg_det"; forms: fn(linalg) out; domain: invertible(3) }
/// The signs of determinants, and the logarithms of their magnitudes.
linalg_slogdet(A: Tensor) -> (sign: Tensor, logabsdet: Tensor) { meta: rules::slogdet(A); array: "linalg_slogdet"; forms: fn(linalg) out; domain: invertible(3) }
/// The triangle `L` with `A = L Lᴴ`, or with `upper` its adjoint.
linalg_cholesky(A: Tensor, *, upper: bool = false) -> Tensor { meta: rules::square_meta("cholesky", A, |n| smallvec![n, n]); array: "linalg_cholesky"; forms: fn(linalg) out; domain: positive_definite(3) }
/// `A = P L U`, both triangles in one matrix, and the rows that were exchanged.
linalg_lu_factor(A: Tensor, *, pivot: bool = true) -> (LU: Tensor, pivots: Tensor) { meta: { let _rows = pivot; rules::lu_factor(A) }; array: "linalg_lu_factor"; forms: fn(linalg) out; domain: invertible(3) }
/// `A = P L U`.
linalg_lu(A: Tensor, *, pivot: bool = true) -> (P: Tensor, L: Tensor, U: Tensor) { meta: { let _rows = pivot; rules::lu(A) }; array: "linalg_lu"; forms: fn(linalg) out; domain: invertible(3) }

/// The matrices' determinants.
det(input: Tensor) -> Tensor { composite: linalg_det(input); forms: fn method; domain: invertible(3) }
/// The logarithms of determinants; not-a-number where one is negative.
logdet(input: Tensor) -> Tensor { composite: { let parts = linalg_slogdet(input).tensors()?; let (sign, log) = (&parts[0], &parts[1]); if sign.dtype().is_complex() { add(log, super::unary::log(sign)) } else { where_(eq(sign, -1), f64::NAN, log) } }; forms: fn method; domain: invertible(3) }
/// The signs of determinants, and the logarithms of their magnitudes.
slogdet(input: Tensor) -> (sign: Tensor, logabsdet: Tensor) { composite: linalg_slogdet(input); forms: fn method; domain: invertible(3) }
/// The matrices' inverses.
inverse(input: Tensor) -> Tensor { composite: linalg_inv(input); forms: fn method out; domain: invertible(3) }
/// The triangle `L` with `A = L Lᴴ`, or with `upper` its adjoint.
cholesky(input: Tensor, upper: bool = false) -> Tensor { composite: linalg_cholesky_with(input, upper); forms: fn method out; domain: positive_definite(3) }
/// `A = Q R`; square where `some` is false.
qr(input: Tensor, some: bool = true) -> (Q: Tensor, R: Tensor) { composite: linalg_qr_with(input, if some { "reduced" } else { "complete" }); forms: fn method out; domain: matrix(4, 3) }
/// `A = U diag(S) Vᴴ`; square where `some` is false.
svd(input: Tensor, some: bool = true, compute_uv: bool = true) -> (U: Tensor, S: Tensor, V: Tensor) { composite: { if !compute_uv { fail!(NotImplemented, "svd(): argument 'compute_uv' must be True: use linalg.svdvals") } let mut parts = linalg_svd_with(input, !some).tensors()?; parts[2] = conj(mT(&parts[2])).tensor()?; parts }; forms: fn method out; domain: matrix(3, 4) }
/// Pseudo-inverses.
pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor { python: "corten_tensor_core._linalg:pinv"; forms: fn method; domain: matrix(3, 4) }
/// A power of square matrices.
matrix_power(input: Tensor, n: int) -> Tensor { python: "corten_tensor_core._linalg:matrix_power"; forms: fn method; domain: invertible(3), int(-2, 4) }
/// The exponential of square matrices.
matrix_exp(input: Tensor) -> Tensor { python: "corten_tensor_core._linalg:matrix_exp"; forms: fn method; domain: matrix(3, 3) }

}
