//! Random numbers: the generators, and the limits of each distribution.

use crate::tensor::Tensor;
use crate::value::SharedGenerator;
use corten_base::{DType, Operand, Result, fail};
use corten_random::Generator;
use std::sync::{Arc, Mutex, OnceLock};

/// PyTorch's seed where none was set.
const DEFAULT_SEED: u64 = 67280421310721;

/// The generator of every call that is given none.
pub fn default_generator() -> &'static SharedGenerator {
    static DEFAULT: OnceLock<SharedGenerator> = OnceLock::new();
    DEFAULT.get_or_init(|| Arc::new(Mutex::new(Generator::new(DEFAULT_SEED))))
}

/// Fills `out` by a kernel that draws from the given generator, or the default one.
pub fn fill(
    out: &Tensor,
    generator: Option<&SharedGenerator>,
    draw: impl FnOnce(Operand, &mut Generator) -> Result<()>,
) -> Result<()> {
    let generator = generator.unwrap_or_else(|| default_generator());
    // A panic while drawing leaves the state as it was last stored, which is still a state.
    let mut generator = generator.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    draw(out.core().operand()?, &mut generator)
}

/// Refuses dtypes that a distribution of floats cannot fill.
pub fn need_float(kernel: &str, dtype: DType) -> Result<()> {
    if !dtype.is_differentiable() {
        fail!(NotImplemented, "\"{kernel}\" not implemented for '{}'", dtype.scalar_name());
    }
    Ok(())
}

/// Checks `uniform_`.
pub fn check_uniform(x: &Tensor, from: f64, to: f64) -> Result<()> {
    need_float("check_uniform_bounds", x.dtype())?;
    if from > to || from.is_nan() || to.is_nan() {
        fail!(Runtime, "uniform_ expects to return a [from, to) range, but found from={from} > to={to}");
    }
    Ok(())
}

/// Checks `normal_`.
pub fn check_normal(x: &Tensor, std: f64) -> Result<()> {
    if std < 0.0 || std.is_nan() {
        fail!(Runtime, "normal expects std >= 0.0, but found std {std}");
    }
    need_float("normal_kernel_cpu", x.dtype())
}

/// Checks that a parameter is positive.
pub fn check_positive(x: &Tensor, function: &str, name: &str, value: f64) -> Result<()> {
    if value <= 0.0 || value.is_nan() {
        fail!(Runtime, "{function} expects {name} > 0.0, but found {name}={value}");
    }
    need_float(&format!("{}cpu", function), x.dtype())
}

/// Checks that a parameter is a probability.
pub fn check_probability(function: &str, p: f64) -> Result<()> {
    if !(0.0..=1.0).contains(&p) {
        fail!(Runtime, "{function} expects p to be in [0, 1], but got p={p}");
    }
    Ok(())
}

/// The smallest integer above those that a dtype holds, and the smallest that it does.
fn integers(dtype: DType) -> (i128, i128) {
    let bits = 8 * dtype.size() as u32;
    match dtype {
        DType::Bool => (0, 2),
        d if d.is_unsigned() => (0, 1 << bits),
        d if d.is_integral(false) => (-(1 << (bits - 1)), 1 << (bits - 1)),
        DType::F16 => (-2048, 2049),
        DType::BF16 => (-256, 257),
        DType::F32 => (-(1 << 24), (1 << 24) + 1),
        _ => (-(1 << 53), (1 << 53) + 1),
    }
}

/// Checks the limits of random integers; gives how many there are.
pub fn check_range(x: &Tensor, from: i64, to: i64) -> Result<u64> {
    let dtype = x.dtype();
    if dtype.is_complex() {
        fail!(NotImplemented, "\"check_random_bounds\" not implemented for '{}'", dtype.scalar_name());
    }
    if from >= to {
        fail!(Runtime, "random_ expects 'from' to be less than 'to', but got from={from} >= to={to}");
    }
    let (low, end) = integers(dtype);
    let name = super::checks::cpp_name(dtype);
    if dtype.is_integral(true) && ((from as i128) < low || from as i128 >= end) {
        fail!(Runtime, "from is out of bounds for {name}");
    }
    if dtype.is_integral(true) && to as i128 > end {
        fail!(Runtime, "to - 1 is out of bounds for {name}");
    }
    Ok(to.wrapping_sub(from) as u64)
}

/// Checks `multinomial`; gives the sizes of its result.
pub fn multinomial_sizes(x: &Tensor, samples: i64, replacement: bool) -> Result<Vec<i64>> {
    if x.ndim() != 1 && x.ndim() != 2 {
        fail!(Runtime, "prob_dist must be 1 or 2 dim");
    }
    if !x.dtype().is_float() {
        fail!(Runtime, "multinomial only supports floating-point dtypes for input, got: {}", x.dtype().scalar_name());
    }
    if samples <= 0 {
        fail!(Runtime, "cannot sample n_sample <= 0 samples");
    }
    let categories = x.sizes()[x.ndim() - 1];
    if !replacement && samples > categories {
        fail!(Runtime, "cannot sample n_sample > prob_dist.size(-1) samples without replacement");
    }
    if categories > 1 << 24 {
        fail!(Runtime, "number of categories cannot exceed 2^24");
    }
    Ok(match x.ndim() {
        1 => vec![samples],
        _ => vec![x.sizes()[0], samples],
    })
}

/// `kernel` of `multinomial`: a vector is one row.
pub fn multinomial(x: &Tensor, replacement: bool, generator: Option<&SharedGenerator>, out: &Tensor) -> Result<()> {
    let rows = |t: &Tensor| match t.ndim() {
        1 => ([1, t.sizes()[0]], [1, t.strides()[0]]),
        _ => ([t.sizes()[0], t.sizes()[1]], [t.strides()[0], t.strides()[1]]),
    };
    let ((sizes, strides), (to, to_strides)) = (rows(x), rows(out));
    let target = out.core().operand_as(&to, &to_strides)?;
    let weights = x.core().operand_as(&sizes, &strides)?;
    fill(out, generator, |_, generator| corten_random::multinomial(target, weights, replacement, generator))
}
