//! Losses. `reduction` is 0 for none, 1 for the mean, 2 for the sum.

use super::all::*;
use crate::body::evaluate;
use crate::lazy::T;
use crate::rules::loss;
use crate::value::Value;
use crate::{Result, Tensor, fail};
use corten_reduce::Reduction;
use corten_tables::ops;

ops! { family = loss;

/// `(input - target)²`.
mse_loss(input: Tensor, target: Tensor, reduction: int = 1) -> Tensor { meta: { loss::need_float("mse_cpu", input, target)?; loss::pair_meta(input, target, reduction) }; kernel: evaluate_loss(&outs[0], reduction, || square(sub(input, target))); forms: fn; domain: any, any }
/// `|input - target|`.
l1_loss(input: Tensor, target: Tensor, reduction: int = 1) -> Tensor { composite: loss::reduced(abs(sub(input, target)), reduction); forms: fn; domain: any, any }
/// A parabola below `beta`, a line above.
smooth_l1_loss(input: Tensor, target: Tensor, reduction: int = 1, beta: float = 1.0) -> Tensor { composite: smooth(input, target, reduction, beta); forms: fn; domain: any, any }
/// `smooth_l1_loss` of each pair.
_smooth_l1(input: Tensor, target: Tensor, beta: Scalar) -> Tensor { ternary(smooth_l1, default, 0..2); check: none; nondiff }
/// A parabola below `delta`, a line above with the slope `delta`.
huber_loss(input: Tensor, target: Tensor, reduction: int = 1, delta: float = 1.0) -> Tensor { composite: huber(input, target, reduction, delta); forms: fn; domain: any, any }
/// `huber_loss` of each pair.
_huber(input: Tensor, target: Tensor, delta: Scalar) -> Tensor { ternary(huber, default, 0..2); check: none; nondiff }
/// The cross-entropy of probabilities; logarithms are limited to -100.
binary_cross_entropy(input: Tensor, target: Tensor, weight: Tensor?, reduction: int = 1) -> Tensor { meta: loss::probabilities_meta(input, target, weight, reduction); kernel: { loss::need_probabilities("input", input)?; loss::need_probabilities("target", target)?; evaluate_loss(&outs[0], reduction, || entropy(input, target, weight)) }; forms: fn; domain: unit, unit }
/// The cross-entropy of `sigmoid(input)`, without overflow.
binary_cross_entropy_with_logits(input: Tensor, target: Tensor, weight: Tensor?, pos_weight: Tensor?, reduction: int = 1) -> Tensor { meta: loss::logits_meta(input, target, weight, reduction); kernel: evaluate_loss(&outs[0], reduction, || logits_entropy(input, target, weight, pos_weight)); forms: fn; domain: any, unit }
/// The divergence of a target distribution from one given by its logarithms.
kl_div(input: Tensor, target: Tensor, reduction: int = 1, *, log_target: bool = false) -> Tensor { composite: { if input.dtype().is_integral(true) || target.dtype().is_integral(true) { fail!(Runtime, "kl_div: Integral inputs not supported.") } loss::reduced(if log_target { mul(exp(target), sub(target, input)) } else { sub(xlogy(target, target), mul(target, input)) }, reduction) }; forms: fn; domain: any, unit }
/// `-weight[target] * input[target]` of log-probabilities (N, C, …) or (C).
nll_loss(input: Tensor, target: Tensor, weight: Tensor?, reduction: int = 1, ignore_index: int = -100) -> Tensor { composite: nll_loss_forward_with(input, target, weight, reduction, ignore_index).pick(0); forms: fn; domain: classes }
/// `nll_loss`, and the sum of the weights that it took.
nll_loss_forward(input: Tensor, target: Tensor, weight: Tensor?, reduction: int, ignore_index: int) -> (output: Tensor, total_weight: Tensor) { meta: loss::nll_meta(input, target, weight, reduction); kernel: loss::nll(input, target, weight, reduction, ignore_index, outs); domain: classes }
/// The gradient of `nll_loss`.
nll_loss_backward(grad_output: Tensor, input: Tensor, target: Tensor, weight: Tensor?, reduction: int, ignore_index: int, total_weight: Tensor) -> Tensor { meta: loss::nll_backward_meta(input, target, weight); kernel: loss::nll_backward(grad_output, target, weight, reduction, ignore_index, total_weight, &outs[0]); check: none }
/// The cross-entropy of `softmax(input)`, with classes or with distributions.
cross_entropy_loss(input: Tensor, target: Tensor, weight: Tensor?, reduction: int = 1, ignore_index: int = -100, label_smoothing: float = 0.0) -> Tensor { composite: cross_entropy(input, target, weight, reduction, ignore_index, label_smoothing); forms: fn; domain: classes }

}

fn evaluate_loss(out: &Tensor, reduction: i64, losses: impl FnOnce() -> T) -> Result<()> {
    evaluate(out, || loss::reduced(losses(), reduction).into())
}

fn smooth(input: &Tensor, target: &Tensor, reduction: i64, beta: f64) -> Result<T> {
    if beta < 0.0 {
        fail!(Runtime, "smooth_l1_loss does not support negative values for beta.");
    }
    loss::need_float("smooth_l1_cpu", input, target)?;
    if beta == 0.0 {
        return loss::reduced(abs(sub(input, target)), reduction);
    }
    loss::reduced(_smooth_l1(input, target, beta), reduction)
}

fn huber(input: &Tensor, target: &Tensor, reduction: i64, delta: f64) -> Result<T> {
    if delta <= 0.0 {
        fail!(Runtime, "huber_loss does not support non-positive values for delta.");
    }
    loss::need_float("huber_cpu", input, target)?;
    loss::reduced(_huber(input, target, delta), reduction)
}

fn weighted(losses: T, weight: Option<&Tensor>) -> T {
    match weight {
        Some(weight) => mul(losses, weight),
        None => losses,
    }
}

fn entropy(x: &Tensor, target: &Tensor, weight: Option<&Tensor>) -> T {
    let limited = |x: T| clamp_min(x, -100);
    let (yes, no) = (limited(log(x)), limited(log1p(neg(x))));
    weighted(sub(mul(sub(target, 1), no), mul(target, yes)), weight)
}

fn logits_entropy(x: &Tensor, target: &Tensor, weight: Option<&Tensor>, positive: Option<&Tensor>) -> T {
    let log_sigmoid = log_sigmoid(x);
    let losses = match positive {
        Some(positive) => {
            let factor = add(mul(sub(positive, 1), target), 1);
            sub(mul(rsub_scalar(target, 1), x), mul(factor, log_sigmoid))
        }
        None => sub(mul(rsub_scalar(target, 1), x), log_sigmoid),
    };
    weighted(losses, weight)
}

fn cross_entropy(
    x: &Tensor,
    target: &Tensor,
    weight: Option<&Tensor>,
    reduction: i64,
    ignore: i64,
    smoothing: f64,
) -> Result<T> {
    if !(0.0..=1.0).contains(&smoothing) {
        fail!(Runtime, "label_smoothing must be between 0.0 and 1.0. Got: {smoothing}");
    }
    if x.ndim() == 0 {
        fail!(Runtime, "cross_entropy: input must have at least one dimension");
    }
    let dim = if x.ndim() == 1 { 0i64 } else { 1 };
    if x.sizes() == target.sizes() {
        if !target.dtype().is_float() {
            let dtype = target.dtype().scalar_name();
            fail!(Runtime, "Expected floating point type for target with class probabilities, got {dtype}");
        }
        if ignore >= 0 {
            fail!(Runtime, "ignore_index is not supported for floating point target");
        }
        return with_distribution(x, target, weight, reduction, smoothing, dim);
    }
    let logs = log_softmax(x, dim).tensor()?;
    let loss = nll_loss_with(&logs, target, weight, reduction, ignore);
    if smoothing == 0.0 {
        return Ok(loss);
    }
    let classes = x.sizes()[dim as usize] as f64;
    let shared = spread(&logs, target, weight, reduction, ignore, dim)?;
    Ok(add(mul(loss, 1.0 - smoothing), mul(shared, smoothing / classes)))
}

/// A weight of each class, shaped to lie along the classes of `x`.
fn along_classes(weight: &Tensor, x: &Tensor, dim: i64) -> T {
    let mut sizes = vec![1; x.ndim()];
    sizes[dim as usize] = -1;
    view(weight, sizes)
}

/// The loss of a target that is shared out evenly over the classes, times their number.
fn spread(logs: &Tensor, target: &Tensor, weight: Option<&Tensor>, reduction: i64, ignore: i64, dim: i64) -> Result<T> {
    let each = match weight {
        Some(weight) => neg(sum_dim_with(mul(logs, along_classes(weight, logs, dim)), [dim], false, Value::None)),
        None => neg(sum_dim_with(logs, [dim], false, Value::None)),
    };
    let ignored = eq(target, ignore);
    let each = masked_fill(each, &ignored, 0.0);
    Ok(match loss::reduction(reduction)? {
        Reduction::None => each,
        Reduction::Sum => sum(each),
        Reduction::Mean => {
            let count = match weight {
                Some(weight) => {
                    let safe = masked_fill(target, &ignored, 0);
                    let taken = reshape(index_select(weight, 0, reshape(safe, [-1])), target.sizes());
                    sum(masked_fill(taken, &ignored, 0.0))
                }
                None => to(sum(logical_not(&ignored)), logs.dtype()),
            };
            div(sum(each), count)
        }
    })
}

fn with_distribution(
    x: &Tensor,
    target: &Tensor,
    weight: Option<&Tensor>,
    reduction: i64,
    smoothing: f64,
    dim: i64,
) -> Result<T> {
    let classes = x.sizes()[dim as usize] as f64;
    let target = match smoothing > 0.0 {
        true => add(mul(target, 1.0 - smoothing), smoothing / classes),
        false => T::from(target),
    };
    let logs = log_softmax(x, dim);
    let losses = match weight {
        Some(weight) => mul(mul(logs, target), along_classes(weight, x, dim)),
        None => mul(logs, target),
    };
    let batch = x.numel() as f64 / classes;
    Ok(match loss::reduction(reduction)? {
        Reduction::None => neg(sum_dim_with(losses, [dim], false, Value::None)),
        Reduction::Sum => neg(sum(losses)),
        Reduction::Mean => div(neg(sum(losses)), if x.ndim() == 1 { 1.0 } else { batch }),
    })
}
