//! What the Tensor class needs of autograd: flags, `grad_fn`, and methods that autograd provides.

use crate::hooks::activate;
use crate::py::import;
use corten_tensor::tensor::GraphNode;
use corten_tensor::Tensor;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use std::sync::Arc;

/// A node of the graph.
#[pyclass(frozen, weakref, subclass, name = "Node", module = "corten.autograd.graph")]
pub struct PyNode(pub Arc<dyn GraphNode>);

#[pymethods]
impl PyNode {
    /// PyTorch's name, as in `AddBackward0`.
    fn name(&self) -> String {
        self.0.name()
    }

    fn __repr__(slf: &Bound<'_, Self>) -> String {
        format!("<{} object at {:#x}>", slf.get().0.name(), slf.as_ptr() as usize)
    }
}

/// The node that computed a tensor, or `None`.
pub fn grad_fn<'py>(py: Python<'py>, tensor: &Tensor) -> PyResult<Bound<'py, PyAny>> {
    match tensor.grad_fn_slot() {
        Some(node) => Ok(Bound::new(py, PyNode(node.clone()))?.into_any()),
        None => Ok(py.None().into_bound(py)),
    }
}

/// Sets or clears the flag of a leaf.
pub fn set_requires_grad(py: Python<'_>, tensor: &Tensor, on: bool) -> PyResult<()> {
    if tensor.grad_fn_slot().is_some() {
        if on {
            return Ok(());
        }
        return Err(PyRuntimeError::new_err(
            "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a subgraph that doesn't require differentiation use var_no_grad = var.detach().",
        ));
    }
    if on && !tensor.dtype().is_differentiable() {
        return Err(PyRuntimeError::new_err("only Tensors of floating point dtype can require gradients"));
    }
    if on {
        activate(py)?;
    }
    tensor.set_leaf_requires_grad(on);
    Ok(())
}

/// Calls `corten_autograd._tensor_methods.name(self, …)`.
pub fn method<'py>(
    py: Python<'py>,
    name: &str,
    args: Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    activate(py)?;
    import(py, "corten_autograd._tensor_methods", name)?.call(args, kwargs)
}

/// Adds the class.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyNode>()
}
