//! Passes: `backward` and `grad` with their arguments checked in Python.

use super::{edge, renewed};
use crate::class::{tensor_of, wrap};
use crate::errors::OrRaise;
use corten_graph::accumulate::into_leaf;
use corten_graph::engine::{Options, run};
use corten_graph::node::{Edge, node_of};
use corten_graph::running;
use corten_tensor::Tensor;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyList;

fn tensors(list: &Bound<'_, PyList>) -> PyResult<Vec<Tensor>> {
    list.iter()
        .map(|item| {
            tensor_of(item.as_borrowed())
                .cloned()
                .ok_or_else(|| PyTypeError::new_err(format!("expected Tensor, got {}", item.get_type())))
        })
        .collect()
}

/// Runs backward from `outputs` with `seeds` (a gradient or None each). With `inputs` their gradients are given as a
/// list, or added to their `grad` with `accumulate`.
#[pyfunction]
fn _run_backward<'py>(
    py: Python<'py>,
    outputs: &Bound<'py, PyList>,
    seeds: &Bound<'py, PyList>,
    retain_graph: bool,
    create_graph: bool,
    inputs: Option<&Bound<'py, PyList>>,
    accumulate: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let mut roots: Vec<(Edge, Tensor)> = Vec::new();
    for (index, (output, seed)) in tensors(outputs)?.into_iter().zip(seeds.iter()).enumerate() {
        let Some(edge) = edge(py, &output)? else {
            return Err(PyRuntimeError::new_err(format!(
                "element {index} of tensors does not require grad and does not have a grad_fn"
            )));
        };
        if let Some(seed) = tensor_of(seed.as_borrowed()) {
            roots.push((edge, seed.clone()));
        }
    }
    let targets = inputs.map(tensors).transpose()?;
    let edges = match &targets {
        None => None,
        Some(targets) => Some(
            targets
                .iter()
                .map(|t| {
                    edge(py, t)?.ok_or_else(|| {
                        PyRuntimeError::new_err("One of the differentiated Tensors does not require grad")
                    })
                })
                .collect::<PyResult<Vec<Edge>>>()?,
        ),
    };
    let options = Options { retain_graph, create_graph, targets: edges.as_deref() };
    let found = run(roots, options).or_raise(py)?;
    if accumulate {
        for (target, grad) in targets.iter().flatten().zip(found) {
            if let Some(grad) = grad {
                into_leaf(target, grad, create_graph).or_raise(py)?;
            }
        }
        return Ok(py.None().into_bound(py));
    }
    let out = PyList::empty(py);
    for grad in found {
        match grad {
            Some(grad) => out.append(wrap(py, grad)?)?,
            None => out.append(py.None())?,
        }
    }
    Ok(out.into_any())
}

/// Has a tensor keep its gradient although it is not a leaf.
#[pyfunction]
fn _retain_grad(py: Python<'_>, tensor: &Bound<'_, PyAny>) -> PyResult<()> {
    let Some(tensor) = tensor_of(tensor.as_borrowed()) else {
        return Err(PyTypeError::new_err("retain_grad() needs a Tensor"));
    };
    if !tensor.requires_grad() {
        return Err(PyRuntimeError::new_err("can't retain_grad on Tensor that has requires_grad=False"));
    }
    let Some(node) = renewed(py, tensor)?.grad_fn_slot().and_then(node_of) else { return Ok(()) };
    if !tensor.rest().is_some_and(|rest| rest.retains_grad) {
        node.retain(tensor.output_nr(), tensor);
        tensor.with_rest(|rest| rest.retains_grad = true);
    }
    Ok(())
}

/// The number of the pass that runs on this thread, and whether it accumulates in leaves; None outside of any.
#[pyfunction]
fn _running_pass() -> Option<(u64, bool)> {
    running::current()
}

/// For each tensor, whether the pass that runs sends it a gradient.
#[pyfunction]
fn _pass_reaches(py: Python<'_>, list: &Bound<'_, PyList>) -> PyResult<Vec<bool>> {
    let edges = tensors(list)?.iter().map(|t| edge(py, t)).collect::<PyResult<Vec<_>>>()?;
    let nodes: Vec<_> = edges.iter().flatten().map(|edge| edge.node.clone()).collect();
    let mut reached = running::reaches(&nodes).into_iter();
    Ok(edges.iter().map(|edge| edge.is_some() && reached.next() == Some(true)).collect())
}

/// Adds the functions.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(_run_backward, module)?)?;
    module.add_function(wrap_pyfunction!(_running_pass, module)?)?;
    module.add_function(wrap_pyfunction!(_pass_reaches, module)?)?;
    module.add_function(wrap_pyfunction!(_retain_grad, module)?)
}
