//! Custom functions: nodes whose backward is a Python function.

use super::edge;
use super::node::{PyNode, node_object};
use crate::class::{tensor_of, wrap};
use crate::errors::{OrRaise, carry};
use crate::types::{device, dtype, size};
use corten_graph::engine::freed;
use corten_graph::inplace;
use corten_graph::node::{Custom, Edges, Kind, Node};
use corten_graph::packing;
use corten_graph::snapshot::Snapshot;
use corten_tensor::{Result, Tensor, mode};
use pyo3::exceptions::{PyNotImplementedError, PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};
use std::any::Any;
use std::sync::{Arc, Mutex, Weak};

struct PyCustom {
    name: String,
    run: Py<PyAny>,
    release: Py<PyAny>,
    /// The context object, for those who look at the node.
    context: Py<PyAny>,
}

impl Custom for PyCustom {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn backward(&self, grads: Vec<Option<Tensor>>) -> Result<Vec<Option<Tensor>>> {
        Python::attach(|py| {
            let call = || -> PyResult<Vec<Option<Tensor>>> {
                let args = grads
                    .into_iter()
                    .map(|grad| match grad {
                        Some(grad) => wrap(py, grad),
                        None => Ok(py.None().into_bound(py)),
                    })
                    .collect::<PyResult<Vec<_>>>()?;
                let result = self.run.bind(py).call1(PyTuple::new(py, args)?)?;
                Ok(result.cast::<PyList>()?.iter().map(|item| tensor_of(item.as_borrowed()).cloned()).collect())
            };
            call().map_err(|error| carry(py, error))
        })
    }

    fn release(&self) {
        Python::attach(|py| {
            if let Err(error) = self.release.bind(py).call0() {
                error.write_unraisable(py, None);
            }
        });
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A node with a Python backward; `inputs` hold the tensors that gradients flow into, None where an argument is none.
#[pyfunction]
fn _custom_node<'py>(
    py: Python<'py>,
    name: String,
    run: Py<PyAny>,
    release: Py<PyAny>,
    context: Py<PyAny>,
    inputs: &Bound<'py, PyList>,
) -> PyResult<Bound<'py, PyAny>> {
    let edges: PyResult<Edges> =
        inputs.iter().filter_map(|item| tensor_of(item.as_borrowed()).map(|t| edge(py, t))).collect();
    let custom = PyCustom { name, run, release, context };
    node_object(py, &Arc::new(Node::new(Kind::Custom(Box::new(custom)), edges?)))
}

/// Makes the outputs results of the node: where tracked, new history; where dirty, history rewritten.
#[pyfunction]
fn _attach_custom(
    py: Python<'_>,
    node: &Bound<'_, PyNode>,
    outputs: &Bound<'_, PyList>,
    tracked: Vec<bool>,
    dirty: Vec<bool>,
) -> PyResult<()> {
    let node = &node.get().0;
    let nothing = Tensor::empty(&[0], corten_tensor::DType::F32, corten_tensor::Device::META).or_raise(py)?;
    for (index, item) in outputs.iter().enumerate() {
        let Some(tensor) = tensor_of(item.as_borrowed()) else {
            node.add_output(&nothing);
            continue;
        };
        let nr = node.add_output(tensor);
        if !tracked.get(index).copied().unwrap_or(false) {
            continue;
        }
        if dirty.get(index).copied().unwrap_or(false) {
            if tensor.requires_grad() && tensor.grad_fn_slot().is_none() {
                return Err(PyRuntimeError::new_err(
                    "a leaf Variable that requires grad is being used in an in-place operation.",
                ));
            }
            if tensor.base().is_some() {
                if nr != 0 {
                    return Err(PyNotImplementedError::new_err(
                        "a custom Function can change a view in place only as its first result",
                    ));
                }
                inplace::rebase(tensor, node.clone());
                continue;
            }
        }
        tensor.set_history(Some(node.clone()), nr);
    }
    Ok(())
}

/// Shape, dtype and device of each output; `(None, None, None)` for those that are no tensors.
#[pyfunction]
fn _node_outputs<'py>(py: Python<'py>, node: &Bound<'py, PyNode>) -> PyResult<Bound<'py, PyList>> {
    let out = PyList::empty(py);
    for meta in node.get().0.outputs().clone() {
        if meta.device.kind == corten_tensor::DeviceKind::Meta {
            out.append((py.None(), py.None(), py.None()))?;
        } else {
            let shape = size::object(py, &meta.sizes)?;
            out.append((shape, dtype::object(py, meta.dtype)?, device::object(py, meta.device)?))?;
        }
    }
    Ok(out)
}

/// The context object of a custom node.
#[pyfunction]
fn _node_context<'py>(py: Python<'py>, node: &Bound<'py, PyNode>) -> PyResult<Bound<'py, PyAny>> {
    match node.get().0.kind() {
        Kind::Custom(custom) => match custom.as_any().downcast_ref::<PyCustom>() {
            Some(own) => Ok(own.context.bind(py).clone()),
            None => Ok(py.None().into_bound(py)),
        },
        _ => Err(PyTypeError::new_err("only nodes of custom functions have a context")),
    }
}

/// A tensor kept for a custom backward.
#[pyclass(frozen, module = "corten_native")]
struct SavedTensor {
    snapshot: Snapshot,
    node: Mutex<Weak<Node>>,
}

#[pymethods]
impl SavedTensor {
    /// The tensor; an error if it was changed in place.
    fn unpack<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let node = self.node.lock().ok().and_then(|node| node.upgrade());
        let Some(node) = node else { return freed().or_raise(py) };
        wrap(py, self.snapshot.unpack(&node, mode::grad_enabled()).or_raise(py)?)
    }
}

/// Keeps `tensor` for `node`, of which it is output `nr` if that is not negative.
#[pyfunction]
fn _snapshot(py: Python<'_>, tensor: &Bound<'_, PyAny>, node: &Bound<'_, PyNode>, nr: i64) -> PyResult<SavedTensor> {
    let tensor = tensor_of(tensor.as_borrowed()).ok_or_else(|| PyTypeError::new_err("expected a Tensor"))?;
    let mut snapshot = match u32::try_from(nr) {
        Ok(nr) => Snapshot::output(tensor, nr),
        Err(_) => Snapshot::input(tensor, edge(py, tensor)?).or_raise(py)?,
    };
    if mode::get() & mode::flag::PACKING != 0 {
        packing::pack(&mut snapshot).or_raise(py)?;
    }
    Ok(SavedTensor { snapshot, node: Mutex::new(Arc::downgrade(&node.get().0)) })
}

/// Adds the functions.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("_FREED", freed::<()>().err().map(|error| error.message().to_string()))?;
    module.add_class::<SavedTensor>()?;
    module.add_function(wrap_pyfunction!(_custom_node, module)?)?;
    module.add_function(wrap_pyfunction!(_attach_custom, module)?)?;
    module.add_function(wrap_pyfunction!(_node_outputs, module)?)?;
    module.add_function(wrap_pyfunction!(_node_context, module)?)?;
    module.add_function(wrap_pyfunction!(_snapshot, module)?)
}
