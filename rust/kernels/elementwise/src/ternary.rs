//! Functions of three arrays, any of which may be a number.

use crate::driver::{Src, execute};
use crate::kernel::{Kernel, Map3, Row, column, first, group_trait, habit, kernel3, operators, result, row};
use crate::math::{Field, Float, Num, Real};
use corten_base::element::{b8, c64, c128};
use corten_base::{DType, Operand, Result, fail};

/// `out = op(x, y, z)` for each element, computed in type `compute`. Arrays have `out`'s sizes and any dtype.
///
/// # Errors
/// Where the sizes differ, `out` is expanded, or the operator does not exist in that type.
#[inline]
pub fn ternary(op: Ternary, compute: DType, out: Operand, x: Src, y: Src, z: Src) -> Result<()> {
    execute(op.find(compute)?, out, &[x, y, z])
}

operators! {
    /// Functions of three arguments.
    Ternary(Map3, kernel3);

    /// x where the condition is true, else y. The condition counts as true where it is not zero, whatever its dtype.
    select: all of bool |condition, x, y| if condition.truth() { x } else { y };
    /// x within low and high (high if they cross); NaN if any is.
    clamp: ordered, holds |x, low, high| {
        let raised = if x < low || low.is_nan() { low } else { x };
        if raised > high || high.is_nan() { high } else { raised }
    };
    /// x, or `value` where x is not above `bound`; NaN stays.
    threshold: real, holds |x, bound, value| if x <= bound { value } else { x };
    /// log(1 + exp(beta · x)) / beta, x itself where beta · x is above `bound`.
    softplus: float, holds |x, beta, bound| {
        let scaled = x.mul(beta);
        if scaled > bound { x } else { scaled.exp().log1p().div(beta) }
    };
    /// x + alpha · y.
    add_scaled: all, updates |x, y, alpha| x.add(alpha.mul(y));
    /// x - alpha · y.
    sub_scaled: num, updates |x, y, alpha| x.sub(alpha.mul(y));
    /// From x to y by a weight, from the nearer end.
    lerp: field |x, y, weight| {
        let span = y.sub(x);
        let near = x.add(weight.mul(span));
        let far = y.sub(span.mul(T::ONE.sub(weight)));
        if weight.is_below_half() { near } else { far }
    };
    /// Half of (x - y)² where they are no further than delta apart, else the line with slope delta that goes on from there.
    huber: float |x, y, delta| {
        let distance = x.sub(y).fabs();
        let line = distance.sub(delta.mul(T::c(0.5))).mul(delta);
        if distance <= delta { distance.mul(distance).mul(T::c(0.5)) } else { line }
    };
    /// Half of (x - y)² over beta where they are less than beta apart, else the line with slope one that goes on from there.
    smooth_l1: float |x, y, beta| {
        let distance = x.sub(y).fabs();
        let parabola = distance.mul(distance).mul(T::c(0.5)).div(beta);
        if distance < beta { parabola } else { distance.sub(beta.mul(T::c(0.5))) }
    };
}
