//! Python objects to values, by the type that a row's parameter has; and values to Python objects.

use crate::class::{self, tensor_of};
use crate::hooks;
use crate::py::{Keep, Obj, none, type_name};
use crate::types::{device, dtype, format, generator, size};
use corten_base::Scalar;
use corten_tensor::op::{Default, Op, Param, Type};
use corten_tensor::value::{IndexItem, Value};
use corten_tensor::{Dims, Tensor};
use pyo3::exceptions::{PyIndexError, PyRuntimeError, PyTypeError, PyUserWarning};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyComplex, PyEllipsis, PyFloat, PyInt, PyList, PySlice, PyString, PyTuple};
use smallvec::{SmallVec, smallvec};
use std::sync::Arc;

/// Why an argument was not taken.
pub enum Refused {
    /// Its type does not fit; another overload may take it.
    Mismatch,
    /// It fits and is wrong.
    Error(PyErr),
}

impl From<PyErr> for Refused {
    fn from(error: PyErr) -> Refused {
        Refused::Error(error)
    }
}

type Taken<T> = Result<T, Refused>;

/// A Python number of exactly float, int or bool; anything else is decided by [`number`].
#[inline(always)]
pub fn exact_number(obj: Obj) -> Option<Scalar> {
    // SAFETY: `obj` is live, and each conversion follows the check of its type.
    unsafe {
        let ptr = obj.as_ptr();
        if ffi::PyFloat_CheckExact(ptr) != 0 {
            return Some(Scalar::Float(ffi::PyFloat_AsDouble(ptr)));
        }
        if ffi::PyLong_CheckExact(ptr) != 0 {
            let mut overflow = 0;
            let value = ffi::PyLong_AsLongLongAndOverflow(ptr, &mut overflow);
            return (overflow == 0).then_some(Scalar::Int(value));
        }
        if ffi::PyBool_Check(ptr) != 0 {
            return Some(Scalar::Bool(ptr == ffi::Py_True()));
        }
    }
    None
}

/// A Python or NumPy number; `None` for anything else.
pub fn number(obj: Obj) -> PyResult<Option<Scalar>> {
    if let Some(scalar) = exact_number(obj) {
        return Ok(Some(scalar));
    }
    if obj.is_instance_of::<PyFloat>() {
        return Ok(Some(Scalar::Float(obj.extract()?)));
    }
    if obj.is_instance_of::<PyInt>() {
        return match obj.extract::<i64>() {
            Ok(value) => Ok(Some(Scalar::Int(value))),
            Err(_) => match obj.extract::<u64>() {
                Ok(value) => Ok(Some(Scalar::UInt(value))),
                Err(_) => Err(PyRuntimeError::new_err("Overflow when unpacking long long")),
            },
        };
    }
    if let Ok(complex) = obj.cast::<PyComplex>() {
        use pyo3::types::PyComplexMethods;
        return Ok(Some(Scalar::Complex(complex.real(), complex.imag())));
    }
    match numpy_number(obj)? {
        Some(plain) => number(plain.as_borrowed()),
        None => Ok(None),
    }
}

/// The Python number of a NumPy scalar.
fn numpy_number<'py>(obj: Obj<'_, 'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
    if !obj.get_type().module().is_ok_and(|m| m == "numpy") {
        return Ok(None);
    }
    let generic = crate::py::import(obj.py(), "numpy", "generic")?;
    if !obj.is_instance(&generic)? {
        return Ok(None);
    }
    let plain = obj.call_method0("item")?;
    let numeric =
        plain.is_instance_of::<PyFloat>() || plain.is_instance_of::<PyInt>() || plain.is_instance_of::<PyComplex>();
    Ok(numeric.then_some(plain))
}

/// An int: Python's (never a bool), NumPy's, or a zero-dimensional integer tensor that needs no gradient.
#[inline(always)]
pub fn int(obj: Obj) -> Taken<i64> {
    match exact_number(obj) {
        Some(Scalar::Int(value)) => Ok(value),
        Some(_) => Err(Refused::Mismatch),
        None => int_slow(obj),
    }
}

#[cold]
fn int_slow(obj: Obj) -> Taken<i64> {
    if let Some(tensor) = tensor_of(obj) {
        let fits = tensor.dtype().is_integral(false) && tensor.ndim() == 0 && !tensor.requires_grad();
        return if fits { Ok(hooks::item(obj, tensor)?.to_i64()) } else { Err(Refused::Mismatch) };
    }
    match number(obj)? {
        Some(Scalar::Int(value)) => Ok(value),
        Some(Scalar::UInt(_)) => Err(PyRuntimeError::new_err("Overflow when unpacking long long").into()),
        _ => Err(Refused::Mismatch),
    }
}

fn scalar(obj: Obj) -> Taken<Scalar> {
    if let Some(scalar) = exact_number(obj) {
        return Ok(scalar);
    }
    if let Some(tensor) = tensor_of(obj) {
        let fits = tensor.ndim() == 0 && !tensor.requires_grad();
        return if fits { Ok(hooks::item(obj, tensor)?) } else { Err(Refused::Mismatch) };
    }
    number(obj)?.ok_or(Refused::Mismatch)
}

fn float(obj: Obj) -> Taken<f64> {
    match scalar(obj)? {
        Scalar::Complex(..) => Err(Refused::Mismatch),
        real => Ok(real.to_f64()),
    }
}

fn boolean(obj: Obj) -> Taken<bool> {
    if let Some(Scalar::Bool(value)) = exact_number(obj) {
        return Ok(value);
    }
    if let Some(tensor) = tensor_of(obj) {
        let fits = tensor.dtype() == corten_base::DType::Bool && tensor.ndim() == 0 && !tensor.requires_grad();
        return if fits { Ok(!hooks::item(obj, tensor)?.is_zero()) } else { Err(Refused::Mismatch) };
    }
    match number(obj)? {
        Some(Scalar::Bool(value)) => Ok(value),
        _ => Err(Refused::Mismatch),
    }
}

/// The items of a tuple or list, borrowed.
fn sequence<'a, 'py>(obj: Obj<'a, 'py>) -> Option<Vec<Bound<'py, PyAny>>> {
    if let Ok(tuple) = obj.cast::<PyTuple>() {
        return Some(tuple.iter().collect());
    }
    obj.cast::<PyList>().ok().map(|list| list.iter().collect())
}

/// Ints of a tuple or list. A first item that is no int is a mismatch, a later one an error.
pub fn ints(obj: Obj, op: &Op, param: &Param) -> Taken<Dims> {
    let items = sequence(obj).ok_or(Refused::Mismatch)?;
    ints_of(items.iter().map(|item| item.as_borrowed()), op, param)
}

/// Ints of several arguments.
pub fn ints_of<'a, 'py: 'a>(items: impl Iterator<Item = Obj<'a, 'py>>, op: &Op, param: &Param) -> Taken<Dims> {
    let mut dims = Dims::new();
    for (i, item) in items.enumerate() {
        match int(item) {
            Ok(value) => dims.push(value),
            Err(Refused::Mismatch) if i > 0 => {
                return Err(PyTypeError::new_err(format!(
                    "{}(): argument '{}' failed to unpack the object at pos {} with error \"type must be tuple of ints,but got {}\"",
                    op.name,
                    param.name,
                    i + 1,
                    type_name(item)
                ))
                .into());
            }
            Err(refused) => return Err(refused),
        }
    }
    Ok(dims)
}

fn one_or_more(obj: Obj, op: &Op, param: &Param) -> Taken<Value> {
    match int(obj) {
        Ok(value) => Ok(Value::Ints(smallvec![value])),
        Err(Refused::Mismatch) => ints(obj, op, param).map(Value::Ints),
        Err(refused) => Err(refused),
    }
}

/// One int for all `times` dimensions, or one for each; none where that is the default.
fn repeated(obj: Obj, op: &Op, param: &Param, times: usize) -> Taken<Value> {
    match int(obj) {
        Ok(value) => Ok(Value::Ints(SmallVec::from_elem(value, times))),
        Err(Refused::Mismatch) => {
            let dims = ints(obj, op, param)?;
            let dims = if dims.len() == 1 { SmallVec::from_elem(dims[0], times) } else { dims };
            let unset = dims.is_empty() && matches!(param.default, Some(Default::Ints([])));
            if dims.len() != times && !unset {
                let given = corten_tensor::text::sizes(&dims);
                return Err(PyRuntimeError::new_err(format!(
                    "{}(): argument '{}' must be one int or {times} of them, but got {given}",
                    op.name, param.name
                ))
                .into());
            }
            Ok(Value::Ints(dims))
        }
        Err(refused) => Err(refused),
    }
}

fn tensors(obj: Obj, place: usize) -> Taken<Value> {
    let items = sequence(obj).ok_or(Refused::Mismatch)?;
    let list: Result<Vec<Tensor>, Refused> =
        items.iter().enumerate().map(|(i, item)| element(item.as_borrowed(), i, place)).collect();
    list.map(Value::Tensors)
}

fn element(item: Obj, i: usize, place: usize) -> Taken<Tensor> {
    tensor_of(item).cloned().ok_or_else(|| {
        let given = type_name(item);
        PyTypeError::new_err(format!("expected Tensor as element {i} in argument {place}, but got {given}")).into()
    })
}

fn optional_tensors(obj: Obj, place: usize) -> Taken<Value> {
    let items = sequence(obj).ok_or(Refused::Mismatch)?;
    let list: Result<Vec<Option<Tensor>>, Refused> = items
        .iter()
        .enumerate()
        .map(|(i, item)| if item.is_none() { Ok(None) } else { element(item.as_borrowed(), i, place).map(Some) })
        .collect();
    list.map(Value::OptionalTensors)
}

/// The value of a parameter from the object given for it; `place` counts arguments from 0.
#[inline]
pub fn argument(obj: Obj, op: &Op, param: &Param, place: usize) -> Taken<Value> {
    if param.ty == Type::Tensor
        && let Some(tensor) = tensor_of(obj)
    {
        return Ok(Value::Tensor(tensor.clone()));
    }
    if obj.is_none() && param.ty != Type::Any && param.ty != Type::Key {
        let nullable = param.nullable || matches!(param.default, Some(Default::None));
        return match param.default {
            _ if nullable => Ok(Value::None),
            // `None` stands for a list that may be left out, as in PyTorch.
            Some(Default::Ints([])) => Ok(param.default_value()),
            _ => Err(Refused::Mismatch),
        };
    }
    match param.ty {
        Type::Tensor => Err(Refused::Mismatch),
        Type::Tensors => tensors(obj, place),
        Type::OptionalTensors => optional_tensors(obj, place),
        Type::TensorOrScalar => match tensor_of(obj) {
            Some(tensor) => Ok(Value::Tensor(tensor.clone())),
            None => number(obj)?.map(Value::Scalar).ok_or(Refused::Mismatch),
        },
        Type::Scalar => scalar(obj).map(Value::Scalar),
        Type::Int | Type::Dim => int(obj).map(Value::from),
        Type::Float => float(obj).map(Value::from),
        Type::Bool => boolean(obj).map(Value::from),
        Type::Str => match obj.cast::<PyString>() {
            Ok(text) => Ok(Value::Str(text.to_cow()?.as_ref().into())),
            Err(_) => Err(Refused::Mismatch),
        },
        Type::Sizes => ints(obj, op, param).map(Value::Ints),
        Type::Dims => one_or_more(obj, op, param),
        Type::Ints1 => repeated(obj, op, param, 1),
        Type::Ints2 => repeated(obj, op, param, 2),
        Type::Ints3 => repeated(obj, op, param, 3),
        Type::Floats => {
            let items = sequence(obj).ok_or(Refused::Mismatch)?;
            items.iter().map(|item| float(item.as_borrowed())).collect::<Taken<Vec<f64>>>().map(Value::Floats)
        }
        Type::DType => dtype::from_object(&obj).map(Value::DType).ok_or(Refused::Mismatch),
        Type::Device => device::from_object(&obj)?.map(Value::Device).ok_or(Refused::Mismatch),
        Type::Layout => obj.cast::<format::PyLayout>().map(|l| Value::Layout(l.get().0)).map_err(|_| Refused::Mismatch),
        Type::MemoryFormat => {
            obj.cast::<format::PyMemoryFormat>().map(|f| Value::MemoryFormat(f.get().0)).map_err(|_| Refused::Mismatch)
        }
        Type::Generator => obj
            .cast::<generator::PyGenerator>()
            .map(|g| Value::Generator(g.get().shared.clone()))
            .map_err(|_| Refused::Mismatch),
        Type::Key => key(obj).map_err(Refused::Error),
        Type::Any => Ok(anything(obj)?),
    }
}

/// A value of any type: what the runtime knows in its own form, the rest as it is.
fn anything(obj: Obj) -> PyResult<Value> {
    if let Some(tensor) = tensor_of(obj) {
        return Ok(Value::Tensor(tensor.clone()));
    }
    if obj.is_none() {
        return Ok(Value::None);
    }
    if let Ok(text) = obj.cast::<PyString>() {
        return Ok(Value::Str(text.to_cow()?.as_ref().into()));
    }
    Ok(match exact_number(obj) {
        Some(scalar) => Value::Scalar(scalar),
        None => foreign(obj),
    })
}

/// An object that the runtime passes along without looking into it.
pub fn foreign(obj: Obj) -> Value {
    Value::Foreign(Arc::new(Keep::new(obj)))
}

/// An index expression.
pub fn key(obj: Obj) -> PyResult<Value> {
    if let Ok(tuple) = obj.cast::<PyTuple>() {
        let items: PyResult<Vec<IndexItem>> = tuple.iter().map(|item| index_item(item.as_borrowed())).collect();
        return Ok(Value::Key(items?.into()));
    }
    if let Ok(list) = obj.cast::<PyList>()
        && stands_for_a_tuple(list.as_borrowed())
    {
        let text = c"Using a non-tuple sequence for multidimensional indexing is deprecated; use x[tuple(seq)] instead of x[seq], or x[torch.tensor(seq)] if its numbers are places along the first dimension.";
        PyErr::warn(obj.py(), &obj.py().get_type::<PyUserWarning>(), text, 1)?;
        return key(list.to_tuple().as_any().as_borrowed());
    }
    Ok(Value::Key(Arc::new([index_item(obj)?])))
}

/// PyTorch's rule, and once NumPy's: a short list that holds more than numbers is an index of several dimensions.
fn stands_for_a_tuple(list: Borrowed<PyList>) -> bool {
    const FEW: usize = 32;
    let several = |item: Bound<PyAny>| {
        item.is_none()
            || item.is_instance_of::<PyEllipsis>()
            || item.is_instance_of::<PySlice>()
            || tensor_of(item.as_borrowed()).is_some()
            || sequence_like(item.as_borrowed())
    };
    list.len() < FEW && list.iter().any(several)
}

fn index_item(obj: Obj) -> PyResult<IndexItem> {
    match exact_number(obj) {
        Some(Scalar::Int(value)) => return Ok(IndexItem::Int(value)),
        Some(Scalar::Bool(value)) => return Ok(IndexItem::Bool(value)),
        _ => {}
    }
    if obj.is_none() {
        return Ok(IndexItem::NewAxis);
    }
    if let Some(tensor) = tensor_of(obj) {
        return Ok(IndexItem::Tensor(tensor.clone()));
    }
    if obj.is_instance_of::<PyEllipsis>() {
        return Ok(IndexItem::Ellipsis);
    }
    if let Ok(slice) = obj.cast::<PySlice>() {
        let (mut start, mut stop, mut step) = (0, 0, 0);
        // SAFETY: a live slice; the three places are locals.
        if unsafe { ffi::PySlice_Unpack(slice.as_ptr(), &mut start, &mut stop, &mut step) } < 0 {
            return Err(PyErr::fetch(obj.py()));
        }
        return Ok(IndexItem::Slice(Some(start as i64), Some(stop as i64), Some(step as i64)));
    }
    match number(obj)? {
        Some(Scalar::Int(value)) => Ok(IndexItem::Int(value)),
        Some(Scalar::Bool(value)) => Ok(IndexItem::Bool(value)),
        None if sequence_like(obj) => hooks::index_tensor(obj).map(IndexItem::Tensor),
        _ => Err(PyIndexError::new_err(format!(
            "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got {})",
            type_name(obj)
        ))),
    }
}

fn sequence_like(obj: Obj) -> bool {
    // SAFETY: `obj` is live.
    !obj.is_instance_of::<PyString>() && unsafe { ffi::PySequence_Check(obj.as_ptr()) != 0 }
}

/// A number as Python has it.
pub fn scalar_object(py: Python<'_>, scalar: Scalar) -> PyResult<Bound<'_, PyAny>> {
    Ok(match scalar {
        Scalar::Bool(x) => PyBool::new(py, x).to_owned().into_any(),
        Scalar::Int(x) => x.into_pyobject(py)?.into_any(),
        Scalar::UInt(x) => x.into_pyobject(py)?.into_any(),
        Scalar::Float(x) => PyFloat::new(py, x).into_any(),
        Scalar::Complex(re, im) => PyComplex::from_doubles(py, re, im).into_any(),
    })
}

/// A tuple of tensors.
pub fn tensor_tuple(py: Python<'_>, list: Vec<Tensor>) -> PyResult<Bound<'_, PyAny>> {
    let items = list.into_iter().map(|t| class::wrap(py, t)).collect::<PyResult<Vec<_>>>()?;
    Ok(PyTuple::new(py, items)?.into_any())
}

/// A value as Python has it.
pub fn to_object<'py>(py: Python<'py>, value: Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        // SAFETY: `none` gives a new reference.
        Value::None => unsafe { Bound::from_owned_ptr(py, none(py)) },
        Value::Scalar(x) => scalar_object(py, x)?,
        Value::Tensor(t) => class::wrap(py, t)?,
        Value::Tensors(list) => tensor_tuple(py, list)?,
        Value::OptionalTensors(list) => {
            let items = list
                .into_iter()
                .map(|t| to_object(py, t.map_or(Value::None, Value::Tensor)))
                .collect::<PyResult<Vec<_>>>()?;
            PyTuple::new(py, items)?.into_any()
        }
        Value::Ints(dims) => size::object(py, &dims)?,
        Value::Floats(list) => PyTuple::new(py, list)?.into_any(),
        Value::Str(text) => PyString::new(py, &text).into_any(),
        Value::DType(d) => dtype::object(py, d)?.into_any(),
        Value::Device(d) => device::object(py, d)?.into_any(),
        Value::Layout(l) => format::layout(py, l)?.into_any(),
        Value::MemoryFormat(f) => format::memory_format(py, f)?.into_any(),
        Value::Generator(g) => generator::object(py, g)?.into_any(),
        Value::Key(items) => {
            let items = items.iter().map(|item| key_object(py, item)).collect::<PyResult<Vec<_>>>()?;
            PyTuple::new(py, items)?.into_any()
        }
        Value::Foreign(object) => match object.downcast_ref::<Keep>() {
            Some(keep) => keep.get(py),
            None => return Err(PyTypeError::new_err("an object of the runtime has no Python form")),
        },
    })
}

fn key_object<'py>(py: Python<'py>, item: &IndexItem) -> PyResult<Bound<'py, PyAny>> {
    Ok(match item {
        IndexItem::Int(i) => i.into_pyobject(py)?.into_any(),
        IndexItem::Slice(start, stop, step) => {
            crate::py::import(py, "builtins", "slice")?.call1((*start, *stop, *step))?
        }
        IndexItem::Ellipsis => PyEllipsis::get(py).to_owned().into_any(),
        IndexItem::NewAxis => py.None().into_bound(py),
        IndexItem::Bool(b) => PyBool::new(py, *b).to_owned().into_any(),
        IndexItem::Tensor(t) => class::wrap(py, t.clone())?,
    })
}

/// What a Python function of the runtime's gave back, as a value.
pub fn from_result(obj: Obj) -> PyResult<Value> {
    if let Some(tensor) = tensor_of(obj) {
        return Ok(Value::Tensor(tensor.clone()));
    }
    if obj.is_none() {
        return Ok(Value::None);
    }
    if let Some(scalar) = exact_number(obj) {
        return Ok(Value::Scalar(scalar));
    }
    if let Some(items) = sequence(obj) {
        let list: Option<Vec<Tensor>> = items.iter().map(|item| tensor_of(item.as_borrowed()).cloned()).collect();
        if let Some(list) = list.filter(|list| !list.is_empty()) {
            return Ok(Value::Tensors(list));
        }
    }
    Ok(foreign(obj))
}

/// The value of a tensor of one element on any device, as a Python number.
pub fn item_object<'py>(obj: Obj<'_, 'py>, tensor: &Tensor) -> PyResult<Bound<'py, PyAny>> {
    scalar_object(obj.py(), hooks::item(obj, tensor)?)
}
