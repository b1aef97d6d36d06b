//! Type promotion: the dtype of a result, from tensors, zero-dimensional tensors and Python numbers.

use crate::value::Number;
use corten_base::dtype::Category;
use corten_base::{DType, Scalar};
use std::sync::atomic::{AtomicU8, Ordering};

static DEFAULT: AtomicU8 = AtomicU8::new(DType::F32 as u8);

/// The dtype of floats from Python (`set_default_dtype`).
#[inline]
pub fn default_float() -> DType {
    corten_base::dtype::ALL[DEFAULT.load(Ordering::Relaxed) as usize]
}

/// Sets the dtype of floats from Python.
pub fn set_default_float(dtype: DType) {
    DEFAULT.store(dtype as u8, Ordering::Relaxed);
}

/// The dtype of a Python number on its own.
pub fn of_scalar(scalar: Scalar) -> DType {
    scalar.dtype(default_float())
}

/// How a row turns the promoted dtype into that of its computation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(non_camel_case_types)]
pub enum Promote {
    /// The promoted dtype.
    default,
    /// Integers and bool become the default float.
    to_float,
    /// Bool becomes int64 (sums).
    int_to_long,
    /// Bool result, computed in the promoted dtype.
    predicate,
    /// The real dtype of a complex one.
    to_real,
    /// The real dtype of a complex one, of integers the default float.
    to_real_float,
    /// The complex dtype whose parts have the promoted dtype.
    to_complex,
}

/// PyTorch's `result_type`: dimensioned tensors first, then zero-dimensional ones, then numbers; a later group counts
/// only where its category is higher.
pub fn result_type(operands: &[Number]) -> DType {
    let mut groups: [Option<DType>; 3] = [None; 3];
    for operand in operands {
        let (group, dtype) = match operand {
            Number::Tensor(t) => (if t.ndim() > 0 { 0 } else { 1 }, t.dtype()),
            Number::Scalar(s) => (2, of_scalar(*s)),
        };
        groups[group] = Some(groups[group].map_or(dtype, |d| d.promote(dtype)));
    }
    let mut result: Option<DType> = None;
    for dtype in groups.into_iter().flatten() {
        result = Some(match result {
            None => dtype,
            Some(high) => combine(high, dtype),
        });
    }
    result.unwrap_or(DType::F32)
}

/// A lower group's dtype joins a higher group's: it changes it only by a higher category.
fn combine(high: DType, low: DType) -> DType {
    if high.category() >= low.category() {
        return high;
    }
    match low.category() {
        // A float tensor of any width with a complex number takes the complex dtype of its own width.
        Category::Complex if high.is_float() => high.to_complex(),
        _ => low,
    }
}

/// The dtype after a row's rule.
pub fn apply(rule: Promote, dtype: DType) -> DType {
    match rule {
        Promote::to_float | Promote::to_real_float if dtype.is_integral(true) => default_float(),
        Promote::int_to_long if dtype.is_integral(true) => DType::I64,
        _ => dtype,
    }
}
