"""Comparing results, and strategies that draw tensors for Hypothesis."""

from __future__ import annotations

from ._compare import assert_close

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["assert_close"]
_STRATEGIES = ("LAYOUTS", "broadcastable_shapes", "dtypes", "set_profile", "shapes", "tensors")


def __getattr__(name: str) -> Any:
    # Only tests have Hypothesis; `assert_close` works without it.
    if name in _STRATEGIES:
        from . import _strategies

        return getattr(_strategies, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, *_STRATEGIES]
