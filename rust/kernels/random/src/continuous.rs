//! Uniform, normal and the distributions made from one uniform or normal each.

use crate::box_muller::{self, BLOCK};
use crate::fill::{Target, check_float};
use crate::generator::Generator;
use corten_base::{DType, Operand, Result, bf16, f16, fail, multiversion};

/// Uniform numbers of [from, to) of 24 random bits (53 for float64); what rounding brings to `to` becomes `from`.
pub fn uniform(out: Operand, generator: &mut Generator, from: f64, to: f64) -> Result<()> {
    let dtype = out.dtype().to_real();
    check_float("check_uniform_bounds", dtype)?;
    if from.is_nan() || to.is_nan() || from > to {
        fail!(Runtime, "uniform_ expects to return a [from, to) range, but found from={from} > to={to}");
    }
    let limit = largest(dtype);
    for (name, bound) in [("from", from), ("to", to)] {
        if bound.abs() > limit {
            fail!(Runtime, "{name} is out of bounds for {dtype}");
        }
    }
    if to - from > limit {
        fail!(Runtime, "uniform_ expects to-from to be at most {limit}, but found to={to} and from={from}");
    }
    let target = Target::new(&out);
    if dtype == DType::F64 {
        target.fill(|block: &mut [f64]| {
            generator.uniforms(block);
            for value in block {
                let drawn = value.mul_add(to - from, from);
                *value = if drawn >= to { from } else { drawn };
            }
        });
        return Ok(());
    }
    // Halves are float32 numbers, rounded.
    let round: fn(f32) -> f32 = match dtype {
        DType::F16 => |x| f16::from_f32(x).to_f32(),
        DType::BF16 => |x| bf16::from_f32(x).to_f32(),
        _ => |x| x,
    };
    let (from, to) = (from as f32, to as f32);
    // Only where rounding can reach the excluded bound is each number looked at.
    let exclude = dtype != DType::F32 || (from, to) != (0.0, 1.0);
    target.fill(|block: &mut [f32]| {
        units(generator, block, to - from, from);
        if exclude {
            block.iter_mut().filter(|x| round(**x) >= round(to)).for_each(|x| *x = from);
        }
    });
    Ok(())
}

/// Float32 uniforms of 24 random bits, times `scale` plus `low`.
fn units(generator: &mut Generator, out: &mut [f32], scale: f32, low: f32) {
    let mut words = [0u32; 512];
    for out in out.chunks_mut(words.len()) {
        let words = &mut words[..out.len()];
        generator.fill(words);
        scale_words(words, out, scale, low);
    }
}

multiversion! {
    fn scale_words(words: &[u32], out: &mut [f32], scale: f32, low: f32) {
        for (out, word) in out.iter_mut().zip(words) {
            // Through a signed integer, which vector units convert.
            *out = ((word & 0xff_ffff) as i32 as f32 * (1.0 / (1 << 24) as f32)).mul_add(scale, low);
        }
    }
}

/// Normal numbers. A contiguous `out` of 16 or more elements takes blocks of 16 uniforms through Box–Muller, its last 16
/// drawn anew if they do not fill a block; any other takes single normals of double precision, two a pair.
pub fn normal(out: Operand, generator: &mut Generator, mean: f64, std: f64) -> Result<()> {
    let dtype = out.dtype().to_real();
    check_float("normal_kernel_cpu", dtype)?;
    if std.is_nan() || std < 0.0 {
        fail!(Runtime, "normal expects std >= 0.0, but found std {std}");
    }
    // The variance of a complex number is shared between its parts.
    let std = if out.dtype().is_complex() { std / std::f64::consts::SQRT_2 } else { std };
    let target = Target::new(&out);
    let count = target.len();
    if count < BLOCK || !out.is_contiguous() {
        target.fill(|block: &mut [f64]| {
            for value in block {
                *value = generator.normal().mul_add(std, mean);
            }
        });
        return Ok(());
    }
    match dtype {
        DType::F64 => {
            // SAFETY: `out` is contiguous, so its elements are `count` doubles from its first on.
            let data = unsafe { std::slice::from_raw_parts_mut(out.ptr().cast::<f64>(), count) };
            normal_blocks(data, mean, std, |block| generator.uniforms(block));
        }
        DType::F32 => {
            // SAFETY: as above, of floats.
            let data = unsafe { std::slice::from_raw_parts_mut(out.ptr().cast::<f32>(), count) };
            normal_blocks(data, mean as f32, std as f32, |block| units(generator, block, 1.0, 0.0));
        }
        _ => {
            // Halves are float32 normals, rounded; unlike above, the last block is drawn once.
            let mut block = [0.0f32; 512];
            let mut start = 0;
            let whole = count - count % BLOCK;
            while start < whole {
                let values = &mut block[..(whole - start).min(512)];
                units(generator, values, 1.0, 0.0);
                box_muller::transform_parallel(values, mean as f32, std as f32);
                target.store(start, values);
                start += values.len();
            }
            if whole < count {
                let last = &mut block[..BLOCK];
                units(generator, last, 1.0, 0.0);
                box_muller::transform_parallel(last, mean as f32, std as f32);
                target.store(count - BLOCK, last);
            }
        }
    }
    Ok(())
}

fn normal_blocks<T: box_muller::Real>(data: &mut [T], mean: T, std: T, mut uniforms: impl FnMut(&mut [T])) {
    uniforms(data);
    box_muller::transform_parallel(data, mean, std);
    if !data.len().is_multiple_of(BLOCK) {
        let start = data.len() - BLOCK;
        uniforms(&mut data[start..]);
        box_muller::transform_parallel(&mut data[start..], mean, std);
    }
}

/// Fills `out` with `value()`, one call an element.
fn singles(out: &Operand, mut value: impl FnMut() -> f64) {
    Target::new(out).fill(|block: &mut [f64]| block.fill_with(&mut value));
}

/// Exponentially distributed numbers of rate `lambda`: `-ln(1 - u) / lambda`.
pub fn exponential(out: Operand, generator: &mut Generator, lambda: f64) -> Result<()> {
    check_float("exponential_cpu", out.dtype())?;
    if lambda.is_nan() || lambda <= 0.0 {
        fail!(Runtime, "exponential_ expects lambda > 0.0, but found lambda={lambda}");
    }
    let scale = -1.0 / lambda;
    singles(&out, || scale * libm::log1p(-generator.uniform()));
    Ok(())
}

/// Cauchy-distributed numbers: `median + sigma tan(π (u - ½))`.
pub fn cauchy(out: Operand, generator: &mut Generator, median: f64, sigma: f64) -> Result<()> {
    check_float("cauchy_cpu", out.dtype())?;
    if sigma.is_nan() || sigma <= 0.0 {
        fail!(Runtime, "cauchy_ expects sigma > 0.0, but found sigma={sigma}");
    }
    singles(&out, || median + sigma * libm::tan(std::f64::consts::PI * (generator.uniform() - 0.5)));
    Ok(())
}

/// Log-normally distributed numbers: the exponential of a normal number.
pub fn log_normal(out: Operand, generator: &mut Generator, mean: f64, std: f64) -> Result<()> {
    check_float("log_normal_cpu", out.dtype())?;
    if std.is_nan() || std <= 0.0 {
        fail!(Runtime, "log_normal_ expects std > 0.0, but found std={std}");
    }
    singles(&out, || libm::exp(generator.normal().mul_add(std, mean)));
    Ok(())
}

/// Geometrically distributed numbers from 1 on: `⌈ln u / ln(1 - p)⌉`. `out` may be of any dtype but bool and complex.
pub fn geometric(out: Operand, generator: &mut Generator, p: f64) -> Result<()> {
    if out.dtype() == DType::Bool || out.dtype().is_complex() {
        return out.dtype().unsupported("geometric_cpu");
    }
    if !(0.0 < p && p < 1.0) {
        fail!(Runtime, "geometric_ expects p to be in (0, 1), but got p={p}");
    }
    let scale = libm::log(1.0 - p);
    singles(&out, || (libm::log(generator.uniform()) / scale).ceil());
    Ok(())
}

/// The largest finite number of a float dtype.
fn largest(dtype: DType) -> f64 {
    match dtype {
        DType::F16 => 65504.0,
        DType::BF16 => bf16(0x7f7f).to_f32() as f64,
        DType::F32 => f32::MAX as f64,
        _ => f64::MAX,
    }
}
