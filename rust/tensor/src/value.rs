//! Value: one argument or result of an operator, whatever its type; and its conversion to Rust's types and back.

use crate::core::Dims;
use crate::device::{Device, Layout, MemoryFormat};
use crate::tensor::Tensor;
use corten_base::{DType, Error, Result, Scalar, error};
use corten_random::Generator;
use std::any::Any;
use std::sync::{Arc, Mutex};

/// A random generator, shared between Python objects and calls.
pub type SharedGenerator = Arc<Mutex<Generator>>;

/// One item of an index expression.
#[derive(Clone)]
#[allow(missing_docs)]
pub enum IndexItem {
    Int(i64),
    /// `start:stop:step`, as written.
    Slice(Option<i64>, Option<i64>, Option<i64>),
    Ellipsis,
    NewAxis,
    Bool(bool),
    Tensor(Tensor),
}

/// An argument or result of an operator.
#[derive(Clone, Default)]
#[allow(missing_docs)]
pub enum Value {
    #[default]
    None,
    Scalar(Scalar),
    Tensor(Tensor),
    Tensors(Vec<Tensor>),
    /// A list whose items may be absent.
    OptionalTensors(Vec<Option<Tensor>>),
    Ints(Dims),
    Floats(Vec<f64>),
    Str(Arc<str>),
    DType(DType),
    Device(Device),
    Layout(Layout),
    MemoryFormat(MemoryFormat),
    Generator(SharedGenerator),
    Key(Arc<[IndexItem]>),
    /// An object of the host language.
    Foreign(Arc<dyn Any + Send + Sync>),
}

/// Arguments of a call.
pub type Args = smallvec::SmallVec<[Value; 4]>;

impl Value {
    /// The bits of the tensors inside.
    #[inline]
    pub fn keys(&self) -> u32 {
        match self {
            Value::Tensor(t) => t.keys(),
            Value::Tensors(list) => list.iter().fold(0, |keys, t| keys | t.keys()),
            Value::OptionalTensors(list) => list.iter().flatten().fold(0, |keys, t| keys | t.keys()),
            Value::Key(items) => items.iter().fold(0, |keys, item| match item {
                IndexItem::Tensor(t) => keys | t.keys(),
                _ => keys,
            }),
            _ => 0,
        }
    }

    /// The tensor, if it is one.
    #[inline]
    pub fn tensor(&self) -> Option<&Tensor> {
        match self {
            Value::Tensor(t) => Some(t),
            _ => None,
        }
    }

    /// The one tensor of a result.
    pub fn into_tensor(self) -> Result<Tensor> {
        match self {
            Value::Tensor(t) => Ok(t),
            other => Err(error!(Runtime, "expected one tensor, got {}", other.kind())),
        }
    }

    /// All tensors of a result.
    pub fn into_tensors(self) -> Result<Vec<Tensor>> {
        match self {
            Value::Tensor(t) => Ok(vec![t]),
            Value::Tensors(list) => Ok(list),
            other => Err(error!(Runtime, "expected tensors, got {}", other.kind())),
        }
    }

    /// What kind of value it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::None => "None",
            Value::Scalar(_) => "a number",
            Value::Tensor(_) => "a tensor",
            Value::Tensors(_) | Value::OptionalTensors(_) => "a list of tensors",
            Value::Ints(_) => "ints",
            Value::Floats(_) => "floats",
            Value::Str(_) => "a string",
            Value::DType(_) => "a dtype",
            Value::Device(_) => "a device",
            Value::Layout(_) => "a layout",
            Value::MemoryFormat(_) => "a memory format",
            Value::Generator(_) => "a generator",
            Value::Key(_) => "an index",
            Value::Foreign(_) => "an object",
        }
    }
}

/// A tensor or a Python number, where an operator takes either.
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub enum Number<'a> {
    Tensor(&'a Tensor),
    Scalar(Scalar),
}

/// A Rust type that a table row may give a parameter. `None` where the value does not fit: the parser has checked the
/// values that come from Python, so this is a wrong call from Rust.
pub trait Arg<'a>: Sized {
    /// The value as this type.
    fn from_value(value: &'a Value) -> Option<Self>;
}

macro_rules! args {
    ($($t:ty: $($pattern:pat => $result:expr),+;)*) => { $(
        impl<'a> Arg<'a> for $t {
            #[inline(always)]
            fn from_value(value: &'a Value) -> Option<Self> {
                match value { $($pattern => $result,)+ #[allow(unreachable_patterns)] _ => None }
            }
        }
    )* };
}

args! {
    &'a Value: value => Some(value);
    &'a Tensor: Value::Tensor(t) => Some(t);
    &'a [Tensor]: Value::Tensors(list) => Some(list);
    &'a [Option<Tensor>]: Value::OptionalTensors(list) => Some(list);
    Number<'a>: Value::Tensor(t) => Some(Number::Tensor(t)), Value::Scalar(s) => Some(Number::Scalar(*s));
    Scalar: Value::Scalar(s) => Some(*s);
    i64: Value::Scalar(s) => Some(s.to_i64());
    f64: Value::Scalar(s) => Some(s.to_f64());
    bool: Value::Scalar(s) => Some(!s.is_zero());
    &'a [i64]: Value::Ints(dims) => Some(dims);
    &'a [f64]: Value::Floats(list) => Some(list);
    &'a str: Value::Str(text) => Some(text);
    DType: Value::DType(d) => Some(*d);
    Device: Value::Device(d) => Some(*d);
    Layout: Value::Layout(l) => Some(*l);
    MemoryFormat: Value::MemoryFormat(f) => Some(*f);
    &'a SharedGenerator: Value::Generator(g) => Some(g);
    &'a [IndexItem]: Value::Key(key) => Some(key);
}

impl<'a, T: Arg<'a>> Arg<'a> for Option<T> {
    #[inline(always)]
    fn from_value(value: &'a Value) -> Option<Self> {
        match value {
            Value::None => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

/// The value of parameter `name` as `T`; used by the thunks that the op table makes.
#[inline(always)]
pub fn arg<'a, T: Arg<'a>>(args: &'a [Value], index: usize, name: &'static str) -> Result<T> {
    match args.get(index).and_then(T::from_value) {
        Some(value) => Ok(value),
        None => Err(wrong(args, index, name)),
    }
}

#[cold]
fn wrong(args: &[Value], index: usize, name: &str) -> Error {
    error!(
        Type,
        "argument '{name}' (position {}) cannot be {}",
        index + 1,
        args.get(index).map_or("missing", Value::kind)
    )
}

macro_rules! into_value {
    ($($t:ty: |$x:ident| $value:expr;)*) => { $(
        impl From<$t> for Value { #[inline] fn from($x: $t) -> Value { $value } }
    )* };
}

into_value! {
    Tensor: |x| Value::Tensor(x);
    &Tensor: |x| Value::Tensor(x.clone());
    Vec<Tensor>: |x| Value::Tensors(x);
    &[Tensor]: |x| Value::Tensors(x.to_vec());
    Scalar: |x| Value::Scalar(x);
    bool: |x| Value::Scalar(Scalar::Bool(x));
    i64: |x| Value::Scalar(Scalar::Int(x));
    i32: |x| Value::Scalar(Scalar::Int(x as i64));
    usize: |x| Value::Scalar(Scalar::Int(x as i64));
    f64: |x| Value::Scalar(Scalar::Float(x));
    Dims: |x| Value::Ints(x);
    &Dims: |x| Value::Ints(x.clone());
    &[i64]: |x| Value::Ints(x.into());
    &Vec<i64>: |x| Value::Ints(x.as_slice().into());
    Vec<i64>: |x| Value::Ints(x.into());
    &[f64]: |x| Value::Floats(x.to_vec());
    &str: |x| Value::Str(x.into());
    DType: |x| Value::DType(x);
    Device: |x| Value::Device(x);
    Layout: |x| Value::Layout(x);
    MemoryFormat: |x| Value::MemoryFormat(x);
    SharedGenerator: |x| Value::Generator(x);
    &SharedGenerator: |x| Value::Generator(x.clone());
    &Value: |x| x.clone();
}

impl<const N: usize> From<[i64; N]> for Value {
    fn from(x: [i64; N]) -> Value {
        Value::Ints(x.as_slice().into())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(x: Option<T>) -> Value {
        x.map_or(Value::None, Into::into)
    }
}

impl From<Number<'_>> for Value {
    fn from(x: Number<'_>) -> Value {
        match x {
            Number::Tensor(t) => Value::Tensor(t.clone()),
            Number::Scalar(s) => Value::Scalar(s),
        }
    }
}
