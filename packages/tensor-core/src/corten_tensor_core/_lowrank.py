"""Singular values of matrices that nearly have a low rank, from products with random vectors (Halko et al., 2009)."""

from __future__ import annotations

import corten_native as _native

from . import _namespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from corten_native import Tensor

_rows = _namespace.rows("linalg")


def svd_lowrank(
    A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return U (*, m, q), S (*, q) and V (*, n, q), with which U diag(S) Vᴴ is near A - M, for `A` (*, m, n).

    `q` is a little more than the rank that is looked for, `niter` the number of iterations that sharpen the result. It
    draws random numbers. `M` is broadcast to `A`; None stands for zeros. Algorithm 5.1 of the paper.
    """
    if M is not None:
        A = A - M
    wide = A.shape[-2] < A.shape[-1]
    if wide:
        A = A.mH
    basis = A.matmul(_native.randn(A.shape[-1], 6 if q is None else q, dtype=A.dtype, device=A.device))
    for step in range(2 * (2 if niter is None else niter) + 1):
        if step:
            basis = (A.mH if step % 2 else A).matmul(basis)
        basis = _rows["qr"](basis)[0]
    U, S, Vh = _rows["svd"](basis.mH.matmul(A), full_matrices=False)
    U, V = basis.matmul(U), Vh.mH
    return (V, S, U) if wide else (U, S, V)


def pca_lowrank(A: Tensor, q: int | None = None, center: bool = True, niter: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """Return what `svd_lowrank` gives for `A` (*, m, n), less the means of its columns if `center`.

    The columns of V are the principal directions of m samples, S² / (m - 1) their variances. `q` is by default 6, or
    the smaller side of `A`.
    """
    most = min(A.shape[-2:])
    if q is None:
        q = min(6, most)
    elif not 0 <= q <= most:
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={most}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return svd_lowrank(A - A.mean(-2, keepdim=True) if center else A, q, niter)
