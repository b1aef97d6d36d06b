//! A tensor of one element as a Python truth value, int or float.

use crate::class::self_of;
use crate::py::{Obj, entries};
use crate::{convert, hooks};
use corten_base::Scalar;
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::ffi::{self, PyObject};
use pyo3::prelude::*;
use std::ffi::c_int;

entries! {
    /// `bool(tensor)`.
    pub fn truth(py, slf) -> c_int {
        let tensor = self_of(slf)?;
        match tensor.numel() {
            0 => Err(PyRuntimeError::new_err("Boolean value of Tensor with no values is ambiguous")),
            1 => Ok(!hooks::item(slf, tensor)?.is_zero() as c_int),
            _ => Err(PyRuntimeError::new_err("Boolean value of Tensor with more than one value is ambiguous")),
        }
    }

    /// `int(tensor)`.
    pub fn to_int(py, slf) -> *mut PyObject {
        let value = one(slf)?;
        match value {
            Scalar::Complex(re, 0.0) => Ok(whole(py, re)?.into_ptr()),
            Scalar::Complex(..) => Err(PyRuntimeError::new_err("value cannot be converted to type int64_t without overflow")),
            Scalar::Float(x) => Ok(whole(py, x)?.into_ptr()),
            Scalar::Bool(x) => Ok((x as i64).into_pyobject(py)?.into_ptr()),
            other => Ok(convert::scalar_object(py, other)?.into_ptr()),
        }
    }

    /// `float(tensor)`.
    pub fn to_float(py, slf) -> *mut PyObject {
        match one(slf)? {
            Scalar::Complex(_, im) if im != 0.0 => {
                Err(PyRuntimeError::new_err("value cannot be converted to type double without overflow"))
            }
            value => Ok(convert::scalar_object(py, Scalar::Float(value.to_f64()))?.into_ptr()),
        }
    }

    /// `operator.index(tensor)`.
    pub fn to_index(py, slf) -> *mut PyObject {
        let tensor = self_of(slf)?;
        if tensor.numel() != 1 || !tensor.dtype().is_integral(true) {
            return Err(PyTypeError::new_err("only integer tensors of a single element can be converted to an index"));
        }
        let value = match hooks::item(slf, tensor)? {
            Scalar::Bool(x) => Scalar::Int(x as i64),
            other => other,
        };
        Ok(convert::scalar_object(py, value)?.into_ptr())
    }
}

/// The value of a tensor of one element, for `int()` and `float()`.
fn one(slf: Obj) -> PyResult<Scalar> {
    let tensor = self_of(slf)?;
    if tensor.numel() != 1 {
        return Err(PyValueError::new_err("only one element tensors can be converted to Python scalars"));
    }
    hooks::item(slf, tensor)
}

/// The whole part of a double, however large.
fn whole(py: Python<'_>, x: f64) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: gives a new int, or null with an exception set for infinities and NaN.
    unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyLong_FromDouble(x)) }
}
