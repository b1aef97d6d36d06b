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

/// Dimensions of a tensor, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DimSet(u64);

impl DimSet {
    /// All `ndim` dimensions.
    fn all(ndim: usize) -> DimSet {
        DimSet(if ndim < 64 { (1 << ndim) - 1 } else { u64::MAX })
    }

    /// True if `dim` is in the set.
    #[inline]
    pub fn contains(self, dim: usize) -> bool {
        self.0 >> dim & 1 == 1
    }

    /// The dimensions, the first one first.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = usize> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let dim = rest.trailing_zeros() as usize;
            rest &= rest.wrapping_sub(1);
            (dim < 64).then_some(dim)
        })
    }

    /// The dimensions as an operator's argument.
    pub fn to_dims(self) -> Dims {
        self.iter().map(|dim| dim as i64).collect()
    }
}

/// The dims of a reduction: all of them where none (or an empty list) is given.
pub fn reduced(dims: Option<&[i64]>, ndim: usize) -> Result<DimSet> {
    if ndim > 64 {
        fail!(Runtime, "only tensors with up to 64 dims are supported, got {ndim}");
    }
    let Some(dims) = dims.filter(|dims| !dims.is_empty()) else { return Ok(DimSet::all(ndim)) };
    let mut set = 0;
    for &dim in dims {
        let bit: u64 = 1 << wrap(dim, ndim)?;
        if set & bit != 0 {
            fail!(Runtime, "dim {} appears multiple times in the list of dims", bit.trailing_zeros());
        }
        set |= bit;
    }
    Ok(if ndim == 0 { DimSet(0) } else { DimSet(set) })
}

/// The sizes after a reduction over `dims`.
pub fn reduced_sizes(sizes: &[i64], dims: DimSet, keepdim: bool) -> Dims {
    let mut out = Dims::new();
    for (d, &size) in sizes.iter().enumerate() {
        match dims.contains(d) {
            false => out.push(size),
            true if keepdim => out.push(1),
            true => {}
        }
    }
    out
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
