//! Gradients of Fourier transforms: the adjoint transforms, without conjugation of the data.

use corten_tensor::lazy::T;
use corten_tensor::ops::all as ops;
use corten_tensor::rules::dims::wrap;
use corten_tensor::{Dims, Result};

/// Which transform.
#[allow(missing_docs)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Transform {
    Forward,
    Inverse,
    FromReal,
    ToReal,
}

/// The scaling of the adjoint: what the transform does not divide by, its adjoint does not either.
pub fn adjoint(norm: Option<&str>) -> &'static str {
    match norm {
        Some("forward") => "backward",
        Some("ortho") => "ortho",
        _ => "forward",
    }
}

/// Cut or filled with zeros at the end of `dim`, to the size that the input had.
pub fn fit(x: &T, shape: &Dims, dim: i64) -> Result<T> {
    let d = wrap(dim, shape.len())?;
    let have = x.clone().tensor()?.sizes()[d];
    let wanted = shape[d];
    if have >= wanted {
        return Ok(if have == wanted { x.clone() } else { ops::narrow(x, d, 0i64, wanted) });
    }
    let mut pad = vec![0i64; 2 * (shape.len() - d)];
    if let Some(last) = pad.last_mut() {
        *last = wanted - have;
    }
    Ok(ops::constant_pad_nd(x, pad))
}

/// Of a transform of `n` reals into the first half of the frequencies.
pub fn from_half(g: &T, n: Option<i64>, shape: &Dims, dim: i64, norm: Option<&str>) -> Result<T> {
    let d = wrap(dim, shape.len())?;
    let mut whole = Dims::from_slice(shape);
    whole[d] = n.unwrap_or(shape[d]);
    let full = fit(g, &whole, dim)?;
    fit(&ops::real(ops::fft_ifft_with(full, None::<i64>, dim, adjoint(norm))), shape, dim)
}

/// Of a transform of half of the frequencies into reals: those that stand for two count twice.
pub fn to_half(g: &T, shape: &Dims, dim: i64, norm: Option<&str>) -> Result<T> {
    let d = wrap(dim, shape.len())?;
    let n = g.clone().tensor()?.sizes()[d];
    let half = ops::fft_rfft_with(g, None::<i64>, dim, adjoint(norm));
    let (count, twice) = (n / 2 + 1, (n - 1) / 2);
    let weights = ops::add(ops::new_zeros(g, [count]), 1);
    let weights = weights.tensor()?;
    ops::fill_(ops::narrow(&weights, 0i64, 1i64.min(count), twice), 2).get()?;
    let mut column = Dims::from_elem(1, shape.len());
    column[d] = count;
    fit(&(half * ops::reshape(&weights, column)), shape, dim)
}

/// Of a transform along several dimensions: the adjoint along each, the last one first for inverses into reals.
pub fn several(
    g: &T,
    shape: &Dims,
    s: Option<&[i64]>,
    dim: Option<&[i64]>,
    norm: Option<&str>,
    which: Transform,
) -> Result<T> {
    let ndim = shape.len() as i64;
    let dims: Dims = match (dim, s) {
        (Some(dim), _) => dim.into(),
        (None, Some(s)) => (ndim - s.len() as i64..ndim).collect(),
        (None, None) => (0..ndim).collect(),
    };
    let Some((&last, others)) = dims.split_last() else { return Ok(g.clone()) };
    let mut out = g.clone();
    if which == Transform::ToReal {
        out = to_half(&out, shape, last, norm)?;
    }
    let complex = if matches!(which, Transform::Forward | Transform::Inverse) { &dims[..] } else { others };
    for &d in complex {
        out = if matches!(which, Transform::Forward | Transform::FromReal) {
            ops::fft_ifft_with(&out, None::<i64>, d, adjoint(norm))
        } else {
            ops::fft_fft_with(&out, None::<i64>, d, adjoint(norm))
        };
        out = fit(&out, shape, d)?;
    }
    if which == Transform::FromReal {
        let n = s.and_then(|s| s.last().copied()).filter(|&n| n >= 0);
        out = from_half(&out, n, shape, last, norm)?;
    }
    Ok(out)
}
