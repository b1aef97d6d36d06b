//! The Tensor class: its memory layout, its life, and the bond between a tensor and its one Python object.
//!
//! The class is built with `PyType_FromSpec`, as that is the fastest way to make and free objects. An object is made
//! untracked by the garbage collector; it is tracked from the moment when it gets an attribute dict.

use crate::py::{Obj, TypeSlot, enter, entries};
use crate::{getset, legacy, methods, slots, subclass};
use corten_tensor::Tensor;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::ffi::{self, PyObject};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};
use std::ffi::{c_int, c_void};
use std::mem::{ManuallyDrop, offset_of};

/// The object behind `Tensor` in Python.
#[repr(C)]
pub struct TensorObject {
    base: PyObject,
    tensor: ManuallyDrop<Tensor>,
    dict: *mut PyObject,
    weaklist: *mut PyObject,
}

/// The class.
pub static TENSOR: TypeSlot = TypeSlot::new();

/// The tensor of a Python object, if it is one.
#[inline(always)]
pub fn tensor_of<'a>(obj: Obj<'a, '_>) -> Option<&'a Tensor> {
    // SAFETY: every instance of the class and its subclasses has this layout, with a tensor from its making on.
    TENSOR
        .is_instance(obj)
        .then(|| unsafe { &*(&raw const (*obj.as_ptr().cast::<TensorObject>()).tensor).cast::<Tensor>() })
}

/// The tensor of `self` in a slot or method: the interpreter has checked the type.
#[inline(always)]
pub fn self_of<'a>(obj: Obj<'a, '_>) -> PyResult<&'a Tensor> {
    tensor_of(obj).ok_or_else(|| PyTypeError::new_err("expected a Tensor"))
}

/// The Python object of a tensor: the very same one while it lives.
#[inline(always)]
pub fn wrap_ptr(py: Python<'_>, tensor: Tensor) -> PyResult<*mut PyObject> {
    let known = tensor.python() as *mut PyObject;
    if !known.is_null() {
        // SAFETY: the back-pointer is cleared before its object dies, and this thread is attached.
        unsafe { ffi::Py_INCREF(known) };
        return Ok(known);
    }
    if tensor.rest().is_some_and(|rest| rest.former.is_some()) {
        return revive(py, tensor);
    }
    // SAFETY: a fresh untracked object whose three fields are filled before anyone sees it.
    unsafe {
        let object = ffi::PyObject_GC_New::<TensorObject>(TENSOR.ptr());
        if object.is_null() {
            return Err(PyErr::fetch(py));
        }
        (&raw mut (*object).dict).write(std::ptr::null_mut());
        (&raw mut (*object).weaklist).write(std::ptr::null_mut());
        tensor.set_python(object as usize);
        (&raw mut (*object).tensor).write(ManuallyDrop::new(tensor));
        Ok(object.cast())
    }
}

/// What stays of a Python object that goes while others, such as the graph, still hold its tensor.
struct Former {
    class: Py<PyType>,
    attributes: Option<Py<PyDict>>,
}

/// A new object with the class and the attributes of the one before it.
#[cold]
fn revive(py: Python<'_>, tensor: Tensor) -> PyResult<*mut PyObject> {
    let former = tensor.with_rest(|rest| rest.former.take()).and_then(|former| former.downcast::<Former>().ok());
    let Some(former) = former else { return wrap_ptr(py, tensor) };
    // SAFETY: the allocator gives zeroed, tracked memory of the class's size, which begins with our layout.
    unsafe {
        let object = ffi::PyType_GenericAlloc(former.class.as_ptr().cast(), 0).cast::<TensorObject>();
        if object.is_null() {
            return Err(PyErr::fetch(py));
        }
        (*object).dict = former.attributes.map_or(std::ptr::null_mut(), Py::into_ptr);
        tensor.set_python(object as usize);
        (&raw mut (*object).tensor).write(ManuallyDrop::new(tensor));
        Ok(object.cast())
    }
}

/// The Python object of a tensor, as a bound reference.
pub fn wrap<'py>(py: Python<'py>, tensor: Tensor) -> PyResult<Bound<'py, PyAny>> {
    let object = wrap_ptr(py, tensor)?;
    // SAFETY: a new reference to a live object.
    Ok(unsafe { Bound::from_owned_ptr(py, object) })
}

/// A new object of class `ty` for a tensor that has none yet.
pub fn wrap_as<'py>(ty: &Bound<'py, PyType>, tensor: Tensor) -> PyResult<Bound<'py, PyAny>> {
    let py = ty.py();
    if !ty.is_subclass(&TENSOR.object(py))? {
        return Err(PyTypeError::new_err(
            "Creating a Tensor subclass from a class that does not inherit from Tensor is not possible. Make sure your class inherits from Tensor.",
        ));
    }
    if ty.as_ptr() == TENSOR.object(py).as_ptr() {
        return wrap(py, tensor);
    }
    if tensor.python() != 0 {
        return Err(PyRuntimeError::new_err("this tensor already has a Python object"));
    }
    if subclass::overrides(ty)? {
        tensor.add_keys(corten_tensor::key::SUBCLASS);
    }
    // SAFETY: the allocator gives zeroed, tracked memory of the subclass's size, which begins with our layout.
    unsafe {
        let object = ffi::PyType_GenericAlloc(ty.as_type_ptr(), 0).cast::<TensorObject>();
        if object.is_null() {
            return Err(PyErr::fetch(py));
        }
        tensor.set_python(object as usize);
        (&raw mut (*object).tensor).write(ManuallyDrop::new(tensor));
        Ok(Bound::from_owned_ptr(py, object.cast()))
    }
}

/// Makes the collector follow an object that may now be part of a cycle.
pub fn track(obj: Obj) {
    // SAFETY: a live object of a type with collector support.
    unsafe {
        if ffi::PyObject_GC_IsTracked(obj.as_ptr()) == 0 {
            ffi::PyObject_GC_Track(obj.as_ptr().cast());
        }
    }
}

unsafe extern "C" fn dealloc(object: *mut PyObject) {
    // SAFETY: the interpreter calls this once, with the last reference; fields are not used after they are released.
    unsafe {
        let this = object.cast::<TensorObject>();
        let ty = ffi::Py_TYPE(object);
        ffi::PyObject_GC_UnTrack(object.cast());
        if !(*this).weaklist.is_null() {
            ffi::PyObject_ClearWeakRefs(object);
        }
        let dict = std::mem::replace(&mut (*this).dict, std::ptr::null_mut());
        let tensor = ManuallyDrop::take(&mut (*this).tensor);
        let plain = dict.is_null() && ty == TENSOR.ptr();
        enter::<c_int>(|py| {
            let attributes = Bound::from_owned_ptr_or_opt(py, dict);
            if tensor.python() == object as usize {
                tensor.set_python(0);
                if !plain && tensor.handles() > 1 {
                    let class = Bound::from_borrowed_ptr(py, ty.cast()).cast_into_unchecked::<PyType>().unbind();
                    let attributes = attributes.and_then(|dict| dict.cast_into::<PyDict>().ok()).map(Bound::unbind);
                    let former = Box::new(Former { class, attributes });
                    drop(tensor.with_rest(|rest| rest.former.replace(former)));
                }
            }
            drop(tensor);
            Ok(0)
        });
        ffi::PyObject_GC_Del(object.cast());
        ffi::Py_DECREF(ty.cast());
    }
}

unsafe extern "C" fn traverse(object: *mut PyObject, visit: ffi::visitproc, arg: *mut c_void) -> c_int {
    // SAFETY: the collector passes a live object; only owned references are visited.
    unsafe {
        let this = object.cast::<TensorObject>();
        for owned in [(*this).dict, ffi::Py_TYPE(object).cast()] {
            if !owned.is_null() {
                let stop = visit(owned, arg);
                if stop != 0 {
                    return stop;
                }
            }
        }
        0
    }
}

unsafe extern "C" fn clear(object: *mut PyObject) -> c_int {
    // SAFETY: as for `traverse`; the field is emptied before the reference is given up.
    unsafe {
        let this = object.cast::<TensorObject>();
        let dict = std::mem::replace(&mut (*this).dict, std::ptr::null_mut());
        if !dict.is_null() {
            ffi::Py_DECREF(dict);
        }
    }
    0
}

unsafe extern "C" fn set_attribute(object: *mut PyObject, name: *mut PyObject, value: *mut PyObject) -> c_int {
    // SAFETY: the interpreter passes live objects (a null value deletes).
    unsafe {
        let status = ffi::PyObject_GenericSetAttr(object, name, value);
        if status == 0 && !(*object.cast::<TensorObject>()).dict.is_null() && ffi::PyObject_GC_IsTracked(object) == 0 {
            ffi::PyObject_GC_Track(object.cast());
        }
        status
    }
}

entries! {
    /// `__dict__`, made on first use.
    pub fn get_dict(py, slf; _closure: *mut c_void) -> *mut PyObject {
        track(slf);
        // SAFETY: a live object whose type has a dict offset.
        let dict = unsafe { ffi::PyObject_GenericGetDict(slf.as_ptr(), std::ptr::null_mut()) };
        if dict.is_null() { Err(PyErr::fetch(py)) } else { Ok(dict) }
    }
}

unsafe extern "C" fn new(ty: *mut ffi::PyTypeObject, args: *mut PyObject, kwargs: *mut PyObject) -> *mut PyObject {
    // SAFETY: the interpreter calls this attached, with a live type, a tuple and perhaps a dict.
    unsafe {
        enter(|py| {
            let ty = Bound::from_borrowed_ptr(py, ty.cast()).cast_into::<PyType>()?;
            let args = Bound::from_borrowed_ptr(py, args).cast_into()?;
            let kwargs = Bound::from_borrowed_ptr_or_opt(py, kwargs);
            Ok(legacy::construct(&ty, &args, kwargs.as_ref())?.into_ptr())
        })
    }
}

fn offset_member(name: &'static std::ffi::CStr, offset: usize) -> ffi::PyMemberDef {
    ffi::PyMemberDef {
        name: name.as_ptr(),
        type_code: ffi::Py_T_PYSSIZET,
        offset: offset as isize,
        flags: ffi::Py_READONLY,
        doc: std::ptr::null(),
    }
}

/// Makes the class and adds it.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    // What the type keeps pointing at lives for ever.
    let members = Vec::leak(vec![
        offset_member(c"__dictoffset__", offset_of!(TensorObject, dict)),
        offset_member(c"__weaklistoffset__", offset_of!(TensorObject, weaklist)),
        offset_member(c"", 0),
    ]);
    members[2].name = std::ptr::null();
    let methods = Vec::leak(methods::table(py)?);
    let getset = Vec::leak(getset::table());
    let slot = |slot: c_int, pfunc: *mut c_void| ffi::PyType_Slot { slot, pfunc };
    let mut all = vec![
        slot(ffi::Py_tp_dealloc, dealloc as *mut c_void),
        slot(ffi::Py_tp_traverse, traverse as *mut c_void),
        slot(ffi::Py_tp_clear, clear as *mut c_void),
        slot(ffi::Py_tp_setattro, set_attribute as *mut c_void),
        slot(ffi::Py_tp_new, new as *mut c_void),
        slot(ffi::Py_tp_members, members.as_mut_ptr().cast()),
        slot(ffi::Py_tp_methods, methods.as_mut_ptr().cast()),
        slot(ffi::Py_tp_getset, getset.as_mut_ptr().cast()),
        slot(ffi::Py_tp_doc, c"A multi-dimensional array of elements of one dtype.".as_ptr() as *mut c_void),
    ];
    all.extend(slots::table().into_iter().map(|(id, function)| slot(id, function)));
    all.push(slot(0, std::ptr::null_mut()));
    let mut spec = ffi::PyType_Spec {
        name: c"corten.Tensor".as_ptr(),
        basicsize: size_of::<TensorObject>() as c_int,
        itemsize: 0,
        flags: (ffi::Py_TPFLAGS_DEFAULT | ffi::Py_TPFLAGS_BASETYPE | ffi::Py_TPFLAGS_HAVE_GC) as u32,
        slots: all.as_mut_ptr(),
    };
    // SAFETY: the spec is valid for the call, what the type keeps is leaked, and the slots fit the layout.
    let ty = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyType_FromSpec(&mut spec))? };
    // CPython's own messages then say 'Tensor', as PyTorch's do.
    ty.setattr("__name__", "Tensor")?;
    module.add("Tensor", &ty)?;
    TENSOR.set(ty);
    Ok(())
}
