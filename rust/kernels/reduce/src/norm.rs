//! What the normalisations share: their number types, and vectors of one number a channel or column.

use crate::number::Number;
use corten_base::alloc::filled;
use corten_base::{Operand, Result, fail};

/// Evaluates an expression with the type that a dtype is normalised in.
macro_rules! by_real {
    ($dtype:expr, $c:ident => $body:expr) => {
        match $dtype {
            DType::F64 => {
                type $c = f64;
                $body
            }
            DType::F16 | DType::BF16 | DType::F32 => {
                type $c = f32;
                $body
            }
            other => fail!(NotImplemented, "normalisation is not implemented for '{}'", other.scalar_name()),
        }
    };
}
pub(crate) use by_real;

/// A vector of `length` elements as numbers, or all `default`.
pub(crate) fn vector<C: Number>(x: Option<&Operand>, length: usize, default: C) -> Result<Vec<C>> {
    let mut values = filled(default, length)?;
    if let Some(x) = x {
        if x.sizes() != [length as i64] {
            fail!(Runtime, "expected sizes [{length}], but got {:?}", x.sizes());
        }
        // SAFETY: the elements of `x`.
        unsafe { C::load(x.dtype(), x.ptr(), x.strides()[0] as isize, &mut values) };
    }
    Ok(values)
}

pub(crate) fn write_vector<C: Number>(out: &Operand, values: &[C]) -> Result<()> {
    if out.sizes() != [values.len() as i64] {
        fail!(Runtime, "expected sizes [{}], but got {:?}", values.len(), out.sizes());
    }
    // SAFETY: the elements of `out`.
    unsafe { C::store(out.dtype(), out.ptr(), out.strides()[0] as isize, values) };
    Ok(())
}

/// A result must be no input: it is written while inputs are read.
pub(crate) fn apart<const N: usize>(out: &Operand, inputs: [&Operand; N]) -> Result<()> {
    if inputs.iter().any(|x| x.ptr() == out.ptr() && x.numel() > 0) {
        fail!(Runtime, "a normalisation cannot write its result to its input");
    }
    Ok(())
}
