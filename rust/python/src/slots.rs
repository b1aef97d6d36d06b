//! Operators, comparisons, length and indexing of the Tensor class.

use crate::class::{self_of, tensor_of};
use crate::convert::{self, exact_number};
use crate::errors::OrRaise;
use crate::py::{Obj, enter, entries, not_implemented, type_name};
use crate::{class, hooks, numbers, results, subclass};
use corten_tensor::dispatch::{self, Target};
use corten_tensor::op::{Body, Fast, Op, Type};
use corten_tensor::value::{Args, IndexItem, Number, Value};
use corten_tensor::{Scalar, Tensor, mode, registry};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::ffi::{self, PyObject};
use pyo3::prelude::*;
use std::ffi::{c_int, c_void};
use std::sync::LazyLock;

/// The operators' names in the table.
#[derive(Clone, Copy)]
enum Row {
    Add,
    Sub,
    Rsub,
    Mul,
    Div,
    FloorDivide,
    Remainder,
    Pow,
    Matmul,
    And,
    Or,
    Xor,
    Lshift,
    Rshift,
    Reciprocal,
    Neg,
    Positive,
    Abs,
    BitwiseNot,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Unbind,
    Any,
}

const NAMES: [&str; 27] = [
    "add",
    "sub",
    "rsub",
    "mul",
    "div",
    "floor_divide",
    "remainder",
    "pow",
    "matmul",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "bitwise_left_shift",
    "bitwise_right_shift",
    "reciprocal",
    "neg",
    "positive",
    "abs",
    "bitwise_not",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "unbind",
    "any",
];

/// The rows behind the operators.
struct Rows {
    /// The overloads of each name.
    named: [Vec<&'static Op>; NAMES.len()],
    /// The short cut of each name's first overload.
    fast: [Option<Fast>; NAMES.len()],
    /// The rows that read one position or a slice of the first dimension.
    select: Option<&'static Op>,
    slice: Option<&'static Op>,
    /// The row that reads by an index expression.
    get: Option<&'static Op>,
    /// The row that writes by an index expression.
    set: Option<&'static Op>,
}

static ROWS: LazyLock<Rows> = LazyLock::new(|| {
    let by_key = |writes: bool| {
        registry::all().find(|op| op.params.get(1).is_some_and(|param| param.ty == Type::Key) && op.mutates() == writes)
    };
    Rows {
        named: NAMES.map(|name| registry::all().filter(|op| op.name == name).collect()),
        fast: NAMES.map(|name| match registry::find(name)?.body {
            Body::Kernel { fast, .. } => fast,
            _ => None,
        }),
        select: registry::find("select"),
        slice: registry::find("slice"),
        get: by_key(false),
        set: by_key(true),
    }
});

/// True if a parameter may take a value that is a tensor or a number.
#[inline(always)]
fn takes(ty: Type, value: &Value) -> bool {
    match value {
        Value::Tensor(_) => matches!(ty, Type::Tensor | Type::TensorOrScalar),
        _ => matches!(ty, Type::Scalar | Type::TensorOrScalar),
    }
}

/// The overload that takes these operands.
#[inline(always)]
fn pick(which: Row, operands: &[Value]) -> PyResult<&'static Op> {
    let fits = |op: &&&'static Op| {
        op.params.len() >= operands.len() && op.params.iter().zip(operands).all(|(param, value)| takes(param.ty, value))
    };
    match ROWS.named[which as usize].iter().find(fits) {
        Some(op) => Ok(op),
        None => Err(missing(NAMES[which as usize])),
    }
}

#[cold]
fn missing(name: &str) -> PyErr {
    PyTypeError::new_err(format!("the operator '{name}' does not take these operands"))
}

/// An operand: a tensor or a number.
#[inline(always)]
fn operand(obj: Obj) -> PyResult<Option<Value>> {
    if let Some(tensor) = tensor_of(obj) {
        return Ok(Some(Value::Tensor(tensor.clone())));
    }
    if let Some(scalar) = exact_number(obj) {
        return Ok(Some(Value::Scalar(scalar)));
    }
    Ok(convert::number(obj)?.map(Value::Scalar))
}

/// Calls the overload for these operands, completed with its defaults.
#[inline(always)]
fn run(py: Python<'_>, which: Row, operands: Args, target: Target) -> PyResult<*mut PyObject> {
    complete(py, pick(which, &operands)?, operands, target)
}

#[inline(always)]
fn complete(py: Python<'_>, op: &'static Op, mut args: Args, target: Target) -> PyResult<*mut PyObject> {
    for param in &op.params[args.len().min(op.params.len())..] {
        args.push(param.default_value());
    }
    let value = dispatch::call_into(op, &args, target).or_raise(py)?;
    results::finish(py, op, value)
}

/// Calls `__torch_function__` if an operand overrides it.
macro_rules! overridden {
    ($py:ident, $name:expr, $($arg:ident),+) => {
        if subclass::exist() && [$(subclass::is_override($arg)),+].contains(&true) {
            return subclass::call_operator($py, $name, &[$($arg),+]);
        }
    };
}

#[inline(always)]
fn binary(py: Python<'_>, which: Row, name: &str, left: Obj, right: Obj, target: Target) -> PyResult<*mut PyObject> {
    if let Some(result) = short_cut(py, which, left, right, target) {
        return result;
    }
    overridden!(py, name, left, right);
    let (Some(x), Some(y)) = (operand(left)?, operand(right)?) else { return Ok(not_implemented(py)) };
    if !matches!((&x, &y), (Value::Tensor(_), Value::Tensor(_))) {
        match (which, &x) {
            (Row::Matmul, _) => return Ok(not_implemented(py)),
            // A number on the left takes the reflected form.
            (Row::Sub, Value::Scalar(_)) => return run(py, Row::Rsub, pair(y, x), target),
            (Row::Add | Row::Mul | Row::And | Row::Or | Row::Xor, Value::Scalar(_)) => {
                return run(py, which, pair(y, x), target);
            }
            (Row::Div, Value::Scalar(_)) => return divided(py, x, y),
            _ => {}
        }
    }
    run(py, which, pair(x, y), target)
}

/// The result of a tensor with a tensor or number where the row has a short cut and no layer wants the call.
#[inline(always)]
fn short_cut(py: Python<'_>, which: Row, left: Obj, right: Obj, target: Target) -> Option<PyResult<*mut PyObject>> {
    let (Some(fast), Target::Fresh) = (ROWS.fast[which as usize], target) else { return None };
    let x = tensor_of(left)?;
    let (y, keys) = match tensor_of(right) {
        Some(y) => (Number::Tensor(y), y.keys()),
        None => (Number::Scalar(exact_number(right)?), 0),
    };
    if (x.keys() | keys) & mode::get() != 0 {
        return None;
    }
    fast(x, Some(y)).map(|result| class::wrap_ptr(py, result.or_raise(py)?))
}

#[inline(always)]
fn pair(x: Value, y: Value) -> Args {
    let mut args = Args::new();
    args.push(x);
    args.push(y);
    args
}

#[inline(always)]
fn only(x: Value) -> Args {
    let mut args = Args::new();
    args.push(x);
    args
}

/// `number / tensor` is `tensor.reciprocal() * number`, as PyTorch computes it.
fn divided(py: Python<'_>, x: Value, y: Value) -> PyResult<*mut PyObject> {
    let y = only(y);
    let inverse = dispatch::call(pick(Row::Reciprocal, &y)?, &y).or_raise(py)?;
    run(py, Row::Mul, pair(inverse, x), Target::Fresh)
}

macro_rules! binaries {
    ($($slot:ident $row:ident $name:literal;)*) => { entries! { $(
        fn $slot(py, left, right) -> *mut PyObject { binary(py, Row::$row, $name, left, right, Target::Fresh) }
    )* } };
}

binaries! {
    add Add "__add__";
    subtract Sub "__sub__";
    multiply Mul "__mul__";
    divide Div "__truediv__";
    floor_divide FloorDivide "__floordiv__";
    remainder Remainder "__mod__";
    matmul Matmul "__matmul__";
    and And "__and__";
    or Or "__or__";
    xor Xor "__xor__";
    lshift Lshift "__lshift__";
    rshift Rshift "__rshift__";
}

macro_rules! inplace {
    ($($slot:ident $row:ident $name:literal;)*) => { entries! { $(
        fn $slot(py, left, right) -> *mut PyObject { binary(py, Row::$row, $name, left, right, Target::InPlace) }
    )* } };
}

inplace! {
    iadd Add "__iadd__";
    isubtract Sub "__isub__";
    imultiply Mul "__imul__";
    idivide Div "__itruediv__";
    ifloor_divide FloorDivide "__ifloordiv__";
    iremainder Remainder "__imod__";
    iand And "__iand__";
    ior Or "__ior__";
    ixor Xor "__ixor__";
    ilshift Lshift "__ilshift__";
    irshift Rshift "__irshift__";
}

entries! {
    fn power(py, left, right, modulo) -> *mut PyObject {
        if !modulo.is_none() {
            return Err(PyTypeError::new_err("pow() of a Tensor takes no third argument"));
        }
        binary(py, Row::Pow, "__pow__", left, right, Target::Fresh)
    }

    fn ipower(py, left, right; _modulo: *mut PyObject) -> *mut PyObject {
        binary(py, Row::Pow, "__ipow__", left, right, Target::InPlace)
    }
}

macro_rules! unaries {
    ($($slot:ident $row:ident $name:literal;)*) => { entries! { $(
        fn $slot(py, slf) -> *mut PyObject {
            overridden!(py, $name, slf);
            run(py, Row::$row, only(Value::Tensor(self_of(slf)?.clone())), Target::Fresh)
        }
    )* } };
}

unaries! {
    negative Neg "__neg__";
    positive Positive "__pos__";
    absolute Abs "__abs__";
}

entries! {
    fn invert(py, slf) -> *mut PyObject {
        overridden!(py, "__invert__", slf);
        let tensor = self_of(slf)?;
        if !tensor.dtype().is_integral(true) {
            return Err(PyTypeError::new_err(
                "~ (operator.invert) is only implemented on integer and Boolean-type tensors",
            ));
        }
        run(py, Row::BitwiseNot, only(Value::Tensor(tensor.clone())), Target::Fresh)
    }
}

entries! {
    fn compare(py, left, right; which: c_int) -> *mut PyObject {
        let (which, name) = match which {
            ffi::Py_LT => (Row::Lt, "__lt__"),
            ffi::Py_LE => (Row::Le, "__le__"),
            ffi::Py_EQ => (Row::Eq, "__eq__"),
            ffi::Py_NE => (Row::Ne, "__ne__"),
            ffi::Py_GT => (Row::Gt, "__gt__"),
            _ => (Row::Ge, "__ge__"),
        };
        if matches!(which, Row::Eq | Row::Ne) && is_array(right) {
            let right = hooks::as_tensor(right)?;
            return binary(py, which, name, left, right.as_borrowed(), Target::Fresh);
        }
        binary(py, which, name, left, right, Target::Fresh)
    }

    fn length(py, slf) -> isize {
        match self_of(slf)?.sizes().first() {
            Some(&size) => Ok(size as isize),
            None => Err(PyTypeError::new_err("len() of a 0-d tensor")),
        }
    }

    fn get_item(py, slf, key) -> *mut PyObject {
        overridden!(py, "__getitem__", slf, key);
        let tensor = self_of(slf)?;
        let key = convert::key(key)?;
        match first_dimension(tensor, &key) {
            Some((op, args)) => complete(py, op, args, Target::Fresh),
            None => index(py, tensor, key),
        }
    }

    fn item_at(py, slf; index: isize) -> *mut PyObject {
        let tensor = self_of(slf)?;
        let key = Value::Key(std::sync::Arc::new([IndexItem::Int(index as i64)]));
        self::index(py, tensor, key)
    }

    fn iterate(py, slf) -> *mut PyObject {
        overridden!(py, "__iter__", slf);
        let tensor = self_of(slf)?;
        if tensor.ndim() == 0 {
            return Err(PyTypeError::new_err("iteration over a 0-d tensor"));
        }
        let rows = run(py, Row::Unbind, only(Value::Tensor(tensor.clone())), Target::Fresh)?;
        // SAFETY: a new reference to a tuple, which becomes an iterator over it.
        let rows = unsafe { Bound::from_owned_ptr(py, rows) };
        Ok(rows.try_iter()?.into_any().into_ptr())
    }

    fn contains(py, slf, item) -> c_int {
        let tensor = self_of(slf)?;
        let Some(item_value) = operand(item)? else {
            let ty = item.get_type();
            return Err(PyRuntimeError::new_err(format!(
                "Tensor.__contains__ only supports Tensor or scalar, but you passed in a {}.",
                ty.repr()?
            )));
        };
        let operands = pair(Value::Tensor(tensor.clone()), item_value);
        let equal = dispatch::call(pick(Row::Eq, &operands)?, &operands).or_raise(py)?;
        let any = run(py, Row::Any, only(equal), Target::Fresh)?;
        // SAFETY: a new reference to a tensor of one element.
        let any = unsafe { Bound::from_owned_ptr(py, any) };
        Ok(any.is_truthy()? as c_int)
    }

    fn repr(py, slf) -> *mut PyObject {
        Ok(hooks::call(py, "repr", (slf,))?.into_ptr())
    }
}

/// True for NumPy's arrays: equality compares their elements, while the other operators leave the choice to NumPy.
#[inline(always)]
fn is_array(obj: Obj) -> bool {
    tensor_of(obj).is_none() && exact_number(obj).is_none() && is_array_slow(obj)
}

#[cold]
fn is_array_slow(obj: Obj) -> bool {
    let ty = obj.get_type();
    ty.name().is_ok_and(|name| name == "ndarray") && ty.module().is_ok_and(|module| module == "numpy")
}

unsafe extern "C" fn set_item(slf: *mut PyObject, key: *mut PyObject, value: *mut PyObject) -> c_int {
    // SAFETY: the interpreter passes live objects; a null value asks for deletion.
    unsafe {
        enter(|py| {
            if value.is_null() {
                return Err(PyTypeError::new_err("Tensor does not support deleting items"));
            }
            let (slf, key, value) =
                (Borrowed::from_ptr(py, slf), Borrowed::from_ptr(py, key), Borrowed::from_ptr(py, value));
            assign(py, slf, key, value)?;
            Ok(0)
        })
    }
}

fn assign(py: Python<'_>, slf: Obj, key: Obj, value: Obj) -> PyResult<()> {
    if subclass::exist() && [slf, key, value].into_iter().any(subclass::is_override) {
        let result = subclass::call_operator(py, "__setitem__", &[slf, key, value])?;
        // SAFETY: a new reference, given up here.
        unsafe { ffi::Py_DECREF(result) };
        return Ok(());
    }
    let tensor = self_of(slf)?;
    let Some(new) = operand(value)? else {
        return Err(PyTypeError::new_err(format!(
            "can't assign a {} to a torch.{}Tensor",
            type_name(value),
            tensor.dtype().scalar_name()
        )));
    };
    let op = ROWS.set.ok_or_else(|| missing("[]="))?;
    let mut args = pair(Value::Tensor(tensor.clone()), convert::key(key)?);
    args.push(new);
    args.extend(op.params.iter().skip(3).map(|param| param.default_value()));
    dispatch::call(op, &args).or_raise(py).map(|_| ())
}

/// The view that a single integer or slice of a dimension that exists is; errors are left to the general way.
fn first_dimension(tensor: &Tensor, key: &Value) -> Option<(&'static Op, Args)> {
    let Value::Key(items) = key else { return None };
    let (&size, [item]) = (tensor.sizes().first()?, &items[..]) else { return None };
    let zero = || Value::Scalar(Scalar::Int(0));
    let mut args = only(Value::Tensor(tensor.clone()));
    args.push(zero());
    match *item {
        IndexItem::Int(at) if -size <= at && at < size => {
            args.push(Value::Scalar(Scalar::Int(at)));
            Some((ROWS.select?, args))
        }
        IndexItem::Slice(start, stop, step) if step != Some(0) => {
            args.extend([start, stop, Some(step.unwrap_or(1))].map(Value::from));
            Some((ROWS.slice?, args))
        }
        _ => None,
    }
}

/// `tensor[key]`.
fn index(py: Python<'_>, tensor: &Tensor, key: Value) -> PyResult<*mut PyObject> {
    let op = ROWS.get.ok_or_else(|| missing("[]"))?;
    complete(py, op, pair(Value::Tensor(tensor.clone()), key), Target::Fresh)
}

unsafe extern "C" fn hash(slf: *mut PyObject) -> isize {
    // Objects are equal by identity; their addresses share the low bits.
    match (slf as usize).rotate_right(4) as isize {
        -1 => -2,
        hash => hash,
    }
}

/// The slots, for the class's making.
pub fn table() -> Vec<(c_int, *mut c_void)> {
    vec![
        (ffi::Py_nb_add, add as *mut c_void),
        (ffi::Py_nb_subtract, subtract as *mut c_void),
        (ffi::Py_nb_multiply, multiply as *mut c_void),
        (ffi::Py_nb_true_divide, divide as *mut c_void),
        (ffi::Py_nb_floor_divide, floor_divide as *mut c_void),
        (ffi::Py_nb_remainder, remainder as *mut c_void),
        (ffi::Py_nb_power, power as *mut c_void),
        (ffi::Py_nb_matrix_multiply, matmul as *mut c_void),
        (ffi::Py_nb_and, and as *mut c_void),
        (ffi::Py_nb_or, or as *mut c_void),
        (ffi::Py_nb_xor, xor as *mut c_void),
        (ffi::Py_nb_lshift, lshift as *mut c_void),
        (ffi::Py_nb_rshift, rshift as *mut c_void),
        (ffi::Py_nb_inplace_add, iadd as *mut c_void),
        (ffi::Py_nb_inplace_subtract, isubtract as *mut c_void),
        (ffi::Py_nb_inplace_multiply, imultiply as *mut c_void),
        (ffi::Py_nb_inplace_true_divide, idivide as *mut c_void),
        (ffi::Py_nb_inplace_floor_divide, ifloor_divide as *mut c_void),
        (ffi::Py_nb_inplace_remainder, iremainder as *mut c_void),
        (ffi::Py_nb_inplace_power, ipower as *mut c_void),
        (ffi::Py_nb_inplace_and, iand as *mut c_void),
        (ffi::Py_nb_inplace_or, ior as *mut c_void),
        (ffi::Py_nb_inplace_xor, ixor as *mut c_void),
        (ffi::Py_nb_inplace_lshift, ilshift as *mut c_void),
        (ffi::Py_nb_inplace_rshift, irshift as *mut c_void),
        (ffi::Py_nb_negative, negative as *mut c_void),
        (ffi::Py_nb_positive, positive as *mut c_void),
        (ffi::Py_nb_absolute, absolute as *mut c_void),
        (ffi::Py_nb_invert, invert as *mut c_void),
        (ffi::Py_nb_bool, numbers::truth as *mut c_void),
        (ffi::Py_nb_int, numbers::to_int as *mut c_void),
        (ffi::Py_nb_float, numbers::to_float as *mut c_void),
        (ffi::Py_nb_index, numbers::to_index as *mut c_void),
        (ffi::Py_tp_richcompare, compare as *mut c_void),
        (ffi::Py_tp_hash, hash as *mut c_void),
        (ffi::Py_tp_iter, iterate as *mut c_void),
        (ffi::Py_tp_repr, repr as *mut c_void),
        (ffi::Py_mp_length, length as *mut c_void),
        (ffi::Py_mp_subscript, get_item as *mut c_void),
        (ffi::Py_mp_ass_subscript, set_item as *mut c_void),
        (ffi::Py_sq_length, length as *mut c_void),
        (ffi::Py_sq_item, item_at as *mut c_void),
        (ffi::Py_sq_contains, contains as *mut c_void),
    ]
}
