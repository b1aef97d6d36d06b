"""Linear algebra written with decompositions and other operators, so that gradients come with it."""

from __future__ import annotations

import math

import corten_native as _native

from . import _namespace
from ._composite_math import cross as _cross
from ._composite_math import multi_dot as multi_dot
from ._errors import LinAlgError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from corten_native import Tensor


_rows = _namespace.rows("linalg")


def inv_ex(A: Tensor, *, check_errors: bool = False) -> tuple[Tensor, Tensor]:
    """Return the inverse and 0 for each matrix; a singular one gives NaN and 1, or raises with `check_errors`."""
    singular = _rows["det"](A.detach()).eq(0)
    if bool(singular.any()):
        if check_errors:
            raise LinAlgError(
                "linalg.inv_ex: The inversion could not be completed because the input matrix is singular."
            )
        hole = singular.unsqueeze(-1).unsqueeze(-1)
        identity = _native.eye(A.shape[-1], dtype=A.dtype, device=A.device)
        inverse = _rows["inv"](_native.where(hole, identity, A)).masked_fill(hole, math.nan)
    else:
        inverse = _rows["inv"](A)
    return inverse, singular.to(_native.int32)


def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """Return the vector product along `dim`."""
    return _cross(input, other, dim)


def vander(x: Tensor, N: int | None = None) -> Tensor:
    """Return the powers 0 to `N - 1` of each element, along a new last dimension."""
    count = x.shape[-1] if N is None else N
    if count <= 1:
        raise RuntimeError(f"linalg.vander: N must be greater than 1, got {count}")
    powers = _native.ones_like(x).unsqueeze(-1)
    rest = x.unsqueeze(-1).expand([*x.shape, count - 1]).cumprod(-1)
    return _native.cat([powers, rest], -1)


def matrix_norm(
    A: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """Return the norm of matrices: `"fro"`, `"nuc"`, or of order 1, -1, 2, -2, inf, -inf."""
    if A.dim() < 2:
        raise RuntimeError(f"linalg.matrix_norm: The input tensor A must have at least 2 dimensions, got {A.dim()}.")
    A = A if dtype is None else A.to(dtype)
    rows, columns = (d % A.dim() for d in dim)
    if rows == columns:
        raise RuntimeError(f"linalg.matrix_norm: dims must be different. Got ({dim[0]}, {dim[1]})")
    if ord == "fro":
        return A.abs().square().sum([rows, columns], keepdim).sqrt()
    if ord == "nuc" or ord in (2, -2):
        values = _rows["svdvals"](A.movedim([rows, columns], [-2, -1]))
        result = values.sum(-1) if ord == "nuc" else values.amax(-1) if ord == 2 else values.amin(-1)
        return result.unsqueeze(min(rows, columns)).unsqueeze(max(rows, columns)) if keepdim else result
    if ord not in (1, -1, math.inf, -math.inf):
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    inner, outer = (rows, columns) if ord in (1, -1) else (columns, rows)
    sums = A.abs().sum(inner, True)
    result = sums.amax(outer, True) if ord > 0 else sums.amin(outer, True)
    return result if keepdim else result.squeeze(max(rows, columns)).squeeze(min(rows, columns))


def norm(input: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Return a vector norm, or with two dimensions and an order (or a matrix and an order) a matrix norm."""
    two = (dim is not None and not isinstance(dim, int) and len(dim) == 2) or (dim is None and input.dim() == 2)
    if ord is not None and (two or isinstance(ord, str)):
        if not two:
            raise RuntimeError(f"linalg.norm: If ord={ord!r}, input must be 2D or dim must have 2 elements, got {dim}")
        return matrix_norm(input, ord, (-2, -1) if dim is None else dim, keepdim, dtype=dtype)
    return _rows["vector_norm"](input, 2 if ord is None else ord, dim, keepdim, dtype=dtype)


def cond(A: Tensor, p: Any = None) -> Tensor:
    """Return the condition number: the ratio of the singular values, or norm times norm of the inverse."""
    if p is None or p in (2, -2):
        values = _rows["svdvals"](A)
        largest, smallest = values.amax(-1), values.amin(-1)
        return smallest / largest if p == -2 else largest / smallest
    inverse, info = inv_ex(A)
    result = matrix_norm(A, p) * matrix_norm(inverse, p)
    return result.masked_fill(info.ne(0), math.inf)


def _tolerance(A: Tensor, largest: Tensor, atol: Any, rtol: Any) -> Tensor:
    """Return the value at and below which singular values count as zero."""
    eps = _native.finfo(A.dtype).eps * max(A.shape[-2:])
    if rtol is None:
        rtol = 0.0 if atol is not None and not hasattr(atol, "dim") else eps
    relative, absolute = rtol * largest, 0.0 if atol is None else atol
    if hasattr(absolute, "dim"):
        return relative.maximum(absolute)
    return relative.clamp(min=absolute)


def matrix_rank(A: Tensor, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Tensor:
    """Count the singular values above the tolerance; by default `rtol` is `max(m, n) eps`."""
    values = _rows["eigvalsh"](A).abs() if hermitian else _rows["svdvals"](A)
    if values.shape[-1] == 0:
        return _native.zeros(values.shape[:-1], dtype=_native.int64, device=A.device)
    limit = _tolerance(A, values.amax(-1), tol if atol is None else atol, rtol)
    return values.gt(limit.unsqueeze(-1)).sum(-1)


def pinv(A: Tensor, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Tensor:
    """Return the Moore-Penrose inverse; singular values up to the tolerance count as zero."""
    U, S, Vh = _rows["svd"](A, False)
    if S.shape[-1] == 0:
        return A.new_zeros([*A.shape[:-2], A.shape[-1], A.shape[-2]])
    limit = _tolerance(A, S[..., 0], atol, rcond if rtol is None else rtol)
    kept = S > limit.unsqueeze(-1)
    inverse = _native.where(kept, S, _native.ones_like(S)).reciprocal() * kept
    return Vh.mH.matmul(inverse.unsqueeze(-1) * U.mH)


def matrix_power(A: Tensor, n: int) -> Tensor:
    """Multiply square matrices `n` times with themselves, by repeated squaring; a negative `n` inverts first."""
    if A.dim() < 2 or A.shape[-1] != A.shape[-2]:
        raise RuntimeError(f"linalg.matrix_power: A must be batches of square matrices, but got {list(A.shape)}")
    if n < 0:
        A, n = _rows["inv"](A), -n
    result = None
    while n:
        if n & 1:
            result = A if result is None else result.matmul(A)
        n >>= 1
        A = A.matmul(A) if n else A
    if result is None:
        return _native.eye(A.shape[-1], dtype=A.dtype, device=A.device).expand(A.shape).clone()
    return result


def matrix_exp(A: Tensor) -> Tensor:
    """Scale to a norm below one half, sum the Taylor series of degree 18, square back."""
    if A.dim() < 2 or A.shape[-1] != A.shape[-2]:
        raise RuntimeError(f"linalg.matrix_exp: A must be batches of square matrices, but got {list(A.shape)}")
    size = float(A.detach().abs().sum(-1).max()) if A.numel() else 0.0
    squarings = max(0, math.frexp(size)[1] + 1) if math.isfinite(size) else 0
    A = A / 2**squarings
    term = result = _native.eye(A.shape[-1], dtype=A.dtype, device=A.device).expand(A.shape)
    for k in range(1, 19):
        term = term.matmul(A) / k
        result = result + term
    for _ in range(squarings):
        result = result.matmul(result)
    return result


def solve_triangular(A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Tensor:
    """Solve `A X = B` (or `X A = B`) with one triangle of `A`, its diagonal taken as ones for `unitriangular`."""
    half = A.triu(int(unitriangular)) if upper else A.tril(-int(unitriangular))
    if unitriangular:
        half = half + _native.eye(A.shape[-1], dtype=A.dtype, device=A.device)
    if left:
        return _rows["solve"](half, B)
    return _rows["solve"](half.mT, B.mT).mT


def tensorinv(A: Tensor, ind: int = 2) -> Tensor:
    """Return the inverse for `tensordot` with `ind` dimensions."""
    if ind <= 0:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind', got {ind}")
    first, rest = list(A.shape[:ind]), list(A.shape[ind:])
    if math.prod(first) != math.prod(rest):
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), "
            f"got {math.prod(rest)} != {math.prod(first)}"
        )
    return _rows["inv"](A.reshape(math.prod(first), math.prod(rest))).reshape(rest + first)


def tensorsolve(A: Tensor, B: Tensor, dims: Any = None) -> Tensor:
    """Return X with `tensordot(A, X, X.dim()) = B`, after moving the dimensions `dims` of `A` to its end."""
    if dims is not None:
        A = A.movedim(list(dims), list(range(-len(dims), 0)))
    rest = list(A.shape[B.dim() :])
    if B.numel() != math.prod(rest):
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), "
            f"but got {math.prod(rest)} != {B.numel()}"
        )
    return _rows["solve"](A.reshape(B.numel(), math.prod(rest)), B.reshape(-1)).reshape(rest)
