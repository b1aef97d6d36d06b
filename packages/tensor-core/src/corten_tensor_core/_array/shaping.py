"""Rows that move elements without arithmetic: casts, copies, joins, factories."""

from __future__ import annotations

from .base import dtype_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def to_dtype(xp: Any, x: Any, dtype: str) -> Any:
    """Cast; a complex number that becomes real keeps its real part, a float that becomes whole loses its fraction."""
    target = dtype_of(xp, dtype)
    if target.kind == "b":
        return x != 0
    if x.dtype.kind == "c" and target.kind != "c":
        x = x.real
    if x.dtype.kind == "f" and target.kind in "u":
        return x.astype(xp.int64).astype(target)
    return x.astype(target)


def cat(xp: Any, tensors: Any, dim: int = 0) -> Any:
    # An empty vector joins anything: PyTorch's old rule.
    parts = [x for x in tensors if x.shape != (0,)] or list(tensors)
    return xp.concatenate(parts, axis=dim)


def roll(xp: Any, x: Any, shifts: Any, dims: Any = None) -> Any:
    if dims is None or (not isinstance(dims, int) and not dims):
        dims = None
        shifts = shifts if isinstance(shifts, int) else shifts[0]
    return xp.roll(x, shifts, axis=dims)


def repeat_interleave(xp: Any, x: Any, repeats: Any, dim: int | None = None) -> Any:
    # CuPy takes the counts as a list only.
    repeats = repeats if isinstance(repeats, int) else repeats.tolist()
    return xp.repeat(x, repeats, axis=dim) if dim is not None else xp.repeat(x.reshape(-1), repeats)


def diag_embed(xp: Any, x: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    length, side = x.shape[-1], x.shape[-1] + abs(offset)
    result = xp.zeros((*x.shape[:-1], side, side), dtype=x.dtype)
    steps = xp.arange(length)
    result[..., steps + max(-offset, 0), steps + max(offset, 0)] = x
    return xp.moveaxis(result, (-2, -1), (dim1, dim2))


def copy(xp: Any, x: Any, source: Any, non_blocking: bool = False) -> Any:
    """Return what `x.copy_(source)` leaves in `x`."""
    return to_dtype(xp, xp.broadcast_to(source, x.shape), x.dtype.name)


def linspace(xp: Any, start: float, end: float, steps: int, dtype: str) -> Any:
    target = dtype_of(xp, dtype)
    return xp.linspace(start, end, steps).astype(target) if steps else xp.empty(0, target)


def logspace(xp: Any, start: float, end: float, steps: int, base: float, dtype: str) -> Any:
    target = dtype_of(xp, dtype)
    return xp.power(float(base), xp.linspace(start, end, steps)).astype(target) if steps else xp.empty(0, target)


ROWS: dict[str, Callable[..., Any]] = {
    "arange": lambda xp, start, end, step, dtype: xp.arange(start, end, step).astype(dtype_of(xp, dtype)),
    "cat": cat,
    "clone": lambda xp, x: x.copy(),
    "contiguous": lambda xp, x: xp.ascontiguousarray(x).reshape(x.shape),
    "copy": copy,
    "diag_embed": diag_embed,
    "eye": lambda xp, n, m, dtype: xp.eye(n, m, dtype=dtype_of(xp, dtype)),
    "fill": lambda xp, x, value: xp.full(x.shape, value, dtype=x.dtype),
    "flip": lambda xp, x, dims: xp.flip(x, axis=tuple(dims)) if len(dims) else x.copy(),
    "full": lambda xp, size, value, dtype: xp.full(tuple(size), value, dtype=dtype_of(xp, dtype)),
    "linspace": linspace,
    "logspace": logspace,
    "ones": lambda xp, size, dtype: xp.ones(tuple(size), dtype=dtype_of(xp, dtype)),
    "repeat": lambda xp, x, repeats: xp.tile(x, tuple(repeats)),
    "repeat_interleave": repeat_interleave,
    "roll": roll,
    "stack": lambda xp, tensors, dim=0: xp.stack(list(tensors), axis=dim),
    "to": to_dtype,
    "tril": lambda xp, x, diagonal=0: xp.tril(x, diagonal),
    "triu": lambda xp, x, diagonal=0: xp.triu(x, diagonal),
    "zeros": lambda xp, size, dtype: xp.zeros(tuple(size), dtype=dtype_of(xp, dtype)),
}
