//! `Tensor(…)` and `FloatTensor(…)`: constructors that take sizes, a sequence or another tensor.

use crate::class::{tensor_of, wrap_as};
use crate::convert::{self, exact_number};
use crate::errors::OrRaise;
use crate::hooks;
use crate::py::type_name;
use crate::types::{self, dtype::PyDType};
use corten_base::{DType, Scalar};
use corten_tensor::{Device, Dims, Tensor, promote};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};

/// A tensor of class `ty` from the arguments of `Tensor(…)`.
pub fn construct<'py>(
    ty: &Bound<'py, PyType>,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    wrap_as(ty, made(args, kwargs, promote::default_float())?)
}

/// A tensor of that dtype, from the arguments of `Tensor(…)`.
#[pyfunction]
#[pyo3(signature = (dtype, *args, **kwargs))]
fn _legacy<'py>(
    dtype: &Bound<'py, PyDType>,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let tensor = made(args, kwargs, dtype.get().0)?;
    crate::class::wrap(args.py(), tensor)
}

/// Adds the function.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(_legacy, module)?)
}

fn made(args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyAny>>, dtype: DType) -> PyResult<Tensor> {
    let py = args.py();
    let mut device = Device::CPU;
    let mut data = None;
    for (name, value) in kwargs.map(|k| k.cast::<PyDict>()).transpose()?.into_iter().flat_map(|d| d.iter()) {
        match name.to_string().as_str() {
            "device" => {
                device = types::device::from_object(&value)?
                    .ok_or_else(|| PyTypeError::new_err("new(): argument 'device' must be torch.device"))?;
            }
            "data" => data = Some(value),
            other => return Err(PyTypeError::new_err(format!("new() got an unexpected keyword argument '{other}'"))),
        }
    }
    let first = data.or_else(|| args.get_item(0).ok());
    match first {
        None => Tensor::empty(&[0], dtype, device).or_raise(py),
        Some(first) => from_first(&first, args, dtype, device),
    }
}

fn from_first(first: &Bound<'_, PyAny>, args: &Bound<'_, PyTuple>, dtype: DType, device: Device) -> PyResult<Tensor> {
    let py = first.py();
    let object = first.as_borrowed();
    if args.len() > 1 || matches!(exact_number(object), Some(Scalar::Int(_))) {
        return sized(args.iter().collect(), dtype, device);
    }
    if let Some(tensor) = tensor_of(object) {
        if tensor.dtype() != dtype {
            return Err(PyTypeError::new_err(format!("expected {dtype} (got {})", tensor.dtype())));
        }
        return Ok(tensor.detached());
    }
    if types::size::SIZE.is_exact(object) {
        return sized(first.try_iter()?.collect::<PyResult<Vec<_>>>()?, dtype, device);
    }
    if object.is_instance_of::<PyString>() {
        return Err(PyTypeError::new_err("new(): invalid data type 'str'"));
    }
    if convert::number(object)?.is_some() || first.is_none() || !first.hasattr("__len__")? {
        return Err(PyTypeError::new_err(format!("new(): data must be a sequence (got {})", type_name(object))));
    }
    let made = hooks::call(
        py,
        "legacy_tensor",
        (first, types::dtype::object(py, dtype)?, types::device::object(py, device)?),
    )?;
    match tensor_of(made.as_borrowed()) {
        Some(tensor) => Ok(tensor.detached()),
        None => Err(PyRuntimeError::new_err("legacy_tensor() must give a Tensor")),
    }
}

fn sized(items: Vec<Bound<'_, PyAny>>, dtype: DType, device: Device) -> PyResult<Tensor> {
    let mut sizes = Dims::new();
    for item in &items {
        match convert::int(item.as_borrowed()) {
            Ok(size) => sizes.push(size),
            Err(_) => {
                let given = type_name(item.as_borrowed());
                return Err(PyTypeError::new_err(format!("new(): sizes must be ints, not {given}")));
            }
        }
    }
    match items.first() {
        Some(first) => Tensor::empty(&sizes, dtype, device).or_raise(first.py()),
        None => Err(PyTypeError::new_err("new(): no sizes")),
    }
}
