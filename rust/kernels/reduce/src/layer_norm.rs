//! Layer normalisation (Ba et al., 2016), forward and backward.

use crate::fold::{SquaredDifference, Sum, tree, tree_of};
use crate::lines::{GRAIN, address, buffer, line_of, read_line, same_sizes, write_line};
use crate::norm::{apart, by_real, vector, write_vector};
use crate::number::Real;
use crate::rows::multiply;
use crate::shared::Shared;
use corten_base::alloc::filled;
use corten_base::pool::try_parallel_for;
use corten_base::{DType, Operand, Result, fail, multiversion};

/// Rows whose gradients of weights are summed in order, before the sums of such runs are.
const RUN: usize = 64;

/// Address of row i of a matrix.
fn row_of(x: &Operand, i: usize) -> *mut u8 {
    address(x, i as isize * x.strides()[0] as isize)
}

fn matrix(x: &Operand) -> Result<(usize, usize)> {
    match x.sizes() {
        &[rows, columns] => Ok((rows as usize, columns as usize)),
        sizes => fail!(Runtime, "expected rows and columns, but got sizes {sizes:?}"),
    }
}

/// Normalises each row of `x` (rows × columns): `(x - mean) · rstd · weight + bias` with `rstd = 1/√(variance + eps)`.
/// `mean` and `rstd` receive the rows' statistics; weight and bias have one element a column.
pub fn layer_norm(
    out: Operand,
    mean: Operand,
    rstd: Operand,
    x: Operand,
    weight: Option<Operand>,
    bias: Option<Operand>,
    eps: f64,
) -> Result<()> {
    by_real!(x.dtype(), C => layer_norm_in::<C>(&out, &mean, &rstd, &x, weight.as_ref(), bias.as_ref(), eps))
}

fn layer_norm_in<C: Real>(
    out: &Operand,
    mean: &Operand,
    rstd: &Operand,
    x: &Operand,
    weight: Option<&Operand>,
    bias: Option<&Operand>,
    eps: f64,
) -> Result<()> {
    let (rows, columns) = matrix(x)?;
    same_sizes(out, x)?;
    apart(out, [x])?;
    let (weight, bias) = (vector(weight, columns, C::ONE)?, vector(bias, columns, C::ZERO)?);
    let (mut means, mut rstds) = (filled(C::ZERO, rows)?, filled(C::ZERO, rows)?);
    let (all_means, all_rstds) = (Shared::new(&mut means), Shared::new(&mut rstds));
    let count = C::from_f64(columns as f64);
    try_parallel_for(rows, (GRAIN / columns.max(1)).max(1), &|range| {
        // SAFETY: each row has its own place in the statistics.
        let (means, rstds) = unsafe { (all_means.part(&range), all_rstds.part(&range)) };
        let (from, to) = (line_of(x, 1)?, line_of(out, 1)?);
        let (mut line, mut result) = (buffer(x, from)?, buffer(out, to)?);
        for ((i, mean_of_row), rstd_of_row) in range.zip(means).zip(rstds) {
            // SAFETY: row i of `x`.
            let line = unsafe { read_line(x, row_of(x, i), from, &mut line) };
            let mean = tree::<C, Sum>(line).over(count);
            let variance = tree_of::<C, Sum, SquaredDifference>(line, mean).over(count);
            let rstd = C::ONE.over(variance.plus(C::from_f64(eps)).sqrt());
            // SAFETY: row i of `out`.
            unsafe {
                write_line(out, row_of(out, i), to, &mut result, |result| {
                    normalise(line, [mean, rstd], &weight, &bias, result)
                });
            }
            (*mean_of_row, *rstd_of_row) = (mean, rstd);
        }
        Ok(())
    })?;
    write_vector(mean, &means)?;
    write_vector(rstd, &rstds)
}

multiversion! {
    fn normalise<C: Real>(x: &[C], statistics: [C; 2], weight: &[C], bias: &[C], out: &mut [C]) {
        let [mean, rstd] = statistics;
        for (((out, &x), &w), &b) in out.iter_mut().zip(x).zip(weight).zip(bias) {
            *out = x.minus(mean).times(rstd).mul_add(w, b);
        }
    }
}

/// The gradients of [`layer_norm`] from `g`, that of its result; those of weight and bias are optional.
pub fn layer_norm_backward(
    gx: Operand,
    gw: Option<Operand>,
    gb: Option<Operand>,
    g: Operand,
    x: Operand,
    mean: Operand,
    rstd: Operand,
    weight: Option<Operand>,
) -> Result<()> {
    by_real!(x.dtype(), C => layer_norm_backward_in::<C>(&gx, [gw, gb], &g, &x, [&mean, &rstd], weight.as_ref()))
}

fn layer_norm_backward_in<C: Real>(
    gx: &Operand,
    gradients: [Option<Operand>; 2],
    g: &Operand,
    x: &Operand,
    statistics: [&Operand; 2],
    weight: Option<&Operand>,
) -> Result<()> {
    let (rows, columns) = matrix(x)?;
    same_sizes(gx, x)?;
    same_sizes(g, x)?;
    let weight = vector(weight, columns, C::ONE)?;
    let (means, rstds) = (vector(Some(statistics[0]), rows, C::ZERO)?, vector(Some(statistics[1]), rows, C::ZERO)?);
    let (count, runs) = (C::from_f64(columns as f64), rows.div_ceil(RUN));
    let wanted = gradients.iter().any(Option::is_some);
    let mut partial = filled(C::ZERO, if wanted { 2 * runs * columns } else { 0 })?;
    let shared = Shared::new(&mut partial);
    try_parallel_for(runs, (GRAIN / (RUN * columns).max(1)).max(1), &|range| {
        let mut buffers = filled(C::ZERO, 4 * columns)?;
        let (line, rest) = buffers.split_at_mut(columns);
        let (grad, rest) = rest.split_at_mut(columns);
        let (scaled, work) = rest.split_at_mut(columns);
        for i in range.start * RUN..(range.end * RUN).min(rows) {
            // SAFETY: row i of `x` and of `g`.
            unsafe {
                C::load(x.dtype(), row_of(x, i), x.strides()[1] as isize, line);
                C::load(g.dtype(), row_of(g, i), g.strides()[1] as isize, grad);
            }
            standardize(line, means[i], rstds[i]);
            if wanted {
                // SAFETY: each run has its own sums in `partial`, which outlives the loop.
                let sums = unsafe { shared.part(&(i / RUN * 2 * columns..(i / RUN + 1) * 2 * columns)) };
                let (gw, gb) = sums.split_at_mut(columns);
                accumulate(grad, line, gw, gb);
            }
            multiply(grad, &weight, scaled);
            let sum = tree::<C, Sum>(scaled).over(count);
            multiply(scaled, line, work);
            let dot = tree::<C, Sum>(work).over(count);
            finish(scaled, line, sum, dot, rstds[i]);
            // SAFETY: row i of `gx`.
            unsafe { C::store(gx.dtype(), row_of(gx, i), gx.strides()[1] as isize, scaled) };
        }
        Ok(())
    })?;
    if wanted {
        let mut totals = filled(C::ZERO, 2 * columns)?;
        for run in partial.chunks(2 * columns.max(1)) {
            totals.iter_mut().zip(run).for_each(|(total, &sum)| *total = total.plus(sum));
        }
        let [gw, gb] = gradients;
        gw.map_or(Ok(()), |gw| write_vector(&gw, &totals[..columns]))?;
        gb.map_or(Ok(()), |gb| write_vector(&gb, &totals[columns..]))?;
    }
    Ok(())
}

multiversion! {
    fn standardize<C: Real>(x: &mut [C], mean: C, rstd: C) {
        for x in x {
            *x = x.minus(mean).times(rstd);
        }
    }
}

multiversion! {
    fn accumulate<C: Real>(g: &[C], x: &[C], gw: &mut [C], gb: &mut [C]) {
        for (((&g, &x), gw), gb) in g.iter().zip(x).zip(gw).zip(gb) {
            *gw = g.mul_add(x, *gw);
            *gb = gb.plus(g);
        }
    }
}

multiversion! {
    fn finish<C: Real>(scaled: &mut [C], x: &[C], sum: C, dot: C, rstd: C) {
        for (scaled, &x) in scaled.iter_mut().zip(x) {
            *scaled = scaled.minus(sum).minus(x.times(dot)).times(rstd);
        }
    }
}
