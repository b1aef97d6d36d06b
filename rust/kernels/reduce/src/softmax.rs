//! Softmax and log-softmax along a dimension, and their gradients.

use crate::abreast::{ABREAST, map_abreast};
use crate::columns::{Rows, RowsMut, WIDTH, map_columns};
use crate::fold::{ExpDifference, LEVELS, Largest, Same, Sum, Tower, Tree, join_row, leaf_abreast, tree, tree_of};
use crate::lines::{LINES, line_of, map_lines, same_sizes};
use crate::number::Real;
use crate::rows::multiply;
use corten_base::{DType, Operand, Result, multiversion};

/// softmax(x) along `dim`, or its logarithm.
pub fn softmax(out: Operand, x: Operand, dim: usize, log: bool) -> Result<()> {
    match x.dtype() {
        DType::F64 => forward::<f64>(&out, &x, dim, log),
        DType::F16 | DType::BF16 | DType::F32 => forward::<f32>(&out, &x, dim, log),
        other => other.unsupported("softmax_lastdim_kernel_impl"),
    }
}

fn forward<C: Real>(out: &Operand, x: &Operand, dim: usize, log: bool) -> Result<()> {
    same_sizes(out, x)?;
    if map_columns::<C, 1, 2>(out, [x], dim, |[x], out| forward_columns(x, out, log))?
        || map_abreast::<C, 1, 2>(out, [x], dim, |[x], out| forward_abreast(x, out, log))?
    {
        return Ok(());
    }
    let length = line_of(x, dim)?.size;
    map_lines::<C, 1, 2>(out, [x], dim, |[x], out| {
        // Step by step for all lines, so that none waits for the end of the one before it.
        let (mut largest, mut sums) = ([C::ZERO; LINES], [C::ZERO; LINES]);
        let (largest, sums) = (&mut largest[..x.len() / length], &mut sums[..x.len() / length]);
        for (largest, x) in largest.iter_mut().zip(x.chunks_exact(length)) {
            *largest = tree::<C, Largest>(x);
        }
        if log {
            for ((sum, &largest), x) in sums.iter_mut().zip(&*largest).zip(x.chunks_exact(length)) {
                *sum = tree_of::<C, Sum, ExpDifference>(x, largest);
            }
            to_logarithms(sums);
            for (((x, out), &largest), &sum) in
                x.chunks_exact(length).zip(out.chunks_exact_mut(length)).zip(&*largest).zip(&*sums)
            {
                subtract_both(x, largest, sum, out);
            }
        } else {
            for ((x, out), &largest) in x.chunks_exact(length).zip(out.chunks_exact_mut(length)).zip(&*largest) {
                shifted_exp(x, largest, out);
            }
            for (out, sum) in out.chunks_exact_mut(length).zip(&mut *sums) {
                *sum = tree::<C, Sum>(out);
            }
            for (out, &sum) in out.chunks_exact_mut(length).zip(&*sums) {
                divide(out, sum);
            }
        }
    })
}

fn forward_columns<C: Real>(x: Rows<C>, mut out: RowsMut<C>, log: bool) {
    let width = x.width();
    let mut largest = [C::LOWEST; WIDTH];
    let largest = &mut largest[..width];
    for place in 0..x.count() {
        join_row::<C, Largest>(largest, x.row(place));
    }
    let (tree, mut room) = (Tree::new::<Sum, Same>(), [C::ZERO; LEVELS * WIDTH]);
    let mut sums = Tower::new(&tree, &mut room, width);
    for place in 0..x.count() {
        if log {
            add_exp(x.row(place), largest, sums.run(1));
        } else {
            exp_and_add(x.row(place), largest, out.row(place), sums.run(1));
        }
    }
    let sums = sums.finish();
    if log {
        to_logarithms(sums);
    }
    for place in 0..x.count() {
        if log {
            subtract_rows(x.row(place), largest, sums, out.row(place));
        } else {
            divide_row(out.row(place), sums);
        }
    }
}

multiversion! {
    fn forward_abreast<C: Real>(x: &[[C; ABREAST]], out: &mut [[C; ABREAST]], log: bool) {
        let largest = leaf_abreast::<C, Largest, Same, ABREAST>(x, &[C::ZERO; ABREAST]);
        if log {
            let logarithms = leaf_abreast::<C, Sum, ExpDifference, ABREAST>(x, &largest).map(C::ln);
            for (x, out) in x.iter().zip(out) {
                for i in 0..ABREAST {
                    out[i] = x[i].minus(largest[i]).minus(logarithms[i]);
                }
            }
        } else {
            for (x, out) in x.iter().zip(&mut *out) {
                for i in 0..ABREAST {
                    out[i] = x[i].minus(largest[i]).exp();
                }
            }
            let sums = leaf_abreast::<C, Sum, Same, ABREAST>(out, &largest);
            for out in out {
                for i in 0..ABREAST {
                    out[i] = out[i].over(sums[i]);
                }
            }
        }
    }
}

multiversion! {
    fn add_exp<C: Real>(x: &[C], shift: &[C], sums: &mut [C]) {
        for ((&x, &shift), sum) in x.iter().zip(shift).zip(sums) {
            *sum = sum.plus(x.minus(shift).exp());
        }
    }
}

multiversion! {
    fn exp_and_add<C: Real>(x: &[C], shift: &[C], out: &mut [C], sums: &mut [C]) {
        for (((&x, &shift), out), sum) in x.iter().zip(shift).zip(out).zip(sums) {
            *out = x.minus(shift).exp();
            *sum = sum.plus(*out);
        }
    }
}

multiversion! {
    fn to_logarithms<C: Real>(sums: &mut [C]) {
        for sum in sums {
            *sum = sum.ln();
        }
    }
}

multiversion! {
    fn divide_row<C: Real>(x: &mut [C], divisors: &[C]) {
        for (x, &divisor) in x.iter_mut().zip(divisors) {
            *x = x.over(divisor);
        }
    }
}

multiversion! {
    fn subtract_rows<C: Real>(x: &[C], first: &[C], second: &[C], out: &mut [C]) {
        for (((&x, &first), &second), out) in x.iter().zip(first).zip(second).zip(out) {
            *out = x.minus(first).minus(second);
        }
    }
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
        other => other.unsupported("softmax_backward"),
    }
}

fn backward<C: Real>(gx: &Operand, g: &Operand, y: &Operand, dim: usize, log: bool) -> Result<()> {
    same_sizes(gx, y)?;
    same_sizes(g, y)?;
    if map_columns::<C, 2, 3>(gx, [g, y], dim, |[g, y], gx| backward_columns(g, y, gx, log))?
        || map_abreast::<C, 2, 3>(gx, [g, y], dim, |[g, y], gx| backward_abreast(g, y, gx, log))?
    {
        return Ok(());
    }
    let length = line_of(y, dim)?.size;
    map_lines::<C, 2, 3>(gx, [g, y], dim, |[g, y], gx| {
        let mut sums = [C::ZERO; LINES];
        let lines = || g.chunks_exact(length).zip(y.chunks_exact(length));
        for (((g, y), gx), sum) in lines().zip(gx.chunks_exact_mut(length)).zip(&mut sums) {
            *sum = if log {
                tree::<C, Sum>(g)
            } else {
                multiply(g, y, gx);
                tree::<C, Sum>(gx)
            };
        }
        for (((g, y), gx), &sum) in lines().zip(gx.chunks_exact_mut(length)).zip(&sums) {
            if log { log_gradient(g, y, sum, gx) } else { gradient(g, y, sum, gx) }
        }
    })
}

fn backward_columns<C: Real>(g: Rows<C>, y: Rows<C>, mut gx: RowsMut<C>, log: bool) {
    let (tree, mut room) = (Tree::new::<Sum, Same>(), [C::ZERO; LEVELS * WIDTH]);
    let mut sums = Tower::new(&tree, &mut room, g.width());
    for place in 0..g.count() {
        if log {
            join_row::<C, Sum>(sums.run(1), g.row(place));
        } else {
            add_product(g.row(place), y.row(place), sums.run(1));
        }
    }
    let sums = sums.finish();
    for place in 0..g.count() {
        if log {
            log_gradient_row(g.row(place), y.row(place), sums, gx.row(place));
        } else {
            gradient_row(g.row(place), y.row(place), sums, gx.row(place));
        }
    }
}

multiversion! {
    fn backward_abreast<C: Real>(g: &[[C; ABREAST]], y: &[[C; ABREAST]], gx: &mut [[C; ABREAST]], log: bool) {
        if log {
            let sums = leaf_abreast::<C, Sum, Same, ABREAST>(g, &[C::ZERO; ABREAST]);
            for ((g, y), gx) in g.iter().zip(y).zip(gx) {
                for i in 0..ABREAST {
                    gx[i] = g[i].minus(y[i].exp().times(sums[i]));
                }
            }
        } else {
            for ((g, y), gx) in g.iter().zip(y).zip(&mut *gx) {
                for i in 0..ABREAST {
                    gx[i] = g[i].times(y[i]);
                }
            }
            let sums = leaf_abreast::<C, Sum, Same, ABREAST>(gx, &[C::ZERO; ABREAST]);
            for ((g, y), gx) in g.iter().zip(y).zip(gx) {
                for i in 0..ABREAST {
                    gx[i] = g[i].minus(sums[i]).times(y[i]);
                }
            }
        }
    }
}

multiversion! {
    fn add_product<C: Real>(x: &[C], y: &[C], sums: &mut [C]) {
        for ((&x, &y), sum) in x.iter().zip(y).zip(sums) {
            *sum = x.mul_add(y, *sum);
        }
    }
}

multiversion! {
    fn gradient_row<C: Real>(g: &[C], y: &[C], sums: &[C], gx: &mut [C]) {
        for (((&g, &y), &sum), gx) in g.iter().zip(y).zip(sums).zip(gx) {
            *gx = g.minus(sum).times(y);
        }
    }
}

multiversion! {
    fn log_gradient_row<C: Real>(g: &[C], y: &[C], sums: &[C], gx: &mut [C]) {
        for (((&g, &y), &sum), gx) in g.iter().zip(y).zip(sums).zip(gx) {
            *gx = g.minus(y.exp().times(sum));
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
