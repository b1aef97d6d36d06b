"""Composites beside PyTorch: rearranging, arithmetic, order and statistics; values, dtypes, views, errors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import corten_tensor_core as native
from corten_tensor_core import _composite, _composite_math, _composite_order

torch = pytest.importorskip("torch")


def tensors(lib, x):
    """Rebuild nested lists and tuples with their arrays as tensors of `lib`."""
    if isinstance(x, np.ndarray):
        return lib.from_numpy(x.copy())
    return type(x)(tensors(lib, y) for y in x) if isinstance(x, (list, tuple)) else x


def compare(got, want):
    if isinstance(want, (tuple, list)):
        assert len(got) == len(want)
        for x, y in zip(got, want, strict=True):
            compare(x, y)
        return
    if not isinstance(want, torch.Tensor):
        assert got == want
        return
    assert tuple(got.shape) == tuple(want.shape)
    assert str(got.dtype) == str(want.dtype)
    np.testing.assert_allclose(got.detach().numpy(), want.detach().numpy(), rtol=1e-6, atol=1e-7)


def check(module, name, *args, **options):
    got = getattr(module, name)(*tensors(native, args), **{k: tensors(native, v) for k, v in options.items()})
    compare(got, getattr(torch, name)(*tensors(torch, args), **{k: tensors(torch, v) for k, v in options.items()}))


def sample(*shape, seed=0):
    return np.asarray(np.random.default_rng(seed).standard_normal(shape)).astype("float32")


A, B, C = np.arange(3), np.arange(4.0), sample(2, 3)
CASES = [
    ("broadcast_tensors", C, A),
    ("broadcast_shapes", (2, 1), (3,), 1),
    ("cartesian_prod", A, A, A),
    ("cartesian_prod", A),
    ("combinations", A, 2),
    ("combinations", A, 2, True),
    ("combinations", A, 4),
    ("combinations", A, 0),
    ("atleast_1d", sample()),
    ("atleast_1d", [sample(), A]),
    ("atleast_2d", A, sample(), C),
    ("atleast_3d", A, sample(), C, sample(2, 1, 2)),
    ("tensor_split", A, 2),
    ("tensor_split", sample(7, 2), 3),
    ("tensor_split", sample(7, 2), (2, 9, 4)),
    ("tensor_split", sample(2, 7), [-3, 5], 1),
    ("tensor_split", sample(2, 7), np.array([1, 4]), 1),
    ("hsplit", sample(2, 6), 3),
    ("hsplit", sample(6), [2]),
    ("vsplit", sample(4, 2), 2),
    ("dsplit", sample(2, 2, 4), [1, 3]),
    ("block_diag", C, A, sample(), sample(2, 0)),
    ("repeat_interleave", C, 3),
    ("repeat_interleave", C, 0, 1),
    ("repeat_interleave", C, 2, -1),
    ("repeat_interleave", C, np.array([2, 0, 3]), 1),
    ("repeat_interleave", C, np.array([2]), 0),
    ("repeat_interleave", np.array([2, 0, 3])),
    ("repeat_interleave", np.array([], dtype="int64")),
    ("tril_indices", 3, 4, 1),
    ("triu_indices", 4, 3, -1),
    ("tril_indices", 0, 4),
    ("rot90", C),
    ("rot90", C, -1),
    ("rot90", sample(2, 3, 4), 2, [1, 2]),
    ("rot90", sample(2, 3, 4), 3, [0, 2]),
    ("rot90", C, 4),
    ("fliplr", C),
    ("flipud", A),
    ("unravel_index", np.array([[5, 0], [11, 7]]), (3, 4)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_rearranging(case):
    check(_composite, *case)


STACKS = [
    ("hstack", [A, A]),
    ("hstack", [C, C]),
    ("hstack", [sample(), A]),
    ("vstack", [A, A]),
    ("vstack", [C, C]),
    ("vstack", [A, A[None]]),
    ("dstack", [A, A]),
    ("dstack", [C, C]),
    ("dstack", [C, C[..., None]]),
    ("column_stack", [A, A, np.stack([A, A], 1)]),
]


@pytest.mark.parametrize("case", STACKS, ids=lambda case: case[0])
def test_stacks(case):
    check(native, *case)


@pytest.mark.parametrize("name", ["hstack", "vstack", "dstack", "column_stack"])
def test_stacks_of_nothing(name):
    with pytest.raises(RuntimeError, match=f"{name} expects a non-empty TensorList"):
        getattr(native, name)([])


@pytest.mark.parametrize("rows", [1, 3, 4, 64, 67, 130, 4200])
def test_extremes_of_integers_in_columns(rows):
    x = np.random.default_rng(rows).integers(-(2**62), 2**62, (rows, 37))
    for name in ("amax", "amin"):
        check(native, name, x, dim=0)


@pytest.mark.parametrize("indexing", ["ij", "xy"])
def test_meshgrid(indexing):
    check(_composite, "meshgrid", B, B[1:], indexing=indexing)
    check(_composite, "meshgrid", [A, A[1:], A[2:]], indexing=indexing)
    check(_composite, "meshgrid", sample(), C[0], indexing=indexing)


def test_negative_size():
    with pytest.raises(ValueError, match="negative length"):
        _composite.broadcast_shapes((-2,))


def test_parts_are_views():
    x = native.zeros(6)
    _composite.tensor_split(x, 3)[1].fill_(1)
    assert x.tolist() == [0, 0, 1, 1, 0, 0]


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("broadcast_shapes", ((2,), (3,))),
        ("meshgrid", (A, B)),
        ("hsplit", (sample(2, 5), 2)),
        ("hsplit", (sample(), 2)),
        ("vsplit", (A, 1)),
        ("dsplit", (C, 1)),
        ("tensor_split", (A, 0)),
        ("tensor_split", (sample(), 1)),
        ("combinations", (C, 1)),
        ("combinations", (A, -1)),
        ("block_diag", (sample(1, 1, 1),)),
        ("repeat_interleave", (A, -1)),
        ("repeat_interleave", (A, np.array([1, 2]))),
        ("repeat_interleave", (np.array([1, -2]),)),
        ("fliplr", (A,)),
        ("flipud", (sample(),)),
        ("tril_indices", (-1, 2)),
    ],
)
def test_errors(name, args):
    with pytest.raises(RuntimeError):
        getattr(torch, name)(*tensors(torch, args))
    with pytest.raises(RuntimeError):
        getattr(_composite, name)(*tensors(native, args))


X, Y = sample(4, 5), sample(4, 5, seed=1)
MATH = [
    ("tensordot", sample(2, 3, 4), sample(3, 4, 5)),
    ("tensordot", sample(2, 3), sample(3, 2), 0),
    ("tensordot", sample(2, 3, 4), sample(4, 5, 2), ([0, -1], [2, 0])),
    ("kron", sample(2, 3), sample(4, 5)),
    ("kron", sample(2), sample(4, 1, 5)),
    ("kron", sample(), sample(2, 2)),
    ("cross", sample(4, 3), sample(4, 3, seed=1)),
    ("cross", sample(2, 3, 4), sample(2, 3, 4, seed=1), 1),
    ("chain_matmul", sample(2, 3), sample(3, 7), sample(7, 4), sample(4, 1)),
    ("cdist", sample(2, 5, 3), sample(1, 4, 3)),
    ("cdist", sample(5, 3), sample(4, 3), 1.0),
    ("cdist", sample(5, 3), sample(4, 3), 0.0),
    ("cdist", sample(5, 3), sample(4, 3), float("inf")),
    ("dist", X, Y, 3),
    ("diff", X),
    ("diff", X, 2, 0),
    ("diff", X, 0),
    ("diff", X, 1, 1, sample(4, 2), sample(4, 1)),
    ("diff", X > 0),
    ("diff", X, 9),
    ("trapezoid", X),
    ("trapezoid", X, sample(5)),
    ("trapz", X, Y),
    ("cumulative_trapezoid", X),
    ("cumulative_trapezoid", X, Y),
    ("gradient", X),
]
ORDER = [
    ("bincount", np.array([1, 4, 4, 0])),
    ("bincount", np.array([1, 4, 4, 0]), np.array([0.5, 1, 2, 3])),
    ("bincount", np.array([1, 4, 4, 0]), sample(4), 9),
    ("bincount", np.array([], dtype="int64"), None, 3),
    ("histc", sample(200), 10),
    ("histc", sample(200), 7, -1, 1),
    ("histc", np.ones(5), 4),
    ("isin", A, np.array([1, 5])),
    ("isin", A, 1),
    ("quantile", X, 0.3),
    ("quantile", X, np.array([0.1, 0.5, 1.0], dtype="float32"), 1),
    ("quantile", X, np.array([0.1], dtype="float32"), 0, True),
    ("quantile", X, 0.5, None, True),
    ("quantile", np.where(X > 1, np.nan, X).astype("float32"), 0.4, 1),
    ("nanquantile", np.where(X > 0.5, np.nan, X).astype("float32"), 0.4, 1),
    ("mode", np.random.default_rng(0).integers(0, 3, (4, 9))),
    ("mode", np.random.default_rng(0).integers(0, 3, (4, 9, 2)), 1, True),
    ("cov", X),
    ("cov", X[0]),
    ("cov", np.arange(12).reshape(3, 4)),
    ("corrcoef", X),
    ("corrcoef", X[0]),
    ("corrcoef", (X + 1j * Y).astype("complex64")),
]


@pytest.mark.filterwarnings("ignore:.*chain_matmul is deprecated")
@pytest.mark.filterwarnings("ignore:Using torch.cross without specifying the dim")
@pytest.mark.parametrize("case", MATH, ids=lambda case: case[0])
def test_math(case):
    check(_composite_math, *case)


@pytest.mark.parametrize("case", ORDER, ids=lambda case: case[0])
def test_order(case):
    check(_composite_order, *case)


def test_keywords():
    check(_composite_math, "trapezoid", X, dx=0.3, dim=0)
    check(_composite_math, "gradient", X, spacing=0.5, dim=1, edge_order=2)
    check(_composite_math, "gradient", X, spacing=[2.0, 3.0])
    points = np.array([0.0, 1, 3, 4, 9], dtype="float32")
    for edge_order in (1, 2):
        check(_composite_math, "gradient", X, spacing=[points], dim=1, edge_order=edge_order)
    for method in ("linear", "lower", "higher", "midpoint", "nearest"):
        check(_composite_order, "quantile", X, 0.37, 1, interpolation=method)
    for correction in (0, 1, 2):
        frequency, weights = np.array([1, 2, 3, 1, 1]), np.abs(sample(5))
        check(_composite_order, "cov", X, correction=correction)
        check(_composite_order, "cov", X, correction=correction, fweights=frequency)
        check(_composite_order, "cov", X, correction=correction, aweights=weights)
        check(_composite_order, "cov", X, correction=correction, fweights=frequency, aweights=weights)
    check(_composite_order, "isin", A, np.array([1, 5]), invert=True)


def test_multi_dot():
    parts = [sample(3), sample(3, 7), sample(7, 2), sample(2)]
    for some in (parts, parts[1:], parts[:3], parts[1:3]):
        compare(_composite_math.multi_dot(tensors(native, some)), torch.linalg.multi_dot(tensors(torch, some)))


integers = st.integers(0, 4)


@settings(max_examples=60, deadline=None)
@given(st.lists(integers, max_size=12), st.booleans(), st.booleans())
def test_unique(values, inverse, counts):
    x = np.array(values, dtype="int64")
    options = {"return_inverse": inverse, "return_counts": counts}
    check(_composite_order, "unique", x, **options)
    check(_composite_order, "unique_consecutive", x, **options)
    if len(x) % 2 == 0 and len(x):
        for shape in ((2, -1), (-1, 2)):
            check(_composite_order, "unique", x.reshape(shape), **options)
            for dim in (0, 1):
                check(_composite_order, "unique", x.reshape(shape), dim=dim, **options)
                check(_composite_order, "unique_consecutive", x.reshape(shape), dim=dim, **options)


@settings(max_examples=60, deadline=None)
@given(st.lists(integers, max_size=9), st.lists(integers, max_size=9), st.booleans())
def test_searchsorted(boundaries, values, right):
    row, x = np.array(sorted(boundaries), dtype="float32"), np.array([*values, np.nan], dtype="float32")
    check(_composite_order, "searchsorted", row, x, right=right)
    check(_composite_order, "bucketize", x, row, right=right, out_int32=True)
    check(_composite_order, "searchsorted", np.stack([row, row + 1]), np.stack([x, x]), side="right")
    check(_composite_order, "searchsorted", row[::-1].copy(), x, sorter=np.argsort(row[::-1], kind="stable"))
    for value in (2.0, 2.5, 2):
        check(_composite_order, "searchsorted", row, value, right=right)
        check(_composite_order, "searchsorted", row.astype("int64"), value, right=right)


@pytest.mark.parametrize(
    ("place", "name", "args"),
    [
        (_composite_math, "tensordot", (X, sample(5, 4))),
        (_composite_math, "tensordot", (X, X, ([0], [0, 1]))),
        (_composite_math, "cross", (X, X, 0)),
        (_composite_math, "cdist", (X, sample(3, 2))),
        (_composite_math, "cdist", (X, X, -1.0)),
        (_composite_math, "diff", (sample(),)),
        (_composite_math, "diff", (X, -1)),
        (_composite_math, "trapezoid", (X, sample(3))),
        (_composite_math, "gradient", (sample(1),)),
        (_composite_order, "bincount", (np.array([-1]),)),
        (_composite_order, "bincount", (np.array([[1]]),)),
        (_composite_order, "bincount", (np.array([1.5]),)),
        (_composite_order, "bincount", (np.array([True]),)),
        (_composite_order, "histc", (X, 0)),
        (_composite_order, "histc", (X, 3, 2, 1)),
        (_composite_order, "bucketize", (X, X)),
        (_composite_order, "searchsorted", (X, sample(3, 2))),
        (_composite_order, "quantile", (X, 2.0)),
        (_composite_order, "quantile", (np.array([1, 2]), 0.5)),
        (_composite_order, "quantile", (sample(0), 0.5)),
        (_composite_order, "cov", (sample(1, 1, 1),)),
    ],
)
def test_math_errors(place, name, args):
    with pytest.raises(RuntimeError):
        getattr(torch, name)(*tensors(torch, args))
    with pytest.raises(RuntimeError):
        getattr(place, name)(*tensors(native, args))


def test_gradients_flow():
    x, tx = (lib.from_numpy(X.copy()).requires_grad_() for lib in (native, torch))
    _composite_math.cdist(x, x).sum().backward()
    torch.cdist(tx, tx).sum().backward()
    compare(x.grad, tx.grad)
