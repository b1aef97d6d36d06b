"""The derivatives of every row: against finite differences, first and second order, and against PyTorch's."""

from __future__ import annotations

import warnings
from dataclasses import replace
from itertools import zip_longest
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import corten
from tests.drawing import templates
from tests.parity import TOLERANCES, dtype_of, outcome
from tests.parity import leaves as tensors_of
from tests.sampling import (
    LAYOUTS,
    OWN_TESTS,
    ROWS,
    Array,
    Call,
    Row,
    Spec,
    function,
    inputs_of,
    main_form,
    mapped,
    run,
    to_numpy,
)

torch: Any = pytest.importorskip("torch")

# Rows that only fill, read or ask, random ones and factories need none. Those in Python or composites have theirs from
# the rows that they call.
SAMPLED = [row for row in ROWS if row.public and row.id not in OWN_TESTS]
DIFFERENTIABLE = [row for row in SAMPLED if row.differentiable and row.family not in ("random", "query")]
# Checked at their singular points beside PyTorch only: not smooth where finite differences look, or results that
# stay put; and what is defined up to a sign or a rotation.
STEPS = {"sign", "sgn", "round", "round.decimals", "floor", "ceil", "trunc", "heaviside", "floor_divide", "div.mode"}
# The results are determined up to a sign or a phase, so their squared sizes are compared.
UP_TO_PHASE = {"linalg_svd", "svd", "linalg_eigh", "linalg_eig"}
# Written at places that may repeat: the last one wins, yet every one gets a gradient.
REPEATED = {"index_put_", "index_put"}
# Not compared at singular points: there these have no derivative, or equal elements are told apart at will; and where
# PyTorch's is wrong: `prelu` at 0 by the weight, the target's of `binary_cross_entropy` at 0 and 1, where the loss is
# clamped, and the share of `scatter_reduce` that goes to elements which are not included.
NOT_SINGULAR = UP_TO_PHASE | {
    *(
        "linalg_qr",
        "qr",
        "linalg_lu",
        "linalg_lu_factor",
        "linalg_lu_factor_ex",
        "linalg_lstsq",
        "linalg_pinv",
        "linalg_pinv.rcond",
    ),
    *("pinverse", "linalg_eigvalsh", "linalg_eigvals", "linalg_svdvals", "linalg_cond", "kthvalue", "topk"),
    *("prelu", "binary_cross_entropy", "scatter_reduce"),
}
# With `dim=()` PyTorch's gradient divides by one and not by the number of elements.
ODD = {"var.dim", "var.correction", "std.dim", "std.correction", "var_mean.dim", "std_mean.dim"}
ODD |= {"var_mean.correction", "std_mean.correction"}
# PyTorch's gradient is wrong: of a pseudo-inverse that drops singular values it counts the dropped ones, by a
# triangular factor it also fills the triangle that is not read, and `as_strided_scatter` gives the overwritten
# elements the gradient of the others. Finite differences hold for ours.
WRONG_THERE = {"linalg_pinv.rcond", "cholesky_solve", "cholesky_inverse", "as_strided_scatter"}
# Of an integer beside a float64 number `lgamma` and `log1p` are of float32 in either, rounded as each does; in `ormqr`
# large terms cancel.
ROUGH = {"igamma", "igammac", "special_xlog1py", "ormqr"}
SKIP = {
    "rrelu",
    "dropout",
    "embedding_renorm_",
    "ldexp",
    "alpha_dropout",
    "feature_dropout",
    "feature_alpha_dropout",
    "cuda",
}
# Layouts of the gradients that are passed: `expand` and `sum` give some whose elements share memory.
SEEDS = st.sampled_from((*LAYOUTS, "number", "number"))


def examples(count: int) -> settings:
    """Few examples a row, since rows are many; a hundred times as many in the thorough profiles."""
    return settings(max_examples=count * (100 if settings.default.max_examples > 100 else 1))


def rows(which: list[Row]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", which, ids=lambda row: row.id)


def test_every_row_has_a_derivative_or_is_declared_without() -> None:
    missing = [
        row.id
        for row in ROWS
        if row.differentiable
        and not row.has_derivative
        and row.body in ("kernel", "view")
        and row.check != "none"
        # an in-place row without inputs to differentiate, such as `uniform_`, cuts the graph by its form
        and row.family != "random"
    ]
    assert missing == []


def applied(lib: Any, row: Row, args: Any, kwargs: dict[str, Any]) -> list[Any]:
    """Run a row; an in-place row on a copy, since leaves may not be written."""
    form = main_form(row)
    args = [
        (x + x.mH) / 2 if word.startswith(("symmetric", "positive_definite")) else x
        for x, word in zip_longest(args, row.words[: len(args)], fillvalue="")
    ]
    if form == "function":
        result = function(lib, row)(*args, **kwargs)
    elif form == "property":
        result = getattr(args[0], row.forms["property"])
    else:
        first = args[0].clone() if row.name.endswith("_") else args[0]
        result = getattr(first, row.name)(*args[1:], **kwargs)
    results = list(result) if isinstance(result, (list, tuple)) else [result]
    if row.id in UP_TO_PHASE:
        if row.id.endswith("svd"):  # the columns of U that only fill it up have no gradient in either
            results[0] = results[0][..., : results[1].shape[-1]]
        results = [r.abs().square() for r in results]
    return [r for r in results if isinstance(r, lib.Tensor) and (r.is_floating_point() or r.is_complex())]


@rows([row for row in DIFFERENTIABLE if row.id not in SKIP | STEPS | REPEATED])
@examples(2)
@given(data=st.data())
def test_finite_differences(row: Row, data: st.DataObject) -> None:
    template = data.draw(templates(row))
    dtype = data.draw(st.sampled_from(("float64", "float64", "complex128")))
    call = template.fill(dtype, seed=data.draw(st.integers(1, 99)), smooth=True)
    args, kwargs, leaves = inputs_of(corten, call)
    results = outcome(lambda lib: applied(lib, row, args, kwargs), corten)
    theirs = outcome(lambda lib: gradients(lib, row, call), torch)
    if isinstance(results, Exception) or isinstance(theirs, Exception) or not finite(results):
        return  # compared in test_values; and what PyTorch cannot derive
    # PyTorch gives no gradient for some weights and masks: `None`.
    leaves = [leaf for leaf, gradient in zip(leaves, theirs, strict=False) if gradient is not None]
    if not leaves or sum(x.numel() for x in leaves) > 150:
        return

    def of_leaves(*values: Any) -> Any:
        given = iter(values)

        def put(x: Any) -> Any:
            if isinstance(x, (list, tuple)):
                return type(x)(put(item) for item in x)
            return next(given) if any(x is leaf for leaf in leaves) else x

        placed = [put(x) for x in args]
        return tuple(applied(corten, row, placed, {key: put(x) for key, x in kwargs.items()}))

    assert corten.autograd.gradcheck(of_leaves, tuple(leaves), atol=1e-4)
    results = [r for r in of_leaves(*leaves) if r.requires_grad]
    if sum(x.numel() for x in leaves) <= 24 and sum(r.numel() for r in results) <= 24:
        seeds = tuple(corten.ones_like(r).mul(0.7).requires_grad_() for r in results)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert corten.autograd.gradgradcheck(of_leaves, tuple(leaves), seeds, atol=1e-3)


def finite(results: list[Any]) -> bool:
    """Tell whether results are in double precision, without NaN or infinity: else differences say nothing."""
    return all(str(r.dtype)[6:] in ("float64", "complex128") and np.isfinite(to_numpy(r)).all() for r in results)


def seed_of(lib: Any, result: Any, layout: str, k: int) -> Any:
    """Return a gradient of the k-th result in a layout; `number` is one number expanded, as `sum` gives."""
    dtype, shape = str(result.dtype)[6:], tuple(result.shape)
    if layout == "number":
        return lib.full((), 0.5 + k, dtype=result.dtype).expand(shape)
    return Spec(shape, 0.5, 2.0).fill(np.random.default_rng(k), dtype, layout).build(lib)


def gradients(lib: Any, row: Row, call: Any, layout: str = "contiguous") -> list[Any]:
    """Return the gradients of a weighted sum of the results, and those of a weighted sum of these."""
    args, kwargs, leaves = inputs_of(lib, call)
    results = [r for r in applied(lib, row, args, kwargs) if r.requires_grad]
    if not results:
        return []
    seeds = [seed_of(lib, r, layout, k) for k, r in enumerate(results)]
    first = lib.autograd.grad(results, leaves, seeds, create_graph=True, allow_unused=True)
    again = [g for g in first if g is not None and g.requires_grad]
    if not again:
        return list(first)
    seeds = [seed_of(lib, g, layout, k) for k, g in enumerate(again)]
    seconds = lib.autograd.grad(again, leaves, seeds, allow_unused=True)
    return [*first, *seconds]


def assert_gradients_agree(row: Row, call: Any, layout: str) -> None:
    forward = [outcome(lambda lib: run(lib, row, main_form(row), call), lib) for lib in (corten, torch)]
    if any(isinstance(result, Exception) for result in forward):
        return
    ours, theirs = (outcome(lambda lib: gradients(lib, row, call, layout), lib) for lib in (corten, torch))
    if isinstance(theirs, Exception) or (row.id in ODD and () in call.args):
        return  # a backward that PyTorch has not
    assert not isinstance(ours, Exception), f"{row.id}({call!r}): {ours!r}"
    order = len(inputs_of(corten, call)[2])
    # A `dtype=` may be narrower than the inputs.
    narrow = {"float16", "bfloat16", "float32", "complex64"}.intersection(map(dtype_of, tensors_of(forward[1])))
    rtol, atol = max((TOLERANCES[name] for name in narrow), default=(1e-6 if row.id in ROUGH else 1e-8, 1e-9))
    for k, (a, b) in enumerate(zip(ours, theirs, strict=False)):
        # A gradient that is zero may be `None` in one and zeros in the other, where nothing depends on the input.
        x, y = (0.0 if g is None else to_numpy(g + 0) for g in (a, b))
        assert a is None or b is None or str(a.dtype) == str(b.dtype), f"{row.id}({call!r}): {a.dtype}, not {b.dtype}"
        if k >= order or row.id == "pow.base":
            # PyTorch multiplies the zero gradient of what `where` hides with an infinite slope: NaN, where ours exists.
            x = np.where(np.isnan(y), y, x)
        np.testing.assert_allclose(x, y, rtol, atol, equal_nan=True, err_msg=f"{row.id}({call!r})")


@rows([row for row in DIFFERENTIABLE if row.id not in SKIP | WRONG_THERE])
@examples(4)
@given(data=st.data())
def test_gradients_are_those_of_pytorch(row: Row, data: st.DataObject) -> None:
    template = data.draw(templates(row))
    dtypes = data.draw(st.sampled_from((("float64",), ("complex128",), ("float64", "int64"), ("int64", "float64"))))
    layouts = data.draw(st.sampled_from(("contiguous", "transposed", "sliced")))
    assert_gradients_agree(row, template.fill(dtypes, layouts, data.draw(st.integers(0, 99))), data.draw(SEEDS))


@rows([row for row in DIFFERENTIABLE if row.id not in SKIP | WRONG_THERE | NOT_SINGULAR])
@examples(4)
@given(data=st.data())
def test_gradients_at_singular_points(row: Row, data: st.DataObject) -> None:
    """Zeros, ties, equal operands and the bounds of ranges: all values are drawn from {-1, 0, 1, 2}."""
    template = data.draw(templates(row))
    call = template.fill("int64", seed=data.draw(st.integers(0, 99)))
    for x in call.arrays():
        if x.dtype == "int64" and not x.fixed:
            values = np.clip(x.base, -1, 2)
            object.__setattr__(x, "base", values.astype("float64"))
            object.__setattr__(x, "dtype", "float64")
    assert_gradients_agree(row, call, data.draw(SEEDS))


# How far gradients may lie from those of float64, beside the largest of them.
ROUNDING = {"float32": 1e-4, "complex64": 1e-4, "bfloat16": 0.1, "float16": 0.02}


@rows([row for row in DIFFERENTIABLE if row.id not in SKIP])
@examples(1)
@given(data=st.data())
def test_gradients_of_low_precision(row: Row, data: st.DataObject) -> None:
    """Beside our own in double precision, at the same numbers."""
    template, seed = data.draw(templates(row)), data.draw(st.integers(0, 99))
    for dtype, bound in ROUNDING.items():
        call, layout = template.fill(dtype, seed=seed, smooth=True), data.draw(SEEDS)
        both = (call, widened(call))
        if any(isinstance(outcome(lambda lib, c=c: run(lib, row, main_form(row), c), corten), Exception) for c in both):
            continue  # such as linear algebra of halves
        low, high = (outcome(lambda lib, c=c, at=layout: gradients(lib, row, c, at), corten) for c in both)
        if isinstance(high, Exception):
            continue
        assert not isinstance(low, Exception), f"{row.id}({call!r}): {low!r}"
        for a, b in zip(low, high, strict=True):
            if a is not None and b is not None:
                x, y = to_numpy(a), to_numpy(b)
                largest = np.max(np.abs(y), initial=1.0)
                if largest < 100:  # else steep
                    np.testing.assert_allclose(x, y, 0, bound * largest, err_msg=f"{row.id}({call!r})")


def widened(call: Call) -> Call:
    """Return the call with its numbers as they are, in double precision."""

    def one(x: Any) -> Any:
        if not isinstance(x, Array):
            return x
        stored = to_numpy(corten.from_numpy(x.base).to(getattr(corten, x.dtype)))
        dtype = {"f": "float64", "c": "complex128"}.get(stored.dtype.kind, x.dtype)
        return replace(x, base=stored.astype(dtype), dtype=dtype)

    return Call(mapped(call.args, one), mapped(call.kwargs, one))


SINGULAR = [
    ("relu at 0", lambda t, x: t.relu(x), [0.0]),
    ("abs at 0", lambda t, x: t.abs(x), [0.0]),
    ("norm at 0", lambda t, x: t.norm(x), [0.0, 0.0]),
    ("p-norm at 0", lambda t, x: t.norm(x, 3), [0.0, 0.0]),
    ("1-norm at 0", lambda t, x: t.norm(x, 1), [0.0, 1.0]),
    ("max of ties", lambda t, x: t.max(x), [1.0, 1.0, 0.0]),
    ("amax of ties", lambda t, x: t.amax(x, 0), [1.0, 1.0, 0.0]),
    ("maximum of ties", lambda t, x: t.maximum(x, x.detach()), [1.0]),
    ("clamp at its bounds", lambda t, x: t.clamp(x, 0, 1), [0.0, 1.0, 2.0]),
    ("clamp with equal bounds", lambda t, x: t.clamp(x, 1, 1), [0.0, 1.0, 2.0]),
    ("0 to the 0", lambda t, x: x**0, [0.0]),
    ("0 to the 1", lambda t, x: x**1, [0.0]),
    ("0 to the 2", lambda t, x: x**2, [0.0]),
    ("0 to the 0.5", lambda t, x: x**0.5, [0.0]),
    ("0 to a tensor", lambda t, x: t.pow(x, t.tensor([0.0, 1.0, 2.0], dtype=t.float64)), [0.0, 0.0, 0.0]),
    ("a tensor to x", lambda t, x: t.pow(t.tensor([0.0, 0.0], dtype=t.float64), x), [0.0, 1.0]),
    ("0 to x", lambda t, x: t.pow(0.0, x), [0.0, 1.0]),
    ("sqrt at 0", lambda t, x: t.sqrt(x), [0.0]),
    ("prod with a zero", lambda t, x: t.prod(x), [0.0, 2.0, 3.0]),
    ("prod with two zeros", lambda t, x: t.prod(x), [0.0, 0.0, 3.0]),
    ("cumprod with zeros", lambda t, x: t.cumprod(x, 0), [2.0, 0.0, 3.0, 0.0]),
    ("std of equal numbers", lambda t, x: t.std(x), [1.0, 1.0]),
    ("var of one number", lambda t, x: t.var(x, unbiased=False), [1.0]),
    ("atan2 at 0", lambda t, x: t.atan2(x, x), [0.0]),
    ("xlogy at 0", lambda t, x: t.xlogy(x, x.detach()), [0.0]),
    ("leaky_relu at 0", lambda t, x: t.nn.functional.leaky_relu(x), [0.0]),
    ("hardtanh at its bounds", lambda t, x: t.nn.functional.hardtanh(x), [-1.0, 1.0]),
    ("smooth_l1 at beta", lambda t, x: t.nn.functional.smooth_l1_loss(x, t.zeros_like(x)), [0.0, 1.0, -1.0]),
    ("median of ties", lambda t, x: t.median(x), [1.0, 1.0, 1.0]),
    ("sort of ties", lambda t, x: t.sort(x)[0] * t.arange(3), [1.0, 1.0, 0.0]),
    ("logsumexp of -inf", lambda t, x: t.logsumexp(x, 0), [float("-inf"), float("-inf")]),
    ("softmax with -inf", lambda t, x: t.softmax(x, 0)[1], [float("-inf"), 1.0]),
    ("where hides NaN", lambda t, x: t.where(x > 0, t.log(x), t.zeros_like(x)), [-1.0, 1.0]),
    ("cdist-like at 0", lambda t, x: (x - x.detach()).norm(dim=0), [1.0, 2.0]),
]


@pytest.mark.parametrize(("function", "values"), [case[1:] for case in SINGULAR], ids=[case[0] for case in SINGULAR])
def test_singular_points(function: Any, values: list[float]) -> None:
    found = []
    for lib in (corten, torch):
        x = lib.tensor(values, dtype=lib.float64, requires_grad=True)
        function(lib, x).sum().backward()
        found.append(to_numpy(x.grad))
    np.testing.assert_allclose(*found, rtol=1e-12, atol=1e-300, equal_nan=True)
