"""Factors L D Lᵀ of symmetric matrices that need not be definite, by the pivoting of Bunch and Kaufman.

Steps and storage are those of LAPACK's `sytf2` and `hetf2` for the lower triangle.
"""

from __future__ import annotations

import math

import corten_native as _native

from ._composite import broadcast_shapes
from ._creation import tensor
from ._errors import LinAlgError
from ._factors import _need_matrices

TYPE_CHECKING = False
if TYPE_CHECKING:
    from corten_native import Tensor

#: Bounds the growth of elements by either kind of block alike.
_ALPHA = (1 + math.sqrt(17)) / 8


def ldl_factor(A: Tensor, *, hermitian: bool = False) -> tuple[Tensor, Tensor]:
    """Return the factors of symmetric (or Hermitian) matrices `A = L D Lᵀ` in one matrix, and the rows exchanged.

    D has blocks of one or two on its diagonal, where L has ones; two equal negative pivots mark a block of two.
    """
    factors, pivots, info = ldl_factor_ex(A, hermitian=hermitian)
    if bool(info.any()):
        at = int(info.max())
        raise LinAlgError(f"torch.linalg.ldl_factor: D[{at},{at}] is zero and using it to solve would divide by zero.")
    return factors, pivots


def ldl_factor_ex(A: Tensor, *, hermitian: bool = False, check_errors: bool = False) -> tuple[Tensor, Tensor, Tensor]:
    """Return what `ldl_factor` does, and 0 or the step, counted from 1, at which a block of D was zero."""
    _need_matrices("torch.linalg.ldl_factor_ex", A, square=True)
    size, batch = A.shape[-1], A.shape[:-2]
    factors = A.detach().tril()
    matrices = factors.reshape([math.prod(batch), size, size])
    steps = [_factor(matrix, hermitian and A.is_complex()) for matrix in matrices]
    pivots = tensor([step[0] for step in steps], dtype=_native.int32, device=A.device).reshape([*batch, size])
    info = tensor([step[1] for step in steps], dtype=_native.int32, device=A.device).reshape(batch)
    if check_errors and bool(info.any()):
        raise LinAlgError(f"torch.linalg.ldl_factor_ex: D[{int(info.max())},{int(info.max())}] is zero.")
    return matrices.reshape(A.shape), pivots, info


def _sizes(x: Tensor) -> Tensor:
    """Return LAPACK's cheap sizes of numbers, which pick the pivots."""
    return x.real.abs() + x.imag.abs() if x.is_complex() else x.abs()


def _largest(x: Tensor) -> tuple[int, float]:
    """Return where the largest number of a vector is, and its size."""
    sizes = _sizes(x)
    at = int(sizes.argmax())
    return at, float(sizes[at])


def _pivot(a: Tensor, k: int, hermitian: bool) -> tuple[int, int] | None:
    """Return the row to exchange with and how many rows the block has; None where the column is zero."""
    size = len(a)
    here = float(_sizes(a[k, k].real if hermitian else a[k, k]))
    at, column = _largest(a[k + 1 :, k]) if k + 1 < size else (0, 0.0)
    best = k + 1 + at
    if max(here, column) == 0 or math.isnan(here):
        return None
    if here >= _ALPHA * column:
        return k, 1
    row = _largest(a[best, k:best])[1]
    if best + 1 < size:
        row = max(row, _largest(a[best + 1 :, best])[1])
    if here >= _ALPHA * column * (column / row):
        return k, 1
    own = a[best, best].real if hermitian else a[best, best]
    return (best, 1) if float(_sizes(own)) >= _ALPHA * row else (best, 2)


def _factor(a: Tensor, hermitian: bool) -> tuple[list[int], int]:
    """Factor one matrix in place; return its pivots and at which step one was zero."""
    pivots: list[int] = []
    info, size = 0, len(a)
    while (k := len(pivots)) < size:
        if hermitian:
            a[k, k] = a[k, k].real
        found = _pivot(a, k, hermitian)
        if found is None:
            info = info or k + 1
            pivots.append(k + 1)
            continue
        other, count = found
        if other != k + count - 1:
            _exchange(a, k, other, count, hermitian)
        end = k + count
        left = a[end:, k:end].clone()
        block = a[k:end, k:end].tril()
        if count == 2:
            upper = block[1, 0].conj() if hermitian else block[1, 0]
            block[0, 1] = upper
        if hermitian:
            block.diagonal().imag.zero_()
        scaled = left.matmul(_inverse(block))
        a[end:, end:] -= scaled.matmul(left.mH if hermitian else left.mT).tril()
        a[end:, k:end] = scaled
        if hermitian:
            a.diagonal()[k:].imag.zero_()
        pivots += [other + 1] if count == 1 else [-other - 1] * 2
    return pivots, info


def _exchange(a: Tensor, k: int, other: int, count: int, hermitian: bool) -> None:
    """Exchange row and column `other` with the last of the block at `k`, in the lower triangle."""
    at = k + count - 1
    parts = [(a[other + 1 :, at], a[other + 1 :, other])]
    parts += [(a[at + 1 : other, at], a[other, at + 1 : other]), (a[at, at], a[other, other])]
    if count == 2:
        parts.append((a[at, k], a[other, k]))
    for place, (x, y) in enumerate(parts):
        first = x.clone()
        turned = hermitian and place == 1
        x.copy_(y.conj() if turned else y)
        y.copy_(first.conj() if turned else first)
    if hermitian:
        a[other, at] = a[other, at].conj()


def _inverse(block: Tensor) -> Tensor:
    """Return the inverse of a block of one or two rows."""
    if len(block) == 1:
        return block.reciprocal()
    (a, b), (c, d) = block.unbind(0)[0].unbind(0), block.unbind(0)[1].unbind(0)
    # Divided by the element beside the diagonal, which is the largest.
    scale = (a / c) * (d / b) - 1
    rows = [_native.stack([d / b / c, -c.reciprocal()]), _native.stack([-b.reciprocal(), a / c / b])]
    return _native.stack(rows) / scale


def ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False) -> Tensor:
    """Solve `A X = B` from the factors of `ldl_factor(A)`."""
    name = "torch.linalg.ldl_solve"
    _need_matrices(name, LD, square=True)
    if B.dim() < 2:
        raise RuntimeError(f"{name}: Expected B to have at least 2 dimensions, but it has {B.dim()} dimensions instead")
    if LD.shape[-1] != B.shape[-2]:
        raise RuntimeError(f"{name}: Incompatible shapes of LD and B: {list(LD.shape)} and {list(B.shape)}")
    if pivots.shape != LD.shape[:-1]:
        raise RuntimeError(f"{name}: Expected LD.shape[:-1] and pivots.shape to be the same, got {list(pivots.shape)}")
    if pivots.is_floating_point() or pivots.is_complex() or pivots.dtype == _native.bool:
        raise RuntimeError(f"{name}: Expected pivots to be integers. Got {pivots.dtype}")
    if LD.dtype != B.dtype:
        raise RuntimeError(f"{name}: LD dtype {LD.dtype} does not match B dtype {B.dtype}")
    batch = list(broadcast_shapes(LD.shape[:-2], B.shape[:-2]))
    size, columns = B.shape[-2:]
    count = math.prod(batch)
    factors = LD.detach().expand([*batch, size, size]).reshape([count, size, size])
    solutions = B.detach().expand([*batch, size, columns]).clone().reshape([count, size, columns])
    steps = pivots.expand([*batch, size]).reshape([count, size]).tolist()
    for a, rows, x in zip(factors, steps, solutions, strict=True):
        if any(not 1 <= abs(row) <= size for row in rows):
            raise RuntimeError(f"{name}: pivots are rows from 1 to {size}, got {rows}")
        _solve(a, rows, x, hermitian and LD.is_complex())
    return solutions.reshape([*batch, size, columns])


def _solve(a: Tensor, pivots: list[int], x: Tensor, hermitian: bool) -> None:
    """Solve one system in place: by L, by D, and by the transpose of L."""
    blocks, k = [], 0
    while k < len(pivots):
        count = 2 if pivots[k] < 0 and k + 1 < len(pivots) else 1
        blocks.append((k, count, abs(pivots[k]) - 1))
        k += count
    for k, count, other in blocks:
        end = k + count
        _swap(x, end - 1, other)
        x[end:] -= a[end:, k:end].matmul(x[k:end])
        block = a[k:end, k:end].tril()
        if count == 2:
            block[0, 1] = block[1, 0].conj() if hermitian else block[1, 0]
        x[k:end] = _inverse(block).matmul(x[k:end])
    for k, count, other in reversed(blocks):
        end = k + count
        left = a[end:, k:end]
        x[k:end] -= (left.mH if hermitian else left.mT).matmul(x[end:])
        _swap(x, end - 1, other)


def _swap(x: Tensor, i: int, j: int) -> None:
    if i != j:
        first = x[i].clone()
        x[i] = x[j]
        x[j] = first
