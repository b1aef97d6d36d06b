//! `Size`: a tuple of ints that prints as a shape.

use crate::py::{Obj, TypeSlot, entries, type_name};
use pyo3::exceptions::PyTypeError;
use pyo3::ffi::{self, PyObject};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PySlice, PyTuple, PyTupleMethods};
use std::ffi::{CStr, c_int, c_void};

/// The class.
pub static SIZE: TypeSlot = TypeSlot::new();

/// A Size of these numbers.
pub fn object<'py>(py: Python<'py>, sizes: &[i64]) -> PyResult<Bound<'py, PyAny>> {
    fill(py, sizes.len(), |i| {
        // SAFETY: makes a new int, or gives null with an exception set.
        Ok(unsafe { ffi::PyLong_FromLongLong(sizes[i]) })
    })
}

fn fill<'py>(
    py: Python<'py>,
    len: usize,
    mut item: impl FnMut(usize) -> PyResult<*mut PyObject>,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: allocates a tuple of the subclass with null items; each is then set once, a new reference stolen by the
    // tuple; the tuple is not seen by anyone else until it is full.
    unsafe {
        let tuple = Bound::from_owned_ptr_or_err(py, ffi::PyType_GenericAlloc(SIZE.ptr(), len as isize))?;
        for i in 0..len {
            let item = Bound::from_owned_ptr_or_err(py, item(i)?)?;
            if ffi::PyTuple_SetItem(tuple.as_ptr(), i as isize, item.into_ptr()) < 0 {
                return Err(PyErr::fetch(py));
            }
        }
        Ok(tuple)
    }
}

fn from_items<'py>(py: Python<'py>, items: &[Bound<'py, PyAny>]) -> PyResult<Bound<'py, PyAny>> {
    fill(py, items.len(), |i| Ok(items[i].clone().into_ptr()))
}

fn items<'py>(size: Obj<'_, 'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    Ok(size.cast::<PyTuple>()?.iter().collect())
}

entries! {
    fn repr(py, slf) -> *mut PyObject {
        let texts = items(slf)?.iter().map(|item| item.repr().map(|r| r.to_string())).collect::<PyResult<Vec<_>>>()?;
        Ok(format!("torch.Size([{}])", texts.join(", ")).into_pyobject(py)?.into_any().into_ptr())
    }

    fn concat(py, slf, other) -> *mut PyObject {
        let Ok(other_tuple) = other.cast::<PyTuple>() else {
            let given = type_name(other);
            return Err(PyTypeError::new_err(format!("can only concatenate tuple (not {given}) to torch.Size")));
        };
        let mut all = items(slf)?;
        all.extend(other_tuple.iter());
        Ok(from_items(py, &all)?.into_ptr())
    }

    fn add(py, left, right) -> *mut PyObject {
        let (Ok(a), Ok(b)) = (left.cast::<PyTuple>(), right.cast::<PyTuple>()) else {
            return Ok(crate::py::not_implemented(py));
        };
        let all: Vec<_> = a.iter().chain(b.iter()).collect();
        Ok(from_items(py, &all)?.into_ptr())
    }

    fn repeat(py, slf; times: isize) -> *mut PyObject {
        let once = items(slf)?;
        let times = times.max(0) as usize;
        if once.len().saturating_mul(times) > 1 << 32 {
            return Err(pyo3::exceptions::PyMemoryError::new_err("a Size with too many items"));
        }
        let all: Vec<_> = std::iter::repeat_n(&once, times).flatten().cloned().collect();
        Ok(from_items(py, &all)?.into_ptr())
    }

    fn subscript(py, slf, key) -> *mut PyObject {
        let all = items(slf)?;
        if let Ok(slice) = key.cast::<PySlice>() {
            let range = slice.indices(all.len() as isize)?;
            let picked: Vec<_> =
                (0..range.slicelength).map(|i| all[(range.start + i as isize * range.step) as usize].clone()).collect();
            return Ok(from_items(py, &picked)?.into_ptr());
        }
        // SAFETY: `key` is live; an index that does not fit gives -1 with an IndexError set.
        let index = unsafe { ffi::PyNumber_AsSsize_t(key.as_ptr(), ffi::PyExc_IndexError) };
        if index == -1 && PyErr::occurred(py) {
            return Err(PyErr::fetch(py));
        }
        let place = if index < 0 { index + all.len() as isize } else { index };
        match usize::try_from(place).ok().and_then(|i| all.get(i)) {
            Some(item) => Ok(item.clone().into_ptr()),
            None => Err(pyo3::exceptions::PyIndexError::new_err("tuple index out of range")),
        }
    }

    fn numel(py, slf; _unused: *mut PyObject) -> *mut PyObject {
        let mut product = 1i64.into_pyobject(py)?.into_any();
        for item in items(slf)? {
            product = product.mul(item)?;
        }
        Ok(product.into_ptr())
    }

    fn reduce(py, slf; _unused: *mut PyObject) -> *mut PyObject {
        let plain = PyTuple::new(py, items(slf)?)?;
        Ok((slf.get_type(), (plain,)).into_pyobject(py)?.into_any().into_ptr())
    }
}

unsafe extern "C" fn new(_ty: *mut ffi::PyTypeObject, args: *mut PyObject, kwargs: *mut PyObject) -> *mut PyObject {
    // SAFETY: the interpreter calls this attached, with a live tuple and perhaps a live dict.
    unsafe {
        crate::py::enter(|py| {
            let args = Bound::from_borrowed_ptr(py, args).cast_into::<PyTuple>()?;
            let named = Bound::from_borrowed_ptr_or_opt(py, kwargs);
            let named =
                named.map(|d| d.cast_into::<PyDict>()).transpose()?.map_or(0, |d| pyo3::types::PyDictMethods::len(&d));
            if args.len() > 1 || named > 0 {
                return Err(PyTypeError::new_err("torch.Size() takes at most one iterable"));
            }
            let mut all = Vec::new();
            if !args.is_empty() {
                for (i, item) in args.get_item(0)?.try_iter()?.enumerate() {
                    let item = item?;
                    all.push(as_int(&item, i)?);
                }
            }
            Ok(from_items(py, &all)?.into_ptr())
        })
    }
}

fn as_int<'py>(item: &Bound<'py, PyAny>, place: usize) -> PyResult<Bound<'py, PyAny>> {
    if item.is_instance_of::<PyInt>() {
        return Ok(item.clone());
    }
    // SAFETY: `item` is live.
    let index = unsafe { Bound::from_owned_ptr_or_err(item.py(), ffi::PyNumber_Index(item.as_ptr())) };
    index.map_err(|_| {
        let given = type_name(item.as_borrowed());
        PyTypeError::new_err(format!("torch.Size() takes an iterable of 'int' (item {place} is '{given}')"))
    })
}

/// Makes the class and adds it.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let method = |name: &'static CStr, function: ffi::PyCFunction| ffi::PyMethodDef {
        ml_name: name.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunction: function },
        ml_flags: ffi::METH_NOARGS,
        ml_doc: std::ptr::null(),
    };
    // The type keeps pointing at its methods.
    let methods =
        Box::leak(Box::new([method(c"numel", numel), method(c"__reduce__", reduce), ffi::PyMethodDef::zeroed()]));
    let slot = |slot: c_int, pfunc: *mut c_void| ffi::PyType_Slot { slot, pfunc };
    let mut slots = [
        slot(ffi::Py_tp_new, new as *mut c_void),
        slot(ffi::Py_tp_repr, repr as *mut c_void),
        slot(ffi::Py_tp_methods, methods.as_mut_ptr().cast()),
        slot(ffi::Py_nb_add, add as *mut c_void),
        slot(ffi::Py_sq_concat, concat as *mut c_void),
        slot(ffi::Py_sq_repeat, repeat as *mut c_void),
        slot(ffi::Py_mp_subscript, subscript as *mut c_void),
        slot(0, std::ptr::null_mut()),
    ];
    let mut spec = ffi::PyType_Spec {
        name: c"corten.Size".as_ptr(),
        basicsize: 0,
        itemsize: 0,
        flags: (ffi::Py_TPFLAGS_DEFAULT | ffi::Py_TPFLAGS_BASETYPE) as u32,
        slots: slots.as_mut_ptr(),
    };
    let bases = PyTuple::new(py, [py.get_type::<PyTuple>()])?;
    // SAFETY: the spec and its slots are valid for the call; the methods are leaked; sizes are inherited from tuple.
    let ty = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyType_FromSpecWithBases(&mut spec, bases.as_ptr()))? };
    module.add("Size", &ty)?;
    SIZE.set(ty);
    Ok(())
}
