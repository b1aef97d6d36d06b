//! Rows in place, for kernels that join products with a softmax.

use crate::fold::{Largest, Sum, tree};
pub use crate::number::{Number, Ordered, Real};
use corten_base::multiversion;

/// The largest number; NaN if there is one.
pub fn largest<C: Real>(row: &[C]) -> C {
    tree::<C, Largest>(row)
}

/// Replaces each number by the exponential of its distance to `shift`; the sum of those.
pub fn exp_minus<C: Real>(row: &mut [C], shift: C) -> C {
    exp_row(row, shift);
    tree::<C, Sum>(row)
}

multiversion! {
    fn exp_row<C: Real>(row: &mut [C], shift: C) {
        for x in row {
            *x = x.minus(shift).exp();
        }
    }
}

multiversion! {
    /// Multiplies each number.
    pub fn scale<C: Real>(row: &mut [C], factor: C) {
        for x in row {
            *x = x.times(factor);
        }
    }
}

multiversion! {
    /// Writes `x` times a factor to a row.
    pub fn scaled<C: Real>(x: &[C], factor: C, out: &mut [C]) {
        for (out, &x) in out.iter_mut().zip(x) {
            *out = x.times(factor);
        }
    }
}

multiversion! {
    /// Writes `x + ln(y)` to a row.
    pub fn plus_logs<C: Real>(x: &[C], y: &[C], out: &mut [C]) {
        for ((out, &x), &y) in out.iter_mut().zip(x).zip(y) {
            *out = x.plus(y.ln());
        }
    }
}

/// The sum of the products of two rows, which are left in `room`.
pub fn dot<C: Real>(x: &[C], y: &[C], room: &mut [C]) -> C {
    multiply(x, y, room);
    tree::<C, Sum>(room)
}

multiversion! {
    /// Writes the products of two rows to a third.
    pub(crate) fn multiply<C: Real>(x: &[C], y: &[C], out: &mut [C]) {
        for ((out, &x), &y) in out.iter_mut().zip(x).zip(y) {
            *out = x.times(y);
        }
    }
}

multiversion! {
    /// Replaces each number by the exponential of its distance to another row's.
    pub fn exp_difference<C: Real>(row: &mut [C], shifts: &[C]) {
        for (x, &shift) in row.iter_mut().zip(shifts) {
            *x = x.minus(shift).exp();
        }
    }
}

multiversion! {
    /// `(x - y) * weight` for each number.
    pub fn weighted_difference<C: Real>(row: &mut [C], y: &[C], weights: &[C]) {
        for ((x, &y), &weight) in row.iter_mut().zip(y).zip(weights) {
            *x = x.minus(y).times(weight);
        }
    }
}
