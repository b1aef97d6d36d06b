//! `__torch_function__`: how subclasses of Tensor, and objects that pass for one, take calls over.

use crate::call::callable_of;
use crate::class::{self, TENSOR, tensor_of};
use crate::convert;
use crate::errors::{OrRaise, carry};
use crate::parser::{Call, Parsed};
use crate::py::{Obj, type_of};
use corten_base::Result;
use corten_tensor::dispatch::Target;
use corten_tensor::op::Op;
use corten_tensor::value::Value;
use corten_tensor::{key, mode};
use pyo3::exceptions::PyTypeError;
use pyo3::ffi::PyObject;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple, PyType};
use std::sync::atomic::{AtomicBool, Ordering};

/// True once an overriding subclass had an instance: before that no call needs to look.
static EXIST: AtomicBool = AtomicBool::new(false);

/// True if some tensor may override.
#[inline(always)]
pub fn exist() -> bool {
    EXIST.load(Ordering::Relaxed)
}

/// What a class sets `__torch_function__` to, to be treated as a plain tensor.
static DISABLED: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// True if calls on instances of this subclass go to its `__torch_function__`.
pub fn overrides(ty: &Bound<'_, PyType>) -> PyResult<bool> {
    let py = ty.py();
    let method = ty.getattr("__torch_function__")?;
    let overriding = !DISABLED.get(py).is_some_and(|disabled| method.is(disabled));
    if overriding {
        EXIST.store(true, Ordering::Relaxed);
    }
    Ok(overriding)
}

/// True if this argument's class takes calls over now.
pub fn is_override(obj: Obj) -> bool {
    match tensor_of(obj) {
        Some(tensor) => tensor.keys() & mode::get() & key::SUBCLASS != 0,
        None => false,
    }
}

/// True if the values of a call hold a tensor that takes it over.
#[inline(always)]
pub fn wanted(parsed: &Parsed) -> bool {
    exist() && {
        let keys = parsed.args.iter().fold(0, |keys, value| keys | value.keys());
        let keys = parsed.outs.iter().flatten().fold(keys, |keys, out| keys | out.keys());
        keys & mode::get() & key::SUBCLASS != 0
    }
}

/// True if some argument, tensor or not, has a `__torch_function__` that may take a call which no row takes.
pub fn any_override(call: &Call) -> bool {
    mode::get() & key::SUBCLASS != 0
        && (0..call.positional() + call.named()).any(|i| {
            let value = call.value(i);
            is_override(value) || (tensor_of(value).is_none() && is_foreign_override(value))
        })
}

fn is_foreign_override(obj: Obj) -> bool {
    // Types themselves (as in `dtype=float`) are not instances that override.
    !obj.is_instance_of::<PyType>() && obj.get_type().hasattr("__torch_function__").unwrap_or(false)
}

/// Hands a call over with its arguments as they came.
pub fn call(py: Python<'_>, function: &Bound<'_, PyAny>, call: &Call) -> PyResult<*mut PyObject> {
    let mut args: Vec<Bound<'_, PyAny>> = call.this.iter().map(|this| (**this).clone()).collect();
    args.extend((0..call.positional()).map(|i| call.value(i).to_owned()));
    let kwargs = PyDict::new(py);
    for i in 0..call.named() {
        kwargs.set_item(call.name(i), call.value(call.positional() + i))?;
    }
    Ok(hand_over(py, function, args, kwargs)?.into_ptr())
}

/// Hands an operator's call over: `name` is the method of Tensor.
pub fn call_operator(py: Python<'_>, name: &str, args: &[Obj]) -> PyResult<*mut PyObject> {
    // Where the tensor stands on the right, Python would have called the reflected method.
    let reflected = tensor_of(args[0]).is_none() && args.len() == 2;
    let name = if reflected { name.replacen("__", "__r", 1) } else { name.to_string() };
    let function = TENSOR.object(py).getattr(name)?;
    let mut all: Vec<_> = args.iter().map(|a| (**a).clone()).collect();
    if reflected {
        all.reverse();
    }
    Ok(hand_over(py, &function, all, PyDict::new(py))?.into_ptr())
}

/// The arguments whose classes override, one of each class, subclasses before their bases.
fn overriding<'py>(args: &[Bound<'py, PyAny>], kwargs: &Bound<'py, PyDict>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let mut found: Vec<Bound<'py, PyAny>> = Vec::new();
    let mut visit = |value: &Bound<'py, PyAny>| -> PyResult<()> {
        let value_ref = value.as_borrowed();
        let takes = is_override(value_ref) || (tensor_of(value_ref).is_none() && is_foreign_override(value_ref));
        if !takes || found.iter().any(|f| type_of(f.as_borrowed()) == type_of(value_ref)) {
            return Ok(());
        }
        let place = found.iter().position(|f| value.get_type().is_subclass(&f.get_type()).unwrap_or(false));
        found.insert(place.unwrap_or(found.len()), value.clone());
        Ok(())
    };
    for value in args.iter().cloned().chain(kwargs.values().iter()) {
        if let Ok(items) = value.cast::<pyo3::types::PyTuple>() {
            items.iter().try_for_each(|item| visit(&item))?;
        } else if let Ok(items) = value.cast::<pyo3::types::PyList>() {
            items.iter().try_for_each(|item| visit(&item))?;
        } else {
            visit(&value)?;
        }
    }
    Ok(found)
}

/// Asks each overriding class in turn; the first answer that is not `NotImplemented` counts.
fn hand_over<'py>(
    py: Python<'py>,
    function: &Bound<'py, PyAny>,
    args: Vec<Bound<'py, PyAny>>,
    kwargs: Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyAny>> {
    let found = overriding(&args, &kwargs)?;
    let types = PyTuple::new(py, found.iter().map(|f| f.get_type()))?;
    let args = PyTuple::new(py, args)?;
    for object in &found {
        let answer = object.getattr("__torch_function__")?.call1((function, &types, &args, &kwargs))?;
        if !answer.is(py.NotImplemented()) {
            return Ok(answer);
        }
    }
    let name = function.getattr("__name__").map_or_else(|_| "function".into(), |n| n.to_string());
    Err(PyTypeError::new_err(format!(
        "Multiple dispatch failed for 'torch.{name}'; all __torch_function__ handlers returned NotImplemented:\n\n  - tensor subclasses {}",
        types.repr()?
    )))
}

/// The layer for calls that begin inside the runtime.
pub fn layer(op: &'static Op, args: &[Value], target: Target) -> Result<Value> {
    // SAFETY: tensors with Python classes are only handled attached.
    let py = unsafe { Python::assume_attached() };
    let run = || -> PyResult<Value> {
        let function = match target {
            Target::InPlace => TENSOR.object(py).getattr(format!("{}_", op.name))?,
            _ => callable_of(py, op)?,
        };
        let kwargs = PyDict::new(py);
        let mut positional = Vec::new();
        for (param, value) in op.params.iter().zip(args) {
            let object = convert::to_object(py, value.clone())?;
            if param.keyword { kwargs.set_item(param.name, object)? } else { positional.push(object) }
        }
        if let Target::Out(outs) = target {
            let outs = match outs {
                [one] => class::wrap(py, one.clone())?,
                many => convert::tensor_tuple(py, many.to_vec())?,
            };
            kwargs.set_item("out", outs)?;
        }
        convert::from_result(hand_over(py, &function, positional, kwargs)?.as_borrowed())
    };
    run().map_err(|error| carry(py, error))
}

/// What `__torch_function__` is set to in a class that is to be treated as a plain tensor.
#[pyfunction]
#[pyo3(signature = (func, types, args=None, kwargs=None))]
pub fn _disabled_torch_function_impl<'py>(
    func: &Bound<'py, PyAny>,
    types: &Bound<'py, PyAny>,
    args: Option<Bound<'py, PyTuple>>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let _ = types;
    let _below = mode::without(key::SUBCLASS);
    func.call(args.unwrap_or_else(|| PyTuple::empty(func.py())), kwargs)
}

/// Tensor's own `__torch_function__`: calls the function as on plain tensors and gives its results the class `cls`.
pub fn default_torch_function<'py>(
    cls: &Bound<'py, PyType>,
    func: &Bound<'py, PyAny>,
    types: &Bound<'py, PyAny>,
    args: Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = cls.py();
    for ty in types.try_iter()? {
        if !cls.is_subclass(&ty?)? {
            return Ok(py.NotImplemented().into_bound(py));
        }
    }
    let _below = mode::without(key::SUBCLASS);
    let result = func.call(args, kwargs)?;
    as_class(cls, result)
}

/// Gives plain tensors, also those in tuples and lists, the class `cls`.
fn as_class<'py>(cls: &Bound<'py, PyType>, result: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = cls.py();
    if cls.is(TENSOR.object(py)) {
        return Ok(result);
    }
    if tensor_of(result.as_borrowed()).is_some() {
        return if result.is_instance(cls)? { Ok(result) } else { as_subclass(&result, cls) };
    }
    if let Ok(tuple) = result.cast::<PyTuple>() {
        let items = tuple.iter().map(|item| as_class(cls, item)).collect::<PyResult<Vec<_>>>()?;
        let exact = tuple.get_type().is(py.get_type::<PyTuple>());
        let plain = PyTuple::new(py, items)?;
        // Named results and Size are made from one sequence.
        return if exact { Ok(plain.into_any()) } else { tuple.get_type().call1((plain,)) };
    }
    if let Ok(list) = result.cast::<pyo3::types::PyList>() {
        let items = list.iter().map(|item| as_class(cls, item)).collect::<PyResult<Vec<_>>>()?;
        return Ok(pyo3::types::PyList::new(py, items)?.into_any());
    }
    Ok(result)
}

/// The same data and history as an object of class `cls`.
pub fn as_subclass<'py>(obj: &Bound<'py, PyAny>, cls: &Bound<'py, PyType>) -> PyResult<Bound<'py, PyAny>> {
    let py = obj.py();
    let tensor = class::self_of(obj.as_borrowed())?;
    let alias = match corten_tensor::registry::find("alias") {
        Some(op) => {
            let _below = mode::without(key::SUBCLASS);
            corten_tensor::dispatch::call(op, &[Value::Tensor(tensor.clone())])
                .and_then(Value::into_tensor)
                .or_raise(py)?
        }
        None => tensor.detached(),
    };
    class::wrap_as(cls, alias)
}

/// Switches `__torch_function__` off or on for this thread; returns whether it was on.
#[pyfunction]
pub fn _set_torch_function_enabled(enabled: bool) -> bool {
    let before = mode::get();
    mode::set(if enabled { before | key::SUBCLASS } else { before & !key::SUBCLASS });
    before & key::SUBCLASS != 0
}

/// Adds the functions of this layer.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add_function(wrap_pyfunction!(_disabled_torch_function_impl, module)?)?;
    module.add_function(wrap_pyfunction!(_set_torch_function_enabled, module)?)?;
    let disabled = module.getattr("_disabled_torch_function_impl")?.unbind();
    let _ = DISABLED.set(py, disabled);
    let _ = corten_tensor::dispatch::HOOKS.subclass.set(layer);
    Ok(())
}
