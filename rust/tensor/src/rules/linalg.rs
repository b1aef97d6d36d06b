//! Decompositions, solvers and Fourier transforms: sizes, dtypes and PyTorch's messages.

use super::dims::{wrap, wrap_all};
use crate::core::Dims;
use crate::op::{Meta, OutSpec};
use crate::pointwise::{broadcast, common_device, fresh};
use crate::promote;
use crate::tensor::Tensor;
use corten_base::{DType, Result, fail};
use smallvec::{SmallVec, smallvec};

/// Leading sizes, rows and columns of matrices of floats.
pub fn matrices<'a>(name: &str, x: &'a Tensor) -> Result<(&'a [i64], i64, i64)> {
    if x.ndim() < 2 {
        fail!(Runtime, "linalg.{name}: The input tensor A must have at least 2 dimensions.");
    }
    if !matches!(x.dtype(), DType::F32 | DType::F64 | DType::C64 | DType::C128) {
        fail!(
            Runtime,
            "linalg.{name}: Expected a floating point or complex tensor as input. Got {}",
            x.dtype().scalar_name()
        );
    }
    let (lead, tail) = x.sizes().split_at(x.ndim() - 2);
    Ok((lead, tail[0], tail[1]))
}

/// Leading sizes and the order of square matrices.
pub fn square<'a>(name: &str, x: &'a Tensor) -> Result<(&'a [i64], i64)> {
    if let [.., m, n] = *x.sizes()
        && m != n
    {
        fail!(Runtime, "linalg.{name}: A must be batches of square matrices, but they are {m} by {n} matrices");
    }
    let (lead, _, n) = matrices(name, x)?;
    Ok((lead, n))
}

/// A result of leading and further sizes.
pub fn out(x: &Tensor, lead: &[i64], tail: &[i64], dtype: DType) -> OutSpec {
    let mut sizes: Dims = lead.into();
    sizes.extend_from_slice(tail);
    fresh(x, sizes, dtype)
}

/// `meta` of `linalg_svd`.
pub fn svd(x: &Tensor, full: bool) -> Result<Meta> {
    let (lead, m, n) = matrices("svd", x)?;
    let k = m.min(n);
    let (rows, columns) = if full { (m, n) } else { (k, k) };
    Ok(smallvec![
        out(x, lead, &[m, rows], x.dtype()),
        out(x, lead, &[k], x.dtype().to_real()),
        out(x, lead, &[columns, n], x.dtype()),
    ])
}

/// `meta` of `linalg_qr`.
pub fn qr(x: &Tensor, mode: &str) -> Result<Meta> {
    let (lead, m, n) = matrices("qr", x)?;
    let k = m.min(n);
    let d = x.dtype();
    Ok(match mode {
        "reduced" => smallvec![out(x, lead, &[m, k], d), out(x, lead, &[k, n], d)],
        "complete" => smallvec![out(x, lead, &[m, m], d), out(x, lead, &[m, n], d)],
        "r" => smallvec![fresh(x, smallvec![0i64] as Dims, d), out(x, lead, &[k, n], d)],
        _ => fail!(
            Runtime,
            "qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        ),
    })
}

/// `meta` of `linalg_eigh`: real values, vectors.
pub fn eigh(x: &Tensor, triangle: &str) -> Result<Meta> {
    let (lead, n) = square("eigh", x)?;
    if !matches!(triangle, "L" | "U" | "l" | "u") {
        fail!(Runtime, "Expected UPLO argument to be 'L' or 'U', but got {triangle}");
    }
    Ok(smallvec![out(x, lead, &[n], x.dtype().to_real()), out(x, lead, &[n, n], x.dtype())])
}

/// `meta` of `linalg_eig`: complex values, vectors.
pub fn eig(x: &Tensor) -> Result<Meta> {
    let (lead, n) = square("eig", x)?;
    let dtype = x.dtype().to_complex();
    Ok(smallvec![out(x, lead, &[n], dtype), out(x, lead, &[n, n], dtype)])
}

/// `meta` of what gives one number, sign and number, or a matrix of the same sizes a matrix.
pub fn square_meta(name: &str, x: &Tensor, tail: fn(i64) -> Dims) -> Result<Meta> {
    let (lead, n) = square(name, x)?;
    Ok(smallvec![out(x, lead, &tail(n), x.dtype())])
}

/// `meta` of `linalg_slogdet`.
pub fn slogdet(x: &Tensor) -> Result<Meta> {
    let (lead, _) = square("slogdet", x)?;
    Ok(smallvec![out(x, lead, &[], x.dtype()), out(x, lead, &[], x.dtype().to_real())])
}

/// `meta` of `linalg_solve`: `b` holds vectors if it is one, or a batch of them that fits `x`'s.
pub fn solve(x: &Tensor, b: &Tensor, left: bool) -> Result<Meta> {
    let (lead, n) = square("solve", x)?;
    common_device([x, b])?;
    if x.dtype() != b.dtype() {
        fail!(
            Runtime,
            "linalg.solve: Expected A and B to have the same dtype, but found A of type {} and B of type {} instead",
            x.dtype().scalar_name(),
            b.dtype().scalar_name()
        );
    }
    let vectors = b.ndim() == 1 || (x.ndim() == b.ndim() + 1 && b.sizes() == &x.sizes()[..x.ndim() - 1]);
    if vectors {
        let Some((&last, batch)) = b.sizes().split_last() else {
            fail!(Runtime, "linalg.solve: B must have a dimension")
        };
        if last != n || !left {
            fail!(
                Runtime,
                "linalg.solve: Incompatible shapes of A and B for the equation AX = B ({n}x{n} and {last}x1)"
            );
        }
        let lead = broadcast([lead, batch])?;
        return Ok(smallvec![out(x, &lead, &[n], x.dtype())]);
    }
    let Ok((batch, rows, columns)) = matrices("solve", b) else {
        fail!(Runtime, "linalg.solve: The tensor B must have at least 2 dimensions.")
    };
    if (if left { rows } else { columns }) != n {
        let equation = if left { "AX = B" } else { "XA = B" };
        fail!(
            Runtime,
            "linalg.solve: Incompatible shapes of A and B for the equation {equation} ({n}x{n} and {rows}x{columns})"
        );
    }
    let lead = broadcast([lead, batch])?;
    Ok(smallvec![out(x, &lead, &[rows, columns], x.dtype())])
}

/// `meta` of `linalg_lu_factor`: both factors in one matrix, and the pivots.
pub fn lu_factor(x: &Tensor) -> Result<Meta> {
    let (lead, m, n) = matrices("lu_factor", x)?;
    Ok(smallvec![out(x, lead, &[m, n], x.dtype()), out(x, lead, &[m.min(n)], DType::I32)])
}

/// `meta` of `linalg_lu`: the permutation, the lower and the upper factor.
pub fn lu(x: &Tensor) -> Result<Meta> {
    let (lead, m, n) = matrices("lu", x)?;
    let k = m.min(n);
    Ok([[m, m], [m, k], [k, n]].iter().map(|tail| out(x, lead, tail, x.dtype())).collect())
}

/// What a Fourier transform makes of the last dimension that it transforms.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Transform {
    /// Complex to complex.
    Complex,
    /// Real to the first half of a complex spectrum.
    Forward,
    /// Half of a spectrum to real.
    Backward,
}

/// `meta` of Fourier transforms over `dims` (all, or the last ones, by default), padded or cut to `sizes`.
pub fn fft(
    name: &str,
    x: &Tensor,
    sizes: Option<&[i64]>,
    dims: Option<&[i64]>,
    norm: Option<&str>,
    transform: Transform,
) -> Result<Meta> {
    if let Some(norm) = norm
        && !matches!(norm, "forward" | "backward" | "ortho")
    {
        fail!(Runtime, "Invalid normalization mode: \"{norm}\"");
    }
    let dtype = promote::apply(promote::Promote::to_float, x.dtype());
    if matches!(dtype, DType::F16 | DType::BF16) {
        fail!(Runtime, "Unsupported dtype {}", dtype.scalar_name());
    }
    if transform == Transform::Forward && dtype.is_complex() {
        fail!(Runtime, "{name} expects a real input tensor, but got {}", dtype.scalar_name());
    }
    let ndim = x.ndim() as i64;
    let dims: SmallVec<[usize; 6]> = match (dims, sizes) {
        (Some(dims), _) => wrap_all(dims, x.ndim()).map_err(|e| {
            if e.kind() == corten_base::Kind::Index {
                e
            } else {
                corten_base::error!(Runtime, "FFT dims must be unique")
            }
        })?,
        (None, Some(sizes)) if sizes.len() > x.ndim() => {
            fail!(Runtime, "Got shape with {} values but input tensor only has {ndim} dimensions.", sizes.len())
        }
        (None, Some(sizes)) => (x.ndim() - sizes.len()..x.ndim()).collect(),
        (None, None) => (0..x.ndim()).collect(),
    };
    if sizes.is_some_and(|sizes| sizes.len() != dims.len()) {
        fail!(Runtime, "When given, dim and shape arguments must have the same length");
    }
    let mut out = x.dims();
    if x.ndim() == 0 && !dims.is_empty() {
        fail!(Index, "Dimension specified as {} but tensor has no dimensions", dims[0]);
    }
    for (i, &d) in dims.iter().enumerate() {
        let last = i + 1 == dims.len();
        let asked = sizes.map(|sizes| sizes[i]).filter(|&n| n != -1);
        let natural = if last && transform == Transform::Backward { 2 * (out[d] - 1) } else { out[d] };
        let n = asked.unwrap_or(natural);
        if n < 1 {
            fail!(Runtime, "Invalid number of data points ({n}) specified");
        }
        out[d] = if last && transform == Transform::Forward { n / 2 + 1 } else { n };
    }
    let dtype = if transform == Transform::Backward { dtype.to_real() } else { dtype.to_complex() };
    crate::core::checked_numel(&out, dtype)?;
    Ok(smallvec![fresh(x, out, dtype)])
}

/// `fft` along one dimension.
pub fn fft1(
    name: &str,
    x: &Tensor,
    size: Option<i64>,
    dim: i64,
    norm: Option<&str>,
    transform: Transform,
) -> Result<Meta> {
    wrap(dim, x.ndim())?;
    let size = size.map(|n| [n]);
    if size.is_some_and(|[n]| n < 1) {
        fail!(Runtime, "Invalid number of data points ({}) specified", size.map_or(0, |[n]| n));
    }
    fft(name, x, size.as_ref().map(|n| &n[..]), Some(&[dim]), norm, transform)
}
