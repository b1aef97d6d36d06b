"""The array backend: what a row does on arrays of a module `xp`, NumPy or CuPy.

`ARRAY[name](xp, *args)` is given the row's arguments in the row's order: arrays for tensors, already promoted by the
row's rule and broadcastable, names for dtypes, numbers, lists and `None` for the rest. bfloat16 arrives as float32;
whoever calls rounds the result. A row returns an array, or a tuple of them.
"""

from __future__ import annotations

import contextlib

from . import (
    convolution,
    fft,
    indexing,
    linalg,
    neural,
    pointwise,
    pooling,
    products,
    random,
    reduction,
    shaping,
    special,
    windows,
)
from .base import widened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_ARITHMETIC = (pointwise, special, reduction, products, convolution, windows, pooling, neural)
_MOVING = (shaping, indexing, linalg, fft, random)

ARRAY: dict[str, Callable[..., Any]] = {
    **{name: widened(row) for family in _ARITHMETIC for name, row in family.ROWS.items()},
    **{name: row for family in _MOVING for name, row in family.ROWS.items()},
    **neural.UNWIDENED,
}


def call(name: str, xp: Any, *args: Any) -> Any:
    """Run a row without floating-point warnings; NumPy's scalars become 0-d arrays."""
    quiet = xp.errstate(all="ignore") if xp.__name__ == "numpy" else contextlib.nullcontext()
    with quiet:
        result = ARRAY[name](xp, *args)
    return tuple(xp.asarray(x) for x in result) if isinstance(result, tuple) else xp.asarray(result)


def run(name: str, args: tuple[Any, ...], outs: tuple[Any, ...]) -> None:
    """Compute a row of tensors into `outs`; the runtime calls this."""
    from .tensors import run as compute

    compute(name, args, outs)


def make(name: str, args: tuple[Any, ...]) -> Any:
    """Return the result of a row whose shape depends on data; the runtime calls this."""
    from .tensors import make as compute

    return compute(name, args)
