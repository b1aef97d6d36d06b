//! Gradients of losses.

use corten_tensor::lazy::{T, number};
use corten_tensor::ops::all as ops;
use corten_tensor::pointwise::broadcast;
use corten_tensor::{Dims, Result, Tensor, mode};

/// The gradient of each element's loss: `g`, or its share of the mean.
pub fn shared(g: &T, x: &Dims, y: &Dims, reduction: i64) -> Result<T> {
    Ok(if reduction == 1 { g / broadcast([&x[..], &y[..]])?.iter().product::<i64>() as f64 } else { g.clone() })
}

/// Multiplied by the elements' weights, if there are any.
pub fn weigh(g: T, weight: Option<&Tensor>) -> T {
    if let Some(w) = weight { g * T::from(w) } else { g }
}

/// The slope of the loss that is squared below `beta`.
pub fn smooth_slope(d: &T, beta: f64) -> T {
    if beta == 0.0 { ops::sign(d) } else { bounded(d, beta) / beta }
}

/// `d` within the bound on both sides. Where it is at the bound, it has no slope, other than a clamped number.
pub fn bounded(d: &T, bound: f64) -> T {
    if !mode::grad_enabled() {
        return ops::clamp_with(d, -bound, bound);
    }
    ops::where_(ops::ge(ops::abs(d), bound), ops::sign(d) * bound, d)
}

/// The slope of binary cross entropy by the logit.
pub fn logit_slope(x: &T, y: &T, pos_weight: Option<&Tensor>) -> T {
    match pos_weight {
        Some(p) => {
            let t = y * T::from(p);
            (&t + &(number(1.0) - y)) * ops::sigmoid(x) - &t
        }
        None => ops::sigmoid(x) - y,
    }
}

/// The slope of binary cross entropy by the target.
pub fn target_slope(x: &T, pos_weight: Option<&Tensor>) -> T {
    match pos_weight {
        Some(p) => ops::log_sigmoid(-x) - T::from(p) * ops::log_sigmoid(x),
        None => -x,
    }
}

/// The gradient of the class loss's gradient, by the gradient it was given: the loss itself, of `g`.
pub fn nll_second(g: &T, target: &Tensor, weight: Option<&Tensor>, reduction: i64, ignore: i64) -> T {
    ops::nll_loss_with(g, target, weight, reduction, ignore)
}
