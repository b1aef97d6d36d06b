"""What the families of array functions share: dtype names, halves, shapes."""

from __future__ import annotations

import functools

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def dtype_of(xp: Any, name: str) -> Any:
    """Return the array dtype of a dtype's name, with or without a module before it; bfloat16 computes as float32."""
    name = name.rpartition(".")[2]
    return xp.dtype("float32" if name == "bfloat16" else name)


def is_float(x: Any) -> bool:
    """Tell whether the array holds real floating-point numbers."""
    return bool(x.dtype.kind == "f")


def is_whole(x: Any) -> bool:
    """Tell whether an array or a Python number holds integers or truth values."""
    return x.dtype.kind in "biu" if hasattr(x, "dtype") else isinstance(x, int)


def real_dtype(xp: Any, dtype: Any) -> Any:
    """Return the dtype of the real part of a number of `dtype`."""
    return xp.empty(0, dtype).real.dtype


def scalar_like(xp: Any, value: Any, x: Any) -> Any:
    """Return `value` as a 0-d array of the dtype of `x`, so that it promotes nothing."""
    return xp.asarray(value, dtype=x.dtype)


def many(value: Any, count: int) -> tuple[int, ...]:
    """Return `value`, one number or a sequence of one or of `count`, as `count` integers."""
    if isinstance(value, int):
        return (value,) * count
    return tuple(value) * count if len(value) == 1 else tuple(value)


def axes(dim: Any, ndim: int) -> tuple[int, ...]:
    """Return the dimensions `dim` (None or an empty list: all) as non-negative numbers."""
    if dim is None or (not isinstance(dim, int) and len(dim) == 0):
        return tuple(range(ndim))
    dims = (dim,) if isinstance(dim, int) else dim
    return tuple(d % ndim if ndim else 0 for d in dims) if ndim else ()


def widened(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let `function` compute float16 arrays in float32, as PyTorch does, and round its results once."""

    @functools.wraps(function)
    def run(xp: Any, *args: Any) -> Any:
        kinds = {x.dtype.name for x in args if hasattr(x, "dtype")}
        if "float16" not in kinds:
            return function(xp, *args)
        wide = [x.astype(xp.float32) if getattr(x, "dtype", None) == xp.float16 else x for x in args]
        result = function(xp, *wide)
        if kinds & {"float32", "float64"}:
            return result
        if isinstance(result, tuple):
            return tuple(_rounded(xp, x) for x in result)
        return _rounded(xp, result)

    return run


def _rounded(xp: Any, x: Any) -> Any:
    return x.astype(xp.float16) if getattr(x, "dtype", None) == xp.float32 else x
