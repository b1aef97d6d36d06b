"""Rows that go along dimensions: reductions, with and without indices, and scans."""

from __future__ import annotations

import math

from .base import axes, dtype_of, is_float, real_dtype

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def _cast(xp: Any, x: Any, dtype: str | None) -> Any:
    """Cast to the `dtype=` asked for; integers otherwise sum up as int64."""
    if dtype is not None:
        return x.astype(dtype_of(xp, dtype))
    return x.astype(xp.int64) if x.dtype.kind in "biu" else x


def sum_(xp: Any, x: Any, dim: Any = None, keepdim: bool = False, dtype: str | None = None) -> Any:
    return xp.sum(_cast(xp, x, dtype), axis=axes(dim, x.ndim), keepdims=keepdim)


def nansum(xp: Any, x: Any, dim: Any = None, keepdim: bool = False, dtype: str | None = None) -> Any:
    return sum_(xp, xp.where(xp.isnan(x), xp.zeros_like(x), x), dim, keepdim, dtype)


def prod(xp: Any, x: Any, dim: Any = None, keepdim: bool = False, dtype: str | None = None) -> Any:
    return xp.prod(_cast(xp, x, dtype), axis=axes(dim, x.ndim), keepdims=keepdim)


def mean(xp: Any, x: Any, dim: Any = None, keepdim: bool = False, dtype: str | None = None) -> Any:
    x = x if dtype is None else x.astype(dtype_of(xp, dtype))
    dims = axes(dim, x.ndim)
    count = math.prod(x.shape[d] for d in dims)
    return xp.sum(x, axis=dims, keepdims=keepdim) / xp.asarray(count, dtype=x.dtype)


def nanmean(xp: Any, x: Any, dim: Any = None, keepdim: bool = False, dtype: str | None = None) -> Any:
    count = sum_(xp, ~xp.isnan(x), dim, keepdim)
    total = nansum(xp, x, dim, keepdim, dtype)
    return total / count.astype(total.dtype)


def var(xp: Any, x: Any, dim: Any = None, correction: float | None = 1, keepdim: bool = False) -> Any:
    return var_mean(xp, x, dim, correction, keepdim)[0]


def var_mean(xp: Any, x: Any, dim: Any = None, correction: float | None = 1, keepdim: bool = False) -> Any:
    dims = axes(dim, x.ndim)
    center = mean(xp, x, dims, True)
    away = xp.abs(x - center)
    count = math.prod(x.shape[d] for d in dims)
    freedom = xp.asarray(max(count - (1 if correction is None else correction), 0), dtype=real_dtype(xp, x.dtype))
    spread = xp.sum(away * away, axis=dims, keepdims=keepdim) / freedom
    return spread, center if keepdim else xp.squeeze(center, axis=dims)


def std_mean(xp: Any, x: Any, dim: Any = None, correction: float | None = 1, keepdim: bool = False) -> Any:
    spread, center = var_mean(xp, x, dim, correction, keepdim)
    return xp.sqrt(spread), center


def amax(xp: Any, x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    return xp.max(x, axis=axes(dim, x.ndim), keepdims=keepdim)


def amin(xp: Any, x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    return xp.min(x, axis=axes(dim, x.ndim), keepdims=keepdim)


def any_(xp: Any, x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    result = xp.any(x, axis=axes(dim, x.ndim), keepdims=keepdim)
    return result.astype(xp.uint8) if x.dtype == xp.uint8 else result


def all_(xp: Any, x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    result = xp.all(x, axis=axes(dim, x.ndim), keepdims=keepdim)
    return result.astype(xp.uint8) if x.dtype == xp.uint8 else result


def norm(xp: Any, x: Any, p: Any = 2, dim: Any = None, keepdim: bool = False, dtype: str | None = None) -> Any:
    """Vector norm over `dim`, also for p = 0 (count), inf and -inf; `"fro"` is 2."""
    size = xp.abs(x if dtype is None else x.astype(dtype_of(xp, dtype)))
    order = 2.0 if p in (None, "fro") else float(p)
    where = {"axis": axes(dim, x.ndim), "keepdims": keepdim}
    if order == math.inf:
        # An empty maximum is 0, as the sum of nothing is.
        return xp.max(size, **where) if size.size else xp.sum(size, **where)
    if order == -math.inf:
        return xp.min(size, **where)
    if order == 0:
        return xp.sum((size != 0).astype(size.dtype), **where)
    if order == 1:
        return xp.sum(size, **where)
    if order == 2:
        return xp.sqrt(xp.sum(size * size, **where))
    return xp.sum(size**order, **where) ** (1 / order)


def logsumexp(xp: Any, x: Any, dim: Any, keepdim: bool = False) -> Any:
    dims = axes(dim, x.ndim)
    if math.prod(x.shape[d] for d in dims) == 0:
        return xp.log(xp.sum(xp.exp(x), axis=dims, keepdims=keepdim))
    top = xp.max(x, axis=dims, keepdims=True)
    top = xp.where(xp.isfinite(top), top, xp.zeros_like(top))
    total = xp.log(xp.sum(xp.exp(x - top), axis=dims, keepdims=True)) + top
    return total if keepdim else xp.squeeze(total, axis=dims)


def _extreme(name: str) -> Callable[..., Any]:
    """Return the row that gives the extreme along `dim` and its index; the first NaN counts as extreme."""

    def row(xp: Any, x: Any, dim: int, keepdim: bool = False) -> Any:
        index = arg_extreme(xp, x, dim, True)
        values = xp.take_along_axis(x.reshape(x.shape or (1,)), index.reshape(index.shape or (1,)), axis=dim)
        values = values.reshape(index.shape)
        return (values, index) if keepdim or x.ndim == 0 else (xp.squeeze(values, dim), xp.squeeze(index, dim))

    arg_extreme = _arg_extreme(name)
    return row


def _arg_extreme(name: str) -> Callable[..., Any]:
    def row(xp: Any, x: Any, dim: int | None = None, keepdim: bool = False) -> Any:
        whole = x.view(xp.uint8) if x.dtype.kind == "b" else x
        if dim is None or x.ndim == 0:
            index = xp.asarray(getattr(xp, name)(whole))
            return index.reshape((1,) * x.ndim) if keepdim else index
        index = getattr(xp, name)(whole, axis=dim)
        return (xp.expand_dims(index, dim) if keepdim else index).astype(xp.int64)

    return row


def _order(xp: Any, x: Any, dim: int, descending: bool) -> Any:
    """Return the indices of a stable sort; NaN counts as the largest."""
    if not descending:
        return xp.argsort(x, axis=dim, kind="stable")
    # Sorting the reversed array and reversing the result keeps equal elements in their order.
    backward = xp.argsort(xp.flip(x, axis=dim), axis=dim, kind="stable")
    return x.shape[dim] - 1 - xp.flip(backward, axis=dim)


def sort(xp: Any, x: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    if x.ndim == 0:
        return x.copy(), xp.zeros((), xp.int64)
    order = _order(xp, x, dim, descending)
    return xp.take_along_axis(x, order, axis=dim), order.astype(xp.int64)


def topk(xp: Any, x: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    values, order = sort(xp, x, dim, largest)
    if x.ndim == 0:
        return values, order
    ends = (slice(None),) * (dim % x.ndim) + (slice(k),)
    return values[ends], order[ends]


def kthvalue(xp: Any, x: Any, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    values, order = sort(xp, x, dim)
    if x.ndim == 0:
        return values, order
    at = (slice(None),) * (dim % x.ndim) + (slice(k - 1, k),)
    return (values[at], order[at]) if keepdim else (xp.squeeze(values[at], dim), xp.squeeze(order[at], dim))


def median_dim(xp: Any, x: Any, dim: int = -1, keepdim: bool = False) -> Any:
    """Return the lower median and its index; a line with a NaN gives the first NaN."""
    if x.ndim == 0:
        return x.copy(), xp.zeros((), xp.int64)
    values, index = kthvalue(xp, x, (x.shape[dim] + 1) // 2, dim, True)
    if is_float(x):
        first = xp.expand_dims(xp.argmax(xp.isnan(x), axis=dim), dim)
        bad = xp.take_along_axis(xp.isnan(x), first, axis=dim)
        values, index = xp.where(bad, xp.asarray(math.nan, x.dtype), values), xp.where(bad, first, index)
    return (values, index) if keepdim else (xp.squeeze(values, dim), xp.squeeze(index, dim))


def median(xp: Any, x: Any) -> Any:
    return median_dim(xp, x.reshape(-1))[0]


def _cumulative(name: str) -> Callable[..., Any]:
    def row(xp: Any, x: Any, dim: int, dtype: str | None = None) -> Any:
        x = _cast(xp, x, dtype)
        return getattr(xp, name)(x, axis=dim) if x.ndim else x.copy()

    return row


def logcumsumexp(xp: Any, x: Any, dim: int) -> Any:
    if x.ndim == 0 or x.size == 0:
        return x.copy()
    top = xp.max(x, axis=dim, keepdims=True)
    top = xp.where(xp.isfinite(top), top, xp.zeros_like(top))
    return xp.log(xp.cumsum(xp.exp(x - top), axis=dim)) + top


def _cumulative_extreme(beats: str) -> Callable[..., Any]:
    def row(xp: Any, x: Any, dim: int) -> Any:
        if x.ndim == 0 or x.size == 0:
            return x.copy(), xp.zeros(x.shape, xp.int64)
        lines = xp.moveaxis(x, dim, 0)
        values, index = lines.copy(), xp.zeros(lines.shape, xp.int64)
        for i in range(1, len(lines)):
            new = getattr(xp, beats)(lines[i], values[i - 1])
            if is_float(x):
                new = (new | xp.isnan(lines[i])) & ~(xp.isnan(values[i - 1]) & ~xp.isnan(lines[i]))
            values[i] = xp.where(new, lines[i], values[i - 1])
            index[i] = xp.where(new, i, index[i - 1])
        return xp.moveaxis(values, 0, dim), xp.moveaxis(index, 0, dim)

    return row


ROWS: dict[str, Callable[..., Any]] = {
    "all": all_,
    "all.dim": all_,
    "amax": amax,
    "amin": amin,
    "aminmax": lambda xp, x, dim=None, keepdim=False: (amin(xp, x, dim, keepdim), amax(xp, x, dim, keepdim)),
    "any": any_,
    "any.dim": any_,
    "argmax": _arg_extreme("argmax"),
    "argmin": _arg_extreme("argmin"),
    "argsort": lambda xp, x, dim=-1, descending=False, stable=False: sort(xp, x, dim, descending)[1],
    "count_nonzero": lambda xp, x, dim=None: sum_(xp, x != 0, dim),
    "cummax": _cumulative_extreme("greater_equal"),
    "cummin": _cumulative_extreme("less_equal"),
    "cumprod": _cumulative("cumprod"),
    "cumsum": _cumulative("cumsum"),
    "kthvalue": kthvalue,
    "linalg_vector_norm": norm,
    "logcumsumexp": logcumsumexp,
    "logsumexp": logsumexp,
    "max": lambda xp, x: amax(xp, x),
    "max.dim": _extreme("argmax"),
    "mean": lambda xp, x, dtype=None: mean(xp, x, None, False, dtype),
    "mean.dim": mean,
    "median": median,
    "median.dim": median_dim,
    "min": lambda xp, x: amin(xp, x),
    "min.dim": _extreme("argmin"),
    "nanmean": nanmean,
    "nansum": nansum,
    "norm": norm,
    "prod": lambda xp, x, dtype=None: prod(xp, x, None, False, dtype),
    "prod.dim": prod,
    "sort": sort,
    "std": lambda xp, x, dim=None, correction=1, keepdim=False: xp.sqrt(var(xp, x, dim, correction, keepdim)),
    "std_mean": std_mean,
    "sum": lambda xp, x, dtype=None: sum_(xp, x, None, False, dtype),
    "sum.dim": sum_,
    "topk": topk,
    "var": var,
    "var_mean": var_mean,
}
