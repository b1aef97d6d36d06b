//! `device` objects.

use crate::errors::OrRaise;
use crate::py::{Obj, import, type_name};
use corten_tensor::{Device, DeviceKind};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyInt, PyString};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Where a tensor is.
#[pyclass(frozen, name = "device", module = "corten")]
pub struct PyDevice(pub Device);

/// The device that an argument `device=` means; `None` where the type does not fit.
pub fn from_object(obj: &Bound<'_, PyAny>) -> PyResult<Option<Device>> {
    if let Ok(device) = obj.cast::<PyDevice>() {
        return Ok(Some(device.get().0));
    }
    if let Ok(text) = obj.cast::<PyString>() {
        return Device::parse(text.to_cow()?.as_ref()).or_raise(obj.py()).map(Some);
    }
    if obj.is_instance_of::<PyInt>() && !obj.is_instance_of::<PyBool>() {
        return Ok(Some(Device { kind: DeviceKind::Cuda, index: index(obj.extract()?)? }));
    }
    Ok(None)
}

fn index(number: i64) -> PyResult<i8> {
    match i8::try_from(number) {
        Ok(index) if index >= 0 => Ok(index),
        Ok(_) => Err(PyRuntimeError::new_err("Device index must not be negative")),
        Err(_) => Err(PyRuntimeError::new_err(format!("Device index {number} is too large"))),
    }
}

#[pymethods]
impl PyDevice {
    /// `device("cuda:1")`, `device("cuda", 1)`, `device(1)`, or another device.
    #[new]
    #[pyo3(signature = (r#type, index=None))]
    fn new(r#type: &Bound<'_, PyAny>, index: Option<i64>) -> PyResult<PyDevice> {
        let Some(mut device) = from_object(r#type)? else {
            return Err(PyTypeError::new_err(format!(
                "device() received an invalid combination of arguments - got ({}), but expected one of:\n * (torch.device device)\n      didn't match because some of the arguments have invalid types: (!{0}!)\n * (str type, int index = -1)\n",
                type_name(Obj::from(r#type))
            )));
        };
        if let Some(number) = index {
            if device.index >= 0 {
                return Err(PyRuntimeError::new_err(format!(
                    "type (string) must not include an index because index was passed explicitly: {device}"
                )));
            }
            device.index = self::index(number)?;
        }
        Ok(PyDevice(device))
    }

    /// `cpu`, `cuda` or `meta`.
    #[getter]
    fn r#type(&self) -> &'static str {
        self.0.name()
    }

    /// Which one, or `None`.
    #[getter]
    fn index(&self) -> Option<i8> {
        (self.0.index >= 0).then_some(self.0.index)
    }

    fn __repr__(&self) -> String {
        match self.index() {
            Some(index) => format!("device(type='{}', index={index})", self.0.name()),
            None => format!("device(type='{}')", self.0.name()),
        }
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<PyDevice>().is_ok_and(|other| other.get().0 == self.0)
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        hasher.finish()
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> (Bound<'py, PyAny>, (String,)) {
        (slf.get_type().into_any(), (slf.get().0.to_string(),))
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    /// New tensors are made here inside the `with` block.
    fn __enter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        import(slf.py(), "corten_tensor_core._devices", "enter")?.call1((slf,))?;
        Ok(slf.clone())
    }

    #[pyo3(signature = (*args))]
    fn __exit__(slf: &Bound<'_, Self>, args: &Bound<'_, PyAny>) -> PyResult<()> {
        let _ = args;
        import(slf.py(), "corten_tensor_core._devices", "exit")?.call1((slf,)).map(|_| ())
    }

    /// As a decorator: new tensors are made here inside the function.
    #[pyo3(signature = (function))]
    fn __call__<'py>(slf: &Bound<'py, Self>, function: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let options = PyDict::new(slf.py());
        import(slf.py(), "corten_tensor_core._devices", "decorate")?.call((slf, function), Some(&options))
    }
}

/// The object of a device.
pub fn object(py: Python<'_>, device: Device) -> PyResult<Bound<'_, PyDevice>> {
    Bound::new(py, PyDevice(device))
}

/// Adds the class.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyDevice>()
}
