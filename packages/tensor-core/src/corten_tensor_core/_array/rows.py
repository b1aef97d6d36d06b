"""Rows of the runtime whose names or arguments differ from those of the array functions."""

from __future__ import annotations

from .base import dtype_of
from .convolution import ROWS as CONVOLUTIONS
from .convolution import conv_backward_input, conv_backward_weight
from .neural import layer_norm_backward, nll_loss
from .pooling import ROWS as POOLS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: The array function that serves a row with the same arguments.
SAME = {
    "_conj": "conj",
    "_log_softmax": "log_softmax",
    "_log_softmax_backward": "log_softmax_backward",
    "_logit": "logit",
    "_logaddexp": "logaddexp",
    "_logcumsumexp": "logcumsumexp",
    "_logsumexp": "logsumexp",
    "_roll": "roll",
    "_softmax": "softmax",
    "_softmax_backward": "softmax_backward",
    "clamp.tensor": "clamp",
    "clamp_max.tensor": "clamp_max",
    "clamp_min.tensor": "clamp_min",
    "div.mode": "div",
    "embedding_dense_backward": "embedding_backward",
    "index.tensors": "index",
    "index_put.tensors": "index_put",
    "lerp.tensor": "lerp",
    "max_pool1d_with_indices": "max_pool1d",
    "max_pool2d_with_indices": "max_pool2d",
    "max_pool3d_with_indices": "max_pool3d",
    "native_batch_norm": "batch_norm",
    "native_batch_norm_backward": "batch_norm_backward",
    "native_layer_norm": "layer_norm",
    "pow.base": "pow",
    "pow.tensor": "pow",
    "rsub.scalar": "rsub",
    "scatter.joined": "scatter",
    "scatter.value": "scatter",
    "scatter.value_joined": "scatter",
    "std.correction": "std",
    "std_mean.correction": "std_mean",
    "var.correction": "var",
    "var_mean.correction": "var_mean",
}


def _range(xp: Any, x: Any, start: Any, step: Any) -> Any:
    return start + step * xp.arange(x.size).reshape(x.shape)


def _space(xp: Any, x: Any, start: Any, end: Any, base: float | None) -> Any:
    points = xp.linspace(start, end, x.size).reshape(x.shape)
    return points if base is None else base**points


def _pad(xp: Any, x: Any, pad: Any, value: Any = 0) -> Any:
    pairs = list(zip(pad[::2], pad[1::2], strict=True))[::-1]
    pairs = [(0, 0)] * (x.ndim - len(pairs)) + pairs
    cropped = x[tuple(slice(max(-a, 0), n - max(-b, 0)) for (a, b), n in zip(pairs, x.shape, strict=True))]
    return xp.pad(cropped, [(max(a, 0), max(b, 0)) for a, b in pairs], constant_values=value)


def _convolution(
    xp: Any, x: Any, w: Any, b: Any, stride: Any, padding: Any, dilation: Any, transposed: bool, extra: Any, groups: int
) -> Any:
    n = w.ndim - 2
    if transposed:
        return CONVOLUTIONS[f"conv_transpose{n}d"](xp, x, w, b, stride, padding, extra, groups, dilation)
    return CONVOLUTIONS[f"conv{n}d"](xp, x, w, b, stride, padding, dilation, groups)


def _convolution_backward_input(
    xp: Any,
    g: Any,
    w: Any,
    size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    extra: Any,
    groups: int,
) -> Any:
    if transposed:
        return CONVOLUTIONS[f"conv{w.ndim - 2}d"](xp, g, w, None, stride, padding, dilation, groups)
    return conv_backward_input(xp, g, w, size, stride, padding, dilation, groups)


def _convolution_backward_weight(
    xp: Any,
    g: Any,
    x: Any,
    size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    extra: Any,
    groups: int,
) -> Any:
    # A transposed convolution exchanges the parts of its input and its gradient.
    first, second = (x, g) if transposed else (g, x)
    return conv_backward_weight(xp, first, second, size, stride, padding, dilation, groups)


def _avg_pool_backward(xp: Any, g: Any, size: Any, kernel: Any, *options: Any) -> Any:
    return POOLS[f"avg_pool{len(kernel)}d_backward"](xp, g, size, kernel, *options)


def _silu_backward(xp: Any, g: Any, x: Any) -> Any:
    y = 1 / (1 + xp.exp(-x))
    return g * y * (1 + x * (1 - y))


_REDUCTIONS = ("none", "mean", "sum")


def _reduced(loss: Any, reduction: int) -> Any:
    return loss if reduction == 0 else loss.mean() if reduction == 1 else loss.sum()


def _binary_cross_entropy(xp: Any, x: Any, target: Any, weight: Any, reduction: int) -> Any:
    # PyTorch bounds the logarithms below by -100.
    loss = -(target * xp.maximum(xp.log(x), -100) + (1 - target) * xp.maximum(xp.log1p(-x), -100))
    return _reduced(loss if weight is None else loss * weight, reduction)


def _with_logits(xp: Any, x: Any, target: Any, weight: Any, positive: Any, reduction: int) -> Any:
    softened = xp.log1p(xp.exp(-xp.abs(x))) + xp.maximum(-x, 0)
    scale = 1 if positive is None else (positive - 1) * target + 1
    loss = (1 - target) * x + scale * softened
    return _reduced(loss if weight is None else loss * weight, reduction)


ADAPTED: dict[str, Callable[..., Any]] = {
    "_adaptive_avg_pool_backward": lambda xp, g, size, n: POOLS[f"adaptive_avg_pool{n}d_backward"](xp, g, size),
    "_avg_pool_backward": _avg_pool_backward,
    "_cast": lambda xp, x, dtype: x.astype(dtype_of(xp, dtype)),
    "_max_pool_backward": lambda xp, g, at, size, n: POOLS[f"max_pool{n}d_backward"](xp, g, at, size),
    "_prelu_kernel": lambda xp, x, weight: xp.where(x > 0, x, x * weight),
    "_range_": _range,
    "_space_": _space,
    "binary_cross_entropy": _binary_cross_entropy,
    "binary_cross_entropy_with_logits": _with_logits,
    "clone": lambda xp, x, memory_format: x,
    "constant_pad_nd": _pad,
    "convolution": _convolution,
    "convolution_backward_input": _convolution_backward_input,
    "convolution_backward_weight": _convolution_backward_weight,
    "fill_": lambda xp, x, value: xp.full(x.shape, value),
    "mse_loss": lambda xp, x, target, reduction: _reduced((x - target) ** 2, reduction),
    "native_layer_norm_backward": lambda xp, g, x, shape, mean, rstd, w: layer_norm_backward(
        xp, g, x, shape, w, mean, rstd
    ),
    "nll_loss_forward": lambda xp, x, target, weight, reduction, ignored: nll_loss(
        xp, x, target, weight, _REDUCTIONS[reduction], ignored
    ),
    "sigmoid_backward": lambda xp, g, y: g * y * (1 - y),
    "silu_backward": _silu_backward,
    "tanh_backward": lambda xp, g, y: g * (1 - y * y),
    "zero_": lambda xp, x: xp.zeros(x.shape, x.dtype),
}


def _shape(x: Any) -> tuple[int, ...]:
    return tuple(x.shape)


def _whole_range(xp: Any, rng: Any, x: Any) -> Any:
    kind, bits = x.dtype.kind, x.dtype.itemsize * 8
    if kind in "iu":
        return rng.integers(0, 2 ** min(bits - (kind == "i"), 63), _shape(x))
    return rng.integers(0, 2 if kind == "b" else 2 ** (xp.finfo(x.dtype).nmant + 1) + 1, _shape(x))


#: Random rows: given `xp`, a seed, the row's arguments without its generator.
DRAWN: dict[str, Callable[..., Any]] = {
    "_randperm_": lambda xp, rng, x: xp.argsort(rng.random(x.size)),
    "bernoulli": lambda xp, rng, p: rng.random(_shape(p)) < p,
    "bernoulli.p": lambda xp, rng, x, p: rng.random(_shape(x)) < p,
    "bernoulli_": lambda xp, rng, x, p: rng.random(_shape(x)) < p,
    "bernoulli_.float": lambda xp, rng, x, p: rng.random(_shape(x)) < p,
    "cauchy_": lambda xp, rng, x, median, sigma: median + sigma * xp.tan(xp.pi * (rng.random(_shape(x)) - 0.5)),
    "exponential_": lambda xp, rng, x, rate: rng.standard_exponential(_shape(x)) / rate,
    "geometric_": lambda xp, rng, x, p: xp.ceil(xp.log1p(-rng.random(_shape(x))) / xp.log1p(-xp.asarray(p))),
    "log_normal_": lambda xp, rng, x, mean, std: xp.exp(rng.standard_normal(_shape(x)) * std + mean),
    "normal_": lambda xp, rng, x, mean, std: rng.standard_normal(_shape(x)) * std + mean,
    "poisson": lambda xp, rng, rates: rng.poisson(rates),
    "random_": _whole_range,
    "random_.from": lambda xp, rng, x, low, high: rng.integers(low, 2**24 if high is None else high, _shape(x)),
    "random_.to": lambda xp, rng, x, high: rng.integers(0, high, _shape(x)),
    "uniform_": lambda xp, rng, x, low, high: rng.random(_shape(x)) * (high - low) + low,
}
