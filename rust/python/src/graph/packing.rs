//! `saved_tensors_hooks`: pairs of Python functions that pack what nodes save, and unpack it.

use crate::class::{tensor_of, wrap};
use crate::errors::carry;
use crate::py::type_name;
use corten_graph::packing::{self, Packed, Packer};
use corten_tensor::{Result, Tensor};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use std::sync::Arc;

struct Functions {
    pack: Py<PyAny>,
    unpack: Arc<Py<PyAny>>,
}

/// What `pack` gave, and how it becomes a tensor again.
struct Kept {
    object: Py<PyAny>,
    unpack: Arc<Py<PyAny>>,
}

impl Packer for Functions {
    fn pack(&self, tensor: Tensor) -> Result<Box<dyn Packed>> {
        Python::attach(|py| {
            let object = wrap(py, tensor).and_then(|tensor| self.pack.bind(py).call1((tensor,)));
            let object = object.map_err(|error| carry(py, error))?.unbind();
            Ok(Box::new(Kept { object, unpack: self.unpack.clone() }) as Box<dyn Packed>)
        })
    }
}

impl Packed for Kept {
    fn unpack(&self) -> Result<Tensor> {
        Python::attach(|py| {
            let call = || {
                let result = self.unpack.bind(py).call1((&self.object,))?;
                tensor_of(result.as_borrowed()).cloned().ok_or_else(|| {
                    PyTypeError::new_err(format!(
                        "Output of saved tensor unpack_hook expected to be a Tensor but got result of type {}",
                        type_name(result.as_borrowed())
                    ))
                })
            };
            call().map_err(|error| carry(py, error))
        })
    }
}

/// Has `pack` and `unpack` applied to what this thread's nodes save from now on.
#[pyfunction]
fn _push_saved_hooks(pack: Py<PyAny>, unpack: Py<PyAny>) {
    packing::push(Arc::new(Functions { pack, unpack: Arc::new(unpack) }));
}

/// Ends what the last `_push_saved_hooks` began.
#[pyfunction]
fn _pop_saved_hooks() {
    packing::pop();
}

/// True if there are such functions on this thread.
#[pyfunction]
fn _has_saved_hooks() -> bool {
    packing::active()
}

/// Adds the functions.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(_push_saved_hooks, module)?)?;
    module.add_function(wrap_pyfunction!(_pop_saved_hooks, module)?)?;
    module.add_function(wrap_pyfunction!(_has_saved_hooks, module)?)
}
