//! Derivatives of losses.

use crate::rules::loss;
use corten_tables::derivatives;
use corten_tensor::ops::all::*;

derivatives! {
mse_loss(x, y, reduction: int): other { x: loss::shared(g, x.shape, y.shape, reduction)? * (x - y) * 2.0, y: loss::shared(g, x.shape, y.shape, reduction)? * (y - x) * 2.0 }
smooth_l1_loss(x, y, reduction: int, beta: float): other { x: loss::shared(g, x.shape, y.shape, reduction)? * loss::smooth_slope(&(x - y), beta), y: loss::shared(g, x.shape, y.shape, reduction)? * loss::smooth_slope(&(y - x), beta) }
huber_loss(x, y, reduction: int, delta: float): other { x: loss::shared(g, x.shape, y.shape, reduction)? * loss::bounded(&(x - y), delta), y: loss::shared(g, x.shape, y.shape, reduction)? * loss::bounded(&(y - x), delta) }
binary_cross_entropy(x, y, weight: Tensor?, reduction: int): other { x: loss::weigh(loss::shared(g, x.shape, y.shape, reduction)?, weight) * (x - y) / clamp_min(x * (1.0 - x), 1e-12), y: loss::weigh(loss::shared(g, x.shape, y.shape, reduction)?, weight) * (clamp_min(log1p(-x), -100) - clamp_min(log(x), -100)) }
binary_cross_entropy_with_logits(x, y, weight: Tensor?, pos_weight: Tensor?, reduction: int): other { x: loss::weigh(loss::shared(g, x.shape, y.shape, reduction)?, weight) * loss::logit_slope(x, y, pos_weight), y: loss::weigh(loss::shared(g, x.shape, y.shape, reduction)?, weight) * loss::target_slope(x, pos_weight) }
nll_loss_forward(x, target: Tensor, weight: Tensor?, reduction: int, ignore_index: int) -> (out, total): other "NllLossBackward0" { x: nll_loss_backward_with(g, x, target, weight, reduction, ignore_index, total) }
nll_loss_backward(g0, x: Tensor, target: Tensor, weight: Tensor?, reduction: int, ignore_index: int, total: Tensor): linear { g0: loss::nll_second(g, target, weight, reduction, ignore_index) }
_ctc_loss(x, targets: Tensor, input_lengths: Sizes, target_lengths: Sizes, blank: int, zero_infinity: bool): other { x: _ctc_loss_backward(g, x, targets, input_lengths, target_lengths, blank, zero_infinity) }
}
