"""Losses that are zero beyond a margin."""

from __future__ import annotations

from corten_nn._backend import Tensor, core
from corten_nn.functional._reduction import code, legacy_reduction, reduced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, -y (x₁ - x₂) + margin); y = 1 ranks the first input higher, -1 the second."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    if not input1.dim() == input2.dim() == target.dim():
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {input1.size()}, input2: {input2.size()}, target: {target.size()} "
        )
    return reduced((-target * (input1 - input2) + margin).clamp_min(0), reduction)


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """x where y = 1, max(0, margin - x) where y = -1."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    zero = core.zeros_like(input)
    apart = core.where(target != 1, (margin - input).clamp_min(0), zero)
    return reduced(apart + core.where(target != -1, input, zero), reduction)


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """1 - cos(x₁, x₂) where y = 1, max(0, cos(x₁, x₂) - margin) where y = -1; inputs (N, D) or (D)."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    if target.dim() > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    dims = target.dim() + 1
    if input1.dim() != dims or input2.dim() != dims:
        raise RuntimeError(
            f"{target.dim()}D target tensor expects {dims}D input tensors, but found inputs with sizes "
            f"{list(input1.size())} and {list(input2.size())}."
        )
    tiny = 1e-12
    square1 = (input1 * input1).sum(-1) + tiny
    square2 = (input2 * input2).sum(-1) + tiny
    cosine = (input1 * input2).sum(-1) / (square1 * square2).sqrt()
    zero = core.zeros_like(cosine)
    loss = core.where(target == 1, 1 - cosine, zero)
    return reduced(loss + core.where(target == -1, (cosine - margin).clamp_min(0), zero), reduction)


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """log(1 + e^(-y x)) for targets 1 and -1."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    return reduced((-input * target).exp().log1p(), reduction)


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Σ max(0, margin - x[y] + x[i])ᵖ / C over i ≠ y, for scores (N, C) or (C) and class indices (N) or ()."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.dim() != 1:
        raise ValueError("weight must be one-dimensional")
    if input.dim() not in (1, 2) or input.numel() == 0 or target.dim() > 1:
        raise RuntimeError(
            "Expected non-empty vector or matrix with optional 0-dim batch size, "
            f"but got: {list(input.size())} and target {list(target.size())}"
        )
    rows = input.unsqueeze(0) if input.dim() == 1 else input
    labels = target.reshape(-1, 1)
    if labels.size(0) != rows.size(0):
        raise RuntimeError(f"inconsistent target size, expected {rows.size(0)} but got {list(target.size())}")
    loss = (margin - rows.gather(1, labels) + rows).clamp_min(0)
    if p == 2:
        loss = loss * loss
    if weight is not None:
        loss = loss * weight[labels]
    # The class itself has no part.
    loss = loss.scatter(1, labels, 0.0).sum(1) / rows.size(1)
    return reduced(loss.reshape(target.size()) if input.dim() == 1 else loss, reduction)


def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Σ max(0, 1 - x[y] + x[i]) / C over the labels y and all i that are no label; inputs (N, C) or (C).

    The labels of a row are its targets before the first negative one.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    if input.dim() not in (1, 2) or target.size() != input.size():
        raise RuntimeError(f"inconsistent target size: {list(target.size())} for input of size: {list(input.size())}")
    rows, labels = (input.unsqueeze(0), target.unsqueeze(0)) if input.dim() == 1 else (input, target)
    valid = (labels >= 0).long().cumprod(1)
    labels = labels.clamp_min(0)
    is_label = core.zeros_like(labels).scatter_add_(1, labels, valid) > 0
    loss = (1 - rows.gather(1, labels).unsqueeze(2) + rows.unsqueeze(1)).clamp_min(0)
    counted = valid.bool().unsqueeze(2) & is_label.logical_not().unsqueeze(1)
    loss = core.where(counted, loss, core.zeros_like(loss)).sum((1, 2)) / rows.size(1)
    return reduced(loss.squeeze(0) if input.dim() == 1 else loss, reduction)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, d(a, p) - d(a, n) + margin) with p-norm distances; `swap` uses d(p, n) where smaller (Balntas, 2016)."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    code(reduction)
    return triplet_margin_with_distance_loss(
        anchor,
        positive,
        negative,
        distance_function=lambda a, b: core.pairwise_distance(a, b, p, eps),
        margin=margin,
        swap=swap,
        reduction=reduction,
    )


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """`triplet_margin_loss` with any distance, `pairwise_distance` by default."""
    code(reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.dim() == positive.dim() == negative.dim():
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {anchor.dim()}D, positive {positive.dim()}D, and negative {negative.dim()}D inputs"
        )
    distance = core.pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = core.minimum(far, distance(positive, negative))
    return reduced((margin + near - far).clamp_min(0), reduction)
