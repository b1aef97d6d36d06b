"""Where a module keeps its parameters, buffers and submodules.

Each of the three kinds has a plain dict inside the module's `__dict__` that holds its names in order, None entries
included, and each entry stands a second time in `__dict__` itself: so `self.weight` is one lookup by the
interpreter. `module._parameters` gives a `SlotView`, a mapping that changes both places. As nothing but plain dicts
is stored, copying, pickling and `__dict__.update` need no special care.
"""

from __future__ import annotations

from collections.abc import MutableMapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import ItemsView, Iterator, KeysView, ValuesView
    from typing import Any

_MISSING = object()


class SlotView(MutableMapping):  # type: ignore[type-arg]
    """The entries of one kind of a module, by name; changes reach the module's attributes at once."""

    __slots__ = ("_entries", "_module")

    def __init__(self, entries: dict[str, Any], module: object) -> None:
        self._entries = entries
        self._module = module

    def __getitem__(self, name: str) -> Any:
        return self._entries[name]

    def __setitem__(self, name: str, value: Any) -> None:
        state = self._module.__dict__
        present = state.get(name, _MISSING)
        before = self._entries.get(name, _MISSING)
        self._entries[name] = value
        # An attribute of the class or a plain one of the instance with this name keeps precedence.
        if present is before and (present is not _MISSING or not hasattr(type(self._module), name)):
            state[name] = value

    def __delitem__(self, name: str) -> None:
        entry = self._entries.pop(name)
        if self._module.__dict__.get(name, _MISSING) is entry:
            del self._module.__dict__[name]

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._entries)

    def __or__(self, other: Any) -> dict[str, Any]:
        return self._entries | dict(other)

    def __ror__(self, other: Any) -> dict[str, Any]:
        return dict(other) | self._entries

    def __ior__(self, other: Any) -> SlotView:
        self.update(other)
        return self

    def __repr__(self) -> str:
        return repr(self._entries)

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (self._entries,)

    def keys(self) -> KeysView[str]:
        """Names in the order of registration."""
        return self._entries.keys()

    def values(self) -> ValuesView[Any]:
        """Entries in the order of registration."""
        return self._entries.values()

    def items(self) -> ItemsView[str, Any]:
        """Pairs of name and entry in the order of registration."""
        return self._entries.items()

    def copy(self) -> dict[str, Any]:
        """A plain dict of the entries, independent of the module."""
        return self._entries.copy()

    def move_to_end(self, name: str, last: bool = True) -> None:
        """Move `name` to the end, or to the start when `last` is false."""
        entry = self._entries.pop(name)
        rest = {} if last else self._entries.copy()
        if not last:
            self._entries.clear()
        self._entries[name] = entry
        self._entries.update(rest)


class Slots:
    """Descriptor of one kind: reading gives a `SlotView`, assigning a mapping replaces all entries."""

    __slots__ = ("_key",)

    def __set_name__(self, owner: type, name: str) -> None:
        self._key = name

    def __get__(self, module: Any, owner: type) -> SlotView:
        if module is None:
            return self  # type: ignore[return-value]
        try:
            return SlotView(module.__dict__[self._key], module)
        except KeyError:
            raise AttributeError(f"'{type(module).__name__}' object has no attribute '{self._key}'") from None

    def __set__(self, module: Any, entries: Any) -> None:
        state = module.__dict__
        entries = dict(entries)
        if self._key in state:
            SlotView(state[self._key], module).clear()
        state[self._key] = {}
        SlotView(state[self._key], module).update(entries)
