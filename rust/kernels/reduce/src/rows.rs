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
    /// The exponential of the distance to another row's number; zero where that is -∞.
    pub fn exp_difference<C: Real>(row: &mut [C], shifts: &[C]) {
        for (x, &shift) in row.iter_mut().zip(shifts) {
            *x = if shift.to_f64() == f64::NEG_INFINITY { C::ZERO } else { x.minus(shift).exp() };
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
