"""Lazy modules against PyTorch's."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import corten_nn as nn
import corten_tensor_core as core
from corten_nn.parameter import is_lazy

LAYERS = [
    ("LazyLinear", (5,), {}, (3, 4)),
    ("LazyLinear", (5, False), {}, (3, 4)),
    ("LazyConv1d", (6, 3), {"groups": 2}, (2, 4, 7)),
    ("LazyConv2d", (6, 3), {"padding": 1, "bias": False}, (2, 4, 7, 5)),
    ("LazyConv2d", (6, (3, 2)), {"dilation": 2}, (4, 7, 5)),
    ("LazyConv3d", (3, 2), {"stride": 2}, (2, 2, 4, 4, 4)),
    ("LazyConvTranspose1d", (6, 3), {"output_padding": 1, "stride": 2}, (2, 4, 7)),
    ("LazyConvTranspose2d", (6, 3), {"groups": 2}, (2, 4, 7, 5)),
    ("LazyConvTranspose3d", (3, 2), {"dilation": 2}, (2, 2, 4, 4, 4)),
    ("LazyBatchNorm1d", (), {}, (3, 4)),
    ("LazyBatchNorm2d", (), {"momentum": 0.3, "bias": False}, (3, 4, 2, 2)),
    ("LazyBatchNorm3d", (), {"affine": False}, (3, 4, 2, 2, 2)),
    ("LazyInstanceNorm1d", (), {}, (3, 4, 5)),
    ("LazyInstanceNorm2d", (), {"affine": True, "track_running_stats": False}, (3, 4, 5, 2)),
    ("LazyInstanceNorm3d", (), {"eps": 1e-3}, (3, 4, 5, 2, 2)),
]


def ids(case):
    return f"{case[0]}-{case[1]}-{case[2]}".replace(" ", "")


@pytest.mark.parametrize("case", LAYERS, ids=ids)
def test_first_call(ref, case):
    name, args, kwargs, shape = case
    array = np.random.default_rng(1).standard_normal(shape).astype(np.float32)

    def run(library, tensors):
        layer = getattr(library, name)(*args, **kwargs)
        before = repr(layer), list(layer.state_dict()), repr(list(layer.parameters())), repr(layer.state_dict())
        tensors.manual_seed(3)
        x = tensors.tensor(array).requires_grad_()
        out = layer(x)
        (out * out).sum().backward()
        return before, (repr(layer), type(layer).__name__), out, x.grad, dict(layer.state_dict())

    ours, theirs = run(nn, core), run(ref.nn, ref.torch)
    assert ours[:2] == theirs[:2]
    ref.assert_close(ours[2:4], theirs[2:4], rtol=1e-4, atol=1e-4)
    assert list(ours[4]) == list(theirs[4])
    for key, value in theirs[4].items():
        ref.assert_close(ours[4][key], value)


def test_loading_gives_shapes(ref):
    def scenario(nn, torch):
        full, lazy = (
            nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2)),
            nn.Sequential(nn.LazyLinear(2), nn.LazyBatchNorm1d()),
        )
        lazy.load_state_dict(full.state_dict())
        out = lazy(torch.ones(3, 4))
        return repr(lazy), (out - full(torch.ones(3, 4))).abs().max() == 0, lazy[0].in_features

    ref.same_behaviour(scenario)


def test_copies_and_conversions_before_the_first_call():
    layer = nn.Sequential(nn.LazyLinear(2), nn.LazyBatchNorm1d())
    assert copy.deepcopy(layer)(core.ones(3, 4)).shape == (3, 2)
    assert is_lazy(layer[0].weight)
    assert is_lazy(pickle.loads(pickle.dumps(layer[0].weight)))
    other = nn.Sequential(nn.LazyLinear(2), nn.LazyBatchNorm1d())
    other.load_state_dict(layer.state_dict())
    assert layer.double()(core.ones(3, 4, dtype=core.float64)).dtype == core.float64
    assert not is_lazy(layer[0].weight)
    assert type(layer[1].running_mean) is core.Tensor


def test_own_lazy_module():
    class Scale(nn.modules.lazy.LazyModuleMixin, nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.UninitializedParameter()

        def initialize_parameters(self, x, power=1):
            self.weight.materialize(x.shape[-1:])
            self.weight.data.fill_(2.0**power)

        def forward(self, x, power=1):
            return self.weight * x

    layer = Scale()
    assert layer.has_uninitialized_params()
    assert layer(core.ones(3), power=2).tolist() == [4.0] * 3
    assert layer(core.ones(3)).tolist() == [4.0] * 3


MISTAKES = {
    "shape": lambda nn, t: nn.LazyLinear(2).weight.shape,
    "share": lambda nn, t: nn.LazyLinear(2).weight.share_memory_(),
    "dims": lambda nn, t: nn.LazyConv2d(2, 3)(t.zeros(3, 3)),
    "groups": lambda nn, t: nn.LazyConv2d(4, 3, groups=2)(t.zeros(1, 3, 3, 3)),
    "features": lambda nn, t: _loaded(nn)(t.zeros(1, 3)),
    "into full": lambda nn, t: nn.Linear(4, 2).load_state_dict(nn.LazyLinear(2).state_dict()),
    "nothing": lambda nn, t: _bare(nn)(t.zeros(1)),
    "incomplete": lambda nn, t: _incomplete(nn)(t.zeros(1)),
}


def _loaded(nn):
    layer = nn.LazyLinear(2)
    layer.load_state_dict(nn.Linear(4, 2).state_dict())
    return layer


def _bare(nn):
    class Bare(nn.modules.lazy.LazyModuleMixin, nn.Module):
        pass

    return Bare()


def _incomplete(nn):
    class Incomplete(nn.modules.lazy.LazyModuleMixin, nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.UninitializedParameter()

        def initialize_parameters(self, x):
            pass

    return Incomplete()


@pytest.mark.parametrize("name", list(MISTAKES))
def test_mistakes(ref, name):
    ref.same_behaviour(MISTAKES[name])
