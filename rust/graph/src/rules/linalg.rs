//! Gradients of decompositions and solvers, as in M. Giles, "An extended collection of matrix derivative results" (2008).

use super::complex::c;
use corten_tensor::lazy::{T, number};
use corten_tensor::ops::all as ops;
use corten_tensor::{Dims, Result, Scalar, fail};

/// The conjugate transpose.
fn h(x: &T) -> T {
    ops::mT(c(x))
}

/// `x` with two more dimensions of size one.
fn column(x: &T) -> T {
    ops::unsqueeze(ops::unsqueeze(x, -1i64), -1i64)
}

fn diagonal_of(x: &T) -> T {
    ops::diagonal_with(x, 0i64, -2i64, -1i64)
}

fn on_diagonal(x: &T) -> T {
    ops::diag_embed(x)
}

/// Differences `x_j - x_i`, one on the diagonal.
fn gaps(x: &T) -> T {
    let gaps = ops::unsqueeze(x, -2i64) - ops::unsqueeze(x, -1i64);
    gaps + on_diagonal(&ops::ones_like(x))
}

/// `x` without its diagonal.
fn off_diagonal(x: &T) -> T {
    x - &on_diagonal(&diagonal_of(x))
}

/// Of the inverse.
pub fn inv(g: &T, out: &T) -> T {
    -ops::matmul(h(out), ops::matmul(g, h(out)))
}

/// Of the determinant.
pub fn det(g: &T, a: &T, out: &T) -> T {
    column(&(g * &c(out))) * h(&ops::linalg_inv(a))
}

/// Of the logarithm of the determinant's modulus; the sign of a real matrix does not change.
pub fn slogdet(g: &T, a: &T) -> T {
    column(g) * h(&ops::linalg_inv(a))
}

/// True if `b` is a batch of vectors to `linalg.solve`.
fn is_vector(a: &Dims, b: &Dims) -> bool {
    b.len() == 1 || (a.len() == b.len() + 1 && a[..a.len() - 1] == b[..])
}

/// Of a solution, by the right-hand side.
pub fn solve_right(g: &T, a: &T, b: &Dims, left: bool) -> Result<T> {
    let vector = is_vector(&a.clone().tensor()?.dims(), b);
    let g = if vector { ops::unsqueeze(g, -1i64) } else { g.clone() };
    let out = ops::linalg_solve_with(h(a), g, left || vector);
    Ok(if vector { ops::squeeze_dim(out, [-1i64]) } else { out })
}

/// Of a solution, by the matrix.
pub fn solve_matrix(g: &T, a: &T, b: &Dims, out: &T, left: bool) -> Result<T> {
    let vector = is_vector(&a.clone().tensor()?.dims(), b);
    let right = solve_right(g, a, b, left)?;
    Ok(if vector {
        -(ops::unsqueeze(right, -1i64) * ops::unsqueeze(c(out), -2i64))
    } else if left {
        -ops::matmul(right, h(out))
    } else {
        -ops::matmul(h(out), right)
    })
}

/// Of the eigenvalues and eigenvectors of a Hermitian matrix.
pub fn eigh([g_values, g_vectors]: [&T; 2], values: &T, vectors: &T) -> T {
    let turned = off_diagonal(&(ops::matmul(h(vectors), g_vectors) / gaps(values)));
    let inner = turned + on_diagonal(g_values);
    ops::matmul(vectors, ops::matmul(inner, h(vectors)))
}

/// Of the eigenvalues and normalised eigenvectors of a general matrix.
pub fn eig([g_values, g_vectors]: [&T; 2], values: &T, vectors: &T) -> T {
    let vhg = ops::matmul(h(vectors), g_vectors);
    let along = ops::unsqueeze(ops::real(diagonal_of(&vhg)), -2i64);
    let across = vhg - ops::matmul(h(vectors), vectors * &along);
    let inner = off_diagonal(&(across / c(&gaps(values)))) + on_diagonal(g_values);
    ops::linalg_solve(h(vectors), ops::matmul(inner, h(vectors)))
}

/// Of the singular value decomposition.
pub fn svd([gu, gs, gvh]: [&T; 3], [u, s, vh]: [&T; 3], shape: &Dims, full: bool) -> Result<T> {
    let (m, n) = (shape[shape.len() - 2], shape[shape.len() - 1]);
    if full && m != n {
        fail!(
            Runtime,
            "svd_backward: the gradient of a singular value decomposition that is not square needs full_matrices=False"
        );
    }
    let (v, gv) = (h(vh), h(gvh));
    let skew = |x: T| &x - &h(&x);
    let (ru, rv) = (skew(ops::matmul(h(u), gu)), skew(ops::matmul(h(&v), &gv)));
    let squares = gaps(&(s * s));
    let (row, col) = (ops::unsqueeze(s, -2i64), ops::unsqueeze(s, -1i64));
    let mut inner = off_diagonal(&(&ru / &squares)) * &row + &col * &off_diagonal(&(rv / squares));
    inner = inner + on_diagonal(gs);
    if u.clone().tensor()?.dtype().is_complex() {
        let phase = ops::mul(ops::imag(diagonal_of(&ops::matmul(h(u), gu))), Scalar::Complex(0.0, 1.0));
        inner = inner + on_diagonal(&(phase / s));
    }
    let mut out = ops::matmul(u, ops::matmul(inner, vh));
    if m > n {
        let rest = gu - &ops::matmul(u, ops::matmul(h(u), gu));
        out = out + ops::matmul(rest / &row, vh);
    }
    if n > m {
        let rest = &gv - &ops::matmul(&v, ops::matmul(vh, &gv));
        out = out + ops::matmul(u, h(&(rest / &row)));
    }
    Ok(out)
}

/// Of the QR decomposition of a matrix with at least as many rows as columns.
pub fn qr([gq, gr]: [&T; 2], q: &T, r: &T, mode: &str, shape: &Dims) -> Result<T> {
    let (m, n) = (shape[shape.len() - 2], shape[shape.len() - 1]);
    if mode == "r" {
        fail!(
            Runtime,
            "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use linalg.qr(A, mode='reduced') if you are going to require its derivative."
        );
    }
    if m < n || (mode == "complete" && m > n) {
        fail!(
            NotImplemented,
            "the derivative of linalg.qr of a matrix with {m} rows and {n} columns is not implemented in mode '{mode}'"
        );
    }
    let upper = ops::triu(ops::matmul(gr, h(r)) - ops::matmul(h(q), gq));
    let half = on_diagonal(&(ops::real(diagonal_of(&upper)) * 1.0));
    let symmetric = &upper + &h(&upper) - &half;
    let inner = ops::matmul(q, symmetric) + gq;
    Ok(ops::linalg_solve_with(h(r), inner, false))
}

/// Of the Cholesky decomposition.
pub fn cholesky(g: &T, out: &T, upper: bool) -> T {
    let (l, gl) = if upper { (h(out), h(g)) } else { (out.clone(), g.clone()) };
    let lower = ops::tril(ops::matmul(h(&l), gl));
    let half = (&lower + &h(&lower) - on_diagonal(&diagonal_of(&lower))) * &number(0.5);
    let inner = ops::linalg_solve(h(&l), half);
    ops::linalg_solve_with(l, inner, false)
}
