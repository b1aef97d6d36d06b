//! How often values occur: `bincount` and `histc`.

use crate::copy::{Base, int64, same_sizes};
use corten_base::alloc::room;
use corten_base::element::Cast;
use corten_base::{DType, Element, Operand, Result, Scalar, fail, with_dtype};
use corten_strided::Dims;

/// The smallest and the largest element of an int64 vector (to size the result of [`bincount`]); `None` if it is empty.
pub fn extent(x: Operand) -> Result<Option<(i64, i64)>> {
    int64(&x)?;
    let mut extent: Option<(i64, i64)> = None;
    Dims::new(x.sizes(), [x.strides()]).walk(0..x.numel(), |[at]| {
        // SAFETY: an element of `x`.
        let value = unsafe { Base::<i64>::of(&x).read(at) };
        extent = Some(extent.map_or((value, value), |(low, high)| (low.min(value), high.max(value))));
    });
    Ok(extent)
}

/// Adds up, at each place of the one-dimensional `out`, the weights of the int64 elements of `x` that name it: 1 each, in
/// int64, without weights; in float64 with them.
pub fn bincount(out: Operand, x: Operand, weights: Option<Operand>) -> Result<()> {
    let (&[bins], &[step]) = (out.sizes(), out.strides()) else {
        fail!(Runtime, "expected a result of one dimension, but got {:?}", out.sizes());
    };
    match extent(x)? {
        Some((low, high)) if low < 0 || high >= bins => {
            fail!(Runtime, "bincount only supports 1-d non-negative integral inputs below {bins}.")
        }
        _ => {}
    }
    let expected = if weights.is_some() { DType::F64 } else { DType::I64 };
    if out.dtype() != expected {
        fail!(Runtime, "bincount expects a result of {expected}, but got {}", out.dtype());
    }
    for bin in 0..bins {
        // SAFETY: an element of `out`, whose elements are 8 bytes wide, and zero if those are.
        unsafe { Base::<u64>::of(&out).write((bin * step) as isize, 0) }
    }
    let other = weights.unwrap_or(x);
    same_sizes(&x, &other)?;
    Dims::new(x.sizes(), [x.strides(), other.strides()]).walk(0..x.numel(), |[at, w]| {
        // SAFETY: elements of `x`, of the weights, and of `out`: all values were checked.
        unsafe {
            let bin = Base::<i64>::of(&x).read(at) as isize * step as isize;
            if weights.is_some() {
                let weight: f64 = with_dtype!(other.dtype(), T => Base::<T>::of(&other).read(w).cast());
                let sums = Base::<f64>::of(&out);
                sums.write(bin, sums.read(bin) + weight);
            } else {
                let counts = Base::<i64>::of(&out);
                counts.write(bin, counts.read(bin) + 1);
            }
        }
    });
    Ok(())
}

/// Counts the elements of `x` in the equal bins of [low, high] that the one-dimensional `out` has; others are left out,
/// and `high` itself belongs to the last bin. `low` must be below `high`.
pub fn histc(out: Operand, x: Operand, low: f64, high: f64) -> Result<()> {
    let (&[bins], &[step]) = (out.sizes(), out.strides()) else {
        fail!(Runtime, "expected a result of one dimension, but got {:?}", out.sizes());
    };
    if !(low < high && low.is_finite() && high.is_finite()) || bins <= 0 {
        fail!(Runtime, "histc needs bins and a finite range, but got {bins} bins of [{low}, {high}]");
    }
    let mut counts = room(bins as usize)?;
    counts.resize(bins as usize, 0i64);
    with_dtype!(x.dtype(), T => Dims::new(x.sizes(), [x.strides()]).walk(0..x.numel(), |[at]| {
        // SAFETY: an element of `x`.
        let value: f64 = unsafe { Base::<T>::of(&x).read(at) }.cast();
        if (low..=high).contains(&value) {
            let bin = ((value - low) / (high - low) * bins as f64) as i64;
            counts[bin.min(bins - 1) as usize] += 1;
        }
    }));
    with_dtype!(out.dtype(), T => for (bin, &count) in counts.iter().enumerate() {
        // SAFETY: an element of `out`.
        unsafe { Base::<T>::of(&out).write(bin as isize * step as isize, T::from_scalar(Scalar::Int(count))) }
    });
    Ok(())
}
