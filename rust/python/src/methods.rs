//! Methods of the Tensor class that are not rows of the op table.

use crate::class::{self, self_of};
use crate::errors::OrRaise;
use crate::parser::Call;
use crate::py::{Obj, enter, none, type_name};
use crate::types::{format, size};
use crate::{call, convert, dlpack, graph, hooks, subclass};
use corten_base::{DType, Scalar};
use corten_tensor::device::{DeviceKind, MemoryFormat};
use corten_tensor::{Tensor, mode};
use pyo3::exceptions::{PyIndexError, PyMemoryError, PyRuntimeError, PyTypeError};
use pyo3::ffi::{self, PyObject};
use pyo3::prelude::*;
use pyo3::types::{PyComplex, PyDict, PyList, PyTuple, PyType};
use std::ffi::{CString, c_int};

type Given = PyResult<*mut PyObject>;

/// A method: the call and its tensor.
type Method = fn(&Call, Obj, &Tensor) -> Given;

/// Arguments by position or name, in the order of `names`; absent ones are `None`.
fn bind<'a, 'py, const N: usize>(
    call: &Call<'a, 'py>,
    method: &str,
    names: [&str; N],
) -> PyResult<[Option<Obj<'a, 'py>>; N]> {
    let mut bound = [None; N];
    if call.positional() > N {
        let plural = if N == 1 { "" } else { "s" };
        let given = call.positional();
        return Err(PyTypeError::new_err(format!(
            "{method}() takes {N} positional argument{plural} but {given} were given"
        )));
    }
    for (i, place) in bound.iter_mut().enumerate().take(call.positional()) {
        *place = Some(call.value(i));
    }
    for i in 0..call.named() {
        let name = call.name(i).to_string();
        match names.iter().position(|n| *n == name) {
            Some(k) if bound[k].is_none() => bound[k] = Some(call.value(call.positional() + i)),
            Some(_) => {
                return Err(PyTypeError::new_err(format!("{method}() got multiple values for argument '{name}'")));
            }
            None => {
                return Err(PyTypeError::new_err(format!("{method}() got an unexpected keyword argument '{name}'")));
            }
        }
    }
    Ok(bound)
}

fn refuse_arguments(call: &Call, method: &str) -> PyResult<()> {
    bind::<0>(call, method, []).map(|_| ())
}

/// A dimension from an argument, negative ones counted from the end.
fn dimension(object: Obj, method: &str, ndim: usize) -> PyResult<usize> {
    let Ok(dim) = convert::int(object) else {
        let given = type_name(object);
        return Err(PyTypeError::new_err(format!("{method}(): argument 'dim' (position 1) must be int, not {given}")));
    };
    let n = ndim as i64;
    if n == 0 {
        return Err(PyIndexError::new_err(format!("Dimension specified as {dim} but tensor has no dimensions")));
    }
    if dim < -n || dim >= n {
        return Err(PyIndexError::new_err(format!(
            "Dimension out of range (expected to be in range of [{}, {}], but got {dim})",
            -n,
            n - 1
        )));
    }
    Ok((if dim < 0 { dim + n } else { dim }) as usize)
}

fn number(py: Python<'_>, value: i64) -> Given {
    convert::scalar_object(py, Scalar::Int(value)).map(Bound::into_ptr)
}

fn boolean(py: Python<'_>, value: bool) -> Given {
    convert::scalar_object(py, Scalar::Bool(value)).map(Bound::into_ptr)
}

fn sizes(call: &Call, _this: Obj, tensor: &Tensor) -> Given {
    match bind(call, "size", ["dim"])? {
        [Some(dim)] if !dim.is_none() => number(call.py, tensor.sizes()[dimension(dim, "size", tensor.ndim())?]),
        _ => size::object(call.py, tensor.sizes()).map(Bound::into_ptr),
    }
}

fn strides(call: &Call, _this: Obj, tensor: &Tensor) -> Given {
    match bind(call, "stride", ["dim"])? {
        [Some(dim)] if !dim.is_none() => number(call.py, tensor.strides()[dimension(dim, "stride", tensor.ndim())?]),
        _ => Ok(PyTuple::new(call.py, tensor.strides())?.into_any().into_ptr()),
    }
}

fn ndim(call: &Call, _this: Obj, tensor: &Tensor) -> Given {
    refuse_arguments(call, "dim")?;
    number(call.py, tensor.ndim() as i64)
}

fn numel(call: &Call, _this: Obj, tensor: &Tensor) -> Given {
    refuse_arguments(call, "numel")?;
    number(call.py, tensor.numel() as i64)
}

fn element_size(call: &Call, _this: Obj, tensor: &Tensor) -> Given {
    refuse_arguments(call, "element_size")?;
    number(call.py, tensor.dtype().size() as i64)
}

fn storage_offset(call: &Call, _this: Obj, tensor: &Tensor) -> Given {
    refuse_arguments(call, "storage_offset")?;
    number(call.py, tensor.core().offset)
}

fn data_ptr(call: &Call, _this: Obj, tensor: &Tensor) -> Given {
    refuse_arguments(call, "data_ptr")?;
    let core = tensor.core();
    let start = core.storage.ptr() as usize;
    let empty = start == 0 || core.numel() == 0;
    let address = if empty { 0 } else { start as i64 + core.offset * core.dtype.size() as i64 };
    number(call.py, address)
}

fn is_contiguous(call: &Call, _this: Obj, tensor: &Tensor) -> Given {
    let [given] = bind(call, "is_contiguous", ["memory_format"])?;
    let wanted = match given {
        None => MemoryFormat::Contiguous,
        Some(object) => match object.cast::<format::PyMemoryFormat>() {
            Ok(format) => format.get().0,
            Err(_) => {
                let given = type_name(object);
                return Err(PyTypeError::new_err(format!(
                    "is_contiguous(): argument 'memory_format' must be torch.memory_format, not {given}"
                )));
            }
        },
    };
    boolean(call.py, tensor.core().is_contiguous_in(wanted))
}

fn item(call: &Call, this: Obj, tensor: &Tensor) -> Given {
    refuse_arguments(call, "item")?;
    convert::item_object(this, tensor).map(Bound::into_ptr)
}

fn tolist(call: &Call, _this: Obj, tensor: &Tensor) -> Given {
    refuse_arguments(call, "tolist")?;
    let sizes = tensor.dims();
    let _below = mode::without(corten_tensor::key::SUBCLASS);
    let numbers = corten_tensor::rules::read::scalars(tensor).or_raise(call.py)?;
    Ok(nested(call.py, &sizes, &numbers)?.into_ptr())
}

/// Nested lists of these sizes over row-major numbers; a number where there are no sizes.
fn nested<'py>(py: Python<'py>, sizes: &[i64], numbers: &[Scalar]) -> PyResult<Bound<'py, PyAny>> {
    let Some((&count, inner)) = sizes.split_first() else { return convert::scalar_object(py, numbers[0]) };
    let step = numbers.len() / (count.max(1) as usize);
    let mut items = Vec::new();
    // So many rows, even empty ones, may not fit.
    items
        .try_reserve_exact(count as usize)
        .map_err(|_| PyMemoryError::new_err(format!("tolist(): cannot make {count} lists")))?;
    for i in 0..count as usize {
        items.push(nested(py, inner, &numbers[i * step..(i + 1) * step])?);
    }
    Ok(PyList::new(py, items)?.into_any())
}

fn requires_grad_(call: &Call, this: Obj, tensor: &Tensor) -> Given {
    let on = match bind(call, "requires_grad_", ["requires_grad"])? {
        [None] => true,
        [Some(object)] => object.extract().map_err(|_| {
            let given = type_name(object);
            PyTypeError::new_err(format!(
                "requires_grad_(): argument 'requires_grad' (position 1) must be bool, not {given}"
            ))
        })?,
    };
    graph::set_requires_grad(call.py, tensor, on)?;
    Ok(crate::py::give(this))
}

fn is_floating_point(call: &Call, _this: Obj, tensor: &Tensor) -> Given {
    refuse_arguments(call, "is_floating_point")?;
    boolean(call.py, tensor.dtype().is_float())
}

fn is_complex(call: &Call, _this: Obj, tensor: &Tensor) -> Given {
    refuse_arguments(call, "is_complex")?;
    boolean(call.py, tensor.dtype().is_complex())
}

fn is_signed(call: &Call, _this: Obj, tensor: &Tensor) -> Given {
    refuse_arguments(call, "is_signed")?;
    boolean(call.py, !tensor.dtype().is_unsigned() && tensor.dtype() != DType::Bool)
}

fn is_inference(call: &Call, _this: Obj, tensor: &Tensor) -> Given {
    refuse_arguments(call, "is_inference")?;
    boolean(call.py, tensor.keys() & corten_tensor::key::INFERENCE != 0)
}

fn is_set_to(call: &Call, _this: Obj, tensor: &Tensor) -> Given {
    let [other] = bind(call, "is_set_to", ["tensor"])?;
    let other = other.and_then(class::tensor_of).ok_or_else(|| PyTypeError::new_err("is_set_to() takes a Tensor"))?;
    let (a, b) = (tensor.core(), other.core());
    let same = a.shares_storage(b) && a.offset == b.offset && a.sizes == b.sizes && a.strides == b.strides;
    boolean(call.py, same)
}

fn is_same_size(call: &Call, _this: Obj, tensor: &Tensor) -> Given {
    let [other] = bind(call, "is_same_size", ["other"])?;
    let other =
        other.and_then(class::tensor_of).ok_or_else(|| PyTypeError::new_err("is_same_size() takes a Tensor"))?;
    boolean(call.py, tensor.sizes() == other.sizes())
}

fn get_device(call: &Call, _this: Obj, tensor: &Tensor) -> Given {
    refuse_arguments(call, "get_device")?;
    let device = tensor.device();
    number(call.py, if device.kind == DeviceKind::Cuda { device.resolved().index as i64 } else { -1 })
}

fn complex(call: &Call, this: Obj, tensor: &Tensor) -> Given {
    refuse_arguments(call, "__complex__")?;
    let (re, im) = match hooks::item(this, tensor)? {
        Scalar::Complex(re, im) => (re, im),
        real => (real.to_f64(), 0.0),
    };
    Ok(PyComplex::from_doubles(call.py, re, im).into_any().into_ptr())
}

fn as_subclass(call: &Call, this: Obj, _tensor: &Tensor) -> Given {
    let [cls] = bind(call, "as_subclass", ["cls"])?;
    let cls =
        cls.ok_or_else(|| PyTypeError::new_err("as_subclass() missing 1 required positional arguments: \"cls\""))?;
    let cls = cls.to_owned().cast_into::<PyType>()?;
    Ok(subclass::as_subclass(&this.to_owned(), &cls)?.into_ptr())
}

fn bump_version(call: &Call, _this: Obj, tensor: &Tensor) -> Given {
    refuse_arguments(call, "_bump_version")?;
    tensor.core().bump_version();
    Ok(none(call.py))
}

fn dlpack_capsule(call: &Call, _this: Obj, tensor: &Tensor) -> Given {
    let [stream, max_version, dl_device, copy] =
        bind(call, "__dlpack__", ["stream", "max_version", "dl_device", "copy"])?;
    dlpack::export(call.py, tensor, stream, max_version, dl_device, copy).map(Bound::into_ptr)
}

fn dlpack_device(call: &Call, _this: Obj, tensor: &Tensor) -> Given {
    refuse_arguments(call, "__dlpack_device__")?;
    let (kind, index) = dlpack::device(tensor)
        .ok_or_else(|| PyRuntimeError::new_err(format!("Unknown device type {} for Dlpack", tensor.device().name())))?;
    Ok(PyTuple::new(call.py, [kind as i64, index as i64])?.into_any().into_ptr())
}

/// Detaches in place: the tensor becomes a leaf that needs no gradient.
fn detach_(call: &Call, this: Obj, tensor: &Tensor) -> Given {
    refuse_arguments(call, "detach_")?;
    if tensor.base().is_some() && mode::grad_enabled() && tensor.requires_grad() {
        return Err(PyRuntimeError::new_err(
            "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for training, and gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence detach_() cannot be called on these gradients. To fix this error, please refer to the Optimizer.zero_grad() function in torch/optim/optimizer.py as a solution.",
        ));
    }
    tensor.set_leaf_requires_grad(false);
    tensor.set_history(None, 0);
    Ok(crate::py::give(this))
}

fn detach(call: &Call, _this: Obj, tensor: &Tensor) -> Given {
    refuse_arguments(call, "detach")?;
    class::wrap_ptr(call.py, tensor.detached())
}

/// `Tensor._make_subclass(cls, data, require_grad=False)`: an object of class `cls` with the data of `data`.
unsafe extern "C" fn make_subclass(
    _none: *mut PyObject,
    args: *const *mut PyObject,
    nargs: isize,
    kwnames: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: the interpreter calls this attached with live arguments.
    unsafe {
        enter(|py| {
            let call = Call::new(py, None, args, nargs, kwnames);
            let [cls, data, requires_grad] = bind(&call, "_make_subclass", ["cls", "data", "require_grad"])?;
            let (Some(cls), Some(data)) = (cls, data) else {
                return Err(PyTypeError::new_err("_make_subclass() takes a class and a Tensor"));
            };
            let cls =
                cls.cast::<PyType>().map_err(|_| PyTypeError::new_err("_make_subclass(): 'cls' must be a type"))?;
            let Some(data) = class::tensor_of(data) else {
                let given = type_name(data);
                return Err(PyTypeError::new_err(format!(
                    "_make_subclass(): argument 'data' (position 2) must be Tensor, not {given}"
                )));
            };
            let tensor = data.detached();
            let object = class::wrap_as(&cls.to_owned(), tensor.clone())?;
            if requires_grad.is_some_and(|r| r.is_truthy().unwrap_or(false)) {
                graph::set_requires_grad(py, &tensor, true)?;
            }
            Ok(object.into_ptr())
        })
    }
}

/// `Tensor.__torch_function__(func, types, args=(), kwargs=None)`, a class method.
unsafe extern "C" fn torch_function(
    cls: *mut PyObject,
    args: *const *mut PyObject,
    nargs: isize,
    kwnames: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: the interpreter calls this attached with a live class and live arguments.
    unsafe {
        enter(|py| {
            let call = Call::new(py, None, args, nargs, kwnames);
            let cls = Borrowed::from_ptr(py, cls).to_owned().cast_into::<PyType>()?;
            let [func, types, args, kwargs] = bind(&call, "__torch_function__", ["func", "types", "args", "kwargs"])?;
            let (Some(func), Some(types)) = (func, types) else {
                return Err(PyTypeError::new_err("__torch_function__() takes func, types, args and kwargs"));
            };
            let args = match args {
                Some(args) => PyTuple::new(py, args.try_iter()?.collect::<PyResult<Vec<_>>>()?)?,
                None => PyTuple::empty(py),
            };
            let kwargs = match kwargs {
                Some(kwargs) if !kwargs.is_none() => Some(kwargs.to_owned().cast_into::<PyDict>()?),
                _ => None,
            };
            let result = subclass::default_torch_function(&cls, &func, &types, args, kwargs.as_ref())?;
            Ok(result.into_ptr())
        })
    }
}

/// The methods with a body here.
const NATIVE: [(&str, Method, &str); 27] = [
    ("size", sizes, "The sizes as a `Size`, or the size of dimension `dim`."),
    ("stride", strides, "How many elements lie between neighbours of each dimension, or of dimension `dim`."),
    ("dim", ndim, "The number of dimensions."),
    ("ndimension", ndim, "The number of dimensions."),
    ("numel", numel, "The number of elements."),
    ("nelement", numel, "The number of elements."),
    ("element_size", element_size, "The number of bytes of an element."),
    ("storage_offset", storage_offset, "How many elements lie in memory before the first one."),
    ("data_ptr", data_ptr, "The address of the first element."),
    ("is_contiguous", is_contiguous, "Tell whether the elements lie in memory in the order of `memory_format`."),
    ("item", item, "The only element as a Python number; several elements are a `RuntimeError`."),
    ("tolist", tolist, "The elements as nested lists of Python numbers; of no dimensions, as one number."),
    ("requires_grad_", requires_grad_, "Choose whether operations on this leaf are recorded; return the tensor."),
    ("is_floating_point", is_floating_point, "Tell whether the dtype is a floating-point one."),
    ("is_complex", is_complex, "Tell whether the dtype is a complex one."),
    ("is_signed", is_signed, "Tell whether the dtype has negative numbers."),
    ("is_inference", is_inference, "Tell whether the tensor was made in inference mode."),
    ("is_set_to", is_set_to, "Tell whether both tensors show the same memory in the same way."),
    ("is_same_size", is_same_size, "Tell whether both tensors have the same sizes."),
    ("get_device", get_device, "The number of the device, -1 on the host."),
    ("__complex__", complex, "The only element as a Python complex number."),
    ("as_subclass", as_subclass, "The same tensor as an instance of a subclass."),
    ("_bump_version", bump_version, "Count a change that was made elsewhere."),
    ("__dlpack__", dlpack_capsule, "A capsule that gives the memory to another library."),
    ("__dlpack_device__", dlpack_device, "The type and the number of the device, as DLPack counts them."),
    ("detach", detach, "The same values without their history: a view that requires no grad."),
    ("detach_", detach_, "Cut the tensor off from its history; return it."),
];

unsafe extern "C" fn native<const ID: usize>(
    this: *mut PyObject,
    args: *const *mut PyObject,
    nargs: isize,
    kwnames: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: the interpreter calls this attached, with a live Tensor and live arguments.
    unsafe {
        enter(|py| {
            let this = Borrowed::from_ptr(py, this);
            let call = Call::new(py, Some(this), args, nargs, kwnames);
            (NATIVE[ID].1)(&call, this, self_of(this)?)
        })
    }
}

/// Methods whose bodies are Python functions: `corten_tensor_core._tensor_methods.<name>(self, …)`.
const HOOKED: [(&str, &str); 23] = [
    ("numpy", "The values as a NumPy array that shares their memory; `force` detaches and copies to the host first."),
    ("__array__", "The values as a NumPy array."),
    ("__array_wrap__", "What NumPy computed, as a tensor."),
    ("__format__", "The text of the only element in a format, or of the tensor."),
    ("__deepcopy__", "A copy of a leaf, with its grad and attributes."),
    ("__reduce_ex__", "What pickle keeps."),
    ("__setstate__", "Restore what pickle kept."),
    ("__dir__", "The names of attributes."),
    ("__reversed__", "The elements in reversed order, in all dimensions."),
    ("type", "The name of the type, or the tensor converted to the dtype of a type."),
    ("untyped_storage", "The memory under the tensor, as bytes."),
    ("storage", "The memory under the tensor, as elements."),
    ("storage_type", "The class of what `storage` gives."),
    ("share_memory_", "Put the values where forked processes share them; return the tensor."),
    ("is_shared", "Tell whether other processes share the memory."),
    ("pin_memory", "Refuse: there is no memory that a device would need pinned."),
    ("is_pinned", "Tell whether the memory is pinned."),
    ("cuda", "The tensor on a CUDA device."),
    ("new", "A tensor of the same dtype and device, by the older constructors' arguments."),
    ("new_tensor", "Data as a tensor, of the same dtype and device where not told otherwise."),
    ("apply_", "Replace each element by what a Python function makes of it; slow."),
    ("map_", "Replace each element by what a Python function makes of it and of the one in another tensor; slow."),
    ("map2_", "Replace each element by what a Python function makes of it and of those in two other tensors; slow."),
];

/// Methods that belong to autograd: `corten_autograd._tensor_methods.<name>(self, …)`.
const RECORDED: [(&str, &str); 4] = [
    (
        "backward",
        "Add to the `grad` of each leaf the gradient of this tensor, times `gradient` where it has several elements.",
    ),
    ("register_hook", "Have a function see the gradient of this tensor, and replace it by what it returns."),
    ("register_post_accumulate_grad_hook", "Have a function see this leaf after its `grad` has been added to."),
    ("retain_grad", "Keep the gradient of a tensor that is no leaf in its `grad`."),
];

unsafe extern "C" fn hooked<const ID: usize>(
    this: *mut PyObject,
    args: *mut PyObject,
    kwargs: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: the interpreter calls this attached, with a live Tensor, a tuple, and perhaps a dict.
    unsafe {
        enter(|py| {
            let this = Borrowed::from_ptr(py, this);
            let args = Borrowed::from_ptr(py, args).to_owned().cast_into::<PyTuple>()?;
            let kwargs = Bound::from_borrowed_ptr_or_opt(py, kwargs).map(|d| d.cast_into::<PyDict>()).transpose()?;
            let all: Vec<_> = std::iter::once((*this).clone()).chain(args.iter()).collect();
            let all = PyTuple::new(py, all)?;
            let result = match HOOKED.get(ID) {
                Some((name, _)) => hooks::method(py, name, all, kwargs.as_ref()),
                None => graph::method(py, RECORDED[ID - HOOKED.len()].0, all, kwargs.as_ref()),
            };
            Ok(result?.into_ptr())
        })
    }
}

seq_macro::seq!(N in 0..27 {
    static NATIVE_ENTRIES: [ffi::PyCFunctionFastWithKeywords; 27] = [#(native::<N>,)*];
});
seq_macro::seq!(N in 0..27 {
    static HOOKED_ENTRIES: [ffi::PyCFunctionWithKeywords; 27] = [#(hooked::<N>,)*];
});

fn definition(name: &str, doc: &str, function: ffi::PyMethodDefPointer, flags: c_int) -> ffi::PyMethodDef {
    // The class keeps pointing at both.
    let [name, doc] = [name, doc].map(|text| CString::new(text).unwrap_or_default().into_raw());
    ffi::PyMethodDef { ml_name: name, ml_meth: function, ml_flags: flags, ml_doc: doc }
}

fn fast(name: &str, doc: &str, function: ffi::PyCFunctionFastWithKeywords, extra: c_int) -> ffi::PyMethodDef {
    let pointer = ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: function };
    definition(name, doc, pointer, ffi::METH_FASTCALL | ffi::METH_KEYWORDS | extra)
}

/// All methods of the class, rows first: a row hides a method of the same name here.
pub fn table(py: Python<'_>) -> PyResult<Vec<ffi::PyMethodDef>> {
    let mut table = call::prepare(py)?;
    table.extend(NATIVE.iter().zip(NATIVE_ENTRIES).map(|((name, _, doc), entry)| fast(name, doc, entry, 0)));
    table.extend(HOOKED.iter().chain(&RECORDED).zip(HOOKED_ENTRIES).map(|((name, doc), entry)| {
        let pointer = ffi::PyMethodDefPointer { PyCFunctionWithKeywords: entry };
        definition(name, doc, pointer, ffi::METH_VARARGS | ffi::METH_KEYWORDS)
    }));
    table.push(fast("_make_subclass", "Data as a tensor of a subclass.", make_subclass, ffi::METH_STATIC));
    table.push(fast(
        "__torch_function__",
        "Run a function on instances of a subclass.",
        torch_function,
        ffi::METH_CLASS,
    ));
    table.push(ffi::PyMethodDef::zeroed());
    Ok(table)
}
