"""Singular values by random projections (Halko, Martinsson and Tropp, 2009): few of them, quickly."""

from __future__ import annotations

import corten_native as _native

from . import linalg

TYPE_CHECKING = False
if TYPE_CHECKING:
    from corten_native import Tensor


def _basis(A: Tensor, q: int, niter: int) -> Tensor:
    """Return an orthonormal basis that nearly holds the q largest directions of the columns (their algorithm 4.4)."""
    directions = _native.randn(A.shape[-1], q, dtype=A.dtype, device=A.device)
    Q = linalg.qr(A.matmul(directions)).Q
    for _ in range(niter):
        Q = linalg.qr(A.mH.matmul(Q)).Q
        Q = linalg.qr(A.matmul(Q)).Q
    return Q


def svd_lowrank(
    A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return U, S and V such that U diag(S) Vᴴ nearly is `A` (..., m, n), less `M` where given, of q singular values.

    More iterations, `niter`, make it more exact. The projections are drawn from the default generator.
    """
    q = 6 if q is None else q
    niter = 2 if niter is None else niter
    A = A if M is None else A - M.expand_as(A)
    wide = A.shape[-2] < A.shape[-1]
    tall = A.mH if wide else A
    Q = _basis(tall, q, niter)
    U, S, Vh = linalg.svd(Q.mH.matmul(tall), full_matrices=False)
    U, V = Q.matmul(U), Vh.mH
    return (V, S, U) if wide else (U, S, V)


def pca_lowrank(A: Tensor, q: int | None = None, center: bool = True, niter: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """Return what `svd_lowrank` gives for rows of `A` less their mean: the columns of V are the principal directions.

    `q` is at most 6 by default. Raises `ValueError` for a negative `q` or `niter`, and for a `q` above the sizes.
    """
    m, n = A.shape[-2:]
    if q is None:
        q = min(6, m, n)
    elif not 0 <= q <= min(m, n):
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return svd_lowrank(A - A.mean(dim=-2, keepdim=True) if center else A, q, niter=niter)
