//! Integers, permutations, coin tosses, categories and counts.

use crate::fill::{BLOCK, Target, map};
use crate::generator::Generator;
use corten_base::alloc::filled;
use corten_base::element::Cast;
use corten_base::{DType, Operand, Result, fail, with_dtype};

/// Integers of [from, from + range), as remainders: of 64 random bits where `range` is at least 2²⁸, else of 32. A range
/// of 2⁶⁴ is 0.
pub fn random_from_to(out: Operand, generator: &mut Generator, from: i64, range: u64) -> Result<()> {
    check_real("random_from_to_kernel_cpu", out.dtype())?;
    let target = Target::new(&out);
    if range == 0 || range >= 1 << 28 {
        target.fill(|block: &mut [i64]| {
            for value in block {
                let bits = generator.random64();
                *value = if range == 0 { bits as i64 } else { from.wrapping_add((bits % range) as i64) };
            }
        });
    } else {
        let range = range as u32;
        target.fill(words(generator, |word| from.wrapping_add((word % range) as i64)));
    }
    Ok(())
}

/// Integers of the whole range that PyTorch's `random_()` draws from: up to the dtype's largest, or for floats up to 2 to
/// the number of its mantissa's bits.
pub fn random_full(out: Operand, generator: &mut Generator) -> Result<()> {
    check_real("random_kernel_cpu", out.dtype())?;
    let target = Target::new(&out);
    let (modulus, wide) = match out.dtype() {
        DType::Bool => (2, false),
        DType::I8 => (1 << 7, false),
        DType::U8 => (1 << 8, false),
        DType::I16 => (1 << 15, false),
        DType::U16 => (1 << 16, false),
        DType::I32 => (1 << 31, false),
        DType::U32 => (1 << 32, false),
        DType::I64 => (1 << 63, true),
        DType::F16 => ((1 << 11) + 1, false),
        DType::BF16 => ((1 << 8) + 1, false),
        DType::F32 => ((1 << 24) + 1, false),
        DType::F64 => ((1 << 53) + 1, true),
        _ => (0, true),
    };
    if wide {
        target.fill(|block: &mut [i64]| {
            for value in block {
                let bits = generator.random64();
                *value = if modulus == 0 { bits } else { bits % modulus } as i64;
            }
        });
    } else {
        target.fill(words(generator, |word| (word as u64 % modulus) as i64));
    }
    Ok(())
}

/// A block filler of one word per value.
fn words<'g>(generator: &'g mut Generator, value: impl Fn(u32) -> i64 + 'g) -> impl FnMut(&mut [i64]) + 'g {
    move |block| {
        let mut words = [0u32; BLOCK];
        let words = &mut words[..block.len()];
        generator.fill(words);
        for (out, &word) in block.iter_mut().zip(words.iter()) {
            *out = value(word);
        }
    }
}

/// A random permutation of 0..n in the one-dimensional `out` of n elements: Fisher and Yates from the front, and inside out
/// (with 64 random bits) from n = 2³²/20 on.
pub fn randperm(out: Operand, generator: &mut Generator) -> Result<()> {
    check_real("randperm", out.dtype())?;
    let (&[n], &[stride]) = (out.sizes(), out.strides()) else {
        fail!(Runtime, "randperm expects one dimension, but got {}", out.ndim());
    };
    let (n, stride) = (n as usize, stride as isize);
    if stride == 0 && n > 1 {
        fail!(Runtime, "randperm expects elements of their own, but the stride is 0");
    }
    with_dtype!(out.dtype(), T => {
        let ptr = out.ptr().cast::<T>();
        // SAFETY: `at` is asked only for elements below n.
        let at = |i: usize| unsafe { ptr.offset(i as isize * stride) };
        if n < (u32::MAX / 20) as usize {
            for i in 0..n {
                // SAFETY: as above.
                unsafe { at(i).write((i as i64).cast()) }
            }
            let mut block = [0u32; BLOCK];
            let mut start = 0;
            while start + 1 < n {
                let words = &mut block[..(n - 1 - start).min(BLOCK)];
                generator.fill(words);
                for (i, &word) in (start..).zip(words.iter()) {
                    let other = i + word as usize % (n - i);
                    // SAFETY: as above; i ≤ other < n.
                    unsafe { at(i).swap(at(other)) }
                }
                start += words.len();
            }
        } else {
            for i in 0..n {
                let other = (generator.random64() % (i as u64 + 1)) as usize;
                // SAFETY: as above; other ≤ i < n.
                unsafe {
                    at(i).write((i as i64).cast());
                    at(i).swap(at(other));
                }
            }
        }
    });
    Ok(())
}

/// Ones with probability `p`, from 53 random bits each.
pub fn bernoulli_scalar(out: Operand, generator: &mut Generator, p: f64) -> Result<()> {
    check_probability(p)?;
    Target::new(&out).fill(|block: &mut [f32]| {
        let mut uniforms = [0.0; BLOCK];
        let uniforms = &mut uniforms[..block.len()];
        generator.uniforms(uniforms);
        for (out, &uniform) in block.iter_mut().zip(uniforms.iter()) {
            *out = (uniform < p) as u8 as f32;
        }
    });
    Ok(())
}

/// Ones with the probabilities `p` (of `out`'s sizes): from 53 random bits each if `p` is float64, otherwise from 24.
pub fn bernoulli_tensor(out: Operand, p: Operand, generator: &mut Generator) -> Result<()> {
    crate::fill::check_float("bernoulli_tensor_cpu_p_", p.dtype())?;
    if p.dtype() == DType::F64 {
        return map(&out, &p, |p| check_probability(p).map(|()| (generator.uniform() < p) as u8 as f64));
    }
    map(&out, &p, |p| {
        check_probability(p)?;
        let uniform = (generator.random() & 0xff_ffff) as f32 * (1.0 / (1 << 24) as f32);
        Ok((uniform < p as f32) as u8 as f64)
    })
}

/// Poisson-distributed counts of the rates `x`, of `out`'s sizes.
pub fn poisson(out: Operand, x: Operand, generator: &mut Generator) -> Result<()> {
    crate::fill::check_float("poisson_cpu", x.dtype())?;
    map(&out, &x, |rate| {
        if rate.is_nan() || rate < 0.0 {
            fail!(Runtime, "invalid Poisson rate, expected rate to be non-negative");
        }
        Ok(poisson_one(rate, generator))
    })
}

fn poisson_one(rate: f64, generator: &mut Generator) -> f64 {
    if rate == 0.0 {
        return 0.0;
    }
    if rate < 10.0 {
        // Knuth: uniforms multiplied until they fall below e^-rate.
        let (limit, mut product, mut count) = (libm::exp(-rate), 1.0, 0.0);
        loop {
            product *= generator.uniform();
            if product <= limit {
                return count;
            }
            count += 1.0;
        }
    }
    if rate.is_infinite() {
        return rate;
    }
    // Transformed rejection (Hörmann, 1993).
    let log_rate = libm::log(rate);
    let b = 0.931 + 2.53 * rate.sqrt();
    let a = -0.059 + 0.02483 * b;
    let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
    let accept = 0.9277 - 3.6224 / (b - 2.0);
    loop {
        let u = generator.uniform() - 0.5;
        let v = generator.uniform();
        let edge = 0.5 - u.abs();
        let count = ((2.0 * a / edge + b) * u + rate + 0.43).floor();
        if edge >= 0.07 && v <= accept {
            return count;
        }
        if count < 0.0 || (edge < 0.013 && v > edge) {
            continue;
        }
        let left = libm::log(v) + libm::log(inverse_alpha) - libm::log(a / (edge * edge) + b);
        if left <= -rate + count * log_rate - libm::lgamma(count + 1.0) {
            return count;
        }
    }
}

/// Draws `out.sizes()[1]` categories for each row of the weights `probs` (rows × categories) into the int64 `out` (rows ×
/// samples): by binary search in the cumulated weights, or without replacement as those of the largest weight over an
/// exponential number.
pub fn multinomial(out: Operand, probs: Operand, replacement: bool, generator: &mut Generator) -> Result<()> {
    crate::fill::check_float("multinomial", probs.dtype())?;
    let (&[rows, samples], &[prob_rows, categories]) = (out.sizes(), probs.sizes()) else {
        fail!(Runtime, "prob_dist must be 1 or 2 dim");
    };
    if out.dtype() != DType::I64 {
        fail!(Runtime, "multinomial expects Long tensor out, got: {}", out.dtype().scalar_name());
    }
    if rows != prob_rows {
        fail!(Runtime, "multinomial expects {prob_rows} rows of results, but got {rows}");
    }
    if samples <= 0 || categories <= 0 {
        fail!(Runtime, "cannot sample n_sample <= 0 samples");
    }
    if !replacement && samples > categories {
        fail!(Runtime, "cannot sample n_sample > prob_dist.size(-1) samples without replacement");
    }
    let weights = |row: i64| -> Result<Vec<f64>> {
        let weights: Vec<f64> = with_dtype!(probs.dtype(), T => {
            let at = |column: i64| (row * probs.strides()[0] + column * probs.strides()[1]) as isize;
            // SAFETY: elements of `probs`.
            let read = |column: i64| unsafe { probs.ptr().cast::<T>().offset(at(column)).read() };
            (0..categories).map(|column| read(column).cast()).collect()
        });
        if weights.iter().any(|&w| !(0.0..f64::INFINITY).contains(&w)) {
            fail!(Runtime, "probability tensor contains either `inf`, `nan` or element < 0");
        }
        if weights.iter().all(|&w| w == 0.0) {
            fail!(Runtime, "invalid multinomial distribution (sum of probabilities <= 0)");
        }
        Ok(weights)
    };
    // All rows are checked first: an error leaves the generator as it was.
    let table = (0..rows).map(weights).collect::<Result<Vec<_>>>()?;
    let mut uniforms = filled(0.0, if replacement { samples } else { categories } as usize)?;
    for (row, mut weights) in (0..rows).zip(table) {
        generator.uniforms(&mut uniforms);
        let categories = if replacement {
            cumulate(&mut weights, probs.dtype());
            uniforms.iter().map(|&uniform| weights.partition_point(|&w| w < uniform)).collect()
        } else {
            race(&mut weights, &uniforms, probs.dtype());
            largest(&weights, samples as usize)
        };
        for (sample, category) in (0..samples).zip(categories) {
            let offset = (row * out.strides()[0] + sample * out.strides()[1]) as isize;
            // SAFETY: an element of `out`, which is int64.
            unsafe { out.ptr().cast::<i64>().offset(offset).write(category as i64) }
        }
    }
    Ok(())
}

/// Replaces weights by the shares up to each, rounded as PyTorch's are: to float64 for float64, else to float32.
fn cumulate(weights: &mut [f64], dtype: DType) {
    let wide = dtype == DType::F64;
    let (mut sum, mut narrow) = (0.0, 0.0f32);
    for weight in weights.iter_mut() {
        narrow += *weight as f32;
        sum = if wide { sum + *weight } else { narrow as f64 };
        *weight = sum;
    }
    weights.iter_mut().for_each(|w| *w = if wide { *w / sum } else { (*w / sum) as f32 as f64 });
    weights[weights.len() - 1] = 1.0;
}

/// Divides weights by exponential numbers, rounded to the dtype as PyTorch's are.
fn race(weights: &mut [f64], uniforms: &[f64], dtype: DType) {
    with_dtype!(dtype, T => {
        let round = |x: f64| Cast::<f64>::cast(Cast::<T>::cast(x));
        for (weight, uniform) in weights.iter_mut().zip(uniforms) {
            *weight = round(*weight / round(-libm::log1p(-uniform)));
        }
    });
}

/// The places of the `count` largest values, the largest first; of equal ones the first wins.
fn largest(values: &[f64], count: usize) -> Vec<usize> {
    let mut order: Vec<(f64, usize)> = values.iter().copied().zip(0..).collect();
    let before = |a: &(f64, usize), b: &(f64, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    order.select_nth_unstable_by(count - 1, before);
    order.truncate(count);
    order.sort_unstable_by(before);
    order.into_iter().map(|(_, place)| place).collect()
}

fn check_probability(p: f64) -> Result<()> {
    if (0.0..=1.0).contains(&p) {
        return Ok(());
    }
    fail!(Runtime, "bernoulli expects probabilities p with 0 <= p <= 1, but got p={p}")
}

fn check_real(name: &str, dtype: DType) -> Result<()> {
    if !dtype.is_complex() {
        return Ok(());
    }
    dtype.unsupported(name)
}
