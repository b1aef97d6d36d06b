//! Properties of the Tensor class.

use crate::class::{get_dict, self_of, tensor_of, wrap_ptr};
use crate::errors::OrRaise;
use crate::py::{Obj, enter, entries, none, type_name};
use crate::types::{device, dtype, format, size};
use crate::{convert, graph, hooks, results};
use corten_base::Scalar;
use corten_tensor::device::{DeviceKind, Layout};
use corten_tensor::op::Op;
use corten_tensor::value::Value;
use corten_tensor::{Tensor, dispatch, registry};
use pyo3::exceptions::{PyAttributeError, PyRuntimeError, PyTypeError, PyUserWarning};
use pyo3::ffi::{self, PyObject};
use pyo3::prelude::*;
use std::ffi::{CString, c_int, c_void};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

fn scalar(py: Python<'_>, value: Scalar) -> PyResult<*mut PyObject> {
    convert::scalar_object(py, value).map(Bound::into_ptr)
}

fn optional(py: Python<'_>, tensor: Option<Tensor>) -> PyResult<*mut PyObject> {
    tensor.map_or_else(|| Ok(none(py)), |tensor| wrap_ptr(py, tensor))
}

/// Warns who looks for a gradient where none is kept.
fn warn_of_no_leaf(py: Python<'_>, tensor: &Tensor) -> PyResult<()> {
    let kept = tensor.grad_fn_slot().is_none() || tensor.rest().is_some_and(|rest| rest.retains_grad);
    if kept || tensor.grad().is_some() {
        return Ok(());
    }
    let text = c"The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be populated during autograd.backward(). Call .retain_grad() on it before the backward pass to have it populated, or access the leaf Tensor instead.";
    PyErr::warn(py, &py.get_type::<PyUserWarning>(), text, 1)
}

macro_rules! getters {
    ($($name:ident($py:ident, $slf:ident, $tensor:ident) $body:expr;)*) => { entries! { $(
        fn $name($py, $slf; _closure: *mut c_void) -> *mut PyObject {
            let $tensor = self_of($slf)?;
            $body
        }
    )* } };
}

getters! {
    shape(py, slf, tensor) size::object(py, tensor.sizes()).map(Bound::into_ptr);
    get_dtype(py, slf, tensor) Ok(dtype::object(py, tensor.dtype())?.into_ptr());
    get_device(py, slf, tensor) Ok(device::object(py, tensor.device().resolved())?.into_ptr());
    layout(py, slf, tensor) { let _ = tensor; Ok(format::layout(py, Layout::Strided)?.into_ptr()) };
    data(py, slf, tensor) wrap_ptr(py, without_history(tensor));
    grad(py, slf, tensor) { warn_of_no_leaf(py, tensor)?; optional(py, tensor.grad()) };
    grad_fn(py, slf, tensor) graph::grad_fn(py, tensor).map(Bound::into_ptr);
    requires_grad(py, slf, tensor) scalar(py, Scalar::Bool(graph::renewed(py, tensor).unwrap_or(tensor).requires_grad()));
    is_leaf(py, slf, tensor) scalar(py, Scalar::Bool(graph::renewed(py, tensor)?.grad_fn_slot().is_none()));
    ndim(py, slf, tensor) scalar(py, Scalar::Int(tensor.ndim() as i64));
    itemsize(py, slf, tensor) scalar(py, Scalar::Int(tensor.dtype().size() as i64));
    nbytes(py, slf, tensor) scalar(py, Scalar::Int((tensor.numel() * tensor.dtype().size()) as i64));
    version(py, slf, tensor) scalar(py, Scalar::Int(tensor.core().version() as i64));
    base(py, slf, tensor) optional(py, tensor.base().cloned());
    output_nr(py, slf, tensor) scalar(py, Scalar::Int(tensor.output_nr() as i64));
    retains_grad(py, slf, tensor) scalar(py, Scalar::Bool(tensor.rest().is_some_and(|rest| rest.retains_grad)));
    is_cuda(py, slf, tensor) scalar(py, Scalar::Bool(tensor.device().kind == DeviceKind::Cuda));
    is_meta(py, slf, tensor) scalar(py, Scalar::Bool(tensor.device().kind == DeviceKind::Meta));
    is_cpu(py, slf, tensor) scalar(py, Scalar::Bool(tensor.device().kind == DeviceKind::Cpu));
    never(py, slf, tensor) { let _ = tensor; scalar(py, Scalar::Bool(false)) };
    nothing(py, slf, tensor) { let _ = tensor; Ok(none(py)) };
    array_priority(py, slf, tensor) { let _ = tensor; scalar(py, Scalar::Int(1000)) };
    cuda_array_interface(py, slf, tensor) {
        if tensor.device().kind != DeviceKind::Cuda {
            return Err(PyAttributeError::new_err(format!(
                "Can't get __cuda_array_interface__ on non-CUDA tensor type: torch.{}Tensor If CUDA data is required use tensor.cuda() to copy tensor to device memory.",
                tensor.dtype().scalar_name()
            )));
        }
        Ok(hooks::call(py, "cuda_array_interface", (slf,))?.into_ptr())
    };
}

/// The same values under a new identity whose changes the original does not count.
fn without_history(tensor: &Tensor) -> Tensor {
    let mut core = tensor.core().clone();
    core.own_version = Some(Arc::new(AtomicU64::new(0)));
    Tensor::new(core)
}

/// A property that is a row: the closure is the row.
unsafe extern "C" fn row_property(slf: *mut PyObject, closure: *mut c_void) -> *mut PyObject {
    // SAFETY: the closure of these properties is a row, which is constant data; `slf` is live.
    unsafe {
        let op: &'static Op = &*closure.cast::<Op>();
        enter(|py| {
            let tensor = self_of(Borrowed::from_ptr(py, slf))?;
            let mut args: Vec<Value> = vec![Value::Tensor(tensor.clone())];
            args.extend(op.params.iter().skip(1).map(|p| p.default_value()));
            results::finish(py, op, dispatch::call(op, &args).or_raise(py)?)
        })
    }
}

/// A setter: the object and the new value, which is absent in `del`.
type Setter = fn(Python<'_>, &Tensor, Option<Obj>) -> PyResult<()>;

fn set_data(py: Python<'_>, tensor: &Tensor, value: Option<Obj>) -> PyResult<()> {
    let _ = py;
    let Some(value) = value else {
        return Err(PyRuntimeError::new_err("Deleting tensor data is not allowed. Delete tensor instead!"));
    };
    let Some(source) = tensor_of(value) else {
        return Err(PyTypeError::new_err(format!("Variable data has to be a tensor, but got {}", type_name(value))));
    };
    if tensor.requires_grad() && !source.dtype().is_differentiable() {
        return Err(PyRuntimeError::new_err(format!(
            "data set to a tensor that requires gradients must be floating point or complex dtype, but is {}",
            source.dtype()
        )));
    }
    let mut core = source.core().clone();
    let counter = tensor.core().own_version.clone();
    core.own_version = Some(counter.unwrap_or_else(|| Arc::new(AtomicU64::new(tensor.core().version()))));
    tensor.set_core(core);
    Ok(())
}

fn set_grad(py: Python<'_>, tensor: &Tensor, value: Option<Obj>) -> PyResult<()> {
    let _ = py;
    let Some(value) = value.filter(|value| !value.is_none()) else {
        tensor.set_grad(None);
        return Ok(());
    };
    let Some(grad) = tensor_of(value) else {
        return Err(PyTypeError::new_err(format!(
            "assigned grad expected to be a Tensor or None but got grad of type {}",
            type_name(value)
        )));
    };
    let refuse = |text: String| Err(PyRuntimeError::new_err(text));
    if grad.is(tensor) {
        return refuse("can't assign Variable as its own grad".into());
    }
    if grad.dtype() != tensor.dtype() {
        return refuse(format!(
            "attempting to assign a gradient with dtype '{}' to a tensor with grad_dtype '{}'. The gradient must match the tensor's grad_dtype (defaults to the tensor's dtype).",
            grad.dtype().scalar_name().to_lowercase(),
            tensor.dtype().scalar_name()
        ));
    }
    if grad.device() != tensor.device() {
        return refuse(format!(
            "attempting to assign a gradient located on device '{}' to a tensor located on device '{}'. Please ensure that the gradient and the tensor are on the same device",
            grad.device(),
            tensor.device()
        ));
    }
    if grad.sizes() != tensor.sizes() {
        return refuse(format!(
            "attempting to assign a gradient of size '{}' to a tensor of size '{}'. Please ensure that the gradient and the tensor are the same size",
            corten_tensor::text::sizes(grad.sizes()),
            corten_tensor::text::sizes(tensor.sizes())
        ));
    }
    tensor.set_grad(Some(grad.clone()));
    Ok(())
}

fn set_requires_grad(py: Python<'_>, tensor: &Tensor, value: Option<Obj>) -> PyResult<()> {
    match value.and_then(|value| value.cast::<pyo3::types::PyBool>().ok().map(|b| b.is_true())) {
        Some(on) => graph::set_requires_grad(py, tensor, on),
        None => Err(PyRuntimeError::new_err("requires_grad must be a bool")),
    }
}

const SETTERS: [Setter; 3] = [set_data, set_grad, set_requires_grad];

unsafe extern "C" fn set<const ID: usize>(slf: *mut PyObject, value: *mut PyObject, _closure: *mut c_void) -> c_int {
    // SAFETY: the interpreter calls this attached with live objects; a null value asks for deletion.
    unsafe {
        enter(|py| {
            let value = (!value.is_null()).then(|| Borrowed::from_ptr(py, value));
            SETTERS[ID](py, self_of(Borrowed::from_ptr(py, slf))?, value)?;
            Ok(0)
        })
    }
}

fn property(
    name: &str,
    doc: &str,
    get: ffi::getter,
    set: Option<ffi::setter>,
    closure: *mut c_void,
) -> ffi::PyGetSetDef {
    // The class keeps pointing at both.
    let [name, doc] = [name, doc].map(|text| CString::new(text).unwrap_or_default().into_raw());
    ffi::PyGetSetDef { name, get: Some(get), set, doc, closure }
}

/// All properties, for the class's making.
pub fn table() -> Vec<ffi::PyGetSetDef> {
    let plain: [(&str, ffi::getter, &str); 32] = [
        ("shape", shape, "The sizes, as a `Size`."),
        ("dtype", get_dtype, "What an element is."),
        ("device", get_device, "Where the elements are."),
        ("layout", layout, "How the elements are kept: `strided`."),
        ("grad_fn", grad_fn, "The node of the graph that made the tensor, None for a leaf."),
        ("is_leaf", is_leaf, "Whether no recorded operation made the tensor."),
        ("ndim", ndim, "The number of dimensions."),
        ("itemsize", itemsize, "The number of bytes of an element."),
        ("nbytes", nbytes, "The number of bytes of all elements."),
        ("_version", version, "How often the memory was changed in place."),
        ("_base", base, "The tensor whose view it is, or None."),
        ("output_nr", output_nr, "Which of the results of `grad_fn` it is."),
        ("retains_grad", retains_grad, "Whether `retain_grad` was called on a tensor that is no leaf."),
        ("is_cuda", is_cuda, "Whether the elements are on a CUDA device."),
        ("is_meta", is_meta, "Whether it has sizes, but no elements."),
        ("is_cpu", is_cpu, "Whether the elements are on the host."),
        ("is_sparse", never, "False; there are no such tensors."),
        ("is_sparse_csr", never, "False; there are no such tensors."),
        ("is_quantized", never, "False; there are no such tensors."),
        ("is_mkldnn", never, "False; there are no such tensors."),
        ("is_mps", never, "False; there are no such tensors."),
        ("is_xpu", never, "False; there are no such tensors."),
        ("is_xla", never, "False; there are no such tensors."),
        ("is_ipu", never, "False; there are no such tensors."),
        ("is_maia", never, "False; there are no such tensors."),
        ("is_mtia", never, "False; there are no such tensors."),
        ("is_vulkan", never, "False; there are no such tensors."),
        ("is_nested", never, "False; there are no such tensors."),
        ("name", nothing, "None; tensors have no names."),
        ("_backward_hooks", nothing, "None; hooks are kept elsewhere."),
        ("__array_priority__", array_priority, "Why NumPy leaves operators to tensors."),
        ("__cuda_array_interface__", cuda_array_interface, "How other libraries find the elements on a CUDA device."),
    ];
    let null = std::ptr::null_mut();
    let mut table: Vec<_> = plain.into_iter().map(|(name, get, doc)| property(name, doc, get, None, null)).collect();
    table.push(property(
        "data",
        "The same values without history; assigning gives the tensor other ones.",
        data,
        Some(set::<0>),
        null,
    ));
    table.push(property(
        "grad",
        "The sum of the gradients that arrived at a leaf, or None.",
        grad,
        Some(set::<1>),
        null,
    ));
    table.push(property(
        "requires_grad",
        "Whether operations on the tensor are recorded.",
        requires_grad,
        Some(set::<2>),
        null,
    ));
    table.push(property(
        "__dict__",
        "The attributes that a program has set.",
        get_dict,
        Some(ffi::PyObject_GenericSetDict),
        null,
    ));
    for op in registry::all().filter(|op| !op.forms.property.is_empty()) {
        table.push(property(op.forms.property, op.doc.trim(), row_property, None, (&raw const *op).cast_mut().cast()));
    }
    table.push(ffi::PyGetSetDef { name: std::ptr::null(), get: None, set: None, doc: std::ptr::null(), closure: null });
    table
}
