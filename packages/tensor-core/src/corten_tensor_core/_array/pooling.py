"""Pooling over windows and their gradients; the last dimensions are the spatial ones."""

from __future__ import annotations

import functools
import math

from .base import is_float, many
from .windows import output_size, overlap_add, padded, windows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def _geometry(n: int, kernel: Any, stride: Any, padding: Any, dilation: Any = 1) -> Any:
    kernel = many(kernel, n)
    return kernel, kernel if stride in (None, [], ()) else many(stride, n), many(padding, n), many(dilation, n)


def _view(xp: Any, x: Any, geometry: Any, out: Any, value: Any) -> Any:
    """Return the windows `(..., *out, *kernel)` of `x`, padded with `value` as far as they reach."""
    kernel, stride, padding, dilation = geometry
    sizes = zip(x.shape[-len(out) :], out, kernel, stride, padding, dilation, strict=True)
    after = tuple(max((o - 1) * s + (k - 1) * d + 1 - p - size, 0) for size, o, k, s, p, d in sizes)
    return windows(xp, padded(xp, x, padding, after, value), out, kernel, stride, dilation)


def max_pool(
    n: int,
    xp: Any,
    x: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Any:
    """Return the largest element of each window and its position in the flattened spatial dimensions."""
    geometry = kernel, stride, padding, dilation = _geometry(n, kernel_size, stride, padding, dilation)
    spatial = x.shape[-n:]
    out = tuple(map(output_size, spatial, kernel, stride, padding, dilation, (ceil_mode,) * n))
    lowest = -math.inf if is_float(x) else xp.iinfo(x.dtype).min
    view = _view(xp, x, geometry, out, lowest)
    flat = view.reshape(*view.shape[:-n], math.prod(kernel))
    best = xp.argmax(flat, axis=-1)
    values = xp.take_along_axis(flat, best[..., None], axis=-1)[..., 0]
    index = xp.zeros(best.shape, dtype=xp.int64)
    for d, within in enumerate(xp.unravel_index(best, kernel)):
        start = (xp.arange(out[d]) * stride[d] - padding[d]).reshape(-1, *(1,) * (n - d - 1))
        index = index * spatial[d] + start + within * dilation[d]
    return values, index


def max_pool_backward(n: int, xp: Any, grad: Any, indices: Any, input_size: Any) -> Any:
    """Send each gradient to the element that was the largest of its window."""
    lead = tuple(input_size[: len(input_size) - n])
    rows = math.prod(lead)
    result = xp.zeros((rows, math.prod(input_size[-n:])), dtype=grad.dtype)
    start = xp.arange(rows)[:, None] * result.shape[1]
    at = (indices.reshape(rows, -1) + start).reshape(-1)
    total = xp.bincount(at, weights=grad.reshape(-1), minlength=result.size) if at.size else result
    return total.astype(grad.dtype).reshape(tuple(input_size))


def _counts(xp: Any, spatial: Any, out: Any, geometry: Any, include_pad: bool, divisor: int | None) -> Any:
    """Return how many elements each window averages over."""
    if divisor is not None:
        return xp.asarray(divisor)
    per_dim = []
    for size, o, k, s, p in zip(spatial, out, *geometry[:3], strict=True):
        start = xp.arange(o) * s - p
        end = xp.minimum(start + k, size + p)
        per_dim.append(end - start if include_pad else xp.minimum(end, size) - xp.maximum(start, 0))
    return functools.reduce(lambda x, y: x[..., None] * y, per_dim)


def avg_pool(
    n: int,
    xp: Any,
    x: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    geometry = kernel, stride, padding, dilation = _geometry(n, kernel_size, stride, padding)
    spatial = x.shape[-n:]
    out = tuple(map(output_size, spatial, kernel, stride, padding, dilation, (ceil_mode,) * n))
    total = _view(xp, x, geometry, out, 0).sum(tuple(range(-n, 0)))
    return total / _counts(xp, spatial, out, geometry, count_include_pad, divisor_override).astype(x.dtype)


def avg_pool_backward(
    n: int,
    xp: Any,
    grad: Any,
    input_size: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    geometry = kernel, stride, padding, dilation = _geometry(n, kernel_size, stride, padding)
    spatial = tuple(input_size[-n:])
    counts = _counts(xp, spatial, grad.shape[-n:], geometry, count_include_pad, divisor_override)
    share = (grad / counts.astype(grad.dtype)).reshape(*grad.shape, *(1,) * n)
    columns = xp.broadcast_to(share, (*grad.shape, *kernel))
    return overlap_add(xp, columns, spatial, stride, padding, dilation)


def _bins(size: int, count: int) -> list[tuple[int, int]]:
    return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]


def _adaptive_sizes(n: int, x_shape: Any, output_size: Any) -> tuple[int, ...]:
    wanted = [output_size] * n if isinstance(output_size, int) or output_size is None else output_size
    return tuple(size if w is None else w for w, size in zip(wanted, x_shape[-n:], strict=True))


def adaptive_avg_pool(n: int, xp: Any, x: Any, output_size: Any) -> Any:
    """Average over `output_size` bins, one dimension after the other (the bins are products of intervals)."""
    for d, count in enumerate(_adaptive_sizes(n, x.shape, output_size)):
        axis = x.ndim - n + d
        lines = xp.moveaxis(x, axis, -1)
        x = xp.stack([lines[..., a:b].mean(-1) for a, b in _bins(lines.shape[-1], count)], axis=-1)
        x = xp.moveaxis(x, -1, axis)
    return x


def adaptive_avg_pool_backward(n: int, xp: Any, grad: Any, input_size: Any) -> Any:
    for d in range(n):
        axis = grad.ndim - n + d
        lines = xp.moveaxis(grad, axis, -1)
        result = xp.zeros((*lines.shape[:-1], input_size[axis]), dtype=grad.dtype)
        for i, (a, b) in enumerate(_bins(input_size[axis], lines.shape[-1])):
            result[..., a:b] += lines[..., i : i + 1] / (b - a)
        grad = xp.moveaxis(result, -1, axis)
    return grad


def adaptive_max_pool(n: int, xp: Any, x: Any, output_size: Any) -> Any:
    """Return the largest element of each bin and its position in the flattened spatial dimensions."""
    index = xp.broadcast_to(xp.arange(math.prod(x.shape[-n:])).reshape(x.shape[-n:]), x.shape)
    for d, count in enumerate(_adaptive_sizes(n, x.shape, output_size)):
        axis = x.ndim - n + d
        lines, places = xp.moveaxis(x, axis, -1), xp.moveaxis(index, axis, -1)
        best = [(a + xp.argmax(lines[..., a:b], axis=-1))[..., None] for a, b in _bins(lines.shape[-1], count)]
        at = xp.concatenate(best, axis=-1)
        x = xp.moveaxis(xp.take_along_axis(lines, at, axis=-1), -1, axis)
        index = xp.moveaxis(xp.take_along_axis(places, at, axis=-1), -1, axis)
    return x, index.astype(xp.int64)


_ROWS: dict[str, Callable[..., Any]] = {
    "adaptive_avg_pool{}d": adaptive_avg_pool,
    "adaptive_avg_pool{}d_backward": adaptive_avg_pool_backward,
    "adaptive_max_pool{}d": adaptive_max_pool,
    "avg_pool{}d": avg_pool,
    "avg_pool{}d_backward": avg_pool_backward,
    "max_pool{}d": max_pool,
    "max_pool{}d_backward": max_pool_backward,
}
ROWS = {name.format(n): functools.partial(row, n) for n in (1, 2, 3) for name, row in _ROWS.items()}
