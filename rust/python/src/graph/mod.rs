//! Autograd as Python sees it: nodes, passes, hooks, custom functions.

mod anomaly;
mod custom;
mod hooks;
mod node;
mod packing;
mod pass;
mod saved;

use crate::errors::OrRaise;
use crate::hooks::activate;
use crate::py::import;
use corten_graph::node::{Edge, edge_of};
use corten_tensor::Tensor;
use corten_tensor::rules::factory::require_grad;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

pub use node::grad_fn;
use node::node_object;

/// Sets or clears the flag of a leaf.
pub fn set_requires_grad(py: Python<'_>, tensor: &Tensor, on: bool) -> PyResult<()> {
    if on && tensor.dtype().is_differentiable() {
        activate(py)?;
    }
    require_grad(tensor, on).or_raise(py)
}

/// The tensor, its history renewed if it is a view whose memory was changed since.
#[inline]
pub fn renewed<'a>(py: Python<'_>, tensor: &'a Tensor) -> PyResult<&'a Tensor> {
    if tensor.is_stale() {
        corten_graph::inplace::refresh(tensor).or_raise(py)?;
    }
    Ok(tensor)
}

/// Where the gradient of a tensor goes, its history renewed first.
fn edge(py: Python<'_>, tensor: &Tensor) -> PyResult<Option<Edge>> {
    Ok(edge_of(renewed(py, tensor)?))
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

/// Installs the graph; `corten_autograd` calls this when it is imported.
#[pyfunction]
fn _activate_graph() {
    corten_graph::activate();
    anomaly::install();
}

/// Adds the classes and functions.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(_activate_graph, module)?)?;
    node::register(module)?;
    pass::register(module)?;
    hooks::register(module)?;
    packing::register(module)?;
    custom::register(module)
}
