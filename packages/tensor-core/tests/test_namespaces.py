"""The namespaces hold PyTorch's names, and their composites give its values."""

import math

import numpy as np
import pytest

import corten_tensor_core as native
from corten_tensor_core import _special, fft, linalg, special

torch = pytest.importorskip("torch")


def sample(*shape, seed=0, dtype="float64"):
    x = np.random.default_rng(seed).standard_normal(shape)
    if dtype == "complex128":
        x = x + 1j * np.random.default_rng(seed + 99).standard_normal(shape)
    return np.asarray(x).astype(dtype)


def check(place, theirs, name, *args, **options):
    def lifted(lib, x):
        return lib.from_numpy(x.copy()) if isinstance(x, np.ndarray) else x

    got = getattr(place, name)(*(lifted(native, x) for x in args), **options)
    want = getattr(theirs, name)(*(lifted(torch, x) for x in args), **options)
    for x, y in zip(got, want, strict=True) if isinstance(want, tuple) else [(got, want)]:
        assert tuple(x.shape) == tuple(y.shape)
        assert str(x.dtype) == str(y.dtype)
        np.testing.assert_allclose(x.numpy(), y.numpy(), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(("place", "theirs"), [(linalg, torch.linalg), (fft, torch.fft), (special, torch.special)])
def test_names(place, theirs):
    for name in place.__all__:
        assert hasattr(theirs, name)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        place.nothing  # noqa: B018


ORDERS = ["fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf]


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_norms(dtype):
    x, square = sample(2, 3, 4, dtype=dtype), sample(3, 3, dtype=dtype)
    for ord in ORDERS:
        for keepdim in (False, True):
            check(linalg, torch.linalg, "matrix_norm", x, ord, keepdim=keepdim)
            check(linalg, torch.linalg, "matrix_norm", x, ord, (2, 0), keepdim=keepdim)
        check(linalg, torch.linalg, "norm", square, ord)
        check(linalg, torch.linalg, "cond", square, ord)
        if not isinstance(ord, str):
            check(linalg, torch.linalg, "norm", x, ord, 1)
            check(linalg, torch.linalg, "vector_norm", x, ord)
    check(linalg, torch.linalg, "norm", x)
    check(linalg, torch.linalg, "cond", square)
    check(linalg, torch.linalg, "cond", square * 0, 1)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_matrices(dtype):
    x, square = sample(2, 3, 4, dtype=dtype), sample(2, 3, 3, dtype=dtype)
    low = x @ np.diag([1.0, 1.0, 0, 0]).astype(dtype)
    for name, *args in [
        ("svdvals", x),
        ("eigvalsh", square),
        ("eigvalsh", square, "U"),
        ("inv_ex", square),
        ("vecdot", x, x),
        ("diagonal", x),
        ("vander", x[0]),
        ("pinv", x),
        ("pinv", low),
        ("matrix_rank", x),
        ("matrix_rank", low),
        ("matrix_power", square, 5),
        ("matrix_power", square, -2),
        ("matrix_power", square, 0),
        ("matrix_exp", square),
        ("matrix_exp", square * 40),
        ("tensorinv", sample(4, 6, 8, 3, dtype=dtype)),
        ("tensorinv", sample(6, 2, 3, dtype=dtype), 1),
        ("tensorsolve", sample(2, 3, 6, dtype=dtype), sample(2, 3, dtype=dtype)),
        ("tensorsolve", sample(6, 2, 3, dtype=dtype), sample(2, 3, dtype=dtype), (0,)),
        ("cross", square, square[::-1].copy()),
    ]:
        check(linalg, torch.linalg, name, *args)
    check(linalg, torch.linalg, "matrix_rank", x, atol=1.0)
    check(linalg, torch.linalg, "pinv", x, rtol=0.5)
    check(linalg, torch.linalg, "vander", x, N=3)
    for upper in (False, True):
        for unit in (False, True):
            options = {"upper": upper, "unitriangular": unit}
            check(linalg, torch.linalg, "solve_triangular", square, square, **options)
            check(linalg, torch.linalg, "solve_triangular", square, square, left=False, **options)
    inverse, info = linalg.inv_ex(native.from_numpy(np.stack([np.eye(2), np.zeros((2, 2))])))
    assert info.tolist() == [0, 1]
    assert inverse[0].tolist() == [[1, 0], [0, 1]]
    with pytest.raises(linalg.LinAlgError, match="singular"):
        linalg.inv_ex(native.zeros(2, 2), check_errors=True)


def test_frequencies():
    for n in (1, 4, 5):
        for name in ("fftfreq", "rfftfreq"):
            check(fft, torch.fft, name, n, 0.5)
        for name in ("fftshift", "ifftshift"):
            check(fft, torch.fft, name, sample(n, 3))
            check(fft, torch.fft, name, sample(n, 3), 1)


def test_special():
    x, y = sample(20), np.abs(sample(20, seed=1))
    for name, *args in [
        ("entr", x),
        ("entr", np.array([0.0, 2, np.nan])),
        ("ndtr", x),
        ("ndtri", y / (1 + y)),
        ("xlog1py", x, y),
        ("xlog1py", np.zeros(3), np.array([-1, np.nan, 1])),
        ("multigammaln", y + 3, 4),
        ("softmax", x, 0),
        ("log_softmax", x, 0),
        ("expit", x),
        ("gammaln", y),
    ]:
        check(_special if hasattr(_special, name) else special, torch.special, name, *args)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("matrix_norm", (sample(3),)),
        ("matrix_norm", (sample(3, 3), 7)),
        ("matrix_norm", (sample(3, 3), "fro", (0, 0))),
        ("norm", (sample(3), "nuc")),
        ("matrix_power", (sample(2, 3), 2)),
        ("matrix_exp", (sample(2, 3),)),
        ("tensorinv", (sample(2, 3), 0)),
        ("tensorinv", (sample(2, 3), 1)),
    ],
)
def test_errors(name, args):
    for lib, place in ((torch, torch.linalg), (native, linalg)):
        with pytest.raises(RuntimeError):
            getattr(place, name)(*(lib.from_numpy(x) if isinstance(x, np.ndarray) else x for x in args))


@pytest.mark.parametrize("shape", [(9, 5), (5, 9), (2, 8, 7)])
@pytest.mark.parametrize("options", [{}, {"q": 3, "niter": 1}, {"q": None, "niter": 0}], ids=str)
def test_factors_of_low_rank(shape, options):
    x = np.random.default_rng(0).standard_normal(shape)
    m = np.random.default_rng(1).standard_normal(shape[-1])
    results = []
    for lib in (native, torch):
        lib.manual_seed(5)
        a, offset = lib.from_numpy(x), lib.from_numpy(m)
        some = {**options, "q": options.get("q", 4) or 5}
        parts = [lib.svd_lowrank(a, **some), lib.svd_lowrank(a, M=offset, **some), lib.pca_lowrank(a, **options)]
        parts.append(lib.pca_lowrank(a, center=False))
        # Signs are not determined.
        results.append([(s.numpy(), ((u * s.unsqueeze(-2)) @ v.mT).numpy()) for u, s, v in parts])
    for ours, theirs in zip(*results, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8)
    for lib in (native, torch):
        with pytest.raises(ValueError, match=r"q\(=10\) must be non-negative integer"):
            lib.pca_lowrank(lib.ones(3, 4), q=10)
        with pytest.raises(ValueError, match=r"niter\(=-1\) must be"):
            lib.pca_lowrank(lib.ones(3, 4), niter=-1)
