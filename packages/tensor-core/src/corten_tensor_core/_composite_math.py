"""Products, differences and integrals written with other operators, so that gradients come with them."""

from __future__ import annotations

import math

import corten_native as _native
from corten_native._native import _cdist

from . import _namespace
from ._out import written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from corten_native import Tensor


def tensordot(a: Tensor, b: Tensor, dims: Any = 2, *, out: Tensor | None = None) -> Tensor:
    """Sum products over the last `dims` dimensions of `a` and the first of `b`, or over the two lists of dimensions."""
    if hasattr(dims, "tolist"):
        dims = dims.tolist()
    if isinstance(dims, int):
        if not 0 <= dims <= min(a.dim(), b.dim()):
            raise RuntimeError(f"tensordot expects dims >= 0 and at most {min(a.dim(), b.dim())}, but got dims={dims}")
        left, right = list(range(a.dim() - dims, a.dim())), list(range(dims))
    else:
        left, right = ([ds] if isinstance(ds, int) else list(ds) for ds in dims)
        left, right = [d % a.dim() for d in left], [d % b.dim() for d in right]
    if len(left) != len(right):
        raise RuntimeError(f"both dimension lists should have same length, got {left} and {right}")
    for i, j in zip(left, right, strict=True):
        if a.shape[i] != b.shape[j]:
            raise RuntimeError(
                "contracted dimensions need to match, but first has size "
                f"{a.shape[i]} in dim {i} and second has size {b.shape[j]} in dim {j}"
            )
    free_a = [d for d in range(a.dim()) if d not in left]
    free_b = [d for d in range(b.dim()) if d not in right]
    shape_a, shape_b = [a.shape[d] for d in free_a], [b.shape[d] for d in free_b]
    depth = math.prod(a.shape[d] for d in left)
    rows = a.permute(free_a + left).reshape(math.prod(shape_a), depth)
    columns = b.permute(right + free_b).reshape(depth, math.prod(shape_b))
    return written("tensordot", rows.mm(columns).reshape(shape_a + shape_b), out)


def kron(input: Tensor, other: Tensor) -> Tensor:
    """Return the Kronecker product; the tensor with fewer dimensions gets ones in front."""
    n = max(input.dim(), other.dim())
    x = input.reshape([1] * (n - input.dim()) + list(input.shape))
    y = other.reshape([1] * (n - other.dim()) + list(other.shape))
    spread_x = x.reshape([size for d in range(n) for size in (x.shape[d], 1)])
    spread_y = y.reshape([size for d in range(n) for size in (1, y.shape[d])])
    return (spread_x * spread_y).reshape([x.shape[d] * y.shape[d] for d in range(n)])


def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """Return the vector product along `dim`, by default the first dimension of size 3."""
    if dim is None:
        dim = next((d for d, size in enumerate(input.shape) if size == 3), None)
        if dim is None:
            raise RuntimeError(f"no dimension of size 3 in input, got shape {list(input.shape)}")
    if input.shape[dim] != 3 or other.shape[dim] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {input.shape[dim]} and {other.shape[dim]}"
        )
    x, y = ([v.roll(-k, dim) for k in (1, 2)] for v in (input, other))
    return x[0] * y[1] - x[1] * y[0]


def chain_matmul(*matrices: Any) -> Tensor:
    """Multiply matrices in the order that takes the fewest operations."""
    parts = list(matrices[0]) if len(matrices) == 1 and isinstance(matrices[0], (list, tuple)) else list(matrices)
    return parts[0] if len(parts) == 1 else multi_dot(parts)


def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """Multiply matrices in the order that takes the fewest operations; the first and the last may be vectors."""
    parts = list(tensors)
    if len(parts) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(parts)}")
    row, column = parts[0].dim() == 1, parts[-1].dim() == 1
    if row:
        parts[0] = parts[0].unsqueeze(0)
    if column:
        parts[-1] = parts[-1].unsqueeze(-1)
    sizes = [parts[0].shape[0], *(x.shape[1] for x in parts)]
    result = _chain(parts, _splits(sizes), 0, len(parts) - 1)
    result = result.squeeze(-1) if column else result
    return result.squeeze(0) if row else result


def _splits(sizes: list[int]) -> list[list[int]]:
    """Return for each span of matrices where to split it (Cormen et al., matrix-chain order)."""
    n = len(sizes) - 1
    cost = [[0] * n for _ in range(n)]
    split = [[0] * n for _ in range(n)]
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            choices = [(cost[i][k] + cost[k + 1][j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)]
            cost[i][j], split[i][j] = min(choices)
    return split


def _chain(parts: list[Tensor], split: list[list[int]], i: int, j: int) -> Tensor:
    if i == j:
        return parts[i]
    k = split[i][j]
    return _chain(parts, split, i, k).mm(_chain(parts, split, k + 1, j))


def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str | None = None) -> Tensor:
    """Return the p-norm distance of each row of `x1` `(..., P, M)` to each row of `x2` `(..., R, M)`.

    Distances are those of the differences, whatever `compute_mode` (which chooses a product of matrices in PyTorch).
    """
    for name, x in (("X1", x1), ("X2", x2)):
        if x.dim() < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {x.dim()}D")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}")
    if p < 0:
        raise RuntimeError(f"cdist only supports non-negative p values, got {p}")
    if p == 2 and x1.shape[-1] and _native.promote_types(x1.dtype, x2.dtype).is_floating_point:
        return _cdist(x1, x2)
    return (x1.unsqueeze(-2) - x2.unsqueeze(-3)).norm(p, -1)


def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """Return the p-norm of the difference."""
    return (input - other).norm(p)


def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None
) -> Tensor:
    """Return the n-th difference of neighbours along `dim`."""
    if input.dim() == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    parts = [part for part in (prepend, input, append) if part is not None]
    x = input if len(parts) == 1 else _native.cat(parts, dim)
    if n == 0:
        return x.clone()
    if n >= x.shape[dim]:
        return x.narrow(dim, 0, 0)
    for _ in range(n):
        after, before = x.narrow(dim, 1, x.shape[dim] - 1), x.narrow(dim, 0, x.shape[dim] - 1)
        x = after.logical_xor(before) if x.dtype == _native.bool else after - before
    return x


def _heights(y: Tensor, x: Tensor | None, dx: Any, dim: int) -> Tensor:
    """Return width times mean height of each strip along `dim`."""
    count = y.shape[dim] - 1
    pairs = y.narrow(dim, 1, count) + y.narrow(dim, 0, count)
    if x is None:
        return pairs * ((1 if dx is None else dx) / 2)
    if x.dim() == 1 and y.dim() > 1:
        if len(x) != y.shape[dim]:
            raise RuntimeError(
                "trapezoid: There must be one `x` value for each sample point, "
                f"got {len(x)} values for {y.shape[dim]} points"
            )
        shape = [1] * y.dim()
        shape[dim] = -1
        x = x.reshape(shape)
    return diff(x, 1, dim) * pairs / 2


def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """Integrate `y` along `dim` by the trapezoidal rule, with spacing `dx` (1) or at the points `x`."""
    if y.shape[dim] == 0:
        return y.sum(dim)
    return _heights(y, x, dx, dim).sum(dim)


trapz = trapezoid


def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """Return the running integral along `dim` by the trapezoidal rule, one point shorter than `y`."""
    return _heights(y, x, dx, dim).cumsum(dim)


def gradient(input: Tensor, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1) -> tuple[Tensor, ...]:
    """Estimate the derivative along each dimension by second-order differences, one-sided at the ends.

    `spacing` is one distance, one per dimension, or one vector of coordinates per dimension.
    """
    dims = list(range(input.dim())) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    spacings = [spacing] * len(dims) if isinstance(spacing, (int, float)) else list(spacing)
    if len(spacings) != len(dims):
        raise RuntimeError(f"gradient expected spacing for {len(dims)} dimensions, but got {len(spacings)}")
    if edge_order not in (1, 2):
        raise RuntimeError(f"gradient only supports edge_order=1 and edge_order=2, but got {edge_order}")
    return tuple(_slope(input, d, step, edge_order) for d, step in zip(dims, spacings, strict=True))


def _slope(x: Tensor, dim: int, spacing: Any, edge_order: int) -> Tensor:
    size = x.shape[dim]
    if size < edge_order + 1:
        raise RuntimeError(
            f"gradient expected each dimension size to be at least edge_order+1, got {size} in dim {dim}"
        )

    def part(start: int, count: int) -> Tensor:
        return x.narrow(dim, start, count)

    if hasattr(spacing, "dim"):
        shape = [1] * x.dim()
        shape[dim] = -1
        steps = diff(spacing).reshape(shape)
    else:
        shape = [1] * x.dim()
        shape[dim] = size - 1
        steps = _native.full(shape, float(spacing), dtype=x.dtype if x.is_floating_point() else None, device=x.device)
    slopes = (part(1, size - 1) - part(0, size - 1)) / steps
    first, last = slopes.narrow(dim, 0, 1), slopes.narrow(dim, size - 2, 1)
    if size == 2:
        return _native.cat([first, last], dim)
    left, right = steps.narrow(dim, 0, size - 2), steps.narrow(dim, 1, size - 2)
    before, after = slopes.narrow(dim, 0, size - 2), slopes.narrow(dim, 1, size - 2)
    middle = (before * right + after * left) / (left + right)
    if edge_order == 2:
        # A parabola through the three outermost points.
        first = _edge(before, after, left, right, dim, 0)
        last = _edge(after, before, right, left, dim, size - 3)
    return _native.cat([first, middle, last], dim)


def _edge(near: Tensor, far: Tensor, near_step: Tensor, far_step: Tensor, dim: int, at: int) -> Tensor:
    """Return the slope at the end of the parabola through the points around the two steps."""
    near, far, h, k = (x.narrow(dim, at, 1) for x in (near, far, near_step, far_step))
    return near + (near - far) * h / (h + k)


def sum_to_size(input: Tensor, size: Sequence[int]) -> Tensor:
    """Add up the dimensions that expanding a tensor of `size` to `input` would repeat."""
    lead = input.dim() - len(size)
    if lead < 0 or any(m not in (1, n) for m, n in zip(size, input.shape[lead:], strict=True)):
        raise RuntimeError(f"size {list(size)} is not expandable to size {list(input.shape)}.")
    repeated = [lead + d for d, m in enumerate(size) if m == 1 and input.shape[lead + d] != 1]
    dims = [*range(lead), *repeated]
    return input.sum(dims, keepdim=True).reshape(size) if dims else input


def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """Scale each slice along `dim` whose p-norm is above `maxnorm` down to it."""
    if isinstance(p, complex) or isinstance(maxnorm, complex):
        raise RuntimeError("renorm: p and maxnorm must be real-valued")
    if p <= 0:
        raise RuntimeError("renorm: non-positive norm not supported")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    if input.dim() < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {input.dim()} dimensions")
    if not -input.dim() <= dim < input.dim():
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-input.dim()}, {input.dim() - 1}], but got {dim})"
        )
    others = [d for d in range(input.dim()) if d != dim % input.dim()]
    size = _namespace.rows("linalg")["vector_norm"](input, p, others, keepdim=True)
    # The small term is PyTorch's.
    return input * _native.where(size > maxnorm, maxnorm / (size + 1e-7), 1.0).to(input.dtype)


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """Return the powers `N - 1` to 0 of each element of a vector along a row, or 0 to `N - 1` if `increasing`."""
    if x.dim() != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    count = len(x) if N is None else N
    if count < 0:
        raise RuntimeError("N must be non-negative.")
    if not (x.is_floating_point() or x.is_complex()):
        x = x.to(_native.int64)
    ones = x.new_ones((len(x), min(count, 1)))
    rest = x.unsqueeze(1).expand(len(x), max(count - 1, 0)).cumprod(1)
    powers = _native.cat([ones, rest], 1)
    return powers if increasing else powers.flip(1)
