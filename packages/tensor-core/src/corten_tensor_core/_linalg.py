"""Linear algebra written with decompositions and other operators, so that gradients come with it."""

from __future__ import annotations

import math

import corten_native as _native

from . import _namespace
from ._composite_math import cross as _cross
from ._composite_math import multi_dot as multi_dot
from ._errors import LinAlgError
from ._info import finfo

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
    if x.dtype in (_native.bool, _native.float16, _native.bfloat16):
        raise RuntimeError(f"linalg.vander supports floating point, complex, and integer tensors, but got {x.dtype}")
    count = x.shape[-1] if N is None else N
    if count <= 1:
        raise RuntimeError(f"linalg.vander: N must be greater than 1, got {count}")
    powers = _native.ones_like(x).unsqueeze(-1)
    rest = x.unsqueeze(-1).expand([*x.shape, count - 1]).cumprod(-1)
    return _native.cat([powers, rest], -1)


def matrix_norm(A: Tensor, ord: Any = None, dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Return the norm of matrices: `"fro"` (the default), `"nuc"`, or of order 1, -1, 2, -2, inf, -inf."""
    ord = "fro" if ord is None else ord
    if A.dim() < 2:
        raise RuntimeError(f"linalg.matrix_norm: The input tensor A must have at least 2 dimensions, got {A.dim()}.")
    _need_float("linalg.matrix_norm", A)
    A = A if dtype is None else _widened("linalg.matrix_norm", A, dtype)
    rows, columns = (d % A.dim() for d in dim)
    if rows == columns:
        raise RuntimeError(f"linalg.matrix_norm: dims must be different. Got ({dim[0]}, {dim[1]})")
    if ord == "fro":
        return _rows["vector_norm"](A, 2, [rows, columns], keepdim)
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


def _need_float(name: str, A: Tensor) -> None:
    if not (A.is_floating_point() or A.is_complex()):
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got {A.dtype}")


def _widened(name: str, A: Tensor, dtype: Any) -> Tensor:
    if dtype.is_complex != A.is_complex():
        kind = "complex" if A.is_complex() else "real"
        raise RuntimeError(f"{name}: dtype should be {kind} for {kind} inputs, but got {dtype}")
    if dtype != _native.promote_types(dtype, A.dtype):
        raise RuntimeError(
            f"{name}: the dtype of the input ({A.dtype}) should be convertible without narrowing "
            f"to the specified dtype ({dtype})"
        )
    return A.to(dtype)


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
    eps = finfo(A.dtype).eps * max(A.shape[-2:])
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
    _need_float("linalg.matrix_exp", A)
    if A.dim() < 2 or A.shape[-1] != A.shape[-2]:
        raise RuntimeError(f"linalg.matrix_exp: A must be batches of square matrices, but got {list(A.shape)}")
    if A.dtype in (_native.float16, _native.bfloat16):
        return matrix_exp(A.float()).to(A.dtype)
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


def cholesky_ex(A: Tensor, *, upper: bool = False, check_errors: bool = False) -> tuple[Tensor, Tensor]:
    """Return the triangular factor and 0 for each matrix, or NaN and the order of the first minor that is not positive.

    Raises `LinAlgError` for such a matrix with `check_errors`.
    """
    factor = _rows["cholesky"]
    try:
        return factor(A, upper=upper), _native.zeros(A.shape[:-2], dtype=_native.int32, device=A.device)
    except LinAlgError:
        if check_errors:
            raise
    parts, info = [], []
    for matrix in A.reshape([-1, *A.shape[-2:]]).unbind(0):
        info.append(_first_bad_minor(matrix.detach()))
        parts.append(factor(matrix, upper=upper) if info[-1] == 0 else _native.full_like(matrix, math.nan))
    orders = _native.zeros(len(info), dtype=_native.int32, device=A.device)
    for i, order in enumerate(info):
        orders[i] = order
    return _native.stack(parts).reshape(A.shape), orders.reshape(A.shape[:-2])


def _first_bad_minor(matrix: Tensor) -> int:
    for order in range(1, matrix.shape[0] + 1):
        try:
            _rows["cholesky"](matrix[:order, :order])
        except LinAlgError:
            return order
    return 0


_DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


def lstsq(
    A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Solve least squares by QR where the rank is full, else by the Moore-Penrose inverse.

    Return solution, squared residuals (of full rank and more rows than columns,
    not by `"gelsy"`, the default), rank (not by `"gels"`), and singular
    values (by `"gelsd"` and `"gelss"`); what is not computed is empty.
    """
    if driver is not None and driver not in _DRIVERS:
        raise RuntimeError("torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)")
    if A.dim() < 2:
        raise RuntimeError("torch.linalg.lstsq: input must have at least 2 dimensions.")
    vector = B.dim() == A.dim() - 1
    target = B.unsqueeze(-1) if vector else B
    rows, columns = A.shape[-2:]
    if target.dim() < 2 or target.shape[-2] != rows:
        raise RuntimeError("torch.linalg.lstsq: input.size(-2) should match other.size(-2)")
    values = _rows["svdvals"](A.detach())
    cut = (finfo(A.dtype).eps * max(rows, columns) if rcond is None else rcond) * values[..., :1]
    rank = (values > cut).sum(-1)
    if bool((rank == min(rows, columns)).all()):
        Q, R = _rows["qr"](A if rows >= columns else A.mH)
        if rows >= columns:
            solution = solve_triangular(R, Q.mH.matmul(target), upper=True)
        else:
            solution = Q.matmul(solve_triangular(R.mH, target, upper=False))
    else:
        solution = pinv(A, rcond).matmul(target)
    residuals = values.new_zeros([0])
    if rows > columns and driver not in (None, "gelsy") and bool((rank == columns).all()):
        residuals = (A.matmul(solution) - target).abs().square().sum(-2)
        residuals = residuals.squeeze(-1) if vector else residuals
    empty = _native.zeros(0, dtype=_native.int64, device=A.device)
    return (
        solution.squeeze(-1) if vector else solution,
        residuals,
        empty if driver == "gels" else rank,
        values if driver in ("gelsd", "gelss") else values.new_zeros([0]),
    )


def lu_solve(LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False) -> Tensor:
    """Solve `A X = B` (with `adjoint` `Aᴴ X = B`, without `left` `X A = B`) from the factors of `linalg.lu_factor`."""
    if not left:
        return lu_solve(LU, pivots, B.mH, adjoint=not adjoint).mH
    permutation = _permutation(pivots, LU)
    if adjoint:
        inner = solve_triangular(LU.triu().mH, B, upper=False)
        return permutation.matmul(solve_triangular(LU.mH, inner, upper=True, unitriangular=True))
    inner = solve_triangular(LU, permutation.mT.matmul(B), upper=False, unitriangular=True)
    return solve_triangular(LU, inner, upper=True)


def _permutation(pivots: Tensor, like: Tensor) -> Tensor:
    """Return the matrices P with `P L U` the factored ones, from the rows exchanged at each step, counted from 1."""
    size = like.shape[-2]
    orders = []
    for steps in pivots.reshape([-1, pivots.shape[-1]]).tolist():
        order = list(range(size))
        for i, at in enumerate(steps):
            order[i], order[at - 1] = order[at - 1], order[i]
        orders.append(order)
    rows = _native.eye(size, dtype=like.dtype, device=like.device)
    matrices = [_native.stack([rows[i] for i in order]) for order in orders]
    return _native.stack(matrices).reshape([*pivots.shape[:-1], size, size]).mT


def cholesky_solve(B: Tensor, L: Tensor, upper: bool = False) -> Tensor:
    """Solve `A X = B` from the triangular factor of `A`: lower, or upper if so said."""
    lower = L.mH if upper else L
    return solve_triangular(lower.mH, solve_triangular(lower, B, upper=False), upper=True)


def cholesky_inverse(L: Tensor, upper: bool = False) -> Tensor:
    """Return the inverse of the matrix whose triangular factor is `L`."""
    identity = _native.eye(L.shape[-1], dtype=L.dtype, device=L.device).expand(L.shape)
    return cholesky_solve(identity, L, upper)


def triangular_solve(
    b: Tensor, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> tuple[Tensor, Tensor]:
    """Solve `A X = b`, or with `transpose` `Aᵀ X = b`, for triangular `A`; return also a copy of `A`."""
    matrix = A.mT if transpose else A
    solution = solve_triangular(matrix, b, upper=upper != transpose, unitriangular=unitriangular)
    return solution, A.clone()
