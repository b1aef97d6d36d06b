//! Dimension numbers: wrapped, checked, and turned into sets.

use crate::core::Dims;
use corten_base::{Result, fail};
use smallvec::SmallVec;

/// `dim` counted from the front; a zero-dimensional tensor accepts -1 and 0.
pub fn wrap(dim: i64, ndim: usize) -> Result<usize> {
    let n = ndim.max(1) as i64;
    if dim < -n || dim >= n {
        fail!(Index, "Dimension out of range (expected to be in range of [{}, {}], but got {dim})", -n, n - 1);
    }
    Ok(if dim < 0 { dim + n } else { dim } as usize)
}

/// Each dim counted from the front, without repetition.
pub fn wrap_all(dims: &[i64], ndim: usize) -> Result<SmallVec<[usize; 6]>> {
    let mut out: SmallVec<[usize; 6]> = SmallVec::new();
    for &dim in dims {
        let dim = wrap(dim, ndim)?;
        if out.contains(&dim) {
            fail!(Runtime, "dim {dim} appears multiple times in the list of dims");
        }
        out.push(dim);
    }
    Ok(out)
}

/// The dims of a reduction: all of them where none (or an empty list) is given.
pub fn reduced(dims: Option<&[i64]>, ndim: usize) -> Result<SmallVec<[usize; 6]>> {
    match dims {
        Some(dims) if !dims.is_empty() => {
            let wrapped = wrap_all(dims, ndim)?;
            Ok(if ndim == 0 { SmallVec::new() } else { wrapped })
        }
        _ => Ok((0..ndim).collect()),
    }
}

/// The sizes after a reduction over `dims`.
pub fn reduced_sizes(sizes: &[i64], dims: &[usize], keepdim: bool) -> Dims {
    let kept = sizes.iter().enumerate().filter(|(d, _)| keepdim || !dims.contains(d));
    kept.map(|(d, &size)| if dims.contains(&d) { 1 } else { size }).collect()
}

/// Sizes with one `-1` worked out.
pub fn infer(sizes: &[i64], numel: usize) -> Result<Dims> {
    let mut out = Dims::from_slice(sizes);
    let mut hole = None;
    let mut known: i64 = 1;
    for (d, &size) in sizes.iter().enumerate() {
        match size {
            -1 if hole.is_some() => fail!(Runtime, "only one dimension can be inferred"),
            -1 => hole = Some(d),
            n if n < 0 => {
                fail!(Runtime, "invalid shape dimension {n} at index {d} of shape {}", crate::text::sizes(sizes))
            }
            n => known = known.saturating_mul(n),
        }
    }
    let wrong =
        || corten_base::error!(Runtime, "shape '{}' is invalid for input of size {numel}", crate::text::sizes(sizes));
    match hole {
        Some(_) if known == 0 => {
            if numel == 0 {
                fail!(
                    Runtime,
                    "cannot reshape tensor of 0 elements into shape {} because the unspecified dimension size -1 can be any value and is ambiguous",
                    crate::text::sizes(sizes)
                );
            }
            Err(wrong())
        }
        Some(d) if numel as i64 % known == 0 => {
            out[d] = numel as i64 / known;
            Ok(out)
        }
        None if known == numel as i64 => Ok(out),
        _ => Err(wrong()),
    }
}
