//! Work that the Python layer does for the native one: functions of `corten_tensor_core`, imported at need.

use crate::class::tensor_of;
use crate::errors::OrRaise;
use crate::py::{Obj, import};
use corten_base::Scalar;
use corten_tensor::{Tensor, key, mode};
use pyo3::call::PyCallArgs;
use pyo3::exceptions::{PyImportError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// The module with what Tensor's methods leave to Python.
const METHODS: &str = "corten_tensor_core._tensor_methods";

/// Calls `corten_tensor_core._tensor_methods.name`.
pub fn call<'py>(py: Python<'py>, name: &str, args: impl PyCallArgs<'py>) -> PyResult<Bound<'py, PyAny>> {
    import(py, METHODS, name)?.call1(args)
}

/// A tensor from a list, range or array that stands in an index expression.
pub fn index_tensor(obj: Obj) -> PyResult<Tensor> {
    let result = call(obj.py(), "index_tensor", (obj,))?;
    tensor_of(result.as_borrowed()).cloned().ok_or_else(|| PyTypeError::new_err("index_tensor() must give a Tensor"))
}

/// A tensor that shares an array's memory where it can.
pub fn as_tensor<'py>(obj: Obj<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    import(obj.py(), "corten_tensor_core", "as_tensor")?.call1((obj,))
}

/// The value of a tensor of one element, fetched from its device where need be.
pub fn item(obj: Obj, tensor: &Tensor) -> PyResult<Scalar> {
    let _below = mode::without(key::SUBCLASS);
    corten_tensor::rules::read::item(tensor).or_raise(obj.py())
}

/// Imports autograd, which installs itself, on first use.
pub fn activate(py: Python<'_>) -> PyResult<()> {
    if corten_tensor::dispatch::HOOKS.grad.get().is_some() {
        return Ok(());
    }
    match py.import("corten_autograd") {
        Ok(_) => Ok(()),
        Err(error) if error.is_instance_of::<PyImportError>(py) => {
            let told = PyImportError::new_err("backward needs corten-autograd: pip install corten-autograd");
            told.set_cause(py, Some(error));
            Err(told)
        }
        Err(error) => Err(error),
    }
}

/// Calls a Python method's hook with `self`, the positional and the named arguments as they came.
pub fn method<'py>(
    py: Python<'py>,
    name: &str,
    args: Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, pyo3::types::PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    import(py, METHODS, name)?.call(args, kwargs)
}
