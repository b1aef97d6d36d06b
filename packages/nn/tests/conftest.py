"""The reference implementation beside ours: values cross over as NumPy arrays, here and nowhere else."""

from __future__ import annotations

import re

import numpy as np
import pytest

import corten_nn
import corten_tensor_core as core


class Reference:
    """PyTorch, with conversions and comparisons."""

    def __init__(self, torch):
        self.torch = torch
        self.nn = torch.nn

    def into(self, x):
        """Our tensor as PyTorch's."""
        return self.torch.from_numpy(np.array(x.detach().numpy()))

    def back(self, x):
        """PyTorch's tensor as ours."""
        return core.from_numpy(np.array(x.detach().numpy()))

    def copy_weights(self, ours, theirs):
        """Give our module the weights of PyTorch's."""
        ours.load_state_dict({key: self.back(value) for key, value in theirs.state_dict().items()})

    def assert_close(self, ours, theirs, rtol=1e-5, atol=1e-6):
        """Compare tensors, numbers, or tuples of them."""
        if isinstance(theirs, (tuple, list)):
            assert len(ours) == len(theirs)
            for a, b in zip(ours, theirs, strict=True):
                self.assert_close(a, b, rtol, atol)
        elif isinstance(theirs, self.torch.Tensor):
            assert tuple(ours.shape) == tuple(theirs.shape)
            assert str(ours.dtype) == str(theirs.dtype)
            np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=rtol, atol=atol)
        else:
            assert ours == theirs

    def same_behaviour(self, scenario):
        """Run `scenario(nn, torch)` with both libraries; results or exceptions must be the same."""
        ours, theirs = _outcome(scenario, corten_nn, core), _outcome(scenario, self.nn, self.torch)
        assert ours == theirs

    def seeded(self, seed, build):
        """What `build(nn)` gives for both libraries from the same seed."""
        core.manual_seed(seed)
        ours = build(corten_nn)
        self.torch.manual_seed(seed)
        return ours, build(self.nn)


def _outcome(scenario, nn, torch):
    try:
        return _plain(scenario(nn, torch))
    except Exception as error:
        return type(error).__name__, _without_paths(str(error))


def _without_paths(text):
    """Class names without their packages, which differ."""
    return re.sub(r"\b(?:corten_\w+|torch|conftest)\.[\w.]*?(?=[A-Z])|\s*See https://\S+", "", text)


def _plain(value):
    if hasattr(value, "detach"):
        return value.detach().tolist()
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return value


@pytest.fixture(scope="session")
def ref():
    return Reference(pytest.importorskip("torch"))
