//! Sizes and checks of Fourier transforms.

use super::dims::{wrap, wrap_all};
use crate::core::Dims;
use crate::op::Meta;
use crate::pointwise::fresh;
use crate::promote;
use crate::tensor::Tensor;
use corten_base::{DType, Result, fail};
use smallvec::smallvec;

/// Between which numbers a transform goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// From any numbers to complex ones.
    Complex,
    /// From real numbers to half of the complex ones.
    FromReal,
    /// From half of the complex numbers to real ones.
    ToReal,
}

impl Kind {
    fn dtype(self, name: &str, input: &Tensor, real_valued: bool) -> Result<DType> {
        let dtype = input.dtype();
        if self == Kind::FromReal && dtype.is_complex() {
            let what = if real_valued { "real-valued" } else { "real" };
            fail!(Runtime, "{name} expects a {what} input tensor, but got {}", dtype.scalar_name());
        }
        if matches!(dtype, DType::F16 | DType::BF16) {
            fail!(Runtime, "Unsupported dtype {}", dtype.scalar_name());
        }
        let float = if dtype.is_integral(true) { promote::default_float() } else { dtype.to_real() };
        Ok(if self == Kind::ToReal { float } else { float.to_complex() })
    }

    /// How many numbers come in, and how many go out, where nothing is asked for or `n`.
    fn sizes(self, size: i64, n: Option<i64>) -> Result<i64> {
        let n = n.unwrap_or(if self == Kind::ToReal { 2 * (size - 1) } else { size });
        if n < 1 {
            fail!(Runtime, "Invalid number of data points ({n}) specified");
        }
        Ok(if self == Kind::FromReal { n / 2 + 1 } else { n })
    }
}

fn check_norm(norm: Option<&str>) -> Result<()> {
    match norm {
        None | Some("backward" | "forward" | "ortho") => Ok(()),
        Some(other) => fail!(Runtime, "Invalid normalization mode: \"{other}\""),
    }
}

/// `meta` of a transform along one dimension.
pub fn one(name: &str, kind: Kind, input: &Tensor, n: Option<i64>, dim: i64, norm: Option<&str>) -> Result<Meta> {
    check_norm(norm)?;
    let dtype = kind.dtype(name, input, false)?;
    need_dims(input, Some(&[dim]))?;
    let dim = wrap(dim, input.ndim())?;
    let mut sizes: Dims = input.sizes().into();
    sizes[dim] = kind.sizes(sizes[dim], n)?;
    Ok(smallvec![fresh(input, sizes, dtype)])
}

/// Refuses a dimension of a number.
fn need_dims(input: &Tensor, dims: Option<&[i64]>) -> Result<()> {
    match dims.and_then(<[i64]>::first) {
        Some(dim) if input.ndim() == 0 => fail!(Index, "Dimension specified as {dim} but tensor has no dimensions"),
        _ => Ok(()),
    }
}

/// The dimensions of a transform along several, and the number of points asked for along each.
fn places(input: &Tensor, s: Option<&[i64]>, dim: Option<&[i64]>) -> Result<Vec<(usize, Option<i64>)>> {
    let ndim = input.ndim();
    need_dims(input, dim)?;
    let dims = match (dim, s) {
        (Some(dim), _) => {
            let mut dims = Vec::new();
            for &d in dim {
                let d = wrap(d, ndim)?;
                if dims.contains(&d) {
                    fail!(Runtime, "FFT dims must be unique");
                }
                dims.push(d);
            }
            dims
        }
        (None, Some(s)) if s.len() > ndim => {
            fail!(Runtime, "Got shape with {} values but input tensor only has {ndim} dimensions.", s.len())
        }
        (None, Some(s)) => (ndim - s.len()..ndim).collect(),
        (None, None) => (0..ndim).collect(),
    };
    match s {
        Some(s) if s.len() != dims.len() => {
            fail!(Runtime, "When given, dim and shape arguments must have the same length")
        }
        Some(s) => Ok(dims.into_iter().zip(s.iter().map(|&n| (n != -1).then_some(n))).collect()),
        None => Ok(dims.into_iter().map(|d| (d, None)).collect()),
    }
}

/// `meta` of a transform along several dimensions.
pub fn several(
    name: &str,
    kind: Kind,
    input: &Tensor,
    s: Option<&[i64]>,
    dim: Option<&[i64]>,
    norm: Option<&str>,
) -> Result<Meta> {
    check_norm(norm)?;
    // `rfftn` looks at the numbers first, the others at the dimensions.
    if name == "rfftn" && input.dtype().is_complex() {
        kind.dtype(name, input, true)?;
    }
    let places = places(input, s, dim)?;
    let dtype = kind.dtype(name, input, true)?;
    let mut sizes: Dims = input.sizes().into();
    match places.split_last() {
        None if kind != Kind::Complex => fail!(Runtime, "{name} must transform at least one axis"),
        None => {}
        Some((&(last, n), rest)) => {
            for &(d, n) in rest {
                sizes[d] = Kind::Complex.sizes(sizes[d], n)?;
            }
            sizes[last] = kind.sizes(sizes[last], n)?;
        }
    }
    Ok(smallvec![fresh(input, sizes, dtype)])
}

/// How far each dimension is rolled by `fftshift` or its inverse.
pub fn shifts(input: &Tensor, dim: Option<&[i64]>, inverse: bool) -> Result<(Vec<i64>, Vec<i64>)> {
    need_dims(input, dim)?;
    let dims = match dim {
        Some(dim) => wrap_all(dim, input.ndim())?.to_vec(),
        None => (0..input.ndim()).collect(),
    };
    let shift = |&d: &usize| (input.sizes()[d] + inverse as i64) / 2;
    Ok((dims.iter().map(shift).collect(), dims.iter().map(|&d| d as i64).collect()))
}
