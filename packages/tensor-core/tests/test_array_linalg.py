"""Products, decompositions and Fourier transforms of the array backend beside PyTorch."""

import numpy as np
import pytest

import corten_tensor_core as native
from corten_tensor_core import _array
from corten_tensor_core._errors import LinAlgError

torch = pytest.importorskip("torch")

DTYPES = ["float32", "float64", "complex64", "complex128"]


def sample(dtype, shape, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.standard_normal(shape)
    return np.asarray(x * 3 if np.dtype(dtype).kind in "iu" else x).astype(dtype)


def run(name, *args):
    return _array.call(name, np, *args)


def close(got, want):
    want = np.asarray(want.resolve_conj() if isinstance(want, torch.Tensor) else want)
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    tolerance = 1e-3 if got.dtype.itemsize == 4 or got.dtype == "complex64" else 1e-9
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)


def check(name, function, *args):
    got = run(name, *args)
    want = function(*(torch.from_numpy(x.copy()) if isinstance(x, np.ndarray) else x for x in args))
    if isinstance(got, tuple):
        for x, y in zip(got, want, strict=True):
            close(x, y)
    else:
        close(got, want)


@pytest.mark.parametrize("dtype", [*DTYPES, "int64"])
def test_products(dtype):
    x, y, batch = sample(dtype, (3, 4)), sample(dtype, (4, 5), 1), sample(dtype, (2, 3, 4), 2)
    vector, out = sample(dtype, 4, 3), sample(dtype, (3, 5), 4)
    check("mm", torch.mm, x, y)
    check("mv", torch.mv, x, vector)
    check("dot", torch.dot, vector, vector)
    check("vdot", torch.vdot, vector, vector)
    check("outer", torch.outer, vector, vector)
    for a, b in [(x, vector), (vector, y), (batch, y), (batch, vector), (vector, vector)]:
        check("matmul", torch.matmul, a, b)
    check("bmm", torch.bmm, batch, sample(dtype, (2, 4, 5), 5))
    for beta, alpha in [(1, 1), (2, 3), (0, 1)]:
        scaled = {"beta": beta, "alpha": alpha}
        check("addmm", lambda *a, k=scaled: torch.addmm(*a[:3], **k), out, x, y, beta, alpha)
        check("addmv", lambda *a, k=scaled: torch.addmv(*a[:3], **k), out[:, 0], x, vector, beta, alpha)
        check("addr", lambda *a, k=scaled: torch.addr(*a[:3], **k), x, x[:, 0], vector, beta, alpha)
        many = sample(dtype, (2, 4, 5), 5)
        check("baddbmm", lambda *a, k=scaled: torch.baddbmm(*a[:3], **k), out, batch, many, beta, alpha)
        check("addbmm", lambda *a, k=scaled: torch.addbmm(*a[:3], **k), out, batch, many, beta, alpha)
    check("linear", torch.nn.functional.linear, batch, y.T.copy(), y[0])
    if dtype != "int64":
        check("bilinear", torch.nn.functional.bilinear, x, x, sample(dtype, (6, 4, 4)), sample(dtype, 6))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", [(), (2,), (0,), (2, 1)], ids=str)
def test_decompositions(dtype, batch):
    x = sample(dtype, (*batch, 4, 3))
    square = sample(dtype, (*batch, 4, 4), 1)
    hermitian = square @ np.conj(square.swapaxes(-1, -2)) + np.eye(4, dtype=dtype)
    u, s, vh = run("linalg_svd", x, False)
    close((u * s[..., None, :]) @ vh, x)
    check("linalg_svdvals", torch.linalg.svdvals, x)
    assert [a.shape[-2:] for a in run("linalg_svd", x)] == [(4, 4), s.shape[-2:], (3, 3)]
    q, r = run("linalg_qr", x)
    close(q @ r, x)
    values, vectors = run("linalg_eigh", hermitian)
    close((vectors * values[..., None, :]) @ np.conj(vectors.swapaxes(-1, -2)), hermitian)
    check("linalg_eigvalsh", torch.linalg.eigvalsh, hermitian)
    values, vectors = run("linalg_eig", square)
    close(square @ vectors, (vectors * values[..., None, :]))
    for name in ("inv", "det", "slogdet", "matrix_exp"):
        check(f"linalg_{name}", getattr(torch.linalg, name), square)
    for power in (-2, 0, 3):
        check("linalg_matrix_power", torch.linalg.matrix_power, square, power)
    check("linalg_solve", torch.linalg.solve, square, sample(dtype, (*batch, 4, 2)))
    check(
        "linalg_solve", lambda a, b, k: torch.linalg.solve(a, b, left=k), square, sample(dtype, (*batch, 2, 4)), False
    )
    check("linalg_solve", torch.linalg.solve, square, sample(dtype, (*batch, 4)))
    for upper in (False, True):
        check("linalg_cholesky", lambda a, k: torch.linalg.cholesky(a, upper=k), hermitian, upper)
        for unit in (False, True):
            check(
                "linalg_solve_triangular",
                lambda a, b, u, k, w: torch.linalg.solve_triangular(a, b, upper=u, left=k, unitriangular=w),
                *(square + 3 * np.eye(4, dtype=dtype), sample(dtype, (*batch, 4, 2)), upper, True, unit),
            )
    check("linalg_pinv", torch.linalg.pinv, x)
    check("linalg_matrix_rank", torch.linalg.matrix_rank, x)
    check("linalg_lu_factor", torch.linalg.lu_factor, square)
    check("linalg_lu", torch.linalg.lu, x)
    check("linalg_lu", torch.linalg.lu, x.swapaxes(-1, -2))
    if batch != (0,):
        solution, residuals, rank, _ = run("linalg_lstsq", x, sample(dtype, (*batch, 4, 2)))
        want = torch.linalg.lstsq(torch.from_numpy(x), torch.from_numpy(sample(dtype, (*batch, 4, 2))), driver="gelsd")
        close(solution, want.solution)
        close(residuals, want.residuals)
        close(rank, want.rank)


def test_singular():
    with pytest.raises(LinAlgError, match="linalg.inv: .*singular"):
        run("linalg_inv", np.zeros((2, 2)))
    with pytest.raises(LinAlgError, match="linalg.solve: .*singular"):
        run("linalg_solve", np.zeros((2, 2)), np.zeros(2))
    with pytest.raises(LinAlgError, match="linalg.cholesky: .*minor of order . is not positive-definite"):
        run("linalg_cholesky", -np.eye(2))


@pytest.mark.parametrize("norm", [None, "backward", "forward", "ortho"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_fourier(dtype, norm):
    x = sample(dtype, (4, 6, 5))
    real = np.dtype(dtype).kind == "f"
    for name in ("rfft", "ihfft") if real else ("irfft", "hfft"):
        for n, dim in [(None, -1), (4, 1), (9, 0)]:
            check(f"fft_{name}", getattr(torch.fft, name), x, n, dim, norm)
    for name in ("fft", "ifft"):
        for n, dim in [(None, -1), (4, 1), (9, 0)]:
            check(f"fft_{name}", getattr(torch.fft, name), x, n, dim, norm)
    names = ["fft", "ifft"] + (["rfft", "ihfft"] if real else [])
    for name in names:
        for s, dim in [(None, None), ([3, 7], None), ([3, -1], [0, 2]), (None, [1])]:
            check(f"fft_{name}n", getattr(torch.fft, name + "n"), x, s, dim, norm)
        check(f"fft_{name}2", getattr(torch.fft, name + "2"), x, None, (-2, -1), norm)
    if not real:
        # The inverse transforms take signals that are Hermitian, so that the order of the passes does not matter.
        half = run("fft_rfftn", x.real.copy())
        for s, dim in [([4, 6, 5], None), (None, None)]:
            check("fft_irfftn", torch.fft.irfftn, half, s, dim, norm)
        check("fft_irfft2", torch.fft.irfft2, half, [6, 5], (-2, -1), norm)
        check("fft_hfftn", torch.fft.hfftn, np.conj(half), [4, 6, 5], None, norm)
        check("fft_hfft2", torch.fft.hfft2, np.conj(half), [6, 5], (-2, -1), norm)


@pytest.mark.parametrize(
    "call",
    [
        lambda t: t.linalg.cholesky(t.tensor([[1.0, 2.0], [2.0, 1.0]])),
        lambda t: t.linalg.cholesky(t.stack([t.eye(2), -t.eye(2)])),
        lambda t: t.linalg.inv(t.tensor([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0], [0.0, 0.0, 1.0]])),
        lambda t: t.linalg.inv(t.stack([t.eye(2), t.zeros(2, 2)])),
        lambda t: t.linalg.solve(t.ones(2, 2), t.ones(2)),
        lambda t: t.linalg.solve(t.stack([t.eye(2), t.zeros(2, 2)]), t.ones(2, 2)),
    ],
)
def test_where_a_matrix_fails(call):
    told = []
    for lib in (native, torch):
        with pytest.raises(lib.linalg.LinAlgError) as error:
            call(lib)
        told.append(str(error.value))
    assert told[0] == told[1]
