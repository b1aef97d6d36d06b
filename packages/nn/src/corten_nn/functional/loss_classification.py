"""Losses between scores or probabilities and classes."""

from __future__ import annotations

from corten_nn._backend import Tensor, core
from corten_nn._warnings import warn
from corten_nn.functional._reduction import code, legacy_reduction, reduced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-log softmax(x)[y] for scores (N, C, ...) or (C) and class indices (N, ...) or (), or class probabilities.

    `weight` (C) scales classes, `ignore_index` is a target without loss, `label_smoothing` mixes the target with
    the uniform distribution (Szegedy et al., 2015).
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    return core.cross_entropy_loss(input, target, weight, code(reduction), ignore_index, label_smoothing)


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: None = None,
) -> Tensor:
    """Cross entropy of the scores x Aᵀ + b, for `input` (N, D) or (D) and `linear_weight` (C, ..., D).

    `linear_bias` is (C, ...); the scores are (N, C, ...). `options`, PyTorch's way to compute them by parts, must be
    None.
    """
    if options is not None:
        raise NotImplementedError("linear_cross_entropy(): argument 'options' must be None")
    if input.dim() not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.dim()}")
    if linear_weight.dim() < 2:
        raise RuntimeError(f"expected linear_weight with dimensionality at least 2, got {linear_weight.dim()}")
    batch, (*classes, features) = input.shape[:-1], linear_weight.shape
    if input.size(-1) != features:
        raise RuntimeError(
            "expected equal input and linear_weight last dimensions (in_features), "
            f"got {input.size(-1)} and {features}, respectively"
        )
    if linear_bias is not None and [*linear_bias.shape] != classes:
        raise RuntimeError(f"expected linear_bias shape {(*classes,)}, got {(*linear_bias.shape,)}")
    if len(classes) > 1 and not batch:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {(*linear_weight.shape,)} requires batched input, "
            f"(N, {features}), got unbatched input with shape {(*input.shape,)}"
        )
    scores = core.linear(
        input, linear_weight.flatten(0, -2), None if linear_bias is None else linear_bias.flatten()
    ).reshape(*batch, *classes)
    if ignore_index is None:
        ignore_index = -100
    elif target.shape == scores.shape:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    return cross_entropy(
        scores, target, weight, ignore_index=ignore_index, reduction=reduction, label_smoothing=label_smoothing
    )


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-x[y] for log-probabilities (N, C, ...) or (C) and class indices; the mean divides by the weights used."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    return core.nll_loss(input, target, weight, code(reduction), ignore_index)


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-(y log x + (1 - y) log(1 - x)) for probabilities x; each logarithm is at least -100."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    if target.size() != input.size():
        raise ValueError(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}) is "
            "deprecated. Please ensure they have the same size."
        )
    if weight is not None:
        weight = weight.expand(core.broadcast_shapes(target.size(), weight.size()))
    return core.binary_cross_entropy(input, target, weight, code(reduction))


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """`binary_cross_entropy` of σ(x), without overflow; `pos_weight` scales the positive term of each class."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    if target.size() != input.size():
        raise ValueError(f"Target size ({target.size()}) must be the same as input size ({input.size()})")
    return core.binary_cross_entropy_with_logits(input, target, weight, pos_weight, code(reduction))


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """y (log y - x) for log-probabilities x and probabilities y, or eᵗ (t - x) with `log_target`.

    "batchmean" divides the sum by the first size, which is the divergence's definition.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce, reduction)
    elif reduction == "mean":
        warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size."
            "'batchmean' divides only by the batch size, and aligns with the KL div math definition."
            "'mean' will be changed to behave the same as 'batchmean' in the next major release."
        )
    by_batch = reduction == "batchmean"
    loss = core.kl_div(input, target, 2 if by_batch else code(reduction), log_target=log_target)
    return loss / input.size(0) if by_batch and input.dim() != 0 else loss


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Connectionist temporal classification (Graves et al., 2006) of log-probabilities (T, N, C) or (T, C).

    The lengths are sequences of ints or integer tensors, both alike.
    """
    return core.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, code(reduction), zero_infinity)


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-(y log σ(x) + (1 - y) log σ(-x)), averaged over the last dimension's classes."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid")
    loss = -(target * core.log_sigmoid(input) + (1 - target) * core.log_sigmoid(-input))
    if weight is not None:
        loss = loss * weight
    return reduced(loss.mean(dim=-1), reduction)
