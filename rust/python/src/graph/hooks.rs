//! Hooks: Python functions that run before or after a node.

use super::edge;
use super::node::PyNode;
use crate::class::{tensor_of, wrap};
use crate::errors::carry;
use corten_graph::node::{Node, NodeHooks};
use corten_tensor::{DeviceKind, Result, Tensor};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use smallvec::SmallVec;
use std::any::Any;
use std::sync::{Arc, Mutex};

/// When a hook runs and what it gets.
enum When {
    /// Before the node: the gradient of one output, which it may replace (hooks on tensors).
    Output(u32),
    /// Before the node: all gradients of its outputs, as a tuple.
    Before,
    /// After the node: the gradients of its inputs and of its outputs.
    After,
    /// After a leaf accumulated: the leaf.
    Accumulated,
}

struct Hook {
    id: u64,
    when: When,
    call: Py<PyAny>,
}

/// The hooks of one node, in the order in which they were added.
#[derive(Default)]
struct Hooks {
    list: Mutex<(u64, Vec<Arc<Hook>>)>,
    node: Mutex<Option<std::sync::Weak<Node>>>,
}

impl Hooks {
    fn each(&self, mut visit: impl FnMut(&Hook) -> PyResult<()>) -> Result<()> {
        let hooks = self.list.lock().map(|list| list.1.clone()).unwrap_or_default();
        for hook in hooks {
            visit(&hook).map_err(|error| Python::attach(|py| carry(py, error)))?;
        }
        Ok(())
    }
}

fn object<'py>(py: Python<'py>, grad: &Option<Tensor>) -> PyResult<Bound<'py, PyAny>> {
    match grad {
        Some(grad) => wrap(py, grad.clone()),
        None => Ok(py.None().into_bound(py)),
    }
}

fn tuple<'py>(py: Python<'py>, grads: &[Option<Tensor>]) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(py, grads.iter().map(|grad| object(py, grad)).collect::<PyResult<Vec<_>>>()?)
}

/// Puts a tensor that a hook gave in place of a gradient, which it must fit.
fn take_place(hook: &Bound<'_, PyAny>, slot: &mut Option<Tensor>, new: &Tensor) -> PyResult<()> {
    if let Some(old) = slot {
        let refuse = |change: String| {
            let name = hook.getattr("__name__").map_or_else(|_| hook.to_string(), |name| name.to_string());
            Err(PyRuntimeError::new_err(format!("hook '{name}' has changed the {change}")))
        };
        let kind = |t: &Tensor| match t.device().kind {
            DeviceKind::Meta => format!("Meta{}Type", t.dtype().scalar_name()),
            DeviceKind::Cuda => format!("torch.cuda.{}Tensor", t.dtype().scalar_name()),
            DeviceKind::Cpu => format!("torch.{}Tensor", t.dtype().scalar_name()),
        };
        if kind(old) != kind(new) {
            return refuse(format!("type of value (was {} got {})", kind(old), kind(new)));
        }
        if old.sizes() != new.sizes() {
            return refuse("size of value".into());
        }
    }
    *slot = Some(new.clone());
    Ok(())
}

/// Puts what a hook gave in place of the gradients, if it gave something.
fn replace(hook: &Bound<'_, PyAny>, result: &Bound<'_, PyAny>, grads: &mut [Option<Tensor>]) -> PyResult<()> {
    if result.is_none() {
        return Ok(());
    }
    if let (Some(one), [slot]) = (tensor_of(result.as_borrowed()), &mut *grads) {
        return take_place(hook, slot, one);
    }
    let items =
        result.cast::<PyTuple>().map_err(|_| PyTypeError::new_err("hook must return None, a Tensor or a tuple"))?;
    if items.len() != grads.len() {
        return Err(PyRuntimeError::new_err(format!(
            "hook has returned an incorrect number of values (got {}, but expected {})",
            items.len(),
            grads.len()
        )));
    }
    for (slot, item) in grads.iter_mut().zip(items.iter()) {
        match tensor_of(item.as_borrowed()) {
            Some(new) => take_place(hook, slot, new)?,
            None => *slot = None,
        }
    }
    Ok(())
}

impl NodeHooks for Hooks {
    fn before(&self, grads: &mut SmallVec<[Option<Tensor>; 1]>) -> Result<()> {
        self.each(|hook| {
            Python::attach(|py| match hook.when {
                When::Output(nr) => {
                    let Some(slot @ Some(_)) = grads.get_mut(nr as usize) else { return Ok(()) };
                    let result = hook.call.bind(py).call1((object(py, slot)?,))?;
                    if result.is_none() {
                        return Ok(());
                    }
                    let Some(new) = tensor_of(result.as_borrowed()) else {
                        return Err(PyTypeError::new_err(format!(
                            "expected a Tensor, but hook returned '{}'",
                            result.get_type().name()?
                        )));
                    };
                    take_place(hook.call.bind(py), slot, new)
                }
                When::Before => {
                    let call = hook.call.bind(py);
                    replace(call, &call.call1((tuple(py, grads)?,))?, grads)
                }
                When::After | When::Accumulated => Ok(()),
            })
        })
    }

    fn after(&self, inputs: &mut Vec<Option<Tensor>>, grads: &[Option<Tensor>]) -> Result<()> {
        self.each(|hook| {
            Python::attach(|py| match hook.when {
                When::After => {
                    let call = hook.call.bind(py);
                    replace(call, &call.call1((tuple(py, inputs)?, tuple(py, grads)?))?, inputs)
                }
                When::Accumulated => {
                    let node = self.node.lock().ok().and_then(|node| node.as_ref().and_then(|node| node.upgrade()));
                    if let Some(node) = node
                        && let corten_graph::node::Kind::Accumulate(leaf) = node.kind()
                        && let Some(leaf) = leaf.upgrade()
                    {
                        hook.call.bind(py).call1((wrap(py, leaf)?,))?;
                    }
                    Ok(())
                }
                When::Output(_) | When::Before => Ok(()),
            })
        })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Adds a hook to a node; the answer removes it again.
fn add(node: &Arc<Node>, when: When, call: Py<PyAny>) -> PyResult<u64> {
    let hooks = match node.hooks() {
        Some(hooks) => hooks,
        None => {
            let made: Arc<dyn NodeHooks> =
                Arc::new(Hooks { node: Mutex::new(Some(Arc::downgrade(node))), ..Hooks::default() });
            node.set_hooks(Some(made.clone()));
            made
        }
    };
    let Some(hooks) = hooks.as_any().downcast_ref::<Hooks>() else {
        return Err(PyRuntimeError::new_err("this node has hooks of another kind"));
    };
    let mut list = hooks.list.lock().map_err(|_| PyRuntimeError::new_err("the list of hooks is broken"))?;
    list.0 += 1;
    let id = list.0;
    list.1.push(Arc::new(Hook { id, when, call }));
    Ok(id)
}

fn node_of_tensor(tensor: &Bound<'_, PyAny>) -> PyResult<(Arc<Node>, u32)> {
    let py = tensor.py();
    let tensor = tensor_of(tensor.as_borrowed()).ok_or_else(|| PyTypeError::new_err("expected a Tensor"))?;
    match edge(py, tensor)? {
        Some(edge) => Ok((edge.node, edge.nr)),
        None => Err(PyRuntimeError::new_err("cannot register a hook on a tensor that doesn't require gradient")),
    }
}

/// Adds a hook to the gradient of a tensor; gives the node and the hook's number, for `_remove_hook`.
#[pyfunction]
fn _add_tensor_hook<'py>(tensor: &Bound<'py, PyAny>, call: Py<PyAny>) -> PyResult<(Bound<'py, PyAny>, u64)> {
    let (node, nr) = node_of_tensor(tensor)?;
    let id = add(&node, When::Output(nr), call)?;
    Ok((super::node_object(tensor.py(), &node)?, id))
}

/// Adds a hook that runs when a leaf has accumulated its gradient.
#[pyfunction]
fn _add_accumulate_hook<'py>(tensor: &Bound<'py, PyAny>, call: Py<PyAny>) -> PyResult<(Bound<'py, PyAny>, u64)> {
    let (node, _) = node_of_tensor(tensor)?;
    if !matches!(node.kind(), corten_graph::node::Kind::Accumulate(_)) {
        return Err(PyRuntimeError::new_err("post accumulate grad hooks cannot be registered on non-leaf tensors"));
    }
    let id = add(&node, When::Accumulated, call)?;
    Ok((super::node_object(tensor.py(), &node)?, id))
}

/// Adds a hook to a node, before or after it runs; gives the handle that removes it.
pub fn add_to_node<'py>(node: &Bound<'py, PyNode>, call: Py<PyAny>, before: bool) -> PyResult<Bound<'py, PyAny>> {
    let id = add(&node.get().0, if before { When::Before } else { When::After }, call)?;
    node.py().import("corten_autograd._tensor_methods")?.getattr("RemovableHandle")?.call1((node, id))
}

/// Removes a hook.
#[pyfunction]
fn _remove_hook(node: &Bound<'_, PyNode>, id: u64) {
    let node = &node.get().0;
    let Some(hooks) = node.hooks() else { return };
    let Some(own) = hooks.as_any().downcast_ref::<Hooks>() else { return };
    let mut empty = false;
    let removed: Vec<Arc<Hook>> = match own.list.lock() {
        Ok(mut list) => {
            let (gone, kept) = list.1.drain(..).partition(|hook| hook.id == id);
            list.1 = kept;
            empty = list.1.is_empty();
            gone
        }
        Err(_) => Vec::new(),
    };
    drop(removed);
    if empty {
        node.set_hooks(None);
    }
}

/// Adds the functions.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(_add_tensor_hook, module)?)?;
    module.add_function(wrap_pyfunction!(_add_accumulate_hook, module)?)?;
    module.add_function(wrap_pyfunction!(_remove_hook, module)?)
}
