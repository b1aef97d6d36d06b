//! Functions about tensors that are not rows of the op table.

use crate::class::tensor_of;
use crate::py::type_name;
use corten_base::DType;
use corten_tensor::{Tensor, key};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

fn tensor<'a>(function: &str, argument: &str, place: usize, object: &'a Bound<'_, PyAny>) -> PyResult<&'a Tensor> {
    tensor_of(object.as_borrowed()).ok_or_else(|| {
        let given = type_name(object.as_borrowed());
        PyTypeError::new_err(format!(
            "{function}(): argument '{argument}' (position {place}) must be Tensor, not {given}"
        ))
    })
}

/// True if `obj` is a tensor.
#[pyfunction]
fn is_tensor(obj: &Bound<'_, PyAny>) -> bool {
    tensor_of(obj.as_borrowed()).is_some()
}

/// True if the dtype is a floating-point one.
#[pyfunction]
fn is_floating_point(input: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(tensor("is_floating_point", "input", 1, input)?.dtype().is_float())
}

/// True if the dtype is complex.
#[pyfunction]
fn is_complex(input: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(tensor("is_complex", "input", 1, input)?.dtype().is_complex())
}

/// True if the dtype has negative numbers.
#[pyfunction]
fn is_signed(input: &Bound<'_, PyAny>) -> PyResult<bool> {
    let dtype = tensor("is_signed", "input", 1, input)?.dtype();
    Ok(!dtype.is_unsigned() && dtype != DType::Bool)
}

/// True if the tensor was made in inference mode.
#[pyfunction]
fn is_inference(input: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(tensor("is_inference", "input", 1, input)?.keys() & key::INFERENCE != 0)
}

/// The number of elements.
#[pyfunction]
fn numel(input: &Bound<'_, PyAny>) -> PyResult<usize> {
    Ok(tensor("numel", "input", 1, input)?.numel())
}

/// True if both have the same sizes.
#[pyfunction]
fn is_same_size(input: &Bound<'_, PyAny>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(tensor("is_same_size", "input", 1, input)?.sizes() == tensor("is_same_size", "other", 2, other)?.sizes())
}

/// Adds the functions.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(is_tensor, module)?)?;
    module.add_function(wrap_pyfunction!(is_floating_point, module)?)?;
    module.add_function(wrap_pyfunction!(is_complex, module)?)?;
    module.add_function(wrap_pyfunction!(is_signed, module)?)?;
    module.add_function(wrap_pyfunction!(is_inference, module)?)?;
    module.add_function(wrap_pyfunction!(numel, module)?)?;
    module.add_function(wrap_pyfunction!(is_same_size, module)?)
}
