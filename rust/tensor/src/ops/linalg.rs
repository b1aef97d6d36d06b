//! Linear algebra: decompositions by the array backend, what follows from them in Rust or in Python.

// Matrices have PyTorch's names.
#![allow(non_snake_case)]

use super::all::*;
use crate::lazy::T;
use crate::rules::linalg as rules;
use crate::{Result, Tensor, fail};
use corten_tables::ops;

ops! { family = linalg;

/// The singular value decomposition `A = U diag(S) Vh`.
linalg_svd(A: Tensor, full_matrices: bool = true, *, driver: str?) -> (U: Tensor, S: Tensor, Vh: Tensor) { array: "linalg_svd"; meta: { rules::no_driver(driver)?; rules::svd(A, full_matrices) }; forms: fn(linalg) out; domain: matrix(4, 3); check: svd }
/// `Q` with orthonormal columns and upper triangular `R`, of which `A` is the product.
linalg_qr(A: Tensor, mode: str = "reduced") -> (Q: Tensor, R: Tensor) { array: "linalg_qr"; meta: rules::qr(A, mode); forms: fn(linalg) out; domain: matrix(4, 3); check: qr }
/// Eigenvalues in ascending order and eigenvectors of Hermitian matrices, of which one triangle is read.
linalg_eigh(A: Tensor, UPLO: str = "L") -> (eigenvalues: Tensor, eigenvectors: Tensor) { array: "linalg_eigh"; meta: rules::eigh(A, UPLO); forms: fn(linalg) out; domain: symmetric(3); check: eigh }
/// Eigenvalues and eigenvectors, complex.
linalg_eig(A: Tensor) -> (eigenvalues: Tensor, eigenvectors: Tensor) { array: "linalg_eig"; meta: rules::eig("linalg.eig", A, true); forms: fn(linalg) out; domain: matrix(3, 3); check: eig }
/// Eigenvalues, complex.
linalg_eigvals(A: Tensor) -> Tensor { composite: { rules::eig("linalg.eigvals", A, false)?; linalg_eig(A).pick(0) }; forms: fn(linalg) out; domain: matrix(3, 3); check: sorted }
/// The inverse.
linalg_inv(A: Tensor) -> Tensor { array: "linalg_inv"; meta: rules::square_same("linalg.inv", A); forms: fn(linalg) out; domain: invertible(3) }
/// `X` with `A X = B`, or `X A = B` where not `left`; `B` is a batch of matrices or of vectors.
linalg_solve(A: Tensor, B: Tensor, *, left: bool = true) -> Tensor { array: "linalg_solve"; meta: rules::solve(A, B, left); forms: fn(linalg) out; domain: invertible(3), matrix(3, 2) }
/// The lower triangular factor `L` of Hermitian positive-definite `A = L Lᴴ`, or the upper one.
linalg_cholesky(A: Tensor, *, upper: bool = false) -> Tensor { array: "linalg_cholesky"; meta: { let _ = upper; rules::square_same("linalg.cholesky", A) }; forms: fn(linalg) out; domain: positive_definite(3) }
/// The determinant.
linalg_det(A: Tensor) -> Tensor { array: "linalg_det"; meta: rules::det(A); forms: fn(linalg) out; domain: matrix(3, 3) }
/// Sign and logarithm of the absolute value of the determinant.
linalg_slogdet(A: Tensor) -> (sign: Tensor, logabsdet: Tensor) { array: "linalg_slogdet"; meta: rules::slogdet(A); forms: fn(linalg) out; domain: matrix(3, 3) }
/// Permutation, unit lower and upper triangular factor: `A = P L U`.
linalg_lu(A: Tensor, *, pivot: bool = true) -> (P: Tensor, L: Tensor, U: Tensor) { array: "linalg_lu"; meta: rules::lu(A, pivot); forms: fn(linalg) out; domain: matrix(4, 3) }
/// Both triangular factors in one matrix, and the row that was exchanged at each step, counted from 1.
linalg_lu_factor(A: Tensor, *, pivot: bool = true) -> (LU: Tensor, pivots: Tensor) { array: "linalg_lu_factor"; meta: rules::lu_factor(A, pivot); forms: fn(linalg) out; domain: matrix(3, 3) }
/// Singular values, largest first.
linalg_svdvals(A: Tensor, *, driver: str?) -> Tensor { composite: linalg_svd_with(A, false, driver).pick(1); forms: fn(linalg) out; domain: matrix(4, 3) }
/// Eigenvalues of Hermitian matrices in ascending order.
linalg_eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor { composite: linalg_eigh_with(A, UPLO).pick(0); forms: fn(linalg) out; domain: symmetric(3) }
/// The diagonals of matrices.
linalg_diagonal(A: Tensor, *, offset: int = 0, dim1: Dim = -2, dim2: Dim = -1) -> View { composite: diagonal_with(A, offset, dim1, dim2); forms: fn(linalg); domain: matrix(3, 4) }
/// The matrix product.
linalg_matmul(input: Tensor, other: Tensor) -> Tensor { composite: matmul(input, other); forms: fn(linalg) out; domain: matrix(3, 4), matrix(4, 2) }

/// The inverse and 0 for each matrix; a singular one gives NaN and 1.
linalg_inv_ex(A: Tensor, *, check_errors: bool = false) -> (inverse: Tensor, info: Tensor) { python: "corten_tensor_core._linalg:inv_ex"; forms: fn(linalg) out; domain: invertible(3) }
/// The triangular factor and 0 for each matrix; one that is not positive-definite gives NaN and 1.
linalg_cholesky_ex(A: Tensor, *, upper: bool = false, check_errors: bool = false) -> (L: Tensor, info: Tensor) { python: "corten_tensor_core._linalg:cholesky_ex"; forms: fn(linalg) out; domain: positive_definite(3) }
/// `X` with `A X = B` for triangular `A`, or `X A = B` where not `left`.
linalg_solve_triangular(A: Tensor, B: Tensor, *, upper: bool, left: bool = true, unitriangular: bool = false) -> Tensor { python: "corten_tensor_core._linalg:solve_triangular"; forms: fn(linalg) out; domain: triangular(3), matrix(3, 2) }
/// `X` of the least squares of `A X - B`, squared residuals, rank, and singular values (by the drivers that find them).
linalg_lstsq(A: Tensor, B: Tensor, rcond: float?, *, driver: str?) -> (solution: Tensor, residuals: Tensor, rank: Tensor, singular_values: Tensor) { python: "corten_tensor_core._linalg:lstsq"; forms: fn(linalg); domain: matrix(4, 3), matrix(4, 2) }
/// The Moore-Penrose inverse; singular values up to the tolerance count as zero.
linalg_pinv(A: Tensor, *, atol: Any?, rtol: Any?, hermitian: bool = false) -> Tensor { python: "corten_tensor_core._linalg:pinv"; forms: fn(linalg) out; domain: matrix(4, 3) }
/// The Moore-Penrose inverse; singular values up to `rcond` times the largest count as zero.
linalg_pinv.rcond(A: Tensor, rcond: Any, hermitian: bool = false) -> Tensor { python: "corten_tensor_core._linalg:pinv"; forms: fn(linalg) out; domain: matrix(4, 3) }
/// How many singular values lie above the tolerance.
linalg_matrix_rank(A: Tensor, *, atol: Any?, rtol: Any?, hermitian: bool = false) -> Tensor { python: "corten_tensor_core._linalg:matrix_rank"; forms: fn(linalg) out; domain: matrix(4, 3); nondiff }
/// How many singular values lie above `tol`.
linalg_matrix_rank.tol(A: Tensor, tol: Any, hermitian: bool = false) -> Tensor { python: "corten_tensor_core._linalg:matrix_rank"; forms: fn(linalg) out; domain: matrix(4, 3); nondiff }
/// Square matrices multiplied with themselves; a negative power inverts first.
linalg_matrix_power(A: Tensor, n: int) -> Tensor { python: "corten_tensor_core._linalg:matrix_power"; forms: fn(linalg) out; domain: matrix(3, 3), int(0, 4) }
/// The exponential of square matrices.
linalg_matrix_exp(A: Tensor) -> Tensor { python: "corten_tensor_core._linalg:matrix_exp"; forms: fn(linalg); domain: matrix(3, 3) }
/// The norm of matrices: `"fro"`, `"nuc"`, or of order 1, -1, 2, -2, inf, -inf.
linalg_matrix_norm(A: Tensor, ord: Any?, dim: Dims = [-2, -1], keepdim: bool = false, *, dtype: DType?) -> Tensor { python: "corten_tensor_core._linalg:matrix_norm"; forms: fn(linalg) out; domain: matrix(3, 4) }
/// A norm of vectors, or of matrices where an order and two dimensions are given.
linalg_norm(input: Tensor, ord: Any?, dim: Dims?, keepdim: bool = false, *, dtype: DType?) -> Tensor { python: "corten_tensor_core._linalg:norm"; forms: fn(linalg) out; domain: matrix(3, 4) }
/// The ratio of the largest to the smallest singular value, or a norm times that of the inverse.
linalg_cond(A: Tensor, p: Any?) -> Tensor { python: "corten_tensor_core._linalg:cond"; forms: fn(linalg) out; domain: invertible(3) }
/// The vector product along a dimension of size 3.
linalg_cross(input: Tensor, other: Tensor, *, dim: Dim = -1) -> Tensor { python: "corten_tensor_core._linalg:cross"; forms: fn(linalg) out; domain: matrix(4, 3), matrix(4, 3) }
/// The product of a chain of matrices, in the order that takes the fewest operations.
linalg_multi_dot(tensors: [Tensor]) -> Tensor { python: "corten_tensor_core._linalg:multi_dot"; forms: fn(linalg) out; domain: list }
/// The powers 0 to `N - 1` of each element.
linalg_vander(x: Tensor, *, N: int?) -> Tensor { python: "corten_tensor_core._linalg:vander"; forms: fn(linalg); domain: any }
/// The inverse for `tensordot` over the first `ind` dimensions.
linalg_tensorinv(A: Tensor, ind: int = 2) -> Tensor { python: "corten_tensor_core._linalg:tensorinv"; forms: fn(linalg) out; check: none }
/// `X` with `tensordot(A, X, X.dim()) = B`.
linalg_tensorsolve(A: Tensor, B: Tensor, dims: Dims?) -> Tensor { python: "corten_tensor_core._linalg:tensorsolve"; forms: fn(linalg) out; check: none }
/// `X` with `A X = B` from `linalg_lu_factor(A)`, or `X A = B` where not `left`.
linalg_lu_solve(LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = true, adjoint: bool = false) -> Tensor { python: "corten_tensor_core._linalg:lu_solve"; forms: fn(linalg) out; check: none }

/// The factors of `linalg_lu_factor`, and 0 or the step, counted from 1, at which the pivot was zero.
linalg_lu_factor_ex(A: Tensor, *, pivot: bool = true, check_errors: bool = false) -> (LU: Tensor, pivots: Tensor, info: Tensor) { python: "corten_tensor_core._factors:lu_factor_ex"; forms: fn(linalg) out; domain: matrix(3, 3) }
/// The solution of `linalg_solve` and 0 for each matrix; a singular one gives NaN and where its pivot was zero.
linalg_solve_ex(A: Tensor, B: Tensor, *, left: bool = true, check_errors: bool = false) -> (result: Tensor, info: Tensor) { python: "corten_tensor_core._factors:solve_ex"; forms: fn(linalg) out; domain: invertible(3), matrix(3, 2) }
/// The first columns of the product of Householder's reflections, whose vectors lie below the diagonal of `A`.
linalg_householder_product(A: Tensor, tau: Tensor) -> Tensor { python: "corten_tensor_core._factors:householder_product"; forms: fn(linalg) out; check: none }
/// The factors `A = L D Lᵀ` of symmetric (or Hermitian) matrices in one matrix, and the rows that were exchanged.
linalg_ldl_factor(A: Tensor, *, hermitian: bool = false) -> (LD: Tensor, pivots: Tensor) { python: "corten_tensor_core._symmetric:ldl_factor"; forms: fn(linalg) out; domain: symmetric(3); nondiff }
/// What `linalg_ldl_factor` gives, and 0 or the step, counted from 1, at which a block of D was zero.
linalg_ldl_factor_ex(A: Tensor, *, hermitian: bool = false, check_errors: bool = false) -> (LD: Tensor, pivots: Tensor, info: Tensor) { python: "corten_tensor_core._symmetric:ldl_factor_ex"; forms: fn(linalg) out; domain: symmetric(3); nondiff }
/// `X` with `A X = B` from `linalg_ldl_factor(A)`.
linalg_ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = false) -> Tensor { python: "corten_tensor_core._symmetric:ldl_solve"; forms: fn(linalg) out; check: none; nondiff }

/// The determinant.
det(input: Tensor) -> Tensor { composite: linalg_det(input); forms: fn method; domain: matrix(3, 3) }
/// Logarithm of the determinant; NaN where that is negative.
logdet(input: Tensor) -> Tensor { composite: log_of_determinant(input); forms: fn method; domain: positive_definite(3) }
/// Sign and logarithm of the absolute value of the determinant.
slogdet(input: Tensor) -> (sign: Tensor, logabsdet: Tensor) { composite: linalg_slogdet(input); forms: fn method out; domain: matrix(3, 3) }
/// The inverse.
inverse(input: Tensor) -> Tensor { composite: linalg_inv(input); forms: fn method out; domain: invertible(3) }
/// The singular value decomposition `input = U diag(S) Vᴴ`, of which `some` leaves the columns that meet no singular value.
svd(input: Tensor, some: bool = true, compute_uv: bool = true) -> (U: Tensor, S: Tensor, V: Tensor) { composite: old_svd(input, some, compute_uv)?; forms: fn method out; domain: matrix(4, 3); check: svd }
/// `Q` with orthonormal columns and upper triangular `R`, of which `input` is the product.
qr(input: Tensor, some: bool = true) -> (Q: Tensor, R: Tensor) { composite: linalg_qr_with(input, if some { "reduced" } else { "complete" }); forms: fn method out; domain: matrix(4, 3); check: qr }
/// The triangular factor of Hermitian positive-definite matrices.
cholesky(input: Tensor, upper: bool = false) -> Tensor { composite: linalg_cholesky_with(input, upper); forms: fn method out; domain: positive_definite(3) }
/// `X` with `A X = B` from the triangular factor `L` of `A`.
cholesky_solve(B: Tensor, L: Tensor, upper: bool = false) -> Tensor { python: "corten_tensor_core._linalg:cholesky_solve"; forms: fn method out; check: none }
/// The inverse of `A` from its triangular factor `L`.
cholesky_inverse(L: Tensor, upper: bool = false) -> Tensor { python: "corten_tensor_core._linalg:cholesky_inverse"; forms: fn method out; check: none }
/// `X` with `A X = b` for triangular `A`, and a copy of `A`.
triangular_solve(b: Tensor, A: Tensor, upper: bool = true, transpose: bool = false, unitriangular: bool = false) -> (solution: Tensor, cloned_coefficient: Tensor) { python: "corten_tensor_core._linalg:triangular_solve"; forms: fn method out; check: none }
/// `X` with `A X = b` from `linalg_lu_factor(A)`.
lu_solve(b: Tensor, LU_data: Tensor, LU_pivots: Tensor) -> Tensor { composite: linalg_lu_solve(LU_data, LU_pivots, b); forms: fn method out; check: none }
/// Permutation, unit lower and upper triangular factor from `linalg_lu_factor`.
lu_unpack(LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = true, unpack_pivots: bool = true) -> (P: Tensor, L: Tensor, U: Tensor) { python: "corten_tensor_core._factors:lu_unpack"; forms: fn out; check: none }
/// The triangle R with the reflections of the QR decomposition below it, and the scales of these.
geqrf(input: Tensor) -> (a: Tensor, tau: Tensor) { python: "corten_tensor_core._factors:geqrf"; forms: fn method out; domain: matrix(4, 3); nondiff }
/// `other` times the Q that `geqrf` gives, or its adjoint, from the left or the right.
ormqr(input: Tensor, tau: Tensor, other: Tensor, left: bool = true, transpose: bool = false) -> Tensor { python: "corten_tensor_core._factors:ormqr"; forms: fn method out; check: none }
/// Square matrices multiplied with themselves.
matrix_power(input: Tensor, n: int) -> Tensor { composite: linalg_matrix_power(input, n); forms: fn method out; domain: matrix(3, 3), int(0, 4) }
/// The exponential of square matrices.
matrix_exp(input: Tensor) -> Tensor { composite: linalg_matrix_exp(input); forms: fn method; domain: matrix(3, 3) }
/// The Moore-Penrose inverse; singular values up to `rcond` times the largest count as zero.
pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor { composite: linalg_pinv_rcond(input, rcond); forms: fn method; domain: matrix(4, 3) }

}

fn log_of_determinant(input: &Tensor) -> T {
    let parts = linalg_slogdet(input);
    let (sign, size) = (parts.clone().pick(0), parts.pick(1));
    if input.dtype().is_complex() {
        return log(sign) + size;
    }
    where_(eq(&sign, -1), f64::NAN, size)
}

fn old_svd(input: &Tensor, some: bool, compute_uv: bool) -> Result<Vec<Tensor>> {
    if input.ndim() < 2 {
        fail!(Runtime, "linalg.svd: The input tensor A must have at least 2 dimensions.");
    }
    if compute_uv {
        let parts = linalg_svd_with(input, !some, None::<&str>);
        let v = conj(mT(parts.clone().pick(2)));
        return Ok(vec![parts.clone().pick(0).tensor()?, parts.pick(1).tensor()?, v.tensor()?]);
    }
    let values = linalg_svdvals(input).tensor()?;
    let (batch, shape) = input.sizes().split_at(input.ndim() - 2);
    let zeros = |n: i64| new_zeros(input, [batch, &[n, n]].concat()).tensor();
    Ok(vec![zeros(shape[0])?, values, zeros(shape[1])?])
}
