"""Reductions, scans, casts, joins and indexing of the array backend beside PyTorch."""

import numpy as np
import pytest

from corten_tensor_core import _array

torch = pytest.importorskip("torch")


def to_torch(x):
    if isinstance(x, np.ndarray):
        return torch.from_numpy(x.copy())
    return [to_torch(y) for y in x] if isinstance(x, list) else x


def compare(got, want, tolerance=1e-5):
    if isinstance(want, (tuple, list)):
        assert len(got) == len(want)
        for x, y in zip(got, want, strict=True):
            compare(x, y, tolerance)
        return
    want = want.numpy()
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)


def check(name, function, *args, tolerance=1e-5):
    compare(_array.call(name, np, *args), function(*map(to_torch, args)), tolerance)


def sample(dtype, shape=(3, 4, 5), seed=0):
    rng = np.random.default_rng(seed)
    if dtype == "bool":
        return rng.random(shape) < 0.6
    if np.dtype(dtype).kind in "iu":
        return np.asarray(rng.integers(0, 6, shape)).astype(dtype)
    x = rng.standard_normal(shape)
    return np.asarray(x + 1j * rng.standard_normal(shape) if np.dtype(dtype).kind == "c" else x).astype(dtype)


REAL = ["float32", "float64"]
EVERY = [*REAL, "complex64", "int32", "int64", "uint8", "bool"]
DIMS = [None, 0, -1, [0, 2], []]


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("dim", DIMS, ids=str)
@pytest.mark.parametrize("dtype", EVERY)
def test_reductions(dtype, dim, keepdim):
    x = sample(dtype)
    check("sum.dim", torch.sum, x, dim, keepdim)
    check("any.dim", torch.any, x, dim, keepdim) if dim != [] else None
    check("all.dim", torch.all, x, dim, keepdim) if dim != [] else None
    if dtype in (*REAL, "complex64"):
        check("mean.dim", torch.mean, x, dim, keepdim)
        every = None if dim == [] else dim
        for correction in (0, 1, 2.5):
            options = {"dim": every, "correction": correction, "keepdim": keepdim}
            check("std", lambda x, *_, o=options: torch.std(x, **o), x, every, correction, keepdim)
            check("var_mean", lambda x, *_, o=options: torch.var_mean(x, **o), x, every, correction, keepdim)
        for p in (0, 1, 2, 3, 0.5, float("inf"), -float("inf")):
            check("linalg_vector_norm", torch.linalg.vector_norm, x, p, every, keepdim)
            check("norm", torch.norm, x, p, every, keepdim)
    if dtype in (*REAL, "int32", "uint8"):
        check("amax", torch.amax, x, dim or (), keepdim)
        check("amin", torch.amin, x, dim or (), keepdim)
    if dtype in REAL and dim not in (None, []):
        check("logsumexp", torch.logsumexp, x, dim, keepdim)
        check("nanmean", torch.nanmean, np.where(x > 1, np.nan, x).astype(dtype), dim, keepdim)
        check("nansum", torch.nansum, np.where(x > 1, np.nan, x).astype(dtype), dim, keepdim)
    if isinstance(dim, int):
        check("prod.dim", torch.prod, x, dim, keepdim)


def test_half_sums_in_single_precision():
    x = sample("float16", (2000,)) + np.float16(2)
    check("sum", torch.sum, x, tolerance=1e-3)
    check("mean", torch.mean, x, tolerance=1e-3)
    check("sum.dim", lambda x, *a: torch.sum(x, 0, dtype=torch.float64), x, 0, False, "float64")


def test_empty_and_scalars():
    empty, scalar = np.zeros((0, 3), np.float32), np.asarray(2.5, np.float32)
    for dim in (0, 1, None):
        check("sum.dim", torch.sum, empty, dim)
        check("mean.dim", torch.mean, empty, dim)
        check("any.dim", torch.any, empty, dim)
    check("logsumexp", torch.logsumexp, empty, 0)
    check("linalg_vector_norm", torch.linalg.vector_norm, empty, float("inf"), 1)
    for name in ("sum.dim", "mean.dim", "logsumexp", "max.dim", "argmax", "sort", "cumsum", "median.dim", "cummax"):
        check(name, getattr(torch, name.partition(".")[0]), scalar, 0)


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("dtype", [*REAL, "int64", "uint8"])
def test_indices(dtype, dim, keepdim):
    x = sample(dtype, (6, 7, 5))
    if dtype in REAL:
        x[1, 2, 3] = x[4, 2, 1] = np.nan
    else:
        x = np.argsort(sample("float64", (6, 7, 5)), axis=dim).astype(dtype)
    for name in ("max", "min", "median"):
        check(f"{name}.dim", getattr(torch, name), x, dim, keepdim)
    check("argmax", torch.argmax, x, dim, keepdim)
    check("argmin", torch.argmin, x, None, keepdim)
    check("kthvalue", torch.kthvalue, x, 3, dim, keepdim)


@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("dtype", [*REAL, "int64", "bool"])
def test_orders_and_scans(dtype, dim):
    x = sample(dtype, (4, 6, 5))
    for descending in (False, True):
        check("sort", lambda x, d, o: torch.sort(x, dim=d, descending=o, stable=True), x, dim, descending)
        check("argsort", lambda x, d, o: torch.argsort(x, dim=d, descending=o, stable=True), x, dim, descending)
    check("cumsum", torch.cumsum, x, dim)
    check("cumprod", torch.cumprod, x, dim)
    if dtype != "bool":
        check("cummax", torch.cummax, x, dim)
        check("cummin", torch.cummin, x, dim)
        x = np.argsort(sample("float64", (4, 6, 5)), axis=dim).astype(dtype)
        for largest in (False, True):
            check("topk", torch.topk, x, 3, dim, largest)
    if dtype in REAL:
        check("logcumsumexp", torch.logcumsumexp, x, dim)
        check("median", torch.median, x) if dim == 0 else None


def test_joins_and_copies():
    x, y = sample("float32", (2, 3)), sample("float32", (2, 3), 1)
    check("cat", torch.cat, [x, y], 1)
    check("cat", torch.cat, [x, np.zeros(0, np.float32)], 0)
    check("stack", torch.stack, [x, y], -1)
    check("flip", torch.flip, x, [0, 1])
    check("roll", torch.roll, x, 2)
    check("roll", torch.roll, x, [1, -1], [0, 1])
    check("repeat", lambda x, r: x.repeat(r), x, [2, 1, 3])
    check("repeat_interleave", torch.repeat_interleave, x, 3)
    check("repeat_interleave", torch.repeat_interleave, x, np.array([2, 0, 1]), 1)
    check("tril", torch.tril, sample("float32"), 1)
    check("triu", torch.triu, sample("float32"), -1)
    for offset in (-1, 0, 2):
        check("diag_embed", torch.diag_embed, x, offset)
    check("diag_embed", torch.diag_embed, sample("int64"), 1, 0, 2)
    check("clone", torch.clone, x)
    check("contiguous", lambda x: x.contiguous(), x.T)
    check("copy", lambda x, y: x.copy_(y), sample("int32", (2, 3)), y[0])
    check("fill", torch.fill, x, 3)


def test_factories():
    check("arange", lambda a, b, c, d: torch.arange(a, b, c), 2, 20, 3, "int64")
    check("arange", lambda a, b, c, d: torch.arange(a, b, c), 0.5, 2.0, 0.25, "float32")
    check("linspace", lambda a, b, n, d: torch.linspace(a, b, n), -1.0, 2.0, 7, "float32")
    check("logspace", lambda a, b, n, e, d: torch.logspace(a, b, n, e), -1.0, 2.0, 7, 2.0, "float32")
    check("eye", lambda n, m, d: torch.eye(n, m), 3, 4, "float32")
    check("full", lambda s, v, d: torch.full(s, v), [2, 3], 7, "int64")
    check("zeros", lambda s, d: torch.zeros(s), [2, 0], "torch.float32")
    check("ones", lambda s, d: torch.ones(s, dtype=torch.bool), [2], "bool")


def test_reading_by_index():
    x = sample("float32", (3, 4, 5))
    rows = np.array([[2, 0], [1, 1]])
    check("index", lambda x, k: x[k[0], :, k[2]], x, [rows, None, rows])
    check("index", lambda x, k: x[k[0]], x, [x > 0])
    check("index", lambda x, k: x[:, k[1]], x, [None, sample("bool", (4,))])
    check("index_select", torch.index_select, x, 1, np.array([3, 0, 3]))
    index = sample("int64", (2, 3, 4)) % 3
    for dim in (0, 1, -1):
        check("gather", torch.gather, x, dim, index)
        narrow = [slice(None) if d == dim % 3 else slice(1) for d in range(3)]
        check("take_along_dim", torch.take_along_dim, x, index[tuple(narrow)], dim)
    check("take_along_dim", torch.take_along_dim, x, index)
    check("masked_select", torch.masked_select, x, sample("bool", (4, 5)))
    check("nonzero", torch.nonzero, sample("bool"))
    check("nonzero", torch.nonzero, np.asarray(3))
    check("take", torch.take, x, np.array([[7, -1], [0, 3]]))


@pytest.mark.filterwarnings("ignore:The reduce argument")
@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_writing_by_index(dtype):
    x, source = sample(dtype, (3, 4, 5)), sample(dtype, (3, 4, 5), 1)
    rows = np.array([2, 0, 2])
    for accumulate in (False, True):
        at = rows if accumulate else np.array([2, 0, 1])
        check("index_put", lambda x, k, v, a: x.index_put(k, v, a), x, [at, at], source[:, 0], accumulate)
        check("put", lambda x, i, s, a: x.put(i, s, a), x, at, source[0, 0, :3], accumulate)
    check("index_add", lambda x, d, i, s, a: torch.index_add(x, d, i, s, alpha=a), x, 1, rows, source[:, :3], 2)
    check("index_copy", torch.index_copy, x, 1, np.array([2, 0, 1]), source[:, :3])
    check("index_fill", torch.index_fill, x, 1, rows, 7)
    index = np.argsort(sample("float64", (3, 4, 5)), axis=1)[:2, :3, :4]
    check("scatter", torch.scatter, x, 1, index, source)
    check("scatter", torch.scatter, x, 1, index, 7)
    check("scatter", lambda x, d, i, s, r: torch.scatter(x, d, i, s, reduce=r), x, 1, index, source, "multiply")
    check("scatter_add", torch.scatter_add, x, 1, index * 0, source)
    for reduce in ("sum", "prod", "mean", "amax", "amin"):
        for include_self in (False, True):
            if dtype == "int64" and reduce == "mean":
                continue
            reduced = lambda x, d, i, s, r, k: torch.scatter_reduce(x, d, i, s, reduce=r, include_self=k)  # noqa: E731
            check("scatter_reduce", reduced, x, 1, index // 2, source, reduce, include_self)
    mask = sample("bool", (4, 5))
    check("masked_fill", torch.masked_fill, x, mask, 7)
    check("masked_scatter", torch.masked_scatter, x, mask, source)
