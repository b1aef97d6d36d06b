//! Random numbers, the same as PyTorch's for the same seed.

use super::all::*;
use crate::lazy::T;
use crate::pointwise::{fresh, like};
use crate::rules::factory::Options;
use crate::rules::random as rules;
use crate::value::{SharedGenerator, Value};
use crate::{DType, Result, Tensor, fail};
use corten_random as kernels;
use corten_tables::ops;
use smallvec::smallvec;

ops! { family = random;

/// Uniform numbers of `[from, to)`.
uniform_(input: Tensor, from: float = 0, to: float = 1, *, generator: Generator?) -> Self { meta: { rules::check_uniform(input, from, to)?; Ok(smallvec![like(input, input.dtype())]) }; kernel: rules::fill(&outs[0], generator, |out, g| kernels::uniform(out, g, from, to)); forms: method; check: moments }
/// Normal numbers.
normal_(input: Tensor, mean: float = 0, std: float = 1, *, generator: Generator?) -> Self { meta: { rules::check_normal(input, std)?; Ok(smallvec![like(input, input.dtype())]) }; kernel: rules::fill(&outs[0], generator, |out, g| kernels::normal(out, g, mean, std)); forms: method; check: moments }
/// Log-normal numbers.
log_normal_(input: Tensor, mean: float = 1, std: float = 2, *, generator: Generator?) -> Self { meta: { rules::check_positive(input, "log_normal_", "std", std)?; Ok(smallvec![like(input, input.dtype())]) }; kernel: rules::fill(&outs[0], generator, |out, g| kernels::log_normal(out, g, mean, std)); forms: method; check: moments }
/// Exponential numbers of the rate `lambd`.
exponential_(input: Tensor, lambd: float = 1, *, generator: Generator?) -> Self { meta: { rules::check_positive(input, "exponential_", "lambda", lambd)?; Ok(smallvec![like(input, input.dtype())]) }; kernel: rules::fill(&outs[0], generator, |out, g| kernels::exponential(out, g, lambd)); forms: method; check: moments }
/// Cauchy numbers.
cauchy_(input: Tensor, median: float = 0, sigma: float = 1, *, generator: Generator?) -> Self { meta: { rules::check_positive(input, "cauchy_", "sigma", sigma)?; Ok(smallvec![like(input, input.dtype())]) }; kernel: rules::fill(&outs[0], generator, |out, g| kernels::cauchy(out, g, median, sigma)); forms: method; check: moments }
/// Geometric numbers: how many trials until the first success.
geometric_(input: Tensor, p: float, *, generator: Generator?) -> Self { meta: { if !(p > 0.0 && p < 1.0) { fail!(Runtime, "geometric_ expects p to be in (0, 1), but got p={p}") } Ok(smallvec![like(input, input.dtype())]) }; kernel: rules::fill(&outs[0], generator, |out, g| kernels::geometric(out, g, p)); forms: method; check: moments }
/// Integers of the dtype's whole range (of floats: those that they hold exactly).
random_(input: Tensor, *, generator: Generator?) -> Self { meta: Ok(smallvec![like(input, input.dtype())]); kernel: rules::fill(&outs[0], generator, kernels::random_full); forms: method; check: moments }
/// Integers of `[0, to)`.
random_.to(input: Tensor, to: int, *, generator: Generator?) -> Self { composite: random__range_with(input, 0, to, generator); forms: method; check: moments }
/// Integers of `[from, to)`.
random_.range(input: Tensor, from: int, to: int?, *, generator: Generator?) -> Self { meta: { rules::check_range(input, from, to.unwrap_or(i64::MAX))?; Ok(smallvec![like(input, input.dtype())]) }; kernel: { let range = rules::check_range(&outs[0], from, to.unwrap_or(i64::MAX))?; rules::fill(&outs[0], generator, |out, g| kernels::random_from_to(out, g, from, range)) }; forms: method; check: moments }
/// Ones with the probabilities of a tensor, else zeros.
bernoulli_(input: Tensor, p: Tensor, *, generator: Generator?) -> Self { meta: Ok(smallvec![like(input, input.dtype())]); kernel: { let p = expand(p, input.sizes()).tensor()?; rules::fill(&outs[0], generator, |out, g| kernels::bernoulli_tensor(out, p.core().operand()?, g)) }; forms: method; check: moments }
/// Ones with the probability `p`, else zeros.
bernoulli_.float(input: Tensor, p: float = 0.5, *, generator: Generator?) -> Self { meta: { rules::check_probability("bernoulli_", p)?; Ok(smallvec![like(input, input.dtype())]) }; kernel: rules::fill(&outs[0], generator, |out, g| kernels::bernoulli_scalar(out, g, p)); forms: method; check: moments }

/// Uniform numbers of `[0, 1)`.
rand(size: Sizes..., *, generator: Generator?, @factory) -> Tensor { composite: drawn(&Options::new(dtype, layout, device, pin_memory, requires_grad)?, size, |x| uniform__with(x, 0, 1, generator)); forms: fn out; check: moments; nondiff }
/// Normal numbers of mean 0 and variance 1.
randn(size: Sizes..., *, generator: Generator?, @factory) -> Tensor { composite: drawn(&Options::new(dtype, layout, device, pin_memory, requires_grad)?, size, |x| normal__with(x, 0, 1, generator)); forms: fn out; check: moments; nondiff }
/// Integers of `[0, high)`.
randint(high: int, size: Sizes, *, generator: Generator?, @factory) -> Tensor { composite: integers(&Options::new(dtype, layout, device, pin_memory, requires_grad)?, size, 0, high, generator); forms: fn out; check: moments; nondiff }
/// Integers of `[low, high)`.
randint.low(low: int, high: int, size: Sizes, *, generator: Generator?, @factory) -> Tensor { composite: integers(&Options::new(dtype, layout, device, pin_memory, requires_grad)?, size, low, high, generator); forms: fn out; check: moments; nondiff }
/// A random order of `0, …, n - 1`.
randperm(n: int, *, generator: Generator?, @factory) -> Tensor { composite: { if n < 0 { fail!(Runtime, "n must be non-negative, got{n}") } let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?; o.finished(_permute__with(o.empty(&[n], o.dtype_or(DType::I64))?, generator)) }; forms: fn out; check: moments; nondiff }
/// A random order of the numbers from 0 on.
_permute_(input: Tensor, *, generator: Generator?) -> Self { meta: Ok(smallvec![like(input, input.dtype())]); kernel: rules::fill(&outs[0], generator, kernels::randperm); check: moments }
/// Uniform numbers of `[0, 1)`, like another tensor.
rand_like(input: Tensor, *, generator: Generator?, @factory, memory_format: MemoryFormat = Preserve) -> Tensor { composite: { let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?.or_like(input); o.finished(uniform__with(blank(input, dtype, device, memory_format), 0, 1, generator)) }; forms: fn; check: moments; nondiff }
/// Normal numbers of mean 0 and variance 1, like another tensor.
randn_like(input: Tensor, *, generator: Generator?, @factory, memory_format: MemoryFormat = Preserve) -> Tensor { composite: { let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?.or_like(input); o.finished(normal__with(blank(input, dtype, device, memory_format), 0, 1, generator)) }; forms: fn; check: moments; nondiff }
/// Integers of `[0, high)`, like another tensor.
randint_like(input: Tensor, high: int, *, generator: Generator?, @factory, memory_format: MemoryFormat = Preserve) -> Tensor { composite: { let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?.or_like(input); o.finished(random__range_with(blank(input, dtype, device, memory_format), 0, high, generator)) }; forms: fn; check: moments; nondiff }
/// Integers of `[low, high)`, like another tensor.
randint_like.low(input: Tensor, low: int, high: int, *, generator: Generator?, @factory, memory_format: MemoryFormat = Preserve) -> Tensor { composite: { let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?.or_like(input); o.finished(random__range_with(blank(input, dtype, device, memory_format), low, high, generator)) }; forms: fn; check: moments; nondiff }
/// Normal numbers with the means and deviations of two tensors.
normal(mean: Tensor, std: Tensor, *, generator: Generator?) -> Tensor { composite: { let sizes = crate::pointwise::broadcast([mean.sizes(), std.sizes()])?; let z = normal__with(empty_like(expand(mean, sizes)), 0, 1, generator); add(mul(z, std), mean) }; forms: fn out; check: moments; nondiff }
/// Normal numbers with the means of a tensor.
normal.mean(mean: Tensor, std: float = 1, *, generator: Generator?) -> Tensor { composite: add(normal__with(empty_like(mean), 0, std, generator), mean); forms: fn out; check: moments; nondiff }
/// Normal numbers with the deviations of a tensor.
normal.std(mean: float, std: Tensor, *, generator: Generator?) -> Tensor { composite: add(mul(normal__with(empty_like(std), 0, 1, generator), std), mean); forms: fn out; check: moments; nondiff }
/// Normal numbers.
normal.size(mean: float, std: float, size: Sizes, *, generator: Generator?, @factory) -> Tensor { composite: drawn(&Options::new(dtype, layout, device, pin_memory, requires_grad)?, size, |x| normal__with(x, mean, std, generator)); forms: fn out; check: moments; nondiff }
/// Ones with the probabilities of `input`, else zeros.
bernoulli(input: Tensor, *, generator: Generator?) -> Tensor { composite: { rules::need_float("bernoulli_tensor_cpu_p_", input.dtype())?; bernoulli__with(empty_like(input), input, generator) }; forms: fn method out; check: moments; nondiff }
/// Ones with the probability `p`, else zeros, like another tensor.
bernoulli.p(input: Tensor, p: float, *, generator: Generator?) -> Tensor { composite: bernoulli__float_with(empty_like(input), p, generator); forms: fn method; check: moments; nondiff }
/// Indices drawn with the weights of each row.
multinomial(input: Tensor, num_samples: int, replacement: bool = false, *, generator: Generator?) -> Tensor { meta: Ok(smallvec![fresh(input, rules::multinomial_sizes(input, num_samples, replacement)?, DType::I64)]); kernel: rules::multinomial(input, replacement, generator, &outs[0]); forms: fn method out; check: moments; nondiff }
/// Poisson-distributed numbers with the rates of `input`.
poisson(input: Tensor, generator: Generator?) -> Tensor { meta: { rules::need_float("poisson_cpu", input.dtype())?; Ok(smallvec![like(input, input.dtype())]) }; kernel: rules::fill(&outs[0], generator, |out, g| kernels::poisson(out, input.core().operand()?, g)); forms: fn; check: moments; nondiff }

}

fn drawn(options: &Options, size: &[i64], draw: impl FnOnce(&Tensor) -> T) -> Result<Tensor> {
    let out = options.empty(size, options.float())?;
    options.finished(draw(&out))
}

fn integers(
    options: &Options,
    size: &[i64],
    low: i64,
    high: i64,
    generator: Option<&SharedGenerator>,
) -> Result<Tensor> {
    if low >= high {
        fail!(Runtime, "random_ expects 'from' to be less than 'to', but got from={low} >= to={high}");
    }
    let out = options.empty(size, options.dtype_or(DType::I64))?;
    options.finished(random__range_with(out, low, high, generator))
}

/// Uninitialised, like another tensor.
fn blank(
    input: &Tensor,
    dtype: Option<DType>,
    device: Option<crate::Device>,
    format: crate::device::MemoryFormat,
) -> T {
    empty_like_with(input, dtype, Value::None, device, false, false, format)
}
