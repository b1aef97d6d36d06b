"""Sizes given once for all dimensions or once per dimension."""

from __future__ import annotations

from collections.abc import Iterable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def per_dim(value: Any, dims: int) -> tuple[Any, ...]:
    """Return `value` as a tuple: an iterable in its own length, anything else repeated `dims` times."""
    return tuple(value) if isinstance(value, Iterable) else (value,) * dims


def reversed_twice(sizes: tuple[int, ...]) -> list[int]:
    """Return `sizes` last first and each twice, as `functional.pad` counts its amounts."""
    return [size for size in reversed(sizes) for _ in range(2)]
