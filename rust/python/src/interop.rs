//! Sharing memory with other libraries, without copies.

use crate::class::{self, self_of};
use crate::errors::OrRaise;
use crate::py::Keep;
use crate::types::dtype::PyDType;
use corten_tensor::storage::Storage;
use corten_tensor::{Core, Device, Dims, Tensor};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

/// A tensor over memory that `owner` keeps: `nbytes` bytes at `address`, seen with these sizes and strides (in
/// elements) from `offset` on.
#[pyfunction]
#[pyo3(signature = (owner, address, nbytes, dtype, sizes, strides, offset=0))]
fn _from_buffer<'py>(
    owner: &Bound<'py, PyAny>,
    address: usize,
    nbytes: usize,
    dtype: &Bound<'py, PyDType>,
    sizes: Vec<i64>,
    strides: Vec<i64>,
    offset: i64,
) -> PyResult<Bound<'py, PyAny>> {
    let py = owner.py();
    if address == 0 && nbytes > 0 {
        return Err(PyValueError::new_err("memory at address 0"));
    }
    let keep = Box::new(Keep::new(owner.as_borrowed()));
    // SAFETY: the caller vouches for the address as it does in `ctypes`; the owner lives as long as the storage.
    let storage = unsafe { Storage::foreign(address as *mut u8, nbytes, keep, Device::CPU) };
    let core = Core {
        storage,
        offset,
        sizes: Dims::from(sizes),
        strides: Dims::from(strides),
        dtype: dtype.get().0,
        own_version: None,
    };
    core.operand().or_raise(py)?;
    class::wrap(py, Tensor::new(core))
}

/// An object through which NumPy sees a tensor's memory; it keeps the tensor alive.
#[pyclass(frozen, module = "corten_native")]
struct ArrayInterface {
    #[pyo3(get)]
    tensor: Py<PyAny>,
    #[pyo3(get, name = "__array_interface__")]
    interface: Py<PyDict>,
}

/// The holder of `__array_interface__` for a tensor on the host, under a NumPy type string of the same width.
#[pyfunction]
#[pyo3(signature = (tensor, typestr))]
fn _array_interface(tensor: &Bound<'_, PyAny>, typestr: &str) -> PyResult<ArrayInterface> {
    let py = tensor.py();
    let core = self_of(tensor.as_borrowed())?.core().clone();
    let first = core.operand().or_raise(py)?.ptr() as usize;
    let size = core.dtype.size() as i64;
    if typestr.get(2..).and_then(|w| w.parse::<i64>().ok()) != Some(size) {
        return Err(PyValueError::new_err(format!("'{typestr}' is no type of {size} bytes")));
    }
    let interface = PyDict::new(py);
    interface.set_item("version", 3)?;
    interface.set_item("shape", PyTuple::new(py, &core.sizes)?)?;
    interface.set_item("strides", PyTuple::new(py, core.strides.iter().map(|s| s * size))?)?;
    interface.set_item("typestr", typestr)?;
    interface.set_item("data", (first, false))?;
    Ok(ArrayInterface { tensor: tensor.clone().unbind(), interface: interface.unbind() })
}

/// Where the storage of a tensor begins, and how many bytes it has.
#[pyfunction]
fn _storage(tensor: &Bound<'_, PyAny>) -> PyResult<(usize, usize)> {
    let storage = self_of(tensor.as_borrowed())?.core().storage.clone();
    Ok((storage.ptr() as usize, storage.bytes()))
}

/// Adds the functions.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(_from_buffer, module)?)?;
    module.add_function(wrap_pyfunction!(_array_interface, module)?)?;
    module.add_function(wrap_pyfunction!(_storage, module)?)?;
    module.add_function(wrap_pyfunction!(crate::dlpack::_from_dlpack, module)?)
}
