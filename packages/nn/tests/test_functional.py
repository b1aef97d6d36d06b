"""Functions that no layer's test reaches, and the arguments of all functions."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import corten_nn as nn
import corten_nn.functional as F
import corten_tensor_core as core

X = np.random.default_rng(4).standard_normal((2, 3, 4, 5)).astype(np.float32)
THETA = np.array([[[1.0, 0.2, 0.1], [0.0, 0.8, -0.2]]] * 2, dtype=np.float32)


def _signature(function):
    return [
        (p.name, p.kind, p.default if isinstance(p.default, (int, float, str, bool, type(None))) else None)
        for p in inspect.signature(function).parameters.values()
    ]


def _public(module):
    return [name for name in getattr(module, "__all__", dir(module)) if not name.startswith("_")]


@pytest.mark.parametrize("name", [name for name in _public(F) if inspect.isfunction(getattr(F, name, None))])
def test_functions_take_the_same_arguments(ref, name):
    theirs = getattr(ref.nn.functional, name)
    if not inspect.isfunction(theirs) or "args" in inspect.signature(theirs).parameters:
        pytest.skip("the reference does not tell its arguments")
    assert _signature(getattr(F, name)) == _signature(theirs)


@pytest.mark.parametrize("name", [name for name in _public(nn) if name[0].isupper()])
def test_classes_take_the_same_arguments(ref, name):
    theirs = _signature(getattr(ref.nn, name))
    if [entry[0] for entry in theirs] != ["args", "kwargs"]:
        assert _signature(getattr(nn, name)) == theirs


@pytest.mark.parametrize("name", nn.init.__all__)
def test_initialisers_take_the_same_arguments(ref, name):
    assert _signature(getattr(nn.init, name)) == _signature(getattr(ref.nn.init, name))


CALLS = {
    "relu inplace": lambda F, x, t: F.relu(x.detach().clone(), inplace=True),
    "relu6": lambda F, x, t: F.relu6(x),
    "elu inplace": lambda F, x, t: F.elu(x.detach().clone(), 0.5, True),
    "leaky_relu inplace": lambda F, x, t: F.leaky_relu(x.detach().clone(), 0.1, True),
    "hardtanh inplace": lambda F, x, t: F.hardtanh(x.detach().clone(), -0.1, 0.2, True),
    "silu inplace": lambda F, x, t: F.silu(x.detach().clone(), True),
    "mish inplace": lambda F, x, t: F.mish(x.detach().clone(), True),
    "celu inplace": lambda F, x, t: F.celu(x.detach().clone(), 1.0, True),
    "selu inplace": lambda F, x, t: F.selu(x.detach().clone(), True),
    "hardswish inplace": lambda F, x, t: F.hardswish(x.detach().clone(), True),
    "hardsigmoid inplace": lambda F, x, t: F.hardsigmoid(x.detach().clone(), True),
    "threshold inplace": lambda F, x, t: F.threshold(x.detach().clone(), 0.1, 3.0, True),
    "rrelu": lambda F, x, t: F.rrelu(x, 0.1, 0.4),
    "rrelu training": lambda F, x, t: F.rrelu(x, 0.1, 0.4, training=True),
    "sigmoid": lambda F, x, t: F.sigmoid(x),
    "tanh": lambda F, x, t: F.tanh(x),
    "softmax dtype": lambda F, x, t: F.softmax(x, 1, dtype=t.float64),
    "softmin dtype": lambda F, x, t: F.softmin(x, 1, dtype=t.float64),
    "log_softmax dtype": lambda F, x, t: F.log_softmax(x, 1, dtype=t.float64),
    "gumbel_softmax": lambda F, x, t: F.gumbel_softmax(x, tau=0.5),
    "gumbel_softmax hard": lambda F, x, t: F.gumbel_softmax(x, hard=True, dim=1),
    "normalize": lambda F, x, t: F.normalize(x),
    "normalize p": lambda F, x, t: F.normalize(x, p=1.0, dim=-1),
    "one_hot": lambda F, x, t: F.one_hot(t.tensor([0, 2]), 4),
    "pdist": lambda F, x, t: F.pdist(x[0, 0]),
    "grid_sample": lambda F, x, t: F.grid_sample(
        x, F.affine_grid(t.tensor(THETA.tolist()), [2, 3, 4, 5], False), align_corners=False
    ),
    "grid_sample nearest": lambda F, x, t: F.grid_sample(
        x, F.affine_grid(t.tensor(THETA.tolist()), [2, 3, 4, 5], True), "nearest", "reflection", True
    ),
    "interpolate antialias": lambda F, x, t: F.interpolate(x, (2, 2), mode="bilinear", antialias=True),
    "max_pool2d indices": lambda F, x, t: F.max_pool2d_with_indices(x, 2)[1],
    "adaptive indices": lambda F, x, t: F.adaptive_max_pool2d_with_indices(x, 2)[1],
    "conv2d": lambda F, x, t: F.conv2d(x, t.ones(2, 3, 2, 2)),
    "linear": lambda F, x, t: F.linear(x, t.ones(2, 5), t.ones(2)),
    "attention": lambda F, x, t: F.scaled_dot_product_attention(x, x, x, is_causal=True),
    "instance_norm": lambda F, x, t: F.instance_norm(x),
    "layer_norm": lambda F, x, t: F.layer_norm(x, (4, 5)),
    "embedding": lambda F, x, t: F.embedding(t.tensor([1, 3]), x[0, 0], padding_idx=-1),
    "embedding_bag": lambda F, x, t: F.embedding_bag(t.tensor([[1, 3], [0, 0]]), x[0, 0], mode="max"),
    "embedding_bag weights": lambda F, x, t: F.embedding_bag(
        t.tensor([[1, 3]]), x[0, 0], mode="sum", per_sample_weights=t.tensor([[0.5, 2.0]])
    ),
}


@pytest.mark.parametrize("name", list(CALLS))
def test_values_and_gradients(ref, name):
    def run(functional, torch):
        torch.manual_seed(3)
        x = torch.tensor(X.tolist(), requires_grad=True)
        out = CALLS[name](functional, x, torch)
        if out.requires_grad:
            (out * out).sum().backward()
        return [out] if x.grad is None else [out, x.grad]

    ref.assert_close(run(F, core), run(ref.nn.functional, ref.torch), rtol=1e-4, atol=1e-5)


def test_implicit_dimension_warns():
    for function in (F.softmax, F.softmin, F.log_softmax):
        with pytest.warns(UserWarning, match="Implicit dimension choice"):
            function(core.zeros(2, 2))


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="has no attribute 'conv9d'"):
        _ = F.conv9d
    assert "conv2d" in dir(F)


INITIALISERS = {
    "uniform_": lambda i, x: i.uniform_(x, -1, 2),
    "normal_": lambda i, x: i.normal_(x, 1, 0.5),
    "trunc_normal_": lambda i, x: i.trunc_normal_(x, 0.5, 2.0, -1, 1),
    "trunc_normal_ of a tail": lambda i, x: i.trunc_normal_(x, 0.0, 1.0, 1.5, 3.0),
    "constant_": lambda i, x: i.constant_(x, 3),
    "ones_": lambda i, x: i.ones_(x),
    "zeros_": lambda i, x: i.zeros_(x),
    "eye_": lambda i, x: i.eye_(x),
    "xavier_uniform_": lambda i, x: i.xavier_uniform_(x, gain=2.0),
    "xavier_normal_": lambda i, x: i.xavier_normal_(x),
    "kaiming_uniform_": lambda i, x: i.kaiming_uniform_(x, mode="fan_out", nonlinearity="relu"),
    "kaiming_normal_": lambda i, x: i.kaiming_normal_(x, a=0.2),
    "orthogonal_": lambda i, x: i.orthogonal_(x, gain=2),
    "sparse_": lambda i, x: i.sparse_(x, 0.4),
    "bad fan": lambda i, x: i.kaiming_uniform_(x, mode="fan_up"),
    "bad nonlinearity": lambda i, x: i.kaiming_uniform_(x, nonlinearity="step"),
    "bad slope": lambda i, x: i.calculate_gain("leaky_relu", True),
    "gains": lambda i, x: [i.calculate_gain(n) for n in ("linear", "tanh", "relu", "leaky_relu", "selu", "sigmoid")],
    "one dimension": lambda i, x: i.xavier_uniform_(x[0]),
    "eye of a vector": lambda i, x: i.eye_(x[0]),
    "dirac of a matrix": lambda i, x: i.dirac_(x),
}


@pytest.mark.parametrize("shape", [(6, 4), (3, 5)])
@pytest.mark.parametrize("name", list(INITIALISERS))
def test_initialisers(ref, name, shape):
    def run(nn, torch):
        torch.manual_seed(5)
        values = INITIALISERS[name](nn.init, torch.empty(shape))
        return [round(v, 4) for v in values.flatten().tolist()] if hasattr(values, "flatten") else values

    ref.same_behaviour(run)


@pytest.mark.parametrize("shape", [(4, 2, 3), (4, 4, 3, 3), (2, 3, 1, 3, 2)])
@pytest.mark.parametrize("groups", [1, 2, 3])
def test_dirac(ref, shape, groups):
    ref.same_behaviour(lambda nn, torch: nn.init.dirac_(torch.empty(shape), groups))


def test_initialisers_record_nothing():
    param = nn.Parameter(core.zeros(3, 3))
    assert nn.init.xavier_uniform_(param) is param
    assert param.is_leaf


def test_deprecated_initialisers_warn():
    with pytest.warns(FutureWarning, match="nn.init.xavier_normal_"):
        nn.init.xavier_normal(core.zeros(2, 2))


@pytest.mark.parametrize("corners", [False, True])
def test_coordinates_of_affine_grids_are_rounded_as_pytorchs(corners):
    """An element that comes to lie on the other side of a centre gets another gradient."""
    torch = pytest.importorskip("torch")
    for size in (2, 7, 28, 224):
        ours = F.affine_grid(core.eye(2, 3).unsqueeze(0), (1, 1, size, size), corners)
        theirs = torch.nn.functional.affine_grid(torch.eye(2, 3).unsqueeze(0), (1, 1, size, size), corners)
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_numbers_as_tuples():
    from corten_nn.modules.utils import _ntuple, _pair, _quadruple, _single, _triple

    assert [f(7) for f in (_single, _pair, _triple, _quadruple)] == [(7,) * n for n in (1, 2, 3, 4)]
    assert _pair([1, 2]) == (1, 2)
    assert _ntuple(5)("a") == ("a",)
