"""Numbers as tuples, as layers of one's own take them: `_pair(3)` is (3, 3)."""

from __future__ import annotations

import functools

from corten_nn._sizes import per_dim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def _ntuple(n: int) -> Callable[[Any], tuple[Any, ...]]:
    """Return a function that repeats a number `n` times and makes a tuple of a sequence."""
    return functools.partial(per_dim, dims=n)


_single = _ntuple(1)
_pair = _ntuple(2)
_triple = _ntuple(3)
_quadruple = _ntuple(4)
