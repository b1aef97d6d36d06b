"""Rows of the runtime whose names or arguments differ from those of the array functions."""

from __future__ import annotations

from .base import dtype_of

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
    "_logsumexp": "logsumexp",
    "_roll": "roll",
    "_softmax": "softmax",
    "_softmax_backward": "softmax_backward",
    "clamp.tensor": "clamp",
    "clamp_max.tensor": "clamp_max",
    "clamp_min.tensor": "clamp_min",
    "div.mode": "div",
    "index.tensors": "index",
    "index_put.tensors": "index_put",
    "lerp.tensor": "lerp",
    "pow.base": "pow",
    "pow.tensor": "pow",
    "rsub.scalar": "rsub",
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


ADAPTED: dict[str, Callable[..., Any]] = {
    "_cast": lambda xp, x, dtype: x.astype(dtype_of(xp, dtype)),
    "_range_": _range,
    "_space_": _space,
    "clone": lambda xp, x, memory_format: x,
    "constant_pad_nd": _pad,
    "fill_": lambda xp, x, value: xp.full(x.shape, value),
    "sigmoid_backward": lambda xp, g, y: g * y * (1 - y),
    "tanh_backward": lambda xp, g, y: g * (1 - y * y),
    "zero_": lambda xp, x: xp.zeros(x.shape, x.dtype),
}


def _shape(x: Any) -> tuple[int, ...]:
    return tuple(x.shape)


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
    "random_.from": lambda xp, rng, x, low, high: rng.integers(low, 2**24 if high is None else high, _shape(x)),
    "random_.to": lambda xp, rng, x, high: rng.integers(0, high, _shape(x)),
    "uniform_": lambda xp, rng, x, low, high: rng.random(_shape(x)) * (high - low) + low,
}
