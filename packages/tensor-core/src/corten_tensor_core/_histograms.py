"""Histograms over one coordinate or several."""

from __future__ import annotations

import math
from typing import NamedTuple

import corten_native as _native

from ._composite_order import searchsorted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from corten_native import Tensor


class Grid(NamedTuple):
    """The results of `histogramdd`."""

    hist: Tensor
    bin_edges: tuple[Tensor, ...]


def histogram(
    input: Tensor,
    bins: Any = 100,
    *,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> tuple[Tensor, Tensor]:
    """Count the elements, or add up their weights, in bins between edges, of which only the last bin has both.

    `bins` is their number or the ascending edges. Without a `range` they reach from the least to the largest element.
    With `density` the bins' areas add up to one.
    """
    if weight is not None and weight.shape != input.shape:
        raise RuntimeError(
            "histogramdd: if weight tensor is provided it should have the same shape as the input tensor excluding its "
            f"innermost dimension, but got input with shape {list(input.shape)} and weight with shape "
            f"{list(weight.shape)}"
        )
    if not hasattr(bins, "dim") and not isinstance(bins, int):
        raise TypeError(f"histogram(): argument 'bins' must be int or Tensor, not {type(bins).__name__}")
    weights = weight if weight is None else weight.reshape(-1)
    hist, edges = _counted(input.reshape(-1, 1), [bins], range, weights, density, "histogram")
    return hist, edges[0]


def histogramdd(
    input: Tensor,
    bins: Any,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> Grid:
    """Count points, whose coordinates are the last dimension, in the bins of a grid.

    `bins` is one number for all coordinates, or a number or a tensor of edges for each; `range` has two ends for each.
    """
    if input.dim() < 2:
        raise RuntimeError("torch.histogramdd: input tensor should have at least 2 dimensions")
    coordinates = input.shape[-1]
    each = [bins] * coordinates if isinstance(bins, int) else list(bins)
    if len(each) != coordinates:
        raise RuntimeError(
            f"torch.histogramdd: expected {coordinates} sequences of bins for a {coordinates}-dimensional histogram "
            f"but got {len(each)}"
        )
    if weight is not None and weight.shape != input.shape[:-1]:
        raise RuntimeError(
            "histogramdd: if weight tensor is provided it should have the same shape as the input tensor excluding its "
            f"innermost dimension, but got input with shape {list(input.shape)} and weight with shape "
            f"{list(weight.shape)}"
        )
    points = input.reshape(math.prod(input.shape[:-1]), coordinates)
    return Grid(*_counted(points, each, range, None if weight is None else weight.reshape(-1), density, "histogramdd"))


def _counted(
    points: Tensor, bins: list[Any], range: Sequence[float] | None, weight: Tensor | None, density: bool, name: str
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Count points of shape (count, coordinates)."""
    if not points.is_floating_point():
        raise NotImplementedError(f'"{name}_cpu" not implemented for {points.dtype}')
    if range is not None and len(range) != 2 * len(bins):
        raise RuntimeError(
            f"torch.histogramdd: for a {len(bins)}-dimensional histogram range should have {2 * len(bins)} elements, "
            f"but got {len(range)}"
        )
    if weight is not None and weight.dtype != points.dtype:
        raise RuntimeError(
            "torch.histogramdd: if weight tensor is provided, input tensor and weight tensor should have the same "
            f"dtype, but got input(float) {points.dtype}, and weight {weight.dtype}"
        )
    edges = tuple(
        _edges(column, count, None if range is None else range[2 * i : 2 * i + 2])
        for i, (column, count) in enumerate(zip(points.unbind(-1), bins, strict=True))
    )
    shape = [len(ends) - 1 for ends in edges]
    place = _native.zeros(len(points), dtype=_native.int64, device=points.device)
    inside = _native.ones(len(points), dtype=_native.bool, device=points.device)
    for column, ends, size in zip(points.unbind(-1), edges, shape, strict=True):
        column = column.contiguous()
        inside = inside & (column >= ends[0]) & (column <= ends[-1])
        place = place * size + (searchsorted(ends, column, right=True) - 1).clamp(0, size - 1)
    weights = _native.ones_like(points[:, 0]) if weight is None else weight
    hist = points.new_zeros([math.prod(shape)]).index_add(0, place[inside], weights[inside]).reshape(shape)
    if density:
        hist = hist / hist.sum()
        for i, ends in enumerate(edges):
            widths = ends[1:] - ends[:-1]
            hist = hist / widths.reshape([-1 if d == i else 1 for d, _ in enumerate(edges)])
    return hist, edges


def _edges(column: Tensor, bins: Any, range: Sequence[float] | None) -> Tensor:
    """Return the given edges, or `bins + 1` of them between the ends of a range."""
    if hasattr(bins, "dim"):
        if bins.dim() != 1 or not len(bins):
            raise RuntimeError(
                f"torch.histogramdd: bins tensor should have one dimension, but got {bins.dim()} dimensions"
            )
        if bins.dtype != column.dtype:
            raise RuntimeError(
                "torch.histogramdd: input tensor and bins tensors should have the same dtype, but got input with dtype "
                f"{column.dtype} and bins with dtype {bins.dtype}"
            )
        return bins.clone()
    if bins <= 0:
        raise RuntimeError(f"torch.histogramdd(): bins must be > 0, but got {bins}")
    if range is not None:
        low, high = range
    else:
        low, high = (column.min().item(), column.max().item()) if len(column) else (0.0, 1.0)
    if not (math.isfinite(low) and math.isfinite(high)):
        raise RuntimeError(f"torch.histogramdd: range [{low}, {high}] is not finite")
    if low > high:
        raise RuntimeError(f"torch.histogramdd: min should not exceed max, but got min {low} max {high}")
    if low == high:
        low, high = low - 0.5, high + 0.5
    return _native.linspace(low, high, bins + 1, dtype=column.dtype, device=column.device)
