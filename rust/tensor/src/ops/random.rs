//! Random numbers: PyTorch's own, drawn from a generator in the order of memory.

use super::all::*;
use super::factory::shaped;
use crate::lazy::T;
use crate::pointwise::{fresh, like};
use crate::rules::factory::Options;
use crate::rules::random::{self, draw};
use crate::value::SharedGenerator;
use crate::{DType, Tensor};
use corten_tables::ops;
use smallvec::smallvec;

ops! { family = random;

/// Uniform numbers of [from, to), in place.
uniform_(input: Tensor, from: float = 0, to: float = 1, *, generator: Generator?) -> Self { meta: Ok(smallvec![like(input, input.dtype())]); kernel: draw(generator, &outs[0], |out, g| corten_random::uniform(out, g, from, to)); forms: method; check: moments; nondiff }
/// Normal numbers, in place.
normal_(input: Tensor, mean: float = 0, std: float = 1, *, generator: Generator?) -> Self { meta: Ok(smallvec![like(input, input.dtype())]); kernel: draw(generator, &outs[0], |out, g| corten_random::normal(out, g, mean, std)); forms: method; check: moments; nondiff }
/// Integers up to the largest that the dtype holds exactly, in place.
random_(input: Tensor, *, generator: Generator?) -> Self { meta: Ok(smallvec![like(input, input.dtype())]); kernel: draw(generator, &outs[0], corten_random::random_full); forms: method; check: moments; nondiff }
/// Integers of [0, to), in place.
random_.to(input: Tensor, to: int, *, generator: Generator?) -> Self { meta: { random::range("random_", input.dtype(), 0, Some(to))?; Ok(smallvec![like(input, input.dtype())]) }; kernel: random::integers(generator, &outs[0], 0, Some(to)); forms: method; check: moments; nondiff }
/// Integers of [from, to), in place; without `to` up to the largest that the dtype holds exactly.
random_.from(input: Tensor, from: int, to: int?, *, generator: Generator?) -> Self { meta: { random::range("random_", input.dtype(), from, to)?; Ok(smallvec![like(input, input.dtype())]) }; kernel: random::integers(generator, &outs[0], from, to); forms: method; check: moments; nondiff }
/// Exponentially distributed numbers of rate `lambd`, in place.
exponential_(input: Tensor, lambd: float = 1, *, generator: Generator?) -> Self { meta: Ok(smallvec![like(input, input.dtype())]); kernel: draw(generator, &outs[0], |out, g| corten_random::exponential(out, g, lambd)); forms: method; check: moments; nondiff }
/// How many tries it takes until one succeeds with probability `p`, in place.
geometric_(input: Tensor, p: float, *, generator: Generator?) -> Self { meta: Ok(smallvec![like(input, input.dtype())]); kernel: draw(generator, &outs[0], |out, g| corten_random::geometric(out, g, p)); forms: method; check: moments; nondiff }
/// Cauchy-distributed numbers, in place.
cauchy_(input: Tensor, median: float = 0, sigma: float = 1, *, generator: Generator?) -> Self { meta: Ok(smallvec![like(input, input.dtype())]); kernel: draw(generator, &outs[0], |out, g| corten_random::cauchy(out, g, median, sigma)); forms: method; check: moments; nondiff }
/// Exponentials of normal numbers, in place.
log_normal_(input: Tensor, mean: float = 1, std: float = 2, *, generator: Generator?) -> Self { meta: Ok(smallvec![like(input, input.dtype())]); kernel: draw(generator, &outs[0], |out, g| corten_random::log_normal(out, g, mean, std)); forms: method; check: moments; nondiff }
/// Ones with the probabilities `p`, zeros otherwise, in place.
bernoulli_(input: Tensor, p: Tensor, *, generator: Generator?) -> Self { meta: { random::check_probabilities(input, p)?; Ok(smallvec![like(input, input.dtype())]) }; kernel: random::bernoulli(generator, &outs[0], p); forms: method; check: moments; nondiff }
/// Ones with probability `p`, zeros otherwise, in place.
bernoulli_.float(input: Tensor, p: float = 0.5, *, generator: Generator?) -> Self { meta: { random::check_probability(p)?; Ok(smallvec![like(input, input.dtype())]) }; kernel: draw(generator, &outs[0], |out, g| corten_random::bernoulli_scalar(out, g, p)); forms: method; check: moments; nondiff }
/// Ones with the probabilities in `input`, zeros otherwise.
bernoulli(input: Tensor, *, generator: Generator?) -> Tensor { meta: { random::check_probabilities(input, input)?; Ok(smallvec![fresh(input, input.dims(), input.dtype())]) }; kernel: random::bernoulli(generator, &outs[0], input); forms: fn method out; check: moments; nondiff }
/// Ones with probability `p`, zeros otherwise, in the sizes of `input`.
bernoulli.p(input: Tensor, p: float, *, generator: Generator?) -> Tensor { meta: { random::check_probability(p)?; Ok(smallvec![fresh(input, input.dims(), input.dtype())]) }; kernel: draw(generator, &outs[0], |out, g| corten_random::bernoulli_scalar(out, g, p)); forms: fn method; check: moments; nondiff }
/// Poisson-distributed counts of the rates in `input`.
poisson(input: Tensor, generator: Generator?) -> Tensor { meta: { random::need_float("poisson_cpu", input)?; Ok(smallvec![fresh(input, input.dims(), input.dtype())]) }; kernel: draw(generator, &outs[0], |out, g| corten_random::poisson(out, input.core().operand()?, g)); forms: fn; check: moments; nondiff }
/// Gamma-distributed numbers of the shapes in `input` and the scale 1.
_standard_gamma(input: Tensor, generator: Generator?) -> Tensor { meta: { random::need_float("gamma_cpu", input)?; Ok(smallvec![fresh(input, input.dims(), input.dtype())]) }; kernel: draw(generator, &outs[0], |out, g| corten_random::standard_gamma(out, input.core().operand()?, g)); forms: fn; check: none }
/// How many of `count` tries succeed, each with the probability `prob`.
binomial(count: Tensor, prob: Tensor, generator: Generator?) -> Tensor { meta: { random::check_tries(count, prob)?; Ok(smallvec![fresh(count, count.dims(), count.dtype())]) }; kernel: random::binomial(generator, &outs[0], count, prob); forms: fn; check: moments; nondiff }
/// Indices drawn along the last dimension in proportion to the weights in `input`.
multinomial(input: Tensor, num_samples: int, replacement: bool = false, *, generator: Generator?) -> Tensor { meta: random::multinomial_meta(input, num_samples, replacement); kernel: random::multinomial(generator, input, num_samples, replacement, &outs[0]); forms: fn method out; check: moments; nondiff }
/// The numbers below the length of the one-dimensional `input` in random order, in place.
_randperm_(input: Tensor, *, generator: Generator?) -> Self { meta: Ok(smallvec![like(input, input.dtype())]); kernel: draw(generator, &outs[0], corten_random::randperm); check: moments; nondiff }

/// Uniform numbers of [0, 1).
rand(size: Sizes..., *, generator: Generator?, @factory) -> Tensor { composite: { let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?; o.finished(uniform__with(o.empty(size, o.float())?, 0.0, 1.0, generator)) }; forms: fn out; check: moments; nondiff }
/// Standard normal numbers.
randn(size: Sizes..., *, generator: Generator?, @factory) -> Tensor { composite: { let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?; o.finished(normal__with(o.empty(size, o.float())?, 0.0, 1.0, generator)) }; forms: fn out; check: moments; nondiff }
/// Integers of [0, high).
randint(high: int, size: Sizes, *, generator: Generator?, @factory) -> Tensor { composite: { let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?; o.finished(random__from_with(o.empty(size, o.dtype_or(DType::I64))?, 0, high, generator)) }; forms: fn out; check: moments; nondiff }
/// Integers of [low, high).
randint.low(low: int, high: int, size: Sizes, *, generator: Generator?, @factory) -> Tensor { composite: { let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?; o.finished(random__from_with(o.empty(size, o.dtype_or(DType::I64))?, low, high, generator)) }; forms: fn out; check: moments; nondiff }
/// The numbers 0 to n - 1 in random order.
randperm(n: int, *, generator: Generator?, @factory) -> Tensor { composite: { let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?; let dtype = o.dtype_or(DType::I64); random::check_permutation(n, dtype)?; o.finished(_randperm__with(o.empty(&[n], dtype)?, generator)) }; forms: fn out; check: moments; nondiff }
/// Uniform numbers of [0, 1), like another tensor.
rand_like(input: Tensor, *, generator: Generator?, @factory, memory_format: MemoryFormat = Preserve) -> Tensor { composite: { let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?.or_like(input); o.finished(uniform__with(shaped(input, &o, memory_format)?, 0.0, 1.0, generator)) }; forms: fn; check: moments; nondiff }
/// Standard normal numbers, like another tensor.
randn_like(input: Tensor, *, generator: Generator?, @factory, memory_format: MemoryFormat = Preserve) -> Tensor { composite: { let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?.or_like(input); o.finished(normal__with(shaped(input, &o, memory_format)?, 0.0, 1.0, generator)) }; forms: fn; check: moments; nondiff }
/// Integers of [0, high), like another tensor.
randint_like(input: Tensor, high: int, *, generator: Generator?, @factory, memory_format: MemoryFormat = Preserve) -> Tensor { composite: { let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?.or_like(input); o.finished(random__from_with(shaped(input, &o, memory_format)?, 0, high, generator)) }; forms: fn; check: moments; nondiff }
/// Integers of [low, high), like another tensor.
randint_like.low(input: Tensor, low: int, high: int, *, generator: Generator?, @factory, memory_format: MemoryFormat = Preserve) -> Tensor { composite: { let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?.or_like(input); o.finished(random__from_with(shaped(input, &o, memory_format)?, low, high, generator)) }; forms: fn; check: moments; nondiff }
/// Normal numbers of the given means and deviations, broadcast.
normal(mean: Tensor, std: Tensor, *, generator: Generator?) -> Tensor { composite: { random::check_deviations(std)?; let sizes = crate::pointwise::broadcast([mean.sizes(), std.sizes()])?; let out = Tensor::empty(&sizes, mean.dtype(), mean.device())?; shifted(standard(&out, generator), mean, std) }; forms: fn out; check: moments; nondiff }
/// Normal numbers of the given means.
normal.tensor_float(mean: Tensor, std: float = 1, *, generator: Generator?) -> Tensor { composite: add_(normal__with(Tensor::empty(mean.sizes(), mean.dtype(), mean.device())?, 0.0, std, generator), mean.detached(), 1); forms: fn out; check: moments; nondiff }
/// Normal numbers of the given deviations.
normal.float_tensor(mean: float, std: Tensor, *, generator: Generator?) -> Tensor { composite: { random::check_deviations(std)?; let out = Tensor::empty(std.sizes(), std.dtype(), std.device())?; shifted(standard(&out, generator), mean, std) }; forms: fn out; check: moments; nondiff }
/// Normal numbers of one mean and deviation.
normal.float_float(mean: float, std: float, size: Sizes, *, generator: Generator?, @factory) -> Tensor { composite: { let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?; o.finished(normal__with(o.empty(size, o.float())?, mean, std, generator)) }; forms: fn out; check: moments; nondiff }

/// Elements kept with probability `1 - p` and divided by it, and which were; all of them outside training.
native_dropout(input: Tensor, p: float, train: bool?) -> (output: Tensor, mask: Tensor) { meta: { random::check_dropout(input, p)?; Ok(smallvec![like(input, input.dtype()), like(input, DType::Bool)]) }; kernel: random::dropout(input, p, train.unwrap_or(true), outs); forms: fn; check: none }

}

fn standard(out: impl crate::lazy::IntoLazy, generator: Option<&SharedGenerator>) -> T {
    normal__with(out, 0.0, 1.0, generator)
}

/// `numbers * std + mean`, written over the numbers.
fn shifted(numbers: T, mean: impl crate::lazy::IntoLazy, std: &Tensor) -> T {
    add_(mul_(numbers, std.detached()), mean, 1)
}
