"""Rows that read and write elements by index."""

from __future__ import annotations

import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_NO_VALUE: dict[str, Callable[[Any], Any]] = {
    "sum": lambda dtype: 0,
    "mean": lambda dtype: 0,
    "prod": lambda dtype: 1,
}


def index(xp: Any, x: Any, indices: Any) -> Any:
    return x[_key(indices)]


def index_put(xp: Any, x: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
    result, key = x.copy(), _key(indices)
    if accumulate:
        add_at(xp, result, key, values)
    else:
        result[key] = values
    return result


def _key(indices: Any) -> tuple[Any, ...]:
    """Return a list of index arrays as a key; `None` in it stands for a whole dimension."""
    return tuple(slice(None) if index is None else index for index in indices)


def add_at(xp: Any, x: Any, key: Any, values: Any) -> None:
    """Add in place, elements named several times as often."""
    if xp.__name__ == "cupy":
        import cupyx

        cupyx.scatter_add(x, key, values)
    else:
        xp.add.at(x, key, values)


def index_select(xp: Any, x: Any, dim: int, index: Any) -> Any:
    if x.ndim == 0:
        return x.copy()
    return xp.take(x, index.reshape(-1), axis=dim)


def _at(x: Any, dim: int, index: Any) -> Any:
    return (slice(None),) * (dim % x.ndim) + (index,)


def index_add(xp: Any, x: Any, dim: int, index: Any, source: Any, alpha: Any = 1) -> Any:
    result = x.copy()
    add_at(xp, result, _at(x, dim, index), source if alpha == 1 else source * alpha)
    return result


def index_copy(xp: Any, x: Any, dim: int, index: Any, source: Any) -> Any:
    result = x.copy()
    result[_at(x, dim, index)] = source
    return result


index_fill = index_copy


def _grid(xp: Any, index: Any, dim: int) -> tuple[Any, ...]:
    """Return the full index that puts `index` at `dim` and counts along every other dimension."""
    grid = [xp.arange(size).reshape((-1,) + (1,) * (index.ndim - d - 1)) for d, size in enumerate(index.shape)]
    grid[dim % index.ndim] = index
    return tuple(grid)


def gather(xp: Any, x: Any, dim: int, index: Any, sparse_grad: bool = False) -> Any:
    if index.ndim == 0:
        return x.reshape(-1)[index]
    return x.reshape(x.shape or (1,))[_grid(xp, index, dim)]


def scatter(xp: Any, x: Any, dim: int, index: Any, source: Any, reduce: str | None = None) -> Any:
    if reduce is not None:
        return scatter_reduce(xp, x, dim, index, _spread(xp, x, source, index), "sum" if reduce == "add" else "prod")
    result = x.copy()
    flat, at, values = _lined_up(xp, result, dim, index, source)
    flat[at] = values
    return result


def scatter_add(xp: Any, x: Any, dim: int, index: Any, source: Any) -> Any:
    result = x.copy()
    flat, at, values = _lined_up(xp, result, dim, index, source)
    add_at(xp, flat, at, values)
    return result


def scatter_reduce(xp: Any, x: Any, dim: int, index: Any, source: Any, reduce: str, include_self: bool = True) -> Any:
    """Reduce `source` into `x` by `sum`, `prod`, `mean`, `amax` or `amin`."""
    result = x.copy()
    flat, at, values = _lined_up(xp, result, dim, index, source)
    if not include_self:
        flat[at] = _neutral(xp, x.dtype, reduce)
    operation = {"sum": "add", "mean": "add", "prod": "multiply", "amax": "maximum", "amin": "minimum"}[reduce]
    if operation == "add":
        add_at(xp, flat, at, values)
    else:
        getattr(xp, operation).at(flat, at, values)
    if reduce == "mean":
        count = xp.full(x.shape, int(include_self), dtype=xp.int64)
        flat_count, at, ones = _lined_up(xp, count, dim, index, xp.ones(index.shape, xp.int64))
        add_at(xp, flat_count, at, ones)
        count = xp.maximum(count, 1).astype(x.dtype)
        result = result / count if x.dtype.kind in "fc" else result // count
    return result


def _neutral(xp: Any, dtype: Any, reduce: str) -> Any:
    if reduce in _NO_VALUE:
        return _NO_VALUE[reduce](dtype)
    if dtype.kind == "f":
        return -math.inf if reduce == "amax" else math.inf
    limits = xp.iinfo(dtype)
    return limits.min if reduce == "amax" else limits.max


def _spread(xp: Any, x: Any, source: Any, index: Any) -> Any:
    return source if hasattr(source, "shape") and source.shape else xp.full(index.shape, source, dtype=x.dtype)


def _lined_up(xp: Any, x: Any, dim: int, index: Any, source: Any) -> tuple[Any, Any, Any]:
    """Return a view of `x` with at least one dimension, the full index, and the part of `source` that it takes."""
    values = _spread(xp, x, source, index)
    if index.ndim == 0:
        return x.reshape(-1), index.reshape(1), values.reshape(-1)[:1]
    values = values.reshape(values.shape or (1,))[tuple(slice(n) for n in index.shape)]
    return x.reshape(x.shape or (1,)), _grid(xp, index, dim), values


def masked_select(xp: Any, x: Any, mask: Any) -> Any:
    x, mask = xp.broadcast_arrays(x, mask)
    return x[mask]


def masked_fill(xp: Any, x: Any, mask: Any, value: Any) -> Any:
    return xp.where(mask, xp.asarray(value).astype(x.dtype), x)


def masked_scatter(xp: Any, x: Any, mask: Any, source: Any) -> Any:
    mask = xp.broadcast_to(mask, x.shape)
    result = x.copy()
    result[mask] = source.reshape(-1)[: int(mask.sum())]
    return result


def nonzero(xp: Any, x: Any) -> Any:
    if x.ndim == 0:
        return xp.zeros((int(bool(x)), 0), dtype=xp.int64)
    return xp.stack(xp.nonzero(x), axis=1).astype(xp.int64)


def searchsorted(xp: Any, sequence: Any, x: Any, right: bool) -> Any:
    side = "right" if right else "left"
    if sequence.ndim == 1:
        return xp.searchsorted(sequence, x, side=side)
    lines, values = sequence.reshape(-1, sequence.shape[-1]), x.reshape(-1, x.shape[-1])
    found = [xp.searchsorted(line, each, side=side) for line, each in zip(lines, values, strict=True)]
    return xp.stack(found).reshape(x.shape) if found else xp.zeros(x.shape, dtype=xp.int64)


def bincount(xp: Any, x: Any, minlength: int) -> Any:
    return xp.bincount(x, minlength=minlength)


def take(xp: Any, x: Any, index: Any) -> Any:
    return x.reshape(-1)[index]


def put(xp: Any, x: Any, index: Any, source: Any, accumulate: bool = False) -> Any:
    result = xp.ascontiguousarray(x).reshape(-1).copy()
    if accumulate:
        add_at(xp, result, index.reshape(-1), source.reshape(-1))
    else:
        result[index.reshape(-1)] = source.reshape(-1)
    return result.reshape(x.shape)


def take_along_dim(xp: Any, x: Any, indices: Any, dim: int | None = None) -> Any:
    if dim is None:
        return x.reshape(-1)[indices.reshape(-1)]
    # Every dimension but `dim` broadcasts.
    first = _at(x, dim, slice(1))
    shape = list(xp.broadcast(x[first], indices[first]).shape)
    shape[dim] = x.shape[dim]
    x = xp.broadcast_to(x, shape)
    shape[dim] = indices.shape[dim]
    return xp.take_along_axis(x, xp.broadcast_to(indices, shape), axis=dim)


ROWS: dict[str, Callable[..., Any]] = {
    "_bincount": bincount,
    "_searchsorted": searchsorted,
    "gather": gather,
    "index": index,
    "index_add": index_add,
    "index_copy": index_copy,
    "index_fill": index_fill,
    "index_put": index_put,
    "index_select": index_select,
    "masked_fill": masked_fill,
    "masked_scatter": masked_scatter,
    "masked_select": masked_select,
    "nonzero": nonzero,
    "put": put,
    "scatter": scatter,
    "scatter_add": scatter_add,
    "scatter_reduce": scatter_reduce,
    "take": take,
    "take_along_dim": take_along_dim,
}
