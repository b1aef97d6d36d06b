//! Layer and batch normalisation (Ba et al., 2016; Ioffe and Szegedy, 2015), forward and backward.

use crate::drive::{fold, reduced_count};
use crate::fold::{Same, SquaredDifference, Sum, tree, tree_of};
use crate::lines::{buffer, line_of, read_line, write_line};
use crate::number::{Number, Real};
use crate::reduce::{Reduce, real, var};
use crate::softmax::same_sizes;
use crate::source::{Map, Mapped, Reader};
use corten_base::alloc::filled;
use corten_base::pool::try_parallel_for;
use corten_base::{DType, Operand, Result, fail, multiversion};
use corten_strided::Dims;

/// Elements a task should have at least.
const GRAIN: usize = 16_384;
/// Rows whose gradients of weights are summed in order, before the sums of such runs are.
const RUN: usize = 64;

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

/// A vector of `length` elements as numbers, or all `default`.
fn vector<C: Number>(x: Option<&Operand>, length: usize, default: C) -> Result<Vec<C>> {
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

fn write_vector<C: Number>(out: &Operand, values: &[C]) -> Result<()> {
    if out.sizes() != [values.len() as i64] {
        fail!(Runtime, "expected sizes [{}], but got {:?}", values.len(), out.sizes());
    }
    // SAFETY: the elements of `out`.
    unsafe { C::store(out.dtype(), out.ptr(), out.strides()[0] as isize, values) };
    Ok(())
}

/// Address of row i of a matrix.
fn row_of(x: &Operand, i: usize) -> *mut u8 {
    x.ptr().wrapping_offset(i as isize * x.strides()[0] as isize * x.dtype().size() as isize)
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
    let shared = (Shared(means.as_mut_ptr()), Shared(rstds.as_mut_ptr()));
    let count = C::from_f64(columns as f64);
    try_parallel_for(rows, (GRAIN / columns.max(1)).max(1), &|range| {
        let shared = &shared;
        let (from, to) = (line_of(x, 1)?, line_of(out, 1)?);
        let (mut line, mut result) = (buffer(x, from)?, buffer(out, to)?);
        for i in range {
            // SAFETY: row i of `x`.
            let line = unsafe { read_line(x, row_of(x, i), from, &mut line) };
            let mean = tree::<C, Sum>(line).over(count);
            let variance = tree_of::<C, Sum, SquaredDifference>(line, mean).over(count);
            let rstd = C::ONE.over(variance.plus(C::from_f64(eps)).sqrt());
            // SAFETY: row i of `out`, and each row's own place in the statistics.
            unsafe {
                write_line(out, row_of(out, i), to, &mut result, |result| {
                    normalise(line, [mean, rstd], &weight, &bias, result)
                });
                shared.0.0.add(i).write(mean);
                shared.1.0.add(i).write(rstd);
            }
        }
        Ok(())
    })?;
    write_vector(mean, &means)?;
    write_vector(rstd, &rstds)
}

/// A result must be no input: it is written while inputs are read.
fn apart<const N: usize>(out: &Operand, inputs: [&Operand; N]) -> Result<()> {
    if inputs.iter().any(|x| x.ptr() == out.ptr() && x.numel() > 0) {
        fail!(Runtime, "a normalisation cannot write its result to its input");
    }
    Ok(())
}

struct Shared<C>(*mut C);
// SAFETY: tasks write disjoint places.
unsafe impl<C> Sync for Shared<C> {}

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
    let shared = Shared(partial.as_mut_ptr());
    try_parallel_for(runs, (GRAIN / (RUN * columns).max(1)).max(1), &|range| {
        let shared = &shared;
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
                let sums = unsafe { std::slice::from_raw_parts_mut(shared.0.add(i / RUN * 2 * columns), 2 * columns) };
                let (gw, gb) = sums.split_at_mut(columns);
                accumulate(grad, line, gw, gb);
            }
            product(grad, &weight, scaled);
            let sum = tree::<C, Sum>(scaled).over(count);
            product(scaled, line, work);
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
    fn product<C: Real>(x: &[C], y: &[C], out: &mut [C]) {
        for ((out, &x), &y) in out.iter_mut().zip(x).zip(y) {
            *out = x.times(y);
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

/// Coefficients of `(x - center) · scale + shift + factor · y` for the elements of a row.
trait Coefficients<C>: Copy {
    /// `[center, scale, shift, factor]` of each element in turn.
    fn each(self) -> impl Iterator<Item = [C; 4]>;
}

/// One for all.
impl<C: Copy> Coefficients<C> for [C; 4] {
    #[inline(always)]
    fn each(self) -> impl Iterator<Item = [C; 4]> {
        std::iter::repeat(self)
    }
}

/// Each has its own.
impl<C: Copy> Coefficients<C> for [&[C]; 4] {
    #[inline(always)]
    fn each(self) -> impl Iterator<Item = [C; 4]> {
        let [a, b, c, d] = self;
        a.iter().zip(b).zip(c).zip(d).map(|(((&a, &b), &c), &d)| [a, b, c, d])
    }
}

/// `out = (x - center) · scale + shift + factor · y` with one coefficient a channel, for operands of N × C × S. There may
/// be no `y`.
fn by_channel<C: Real>(out: &Operand, x: &Operand, y: Option<&Operand>, coefficients: [&[C]; 4]) -> Result<()> {
    same_sizes(out, x)?;
    apart(out, [x])?;
    if let Some(y) = y {
        same_sizes(out, y)?;
        apart(out, [y])?;
    }
    let &[samples, channels, length] = out.sizes() else {
        fail!(Runtime, "expected sizes N × C × S, but got {:?}", out.sizes());
    };
    let pixels = channels > 1 && length == 1;
    // Each row is a channel's pixels, or a sample's channels where they have one pixel each.
    let (rows, width) = if pixels { (samples, channels) } else { (samples * channels, length) };
    let (rows, width, channels) = (rows as usize, width as usize, channels as usize);
    let row_of = |o: &Operand, row: usize| {
        let s = o.strides();
        let offset = if pixels {
            row as isize * s[0] as isize
        } else {
            (row / channels) as isize * s[0] as isize + (row % channels) as isize * s[1] as isize
        };
        o.ptr().wrapping_offset(offset * o.dtype().size() as isize)
    };
    let along = if pixels { 1 } else { 2 };
    let (to, from) = (line_of(out, along)?, line_of(x, along)?);
    let second = y.map(|y| Ok((y, line_of(y, along)?))).transpose()?;
    try_parallel_for(rows, (GRAIN / width.max(1)).max(1), &|range| {
        let (mut line, mut result) = (buffer(x, from)?, buffer(out, to)?);
        let mut other = second.map_or(Ok(Vec::new()), |(y, line)| buffer(y, line))?;
        for row in range {
            let channel = coefficients.map(|c| c[row % channels]);
            // SAFETY: rows of the operands; `out` is none of the others.
            unsafe {
                write_line(out, row_of(out, row), to, &mut result, |result| {
                    let x = read_line(x, row_of(x, row), from, &mut line);
                    if pixels {
                        combine(result, x, coefficients)
                    } else {
                        combine(result, x, channel)
                    }
                    if let Some((y, line)) = second {
                        let y = read_line(y, row_of(y, row), line, &mut other);
                        if pixels { add_scaled(result, y, coefficients) } else { add_scaled(result, y, channel) }
                    }
                });
            }
        }
        Ok(())
    })
}

multiversion! {
    fn combine<C: Real, K: Coefficients<C>>(out: &mut [C], x: &[C], coefficients: K) {
        for ((out, &x), [center, scale, shift, _]) in out.iter_mut().zip(x).zip(coefficients.each()) {
            *out = x.minus(center).mul_add(scale, shift);
        }
    }
}

multiversion! {
    fn add_scaled<C: Real, K: Coefficients<C>>(out: &mut [C], y: &[C], coefficients: K) {
        for ((out, &y), [.., factor]) in out.iter_mut().zip(y).zip(coefficients.each()) {
            *out = y.mul_add(factor, *out);
        }
    }
}

/// The statistics that [`batch_norm`] takes in training: each channel's mean and biased variance of `x` (N × C × S), both
/// of sizes 1 × C × 1.
pub fn batch_statistics(mean: Operand, variance: Operand, x: Operand) -> Result<()> {
    var(variance, Some(mean), x, 0.0, false)
}

/// Normalises each channel of `x` (N × C × S): `(x - mean) · rstd · weight + bias`; all but `x` and `out` have one
/// element a channel.
pub fn batch_norm(
    out: Operand,
    x: Operand,
    mean: Operand,
    rstd: Operand,
    weight: Option<Operand>,
    bias: Option<Operand>,
) -> Result<()> {
    by_real!(x.dtype(), C => {
        let channels = channels(&x)?;
        let (mean, rstd) = (vector::<C>(Some(&mean), channels, 0.0)?, vector::<C>(Some(&rstd), channels, 0.0)?);
        let weight = vector::<C>(weight.as_ref(), channels, 1.0)?;
        let bias = vector::<C>(bias.as_ref(), channels, 0.0)?;
        let scale: Vec<C> = rstd.iter().zip(&weight).map(|(r, w)| r * w).collect();
        by_channel::<C>(&out, &x, None, [&mean, &scale, &bias, &filled(0.0, channels)?])
    })
}

fn channels(x: &Operand) -> Result<usize> {
    match x.sizes() {
        &[_, channels, _] => Ok(channels as usize),
        sizes => fail!(Runtime, "expected sizes N × C × S, but got {sizes:?}"),
    }
}

/// The gradients of [`batch_norm`] from `g`, that of its result. In `training` mean and rstd are functions of `x`.
pub fn batch_norm_backward(
    gx: Option<Operand>,
    gw: Option<Operand>,
    gb: Option<Operand>,
    g: Operand,
    x: Operand,
    mean: Operand,
    rstd: Operand,
    weight: Option<Operand>,
    training: bool,
) -> Result<()> {
    by_real!(x.dtype(), C => batch_norm_backward_in::<C>([gx, gw, gb], g, x, [mean, rstd], weight, training))
}

fn batch_norm_backward_in<C: Mapped + Real>(
    [gx, gw, gb]: [Option<Operand>; 3],
    g: Operand,
    x: Operand,
    [mean, rstd]: [Operand; 2],
    weight: Option<Operand>,
    training: bool,
) -> Result<()> {
    same_sizes(&g, &x)?;
    let channels = channels(&x)?;
    let means = vector::<C>(Some(&mean), channels, C::ZERO)?;
    let rstd = vector::<C>(Some(&rstd), channels, C::ZERO)?;
    let weight = vector::<C>(weight.as_ref(), channels, C::ONE)?;
    let (mut sums, mut dots) = (filled(C::ZERO, channels)?, filled(C::ZERO, channels)?);
    let sizes = [1, channels as i64, 1];
    let strides = [0, 1, 0];
    let per_channel = Operand::new(corten_base::Memory::from_slice(&mut sums), C::DTYPE, 0, &sizes, &strides)?;
    real::<C>(Reduce::Sum, &per_channel, Reader::of(g, Map::Same))?;
    let count = C::from_f64(reduced_count(&per_channel, &x) as f64);
    let mut centers = means.clone();
    let center = Operand::new(corten_base::Memory::from_slice(&mut centers), C::DTYPE, 0, x.sizes(), &strides)?;
    let dot = Operand::new(corten_base::Memory::from_slice(&mut dots), C::DTYPE, 0, &sizes, &strides)?;
    fold::<C, Sum, Same>(&dot, &Reader { x: g, y: Some(x), center: Some(center), map: Map::Product }, |v| v)?;
    if let Some(gx) = gx {
        let each = |f: &dyn Fn(usize) -> C| (0..channels).map(f).collect::<Vec<C>>();
        let a = each(&|k| rstd[k].times(weight[k]));
        let zero = C::ZERO;
        let (b, d) = if training {
            let b = each(&|k| zero.minus(a[k].times(rstd[k]).times(rstd[k]).times(dots[k]).over(count)));
            (b, each(&|k| zero.minus(a[k].times(sums[k]).over(count))))
        } else {
            (filled(zero, channels)?, filled(zero, channels)?)
        };
        by_channel::<C>(&gx, &x, Some(&g), [&means, &b, &d, &a])?;
    }
    if let Some(gw) = gw {
        let values: Vec<C> = dots.iter().zip(&rstd).map(|(d, &r)| d.times(r)).collect();
        write_vector(&gw, &values)?;
    }
    gb.map_or(Ok(()), |gb| write_vector(&gb, &sums))
}

/// `1/√(variance + eps)` of each element of `variance`, into `out` of its sizes.
pub fn reciprocal_deviation(out: Operand, variance: Operand, eps: f64) -> Result<()> {
    same_sizes(&out, &variance)?;
    by_real!(variance.dtype(), C => {
        let dims = Dims::new(out.sizes(), [out.strides(), variance.strides()]);
        dims.walk(0..dims.numel(), |[to, from]| {
            let mut one = [C::default()];
            let at = |o: &Operand, offset: isize| o.ptr().wrapping_offset(offset * o.dtype().size() as isize);
            // SAFETY: elements of the two operands.
            unsafe {
                C::load(variance.dtype(), at(&variance, from), 1, &mut one);
                one[0] = 1.0 / (one[0] + eps as C).sqrt();
                C::store(out.dtype(), at(&out, to), 1, &one);
            }
        });
        Ok(())
    })
}
