"""An optimizer's state, and the flat lists made from it for the native step.

A step over many small parameters must not look up every parameter's state. So the lists are kept from step to
step, and the dicts that hold the state note every change made to them from outside.
"""

from __future__ import annotations

from collections import defaultdict
from operator import is_

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from corten_optim._backend import Tensor

_MUTATORS = ("__delitem__", "__ior__", "clear", "pop", "popitem", "setdefault", "update")


class Changes:
    """Whether some state was changed since the flat lists were made."""

    __slots__ = ("pending",)

    def __init__(self) -> None:
        self.pending = True


def _noting(base: type, name: str) -> Callable[..., Any]:
    method = getattr(base, name)

    def mutate(self: Any, *args: Any, **kwargs: Any) -> Any:
        self._changes.pending = True
        return method(self, *args, **kwargs)

    mutate.__name__ = name
    return mutate


class ParamState(dict):  # type: ignore[type-arg]
    """The state of one parameter."""

    __slots__ = ("_changes",)

    def __init__(self, changes: Changes, entries: Mapping[str, Any] | tuple[()] = ()) -> None:
        dict.__init__(self, entries)
        self._changes = changes

    def __setitem__(self, key: str, value: Any) -> None:
        self._changes.pending = True
        dict.__setitem__(self, key, value)

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


class State(defaultdict):  # type: ignore[type-arg]
    """The state of all parameters: a `defaultdict(dict)` that notes changes, also within its entries."""

    __slots__ = ("_changes",)

    def __init__(self, changes: Changes, entries: Mapping[Any, Any] | tuple[()] = ()) -> None:
        defaultdict.__init__(self, dict)
        self._changes = changes
        for key, value in dict(entries).items():
            self[key] = value

    def __repr__(self) -> str:
        return repr(defaultdict(dict, self))

    def __setitem__(self, key: Any, value: Any) -> None:
        self._changes.pending = True
        if type(value) is dict:
            value = ParamState(self._changes, value)
        defaultdict.__setitem__(self, key, value)

    def __missing__(self, key: Any) -> ParamState:
        value = ParamState(self._changes)
        self[key] = value
        return value

    def __reduce__(self) -> tuple[Any, ...]:
        return defaultdict, (dict, dict(self))


for _name in _MUTATORS:
    setattr(ParamState, _name, _noting(dict, _name))
    setattr(State, _name, _noting(defaultdict, _name))


class Bucket:
    """The parameters of a group that have one dtype and device, with their state in parallel lists."""

    __slots__ = ("indices", "params", "state")

    def __init__(self, indices: list[int], params: list[Tensor], state: list[list[Any]]) -> None:
        self.indices, self.params, self.state = indices, params, state


class FlatGroup:
    """The buckets of one parameter group, for the parameters that had a gradient when it was made."""

    __slots__ = ("buckets", "keys", "params")

    def __init__(self, params: list[Tensor], keys: tuple[str, ...], entries: list[Any]) -> None:
        self.params, self.keys = params, keys
        by_kind: dict[Any, list[int]] = {}
        for i, param in enumerate(params):
            by_kind.setdefault((param.dtype, param.device), []).append(i)
        self.buckets = [
            Bucket(
                indices,
                [params[i] for i in indices],
                [[entries[i].get(key) for i in indices] for key in keys],
            )
            for indices in by_kind.values()
        ]

    def fits(self, params: list[Tensor], keys: tuple[str, ...]) -> bool:
        """Whether this was made for the same parameters and kinds of state."""
        return self.keys == keys and len(params) == len(self.params) and all(map(is_, params, self.params))


def with_gradients(params: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """The parameters that have a gradient, in new lists, and these gradients."""
    grads = [grad for param in params if (grad := param.grad) is not None]
    if len(grads) == len(params):
        return params, grads
    return [param for param in params if param.grad is not None], grads


def plain(values: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    """The items as a dict in which every parameter's state is a plain dict."""
    return {key: dict(value) if isinstance(value, ParamState) else value for key, value in values}
