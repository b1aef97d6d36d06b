//! Node objects: one Python object a node while it is looked at, of a class with the node's own name.

use super::{hooks, renewed, saved};
use crate::class;
use corten_graph::node::{Edge, Kind, Node, node_of};
use corten_tensor::Tensor;
use pyo3::exceptions::{PyAttributeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple, PyType};
use std::cell::RefCell;
use std::sync::Arc;

thread_local! {
    /// The node that the object being made stands for.
    static PENDING: RefCell<Option<Arc<Node>>> = const { RefCell::new(None) };
}

/// A node of the graph.
#[pyclass(frozen, weakref, subclass, dict, name = "Node", module = "corten.autograd.graph")]
pub struct PyNode(pub Arc<Node>);

impl Drop for PyNode {
    fn drop(&mut self) {
        self.0.set_python(0);
    }
}

#[pymethods]
impl PyNode {
    #[new]
    #[pyo3(signature = ())]
    fn new() -> PyResult<Self> {
        PENDING
            .with(|slot| slot.borrow_mut().take())
            .map(PyNode)
            .ok_or_else(|| PyTypeError::new_err("nodes are made by recorded operations"))
    }

    /// PyTorch's name, as in `AddBackward0`.
    fn name(&self) -> String {
        self.0.type_name()
    }

    fn __repr__(slf: &Bound<'_, Self>) -> String {
        let node = &slf.get().0;
        let module = if matches!(node.kind(), Kind::Custom(_)) { "torch.autograd.function." } else { "" };
        format!("<{module}{} object at {:#x}>", node.type_name(), slf.as_ptr() as usize)
    }

    /// The nodes of the inputs, each with the number of its output.
    #[getter]
    fn next_functions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let mut pairs: Vec<Bound<'py, PyAny>> =
            self.0.edges().clone().iter().map(|edge| pair(py, edge.as_ref())).collect::<PyResult<_>>()?;
        if matches!(self.0.kind(), Kind::Row(_, op) if op.name == "linear") {
            pairs.rotate_right(1); // of what it is named after, `addmm`, the bias is the first input
        }
        PyTuple::new(py, pairs)
    }

    /// A dict for the user's notes.
    #[getter]
    fn metadata<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let dict = slf.getattr("__dict__")?;
        match dict.get_item("_metadata") {
            Ok(found) => Ok(found),
            Err(_) => {
                let made = PyDict::new(slf.py());
                dict.set_item("_metadata", &made)?;
                Ok(made.into_any())
            }
        }
    }

    /// The leaf that this node accumulates into.
    #[getter]
    fn variable<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self.0.kind() {
            Kind::Accumulate(leaf) => match leaf.upgrade() {
                Some(leaf) => class::wrap(py, leaf),
                None => Ok(py.None().into_bound(py)),
            },
            _ => Err(PyAttributeError::new_err(format!("'{}' object has no attribute 'variable'", self.0.type_name()))),
        }
    }

    /// Calls `fn(grad_inputs, grad_outputs)`, two tuples, after the node has run; a tuple that it returns takes the place
    /// of `grad_inputs`. Returns a handle whose `remove()` takes the hook away.
    fn register_hook<'py>(slf: &Bound<'py, Self>, r#fn: Py<PyAny>) -> PyResult<Bound<'py, PyAny>> {
        hooks::add_to_node(slf, r#fn, false)
    }

    /// Calls `fn(grad_outputs)` before the node runs; a tuple that it returns takes the place of `grad_outputs`. Returns
    /// a handle whose `remove()` takes the hook away.
    fn register_prehook<'py>(slf: &Bound<'py, Self>, r#fn: Py<PyAny>) -> PyResult<Bound<'py, PyAny>> {
        hooks::add_to_node(slf, r#fn, true)
    }

    /// What it saved, under PyTorch's names: `_saved_self`, `_saved_result`, …
    fn __getattr__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        if let Some(value) = saved::attribute(py, &self.0, name)? {
            return Ok(value);
        }
        Err(PyAttributeError::new_err(format!("'{}' object has no attribute '{name}'", self.0.type_name())))
    }

    fn __dir__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let names = slf.py().get_type::<PyAny>().call_method1("__dir__", (slf,))?;
        names.call_method1("extend", (saved::attributes(&slf.get().0),))?;
        Ok(names)
    }

    /// When it was made, in the order of nodes.
    fn _sequence_nr(&self) -> u64 {
        self.0.seq
    }
}

fn pair<'py>(py: Python<'py>, edge: Option<&Edge>) -> PyResult<Bound<'py, PyAny>> {
    let item = match edge {
        Some(edge) => (node_object(py, &edge.node)?, edge.nr),
        None => (py.None().into_bound(py), 0),
    };
    Ok(item.into_pyobject(py)?.into_any())
}

/// The class of nodes of one name.
fn class_of<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    static CLASSES: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    let classes = CLASSES.get_or_init(py, || PyDict::new(py).unbind()).bind(py);
    if let Some(found) = classes.get_item(name)? {
        return Ok(found);
    }
    let body = PyDict::new(py);
    body.set_item("__module__", "corten.autograd.graph")?;
    let made = py.get_type::<PyType>().call1((name, (py.get_type::<PyNode>(),), body))?;
    classes.set_item(name, &made)?;
    Ok(made)
}

/// The Python object of a node: the very same one while it lives.
pub fn node_object<'py>(py: Python<'py>, node: &Arc<Node>) -> PyResult<Bound<'py, PyAny>> {
    let known = node.python() as *mut pyo3::ffi::PyObject;
    if !known.is_null() {
        // SAFETY: the address is cleared when the object is dropped, and this thread is attached.
        return Ok(unsafe { Bound::from_borrowed_ptr(py, known) });
    }
    PENDING.with(|slot| *slot.borrow_mut() = Some(node.clone()));
    let object = class_of(py, &node.type_name())?.call0()?;
    node.set_python(object.as_ptr() as usize);
    Ok(object)
}

/// The node that computed a tensor, or `None`.
pub fn grad_fn<'py>(py: Python<'py>, tensor: &Tensor) -> PyResult<Bound<'py, PyAny>> {
    match renewed(py, tensor)?.grad_fn_slot().and_then(node_of) {
        Some(node) => node_object(py, &node),
        None => Ok(py.None().into_bound(py)),
    }
}

/// Adds the class.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyNode>()
}
