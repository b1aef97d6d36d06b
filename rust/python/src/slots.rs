//! Operators, comparisons, truth, length and indexing of the Tensor class.

use crate::class::{self_of, tensor_of};
use crate::convert::{self, exact_number};
use crate::errors::OrRaise;
use crate::py::{Obj, enter, entries, not_implemented, type_name};
use crate::{hooks, results, subclass};
use corten_base::Scalar;
use corten_tensor::dispatch::{self, Target};
use corten_tensor::op::Op;
use corten_tensor::registry;
use corten_tensor::value::{Args, IndexItem, Value};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::ffi::{self, PyObject};
use pyo3::prelude::*;
use std::ffi::{c_int, c_void};
use std::sync::OnceLock;

/// The rows behind the operators, looked up once.
#[derive(Clone, Copy)]
enum Row {
    Add, Sub, Rsub, Mul, Div, FloorDivide, Remainder, RemainderScalar, Pow, PowBase, Matmul, And, Or, Xor, Lshift,
    Rshift, Reciprocal, Neg, Positive, Abs, BitwiseNot, Eq, Ne, Lt, Le, Gt, Ge, Index, IndexPut, Unbind, Any,
}

const NAMES: [&str; 31] = [
    "add", "sub", "rsub", "mul", "div", "floor_divide", "remainder", "remainder.scalar_tensor", "pow", "pow.base", "matmul",
    "bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_left_shift", "bitwise_right_shift", "reciprocal", "neg",
    "positive", "abs", "bitwise_not", "eq", "ne", "lt", "le", "gt", "ge", "index", "index_put_", "unbind", "any",
];

static ROWS: OnceLock<[Option<&'static Op>; NAMES.len()]> = OnceLock::new();

#[inline(always)]
fn row(row: Row) -> PyResult<&'static Op> {
    match ROWS.get_or_init(|| NAMES.map(registry::find))[row as usize] {
        Some(op) => Ok(op),
        None => Err(missing(row)),
    }
}

#[cold]
fn missing(row: Row) -> PyErr {
    PyRuntimeError::new_err(format!("this build has no operator '{}'", NAMES[row as usize]))
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

/// Completes the arguments with the row's defaults and calls it.
#[inline(always)]
fn run(py: Python<'_>, op: &'static Op, args: &mut Args, target: Target) -> PyResult<*mut PyObject> {
    for param in &op.params[args.len().min(op.params.len())..] {
        args.push(param.default_value());
    }
    let value = dispatch::call_into(op, args, target).or_raise(py)?;
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
    overridden!(py, name, left, right);
    let (Some(x), Some(y)) = (operand(left)?, operand(right)?) else { return Ok(not_implemented(py)) };
    let op = match (which, &x) {
        // A number on the left takes the row that is made for it.
        (Row::Sub, Value::Scalar(_)) => return flipped(py, row(Row::Rsub)?, x, y),
        (Row::Div, Value::Scalar(_)) => return divided(py, x, y),
        (Row::Pow, Value::Scalar(_)) => row(Row::PowBase)?,
        (Row::Remainder, Value::Scalar(_)) => row(Row::RemainderScalar)?,
        (Row::Add | Row::Mul | Row::And | Row::Or | Row::Xor, Value::Scalar(_)) => return flipped(py, row(which)?, x, y),
        (Row::FloorDivide | Row::Lshift | Row::Rshift, Value::Scalar(s)) => {
            let full = scalar_like(py, *s, &y)?;
            return run(py, row(which)?, &mut Args::from_iter([full, y]), target);
        }
        (Row::Matmul, Value::Scalar(_)) => return Ok(not_implemented(py)),
        _ => row(which)?,
    };
    if matches!((which, &y), (Row::Matmul, Value::Scalar(_))) {
        return Ok(not_implemented(py));
    }
    let mut args = Args::new();
    args.push(x);
    args.push(y);
    run(py, op, &mut args, target)
}

fn flipped(py: Python<'_>, op: &'static Op, x: Value, y: Value) -> PyResult<*mut PyObject> {
    run(py, op, &mut Args::from_iter([y, x]), Target::Fresh)
}

/// `number / tensor` is `tensor.reciprocal() * number`, as PyTorch computes it.
fn divided(py: Python<'_>, x: Value, y: Value) -> PyResult<*mut PyObject> {
    let inverse = dispatch::call(row(Row::Reciprocal)?, &[y]).or_raise(py)?;
    run(py, row(Row::Mul)?, &mut Args::from_iter([inverse, x]), Target::Fresh)
}

/// A number as a zero-dimensional tensor beside `other`, for rows that take tensors only on the left.
fn scalar_like(py: Python<'_>, scalar: Scalar, other: &Value) -> PyResult<Value> {
    let device = other.tensor().map_or(corten_tensor::Device::CPU, |t| t.device());
    let factory = registry::find("scalar_tensor").ok_or_else(|| PyRuntimeError::new_err("no scalar_tensor"))?;
    let args: Args = factory
        .params
        .iter()
        .map(|p| match p.name {
            "s" => Value::Scalar(scalar),
            "dtype" => Value::DType(corten_tensor::promote::of_scalar(scalar)),
            "device" => Value::Device(device),
            _ => p.default_value(),
        })
        .collect();
    dispatch::call(factory, &args).or_raise(py)
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

    fn ipower(py, left, right, _modulo) -> *mut PyObject {
        binary(py, Row::Pow, "__ipow__", left, right, Target::InPlace)
    }
}

macro_rules! unaries {
    ($($slot:ident $row:ident $name:literal;)*) => { entries! { $(
        fn $slot(py, slf) -> *mut PyObject {
            overridden!(py, $name, slf);
            run(py, row(Row::$row)?, &mut Args::from_iter([Value::Tensor(self_of(slf)?.clone())]), Target::Fresh)
        }
    )* } };
}

unaries! {
    negative Neg "__neg__";
    positive Positive "__pos__";
    absolute Abs "__abs__";
    invert BitwiseNot "__invert__";
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
        binary(py, which, name, left, right, Target::Fresh)
    }

    fn truth(py, slf) -> c_int {
        let tensor = self_of(slf)?;
        match tensor.numel() {
            0 => Err(PyRuntimeError::new_err("Boolean value of Tensor with no values is ambiguous")),
            1 => Ok(!hooks::item(slf, tensor)?.is_zero() as c_int),
            _ => Err(PyRuntimeError::new_err("Boolean value of Tensor with more than one value is ambiguous")),
        }
    }

    fn to_int(py, slf) -> *mut PyObject {
        let value = one(slf)?;
        match value {
            Scalar::Complex(re, im) if im == 0.0 => Ok(whole(py, re)?.into_ptr()),
            Scalar::Complex(..) => Err(PyRuntimeError::new_err("value cannot be converted to type int64_t without overflow")),
            Scalar::Float(x) => Ok(whole(py, x)?.into_ptr()),
            Scalar::Bool(x) => Ok((x as i64).into_pyobject(py)?.into_ptr()),
            other => Ok(convert::scalar_object(py, other)?.into_ptr()),
        }
    }

    fn to_float(py, slf) -> *mut PyObject {
        match one(slf)? {
            Scalar::Complex(_, im) if im != 0.0 => {
                Err(PyRuntimeError::new_err("value cannot be converted to type double without overflow"))
            }
            value => Ok(convert::scalar_object(py, Scalar::Float(value.to_f64()))?.into_ptr()),
        }
    }

    fn to_index(py, slf) -> *mut PyObject {
        let tensor = self_of(slf)?;
        if tensor.numel() != 1 || !tensor.dtype().is_integral(true) {
            return Err(PyTypeError::new_err("only integer tensors of a single element can be converted to an index"));
        }
        let value = match hooks::item(slf, tensor)? {
            Scalar::Bool(x) => Scalar::Int(x as i64),
            other => other,
        };
        Ok(convert::scalar_object(py, value)?.into_ptr())
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
        run(py, row(Row::Index)?, &mut Args::from_iter([Value::Tensor(tensor.clone()), convert::key(key)?]), Target::Fresh)
    }

    fn item_at(py, slf; index: isize) -> *mut PyObject {
        let tensor = self_of(slf)?;
        let key = Value::Key(std::sync::Arc::new([IndexItem::Int(index as i64)]));
        run(py, row(Row::Index)?, &mut Args::from_iter([Value::Tensor(tensor.clone()), key]), Target::Fresh)
    }

    fn iterate(py, slf) -> *mut PyObject {
        overridden!(py, "__iter__", slf);
        let tensor = self_of(slf)?;
        if tensor.ndim() == 0 {
            return Err(PyTypeError::new_err("iteration over a 0-d tensor"));
        }
        let rows = run(py, row(Row::Unbind)?, &mut Args::from_iter([Value::Tensor(tensor.clone())]), Target::Fresh)?;
        // SAFETY: a new reference to a tuple, which becomes an iterator over it.
        unsafe {
            let rows = Bound::from_owned_ptr(py, rows);
            Ok(rows.try_iter()?.into_any().into_ptr())
        }
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
        let equal = dispatch::call(row(Row::Eq)?, &[Value::Tensor(tensor.clone()), item_value]).or_raise(py)?;
        let any = run(py, row(Row::Any)?, &mut Args::from_iter([equal]), Target::Fresh)?;
        // SAFETY: a new reference to a tensor of one element.
        unsafe { Ok(Bound::from_owned_ptr(py, any).is_truthy()? as c_int) }
    }

    fn repr(py, slf) -> *mut PyObject {
        Ok(hooks::call(py, "repr", (slf,))?.into_ptr())
    }
}

/// The value of a tensor of one element, for `int()` and `float()`.
fn one(slf: Obj) -> PyResult<Scalar> {
    let tensor = self_of(slf)?;
    if tensor.numel() != 1 {
        return Err(PyValueError::new_err("only one element tensors can be converted to Python scalars"));
    }
    hooks::item(slf, tensor)
}

/// The whole part of a double, however large.
fn whole(py: Python<'_>, x: f64) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: gives a new int, or null with an exception set for infinities and NaN.
    unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyLong_FromDouble(x)) }
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
        return Err(PyTypeError::new_err(format!("can't assign a {} to a torch.{}Tensor", type_name(value), type_word(tensor))));
    };
    let args = [Value::Tensor(tensor.clone()), convert::key(key)?, new];
    let op = row(Row::IndexPut)?;
    dispatch::call_into(op, &args, Target::Fresh).or_raise(py).map(|_| ())
}

/// `Float` of `torch.FloatTensor`.
pub fn type_word(tensor: &corten_tensor::Tensor) -> &'static str {
    tensor.dtype().scalar_name()
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
        (ffi::Py_nb_bool, truth as *mut c_void),
        (ffi::Py_nb_int, to_int as *mut c_void),
        (ffi::Py_nb_float, to_float as *mut c_void),
        (ffi::Py_nb_index, to_index as *mut c_void),
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
