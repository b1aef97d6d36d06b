//! `Tensor(…)`: the constructor that takes sizes, a sequence or another tensor, in the default dtype.

use crate::class::{tensor_of, wrap_as};
use crate::convert::{self, exact_number};
use crate::errors::OrRaise;
use crate::hooks;
use crate::py::type_name;
use corten_base::Scalar;
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
    let py = ty.py();
    let mut device = Device::CPU;
    let mut data = None;
    for (name, value) in kwargs.map(|k| k.cast::<PyDict>()).transpose()?.into_iter().flat_map(|d| d.iter()) {
        match name.to_string().as_str() {
            "device" => {
                device = crate::types::device::from_object(&value)?
                    .ok_or_else(|| PyTypeError::new_err("new(): argument 'device' must be torch.device"))?;
            }
            "data" => data = Some(value),
            other => return Err(PyTypeError::new_err(format!("new() got an unexpected keyword argument '{other}'"))),
        }
    }
    let first = data.or_else(|| args.get_item(0).ok());
    let tensor = match first {
        None => Tensor::empty(&[0], promote::default_float(), device).or_raise(py)?,
        Some(first) => from_first(&first, args, device)?,
    };
    wrap_as(ty, tensor)
}

fn from_first(first: &Bound<'_, PyAny>, args: &Bound<'_, PyTuple>, device: Device) -> PyResult<Tensor> {
    let py = first.py();
    let object = first.as_borrowed();
    if args.len() > 1 || matches!(exact_number(object), Some(Scalar::Int(_))) {
        return sized(args.iter().collect(), device);
    }
    if let Some(tensor) = tensor_of(object) {
        return Ok(tensor.detached());
    }
    if crate::types::size::SIZE.is_exact(object) {
        return sized(first.try_iter()?.collect::<PyResult<Vec<_>>>()?, device);
    }
    if object.is_instance_of::<PyString>() {
        return Err(PyTypeError::new_err("new(): invalid data type 'str'"));
    }
    if convert::number(object)?.is_some() || first.is_none() || !first.hasattr("__len__")? {
        return Err(PyTypeError::new_err(format!("new(): data must be a sequence (got {})", type_name(object))));
    }
    let made = hooks::call(py, "legacy_tensor", (first, crate::types::device::object(py, device)?))?;
    match tensor_of(made.as_borrowed()) {
        Some(tensor) => Ok(tensor.detached()),
        None => Err(PyRuntimeError::new_err("legacy_tensor() must give a Tensor")),
    }
}

fn sized(items: Vec<Bound<'_, PyAny>>, device: Device) -> PyResult<Tensor> {
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
        Some(first) => Tensor::empty(&sizes, promote::default_float(), device).or_raise(first.py()),
        None => Err(PyTypeError::new_err("new(): no sizes")),
    }
}
