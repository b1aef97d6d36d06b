//! A Python number: its category matters to promotion, its value to kernels.

use crate::dtype::{Category, DType};
use crate::element::Element;

/// A number with the category that it had in Python.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Scalar {
    Bool(bool),
    Int(i64),
    /// An integer above `i64::MAX`.
    UInt(u64),
    Float(f64),
    Complex(f64, f64),
}

impl Scalar {
    /// Its category.
    pub fn category(self) -> Category {
        match self {
            Scalar::Bool(_) => Category::Bool,
            Scalar::Int(_) | Scalar::UInt(_) => Category::Int,
            Scalar::Float(_) => Category::Float,
            Scalar::Complex(..) => Category::Complex,
        }
    }

    /// The value as an element of type `T`, converted as `tensor.to` converts.
    pub fn to<T: Element>(self) -> T {
        T::from_scalar(self)
    }

    /// The value as a double (real part of a complex number).
    pub fn to_f64(self) -> f64 {
        self.to::<f64>()
    }

    /// The value as an int64 (truncated).
    pub fn to_i64(self) -> i64 {
        self.to::<i64>()
    }

    /// The smallest-looking dtype of a scalar on its own, given the default float dtype.
    pub fn dtype(self, default_float: DType) -> DType {
        match self {
            Scalar::Bool(_) => DType::Bool,
            Scalar::Int(_) => DType::I64,
            Scalar::UInt(_) => DType::U64,
            Scalar::Float(_) => default_float,
            Scalar::Complex(..) => default_float.to_complex(),
        }
    }

    /// True for zero of any category.
    pub fn is_zero(self) -> bool {
        match self {
            Scalar::Bool(x) => !x,
            Scalar::Int(x) => x == 0,
            Scalar::UInt(x) => x == 0,
            Scalar::Float(x) => x == 0.0,
            Scalar::Complex(re, im) => re == 0.0 && im == 0.0,
        }
    }
}
