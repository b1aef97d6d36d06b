//! Python callables of the op table: one group of overloads a name, one trampoline a group.

use crate::class::TENSOR;
use crate::errors::OrRaise;
use crate::parser::{Call, Parsed, parse};
use crate::py::{Keep, Obj, enter};
use crate::signature::Signature;
use crate::{graph, hooks, results, subclass};
use corten_base::Scalar;
use corten_tensor::dispatch::{self, Target};
use corten_tensor::op::{Op, Type};
use corten_tensor::registry;
use corten_tensor::value::Value;
use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi::{self, PyObject};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use seq_macro::seq;
use std::collections::HashMap;
use std::ffi::{CString, c_int};
use std::sync::OnceLock;

/// The overloads that share a Python name.
pub struct Group {
    /// `add`, or `add_` for in-place forms.
    pub name: String,
    /// Where the function lives: empty, `linalg`, `functional`, …; unused for methods.
    pub namespace: &'static str,
    /// In the order in which they are tried.
    pub signatures: Vec<Signature>,
}

static FUNCTIONS: OnceLock<Vec<Group>> = OnceLock::new();
static METHODS: OnceLock<Vec<Group>> = OnceLock::new();

/// How many names the trampolines can serve.
const LIMIT: usize = 1024;

seq!(N in 0..1024 {
    static FUNCTION_ENTRIES: [ffi::PyCFunctionFastWithKeywords; LIMIT] = [#(function::<N>,)*];
    static METHOD_ENTRIES: [ffi::PyCFunctionFastWithKeywords; LIMIT] = [#(method::<N>,)*];
});

unsafe extern "C" fn function<const ID: usize>(
    _module: *mut PyObject,
    args: *const *mut PyObject,
    nargs: isize,
    kwnames: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: the interpreter's promise is passed on.
    unsafe { invoke(&FUNCTIONS, ID, std::ptr::null_mut(), args, nargs, kwnames) }
}

unsafe extern "C" fn method<const ID: usize>(
    this: *mut PyObject,
    args: *const *mut PyObject,
    nargs: isize,
    kwnames: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: the interpreter's promise is passed on.
    unsafe { invoke(&METHODS, ID, this, args, nargs, kwnames) }
}

/// # Safety
/// Called by the interpreter, attached, with live arguments; `this` may be null.
#[inline(never)]
unsafe fn invoke(
    groups: &'static OnceLock<Vec<Group>>,
    id: usize,
    this: *mut PyObject,
    args: *const *mut PyObject,
    nargs: isize,
    kwnames: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: as promised by the caller.
    unsafe {
        enter(|py| {
            let Some(group) = groups.get().and_then(|groups| groups.get(id)) else {
                return Err(PyRuntimeError::new_err("internal error: a name without rows"));
            };
            let this = (!this.is_null()).then(|| Borrowed::from_ptr(py, this));
            group.call(&Call::new(py, this, args, nargs, kwnames))
        })
    }
}

impl Group {
    #[inline]
    fn call(&'static self, call: &Call) -> PyResult<*mut PyObject> {
        let py = call.py;
        let mut parsed = Parsed::default();
        let Some(signature) = parse(&self.name, &self.signatures, call, &mut parsed)? else {
            return subclass::call(py, &self.callable(py, call.this.is_some())?, call);
        };
        if subclass::wanted(&parsed) {
            return subclass::call(py, &self.callable(py, call.this.is_some())?, call);
        }
        let recorded =
            signature.requires_grad.is_some_and(|i| matches!(parsed.args[i], Value::Scalar(Scalar::Bool(true))));
        if recorded {
            hooks::activate(py)?;
        }
        let target = match &parsed.outs {
            _ if signature.inplace => Target::InPlace,
            Some(outs) => Target::Out(outs),
            None => Target::Fresh,
        };
        let value = dispatch::call_into(signature.op, &parsed.args, target).or_raise(py)?;
        if recorded && let Some(outs) = &parsed.outs {
            outs.iter().try_for_each(|out| graph::set_requires_grad(py, out, true))?;
        }
        results::finish(py, signature.op, value)
    }

    /// The Python callable of this group.
    fn callable<'py>(&self, py: Python<'py>, method: bool) -> PyResult<Bound<'py, PyAny>> {
        if method {
            return TENSOR.object(py).getattr(&*self.name);
        }
        match OBJECTS.get().and_then(|objects| objects.get(&(self.namespace, self.name.clone()))) {
            Some(object) => Ok(object.get(py)),
            None => Err(PyRuntimeError::new_err(format!("{} is not registered", self.name))),
        }
    }
}

/// The function objects, by namespace and name.
static OBJECTS: OnceLock<HashMap<(&'static str, String), Keep>> = OnceLock::new();

/// The Python callable that stands for a row, for layers that see only the row.
pub fn callable_of<'py>(py: Python<'py>, op: &'static Op) -> PyResult<Bound<'py, PyAny>> {
    let name = function_name(op, op.name);
    let object = OBJECTS.get().and_then(|objects| objects.get(&(op.forms.namespace, name)));
    match object {
        Some(object) if op.forms.function => Ok(object.get(py)),
        _ => TENSOR.object(py).getattr(op.name),
    }
}

/// `linalg_svd` of the namespace `linalg` is called `svd` there.
fn function_name(op: &Op, name: &str) -> String {
    match op.forms.namespace {
        "" => name.to_string(),
        namespace => name.strip_prefix(namespace).and_then(|rest| rest.strip_prefix('_')).unwrap_or(name).to_string(),
    }
}

fn push(
    groups: &mut Vec<Group>,
    index: &mut HashMap<(&'static str, String), usize>,
    namespace: &'static str,
    name: String,
    signature: Signature,
) {
    let key = (namespace, name);
    match index.get(&key) {
        Some(&i) => groups[i].signatures.push(signature),
        None => {
            index.insert(key.clone(), groups.len());
            groups.push(Group { name: key.1, namespace, signatures: vec![signature] });
        }
    }
}

/// In-place functions exist where no second tensor could be meant by the change, `relu_(x)`, or the row says so.
fn has_inplace_function(op: &Op) -> bool {
    let tensors = op.params.iter().filter(|p| matches!(p.ty, Type::Tensor | Type::TensorOrScalar | Type::Tensors));
    op.forms.inplace && op.forms.function && (op.forms.inplace_function || tensors.count() == 1)
}

/// Groups all rows by the names under which Python calls them.
fn build(py: Python<'_>) -> (Vec<Group>, Vec<Group>) {
    let (mut functions, mut methods) = (Vec::new(), Vec::new());
    let (mut by_function, mut by_method) = (HashMap::new(), HashMap::new());
    for op in registry::all() {
        for name in std::iter::once(&op.name).chain(op.aliases) {
            let space = op.forms.namespace;
            if op.forms.function {
                push(
                    &mut functions,
                    &mut by_function,
                    space,
                    function_name(op, name),
                    Signature::function(py, op, false),
                );
            }
            if has_inplace_function(op) {
                let name = format!("{}_", function_name(op, name));
                push(&mut functions, &mut by_function, space, name, Signature::function(py, op, true));
            }
            if op.forms.method {
                push(&mut methods, &mut by_method, "", name.to_string(), Signature::method(py, op, false));
            }
            if op.forms.inplace {
                push(&mut methods, &mut by_method, "", format!("{name}_"), Signature::method(py, op, true));
            }
        }
    }
    (functions, methods)
}

fn definition(group: &Group, function: ffi::PyCFunctionFastWithKeywords) -> ffi::PyMethodDef {
    let doc = group.signatures.iter().map(|s| s.op.doc.trim()).find(|doc| !doc.is_empty()).unwrap_or_default();
    let head = match group.signatures.as_slice() {
        [only] => only.python_text().map(|text| format!("{}({text})\n--\n\n", group.name)),
        _ => None,
    };
    let leaked = |text: String| CString::new(text).unwrap_or_default().into_raw().cast_const();
    ffi::PyMethodDef {
        ml_name: leaked(group.name.clone()),
        ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: function },
        ml_flags: (ffi::METH_FASTCALL | ffi::METH_KEYWORDS) as c_int,
        ml_doc: leaked(format!("{}{doc}", head.unwrap_or_default())),
    }
}

/// Groups the rows; returns the definitions of Tensor's methods that are rows.
pub fn prepare(py: Python<'_>) -> PyResult<Vec<ffi::PyMethodDef>> {
    let (functions, methods) = build(py);
    if functions.len() > LIMIT || methods.len() > LIMIT {
        return Err(PyRuntimeError::new_err("more operators than trampolines"));
    }
    let table = methods.iter().enumerate().map(|(i, group)| definition(group, METHOD_ENTRIES[i])).collect();
    let _ = FUNCTIONS.set(functions);
    let _ = METHODS.set(methods);
    Ok(table)
}

/// Adds the functions: the plain ones to the module, all to `_namespaces`.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let (namespaces, names) = (PyDict::new(py), module.dict());
    let mut objects = HashMap::new();
    for (i, group) in FUNCTIONS.get().into_iter().flatten().enumerate() {
        // The function keeps pointing at its definition.
        let definition = Box::leak(Box::new(definition(group, FUNCTION_ENTRIES[i])));
        let home = if group.namespace.is_empty() { "corten".into() } else { format!("corten.{}", group.namespace) };
        let home = PyString::intern(py, &home);
        // SAFETY: the definition is leaked and matches its flags.
        let function = unsafe {
            Bound::from_owned_ptr_or_err(py, ffi::PyCFunction_NewEx(definition, std::ptr::null_mut(), home.as_ptr()))?
        };
        if group.namespace.is_empty() {
            names.set_item(&*group.name, &function)?;
        }
        let space = match namespaces.get_item(group.namespace)? {
            Some(space) => space.cast_into::<PyDict>()?,
            None => {
                let space = PyDict::new(py);
                namespaces.set_item(group.namespace, &space)?;
                space
            }
        };
        space.set_item(&*group.name, &function)?;
        objects.insert((group.namespace, group.name.clone()), Keep::new(Obj::from(&function)));
    }
    let _ = OBJECTS.set(objects);
    module.add("_namespaces", namespaces)
}
