"""The reference implementation beside ours: values cross over as NumPy arrays, here and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

import corten_tensor_core as core


class Reference:
    """PyTorch, with conversions of values and state dicts."""

    def __init__(self, torch):
        self.torch = torch
        self.optim = torch.optim

    def into(self, value):
        """Our tensors as PyTorch's, within dicts and lists too."""
        return self._map(value, lambda x: self.torch.from_numpy(np.array(x.detach().numpy())))

    def back(self, value):
        """PyTorch's tensors as ours, within dicts and lists too."""
        return self._map(value, lambda x: core.from_numpy(np.array(x.detach().numpy())))

    def _map(self, value, convert):
        if hasattr(value, "detach"):
            return convert(value)
        if isinstance(value, dict):
            return {key: self._map(entry, convert) for key, entry in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self._map(entry, convert) for entry in value)
        return value

    def assert_close(self, ours, theirs, rtol=1e-5, atol=1e-6):
        """Compare tensors, numbers, dicts and lists of them."""
        if hasattr(theirs, "detach"):
            assert str(ours.dtype) == str(theirs.dtype)
            assert tuple(ours.shape) == tuple(theirs.shape)
            np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=rtol, atol=atol)
        elif isinstance(theirs, dict):
            assert list(ours) == list(theirs)
            for key in theirs:
                self.assert_close(ours[key], theirs[key], rtol, atol)
        elif isinstance(theirs, (list, tuple)):
            assert type(ours) is type(theirs)
            assert len(ours) == len(theirs)
            for a, b in zip(ours, theirs, strict=True):
                self.assert_close(a, b, rtol, atol)
        else:
            assert ours == pytest.approx(theirs, rel=rtol, abs=atol) if isinstance(theirs, float) else ours == theirs


@pytest.fixture(scope="session")
def ref():
    return Reference(pytest.importorskip("torch"))
