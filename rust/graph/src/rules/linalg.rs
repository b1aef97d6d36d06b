//! Gradients of decompositions and solvers, as in M. Giles, "An extended collection of matrix derivative results" (2008).

use super::complex::c;
use corten_tensor::lazy::{T, number};
use corten_tensor::ops::all as ops;
use corten_tensor::rules::read;
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

/// Of the determinant; of singular matrices through their singular values, of which each has the product of the others
/// as its slope.
pub fn det(g: &T, a: &T, out: &T) -> Result<T> {
    if read::item(&ops::all(out).tensor()?)?.is_zero() {
        let parts: Vec<T> = ops::linalg_svd(a).tensors()?.into_iter().map(T::from).collect();
        let [u, s, vh] = &parts[..] else { fail!(Runtime, "linalg.svd gives three tensors") };
        let phase = c(&(ops::linalg_det(u) * ops::linalg_det(vh)));
        let shape = s.clone().tensor()?.dims();
        let scale = ops::unsqueeze(g * &phase, -1i64);
        let slopes = scale * super::reduce::others(s, &shape, &[shape.len() as i64 - 1])?;
        return Ok(ops::matmul(u * &ops::unsqueeze(slopes, -2i64), vh));
    }
    Ok(column(&(g * &c(out))) * h(&ops::linalg_inv(a)))
}

/// Of sign and logarithm of the determinant; the sign of a real matrix does not change.
pub fn slogdet([g_sign, g_log]: [&T; 2], a: &T, sign: &T) -> Result<T> {
    let mut g = g_log.clone();
    if sign.clone().tensor()?.dtype().is_complex() {
        let turned = ops::mul(ops::imag(c(g_sign) * sign), Scalar::Complex(0.0, 1.0));
        g = g - turned;
    }
    Ok(column(&g) * h(&ops::linalg_inv(a)))
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

/// Of the eigenvalues and eigenvectors of a Hermitian matrix; equal eigenvalues matter only to the vectors.
pub fn eigh([g_values, g_vectors]: [&T; 2], values: &T, vectors: &T, of_vectors: bool) -> T {
    if !of_vectors {
        return ops::matmul(vectors * &ops::unsqueeze(g_values, -2i64), h(vectors));
    }
    let turned = off_diagonal(&(ops::matmul(h(vectors), g_vectors) / gaps(values)));
    let inner = turned + on_diagonal(g_values);
    ops::matmul(vectors, ops::matmul(inner, h(vectors)))
}

/// Of the eigenvalues and normalised eigenvectors of a general matrix.
pub fn eig([g_values, g_vectors]: [&T; 2], values: &T, vectors: &T, of_vectors: bool) -> T {
    if !of_vectors {
        return ops::linalg_solve(h(vectors), ops::unsqueeze(g_values, -1i64) * h(vectors));
    }
    let vhg = ops::matmul(h(vectors), g_vectors);
    let along = ops::unsqueeze(ops::real(diagonal_of(&vhg)), -2i64);
    let across = vhg - ops::matmul(h(vectors), vectors * &along);
    let inner = off_diagonal(&(across / c(&gaps(values)))) + on_diagonal(g_values);
    ops::linalg_solve(h(vectors), ops::matmul(inner, h(vectors)))
}

/// Of the singular value decomposition. What fills up full matrices is not determined and gets no gradient; equal
/// singular values matter only to the vectors.
pub fn svd([gu, gs, gvh]: [&T; 3], [u, s, vh]: [&T; 3], shape: &Dims, full: bool, of_vectors: bool) -> Result<T> {
    let (m, n) = (shape[shape.len() - 2], shape[shape.len() - 1]);
    let k = m.min(n);
    let cut = |x: &T, dim: i64, size: i64| if full && size > k { ops::narrow(x, dim, 0i64, k) } else { x.clone() };
    let (u, gu, vh, gvh) = (&cut(u, -1, m), &cut(gu, -1, m), &cut(vh, -2, n), &cut(gvh, -2, n));
    if !of_vectors {
        return Ok(ops::matmul(u * &ops::unsqueeze(gs, -2i64), vh));
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

/// Of the QR decomposition.
pub fn qr([gq, gr]: [&T; 2], q: &T, r: &T, mode: &str, shape: &Dims) -> Result<T> {
    let (m, n) = (shape[shape.len() - 2], shape[shape.len() - 1]);
    if mode == "r" {
        fail!(
            Runtime,
            "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use linalg.qr(A, mode='reduced') if you are going to require its derivative."
        );
    }
    if mode == "complete" && m > n {
        fail!(Runtime, "The QR decomposition is not differentiable when mode='complete' and nrows > ncols.");
    }
    if m < n {
        // The first columns as a square matrix; the others are Q times theirs of R.
        let part = |x: &T, start: i64, size: i64| ops::narrow(x, -1i64, start, size);
        let (r1, r2, gr1, gr2) = (part(r, 0, m), part(r, m, n - m), part(gr, 0, m), part(gr, m, n - m));
        let gq = gq + &ops::matmul(ops::matmul(q, r2), h(&gr2));
        let square: Dims = shape[..shape.len() - 1].iter().copied().chain([m]).collect();
        let first = qr([&gq, &gr1], q, &r1, mode, &square)?;
        return Ok(ops::cat_with(&[first, ops::matmul(q, gr2)][..], -1i64));
    }
    let upper = ops::triu(ops::matmul(gr, h(r)) - ops::matmul(h(q), gq));
    let half = on_diagonal(&(ops::real(diagonal_of(&upper)) * 1.0));
    let symmetric = &upper + &h(&upper) - &half;
    let inner = ops::matmul(q, symmetric) + gq;
    Ok(ops::linalg_solve_with(h(r), inner, false))
}

/// Of `P L U`: through the square part of both factors, as in the decomposition's own blocks.
pub fn lu([gl, gu]: [&T; 2], p: &T, l: &T, u: &T, shape: &Dims, pivot: bool) -> Result<T> {
    if !pivot {
        fail!(NotImplemented, "linalg.lu: the derivative is implemented for pivot=True only");
    }
    let (m, n) = (shape[shape.len() - 2], shape[shape.len() - 1]);
    let k = m.min(n);
    let rows = |x: &T, start: i64, size: i64| ops::narrow(x, -2i64, start, size);
    let columns = |x: &T, start: i64, size: i64| ops::narrow(x, -1i64, start, size);
    let (l1, u1) = (rows(l, 0, k), columns(u, 0, k));
    let lower = ops::matmul(h(l), gl);
    let upper = ops::matmul(gu, h(u));
    let out = if m > n {
        let inner = ops::linalg_solve(h(&l1), ops::triu(upper - lower)) + rows(gl, 0, k);
        let inner = ops::cat_with(&[inner, rows(gl, k, m - k)][..], -2i64);
        ops::linalg_solve_with(h(&u1), inner, false)
    } else {
        let square = ops::linalg_solve_with(h(&u1), ops::tril_with(lower - upper, -1i64), false) + columns(gu, 0, k);
        let inner = if m < n { ops::cat_with(&[square, columns(gu, k, n - k)][..], -1i64) } else { square };
        ops::linalg_solve(h(&l1), inner)
    };
    Ok(ops::matmul(p, out))
}

/// Of the packed factors of `P L U`.
pub fn lu_factor(g: &T, a: &T, pivot: bool) -> Result<T> {
    let shape = a.clone().tensor()?.dims();
    let (m, n) = (shape[shape.len() - 2], shape[shape.len() - 1]);
    let k = m.min(n);
    let parts: Vec<T> = ops::linalg_lu_with(a, pivot).tensors()?.into_iter().map(T::from).collect();
    let [p, l, u] = &parts[..] else { fail!(Runtime, "linalg.lu gives three tensors") };
    let gl = ops::tril_with(ops::narrow(g, -1i64, 0i64, k), -1i64);
    let gu = ops::triu(ops::narrow(g, -2i64, 0i64, k));
    lu([&gl, &gu], p, l, u, &shape, pivot)
}

/// Of the Cholesky decomposition.
pub fn cholesky(g: &T, out: &T, upper: bool) -> T {
    let (l, gl) = if upper { (h(out), h(g)) } else { (out.clone(), g.clone()) };
    let lower = ops::tril(ops::matmul(h(&l), gl));
    let half = (&lower + &h(&lower) - on_diagonal(&diagonal_of(&lower))) * &number(0.5);
    let inner = ops::linalg_solve(h(&l), half);
    ops::linalg_solve_with(l, inner, false)
}
