"""Losses between a prediction and a target of the same shape."""

from __future__ import annotations

import math

from corten_nn._backend import Tensor, autograd, core
from corten_nn._warnings import warn
from corten_nn.functional._reduction import code, legacy_reduction, reduced


def _same_sizes(input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Broadcast the two, with a warning where their sizes differ."""
    if target.size() == input.size():
        return input, target
    warn(
        f"Using a target size ({target.size()}) that is different to the input size ({input.size()}). "
        "This will likely lead to incorrect results due to broadcasting. "
        "Please ensure they have the same size.",
        stacklevel=3,
    )
    input, target = core.broadcast_tensors(input, target)
    return input, target


def _weighted(loss: Tensor, weight: Tensor, input: Tensor, reduction: str, divisor: Tensor | None) -> Tensor:
    """Weight a loss by element; its mean divides by `divisor`, or by the count of elements without one."""
    if weight.size() != input.size():
        raise ValueError("Weights and input must have the same size.")
    weighted = loss * weight
    if reduction == "none":
        return weighted
    if reduction == "sum":
        return weighted.sum()
    if reduction == "mean":
        return weighted.mean() if divisor is None else weighted.sum() / divisor
    raise ValueError(f"Invalid reduction mode: {reduction}. Expected one of 'none', 'mean', 'sum'.")


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """(x - y)²; the mean with a `weight` divides by the weights' sum."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    expanded, target = _same_sizes(input, target)
    if weight is not None:
        return _weighted((expanded - target) ** 2, weight, input, reduction, weight.sum())
    return core.mse_loss(expanded, target, code(reduction))


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """|x - y|; the mean with a `weight` divides by the weights' sum."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    expanded, target = _same_sizes(input, target)
    if weight is not None:
        return _weighted((expanded - target).abs(), weight, input, reduction, weight.sum())
    return core.l1_loss(expanded, target, code(reduction))


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """(x - y)² / (2β) where |x - y| < β, else |x - y| - β / 2 (Girshick, 2015)."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    input, target = _same_sizes(input, target)
    if beta == 0.0:
        return core.l1_loss(input, target, code(reduction))
    return core.smooth_l1_loss(input, target, code(reduction), beta)


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """(x - y)² / 2 where |x - y| < δ, else δ (|x - y| - δ / 2) (Huber, 1964)."""
    expanded, target = _same_sizes(input, target)
    if weight is not None:
        return _weighted(core.huber_loss(expanded, target, 0, delta), weight, input, reduction, None)
    return core.huber_loss(expanded, target, code(reduction), delta)


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """eˣ - y x, or x - y log(x + eps) without `log_input`; `full` adds Stirling's approximation of log y!."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    code(reduction)
    loss = core.exp(input) - target * input if log_input else input - target * core.log(input + eps)
    if full:
        stirling = target * core.log(target) - target + 0.5 * core.log(2 * math.pi * target)
        loss = loss + stirling.masked_fill(target <= 1, 0)
    return reduced(loss, reduction)


def _differing(input: Tensor, other: Tensor) -> list[int]:
    """The sizes of `other` that are not the input's."""
    return [b for a, b in zip(input.size(), other.size(), strict=True) if a != b]


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """½ (log σ² + (x - y)² / σ²) with σ² = max(`var`, `eps`); `full` adds ½ log 2π (Nix and Weigend, 1994)."""
    if isinstance(var, float):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        variance = var * core.ones_like(input)
    elif core.any(var < 0):
        raise ValueError("var has negative entry/entries")
    else:
        variance = var
    if variance.size() != input.size():
        if input.size()[:-1] == variance.size():
            # One variance for the whole last dimension.
            variance = variance.unsqueeze(-1)
        elif input.dim() != variance.dim() or _differing(input, variance) != [1]:
            raise ValueError("var is of incorrect size")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid")
    variance = variance.clone()
    # The gradient passes the clamp unchanged.
    with autograd.no_grad():
        variance.clamp_(min=eps)
    loss = 0.5 * (core.log(variance) + (input - target) ** 2 / variance)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return reduced(loss, reduction)
