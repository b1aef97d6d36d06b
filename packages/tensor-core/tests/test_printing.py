"""The text of random tensors is compared with PyTorch's, for PyTorch's own tensors."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import corten_tensor_core as core
from corten_tensor_core import _printing

torch = pytest.importorskip("torch")

REAL = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
COMPLEX = [torch.complex64, torch.complex128]
WHOLE = [torch.bool] + [getattr(torch, f"{u}int{n}") for u in ("", "u") for n in (8, 16, 32, 64)]


@st.composite
def printed_tensors(draw):
    shape = draw(
        st.one_of(
            st.lists(st.integers(0, 4), max_size=4),
            st.lists(st.integers(1, 40), min_size=1, max_size=2),
            st.sampled_from(
                [[1001], [7, 200], [40, 40], [3, 20, 30], [2, 3, 4, 50], [9, 9, 9, 2], [1, 1, 2000], [30, 7, 7]]
            ),
        )
    )
    kind = draw(st.sampled_from(["ordinary", "whole", "wide", "special", "tiny", "huge", "bits", "zeros"]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    x = rng.standard_normal(shape)
    if kind == "whole":
        x = np.round(x * draw(st.sampled_from([1, 10, 1000, 1e5, 1e9])))
    elif kind == "wide":
        x = x * 10.0 ** rng.integers(-8, 9, shape)
    elif kind == "tiny":
        x = x * 1e-6
    elif kind == "huge":
        x = x * 1e30
    elif kind == "zeros":
        x = x * 0
    if kind == "special":
        x = np.where(rng.random(shape) < 0.3, rng.choice([np.inf, -np.inf, np.nan, 0.0, -0.0, 1.0], shape), x)
    dtype = draw(st.sampled_from(REAL + COMPLEX + WHOLE))
    x = torch.from_numpy(np.asarray(x))
    if dtype in COMPLEX:
        x = torch.complex(x, torch.flip(x, [0]) if x.dim() else x)
    elif dtype in WHOLE:
        x = torch.nan_to_num(x * 3, 0, 100, -100).clamp(-1e18, 1e18).to(torch.int64)
    return x.to(dtype)


@settings(max_examples=2500, deadline=None)
@given(printed_tensors())
def test_repr_is_pytorchs(x):
    assert _printing.tensor_repr(x) == repr(x)


@settings(max_examples=500, deadline=None)
@given(hnp.arrays(np.float64, hnp.array_shapes(min_dims=0), elements=st.floats(width=64)))
def test_any_double(x):
    x = torch.from_numpy(np.asarray(x))
    assert _printing.tensor_repr(x) == repr(x)
    if x.dim() == 0:
        assert _printing.tensor_format(x, ".3f") == format(x, ".3f")


option_sets = st.fixed_dictionaries(
    {},
    optional={
        "precision": st.integers(0, 9),
        "threshold": st.sampled_from([0, 5, 50, 10**6, math.inf]),
        "edgeitems": st.integers(0, 5),
        "linewidth": st.integers(1, 200),
        "profile": st.sampled_from(["default", "short", "full"]),
        "sci_mode": st.sampled_from([None, True, False]),
    },
)


@settings(max_examples=800, deadline=None)
@given(printed_tensors(), option_sets)
def test_options(x, options):
    try:
        torch.set_printoptions(**options)
        with _printing.printoptions(**options):
            assert _printing.get_printoptions() == torch._tensor_str.get_printoptions()
            assert _printing.tensor_repr(x) == repr(x)
    finally:
        torch.set_printoptions(profile="default")
    assert _printing.get_printoptions() == torch._tensor_str.get_printoptions()


def test_unknown_profile():
    with pytest.raises(ValueError, match="'default', 'short', 'full', got 'tiny'"):
        _printing.set_printoptions(profile="tiny")


def suffixed():
    leaf = torch.arange(3.0, requires_grad=True)
    yield from (
        leaf,
        leaf * 2,
        (leaf * 2).sum(),
        leaf.double().view(3, 1),
        leaf[1:],
        torch.zeros(0, 3, requires_grad=True),
    )
    yield from (torch.empty(2, 3, device="meta"), torch.empty(2, device="meta", dtype=torch.int64))
    yield from (
        torch.rand(3, 30).half().requires_grad_(),
        torch.tensor(1.5, requires_grad=True),
        torch.ones(0),
        torch.ones(0).long(),
    )

    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    yield Twice.apply(leaf)
    yield type("Other", (torch.Tensor,), {})(torch.ones(20, 5))
    yield torch.ones(3, 4).t()[:, ::2]


def test_suffixes():
    for x in suffixed():
        assert _printing.tensor_repr(x) == repr(x)


def test_default_dtype():
    torch.set_default_dtype(torch.float64)
    core.set_default_dtype(core.float64)
    try:
        for x in (torch.ones(2), torch.ones(2).float(), torch.ones(2) + 1j, torch.ones(0), torch.ones(0).float()):
            assert _printing.tensor_repr(x) == repr(x)
    finally:
        torch.set_default_dtype(torch.float32)
        core.set_default_dtype(core.float32)


def test_format():
    assert _printing.tensor_format(torch.tensor(2.5, requires_grad=True), "7.2f") == "   2.50"
    assert _printing.tensor_format(torch.tensor([2.5]), "") == "tensor([2.5000])"
    with pytest.raises(TypeError, match="unsupported format string"):
        _printing.tensor_format(torch.tensor([2.5]), ".1f")
