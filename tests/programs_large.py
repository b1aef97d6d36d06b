"""Programs large enough that several tasks run, with gradients: rows and modules that no sample made larger reaches.

A program's name begins with the id of a row that is called here alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import corten
from corten_native import _native
from tests.large import LONG, with_gradients

F, nn = corten.nn.functional, corten.nn
Program = Callable[[], Any]


def of(function: Callable[..., Any], *shapes: tuple[int, ...], dtype: str = "float32") -> Program:
    """Return a program: a function of normal numbers in these shapes, and its gradients."""

    def program() -> list[Any]:
        rng = np.random.default_rng(7)
        made = (corten.from_numpy(rng.standard_normal(shape)) for shape in shapes)
        leaves = [x.to(getattr(corten, dtype)).requires_grad_() for x in made]
        return with_gradients(function(*leaves), *leaves)

    return program


def whole(limit: int, *shape: int) -> Any:
    """Return whole numbers below a limit."""
    return corten.from_numpy(np.random.default_rng(8).integers(0, limit, shape))


def unit(*shape: int) -> Any:
    """Return float32 numbers from zero to one."""
    return corten.from_numpy(np.random.default_rng(9).random(shape, "float32"))


def recurrent(kind: str, **options: Any) -> Program:
    """Return a program: a recurrent layer, and the gradients by its weights."""

    def program() -> list[Any]:
        layer = getattr(nn, kind)(24, 80, num_layers=2, **options)
        return with_gradients(layer(corten.randn(9, 40, 24))[0], *layer.parameters())

    return program


def optimized(name: str, **options: Any) -> Program:
    """Return a program: three steps of an optimizer over parameters of several sizes."""

    def program() -> list[Any]:
        params = [nn.Parameter(corten.randn(*shape)) for shape in ((150, 301), (301,), (7, 11, 301))]
        optimizer = getattr(corten.optim, name)(params, lr=0.01, **options)
        for _ in range(3):
            optimizer.zero_grad()
            sum((p * p * p).sum() for p in params).backward()
            optimizer.step()
        return params

    return program


def filled(name: str, *args: Any) -> Program:
    """Return a program: long tensors of two dtypes filled in place."""
    return lambda: [getattr(corten.empty(LONG, dtype=dtype), name)(*args) for dtype in (corten.float32, corten.float64)]


def attention(*sizes: int, **options: Any) -> Program:
    """Return a program: attention of 2 x 3 heads with so many queries and keys."""
    queries, keys = sizes
    return of(
        lambda *qkv: F.scaled_dot_product_attention(*qkv, **options),
        *((2, 3, length, 24) for length in (queries, keys, keys)),
    )


def convolution(shape: tuple[int, ...], weight: tuple[int, ...], *args: Any, transposed: bool = False) -> Program:
    """Return a program: a convolution with a bias, and its three gradients; `args` follow the bias."""
    function = getattr(F, f"conv{'_transpose' * transposed}{len(shape) - 2}d")
    return of(lambda x, w, b: function(x, w, b, *args), shape, weight, (weight[int(transposed)],))


FILLS: dict[str, Program] = {
    "uniform_": filled("uniform_", -1.0, 2.0),
    "normal_": filled("normal_", 1.0, 2.0),
    "random_": filled("random_"),
    "random_.to": filled("random_", 1000),
    "random_.from": filled("random_", -50, 1000),
    "exponential_": filled("exponential_", 0.5),
    "geometric_": filled("geometric_", 0.3),
    "cauchy_": filled("cauchy_"),
    "log_normal_": filled("log_normal_"),
    "bernoulli_": lambda: corten.empty(LONG).bernoulli_(unit(LONG)),
    "bernoulli_.float": filled("bernoulli_", 0.3),
    "bernoulli": lambda: corten.bernoulli(unit(LONG)),
    "bernoulli.p": lambda: corten.bernoulli(unit(LONG), 0.3),
    "poisson": lambda: corten.poisson(20 * unit(LONG)),
    "_standard_gamma": of(lambda x: _native._standard_gamma(x.abs() + 0.1), (LONG,)),
    "_standard_gamma_grad": lambda: _native._standard_gamma_grad(3 * unit(LONG) + 0.1, unit(LONG) + 0.1),
    "binomial": lambda: corten.binomial(corten.full((LONG,), 20.0), unit(LONG)),
    "multinomial": lambda: [corten.multinomial(unit(300, 301), 50, how) for how in (True, False)],
    "rand": lambda: corten.rand(LONG),
    "randn": lambda: [corten.randn(LONG), corten.randn(LONG, dtype=corten.float64)],
    "randint": lambda: corten.randint(1000, (LONG,)),
    "randint.low": lambda: corten.randint(-5, 1 << 40, (LONG,)),
    "randperm": lambda: corten.randperm(LONG),
    "rand_like": lambda: corten.rand_like(unit(LONG)),
    "randn_like": lambda: corten.randn_like(unit(LONG)),
    "randint_like": lambda: corten.randint_like(unit(LONG), 9),
    "randint_like.low": lambda: corten.randint_like(unit(LONG), -9, 9),
    "normal": lambda: corten.normal(unit(LONG), unit(LONG)),
    "normal.tensor_float": lambda: corten.normal(unit(LONG), 2.0),
    "normal.float_tensor": lambda: corten.normal(2.0, unit(LONG)),
    "normal.float_float": lambda: corten.normal(2.0, 3.0, (LONG,)),
    "native_dropout": of(lambda x: corten.native_dropout(x, 0.3, True)[0], (LONG,)),
    "dropout": of(lambda x: F.dropout(x, 0.3), (LONG,)),
    "dropout of channels": of(lambda x: F.dropout2d(x, 0.3), (9, 11, 30, 31)),
}

INDEXING: dict[str, Program] = {
    "_searchsorted": lambda: corten.searchsorted(corten.sort(unit(1001))[0], unit(LONG)),
    "_bincount": lambda: corten.bincount(whole(999, LONG)),
    "_set_source_": lambda: corten.empty(0).set_(unit(LONG)),
    "masked_fill.tensor": of(lambda x, v: x.masked_fill(x.detach() > 0.5, v), (301, 303), ()),
    "masked_scatter": of(lambda x, y: x.masked_scatter(x.detach() > 0, y), (301, 303), (301 * 303,)),
    "index_add into few": of(lambda x, y: x.index_add(0, whole(3, 5001), y), (3, 17), (5001, 17)),
    "index_add into many": of(lambda x, y: x.index_add(0, whole(4000, 5001), y), (4000, 17), (5001, 17)),
    "index_put accumulated": of(
        lambda x, y: x.index_put((whole(100, 5001),), y, accumulate=True), (100, 17), (5001, 17)
    ),
    "scatter_add of elements": of(lambda x, y: x.scatter_add(0, whole(999, LONG), y), (999,), (LONG,)),
    "scatter_add along lines": of(lambda x, y: x.scatter_add(1, whole(90, 701, 101), y), (701, 90), (701, 101)),
    **{
        f"scatter_reduce by {how}": of(
            lambda x, y, how=how: x.scatter_reduce(0, whole(90, 701, 101), y, how), (90, 101), (701, 101)
        )
        for how in ("sum", "prod", "mean", "amax")
    },
    "embedding": of(lambda w: F.embedding(whole(500, 40, 100), w), (500, 64)),
    **{
        f"embedding_bag by {how}": of(lambda w, how=how: F.embedding_bag(whole(500, 400, 10), w, mode=how), (500, 64))
        for how in ("sum", "mean", "max")
    },
    "unique": lambda: corten.unique(whole(5000, LONG), return_inverse=True, return_counts=True),
    "sort of ties": of(lambda x: corten.sort(x.round(decimals=1), stable=True)[0], (50, 1501)),
    "sort of a line": of(lambda x: corten.sort(x)[0], (LONG,)),
    "topk of long lines": of(lambda x: corten.topk(x, 70)[0], (9, 9001)),
    "kthvalue of a line": of(lambda x: corten.kthvalue(x, 777)[0], (LONG,)),
    "median of a line": of(lambda x: corten.median(x), (LONG,)),
    "flip and roll": of(lambda x: corten.roll(x.flip(0, 2), (3, -2), (0, 1)), (31, 47, 53)),
    "a permuted copy": of(lambda x: x.permute(2, 0, 1).contiguous(), (31, 47, 53)),
}

REDUCTIONS: dict[str, Program] = {
    f"{name} over {dim} of {shape}": of(lambda x, name=name, dim=dim: getattr(corten, name)(x, dim), shape)
    for shape, dim in (((LONG,), 0), ((301, 303), 0), ((7, 10_007), 1), ((10_007, 7), 0), ((20, 31, 121), 1))
    for name in (
        "sum",
        "prod",
        "var",
        "logsumexp",
        "amax",
        "cumsum",
        "cumprod",
        "logcumsumexp",
        "softmax",
        "log_softmax",
    )
}

LAYERS: dict[str, Program] = {
    "_cdist": of(lambda x, y: [corten.cdist(x, y), corten.cdist(x, y, p=1.0)], (301, 17), (203, 17)),
    "_scaled_dot_product_flash_attention_for_cpu": attention(150, 600),
    "attention, causal": attention(300, 300, is_causal=True),
    "_lstm": recurrent("LSTM", bidirectional=True),
    "_lstm_cell": of(lambda gates, c: _native._lstm_cell(gates, c)[0], (200, 4 * 91), (200, 91)),
    "_gru": recurrent("GRU"),
    "_gru_cell": of(lambda x, hidden, h: _native._gru_cell(x, hidden, h), (200, 273), (200, 273), (200, 91)),
    "layer_norm": of(lambda x, w, b: F.layer_norm(x, (101,), w, b), (701, 101), (101,), (101,)),
    "native_layer_norm": of(lambda x: corten.native_layer_norm(x, (7, 101), None, None, 1e-5)[0], (101, 7, 101)),
    "rms_norm": of(lambda x, w: F.rms_norm(x, (101,), w), (701, 101), (101,)),
    "batch_norm over an image": of(
        lambda x, w, b: F.batch_norm(x, None, None, w, b, True), (8, 12, 27, 28), (12,), (12,)
    ),
    "group_norm over an image": of(lambda x, w, b: F.group_norm(x, 3, w, b), (8, 12, 27, 28), (12,), (12,)),
    "cross_entropy of many classes": of(lambda x: F.cross_entropy(x, whole(401, 200), label_smoothing=0.1), (200, 401)),
    "ctc_loss": of(
        lambda x: F.ctc_loss(x.log_softmax(2), whole(29, 12, 20) + 1, (150,) * 12, (20,) * 12), (150, 12, 40)
    ),
    **{
        f"interpolate, {mode}": of(lambda x, mode=mode: F.interpolate(x, scale_factor=1.7, mode=mode), (4, 9, 40, 41))
        for mode in ("nearest", "bilinear", "bicubic")
    },
    "interpolate, smoothed": of(
        lambda x: F.interpolate(x, scale_factor=0.6, mode="bilinear", antialias=True), (4, 9, 60, 61)
    ),
    **{
        f"grid_sampler, {mode}": of(
            lambda x, at, mode=mode: F.grid_sample(x, at, mode, align_corners=False), (4, 9, 40, 41), (4, 50, 51, 2)
        )
        for mode in ("bilinear", "nearest", "bicubic")
    },
    "grid_sampler of space": of(
        lambda x, at: F.grid_sample(x, at, align_corners=False), (4, 5, 9, 20, 21), (4, 9, 20, 21, 3)
    ),
    "affine_grid_generator": of(lambda x: F.affine_grid(x, [9, 1, 90, 91], align_corners=False), (9, 2, 3)),
    "col2im": of(lambda x: F.fold(F.unfold(x, 3, padding=1), (40, 41), 3, padding=1), (4, 5, 40, 41)),
    "conv1d": convolution((4, 16, 601), (24, 16, 5), 2, 2),
    "conv2d, 1x1": convolution((4, 32, 20, 21), (40, 32, 1, 1)),
    "conv2d, 3x3": convolution((2, 32, 28, 29), (32, 32, 3, 3), 1, 1),
    "conv2d, 3x3 strided": convolution((2, 32, 28, 29), (32, 32, 3, 3), 2, 1),
    "conv2d, 5x5 dilated": convolution((2, 9, 30, 31), (17, 9, 5, 5), 1, 2, 2),
    "conv2d, grouped": convolution((2, 32, 28, 29), (32, 8, 3, 3), 1, 1, 1, 4),
    "conv2d, depthwise": convolution((4, 32, 28, 29), (32, 1, 3, 3), 1, 1, 1, 32),
    "conv3d": convolution((2, 9, 12, 13, 14), (16, 9, 3, 3, 3), 1, 1),
    "conv_transpose1d": convolution((4, 16, 301), (16, 12, 4), 2, 1, transposed=True),
    "conv_transpose2d": convolution((2, 32, 20, 21), (32, 12, 4, 4), 2, 1, transposed=True),
    "conv_transpose3d": convolution((2, 16, 7, 8, 9), (16, 5, 3, 3, 3), 2, 1, transposed=True),
}

PRODUCTS: dict[str, Program] = {
    **{
        f"matmul of {dtype}, {name}": of(lambda x, y, form=form: form(x) @ form(y), *shapes, dtype=dtype)
        for dtype in ("float32", "float64", "bfloat16", "float16", "complex64")
        for name, form, shapes in (
            ("plain", lambda x: x, ((149, 131), (131, 97))),
            ("both transposed", corten.t, ((131, 149), (97, 131))),
        )
    },
    "matmul, the left transposed": of(lambda x, y: x.t() @ y, (131, 149), (131, 97)),
    "matmul, the right transposed": of(lambda x, y: x @ y.t(), (149, 131), (97, 131)),
    "matmul, a vector": of(lambda x, y: x @ y, (301, 303), (303,)),
    "baddbmm": of(lambda z, x, y: corten.baddbmm(z, x, y, beta=0.5, alpha=2), (7, 60, 50), (7, 60, 70), (7, 70, 50)),
    "linear": of(F.linear, (301, 64), (130, 64), (130,)),
    "linalg_cross": of(corten.linalg.cross, (LONG // 3, 3), (LONG // 3, 3)),
    "cross": of(lambda x, y: corten.cross(x, y, 0), (3, LONG // 3), (3, LONG // 3)),
    "linalg_solve_triangular": of(
        lambda a, x: corten.linalg.solve_triangular(a.tril() + 20 * corten.eye(90), x, upper=False), (90, 90), (90, 50)
    ),
    "linalg_multi_dot": of(lambda *xs: corten.linalg.multi_dot(xs), (90, 70), (70, 110), (110, 50)),
    **{
        name: of(lambda x, y, name=name: getattr(corten, name)([x, y]), (190, 201), (190, 201))
        for name in ("hstack", "vstack", "dstack", "column_stack")
    },
}

OPTIMIZERS: dict[str, Program] = {
    f"{name} {options or ''}": optimized(name, **options)
    for name, options in (
        ("SGD", {}),
        ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
        *(("Adam", {"amsgrad": amsgrad}) for amsgrad in (False, True)),
        *((name, {}) for name in ("AdamW", "RMSprop", "Adagrad", "NAdam", "RAdam", "Adamax", "Adadelta", "Rprop")),
        *((name, {}) for name in ("ASGD", "Adafactor")),
    )
}

PROGRAMS = {**FILLS, **INDEXING, **REDUCTIONS, **LAYERS, **PRODUCTS, **OPTIMIZERS}
