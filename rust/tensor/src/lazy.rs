//! T: a value or the error that stands in its place, with operators, so that formulas read as formulas.

use crate::ops;
use crate::tensor::Tensor;
use crate::value::{Args, Value};
use corten_base::{Error, Result, Scalar};

/// A value, or why there is none. Operators pass errors along.
#[derive(Clone)]
pub struct T(Result<Value>);

/// What an operator's Rust function takes: values, numbers, tensors, or lazy results.
pub trait IntoLazy {
    /// The value, or the error that came before it.
    fn into_lazy(self) -> Result<Value>;
}

impl<V: Into<Value>> IntoLazy for V {
    fn into_lazy(self) -> Result<Value> {
        Ok(self.into())
    }
}

impl IntoLazy for T {
    fn into_lazy(self) -> Result<Value> {
        self.0
    }
}

impl IntoLazy for &T {
    fn into_lazy(self) -> Result<Value> {
        self.0.clone()
    }
}

impl IntoLazy for &[T] {
    fn into_lazy(self) -> Result<Value> {
        self.iter().map(|item| item.clone().tensor()).collect::<Result<Vec<_>>>().map(Value::Tensors)
    }
}

impl IntoLazy for &Vec<T> {
    fn into_lazy(self) -> Result<Value> {
        self.as_slice().into_lazy()
    }
}

impl From<Result<Value>> for T {
    fn from(result: Result<Value>) -> T {
        T(result)
    }
}

impl From<Error> for T {
    fn from(error: Error) -> T {
        T(Err(error))
    }
}

impl From<Result<Tensor>> for T {
    fn from(result: Result<Tensor>) -> T {
        T(result.map(Value::Tensor))
    }
}

impl From<Result<T>> for T {
    fn from(result: Result<T>) -> T {
        T(result.and_then(T::get))
    }
}

impl From<Vec<Tensor>> for T {
    fn from(tensors: Vec<Tensor>) -> T {
        T(Ok(Value::Tensors(tensors)))
    }
}

impl From<Tensor> for T {
    fn from(tensor: Tensor) -> T {
        T(Ok(Value::Tensor(tensor)))
    }
}

impl From<&Tensor> for T {
    fn from(tensor: &Tensor) -> T {
        T(Ok(Value::Tensor(tensor.clone())))
    }
}

/// Anything that a composite row may evaluate to, as a result value.
pub fn finish(result: impl Into<T>) -> Result<Value> {
    result.into().0
}

impl T {
    /// A value that is there.
    pub fn value(value: impl Into<Value>) -> T {
        T(Ok(value.into()))
    }

    /// The value.
    pub fn get(self) -> Result<Value> {
        self.0
    }

    /// The one tensor.
    pub fn tensor(self) -> Result<Tensor> {
        self.0?.into_tensor()
    }

    /// The tensors of a list.
    pub fn tensors(self) -> Result<Vec<Tensor>> {
        self.0?.into_tensors()
    }

    /// Result `index` of several.
    pub fn pick(self, index: usize) -> T {
        T(self.0.and_then(Value::into_tensors).map(|mut list| Value::Tensor(list.swap_remove(index))))
    }

    /// True if it is `None` (an absent gradient or argument).
    pub fn is_none(&self) -> bool {
        matches!(self.0, Ok(Value::None))
    }

    /// Calls an operator given by its row.
    pub fn call(op: &'static crate::op::Op, args: Args) -> T {
        T(crate::dispatch::call(op, &args))
    }
}

macro_rules! operators {
    ($($trait:ident $method:ident $op:path;)*) => { $(
        operators!(@pair $trait $method $op; T, T; T, &T; &T, T; &T, &T; T, f64; &T, f64; f64, T; f64, &T);
    )* };
    (@pair $trait:ident $method:ident $op:path; $($left:ty, $right:ty);*) => { $(
        impl std::ops::$trait<$right> for $left {
            type Output = T;
            fn $method(self, other: $right) -> T { $op(self, other) }
        }
    )* };
}

operators! {
    Add add ops::all::add;
    Sub sub ops::all::sub;
    Mul mul ops::all::mul;
    Div div ops::all::div;
}

impl std::ops::Neg for T {
    type Output = T;
    fn neg(self) -> T {
        ops::all::neg(self)
    }
}

impl std::ops::Neg for &T {
    type Output = T;
    fn neg(self) -> T {
        ops::all::neg(self)
    }
}

/// The number one or zero, where a formula needs it as a scalar value.
pub fn number(x: f64) -> T {
    T(Ok(Value::Scalar(Scalar::Float(x))))
}
