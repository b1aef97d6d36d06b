"""How far float32 kernels that sum many terms may be from the exact results (docs/ARCHITECTURE.md, "Accuracy")."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import corten
from corten import nn
from corten.nn import functional as F

UNIT = 2.0**-24


class Case(NamedTuple):
    """A function of arrays, drawn from a normal distribution, whose error is at most `bound` roundings of the scale.

    A rounding is 2**-24 of the scale. The scale of an element is what `scale` gives for it; if that is left out, what the function
    gives of absolute values: for a sum of products the sum of theirs, which bounds what rounding can do to it.
    """

    bound: float
    call: Callable[..., Any]
    shapes: list[tuple[int, ...]]
    scale: Callable[..., Any] | None = None


def own_size(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return the absolute values of the results as their scale."""
    return lambda *args: call(*args).abs()


def largest(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return the largest absolute value as the scale of all."""
    return lambda *args: call(*args).abs().max()


def gradients(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of the arguments and of a gradient of the result: the gradients of the arguments in a row."""

    def run(*args: Any) -> Any:
        *leaves, g = (x.detach().requires_grad_() for x in args)
        return corten.cat([x.flatten() for x in corten.autograd.grad(call(*leaves), leaves, g)])

    return run


def relative(bound: float, call: Callable[..., Any], *shapes: tuple[int, ...]) -> Case:
    return Case(bound, call, list(shapes), own_size(call))


def overall(bound: float, call: Callable[..., Any], *shapes: tuple[int, ...]) -> Case:
    return Case(bound, call, list(shapes), largest(call))


def summed(bound: float, call: Callable[..., Any], *shapes: tuple[int, ...]) -> Case:
    return Case(bound, call, list(shapes))


def convolution(name: str, size: tuple[int, ...], weight: tuple[int, ...], **kwargs: Any) -> dict[str, Case]:
    """Return the cases of a convolution and of its gradients."""
    function = {3: F.conv1d, 4: F.conv2d, 5: F.conv3d}[len(size)]

    def call(x: Any, w: Any) -> Any:
        return function(x, w, **kwargs)

    shape = tuple(call(corten.zeros(size), corten.zeros(weight)).shape)
    return {
        name: summed(10, call, size, weight),
        f"{name}, gradients": summed(10, gradients(call), size, weight, shape),
    }


def recurrent(kind: Any) -> Callable[..., Any]:
    def run(x: Any, *weights: Any) -> Any:
        net = kind(32, 48).to(x.dtype)
        for parameter, weight in zip(net.parameters(), weights, strict=True):
            parameter.data = weight * 0.1
        return net(x)[0]

    return run


def updated(kind: Any, **kwargs: Any) -> Callable[..., Any]:
    """Return how far some steps of an optimizer move a parameter."""

    def run(x: Any, *grads: Any) -> Any:
        p = nn.Parameter(corten.zeros_like(x))
        optimizer = kind([p], **kwargs)
        for g in grads:
            p.grad = g
            optimizer.step()
        return p.detach()

    return run


LINES = (300, 1001)
IMAGES = (16, 32, 14, 14)
HEADS = [(2, 4, 200, 64), (2, 4, 300, 64), (2, 4, 300, 64)]
TARGETS = corten.arange(300) * 37 % 1001
PLACES = corten.arange(5000) % 7


def embedded(weight: Any, g: Any) -> Any:
    return corten.autograd.grad(F.embedding(PLACES, weight.requires_grad_()), weight, g)[0]


def normalized(x: Any, weight: Any, bias: Any) -> Any:
    return F.batch_norm(x, None, None, weight, bias, training=True)


def layer_normalized(x: Any, weight: Any, bias: Any) -> Any:
    return F.layer_norm(x, (1001,), weight, bias)


CASES = {
    "sum": summed(1, corten.sum, (1_000_003,)),
    "sum of columns": summed(1, lambda x: x.sum(0), (5003, 100)),
    "sum of rows": summed(1, lambda x: x.sum(1), LINES),
    "mean": summed(1, corten.mean, (1_000_003,)),
    "var of rows": relative(6, lambda x: x.var(1), LINES),
    "var of columns": relative(6, lambda x: x.var(0), LINES),
    "norm": relative(4, lambda x: x.norm(dim=1), LINES),
    "norm of order 3": relative(4, lambda x: corten.linalg.vector_norm(x, 3, dim=1), LINES),
    "prod": relative(120, lambda x: corten.where(x > 0, 1.25, 0.8125).to(x.dtype).prod(1), LINES),
    "cumsum": summed(2, lambda x: x.cumsum(0), (100_003,)),
    "cumsum of columns": summed(2, lambda x: x.cumsum(0), (1003, 50)),
    "logsumexp": relative(4, lambda x: x.logsumexp(1), LINES),
    "logcumsumexp": Case(4, lambda x: x.logcumsumexp(1), [LINES], lambda x: 1 + x.logcumsumexp(1).abs()),
    "softmax": relative(16, lambda x: x.softmax(1), LINES),
    "softmax of columns": relative(16, lambda x: x.softmax(0), LINES),
    "softmax of short lines": relative(16, lambda x: x.softmax(1), (1000, 10)),
    "log_softmax": relative(4, lambda x: x.log_softmax(1), LINES),
    "log_softmax of columns": relative(4, lambda x: x.log_softmax(0), LINES),
    "cross_entropy": relative(4, lambda x: F.cross_entropy(x, TARGETS), LINES),
    "mse_loss": relative(4, F.mse_loss, LINES, LINES),
    "layer_norm": overall(4, layer_normalized, LINES, (1001,), (1001,)),
    "layer_norm, gradients": overall(8, gradients(layer_normalized), LINES, (1001,), (1001,), LINES),
    "group_norm": overall(4, lambda x: F.group_norm(x, 4), IMAGES),
    "batch_norm": overall(4, normalized, IMAGES, (32,), (32,)),
    "batch_norm, gradients": overall(8, gradients(normalized), IMAGES, (32,), (32,), IMAGES),
    "avg_pool2d": summed(6, lambda x: F.avg_pool2d(x, 3, 2), IMAGES),
    "adaptive_avg_pool2d": summed(1, lambda x: F.adaptive_avg_pool2d(x, 1), IMAGES),
    "interpolate": overall(4, lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"), IMAGES),
    "mm": summed(8, corten.mm, (256, 256), (256, 256)),
    "mm of transposed factors": summed(4, lambda a, b: a.T @ b.T, (2048, 100), (100, 2048)),
    "mm of long rows": summed(4, corten.mm, (64, 4096), (4096, 64)),
    "bmm": summed(8, corten.bmm, (5, 30, 30), (5, 30, 30)),
    "mv": summed(1, corten.mv, (300, 4096), (4096,)),
    "a row times a matrix": summed(1, corten.matmul, (4096,), (4096, 300)),
    "dot": summed(1, corten.dot, (1_000_003,), (1_000_003,)),
    "linear": summed(8, F.linear, (64, 1000), (100, 1000), (100,)),
    "linear, gradients": summed(8, gradients(F.linear), (64, 1000), (100, 1000), (100,), (64, 100)),
    "cdist": overall(6, corten.cdist, (50, 64), (60, 64)),
    "attention": overall(40, F.scaled_dot_product_attention, *HEADS),
    "attention, gradients": overall(40, gradients(F.scaled_dot_product_attention), *HEADS, HEADS[0]),
    "LSTM": overall(8, recurrent(nn.LSTM), (20, 8, 32), (192, 32), (192, 48), (192,), (192,)),
    "GRU": overall(8, recurrent(nn.GRU), (20, 8, 32), (144, 32), (144, 48), (144,), (144,)),
    "SGD": overall(8, updated(corten.optim.SGD, lr=0.1, momentum=0.9), *[(1000,)] * 6),
    "Adam": overall(8, updated(corten.optim.Adam), *[(1000,)] * 6),
    "AdamW": overall(8, updated(corten.optim.AdamW), *[(1000,)] * 6),
    "index_add": summed(4, lambda x, y: x.index_add(0, PLACES, y), (7, 30), (5000, 30)),
    "embedding, gradients": summed(4, embedded, (7, 30), (5000, 30)),
    **convolution("conv 3x3", (2, 64, 28, 28), (64, 64, 3, 3), padding=1),
    **convolution("conv 3x3 of many channels", (1, 512, 7, 7), (512, 512, 3, 3), padding=1),
    **convolution("conv 3x3 in groups", (2, 64, 28, 28), (64, 16, 3, 3), padding=1, groups=4),
    **convolution("conv 3x3 by channel", (2, 64, 28, 28), (64, 1, 3, 3), padding=1, groups=64),
    **convolution("conv 3x3 dilated", (2, 64, 28, 28), (64, 64, 3, 3), padding=2, dilation=2),
    **convolution("conv 1x1", (2, 64, 28, 28), (64, 64, 1, 1)),
    **convolution("conv 7x7/2", (2, 3, 64, 64), (64, 3, 7, 7), padding=3, stride=2),
    **convolution("conv1d", (2, 64, 100), (64, 64, 5)),
    **convolution("conv3d", (2, 16, 9, 9, 9), (32, 16, 3, 3, 3)),
    "conv_transpose2d": summed(10, lambda x, w: F.conv_transpose2d(x, w, stride=2), (2, 64, 14, 14), (64, 32, 3, 3)),
}


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=max(2, settings.default.max_examples // 25))
@given(seed=st.integers(0, 2**32))
def test_roundings(name: str, seed: int) -> None:
    case, rng = CASES[name], np.random.default_rng(seed)
    arrays = [rng.standard_normal(shape).astype("float32") for shape in case.shapes]
    exact = [corten.from_numpy(array.astype("float64")) for array in arrays]
    got, expected = case.call(*map(corten.from_numpy, arrays)).detach(), case.call(*exact).detach()
    assert (got.dtype, expected.dtype) == (corten.float32, corten.float64)
    scale = case.scale(*exact) if case.scale else case.call(*(x.abs() for x in exact))
    roundings = float(((got.double() - expected).abs() / (scale.detach() * UNIT)).max())
    assert roundings <= case.bound, f"off by {roundings:.1f} roundings"
