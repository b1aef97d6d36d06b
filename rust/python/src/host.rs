//! Bodies in Python: composites named by `module:function`, and the array backend.

use crate::class;
use crate::convert;
use crate::errors::carry;
use crate::py::{Keep, import};
use corten_base::{Result, error};
use corten_tensor::dispatch::HOOKS;
use corten_tensor::op::{Body, Op};
use corten_tensor::storage::Storage;
use corten_tensor::value::Value;
use corten_tensor::{Device, Tensor};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The functions behind Python rows, by the row's path.
static BODIES: Mutex<Option<HashMap<&'static str, Py<PyAny>>>> = Mutex::new(None);

fn body<'py>(py: Python<'py>, path: &'static str) -> PyResult<Bound<'py, PyAny>> {
    let known = BODIES
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get_or_insert_default()
        .get(path)
        .map(|f| f.clone_ref(py));
    if let Some(function) = known {
        return Ok(function.into_bound(py));
    }
    let (module, name) =
        path.split_once(':').ok_or_else(|| PyRuntimeError::new_err(format!("'{path}' is not module:function")))?;
    let function = import(py, module, name)?;
    let mut bodies = BODIES.lock().unwrap_or_else(PoisonError::into_inner);
    bodies.get_or_insert_default().insert(path, function.clone().unbind());
    Ok(function)
}

/// Calls the function behind a Python row: what the row takes by keyword only is passed by name.
fn call<'py>(py: Python<'py>, op: &'static Op, path: &'static str, args: &Bound<'py, PyTuple>) -> PyResult<Value> {
    let named = PyDict::new(py);
    let mut positional = args.len();
    for (i, param) in op.params.iter().enumerate().filter(|(_, p)| p.keyword) {
        named.set_item(param.name, args.get_item(i)?)?;
        positional = positional.min(i);
    }
    let result = body(py, path)?.call(args.get_slice(0, positional), Some(&named))?;
    convert::from_result(result.as_borrowed())
}

fn objects<'py>(py: Python<'py>, args: &[Value]) -> PyResult<Bound<'py, PyTuple>> {
    let args = args.iter().map(|arg| convert::to_object(py, arg.clone())).collect::<PyResult<Vec<_>>>()?;
    PyTuple::new(py, args)
}

/// Runs a row in Python; with `outs`, the array backend fills them.
fn run(op: &'static Op, args: &[Value], outs: Option<&[Tensor]>) -> Result<Value> {
    Python::attach(|py| {
        let run = || -> PyResult<Value> {
            let args = objects(py, args)?;
            match (outs, &op.body) {
                (None, Body::Python(path)) => call(py, op, path, &args),
                (None, _) => {
                    let result = body(py, "corten_tensor_core._array:make")?.call1((op.full_name(), args))?;
                    convert::from_result(result.as_borrowed())
                }
                (Some(outs), _) => {
                    let outs = outs.iter().map(|t| class::wrap(py, t.clone())).collect::<PyResult<Vec<_>>>()?;
                    let backend = body(py, "corten_tensor_core._array:run")?;
                    let name = if op.array.is_empty() { op.full_name() } else { op.array.to_string() };
                    backend.call1((name, args, PyTuple::new(py, outs)?)).map(|_| Value::None)
                }
            }
        };
        run().map_err(|error| carry(py, error))
    })
}

/// Runs `work` without the interpreter's lock.
fn detach(work: &mut dyn FnMut()) {
    struct Alone<'a>(&'a mut dyn FnMut());
    // SAFETY: the work runs on this very thread; only the interpreter's lock is given up meanwhile, and the dispatcher
    // hands over work that touches no Python object.
    unsafe impl Send for Alone<'_> {}
    let alone = Alone(work);
    Python::attach(|py| {
        py.detach(move || {
            let alone = alone;
            (alone.0)()
        })
    });
}

/// Bytes on a CUDA device, which the array backend allocates and keeps.
fn allocate(bytes: usize, device: Device) -> Result<Arc<Storage>> {
    Python::attach(|py| {
        let run = || -> PyResult<Arc<Storage>> {
            let allocate = body(py, "corten_tensor_core._device:allocate")?;
            let (address, owner): (usize, Bound<PyAny>) = allocate.call1((bytes, device.index))?.extract()?;
            let keep = Box::new(Keep::new(owner.as_borrowed()));
            // SAFETY: the allocator gives memory of as many bytes that lives as long as its owner.
            Ok(unsafe { Storage::foreign(address as *mut u8, bytes, keep, device) })
        };
        run().map_err(|error| carry(py, error))
    })
}

/// Installs all of it.
pub fn install() -> Result<()> {
    corten_tensor::device::set_allocator(allocate);
    HOOKS.host.set(run).and(HOOKS.detach.set(detach).map_err(|_| run as _)).map_err(|_| error!(Runtime, "loaded twice"))
}
