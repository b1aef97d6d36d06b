//! Softmax and log-softmax along a dimension, and their gradients.

use crate::fold::{Largest, Sum, tree};
use crate::lines::map_lines;
use crate::number::Real;
use corten_base::{DType, Operand, Result, fail, multiversion};

/// softmax(x) along `dim`, or its logarithm.
pub fn softmax(out: Operand, x: Operand, dim: usize, log: bool) -> Result<()> {
    match x.dtype() {
        DType::F64 => forward::<f64>(&out, &x, dim, log),
        DType::F16 | DType::BF16 | DType::F32 => forward::<f32>(&out, &x, dim, log),
        other => fail!(NotImplemented, "\"softmax_lastdim_kernel_impl\" not implemented for '{}'", other.scalar_name()),
    }
}

fn forward<C: Real>(out: &Operand, x: &Operand, dim: usize, log: bool) -> Result<()> {
    same_sizes(out, x)?;
    map_lines::<C, 1, 2>(out, [x], dim, |[x], out| {
        let largest = tree::<C, Largest>(x);
        if log {
            shifted_exp(x, largest, out);
            let log_sum = tree::<C, Sum>(out).ln();
            subtract_both(x, largest, log_sum, out);
        } else {
            shifted_exp(x, largest, out);
            let sum = tree::<C, Sum>(out);
            divide(out, sum);
        }
    })
}

multiversion! {
    fn shifted_exp<C: Real>(x: &[C], shift: C, out: &mut [C]) {
        for (out, &x) in out.iter_mut().zip(x) {
            *out = x.minus(shift).exp();
        }
    }
}

multiversion! {
    fn divide<C: Real>(x: &mut [C], divisor: C) {
        for x in x {
            *x = x.over(divisor);
        }
    }
}

multiversion! {
    fn subtract_both<C: Real>(x: &[C], first: C, second: C, out: &mut [C]) {
        for (out, &x) in out.iter_mut().zip(x) {
            *out = x.minus(first).minus(second);
        }
    }
}

/// The gradient of [`softmax`] from `g`, that of its result `y`: `y (g - Σ g y)`, or `g - exp(y) Σ g` of the logarithm.
pub fn softmax_backward(gx: Operand, g: Operand, y: Operand, dim: usize, log: bool) -> Result<()> {
    match y.dtype() {
        DType::F64 => backward::<f64>(&gx, &g, &y, dim, log),
        DType::F16 | DType::BF16 | DType::F32 => backward::<f32>(&gx, &g, &y, dim, log),
        other => fail!(NotImplemented, "\"softmax_backward\" not implemented for '{}'", other.scalar_name()),
    }
}

fn backward<C: Real>(gx: &Operand, g: &Operand, y: &Operand, dim: usize, log: bool) -> Result<()> {
    same_sizes(gx, y)?;
    same_sizes(g, y)?;
    map_lines::<C, 2, 3>(gx, [g, y], dim, |[g, y], gx| {
        if log {
            let sum = tree::<C, Sum>(g);
            log_gradient(g, y, sum, gx);
        } else {
            multiply(g, y, gx);
            let sum = tree::<C, Sum>(gx);
            gradient(g, y, sum, gx);
        }
    })
}

multiversion! {
    fn multiply<C: Real>(x: &[C], y: &[C], out: &mut [C]) {
        for ((out, &x), &y) in out.iter_mut().zip(x).zip(y) {
            *out = x.times(y);
        }
    }
}

multiversion! {
    fn gradient<C: Real>(g: &[C], y: &[C], sum: C, gx: &mut [C]) {
        for ((gx, &g), &y) in gx.iter_mut().zip(g).zip(y) {
            *gx = g.minus(sum).times(y);
        }
    }
}

multiversion! {
    fn log_gradient<C: Real>(g: &[C], y: &[C], sum: C, gx: &mut [C]) {
        for ((gx, &g), &y) in gx.iter_mut().zip(g).zip(y) {
            *gx = g.minus(y.exp().times(sum));
        }
    }
}

pub(crate) fn same_sizes(a: &Operand, b: &Operand) -> Result<()> {
    if a.sizes() == b.sizes() {
        return Ok(());
    }
    fail!(Runtime, "sizes {:?} and {:?} differ", a.sizes(), b.sizes())
}
