//! Results of rows as Python objects: tensors, tuples, and tuples with named fields.

use crate::class;
use crate::convert;
use crate::py::{Obj, entries};
use corten_tensor::op::Op;
use corten_tensor::value::Value;
use corten_tensor::{Tensor, registry};
use pyo3::ffi::{self, PyObject};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple, PyType};
use std::collections::HashMap;
use std::ffi::{CString, c_char};
use std::sync::{Mutex, PoisonError};

/// The object for what a row gave.
#[inline(always)]
pub fn finish(py: Python<'_>, op: &'static Op, value: Value) -> PyResult<*mut PyObject> {
    match value {
        Value::Tensor(tensor) => class::wrap_ptr(py, tensor),
        other => finish_other(py, op, other),
    }
}

#[inline(never)]
fn finish_other(py: Python<'_>, op: &'static Op, value: Value) -> PyResult<*mut PyObject> {
    Ok(match value {
        Value::Tensors(list) if is_named(op) && list.len() == op.returns.len() => named(py, op, list)?,
        other => convert::to_object(py, other)?,
    }
    .into_ptr())
}

/// True if the results have names; names that begin with `_` are the table's own, the result is a plain tuple then.
fn is_named(op: &Op) -> bool {
    op.returns.len() > 1 && op.returns.iter().all(|r| !r.name.is_empty() && !r.name.starts_with('_'))
}

static TYPES: Mutex<Option<HashMap<&'static str, Py<PyType>>>> = Mutex::new(None);

/// The class of a row's results, made on first use.
fn result_type<'py>(py: Python<'py>, op: &'static Op) -> PyResult<Bound<'py, PyType>> {
    if let Some(ty) = TYPES.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().get(op.name) {
        return Ok(ty.bind(py).clone());
    }
    let ty = make_type(py, op)?;
    let mut types = TYPES.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(types.get_or_insert_default().entry(op.name).or_insert_with(|| ty.unbind()).bind(py).clone())
}

fn leaked(text: &str) -> *const c_char {
    CString::new(text).unwrap_or_default().into_raw()
}

fn make_type<'py>(py: Python<'py>, op: &'static Op) -> PyResult<Bound<'py, PyType>> {
    let field = |name: *const c_char| ffi::PyStructSequence_Field { name, doc: std::ptr::null() };
    let mut fields: Vec<_> = op.returns.iter().map(|r| field(leaked(r.name))).collect();
    fields.push(field(std::ptr::null()));
    // The type keeps pointing at the names.
    let fields = Vec::leak(fields);
    let mut description = ffi::PyStructSequence_Desc {
        name: leaked(&format!("corten.return_types.{}", op.name)),
        doc: std::ptr::null(),
        fields: fields.as_mut_ptr(),
        n_in_sequence: op.returns.len() as i32,
    };
    let repr = Box::leak(Box::new(ffi::PyMethodDef {
        ml_name: c"__repr__".as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunction: repr },
        ml_flags: ffi::METH_NOARGS,
        ml_doc: std::ptr::null(),
    }));
    // SAFETY: the description is complete and what outlives the call is leaked; the descriptor belongs to the new type.
    unsafe {
        let ty = Bound::from_owned_ptr_or_err(py, ffi::PyStructSequence_NewType(&mut description).cast())?
            .cast_into::<PyType>()?;
        let method = Bound::from_owned_ptr_or_err(py, ffi::PyDescr_NewMethod(ty.as_type_ptr(), repr))?;
        ty.setattr("__repr__", method)?;
        let names = PyTuple::new(py, op.returns.iter().map(|r| r.name))?;
        ty.setattr("_fields", names)?;
        Ok(ty)
    }
}

fn named<'py>(py: Python<'py>, op: &'static Op, list: Vec<Tensor>) -> PyResult<Bound<'py, PyAny>> {
    let ty = result_type(py, op)?;
    // SAFETY: a fresh struct sequence has as many places as the row has results; each is filled with a new reference.
    unsafe {
        let result = Bound::from_owned_ptr_or_err(py, ffi::PyStructSequence_New(ty.as_type_ptr()))?;
        for (i, tensor) in list.into_iter().enumerate() {
            ffi::PyStructSequence_SetItem(result.as_ptr(), i as isize, class::wrap_ptr(py, tensor)?);
        }
        Ok(result)
    }
}

entries! {
    fn repr(py, slf; _unused: *mut PyObject) -> *mut PyObject {
        Ok(PyString::new(py, &repr_text(slf)?).into_any().into_ptr())
    }
}

fn repr_text(slf: Obj) -> PyResult<String> {
    let ty = slf.get_type();
    let names: Vec<String> = ty.getattr("_fields")?.extract()?;
    let mut lines = Vec::new();
    for (name, item) in names.iter().zip(slf.try_iter()?) {
        lines.push(format!("{name}={}", item?.repr()?));
    }
    Ok(format!("torch.return_types.{}(\n{})", ty.name()?, lines.join(",\n")))
}

/// All classes of named results, by name.
#[pyfunction]
pub fn _return_types(py: Python<'_>) -> PyResult<HashMap<&'static str, Py<PyType>>> {
    let mut types = HashMap::new();
    for op in registry::all().filter(|op| is_named(op)) {
        types.insert(op.name, result_type(py, op)?.unbind());
    }
    Ok(types)
}
