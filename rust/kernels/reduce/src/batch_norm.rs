//! Batch normalisation (Ioffe and Szegedy, 2015), forward and backward.

use crate::fold::{Same, Sum, fold, reduced_count};
use crate::lines::{GRAIN, address, buffer, line_of, read_line, same_sizes, write_line};
use crate::norm::{apart, by_real, vector, write_vector};
use crate::number::{Number, Real};
use crate::reduce::{Reduce, real, var};
use crate::source::{Map, Mapped, Reader};
use corten_base::alloc::filled;
use corten_base::pool::try_parallel_for;
use corten_base::scratch::Scratch;
use corten_base::{DType, Operand, Result, fail, multiversion};
use corten_strided::Dims;

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
    let (samples, channels, length) = (samples as usize, channels as usize, length as usize);
    if samples * channels * length == 0 {
        return Ok(());
    }
    // Lines of a sample's channels where they have one pixel each or lie side by side, else of a channel's pixels.
    let beside = |o: &Operand| o.strides()[1] == 1 || channels == 1;
    let across = channels > 1 && (length == 1 || (beside(out) && beside(x) && y.is_none_or(beside)));
    let (along, width) = if across { (1, channels) } else { (2, length) };
    let other = 3 - along;
    let (lines, count) = (out.sizes()[other] as usize, samples * out.sizes()[other] as usize);
    let line_at = |o: &Operand, line: usize| {
        let s = o.strides();
        let offset = (line / lines) as isize * s[0] as isize + (line % lines) as isize * s[other] as isize;
        address(o, offset)
    };
    let flat = |o: &Operand| {
        let s = o.strides();
        o.dtype() == C::DTYPE && s[2] == 1 && s[1] == length as i64 && s[0] == (channels * length) as i64
    };
    // Many lines at a time where all of them lie one behind the other.
    let joined = !across && flat(out) && flat(x) && y.is_none_or(flat);
    let (to, from) = (line_of(out, along)?, line_of(x, along)?);
    let second = y.map(|y| Ok((y, line_of(y, along)?))).transpose()?;
    try_parallel_for(count, (GRAIN / width).max(1), &|range| {
        if joined {
            let (at, numbers) = (range.start * length, range.len() * length);
            let from = |o: &Operand| o.ptr().cast::<C>().wrapping_add(at);
            // SAFETY: the lines of the operands, which lie one behind the other; `out` is none of the others.
            unsafe {
                let y = y.map_or(&[][..], |y| std::slice::from_raw_parts(from(y), numbers));
                let x = std::slice::from_raw_parts(from(x), numbers);
                let out = std::slice::from_raw_parts_mut(from(out), numbers);
                combine_lines(out, x, y, length, range.start % channels, coefficients);
            }
            return Ok(());
        }
        let (mut line, mut result) = (buffer(x, from)?, buffer(out, to)?);
        let mut other = second.map_or_else(|| Scratch::filled(C::ZERO, 0), |(y, line)| buffer(y, line))?;
        for i in range {
            // SAFETY: lines of the operands; `out` is none of the others.
            unsafe {
                write_line(out, line_at(out, i), to, &mut result, |result| {
                    let x = read_line(x, line_at(x, i), from, &mut line);
                    let y = second.map_or(&[][..], |(y, line)| read_line(y, line_at(y, i), line, &mut other));
                    if across {
                        combine_channels(result, x, y, coefficients)
                    } else {
                        combine_lines(result, x, y, length, i % channels, coefficients)
                    }
                });
            }
        }
        Ok(())
    })
}

/// `(x - center) · scale + shift + factor · y`.
#[inline(always)]
fn combined<C: Real>(x: C, y: C, [center, scale, shift, factor]: [C; 4]) -> C {
    y.mul_add(factor, x.minus(center).mul_add(scale, shift))
}

multiversion! {
    /// Combines lines of `length` pixels, the first of channel `first`; without `y` if that is empty.
    fn combine_lines<C: Real>(
        out: &mut [C],
        x: &[C],
        y: &[C],
        length: usize,
        first: usize,
        coefficients: [&[C]; 4],
    ) {
        let channels = coefficients[0].len();
        for (i, (out, x)) in out.chunks_mut(length).zip(x.chunks(length)).enumerate() {
            let [center, scale, shift, factor] = coefficients.map(|c| c[(first + i) % channels]);
            if y.is_empty() {
                out.iter_mut().zip(x).for_each(|(out, &x)| *out = x.minus(center).mul_add(scale, shift));
            } else {
                for ((out, &x), &y) in out.iter_mut().zip(x).zip(&y[i * length..]) {
                    *out = combined(x, y, [center, scale, shift, factor]);
                }
            }
        }
    }
}

multiversion! {
    /// Combines the channels of a pixel; without `y` if that is empty.
    fn combine_channels<C: Real>(out: &mut [C], x: &[C], y: &[C], coefficients: [&[C]; 4]) {
        let [center, scale, shift, factor] = coefficients;
        let each = out.iter_mut().zip(x).zip(center).zip(scale).zip(shift);
        if y.is_empty() {
            each.for_each(|((((out, &x), &a), &b), &c)| *out = x.minus(a).mul_add(b, c));
        } else {
            let each = each.zip(y).zip(factor);
            each.for_each(|((((((out, &x), &a), &b), &c), &y), &d)| *out = combined(x, y, [a, b, c, d]));
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
            // SAFETY: elements of the two operands.
            unsafe {
                C::load(variance.dtype(), address(&variance, from), 1, &mut one);
                one[0] = 1.0 / (one[0] + eps as C).sqrt();
                C::store(out.dtype(), address(&out, to), 1, &one);
            }
        });
        Ok(())
    })
}
