"""Singular values by random projections beside PyTorch's, from the same draws."""

import numpy as np
import pytest

import corten_tensor_core as native

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (2, 7, 5)])
@pytest.mark.parametrize("q", [None, 2])
def test_values(shape, q):
    for name in ("svd_lowrank", "pca_lowrank"):
        found = []
        for lib in (native, torch):
            lib.manual_seed(0)
            U, S, V = getattr(lib, name)(lib.randn(shape), q)
            found.append((U.shape, V.shape, S.numpy(), (U * S.unsqueeze(-2) @ V.mT).numpy()))
        ours, theirs = found
        assert ours[:2] == theirs[:2]
        np.testing.assert_allclose(ours[2], theirs[2], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(ours[3], theirs[3], rtol=1e-3, atol=1e-4)


def test_errors_and_gradients():
    A = native.randn(6, 4)
    for lib, x in ((native, A), (torch, torch.ones(6, 4))):
        with pytest.raises(
            ValueError, match=r"q\(=9\) must be non-negative integer and not greater than min\(m, n\)=4"
        ):
            lib.pca_lowrank(x, 9)
        with pytest.raises(ValueError, match=r"niter\(=-1\) must be non-negative integer"):
            lib.pca_lowrank(x, 2, niter=-1)
    shifted = native.svd_lowrank(A, M=native.full((4,), 3.0))[1]
    native.testing.assert_close(shifted, native.linalg.svdvals(A - 3), rtol=1e-4, atol=1e-5)
