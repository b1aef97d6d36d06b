"""Operators that rearrange tensors, written with other operators, so that gradients come with them."""

from __future__ import annotations

import corten_native as _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from corten_native import Tensor


def _several(tensors: Any) -> tuple[Tensor, ...]:
    """Return the arguments of a function that takes tensors one by one or one sequence of them."""
    return tuple(tensors[0]) if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tuple(tensors)


def broadcast_shapes(*shapes: Any) -> Any:
    """Return the shape that tensors of these shapes broadcast to; raise `RuntimeError` where they do not."""
    sizes = [(shape,) if isinstance(shape, int) else tuple(shape) for shape in shapes]
    result = [1] * max(map(len, sizes), default=0)
    for size in sizes:
        for i, n in enumerate(reversed(size), 1):
            if n < 0:
                raise ValueError(f"Attempting to broadcast a dimension with negative length, got shape {size}")
            if n != 1 and result[-i] not in (1, n):
                raise RuntimeError(
                    "Shape mismatch: objects cannot be broadcast to a single shape: "
                    f"{', '.join(map(str, sizes))} differ at dimension -{i}"
                )
            result[-i] = n if n != 1 else result[-i]
    return _native.Size(result)


def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """Expand the tensors to their common shape; the results are views."""
    parts = _several(tensors)
    shape: tuple[int, ...] = ()
    for x in parts:
        longest = max(len(shape), x.dim())
        a, b = ((1,) * (longest - len(sizes)) + tuple(sizes) for sizes in (shape, x.shape))
        for dim in reversed(range(longest)):
            if a[dim] != b[dim] and 1 not in (a[dim], b[dim]):
                raise RuntimeError(
                    f"The size of tensor a ({a[dim]}) must match the size of tensor b ({b[dim]}) at non-singleton "
                    f"dimension {dim}"
                )
        shape = tuple(m if n == 1 else n for m, n in zip(a, b, strict=True))
    return tuple(x.expand(shape) for x in parts)


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Return one grid of coordinates per vector; `indexing="xy"` swaps the first two dimensions."""
    vectors = [x.reshape(-1) for x in _several(tensors)]
    if not vectors:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    if len({x.dtype for x in vectors}) > 1:
        raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    swap = indexing == "xy" and len(vectors) > 1
    if swap:
        vectors[:2] = vectors[1], vectors[0]
    sizes = [len(x) for x in vectors]
    grids = [x.view([-1] + [1] * (len(vectors) - i - 1)).expand(sizes) for i, x in enumerate(vectors)]
    if swap:
        grids[:2] = grids[1], grids[0]
    return tuple(grids)


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """Return every combination of one element of each vector, a row each."""
    if len(tensors) == 1:
        return tensors[0]
    return _native.stack([x.flatten() for x in meshgrid(*tensors)], 1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """Return the length-`r` combinations of the elements of a vector, a row each, in the order of `itertools`."""
    if input.dim() != 1:
        raise RuntimeError(f"combinations: expect a 1D vector, but got shape {list(input.shape)}")
    if r < 0:
        raise RuntimeError(f"combinations: expect a non-negative number r, but got {r}")
    if r == 0:
        return input.new_empty([0])
    size, ahead = len(input), 0 if with_replacement else 1
    rows = last = _native.arange(size, device=input.device)
    rows = rows.unsqueeze(1)
    for _ in range(r - 1):
        # Each row once for every place that may follow its last one.
        following = size - ahead - last
        ends = following.cumsum(0)
        total = int(ends[-1]) if len(ends) else 0
        which = following.repeat_interleave(output_size=total)
        last = _native.arange(total, device=input.device) - (ends - following - last - ahead)[which]
        rows = _native.cat([rows[which], last.unsqueeze(1)], 1)
    return input[rows]


def atleast_1d(*tensors: Any) -> Any:
    """Give scalars one dimension."""
    return _each(tensors, lambda x: x.reshape(1) if x.dim() == 0 else x)


def atleast_2d(*tensors: Any) -> Any:
    """Put dimensions in front until there are two."""
    return _each(tensors, lambda x: x.reshape(1, -1) if x.dim() < 2 else x)


def atleast_3d(*tensors: Any) -> Any:
    """Add dimensions until there are three: around a vector, behind a matrix."""

    def grown(x: Tensor) -> Tensor:
        if x.dim() < 2:
            return x.reshape(1, -1, 1)
        return x.unsqueeze(-1) if x.dim() == 2 else x

    return _each(tensors, grown)


def _each(tensors: Any, grown: Any) -> Any:
    if len(tensors) == 1 and not isinstance(tensors[0], (list, tuple)):
        return grown(tensors[0])
    return tuple(map(grown, _several(tensors)))


# Views that one call may give; the runtime's limit for `split` and its like.
_MOST_VIEWS = 1 << 24


def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Split into views: into so many nearly equal parts, or before each of the given indices."""
    if input.dim() == 0:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    if isinstance(indices_or_sections, _native.Tensor):
        if indices_or_sections.dim() > 1 or indices_or_sections.dtype != _native.int64:
            raise RuntimeError(
                "tensor_split expected tensor_indices_or_sections to be a zero-dimensional or one-dimensional tensor "
                f"of dtype int64, but got {indices_or_sections.dim()} dimensions of {indices_or_sections.dtype}"
            )
        indices_or_sections = indices_or_sections.tolist()
    size = input.shape[dim]
    if isinstance(indices_or_sections, int):
        count = indices_or_sections
        if count <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {count}")
        if count > _MOST_VIEWS:
            raise MemoryError(f"cannot make {count} views in one call, {_MOST_VIEWS} are allowed")
        each, longer = divmod(size, count)
        cuts = [i * each + min(i, longer) for i in range(1, count)]
    else:
        cuts = [slice(None, i).indices(size)[1] for i in indices_or_sections]
    edges = zip([0, *cuts], [*cuts, size], strict=True)
    return tuple(input.narrow(dim, a, max(b - a, 0)) for a, b in edges)


def hsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Split along the second dimension, a vector along its only one."""
    _needs_dims("hsplit", input, 1)
    return _evenly("hsplit", input, indices_or_sections, 0 if input.dim() == 1 else 1)


def vsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Split along the first dimension."""
    _needs_dims("vsplit", input, 2)
    return _evenly("vsplit", input, indices_or_sections, 0)


def dsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Split along the third dimension."""
    _needs_dims("dsplit", input, 3)
    return _evenly("dsplit", input, indices_or_sections, 2)


def _needs_dims(name: str, x: Tensor, least: int) -> None:
    if x.dim() < least:
        raise RuntimeError(
            f"torch.{name} requires a tensor with at least {least} dimension{'s' * (least > 1)}, "
            f"but got a tensor with {x.dim()} dimensions!"
        )


def _evenly(name: str, x: Tensor, sections: Any, dim: int) -> tuple[Tensor, ...]:
    if isinstance(sections, int) and (sections <= 0 or x.shape[dim] % sections):
        raise RuntimeError(
            f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension {x.shape[dim]} is "
            f"not divisible by the split_size {sections}!"
        )
    return tensor_split(x, sections, dim)


def block_diag(*tensors: Any) -> Tensor:
    """Put matrices along the diagonal of one, with zeros around; vectors count as rows."""
    for i, x in enumerate(tensors):
        if x.dim() > 2:
            raise RuntimeError(f"block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has {x.dim()}")
    blocks = [x.reshape(1, -1) if x.dim() < 2 else x for x in tensors]
    if not blocks:
        return _native.empty([1, 0])
    dtype = blocks[0].dtype
    for x in blocks[1:]:
        dtype = _native.promote_types(dtype, x.dtype)
    width, column, rows = sum(x.shape[1] for x in blocks), 0, []
    for x in blocks:
        before, after = column, width - column - x.shape[1]
        zeros = [x.new_zeros([x.shape[0], n], dtype=dtype) for n in (before, after)]
        rows.append(_native.cat([zeros[0], x.to(dtype), zeros[1]], 1))
        column += x.shape[1]
    return _native.cat(rows, 0)


def repeat_interleave(
    input: Tensor, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Repeat each element of `input`, or each slice along `dim`, `repeats` times (one number, or one for each).

    With a single argument, return each index as often as the argument says.
    """
    if repeats is None:
        return _repeated_indices(input, output_size)
    if dim is None:
        input, dim = input.flatten(), 0
    size = input.shape[dim]
    if isinstance(repeats, int):
        if repeats < 0:
            raise RuntimeError("Repeats must be non-negative")
        dim %= input.dim()
        shape = list(input.shape)
        wide = input.unsqueeze(dim + 1).expand([*shape[: dim + 1], repeats, *shape[dim + 1 :]])
        copied = wide.clone(memory_format=_native.contiguous_format)
        return copied.view([*shape[:dim], size * repeats, *shape[dim + 1 :]])
    counts = repeats.expand(size) if repeats.numel() == 1 else repeats
    if len(counts) != size:
        raise RuntimeError(
            f"repeats must have the same size as input along dim, but got repeats.size(0) = {len(counts)} and "
            f"input.size({dim}) = {size}"
        )
    return input.index_select(dim, _repeated_indices(counts, output_size))


def _repeated_indices(counts: Tensor, output_size: int | None) -> Tensor:
    ends = counts.cumsum(0)
    if bool((counts < 0).any()):
        raise RuntimeError("repeats can not be negative")
    total = int(ends[-1]) if len(ends) else 0
    if output_size is not None and output_size != total:
        raise RuntimeError(f"allocated size {output_size} does not match required size {total}")
    # The place of an output is the number of runs that end at or before it.
    starts = counts.new_zeros([total + 1], dtype=_native.int64)
    starts = starts.scatter_add(0, ends.to(_native.int64), _native.ones_like(ends, dtype=_native.int64))
    return starts[:total].cumsum(0).to(counts.dtype)


def _triangle(name: str, row: int, col: int, offset: int, keep: Any, options: dict[str, Any]) -> Tensor:
    like = _native.empty(0, **options | {"dtype": options.get("dtype") or _native.int64})
    if like.is_floating_point() or like.is_complex():
        raise NotImplementedError(f"{name} not implemented for {like.dtype}")
    if row < 0 or col < 0:
        raise RuntimeError(f"row and col must be non-negative, got row={row}, col={col}")
    rows, columns = (_native.arange(n, device="cpu" if like.is_meta else like.device) for n in (row, col))
    chosen = keep(columns.unsqueeze(0) - rows.unsqueeze(1), offset).nonzero()
    return chosen.t().contiguous().to(like)


def tril_indices(row: int, col: int, offset: int = 0, **options: Any) -> Tensor:
    """Return the indices on and below a diagonal, as two rows; `options` are those of `empty`."""
    return _triangle("tril_indices", row, col, offset, lambda x, k: x <= k, options)


def triu_indices(row: int, col: int, offset: int = 0, **options: Any) -> Tensor:
    """Return the indices on and above a diagonal, as two rows; `options` are those of `empty`."""
    return _triangle("triu_indices", row, col, offset, lambda x, k: x >= k, options)


def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """Turn by `k` quarters in the plane of two dimensions."""
    a, b = dims
    if k % 4 == 2:
        return input.flip([a, b])
    if k % 4 == 0:
        return input.clone()
    return input.flip([b]).transpose(a, b) if k % 4 == 1 else input.transpose(a, b).flip([b])


def fliplr(input: Tensor) -> Tensor:
    """Reverse the second dimension."""
    _at_least("fliplr", input, 2)
    return input.flip([1])


def flipud(input: Tensor) -> Tensor:
    """Reverse the first dimension."""
    _at_least("flipud", input, 1)
    return input.flip([0])


def _at_least(name: str, x: Tensor, least: int) -> None:
    if x.dim() < least:
        raise RuntimeError(f"Input of {name} must be >= {least}-d, but got {x.dim()}-d")


def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """Turn flat indices into one tensor of coordinates per dimension of `shape`."""
    sizes = [shape] if isinstance(shape, int) else list(shape)
    coordinates = []
    for size in reversed(sizes):
        coordinates.append(indices % size)
        indices = indices.div(size, rounding_mode="floor")
    return tuple(reversed(coordinates))
