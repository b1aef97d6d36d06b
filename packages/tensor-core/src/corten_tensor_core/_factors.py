"""Factors of matrices as LAPACK keeps them: Householder's reflections, and two triangles in one matrix."""

from __future__ import annotations

import math

import corten_native as _native

from . import _namespace
from ._errors import LinAlgError
from ._linalg import _permutation
from ._out import written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from corten_native import Tensor


_rows = _namespace.rows("linalg")


def _need_matrices(name: str, A: Tensor, square: bool = False) -> None:
    if A.dim() < 2:
        raise RuntimeError(f"{name}: The input tensor must have at least 2 dimensions, got {A.dim()}.")
    if square and A.shape[-1] != A.shape[-2]:
        raise RuntimeError(f"{name}: A must be batches of square matrices, but they are {A.shape[-2]} by {A.shape[-1]}")
    if not (A.is_floating_point() or A.is_complex()):
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got {A.dtype}")


def geqrf(input: Tensor) -> tuple[Tensor, Tensor]:
    """Return the triangle R with the reflections below it, and each reflection's scale: LAPACK's QR decomposition."""
    _need_matrices("torch.geqrf", input)
    a = input.clone()
    rows, columns = a.shape[-2:]
    tau = a.new_zeros([*a.shape[:-2], min(rows, columns)])
    for k in range(min(rows, columns)):
        head, below = a[..., k, k], a[..., k + 1 :, k]
        size = _rows["vector_norm"](a[..., k:, k], dim=-1)
        idle = below.eq(0).all(-1) & (head.imag.eq(0) if a.is_complex() else True)
        sign = _native.where((head.real if a.is_complex() else head) < 0, -1.0, 1.0).to(size.dtype)
        beta = _native.where(idle, head, (-sign * size).to(a.dtype))
        scale = _native.where(idle, 0, (beta - head) / _native.where(idle, 1, beta))
        a[..., k + 1 :, k] = below / _native.where(idle, 1, head - beta).unsqueeze(-1)
        a[..., k, k] = beta
        tau[..., k] = scale
        a[..., k:, k + 1 :] = _reflected(a, scale.conj(), k, a[..., k:, k + 1 :], True)
    return a, tau


def _reflected(reflections: Tensor, tau: Tensor, k: int, x: Tensor, left: bool) -> Tensor:
    """Return the product of `x` with reflection `k`, of which `x` holds the rows (or columns) from `k` on."""
    below = reflections[..., k + 1 :, k]
    v = _native.cat([_native.ones_like(below[..., :1].sum(-1, keepdim=True)), below], -1).unsqueeze(-1)
    scaled = v * tau.unsqueeze(-1).unsqueeze(-1)
    return x - scaled.matmul(v.mH.matmul(x)) if left else x - x.matmul(scaled).matmul(v.mH)


def _product(reflections: Tensor, tau: Tensor, x: Tensor, left: bool = True, adjoint: bool = False) -> Tensor:
    """Return `Q x`, `x Q` or these with the adjoint of Q, the product of all reflections."""
    order = range(tau.shape[-1])
    scales = tau.conj() if adjoint else tau
    for k in order if left == adjoint else reversed(order):
        part = x[..., k:, :] if left else x[..., k:]
        part = _reflected(reflections, scales[..., k], k, part, left)
        x = _native.cat([x[..., :k, :] if left else x[..., :k], part], -2 if left else -1)
    return x


def householder_product(A: Tensor, tau: Tensor) -> Tensor:
    """Return the first columns of the product of the reflections whose vectors lie below the diagonal of `A`."""
    name = "torch.linalg.householder_product"
    _need_matrices(name, A)
    rows, columns = A.shape[-2:]
    if rows < columns:
        raise RuntimeError(f"{name}: input.shape[-2] must be greater than or equal to input.shape[-1]")
    if tau.dim() != A.dim() - 1 or tau.shape[-1] > columns:
        raise RuntimeError(f"{name}: expected tau to have at most {columns} scales a matrix, got {list(tau.shape)}")
    if tau.shape[:-1] != A.shape[:-2]:
        raise RuntimeError(f"{name}: Expected batch dimensions of tau to be those of input, got {list(tau.shape)}")
    if tau.dtype != A.dtype:
        raise RuntimeError(f"{name}: tau dtype {tau.dtype} does not match input dtype {A.dtype}")
    identity = _native.eye(rows, columns, dtype=A.dtype, device=A.device).expand(A.shape)
    return _product(A, tau, identity)


def ormqr(input: Tensor, tau: Tensor, other: Tensor, left: bool = True, transpose: bool = False) -> Tensor:
    """Return the product of `other` with the Q that `geqrf` gives, or with its adjoint: `Q other`, or `other Q`."""
    name = "torch.ormqr"
    _need_matrices(name, input)
    _need_matrices(name, other)
    side = other.shape[-2 if left else -1]
    if tau.dim() != input.dim() - 1 or tau.shape[-1] > min(input.shape[-2:]):
        raise RuntimeError(f"{name}: Expected tau to have at most {min(input.shape[-2:])} scales a matrix")
    if tau.shape[-1] > side or input.shape[-2] != side:
        raise RuntimeError(f"{name}: other.shape[{-2 if left else -1}] must be equal to input.shape[-2], got {side}")
    if not input.shape[:-2] == tau.shape[:-1] == other.shape[:-2]:
        raise RuntimeError(f"{name}: Expected batch dimensions of tau and other to be equal to input.shape[:-2]")
    if not input.dtype == tau.dtype == other.dtype:
        raise RuntimeError(f"{name}: Expected input, tau and other to have the same dtype")
    return _product(input, tau, other, left, transpose)


def lu_unpack(
    LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True
) -> tuple[Tensor, Tensor, Tensor]:
    """Return P, L and U of `linalg.lu_factor`'s results; what is not asked for is empty."""
    if unpack_pivots and LU_pivots.dtype != _native.int32:
        raise RuntimeError(
            "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.\n"
            "Note: this function is intended to be used with the output produced by torch.linalg.lu_factor"
        )
    if LU_data.dim() < 2:
        raise RuntimeError(f"torch.lu_unpack: LU_data must have at least 2 dimensions, got {LU_data.dim()}")
    rows, columns = LU_data.shape[-2:]
    steps = min(rows, columns)
    permutation, lower, upper = (LU_data.new_zeros([0]) for _ in range(3))
    if unpack_data:
        identity = _native.eye(rows, steps, dtype=LU_data.dtype, device=LU_data.device)
        lower = LU_data[..., :steps].tril(-1) + identity
        upper = LU_data[..., :steps, :].triu()
    if unpack_pivots:
        if LU_pivots.shape != (*LU_data.shape[:-2], steps):
            raise RuntimeError(f"torch.lu_unpack: LU_pivots of sizes {list(LU_pivots.shape)} are not those of LU_data")
        if LU_pivots.numel():
            permutation = _permutation(LU_pivots, LU_data)
        else:
            identity = _native.eye(rows, dtype=LU_data.dtype, device=LU_data.device)
            permutation = identity.expand([*LU_data.shape[:-2], rows, rows]).clone()
    return permutation, lower, upper


def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False) -> tuple[Tensor, Tensor, Tensor]:
    """Return the factors of `linalg.lu_factor`, and 0 or the step, counted from 1, at which the pivot was zero."""
    factors, pivots = _rows["lu_factor"](A, pivot=pivot)
    info = _first_zero(factors.detach())
    if check_errors and bool(info.any()):
        raise LinAlgError(
            f"torch.linalg.lu_factor_ex: U[{int(info.max())},{int(info.max())}] is zero and using it on lu_solve would "
            "result in a division by zero."
        )
    return factors, pivots, info


def lu(A: Tensor, pivot: bool = True, get_infos: bool = False, out: tuple[Tensor, ...] | None = None) -> Any:
    """Return the factors of `linalg.lu_factor`, with `get_infos` also those of `lu_factor_ex`: its older name."""
    found = lu_factor_ex(A, pivot=pivot)[: 2 + get_infos]
    if out is None:
        return found
    return tuple(written("lu", x, into) for x, into in zip(found, out, strict=True))


def orgqr(input: Tensor, tau: Tensor) -> Tensor:
    """Return `linalg.householder_product(input, tau)`: its older name."""
    return householder_product(input, tau)


def _first_zero(factors: Tensor) -> Tensor:
    """Return where the diagonals first are zero, counted from 1, or 0."""
    zero = factors.diagonal(0, -2, -1).eq(0)
    if not zero.shape[-1]:
        return _native.zeros(zero.shape[:-1], dtype=_native.int32, device=factors.device)
    at = zero.to(_native.int32).argmax(-1) + 1
    return _native.where(zero.any(-1), at, 0).to(_native.int32)


def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False) -> tuple[Tensor, Tensor]:
    """Return the solution of `linalg.solve` and 0; of a singular matrix NaN and the step at which the pivot was 0."""
    info = lu_factor_ex(A.detach())[2]
    singular = info.ne(0)
    if not bool(singular.any()):
        return _rows["solve"](A, B, left=left), info
    if check_errors:
        raise LinAlgError("torch.linalg.solve_ex: The solver failed because the input matrix is singular.")
    identity = _native.eye(A.shape[-1], dtype=A.dtype, device=A.device)
    result = _rows["solve"](_native.where(singular.unsqueeze(-1).unsqueeze(-1), identity, A), B, left=left)
    hole = singular.reshape([*singular.shape, *[1] * (result.dim() - singular.dim())])
    return result.masked_fill(hole, math.nan), info
