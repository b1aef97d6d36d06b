//! Functions about tensors that are not rows of the op table.

use crate::class::tensor_of;
use crate::convert;
use crate::py::type_name;
use crate::types::dtype::{self, PyDType};
use corten_base::DType;
use corten_tensor::value::{Arg, Number, Value};
use corten_tensor::{Tensor, key, promote};
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

/// A tensor that shares memory and takes no part in the graph.
#[pyfunction]
fn detach<'py>(input: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    tensor("detach", "input", 1, input)?;
    input.call_method0("detach")
}

/// Takes the tensor out of the graph.
#[pyfunction]
fn detach_<'py>(input: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    tensor("detach_", "input", 1, input)?;
    input.call_method0("detach_")
}

fn dtype_of(function: &str, argument: &str, place: usize, object: &Bound<'_, PyAny>) -> PyResult<DType> {
    dtype::from_object(object).ok_or_else(|| {
        let given = type_name(object.as_borrowed());
        PyTypeError::new_err(format!(
            "{function}(): argument '{argument}' (position {place}) must be torch.dtype, not {given}"
        ))
    })
}

/// The dtype of a result over tensors of two dtypes.
#[pyfunction]
fn promote_types<'py>(type1: &Bound<'py, PyAny>, type2: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDType>> {
    let first = dtype_of("promote_types", "type1", 1, type1)?;
    dtype::object(type1.py(), first.promote(dtype_of("promote_types", "type2", 2, type2)?))
}

/// True if an operator may write results of one dtype into a tensor of the other.
#[pyfunction]
fn can_cast(from_: &Bound<'_, PyAny>, to: &Bound<'_, PyAny>) -> PyResult<bool> {
    let from = dtype_of("can_cast", "from_", 1, from_)?;
    Ok(from.category() <= dtype_of("can_cast", "to", 2, to)?.category())
}

/// The dtype of a result over two tensors or numbers.
#[pyfunction]
fn result_type<'py>(tensor: &Bound<'py, PyAny>, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDType>> {
    let operand = |place: usize, object: &Bound<'py, PyAny>| -> PyResult<Value> {
        if let Some(tensor) = tensor_of(object.as_borrowed()) {
            return Ok(tensor.into());
        }
        let given = type_name(object.as_borrowed());
        convert::number(object.as_borrowed())?.map(Value::Scalar).ok_or_else(|| {
            PyTypeError::new_err(format!("result_type(): argument {place} must be Tensor or Number, not {given}"))
        })
    };
    let values = [operand(1, tensor)?, operand(2, other)?];
    let numbers: Vec<Number> = values.iter().filter_map(Number::from_value).collect();
    dtype::object(tensor.py(), promote::result_type(&numbers))
}

/// Adds the functions.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(is_tensor, module)?)?;
    module.add_function(wrap_pyfunction!(is_floating_point, module)?)?;
    module.add_function(wrap_pyfunction!(is_complex, module)?)?;
    module.add_function(wrap_pyfunction!(is_signed, module)?)?;
    module.add_function(wrap_pyfunction!(is_inference, module)?)?;
    module.add_function(wrap_pyfunction!(numel, module)?)?;
    module.add_function(wrap_pyfunction!(detach, module)?)?;
    module.add_function(wrap_pyfunction!(detach_, module)?)?;
    module.add_function(wrap_pyfunction!(promote_types, module)?)?;
    module.add_function(wrap_pyfunction!(can_cast, module)?)?;
    module.add_function(wrap_pyfunction!(result_type, module)?)?;
    module.add_function(wrap_pyfunction!(is_same_size, module)?)
}
