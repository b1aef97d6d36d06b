//! DLPack capsules, both ways. Layouts and names are those of `dlpack.h` 1.0.

use crate::class;
use crate::errors::OrRaise;
use crate::hooks;
use crate::py::Obj;
use corten_base::DType;
use corten_tensor::storage::Storage;
use corten_tensor::value::Value;
use corten_tensor::{Core, Device, DeviceKind, Dims, Tensor, dispatch, registry};
use pyo3::exceptions::{PyBufferError, PyRuntimeError, PyValueError};
use pyo3::ffi::{self, PyObject};
use pyo3::prelude::*;
use std::ffi::{CStr, c_void};

#[repr(C)]
#[derive(Clone, Copy)]
struct DlDevice {
    kind: i32,
    index: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct DlType {
    code: u8,
    bits: u8,
    lanes: u16,
}

#[repr(C)]
struct DlTensor {
    data: *mut c_void,
    device: DlDevice,
    ndim: i32,
    dtype: DlType,
    shape: *mut i64,
    strides: *mut i64,
    byte_offset: u64,
}

/// `DLManagedTensor`.
#[repr(C)]
struct Plain {
    tensor: DlTensor,
    context: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut Plain)>,
}

/// `DLManagedTensorVersioned`.
#[repr(C)]
struct Versioned {
    major: u32,
    minor: u32,
    context: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut Versioned)>,
    flags: u64,
    tensor: DlTensor,
}

const PLAIN: &CStr = c"dltensor";
const USED_PLAIN: &CStr = c"used_dltensor";
const VERSIONED: &CStr = c"dltensor_versioned";
const USED_VERSIONED: &CStr = c"used_dltensor_versioned";

const CPU: i32 = 1;
const CUDA: i32 = 2;
const READ_ONLY: u64 = 1;
const COPIED: u64 = 2;

/// What an exported capsule keeps alive.
struct Context {
    core: Core,
}

/// DLPack's device of a tensor; `None` where DLPack has none.
pub fn device(tensor: &Tensor) -> Option<(i32, i32)> {
    match tensor.device().kind {
        DeviceKind::Cpu => Some((CPU, 0)),
        DeviceKind::Cuda => Some((CUDA, tensor.device().resolved().index as i32)),
        DeviceKind::Meta => None,
    }
}

fn type_code(dtype: DType) -> DlType {
    let code = match dtype {
        DType::Bool => 6,
        DType::U8 | DType::U16 | DType::U32 | DType::U64 => 1,
        DType::I8 | DType::I16 | DType::I32 | DType::I64 => 0,
        DType::BF16 => 4,
        DType::F16 | DType::F32 | DType::F64 => 2,
        DType::C64 | DType::C128 => 5,
    };
    DlType { code, bits: dtype.size() as u8 * 8, lanes: 1 }
}

fn from_code(ty: DlType) -> Option<DType> {
    corten_base::dtype::ALL.into_iter().find(|&dtype| {
        let known = type_code(dtype);
        ty.lanes == 1 && (known.code, known.bits) == (ty.code, ty.bits)
    })
}

/// A capsule of a tensor: versioned where the consumer says it knows version 1.
pub fn export<'py>(
    py: Python<'py>,
    tensor: &Tensor,
    stream: Option<Obj>,
    max_version: Option<Obj>,
    dl_device: Option<Obj>,
    copy: Option<Obj>,
) -> PyResult<Bound<'py, PyAny>> {
    if tensor.requires_grad() {
        return Err(PyBufferError::new_err("Can't export tensors that require gradient, use tensor.detach()"));
    }
    let Some((kind, index)) = device(tensor) else {
        return Err(PyBufferError::new_err(format!("a tensor on the {} device has no memory", tensor.device())));
    };
    if let Some(wanted) = dl_device.filter(|d| !d.is_none()) {
        let wanted: (i32, i32) = wanted.extract()?;
        if wanted != (kind, index) {
            return Err(PyBufferError::new_err("cannot export to another device; move the tensor first"));
        }
    }
    if kind == CUDA {
        let object = class::wrap(py, tensor.clone())?;
        hooks::call(py, "dlpack_synchronize", (object, stream.map(|s| s.to_owned())))?;
    } else if stream.is_some_and(|s| !s.is_none()) {
        return Err(PyBufferError::new_err("stream must be None for a tensor on the CPU"));
    }
    let copied = copy.is_some_and(|c| c.is_truthy().unwrap_or(false));
    let core = if copied { clone(py, tensor)?.core().clone() } else { tensor.core().clone() };
    let major: u32 = match max_version.filter(|v| !v.is_none()) {
        Some(version) => version.extract::<(u32, u32)>()?.0,
        None => 0,
    };
    // The context owns the core, at an address of its own: sizes and strides stay where the capsule points.
    let context = Box::into_raw(Box::new(Context { core }));
    // SAFETY: the box was just leaked; the deleter frees it.
    let core = unsafe { &(*context).core };
    let described = DlTensor {
        data: core.storage.ptr().wrapping_offset(core.offset as isize * core.dtype.size() as isize).cast(),
        device: DlDevice { kind, index },
        ndim: core.sizes.len() as i32,
        dtype: type_code(core.dtype),
        shape: core.sizes.as_ptr().cast_mut(),
        strides: core.strides.as_ptr().cast_mut(),
        byte_offset: 0,
    };
    let context: *mut c_void = context.cast();
    // SAFETY: each capsule owns the box it points at until a consumer renames it; its destructor frees what was not
    // consumed.
    unsafe {
        if major >= 1 {
            let flags = if copied { COPIED } else { 0 };
            let managed =
                Versioned { major: 1, minor: 0, context, deleter: Some(delete_versioned), flags, tensor: described };
            let managed = Box::into_raw(Box::new(managed));
            Bound::from_owned_ptr_or_err(py, ffi::PyCapsule_New(managed.cast(), VERSIONED.as_ptr(), Some(destroy)))
        } else {
            let managed = Box::into_raw(Box::new(Plain { tensor: described, context, deleter: Some(delete_plain) }));
            Bound::from_owned_ptr_or_err(py, ffi::PyCapsule_New(managed.cast(), PLAIN.as_ptr(), Some(destroy)))
        }
    }
}

unsafe extern "C" fn delete_plain(managed: *mut Plain) {
    // SAFETY: called once, with what `export` leaked.
    unsafe {
        let managed = Box::from_raw(managed);
        drop(Box::from_raw(managed.context.cast::<Context>()));
    }
}

unsafe extern "C" fn delete_versioned(managed: *mut Versioned) {
    // SAFETY: called once, with what `export` leaked.
    unsafe {
        let managed = Box::from_raw(managed);
        drop(Box::from_raw(managed.context.cast::<Context>()));
    }
}

/// Frees what no consumer took: consumers rename the capsule.
unsafe extern "C" fn destroy(capsule: *mut PyObject) {
    // SAFETY: the interpreter passes the dying capsule; under its first name it still owns its content.
    unsafe {
        if ffi::PyCapsule_IsValid(capsule, PLAIN.as_ptr()) != 0 {
            delete_plain(ffi::PyCapsule_GetPointer(capsule, PLAIN.as_ptr()).cast());
        } else if ffi::PyCapsule_IsValid(capsule, VERSIONED.as_ptr()) != 0 {
            delete_versioned(ffi::PyCapsule_GetPointer(capsule, VERSIONED.as_ptr()).cast());
        }
    }
}

/// Someone else's capsule content, given back when the storage goes.
enum Taken {
    Plain(*mut Plain),
    Versioned(*mut Versioned),
}

// SAFETY: the content is only touched by its deleter, once, attached.
unsafe impl Send for Taken {}
// SAFETY: as above.
unsafe impl Sync for Taken {}

impl Drop for Taken {
    fn drop(&mut self) {
        // SAFETY: this owns the content; deleters written for Python may expect to be attached.
        unsafe {
            if ffi::Py_IsInitialized() == 0 {
                return;
            }
            let state = ffi::PyGILState_Ensure();
            match *self {
                Taken::Plain(managed) => {
                    if let Some(delete) = (*managed).deleter {
                        delete(managed);
                    }
                }
                Taken::Versioned(managed) => {
                    if let Some(delete) = (*managed).deleter {
                        delete(managed);
                    }
                }
            }
            ffi::PyGILState_Release(state);
        }
    }
}

/// The tensor that a capsule describes, sharing its memory; a read-only one is copied. The capsule is used up.
#[pyfunction]
pub fn _from_dlpack<'py>(capsule: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = capsule.py();
    let ptr = capsule.as_ptr();
    // SAFETY: a capsule of these names holds a live structure of DLPack, which this takes over by renaming it.
    let (taken, described, flags) = unsafe {
        if ffi::PyCapsule_IsValid(ptr, VERSIONED.as_ptr()) != 0 {
            let managed = ffi::PyCapsule_GetPointer(ptr, VERSIONED.as_ptr()).cast::<Versioned>();
            if (*managed).major > 1 {
                return Err(PyBufferError::new_err(format!("DLPack version {} is not known here", (*managed).major)));
            }
            ffi::PyCapsule_SetName(ptr, USED_VERSIONED.as_ptr());
            (Taken::Versioned(managed), &raw const (*managed).tensor, (*managed).flags)
        } else if ffi::PyCapsule_IsValid(ptr, PLAIN.as_ptr()) != 0 {
            let managed = ffi::PyCapsule_GetPointer(ptr, PLAIN.as_ptr()).cast::<Plain>();
            ffi::PyCapsule_SetName(ptr, USED_PLAIN.as_ptr());
            (Taken::Plain(managed), &raw const (*managed).tensor, 0)
        } else {
            return Err(PyRuntimeError::new_err(
                "from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed only once, so you might have already constructed a tensor from it once.",
            ));
        }
    };
    // SAFETY: the structure lives as long as `taken`.
    let described = unsafe { &*described };
    let tensor = Tensor::new(import(described, taken)?);
    tensor
        .core()
        .operand()
        .map(|_| ())
        .or_else(|e| if tensor.device().kind == DeviceKind::Cpu { Err(e) } else { Ok(()) })
        .or_raise(py)?;
    let tensor = if flags & READ_ONLY != 0 { clone(py, &tensor)? } else { tensor };
    class::wrap(py, tensor)
}

fn import(described: &DlTensor, taken: Taken) -> PyResult<Core> {
    let device = match described.device.kind {
        CPU => Device::CPU,
        CUDA => Device { kind: DeviceKind::Cuda, index: described.device.index.clamp(0, 127) as i8 },
        other => return Err(PyBufferError::new_err(format!("DLPack device type {other} is not supported"))),
    };
    let Some(dtype) = from_code(described.dtype) else {
        let ty = described.dtype;
        return Err(PyBufferError::new_err(format!(
            "DLPack type of code {}, {} bits and {} lanes is not supported",
            ty.code, ty.bits, ty.lanes
        )));
    };
    let ndim = usize::try_from(described.ndim).map_err(|_| PyValueError::new_err("negative number of dimensions"))?;
    let read = |array: *const i64| -> Dims {
        // SAFETY: DLPack's arrays have `ndim` items.
        if ndim == 0 { Dims::new() } else { unsafe { std::slice::from_raw_parts(array, ndim) }.into() }
    };
    let sizes = if described.shape.is_null() { Dims::new() } else { read(described.shape) };
    if sizes.len() != ndim || sizes.iter().any(|&s| s < 0) {
        return Err(PyValueError::new_err("a DLPack tensor with negative sizes"));
    }
    let strides = match described.strides.is_null() {
        true => corten_tensor::core::contiguous_strides(&sizes),
        false => read(described.strides),
    };
    let (mut low, mut high) = (0i128, 0i128);
    for (&size, &stride) in sizes.iter().zip(&strides) {
        let reach = (size.max(1) - 1) as i128 * stride as i128;
        if reach < 0 { low += reach } else { high += reach }
    }
    let empty = sizes.contains(&0) || described.data.is_null();
    let bytes = if empty { 0 } else { (high - low + 1) * dtype.size() as i128 };
    let (Ok(bytes), Ok(offset)) = (usize::try_from(bytes), i64::try_from(-low)) else {
        return Err(PyValueError::new_err("a DLPack tensor larger than memory"));
    };
    let first = (described.data as *mut u8).wrapping_add(described.byte_offset as usize);
    let start = if empty { first } else { first.wrapping_offset(low as isize * dtype.size() as isize) };
    // SAFETY: the producer vouches for all elements, and `taken` keeps them.
    let storage = unsafe { Storage::foreign(start, bytes, Box::new(taken), device) };
    Ok(Core { storage, offset: if empty { 0 } else { offset }, sizes, strides, dtype, own_version: None })
}

/// A copy by the table's own row.
fn clone(py: Python<'_>, tensor: &Tensor) -> PyResult<Tensor> {
    let op = registry::find("clone").ok_or_else(|| PyRuntimeError::new_err("this build has no operator 'clone'"))?;
    let mut args = vec![Value::Tensor(tensor.clone())];
    args.extend(op.params.iter().skip(1).map(|p| p.default_value()));
    dispatch::call(op, &args).and_then(Value::into_tensor).or_raise(py)
}
