"""Convolution in any number of dimensions: windows, then one matrix product per group."""

from __future__ import annotations

import math

from .base import many
from .windows import output_size, overlap_add, padded, same_padding, windows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def _columns(xp: Any, x: Any, out: Any, kernel: Any, stride: Any, dilation: Any, groups: int) -> Any:
    """Return the windows of `(N, C, *spatial)` as `(N, groups, positions, C / groups * kernel)`."""
    n = len(out)
    view = windows(xp, x.reshape(len(x), groups, -1, *x.shape[2:]), out, kernel, stride, dilation)
    view = xp.moveaxis(view, 2, 2 + n)
    channels = x.shape[1] // groups
    return view.reshape(len(x), groups, math.prod(out), channels * math.prod(kernel))


def conv(
    xp: Any,
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Correlate `(N, C, *spatial)` or `(C, *spatial)` with `(O, C / groups, *kernel)`."""
    n = weight.ndim - 2
    if x.ndim == n + 1:
        return conv(xp, x[None], weight, bias, stride, padding, dilation, groups)[0]
    kernel, stride, dilation = weight.shape[2:], many(stride, n), many(dilation, n)
    if isinstance(padding, str):
        before, after = same_padding(kernel, dilation) if padding == "same" else ((0,) * n, (0,) * n)
    else:
        before = after = many(padding, n)
    x = padded(xp, x, before, after)
    out = tuple(output_size(s, k, t, 0, d) for s, k, t, d in zip(x.shape[2:], kernel, stride, dilation, strict=True))
    columns = _columns(xp, x, out, kernel, stride, dilation, groups)
    filters = weight.reshape(groups, weight.shape[0] // groups, columns.shape[-1]).swapaxes(1, 2)
    result = xp.matmul(columns, filters).swapaxes(2, 3).reshape(len(x), weight.shape[0], *out)
    return result if bias is None else result + bias.reshape(-1, *(1,) * n)


def conv_backward_input(
    xp: Any,
    grad: Any,
    weight: Any,
    input_size: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Return the gradient with respect to the convolution's input, of shape `input_size`."""
    n = weight.ndim - 2
    if grad.ndim == n + 1:
        whole = (1, *input_size)
        return conv_backward_input(xp, grad[None], weight, whole, stride, padding, dilation, groups)[0]
    stride, padding, dilation = many(stride, n), many(padding, n), many(dilation, n)
    out = grad.shape[2:]
    each = weight.shape[0] // groups
    upstream = grad.reshape(len(grad), groups, each, math.prod(out)).swapaxes(2, 3)
    filters = weight.reshape(groups, each, math.prod(weight.shape[1:]))
    columns = xp.matmul(upstream, filters).reshape(len(grad), groups, *out, *weight.shape[1:])
    columns = xp.moveaxis(columns, 2 + n, 2)
    result = overlap_add(xp, columns, tuple(input_size[2:]), stride, padding, dilation)
    return result.reshape(tuple(input_size))


def conv_backward_weight(
    xp: Any,
    grad: Any,
    x: Any,
    weight_size: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Return the gradient with respect to the convolution's weight, of shape `weight_size`."""
    n = len(weight_size) - 2
    if x.ndim == n + 1:
        return conv_backward_weight(xp, grad[None], x[None], weight_size, stride, padding, dilation, groups)
    stride, padding, dilation = many(stride, n), many(padding, n), many(dilation, n)
    out = grad.shape[2:]
    kernel = tuple(weight_size[2:])
    columns = _columns(xp, padded(xp, x, padding, padding), out, kernel, stride, dilation, groups)
    upstream = grad.reshape(len(grad), groups, weight_size[0] // groups, math.prod(out))
    return xp.matmul(upstream, columns).sum(0).reshape(tuple(weight_size))


def conv_backward_bias(xp: Any, grad: Any, spatial: int) -> Any:
    """Sum the gradient over everything but the channels, `spatial` being the number of spatial dimensions."""
    return grad.sum(tuple(d for d in range(grad.ndim) if d != grad.ndim - spatial - 1))


def conv_transpose(
    xp: Any,
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """Apply the adjoint of the convolution with `weight` of shape `(C, O / groups, *kernel)`."""
    n = weight.ndim - 2
    stride, padding, dilation, extra = (many(v, n) for v in (stride, padding, dilation, output_padding))
    spatial = [
        (size - 1) * stride[i] - 2 * padding[i] + dilation[i] * (weight.shape[2 + i] - 1) + extra[i] + 1
        for i, size in enumerate(x.shape[-n:])
    ]
    size = [*x.shape[: x.ndim - n - 1], weight.shape[1] * groups, *spatial]
    result = conv_backward_input(xp, x, weight, size, stride, padding, dilation, groups)
    return result if bias is None else result + bias.reshape(-1, *(1,) * n)


ROWS: dict[str, Callable[..., Any]] = {
    **{f"conv{n}d": conv for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": conv_transpose for n in (1, 2, 3)},
    "conv_backward_bias": conv_backward_bias,
    "conv_backward_input": conv_backward_input,
    "conv_backward_weight": conv_backward_weight,
}
