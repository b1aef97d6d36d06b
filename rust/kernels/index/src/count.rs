//! How often values occur: `bincount` and `histc`.

use crate::copy::{Base, int64, same_sizes};
use corten_base::alloc::room;
use corten_base::element::Cast;
use corten_base::{DType, Element, Operand, Result, Scalar, fail, multiversion, with_dtype};
use corten_strided::{Dims, dims_of};

/// The smallest and the largest element of an int64 vector (to size the result of [`bincount`]); `None` if it is empty.
pub fn extent(x: Operand) -> Result<Option<(i64, i64)>> {
    int64(&x)?;
    if x.numel() == 0 {
        return Ok(None);
    }
    let (mut low, mut high) = (i64::MAX, i64::MIN);
    let dims = dims_of(&x).coalesced();
    dims.runs(0..dims.numel(), |[at], [step], count| {
        // SAFETY: elements of `x`.
        let run = unsafe { extent_of_run(Base::<i64>::of(&x).0.wrapping_offset(at), step, count) };
        (low, high) = (low.min(run.0), high.max(run.1));
    });
    Ok(Some((low, high)))
}

multiversion! {
    /// # Safety
    /// There must be `count` elements, `step` apart.
    unsafe fn extent_of_run(first: *const i64, step: isize, count: usize) -> (i64, i64) {
        let (mut low, mut high) = (i64::MAX, i64::MIN);
        let mut join = |value: i64| (low, high) = (low.min(value), high.max(value));
        if step == 1 {
            // SAFETY: the caller's promise.
            unsafe { std::slice::from_raw_parts(first, count) }.iter().copied().for_each(&mut join);
        } else {
            // SAFETY: as above.
            (0..count as isize).for_each(|i| join(unsafe { first.offset(i * step).read() }));
        }
        (low, high)
    }
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
    let Some(weights) = weights else {
        let counts = Line { first: Base::<i64>::of(&out).0, step: step as isize, size: bins };
        let dims = dims_of(&x).coalesced();
        dims.runs(0..dims.numel(), |[at], [step], count| {
            // SAFETY: elements of `x` and of `out`.
            unsafe { count_run(counts, Base::<i64>::of(&x).0.wrapping_offset(at), step, count) }
        });
        return Ok(());
    };
    same_sizes(&x, &weights)?;
    Dims::new(x.sizes(), [x.strides(), weights.strides()]).walk(0..x.numel(), |[at, w]| {
        // SAFETY: elements of `x`, of the weights, and of `out`: all values were checked.
        unsafe {
            let bin = Base::<i64>::of(&x).read(at) as isize * step as isize;
            let weight: f64 = with_dtype!(weights.dtype(), T => Base::<T>::of(&weights).read(w).cast());
            let sums = Base::<f64>::of(&out);
            sums.write(bin, sums.read(bin) + weight);
        }
    });
    Ok(())
}

/// Counts, and how far apart they are.
#[derive(Clone, Copy)]
struct Line {
    first: *mut i64,
    step: isize,
    size: i64,
}

/// Counts each of `count` values, `step` apart.
///
/// # Safety
/// The values and the counts must be elements; nothing else uses the counts.
unsafe fn count_run(counts: Line, first: *const i64, step: isize, count: usize) {
    for i in 0..count as isize {
        // SAFETY: the caller's promise. A value may have been changed since all were checked.
        unsafe {
            let bin = first.offset(i * step).read();
            if (0..counts.size).contains(&bin) {
                *counts.first.offset(bin as isize * counts.step) += 1;
            }
        }
    }
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
