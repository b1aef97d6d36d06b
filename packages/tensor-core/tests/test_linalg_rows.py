"""Rows of linear algebra agree with PyTorch, values and refusals."""

import pytest

import corten_tensor_core as core

torch = pytest.importorskip("torch")


def value(lib, x):
    return (
        lib.tensor(x.tolist(), dtype=getattr(lib, str(x.dtype).removeprefix("torch."))) if hasattr(x, "tolist") else x
    )


def compare(ours, theirs, tolerance=1e-5):
    ours = ours if isinstance(ours, tuple) else (ours,)
    theirs = theirs if isinstance(theirs, tuple) else (theirs,)
    for a, b in zip(ours, theirs, strict=True):
        assert tuple(a.shape) == tuple(b.shape)
        assert str(a.dtype) == str(b.dtype)
        torch.testing.assert_close(value(torch, a), b.detach().clone(), rtol=tolerance, atol=tolerance, equal_nan=True)


DTYPES = ("float32", "float64", "complex64", "complex128")
torch.manual_seed(0)
GENERAL = {d: torch.randn(2, 4, 3, dtype=getattr(torch, d)) for d in DTYPES}
SQUARE = {d: torch.randn(2, 3, 3, dtype=getattr(torch, d)) for d in DTYPES}
POSITIVE = {d: x @ x.mH + 3 * torch.eye(3, dtype=x.dtype) for d, x in SQUARE.items()}
RIGHT = {d: torch.randn(2, 3, 2, dtype=getattr(torch, d)) for d in DTYPES}

CASES = {
    "inv": lambda t, g, s, p, r: t.linalg.inv(s),
    "det": lambda t, g, s, p, r: t.linalg.det(s),
    "det method": lambda t, g, s, p, r: s.det(),
    "slogdet": lambda t, g, s, p, r: t.linalg.slogdet(s),
    "logdet": lambda t, g, s, p, r: t.logdet(p),
    "inverse": lambda t, g, s, p, r: s.inverse(),
    "solve": lambda t, g, s, p, r: t.linalg.solve(s, r),
    "solve right": lambda t, g, s, p, r: t.linalg.solve(s, r.mT, left=False),
    "solve vectors": lambda t, g, s, p, r: t.linalg.solve(s, r[..., 0]),
    "cholesky": lambda t, g, s, p, r: t.linalg.cholesky(p),
    "cholesky upper": lambda t, g, s, p, r: p.cholesky(upper=True),
    "cholesky_ex": lambda t, g, s, p, r: t.linalg.cholesky_ex(p),
    "cholesky_solve": lambda t, g, s, p, r: t.cholesky_solve(r, t.linalg.cholesky(p)),
    "cholesky_inverse": lambda t, g, s, p, r: t.cholesky_inverse(t.linalg.cholesky(p)),
    "svdvals": lambda t, g, s, p, r: t.linalg.svdvals(g),
    "eigvalsh": lambda t, g, s, p, r: t.linalg.eigvalsh(p),
    "eigh values": lambda t, g, s, p, r: t.linalg.eigh(p, UPLO="U").eigenvalues,
    "lu": lambda t, g, s, p, r: t.linalg.lu(g),
    "lu_factor": lambda t, g, s, p, r: t.linalg.lu_factor(s),
    "lu_solve": lambda t, g, s, p, r: t.linalg.lu_solve(*t.linalg.lu_factor(s), r),
    "lu_solve adjoint": lambda t, g, s, p, r: t.linalg.lu_solve(*t.linalg.lu_factor(s), r, adjoint=True),
    "qr r": lambda t, g, s, p, r: t.linalg.qr(g).R.abs(),
    "old qr": lambda t, g, s, p, r: g.qr()[1].abs(),
    "lstsq": lambda t, g, s, p, r: t.linalg.lstsq(g, t.ones(2, 4, 2, dtype=g.dtype))[:3],
    "lstsq gelsd": lambda t, g, s, p, r: t.linalg.lstsq(g, t.ones(2, 4, 2, dtype=g.dtype), driver="gelsd"),
    "lstsq wide": lambda t, g, s, p, r: t.linalg.lstsq(g.mT, r),
    "pinv": lambda t, g, s, p, r: t.linalg.pinv(g),
    "pinverse": lambda t, g, s, p, r: g.pinverse(),
    "matrix_rank": lambda t, g, s, p, r: t.linalg.matrix_rank(g),
    "matrix_power": lambda t, g, s, p, r: s.matrix_power(3),
    "matrix_power inverse": lambda t, g, s, p, r: t.linalg.matrix_power(s, -2),
    "matrix_exp": lambda t, g, s, p, r: s.matrix_exp(),
    "matrix_norm": lambda t, g, s, p, r: t.linalg.matrix_norm(g, "nuc"),
    "norm": lambda t, g, s, p, r: t.linalg.norm(g[0], 2),
    "vector_norm": lambda t, g, s, p, r: t.linalg.vector_norm(g, 3, dim=1),
    "cond": lambda t, g, s, p, r: t.linalg.cond(s),
    "cross": lambda t, g, s, p, r: t.linalg.cross(s, s.mT),
    "vecdot": lambda t, g, s, p, r: t.linalg.vecdot(s, p),
    "multi_dot": lambda t, g, s, p, r: t.linalg.multi_dot([g[0], s[0], r[0]]),
    "solve_triangular": lambda t, g, s, p, r: t.linalg.solve_triangular(p, r, upper=True),
    "triangular_solve": lambda t, g, s, p, r: t.triangular_solve(r, p, transpose=True),
    "tensorinv": lambda t, g, s, p, r: t.linalg.tensorinv(s[0].reshape(3, 3, 1), 1),
    "vander": lambda t, g, s, p, r: t.linalg.vander(g[0, 0], N=3),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore")
def test_values(name, dtype):
    tensors = [x[dtype] for x in (GENERAL, SQUARE, POSITIVE, RIGHT)]
    expected = CASES[name](torch, *tensors)
    ours = [value(core, x) for x in tensors]
    compare(CASES[name](core, *ours), expected, 2e-3 if dtype in ("float32", "complex64") else 1e-9)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("full", [True, False])
def test_factors_make_the_matrix(dtype, full):
    a = value(core, GENERAL[dtype])
    U, S, Vh = core.linalg.svd(a, full_matrices=full)
    assert U.shape == ((2, 4, 4) if full else (2, 4, 3))
    assert Vh.shape == (2, 3, 3)
    compare((U[..., :3] * S.unsqueeze(-2)) @ Vh, GENERAL[dtype], 1e-4)
    Q, R = core.linalg.qr(a, mode="complete" if full else "reduced")
    compare(Q @ R, GENERAL[dtype], 1e-4)
    L, V = core.linalg.eig(value(core, SQUARE[dtype]))
    compare(
        (V * L.unsqueeze(-2)) @ core.linalg.inv(V),
        SQUARE[dtype].to(torch.promote_types(SQUARE[dtype].dtype, torch.complex64)),
        1e-3,
    )
    U, S, V = core.svd(a)
    compare((U * S.unsqueeze(-2)) @ V.mH, GENERAL[dtype], 1e-4)


def test_named_results():
    result = core.linalg.svd(core.eye(2))
    assert result._fields == ("U", "S", "Vh")
    assert core.linalg.slogdet(core.eye(2)).logabsdet.item() == 0.0


REFUSED = {
    "integers": lambda t: t.linalg.svd(t.ones(2, 2, dtype=t.int64)),
    "vector": lambda t: t.linalg.inv(t.ones(2)),
    "not square": lambda t: t.linalg.det(t.ones(2, 3)),
    "half": lambda t: t.linalg.inv(t.ones(2, 2, dtype=t.float16)),
    "mode": lambda t: t.linalg.qr(t.ones(2, 2), "foo"),
    "triangle": lambda t: t.linalg.eigh(t.eye(2), UPLO="X"),
    "shapes": lambda t: t.linalg.solve(t.eye(2), t.ones(3)),
    "dtypes": lambda t: t.linalg.solve(t.eye(2), t.ones(2, dtype=t.float64)),
    "driver": lambda t: t.linalg.svd(t.eye(2), driver="x"),
    "lstsq driver": lambda t: t.linalg.lstsq(t.eye(2), t.eye(2), driver="foo"),
    "lstsq rows": lambda t: t.linalg.lstsq(t.eye(2), t.ones(3, 1)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name):
    with pytest.raises(Exception) as theirs:
        REFUSED[name](torch)
    with pytest.raises(type(theirs.value)) as ours:
        REFUSED[name](core)
    assert str(ours.value).splitlines()[0] == str(theirs.value).splitlines()[0]


def test_singular_matrices():
    for name in ("inv", "cholesky"):
        with pytest.raises(core.linalg.LinAlgError, match=f"linalg.{name}"):
            getattr(core.linalg, name)(core.zeros(2, 2))
    inverse, info = core.linalg.inv_ex(core.zeros(2, 2))
    assert info.item() == 1
    assert inverse.isnan().all()
    assert core.linalg.cholesky_ex(core.tensor([[1.0, 0.0], [0.0, -1.0]])).info.item() == 2


def test_out_and_meta():
    out = core.empty(0)
    assert core.linalg.inv(core.eye(2), out=out) is out
    assert out.tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert core.linalg.svd(core.empty(5, 2, device="meta")).U.shape == (5, 5)


METHODS = {
    "unique": lambda x: x.unique(),
    "unique inverse": lambda x: x.unique(return_inverse=True, return_counts=True),
    "unique_consecutive": lambda x: x.unique_consecutive(),
    "diff": lambda x: x.diff(dim=0),
    "diff n": lambda x: x.diff(2),
    "kron": lambda x: x.kron(x),
    "cross": lambda x: x.cross(x.flip(1), 1),
    "cov": lambda x: x.cov(correction=0),
    "corrcoef": lambda x: x.corrcoef(),
    "quantile": lambda x: x.quantile(0.3, dim=1, interpolation="lower"),
    "nanquantile": lambda x: x.nanquantile(0.3),
    "histc": lambda x: x.histc(4, 0, 3),
    "repeat_interleave": lambda x: x.repeat_interleave(2, dim=1),
    "tensor_split": lambda x: x.tensor_split(2, 1),
    "hsplit": lambda x: x.hsplit([1]),
    "vsplit": lambda x: x.vsplit(3),
    "fliplr": lambda x: x.fliplr(),
    "flipud": lambda x: x.flipud(),
    "rot90": lambda x: x.rot90(1, [0, 1]),
    "bincount": lambda x: x.flatten().long().bincount(minlength=9),
}


@pytest.mark.parametrize("name", METHODS)
def test_methods_in_python(name):
    data = [[1.0, 2.0, 2.0], [3.0, 0.0, 1.0], [0.0, 5.0, 2.0]]
    compare(METHODS[name](core.tensor(data)), METHODS[name](torch.tensor(data)))


def test_functions_in_python():
    for lib in (core, torch):
        assert lib.hstack([lib.ones(2), lib.zeros(1)]).tolist() == [1, 1, 0]
        assert lib.vstack([lib.ones(2), lib.zeros(2)]).shape == (2, 2)
        assert lib.row_stack((lib.ones(2), lib.zeros(2))).shape == (2, 2)
        assert lib.unique(lib.tensor([3, 1, 3]), return_counts=True)[1].tolist() == [1, 2]
        assert lib.isin(lib.tensor([1, 2]), lib.tensor([2])).tolist() == [False, True]
