"""Sizes as tuples, and names in state dicts: what code around `torch.nn` imports from here."""

from __future__ import annotations

from functools import partial

from corten_nn._sizes import per_dim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["consume_prefix_in_state_dict_if_present"]


def _ntuple(n: int) -> Callable[[Any], tuple[Any, ...]]:
    """Return a function that repeats a number `n` times and makes a tuple of a sequence."""
    return partial(per_dim, dims=n)


_single, _pair, _triple, _quadruple = map(_ntuple, (1, 2, 3, 4))


def consume_prefix_in_state_dict_if_present(state_dict: dict[str, Any], prefix: str) -> None:
    """Take `prefix` ("module.", which wrappers of models add) from the names in a state dict, in place."""
    for names in (state_dict, getattr(state_dict, "_metadata", {})):
        for name in list(names):
            # The metadata name modules, without the dot at the end.
            if name.startswith(prefix) or (names is not state_dict and name and name == prefix.replace(".", "")):
                names[name[len(prefix) :]] = names.pop(name)
