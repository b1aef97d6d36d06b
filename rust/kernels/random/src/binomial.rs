//! Counts of successes.

use crate::fill::check_float;
use crate::generator::Generator;
use corten_base::element::Cast;
use corten_base::{Operand, Result, fail, with_dtype};
use corten_strided::Dims;

/// How many of `count` tries, each of probability `prob`, succeed. All three have the same sizes.
pub fn binomial(out: Operand, count: Operand, prob: Operand, generator: &mut Generator) -> Result<()> {
    check_float("binomial_cpu", count.dtype())?;
    check_float("binomial_cpu", prob.dtype())?;
    if out.sizes() != count.sizes() || out.sizes() != prob.sizes() {
        fail!(Runtime, "binomial expects equal sizes, got {:?} and {:?}", count.sizes(), prob.sizes());
    }
    let strides = [out.strides(), count.strides(), prob.strides()];
    let dims = Dims::new(out.sizes(), strides).sorted().coalesced();
    let read = |x: &Operand, offset: isize| {
        with_dtype!(x.dtype(), T => {
            // SAFETY: the offsets of `dims` lie inside the operands.
            let element = unsafe { x.ptr().cast::<T>().offset(offset).read() };
            Cast::<f64>::cast(element)
        })
    };
    dims.walk(0..dims.numel(), |[to, tries, chance]| {
        let value = one(read(&count, tries), read(&prob, chance), generator);
        // SAFETY: as above.
        with_dtype!(out.dtype(), T => unsafe { out.ptr().cast::<T>().offset(to).write(value.cast()) });
    });
    Ok(())
}

fn one(count: f64, prob: f64, generator: &mut Generator) -> f64 {
    if count <= 0.0 || prob <= 0.0 {
        return 0.0;
    }
    if count.is_nan() || prob.is_nan() {
        return f64::NAN;
    }
    if prob >= 1.0 || count.is_infinite() {
        return count;
    }
    let rare = if prob <= 0.5 { prob } else { 1.0 - prob };
    let found = if count * rare >= 10.0 { rejected(count, rare, generator) } else { waited(count, rare, generator) };
    if prob <= 0.5 { found } else { count - found }
}

/// By the waiting times from one success to the next, which are geometric.
fn waited(count: f64, prob: f64, generator: &mut Generator) -> f64 {
    let log = libm::log1p(-prob);
    let (mut time, mut found) = (0.0, 0.0);
    loop {
        time += (libm::log(generator.uniform()) / log).ceil();
        if time > count || time.is_nan() {
            return found;
        }
        found += 1.0;
    }
}

/// By transformed rejection with squeeze (Hörmann 1993, "The generation of binomial random variates").
fn rejected(count: f64, prob: f64, generator: &mut Generator) -> f64 {
    let deviation = (count * prob * (1.0 - prob)).sqrt();
    let b = 1.15 + 2.53 * deviation;
    let a = -0.0873 + 0.0248 * b + 0.01 * prob;
    let centre = count * prob + 0.5;
    let accept = 0.92 - 4.2 / b;
    let odds = prob / (1.0 - prob);
    let alpha = (2.83 + 5.1 / b) * deviation;
    let mode = ((count + 1.0) * prob).floor();
    loop {
        let u = generator.uniform() - 0.5;
        let v = generator.uniform();
        let edge = 0.5 - u.abs();
        let k = ((2.0 * a / edge + b) * u + centre).floor();
        if edge >= 0.07 && v <= accept {
            return k;
        }
        if k < 0.0 || k > count {
            continue;
        }
        let left = libm::log(v * alpha / (a / (edge * edge) + b));
        let right = (mode + 0.5) * libm::log((mode + 1.0) / (odds * (count - mode + 1.0)))
            + (count + 1.0) * libm::log((count - mode + 1.0) / (count - k + 1.0))
            + (k + 0.5) * libm::log(odds * (count - k + 1.0) / (k + 1.0))
            + tail(mode)
            + tail(count - mode)
            - tail(k)
            - tail(count - k);
        if left <= right {
            return k;
        }
    }
}

/// What Stirling's formula leaves of log k!.
fn tail(k: f64) -> f64 {
    const FIRST: [f64; 10] = [
        0.0810614667953272,
        0.0413406959554092,
        0.0276779256849983,
        0.02079067210376509,
        0.0166446911898211,
        0.0138761288230707,
        0.0118967099458917,
        0.0104112652619720,
        0.00925546218271273,
        0.00833056343336287,
    ];
    if k <= 9.0 {
        return FIRST[k as usize];
    }
    let square = (k + 1.0) * (k + 1.0);
    (1.0 / 12.0 - (1.0 / 360.0 - 1.0 / 1260.0 / square) / square) / (k + 1.0)
}
