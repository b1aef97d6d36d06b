//! Derivatives of decompositions, solvers and Fourier transforms.

use crate::rules::{fourier, linalg};
use corten_tables::derivatives;
use corten_tensor::ops::all::*;

derivatives! {
linalg_inv(a) -> out: other "LinalgInvExBackward0" { a: linalg::inv(g, out) }
linalg_det(a) -> out: other "LinalgDetBackward0" { a: linalg::det(g, a, out) }
linalg_slogdet(a) -> (sign, log): other "LinalgSlogdetBackward0" { a: linalg::slogdet([g, g1], a, sign) }
linalg_solve(a, b, left: bool) -> out: other "LinalgSolveExBackward0" { a: linalg::solve_matrix(g, a, b.shape, out, left), b: linalg::solve_right(g, a, b.shape, left) }
linalg_eigh(a, uplo: str) -> (values, vectors): other "LinalgEighBackward0" { a: linalg::eigh([g, g1], values, vectors, arrived[1]) }
linalg_eig(a) -> (values, vectors): other "LinalgEigBackward0" { a: linalg::eig([g, g1], values, vectors, arrived[1]) }
linalg_svd(a, full: bool, driver: str?) -> (u, s, vh): other "LinalgSvdBackward0" { a: linalg::svd([g, g1, g2], [u, s, vh], a.shape, full, arrived[0] || arrived[2]) }
linalg_qr(a, mode: str) -> (q, r): other "LinalgQrBackward0" { a: linalg::qr([g, g1], q, r, mode, a.shape) }
linalg_lu(a, pivot: bool) -> (p, l, u): other { a: linalg::lu([g1, g2], p, l, u, a.shape, pivot) }
linalg_lu_factor(a, pivot: bool) -> (lu, pivots): other "LinalgLuFactorExBackward0" { a: linalg::lu_factor(g, a, pivot) }
linalg_cholesky(a, upper: bool) -> out: other "LinalgCholeskyExBackward0" { a: linalg::cholesky(g, out, upper) }
fft_fft(x, n: int?, dim: Dim, norm: str?): linear "FftC2CBackward0" { x: fourier::fit(&fft_ifft_with(g, None::<i64>, dim, fourier::adjoint(norm)), x.shape, dim) }
fft_ifft(x, n: int?, dim: Dim, norm: str?): linear "FftC2CBackward0" { x: fourier::fit(&fft_fft_with(g, None::<i64>, dim, fourier::adjoint(norm)), x.shape, dim) }
fft_rfft(x, n: int?, dim: Dim, norm: str?): linear "FftR2CBackward0" { x: fourier::from_half(g, n, x.shape, dim, norm) }
fft_irfft(x, n: int?, dim: Dim, norm: str?): linear "FftC2RBackward0" { x: fourier::to_half(g, x.shape, dim, norm) }
fft_hfft(x, n: int?, dim: Dim, norm: str?): linear "FftC2RBackward0" { x: conj(fourier::to_half(g, x.shape, dim, Some(fourier::adjoint(norm)))?) }
fft_ihfft(x, n: int?, dim: Dim, norm: str?): linear "FftR2CBackward0" { x: fourier::from_half(&conj(g), n, x.shape, dim, Some(fourier::adjoint(norm))) }
fft_fftn(x, s: Dims?, dim: Dims?, norm: str?): linear "FftC2CBackward0" { x: fourier::several(g, x.shape, s, dim, norm, fourier::Transform::Forward) }
fft_ifftn(x, s: Dims?, dim: Dims?, norm: str?): linear "FftC2CBackward0" { x: fourier::several(g, x.shape, s, dim, norm, fourier::Transform::Inverse) }
fft_rfftn(x, s: Dims?, dim: Dims?, norm: str?): linear "FftR2CBackward0" { x: fourier::several(g, x.shape, s, dim, norm, fourier::Transform::FromReal) }
fft_irfftn(x, s: Dims?, dim: Dims?, norm: str?): linear "FftC2RBackward0" { x: fourier::several(g, x.shape, s, dim, norm, fourier::Transform::ToReal) }
fft_hfftn(x, s: Dims?, dim: Dims?, norm: str?): linear "FftC2RBackward0" { x: conj(fourier::several(g, x.shape, s, dim, Some(fourier::adjoint(norm)), fourier::Transform::ToReal)?) }
fft_ihfftn(x, s: Dims?, dim: Dims?, norm: str?): linear "FftR2CBackward0" { x: fourier::several(&conj(g), x.shape, s, dim, Some(fourier::adjoint(norm)), fourier::Transform::FromReal) }
}
