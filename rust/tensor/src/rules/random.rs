//! The default generator, and what random rows check and draw.

use super::checks::cpp_name;
use crate::op::Meta;
use crate::ops::all::{div, mul, to};
use crate::pointwise::{broadcast_strides, fresh};
use crate::tensor::Tensor;
use crate::value::SharedGenerator;
use corten_base::{DType, Element, Operand, Result, Scalar, fail};
use corten_random::Generator;
use smallvec::smallvec;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// PyTorch's default seed.
const SEED: u64 = 67_280_421_310_721;

/// The generator of random operators that are given none.
pub fn default_generator() -> &'static SharedGenerator {
    static DEFAULT: OnceLock<SharedGenerator> = OnceLock::new();
    DEFAULT.get_or_init(|| Arc::new(Mutex::new(Generator::new(SEED))))
}

/// Fills `out` by a kernel that draws from the generator, or from the default one.
pub fn draw(
    generator: Option<&SharedGenerator>,
    out: &Tensor,
    kernel: impl FnOnce(Operand, &mut Generator) -> Result<()>,
) -> Result<()> {
    let generator = generator.unwrap_or_else(|| default_generator());
    let mut generator = generator.lock().unwrap_or_else(PoisonError::into_inner);
    kernel(out.core().operand()?, &mut generator)
}

/// Refuses dtypes without fractions.
pub fn need_float(name: &str, input: &Tensor) -> Result<()> {
    if !input.dtype().is_float() {
        return input.dtype().unsupported(name);
    }
    Ok(())
}

/// Significant bits of a float dtype.
fn digits(dtype: DType) -> u32 {
    match dtype {
        DType::F16 => 11,
        DType::BF16 => 8,
        DType::F32 => 24,
        _ => 53,
    }
}

/// The integer nearest to `x` that the float dtype holds.
fn rounded(x: i64, dtype: DType) -> i64 {
    corten_base::with_dtype!(dtype, E => Scalar::Int(x).to::<E>().to_scalar()).to_f64() as i64
}

/// The distance of numbers of `dtype` near `x`.
fn spacing(x: i64, dtype: DType) -> i64 {
    let exponent = 63u32.saturating_sub(x.unsigned_abs().leading_zeros());
    1i64.wrapping_shl((exponent + 1).saturating_sub(digits(dtype)))
}

/// The smallest and largest integer of `[from, to)` in a dtype (without `to`: up to the largest that it holds exactly),
/// with PyTorch's checks.
pub fn range(name: &str, dtype: DType, from: i64, to: Option<i64>) -> Result<(i64, i64)> {
    if dtype.is_complex() {
        return dtype.unsupported("random_from_to_kernel_cpu");
    }
    if let Some(to) = to
        && from >= to
    {
        fail!(Runtime, "{name} expects 'from' to be less than 'to', but got from={from} >= to={to}");
    }
    let (least, most) = limits(dtype);
    let inside = |x: i64| least <= x as f64 && x as f64 <= most && (dtype != DType::U64 || x >= 0);
    if !inside(from) {
        fail!(Runtime, "from is out of bounds for {}", cpp_name(dtype));
    }
    let last = match to {
        Some(to) => to - 1,
        None if dtype.is_float() => 1 << digits(dtype),
        None => most.min(i64::MAX as f64) as i64,
    };
    if !inside(last) {
        fail!(Runtime, "to - 1 is out of bounds for {}", cpp_name(dtype));
    }
    if !dtype.is_float() {
        return Ok((from, last));
    }
    // Bounds that rounding would move out of the range are moved inward.
    let (mut first, mut last) = (from, last);
    let above = rounded(from.saturating_add(1), dtype);
    if above < from {
        first = above + spacing(from + 1, dtype);
    }
    if let Some(to) = to {
        let below = rounded(to - 1, dtype);
        if below >= to {
            last = below - spacing(to - 1, dtype) - 1;
        }
    }
    if first > last {
        fail!(
            Runtime,
            "{name} expects 'from' casted to dtype to be less than 'to' casted to dtype, but got from={first} >= to={}",
            last.saturating_add(1)
        );
    }
    Ok((first, last))
}

/// The least and the largest number of a dtype.
fn limits(dtype: DType) -> (f64, f64) {
    match dtype {
        DType::Bool => (0.0, 1.0),
        DType::U8 => (0.0, u8::MAX as f64),
        DType::I8 => (i8::MIN as f64, i8::MAX as f64),
        DType::U16 => (0.0, u16::MAX as f64),
        DType::I16 => (i16::MIN as f64, i16::MAX as f64),
        DType::U32 => (0.0, u32::MAX as f64),
        DType::I32 => (i32::MIN as f64, i32::MAX as f64),
        DType::F16 => (-65504.0, 65504.0),
        DType::U64 => (0.0, u64::MAX as f64),
        DType::I64 => (i64::MIN as f64, i64::MAX as f64),
        _ => (f64::MIN, f64::MAX),
    }
}

/// Integers of `[from, to)` into `out`.
pub fn integers(generator: Option<&SharedGenerator>, out: &Tensor, from: i64, to: Option<i64>) -> Result<()> {
    let (first, last) = range("random_", out.dtype(), from, to)?;
    // All 2⁶⁴ integers are counted as 0, as the kernel has it.
    let count = (last as u64).wrapping_sub(first as u64).wrapping_add(1);
    draw(generator, out, |out, g| corten_random::random_from_to(out, g, first, count))
}

/// Refuses what is no probability.
pub fn check_probability(p: f64) -> Result<()> {
    if !(0.0..=1.0).contains(&p) {
        fail!(Runtime, "bernoulli_ expects p to be in [0, 1], but got p={p}");
    }
    Ok(())
}

/// Refuses probabilities that are no floats or that do not broadcast to the sizes of `input`.
pub fn check_probabilities(input: &Tensor, p: &Tensor) -> Result<()> {
    need_float("bernoulli_tensor_cpu_p_", p)?;
    let lead = input.ndim().checked_sub(p.ndim());
    let fits = lead.is_some_and(|lead| p.sizes().iter().zip(&input.sizes()[lead..]).all(|(&a, &b)| a == b || a == 1));
    if !fits {
        let (target, given) = (crate::text::sizes(input.sizes()), crate::text::sizes(p.sizes()));
        fail!(Runtime, "The probabilities of sizes {given} cannot be expanded to the sizes {target} of the tensor");
    }
    Ok(())
}

/// Ones with the probabilities `p`, broadcast to the sizes of `out`.
pub fn bernoulli(generator: Option<&SharedGenerator>, out: &Tensor, p: &Tensor) -> Result<()> {
    let strides = broadcast_strides(p.core(), out.sizes());
    draw(generator, out, |operand, g| {
        corten_random::bernoulli_tensor(operand, p.core().operand_as(out.sizes(), &strides)?, g)
    })
}

/// `binomial` takes float tensors of one dtype, and probabilities that can be expanded to the sizes of the counts.
pub fn check_tries(count: &Tensor, prob: &Tensor) -> Result<()> {
    need_float("binomial_cpu", count)?;
    check_probabilities(count, prob)?;
    if count.dtype() != prob.dtype() {
        let (expected, found) = (count.dtype().scalar_name(), prob.dtype().scalar_name());
        fail!(Runtime, "Found dtype {found} but expected {expected}");
    }
    Ok(())
}

/// Counts of successes, the probabilities broadcast to the sizes of `out`.
pub fn binomial(generator: Option<&SharedGenerator>, out: &Tensor, count: &Tensor, prob: &Tensor) -> Result<()> {
    let strides = broadcast_strides(prob.core(), out.sizes());
    draw(generator, out, |operand, g| {
        corten_random::binomial(operand, count.core().operand()?, prob.core().operand_as(out.sizes(), &strides)?, g)
    })
}

/// Refuses deviations below zero.
pub fn check_deviations(std: &Tensor) -> Result<()> {
    if std.dtype().is_complex() {
        fail!(Runtime, "normal expects standard deviation to be non-complex");
    }
    if std.numel() == 0 || std.device().kind == crate::DeviceKind::Meta {
        return Ok(());
    }
    let least = super::read::item(&crate::ops::all::min(std.detached()).tensor()?)?.to_f64();
    if least < 0.0 || least.is_nan() {
        fail!(Runtime, "normal expects all elements of std >= 0.0");
    }
    Ok(())
}

/// Refuses permutations that the dtype cannot hold.
pub fn check_permutation(n: i64, dtype: DType) -> Result<()> {
    if dtype == DType::Bool || dtype.is_complex() {
        return dtype.unsupported("randperm");
    }
    let most = if dtype.is_float() { (1u64 << digits(dtype)) as f64 } else { limits(dtype).1 };
    if n as f64 > most {
        fail!(Runtime, "n is too large for result tensor type: '{}'", dtype.scalar_name());
    }
    Ok(())
}

/// `meta` of `multinomial`.
pub fn multinomial_meta(input: &Tensor, samples: i64, replacement: bool) -> Result<Meta> {
    let (ndim, sizes) = (input.ndim(), input.sizes());
    if ndim == 0 || ndim > 2 {
        fail!(Runtime, "prob_dist must be 1 or 2 dim");
    }
    if !input.dtype().is_float() {
        fail!(
            Runtime,
            "multinomial only supports floating-point dtypes for input, got: {}",
            input.dtype().scalar_name()
        );
    }
    if samples <= 0 {
        fail!(Runtime, "cannot sample n_sample <= 0 samples");
    }
    if !replacement && samples > sizes[ndim - 1] {
        fail!(Runtime, "cannot sample n_sample > prob_dist.size(-1) samples without replacement");
    }
    Ok(smallvec![fresh(input, [&sizes[..ndim - 1], &[samples]].concat(), DType::I64)])
}

/// `kernel` of `multinomial`. One sample is drawn as without replacement, as PyTorch does.
pub fn multinomial(
    generator: Option<&SharedGenerator>,
    input: &Tensor,
    samples: i64,
    replacement: bool,
    out: &Tensor,
) -> Result<()> {
    if out.numel() == 0 {
        return Ok(());
    }
    let rows = |t: &Tensor| -> ([i64; 2], [i64; 2]) {
        match (t.sizes(), t.strides()) {
            (&[rows, columns], &[a, b]) => ([rows, columns], [a, b]),
            (sizes, strides) => ([1, sizes[0]], [0, strides[0]]),
        }
    };
    let ((sizes, strides), (out_sizes, out_strides)) = (rows(input), rows(out));
    draw(generator, out, |_, g| {
        let weights = input.core().operand_as(&sizes, &strides)?;
        corten_random::multinomial(
            out.core().operand_as(&out_sizes, &out_strides)?,
            weights,
            replacement && samples > 1,
            g,
        )
    })
}

/// Refuses what is no probability of dropout.
pub fn check_dropout_probability(p: f64) -> Result<()> {
    if !(0.0..=1.0).contains(&p) {
        fail!(Runtime, "dropout probability has to be between 0 and 1, but got {p}");
    }
    Ok(())
}

/// Refuses inputs whose elements cannot be divided, and what is no probability.
pub fn check_dropout(input: &Tensor, p: f64) -> Result<()> {
    if input.dtype().is_integral(true) {
        fail!(Runtime, "result type Float can't be cast to the desired output type {}", input.dtype().scalar_name());
    }
    check_dropout_probability(p)
}

/// `kernel` of `native_dropout`.
pub fn dropout(input: &Tensor, p: f64, train: bool, outs: &[Tensor]) -> Result<()> {
    let [out, mask] = outs else { fail!(Type, "dropout has two results") };
    if !train {
        corten_elementwise::fill(mask.core().operand()?, Scalar::Bool(true))?;
        return crate::body::copy_values(out, input);
    }
    draw(None, mask, |mask, g| corten_random::bernoulli_scalar(mask, g, 1.0 - p))?;
    crate::body::evaluate(out, || {
        let kept = to(mask, input.dtype());
        mul(input, if p == 1.0 { kept } else { div(kept, 1.0 - p) })
    })
}
