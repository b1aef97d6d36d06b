//! The runtime's errors as Python exceptions, and back.

use corten_base::{Error, Kind};
use pyo3::PyErr;
use pyo3::exceptions::{
    PyImportError, PyIndexError, PyMemoryError, PyNotImplementedError, PyRuntimeError, PyTypeError, PyValueError,
};
use pyo3::prelude::*;

/// The exception for an error.
#[cold]
pub fn raise(py: Python<'_>, error: Error) -> PyErr {
    if let Some(error) = error.payload().and_then(|payload| payload.downcast_ref::<PyErr>()) {
        return error.clone_ref(py);
    }
    let message = error.message().to_string();
    match error.kind() {
        Kind::Type => PyTypeError::new_err(message),
        Kind::Value => PyValueError::new_err(message),
        Kind::Index => PyIndexError::new_err(message),
        Kind::Runtime | Kind::Foreign => PyRuntimeError::new_err(message),
        Kind::NotImplemented => PyNotImplementedError::new_err(message),
        Kind::Memory => PyMemoryError::new_err(message),
        Kind::Import => PyImportError::new_err(message),
    }
}

/// An exception on its way through the runtime.
#[cold]
pub fn carry(py: Python<'_>, error: PyErr) -> Error {
    let message = error.value(py).to_string();
    Error::foreign(Box::new(error), message)
}

/// `result.or_raise(py)?` in functions that give a `PyResult`.
pub trait OrRaise<T> {
    /// The value, or the exception for the error.
    fn or_raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T> OrRaise<T> for corten_base::Result<T> {
    #[inline(always)]
    fn or_raise(self, py: Python<'_>) -> PyResult<T> {
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(raise(py, error)),
        }
    }
}
