"""Special functions written with other operators."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from corten_native import Tensor


def softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Return the exponentials scaled to sum to 1 along `dim`."""
    return input.softmax(dim, dtype=dtype)


def log_softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Return the log of `softmax`."""
    return input.log_softmax(dim, dtype=dtype)
