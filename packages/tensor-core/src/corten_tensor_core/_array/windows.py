"""Sliding windows over the last dimensions and borders around them, and their adjoints.

A window geometry is `(kernel, stride, padding, dilation)`, each a tuple with one number per spatial dimension.
"""

from __future__ import annotations

import itertools

from .base import many
from .indexing import add_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def output_size(size: int, kernel: int, stride: int, padding: int, dilation: int = 1, ceil_mode: bool = False) -> int:
    """Return how many windows fit; in `ceil_mode` one more, if it starts inside the input or its left padding."""
    reach = size + 2 * padding - dilation * (kernel - 1) - 1
    if not ceil_mode:
        return reach // stride + 1
    count = -(-reach // stride) + 1
    return count - 1 if (count - 1) * stride >= size + padding else count


def padded(xp: Any, x: Any, before: tuple[int, ...], after: tuple[int, ...], value: Any = 0) -> Any:
    """Pad the last dimensions; a negative width crops."""
    n = len(before)
    if any(before) or any(after):
        grow = [(max(b, 0), max(a, 0)) for b, a in zip(before, after, strict=True)]
        x = xp.pad(x, [(0, 0)] * (x.ndim - n) + grow, constant_values=value)
        crop = [slice(max(-b, 0), size - max(-a, 0)) for b, a, size in zip(before, after, x.shape[-n:], strict=True)]
        x = x[(..., *crop)]
    return x


def windows(xp: Any, x: Any, out: tuple[int, ...], kernel: Any, stride: Any, dilation: Any) -> Any:
    """View `x` of shape `(..., *spatial)` as `(..., *out, *kernel)`."""
    n = len(out)
    lead, steps = x.shape[: x.ndim - n], x.strides[x.ndim - n :]
    strides = [*x.strides[: x.ndim - n], *(s * t for s, t in zip(steps, stride, strict=True))]
    strides += [s * d for s, d in zip(steps, dilation, strict=True)]
    return xp.lib.stride_tricks.as_strided(x, (*lead, *out, *kernel), strides)


def overlap_add(xp: Any, columns: Any, spatial: tuple[int, ...], stride: Any, padding: Any, dilation: Any) -> Any:
    """Sum `(..., *out, *kernel)` back to `(..., *spatial)`: the adjoint of padding and `windows`."""
    n = len(spatial)
    lead, out, kernel = columns.shape[: -2 * n], columns.shape[-2 * n : -n], columns.shape[-n:]
    reach = [(o - 1) * s + (k - 1) * d + 1 for o, s, k, d in zip(out, stride, kernel, dilation, strict=True)]
    room = [max(size + 2 * p, r) for size, p, r in zip(spatial, padding, reach, strict=True)]
    result = xp.zeros((*lead, *room), dtype=columns.dtype)
    for at in itertools.product(*map(range, kernel)):
        place = tuple(
            slice(k * d, k * d + (o - 1) * s + 1, s) for k, d, o, s in zip(at, dilation, out, stride, strict=True)
        )
        if all(out):
            result[(..., *place)] += columns[(..., *at)]
    return result[(..., *(slice(p, p + size) for p, size in zip(padding, spatial, strict=True)))]


def same_padding(kernel: Any, dilation: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the padding before and after that keeps the size at stride 1; the odd one goes behind."""
    total = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    return tuple(t // 2 for t in total), tuple(t - t // 2 for t in total)


def im2col(xp: Any, x: Any, kernel: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Return the windows of `(N, C, H, W)` as columns `(N, C * kernel, positions)`."""
    kernel, dilation, padding, stride = (many(v, 2) for v in (kernel, dilation, padding, stride))
    batch = x if x.ndim == 4 else x[None]
    out = tuple(map(output_size, batch.shape[2:], kernel, stride, padding, dilation))
    view = windows(xp, padded(xp, batch, padding, padding), out, kernel, stride, dilation)
    columns = xp.moveaxis(view, (4, 5), (2, 3)).reshape(len(batch), -1, out[0] * out[1])
    return columns if x.ndim == 4 else columns[0]


def col2im(
    xp: Any, x: Any, output_size_: Any, kernel: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Any:
    """Sum columns `(N, C * kernel, positions)` back to `(N, C, *output_size)`."""
    size, kernel, dilation, padding, stride = (many(v, 2) for v in (output_size_, kernel, dilation, padding, stride))
    out = tuple(map(output_size, size, kernel, stride, padding, dilation))
    batch = x if x.ndim == 3 else x[None]
    columns = batch.reshape(len(batch), -1, *kernel, *out)
    result = overlap_add(xp, xp.moveaxis(columns, (2, 3), (4, 5)), size, stride, padding, dilation)
    return result if x.ndim == 3 else result[0]


def _shown(xp: Any, size: int, before: int, after: int, mode: str) -> Any:
    """Return the place that each place of a dimension with a border shows."""
    at = xp.arange(-before, size + after)
    if mode == "reflect":
        at = xp.abs(at)
        return xp.minimum(at, 2 * (size - 1) - at)
    if mode == "replicate":
        return xp.clip(at, 0, size - 1)
    first, end = max(-before, 0), size - max(-after, 0)
    return first + (at - first) % (end - first)


def pad_border(xp: Any, x: Any, pad: Any, mode: str) -> Any:
    for axis, (before, after) in enumerate(zip(pad[::2], pad[1::2], strict=True), 1):
        x = xp.take(x, _shown(xp, x.shape[-axis], before, after, mode), axis=-axis)
    return x


def pad_border_backward(xp: Any, g: Any, size: Any, pad: Any, mode: str) -> Any:
    for axis, (before, after) in enumerate(zip(pad[::2], pad[1::2], strict=True), 1):
        inside = xp.moveaxis(
            xp.zeros((*g.shape[:-axis], size[-axis], *g.shape[g.ndim - axis + 1 :]), g.dtype), -axis, 0
        )
        add_at(xp, inside, _shown(xp, size[-axis], before, after, mode), xp.moveaxis(g, -axis, 0))
        g = xp.moveaxis(inside, 0, -axis)
    return g


ROWS = {
    "_pad_border": pad_border,
    "_pad_border_backward": pad_border_backward,
    "col2im": col2im,
    "im2col": im2col,
}
