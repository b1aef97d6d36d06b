"""Decompositions and solvers, by the array module's LAPACK or cuSOLVER."""

from __future__ import annotations

import functools

from .._errors import LinAlgError
from .base import real_dtype

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def _explained(
    name: str, reason: str, failing: Callable[[Any, Any], int] | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Turn the array module's LinAlgError into ours, which names the function and the reason.

    `failing` tells in which row, counted from 1, a matrix fails (0: not at all); the reason may hold it as `{row}`.
    """

    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def row(xp: Any, *args: Any) -> Any:
            try:
                return function(xp, *args)
            except xp.linalg.LinAlgError as error:
                where, at = _place(xp, args[0], failing) if failing else ("", 0)
                raise LinAlgError(f"{name}: {where}{reason.format(row=at)}") from error

        return row

    return wrap


def _place(xp: Any, x: Any, failing: Callable[[Any, Any], int]) -> tuple[str, int]:
    """Return the words for the first matrix of a stack that fails, and its row."""
    for i, matrix in enumerate(x.reshape(-1, *x.shape[-2:])):
        row = failing(xp, matrix)
        if row:
            return ("" if x.ndim == 2 else f"(Batch element {i}): "), row
    return "", 0


def _bad_minor(xp: Any, x: Any) -> int:
    """Return the order of the first leading minor without a Cholesky factor."""
    for order in range(1, len(x) + 1):
        try:
            xp.linalg.cholesky(x[:order, :order])
        except xp.linalg.LinAlgError:
            return order
    return 0


def _zero_pivot(xp: Any, x: Any) -> int:
    """Return the first row where elimination with the largest pivots finds zeros only."""
    x = x.copy()
    for k in range(len(x)):
        best = k + int(abs(x[k:, k]).argmax())
        if x[best, k] == 0:
            return k + 1
        x[[k, best]] = x[[best, k]]
        x[k + 1 :] -= x[k + 1 :, k : k + 1] / x[k, k] * x[k]
    return 0


def _transposed(x: Any) -> Any:
    return x.swapaxes(-1, -2)


def _adjoint(xp: Any, x: Any) -> Any:
    return xp.conjugate(_transposed(x))


_INDEFINITE = (
    "The factorization could not be completed because the input is not positive-definite "
    "(the leading minor of order {row} is not positive-definite)."
)
_NOT_CONVERGED = "The algorithm failed to converge because the input is ill-conditioned or has non-finite values."
_SINGULAR = (
    "The diagonal element {row} is zero, the inversion could not be completed because the input matrix is singular."
)


@_explained("linalg.svd", _NOT_CONVERGED)
def svd(xp: Any, x: Any, full_matrices: bool = True, driver: str | None = None) -> Any:
    if x.size == 0 and not full_matrices:  # LAPACK's wrappers would walk over a long side even so
        *batch, m, n = x.shape
        k = min(m, n)
        return (
            xp.empty((*batch, m, k), x.dtype),
            xp.empty((*batch, k), real_dtype(xp, x.dtype)),
            xp.empty((*batch, k, n), x.dtype),
        )
    return tuple(xp.linalg.svd(x, full_matrices=full_matrices))


@_explained("linalg.svd", _NOT_CONVERGED)
def svdvals(xp: Any, x: Any, driver: str | None = None) -> Any:
    return xp.linalg.svd(x, compute_uv=False)


def qr(xp: Any, x: Any, mode: str = "reduced") -> Any:
    if mode == "r":
        return xp.empty(0, dtype=x.dtype), xp.linalg.qr(x, mode="r")
    return tuple(xp.linalg.qr(x, mode=mode))


@_explained("linalg.eigh", _NOT_CONVERGED)
def eigh(xp: Any, x: Any, UPLO: str = "L") -> Any:
    return tuple(xp.linalg.eigh(x, UPLO=UPLO))


@_explained("linalg.eigvalsh", _NOT_CONVERGED)
def eigvalsh(xp: Any, x: Any, UPLO: str = "L") -> Any:
    return xp.linalg.eigvalsh(x, UPLO=UPLO)


@_explained("linalg.eig", _NOT_CONVERGED)
def eig(xp: Any, x: Any) -> Any:
    values, vectors = xp.linalg.eig(x)
    return _as_complex(xp, values), _as_complex(xp, vectors)


@_explained("linalg.eigvals", _NOT_CONVERGED)
def eigvals(xp: Any, x: Any) -> Any:
    return _as_complex(xp, xp.linalg.eigvals(x))


def _as_complex(xp: Any, x: Any) -> Any:
    return x.astype(xp.result_type(x.dtype, xp.complex64))


@_explained("linalg.inv", _SINGULAR, _zero_pivot)
def inv(xp: Any, x: Any) -> Any:
    return xp.linalg.inv(x)


@_explained("torch.linalg.solve", "The solver failed because the input matrix is singular.", _zero_pivot)
def solve(xp: Any, x: Any, y: Any, left: bool = True) -> Any:
    vector = y.ndim == 1 or (y.ndim == x.ndim - 1 and y.shape == x.shape[:-1])
    if vector:
        return xp.linalg.solve(x, y[..., None])[..., 0]
    return xp.linalg.solve(x, y) if left else _transposed(xp.linalg.solve(_transposed(x), _transposed(y)))


def solve_triangular(xp: Any, x: Any, y: Any, upper: bool, left: bool = True, unitriangular: bool = False) -> Any:
    x = xp.triu(x) if upper else xp.tril(x)
    if unitriangular:
        diagonal = xp.eye(x.shape[-1], dtype=bool)
        x = xp.where(diagonal, xp.ones_like(x), x)
    return solve(xp, x, y, left)


@_explained("linalg.cholesky", _INDEFINITE, _bad_minor)
def cholesky(xp: Any, x: Any, upper: bool = False) -> Any:
    lower = xp.linalg.cholesky(x)
    return _adjoint(xp, lower) if upper else lower


def slogdet(xp: Any, x: Any) -> Any:
    return tuple(xp.linalg.slogdet(x))


@_explained("linalg.lstsq", _NOT_CONVERGED)
def lstsq(xp: Any, x: Any, y: Any, rcond: float | None = None, driver: str | None = None) -> Any:
    """Return solution, residuals, rank and singular values through one singular value decomposition."""
    vector = x.ndim - 1 == y.ndim
    target = y[..., None] if vector else y
    u, s, vh = xp.linalg.svd(x, full_matrices=False)
    cut = (xp.finfo(x.dtype).eps * max(x.shape[-2:]) if rcond is None else rcond) * s[..., :1]
    kept = s > cut
    scaled = xp.where(kept, 1 / xp.where(kept, s, xp.ones_like(s)), xp.zeros_like(s))[..., None]
    solution = xp.matmul(_adjoint(xp, vh), scaled * xp.matmul(_adjoint(xp, u), target))
    rank = kept.sum(-1)
    rows, columns = x.shape[-2:]
    residuals = xp.empty(0, dtype=s.dtype)
    if rows > columns and bool((rank == columns).all()):
        residuals = (xp.abs(xp.matmul(x, solution) - target) ** 2).sum(-2)
        residuals = residuals[..., 0] if vector else residuals
    return solution[..., 0] if vector else solution, residuals, rank, s


def _cut(xp: Any, x: Any, largest: Any, atol: Any, rtol: Any) -> Any:
    """Return the value at and below which singular values count as zero."""
    eps = xp.finfo(x.dtype).eps * max(x.shape[-2:])
    relative = (0.0 if atol is not None else eps) if rtol is None else rtol
    return xp.maximum(xp.asarray(atol or 0.0, dtype=largest.dtype), relative * largest)


def pinv(xp: Any, x: Any, atol: Any = None, rtol: Any = None, hermitian: bool = False) -> Any:
    if x.size == 0:
        return xp.empty((*x.shape[:-2], x.shape[-1], x.shape[-2]), dtype=x.dtype)
    u, s, vh = xp.linalg.svd(x, full_matrices=False)
    kept = s > _cut(xp, x, s[..., :1], atol, rtol)
    scaled = xp.where(kept, 1 / xp.where(kept, s, xp.ones_like(s)), xp.zeros_like(s))[..., None]
    return xp.matmul(_adjoint(xp, vh), scaled * _adjoint(xp, u))


def matrix_rank(xp: Any, x: Any, atol: Any = None, rtol: Any = None, hermitian: bool = False) -> Any:
    s = xp.abs(xp.linalg.eigvalsh(x)) if hermitian else xp.linalg.svd(x, compute_uv=False)
    if s.shape[-1] == 0:
        return xp.zeros(s.shape[:-1], dtype=xp.int64)
    return (s > _cut(xp, x, s.max(-1, keepdims=True), atol, rtol)).sum(-1)


@_explained("linalg.matrix_power", _SINGULAR)
def matrix_power(xp: Any, x: Any, n: int) -> Any:
    return xp.linalg.matrix_power(x, n)


def lu_factor(xp: Any, x: Any, pivot: bool = True) -> Any:
    """Return L and U in one matrix and the rows swapped at each step (from 1), by Doolittle's method."""
    work = x.copy()
    rows, columns = x.shape[-2:]
    steps = min(rows, columns)
    pivots = xp.broadcast_to(xp.arange(1, steps + 1), (*x.shape[:-2], steps)).astype(xp.int32)
    for k in range(steps):
        if pivot:
            best = k + xp.argmax(_size(xp, work[..., k:, k]), axis=-1)
            pivots[..., k] = best + 1
            at = xp.expand_dims(best, (-1, -2))
            chosen = xp.take_along_axis(work, at, axis=-2)
            xp.put_along_axis(work, at, work[..., k : k + 1, :].copy(), axis=-2)
            work[..., k : k + 1, :] = chosen
        head = work[..., k, k, None]
        factor = work[..., k + 1 :, k] / xp.where(head == 0, xp.ones_like(head), head)  # of a zero column zero
        work[..., k + 1 :, k] = factor
        work[..., k + 1 :, k + 1 :] -= factor[..., None] * work[..., k, None, k + 1 :]
    return work, pivots


def _size(xp: Any, x: Any) -> Any:
    """Return LAPACK's cheap size of a number, which picks the pivots."""
    return xp.abs(x.real) + xp.abs(x.imag) if x.dtype.kind == "c" else xp.abs(x)


def lu(xp: Any, x: Any, pivot: bool = True) -> Any:
    """Return P, L and U with `x = P @ L @ U`."""
    packed, pivots = lu_factor(xp, x, pivot)
    rows, columns = x.shape[-2:]
    steps = min(rows, columns)
    lower = xp.tril(packed[..., :, :steps], -1) + xp.eye(rows, steps, dtype=x.dtype)
    order = xp.broadcast_to(xp.arange(rows), (*x.shape[:-2], rows)).copy()
    for k in range(steps if pivot else 0):
        at = pivots[..., k : k + 1].astype(xp.int64) - 1
        chosen = xp.take_along_axis(order, at, axis=-1)
        xp.put_along_axis(order, at, order[..., k : k + 1].copy(), axis=-1)
        order[..., k : k + 1] = chosen
    swapped = (order[..., None, :] == xp.arange(rows)[:, None]).astype(x.dtype)
    return swapped if pivot else xp.empty(0, dtype=x.dtype), lower, xp.triu(packed[..., :steps, :])


def matrix_exp(xp: Any, x: Any) -> Any:
    """Scale to a norm below one half, sum the Taylor series of degree 18, square back."""
    size = xp.abs(x).sum(-1).max() if x.size else 0
    squarings = max(0, int(xp.ceil(xp.log2(size))) + 1) if size > 0 else 0
    x = x / xp.asarray(2**squarings, dtype=real_dtype(xp, x.dtype))
    result = term = xp.broadcast_to(xp.eye(x.shape[-1], dtype=x.dtype), x.shape)
    for k in range(1, 19):
        term = xp.matmul(term, x) / xp.asarray(k, dtype=x.dtype)
        result = result + term
    for _ in range(squarings):
        result = xp.matmul(result, result)
    return result


ROWS: dict[str, Callable[..., Any]] = {
    "linalg_cholesky": cholesky,
    "linalg_det": lambda xp, x: xp.linalg.det(x),
    "linalg_eig": eig,
    "linalg_eigh": eigh,
    "linalg_eigvals": eigvals,
    "linalg_eigvalsh": eigvalsh,
    "linalg_inv": inv,
    "linalg_lstsq": lstsq,
    "linalg_lu": lu,
    "linalg_lu_factor": lu_factor,
    "linalg_matrix_exp": matrix_exp,
    "linalg_matrix_power": matrix_power,
    "linalg_matrix_rank": matrix_rank,
    "linalg_pinv": pinv,
    "linalg_qr": qr,
    "linalg_slogdet": slogdet,
    "linalg_solve": solve,
    "linalg_solve_triangular": solve_triangular,
    "linalg_svd": svd,
    "linalg_svdvals": svdvals,
}
