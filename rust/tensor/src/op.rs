//! Op: one row of the op table, as constant data.

use crate::core::{Core, Dims};
use crate::device::{Device, MemoryFormat};
use crate::tensor::Tensor;
use crate::value::{Number, Value};
use corten_base::{DType, Result, Scalar};
use smallvec::SmallVec;
use std::sync::atomic::AtomicUsize;

/// The types that the argument parser knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Type {
    Tensor,
    Tensors,
    OptionalTensors,
    TensorOrScalar,
    Scalar,
    Int,
    Dim,
    Float,
    Bool,
    Str,
    /// Ints: varargs or a sequence.
    Sizes,
    /// An int or a sequence of ints.
    Dims,
    /// A sequence of 1, 2, 3 ints; a single int is repeated.
    Ints1,
    Ints2,
    Ints3,
    Floats,
    DType,
    Device,
    Layout,
    MemoryFormat,
    Generator,
    Key,
    Any,
}

/// A parameter's default.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub enum Default {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(&'static str),
    Ints(&'static [i64]),
    MemoryFormat(MemoryFormat),
}

/// A parameter.
#[allow(missing_docs)]
pub struct Param {
    pub name: &'static str,
    pub ty: Type,
    pub nullable: bool,
    pub varargs: bool,
    pub keyword: bool,
    pub default: Option<Default>,
}

impl Param {
    /// The value where the argument is not given.
    #[inline]
    pub fn default_value(&self) -> Value {
        let repeat = match self.ty {
            Type::Ints1 => 1,
            Type::Ints2 => 2,
            Type::Ints3 => 3,
            Type::Dims | Type::Sizes => 1,
            _ => 0,
        };
        match self.default {
            None | Some(Default::None) => Value::None,
            Some(Default::Bool(x)) => Value::Scalar(Scalar::Bool(x)),
            Some(Default::Int(x)) if repeat > 0 => Value::Ints(SmallVec::from_elem(x, repeat)),
            Some(Default::Int(x)) => Value::Scalar(Scalar::Int(x)),
            Some(Default::Float(x)) => Value::Scalar(Scalar::Float(x)),
            Some(Default::Str(x)) => Value::Str(x.into()),
            Some(Default::Ints(x)) => Value::Ints(x.into()),
            Some(Default::MemoryFormat(x)) => Value::MemoryFormat(x),
        }
    }
}

/// A result: its field name where it is one of several, and the table's word for its type.
#[allow(missing_docs)]
pub struct Return {
    pub name: &'static str,
    pub ty: &'static str,
}

/// The Python faces of an operator.
#[allow(missing_docs)]
pub struct Forms {
    pub function: bool,
    /// `linalg`, `fft`, … or empty.
    pub namespace: &'static str,
    pub method: bool,
    pub inplace: bool,
    /// The in-place form is a function too, although there are several tensors: `xlogy_(x, y)`.
    pub inplace_function: bool,
    pub out: bool,
    /// The name of the property, or empty.
    pub property: &'static str,
}

/// What one result will be.
pub struct OutSpec {
    /// Sizes.
    pub sizes: Dims,
    /// Dense strides; row-major where not given.
    pub strides: Option<Dims>,
    /// Element type.
    pub dtype: DType,
    /// Where.
    pub device: Device,
}

/// What the results will be.
pub type Meta = SmallVec<[OutSpec; 1]>;

/// The geometry of views of the first argument.
pub enum Views {
    /// One view.
    One(Core),
    /// Several.
    Many(Vec<Core>),
}

/// The result of one or two operands by a short cut, where one applies.
pub type Fast = fn(&Tensor, Option<Number>) -> Option<Result<Tensor>>;

/// The computation of a row: from its arguments, into results that stand ready.
pub type Run = fn(&[Value], &[Tensor]) -> Result<()>;

/// How an operator does its work.
pub enum Body {
    /// Sizes and errors first, then the computation into results that the dispatcher provides.
    Kernel {
        /// Sizes, dtypes and every argument error.
        meta: fn(&[Value]) -> Result<Meta>,
        /// The computation on the host; without it the array backend computes.
        run: Option<Run>,
        /// A short cut for common small cases.
        fast: Option<Fast>,
        /// Each element depends on the same element of the inputs: results may be written over inputs, in any dtype.
        elementwise: bool,
        /// The result may be the first argument itself, of which the kernel changes a part.
        updates: bool,
    },
    /// Views of the first argument.
    View(fn(&[Value]) -> Result<Views>),
    /// In terms of other operators.
    Composite(fn(&[Value]) -> Result<Value>),
    /// A result whose shape depends on data.
    Dynamic(fn(&[Value]) -> Result<Value>),
    /// A composite in Python, `module:function`.
    Python(&'static str),
}

/// A row.
#[allow(missing_docs)]
pub struct Op {
    pub name: &'static str,
    pub overload: &'static str,
    pub doc: &'static str,
    pub family: &'static str,
    pub params: &'static [Param],
    pub returns: &'static [Return],
    /// It always changes its first argument: what it returns is `Self`.
    pub mutates: bool,
    pub forms: Forms,
    pub aliases: &'static [&'static str],
    /// Where the property tests sample arguments.
    pub domain: &'static str,
    /// How the property tests compare, if not by value.
    pub check: &'static str,
    /// The array backend's function, if the row has no kernel of ours.
    pub array: &'static str,
    pub differentiable: bool,
    pub body: Body,
    /// One more than the index of its derivative, set when autograd is activated; 0 without one.
    pub derivative: AtomicUsize,
}

impl Op {
    /// `name` or `name.overload`, as the derivative table and the array backend call it.
    pub fn full_name(&self) -> String {
        if self.overload.is_empty() { self.name.into() } else { format!("{}.{}", self.name, self.overload) }
    }

    /// True if calling it always changes its first argument.
    #[inline(always)]
    pub fn mutates(&self) -> bool {
        self.mutates
    }
}
