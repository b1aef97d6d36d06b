//! Borrowed Python objects, and the one way in from the interpreter: panics and errors become exceptions.

use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi::{self, PyObject};
use pyo3::prelude::*;
use pyo3::types::{PyAny, PyType};
use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicPtr, Ordering};

/// A Python object that someone else keeps alive.
pub type Obj<'a, 'py> = Borrowed<'a, 'py, PyAny>;

/// What a C function returns when an exception is set.
pub trait Refusal {
    /// Null or -1.
    const VALUE: Self;
}

impl Refusal for *mut PyObject {
    const VALUE: Self = std::ptr::null_mut();
}

impl Refusal for c_int {
    const VALUE: Self = -1;
}

impl Refusal for isize {
    const VALUE: Self = -1;
}

/// Runs `body`; its error, or its panic, becomes the exception that is set.
///
/// # Safety
/// The thread must be attached to the interpreter, as it is inside every function that the interpreter calls.
#[inline(always)]
pub unsafe fn enter<R: Refusal>(body: impl FnOnce(Python<'_>) -> PyResult<R>) -> R {
    // SAFETY: the caller is attached.
    let py = unsafe { Python::assume_attached() };
    match catch_unwind(AssertUnwindSafe(|| body(py))) {
        Ok(Ok(value)) => value,
        Ok(Err(error)) => {
            error.restore(py);
            R::VALUE
        }
        Err(panic) => {
            report(py, panic);
            R::VALUE
        }
    }
}

#[cold]
fn report(py: Python<'_>, panic: Box<dyn std::any::Any + Send>) {
    let text = match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text.as_str(),
        _ => "no message",
    };
    PyRuntimeError::new_err(format!("internal error: {text}")).restore(py);
}

/// Declares functions for slots and method tables: objects come as [`Obj`], the body gives a `PyResult`.
macro_rules! entries {
    ($($(#[$doc:meta])* $vis:vis fn $name:ident($py:ident $(, $arg:ident)* $(; $($raw:ident: $ty:ty),+)?) -> $ret:ty $body:block)*) => { $(
        $(#[$doc])*
        $vis unsafe extern "C" fn $name($($arg: *mut pyo3::ffi::PyObject,)* $($($raw: $ty),+)?) -> $ret {
            let body = |$py: pyo3::Python<'_>| -> pyo3::PyResult<$ret> {
                // SAFETY: the interpreter calls this with objects that live until it returns.
                $(let $arg = unsafe { pyo3::Borrowed::from_ptr($py, $arg) };)*
                $body
            };
            // SAFETY: the interpreter calls this attached.
            unsafe { $crate::py::enter(body) }
        }
    )* };
}
pub(crate) use entries;

/// A type object made at import; null before.
pub struct TypeSlot(AtomicPtr<ffi::PyTypeObject>);

impl TypeSlot {
    /// An empty slot.
    pub const fn new() -> Self {
        TypeSlot(AtomicPtr::new(std::ptr::null_mut()))
    }

    /// Stores the type, for ever.
    pub fn set(&self, ty: Bound<'_, PyAny>) {
        self.0.store(ty.into_ptr().cast(), Ordering::Release);
    }

    /// Its address.
    #[inline(always)]
    pub fn ptr(&self) -> *mut ffi::PyTypeObject {
        self.0.load(Ordering::Relaxed)
    }

    /// The type as an object.
    pub fn object<'py>(&self, py: Python<'py>) -> Obj<'static, 'py> {
        // SAFETY: the slot owns a reference for ever, and is filled before any code can ask.
        unsafe { Borrowed::from_ptr(py, self.ptr().cast()) }
    }

    /// True if `obj` is of exactly this type.
    #[inline(always)]
    pub fn is_exact(&self, obj: Obj) -> bool {
        type_of(obj) == self.ptr()
    }

    /// True if `obj` is of this type or of a subclass.
    #[inline(always)]
    pub fn is_instance(&self, obj: Obj) -> bool {
        let ty = type_of(obj);
        // SAFETY: both are live type objects.
        ty == self.ptr() || unsafe { ffi::PyType_IsSubtype(ty, self.ptr()) != 0 }
    }
}

/// The address of an object's type.
#[inline(always)]
pub fn type_of(obj: Obj) -> *mut ffi::PyTypeObject {
    // SAFETY: `obj` is live.
    unsafe { ffi::Py_TYPE(obj.as_ptr()) }
}

/// A new reference, as C functions return it.
#[inline(always)]
pub fn give(obj: Obj) -> *mut PyObject {
    obj.to_owned().into_ptr()
}

/// `None`, as a new reference.
#[inline(always)]
pub fn none(py: Python<'_>) -> *mut PyObject {
    py.None().into_ptr()
}

/// `NotImplemented`, as a new reference.
pub fn not_implemented(py: Python<'_>) -> *mut PyObject {
    py.NotImplemented().into_ptr()
}

/// An attribute of a module that is imported at need.
pub fn import<'py>(py: Python<'py>, module: &str, name: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import(module)?.getattr(name)
}

/// The type's name as CPython's own messages print it.
pub fn type_name(obj: Obj) -> String {
    let ty = obj.get_type();
    let name = ty.name().map(|n| n.to_string()).unwrap_or_default();
    let module = ty.module().map(|m| m.to_string()).unwrap_or_default();
    match (module.as_str(), name.as_str()) {
        ("corten", "dtype" | "device" | "layout" | "memory_format" | "Size" | "Generator") => format!("torch.{name}"),
        ("builtins", _) => name,
        _ if made_at_run_time(&ty) => name,
        _ => format!("{module}.{name}"),
    }
}

/// True for classes of Python's making, whose names CPython prints without the module.
fn made_at_run_time(ty: &Bound<'_, PyType>) -> bool {
    // SAFETY: `ty` is a live type.
    unsafe { ffi::PyType_GetFlags(ty.as_type_ptr()) & ffi::Py_TPFLAGS_HEAPTYPE != 0 }
}

/// A Python object kept alive by something that may be dropped on any thread.
pub struct Keep(std::ptr::NonNull<PyObject>);

// SAFETY: the reference count is only touched with the interpreter attached, the pointer is otherwise opaque.
unsafe impl Send for Keep {}
// SAFETY: as above.
unsafe impl Sync for Keep {}

impl Keep {
    /// Takes a reference.
    pub fn new(obj: Obj) -> Keep {
        // SAFETY: a live object's address is not null.
        Keep(unsafe { std::ptr::NonNull::new_unchecked(give(obj)) })
    }

    /// True if it is this object.
    #[inline(always)]
    pub fn is(&self, obj: Obj) -> bool {
        self.0.as_ptr() == obj.as_ptr()
    }

    /// The object.
    pub fn get<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        // SAFETY: this holds a reference.
        unsafe { Bound::from_borrowed_ptr(py, self.0.as_ptr()) }
    }
}

impl Drop for Keep {
    fn drop(&mut self) {
        // SAFETY: the interpreter still runs, and the state call attaches this thread where it is not.
        unsafe {
            if ffi::Py_IsInitialized() != 0 {
                let state = ffi::PyGILState_Ensure();
                ffi::Py_DECREF(self.0.as_ptr());
                ffi::PyGILState_Release(state);
            }
        }
    }
}
