//! The fifteen dtypes, their names, and type promotion.

use crate::{Result, fail};
use std::fmt;

/// The type of a tensor's elements. The order within a category is the order of promotion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum DType {
    Bool,
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F16,
    BF16,
    F32,
    F64,
    C64,
    C128,
}

/// Kinds of dtype: a weak Python scalar only changes a tensor's dtype when its category is higher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Category {
    Bool,
    Int,
    Float,
    Complex,
}

use DType::*;

/// All dtypes, in the order of their discriminants.
pub const ALL: [DType; 15] = [Bool, U8, I8, U16, I16, U32, I32, U64, I64, F16, BF16, F32, F64, C64, C128];

impl DType {
    /// Bytes of one element.
    pub const fn size(self) -> usize {
        match self {
            Bool | U8 | I8 => 1,
            U16 | I16 | F16 | BF16 => 2,
            U32 | I32 | F32 => 4,
            U64 | I64 | F64 | C64 => 8,
            C128 => 16,
        }
    }

    /// PyTorch's name, as in `torch.float32`.
    pub const fn name(self) -> &'static str {
        match self {
            Bool => "bool",
            U8 => "uint8",
            I8 => "int8",
            U16 => "uint16",
            I16 => "int16",
            U32 => "uint32",
            I32 => "int32",
            U64 => "uint64",
            I64 => "int64",
            F16 => "float16",
            BF16 => "bfloat16",
            F32 => "float32",
            F64 => "float64",
            C64 => "complex64",
            C128 => "complex128",
        }
    }

    /// What an operator that does not take elements of this type says, by the name of PyTorch's kernel.
    #[cold]
    pub fn unsupported<T>(self, kernel: &str) -> Result<T> {
        fail!(NotImplemented, "\"{kernel}\" not implemented for '{}'", self.scalar_name())
    }

    /// The name of PyTorch's C++ scalar type, which its error messages use ("Long", "Float").
    pub const fn scalar_name(self) -> &'static str {
        match self {
            Bool => "Bool",
            U8 => "Byte",
            I8 => "Char",
            U16 => "UInt16",
            I16 => "Short",
            U32 => "UInt32",
            I32 => "Int",
            U64 => "UInt64",
            I64 => "Long",
            F16 => "Half",
            BF16 => "BFloat16",
            F32 => "Float",
            F64 => "Double",
            C64 => "ComplexFloat",
            C128 => "ComplexDouble",
        }
    }

    /// Which kind of numbers.
    pub const fn category(self) -> Category {
        match self {
            Bool => Category::Bool,
            U8 | I8 | U16 | I16 | U32 | I32 | U64 | I64 => Category::Int,
            F16 | BF16 | F32 | F64 => Category::Float,
            C64 | C128 => Category::Complex,
        }
    }

    /// True for float16, bfloat16, float32 and float64.
    pub const fn is_float(self) -> bool {
        matches!(self, F16 | BF16 | F32 | F64)
    }

    /// True for the complex dtypes.
    pub const fn is_complex(self) -> bool {
        matches!(self, C64 | C128)
    }

    /// True for the integer dtypes, and for bool if asked.
    pub const fn is_integral(self, include_bool: bool) -> bool {
        matches!(self, U8 | I8 | U16 | I16 | U32 | I32 | U64 | I64) || (include_bool && matches!(self, Bool))
    }

    /// True for unsigned integers.
    pub const fn is_unsigned(self) -> bool {
        matches!(self, U8 | U16 | U32 | U64)
    }

    /// True where a gradient can exist.
    pub const fn is_differentiable(self) -> bool {
        self.is_float() || self.is_complex()
    }

    /// The real dtype of a complex one's parts; itself otherwise.
    pub const fn to_real(self) -> DType {
        match self {
            C64 => F32,
            C128 => F64,
            other => other,
        }
    }

    /// The complex dtype with parts of this one (halves take complex64, as nothing smaller exists here).
    pub const fn to_complex(self) -> DType {
        match self {
            F64 | C128 => C128,
            _ => C64,
        }
    }

    /// The type a kernel computes in: halves in float32, small integers in int32, the rest in themselves.
    pub const fn compute(self) -> DType {
        match self {
            U8 | I8 | U16 | I16 => I32,
            U32 => I64,
            F16 | BF16 => F32,
            other => other,
        }
    }

    /// The dtype of a result over tensors of two dtypes (PyTorch's `promote_types`).
    pub fn promote(self, other: DType) -> DType {
        if self == other {
            return self;
        }
        let (low, high) = if self < other { (self, other) } else { (other, self) };
        match (low.category(), high.category()) {
            (Category::Int, Category::Int) => {
                // Mixed signs take the signed type that is wider than the unsigned one; where none is, int64.
                let (low, high) = if low.size() <= high.size() { (low, high) } else { (high, low) };
                if low.size() < high.size() && (high.is_unsigned() <= low.is_unsigned()) {
                    return high;
                }
                match low.size().max(high.size()) {
                    1 => I16,
                    2 => I32,
                    _ => I64,
                }
            }
            (Category::Float, Category::Float) if low == F16 && high == BF16 => F32,
            (Category::Float, Category::Complex) if low == F64 => C128,
            _ => high,
        }
    }

    /// The dtype named so, PyTorch's short names included.
    pub fn from_name(name: &str) -> Option<DType> {
        ALL.into_iter().find(|d| d.name() == name).or(match name {
            "half" => Some(F16),
            "float" => Some(F32),
            "double" => Some(F64),
            "short" => Some(I16),
            "int" => Some(I32),
            "long" => Some(I64),
            "cfloat" => Some(C64),
            "cdouble" => Some(C128),
            _ => None,
        })
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "torch.{}", self.name())
    }
}
