//! Functions of four arrays, any of which may be a number.

use crate::driver::{Src, execute};
use crate::kernel::{Kernel, Map4, Row, column, first, group_trait, habit, kernel4, operators, result, row};
use crate::math::{Field, Float, Num};
use corten_base::element::{c64, c128};
use corten_base::{DType, Operand, Result, fail};

/// `out = op(x, y, z, v)` for each element, computed in type `compute`. Arrays have `out`'s sizes and any dtype.
///
/// # Errors
/// Where the sizes differ, `out` is expanded, or the operator does not exist in that type.
#[inline]
pub fn quaternary(op: Quaternary, compute: DType, out: Operand, x: Src, y: Src, z: Src, v: Src) -> Result<()> {
    execute(op.find(compute)?, out, &[x, y, z, v])
}

operators! {
    /// Functions of four arguments.
    Quaternary(Map4, kernel4);

    /// x + value · y · z.
    addcmul: num |x, y, z, value| x.add(value.mul(y).mul(z));
    /// x + value · y / z.
    addcdiv: field |x, y, z, value| x.add(value.mul(y).div(z));
    /// scale · x, or scale · alpha · expm1(slope · x) where x is not positive.
    elu: float, holds |x, alpha, scale, slope| {
        let negative = x.mul(slope).expm1().mul(alpha.mul(scale));
        if x > T::zero() { x.mul(scale) } else { negative }
    };
    /// x with others for NaN, infinity and negative infinity.
    nan_to_num: float, holds |x, nan, positive, negative| {
        let infinite = if x > T::zero() { positive } else { negative };
        let number = if x.is_inf() { infinite } else { x };
        if x.is_nan() { nan } else { number }
    };
}
