"""How the public namespaces (`linalg`, `fft`, `special`) find their functions."""

from __future__ import annotations

from corten_native import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType
    from typing import Any


def rows(prefix: str) -> Mapping[str, Any]:
    """Return the native rows of a namespace by name."""
    spaces: Mapping[str, Mapping[str, Any]] = _native._namespaces
    return spaces.get(prefix, {})


def resolve(
    namespace: dict[str, Any], prefix: str, name: str, aliases: Mapping[str, str], composites: ModuleType | None
) -> Any:
    """Return the native row of that name, the function that `name` is an alias of, or a composite in Python.

    What is found is kept in the namespace, so that it is looked up once.
    """
    if name in namespace["__all__"]:
        found = rows(prefix).get(name)
        if found is None:
            found = getattr(_native, aliases.get(name, ""), None) or getattr(composites, name, None)
        if found is not None:
            namespace[name] = found
            return found
    raise AttributeError(f"module {namespace['__name__']!r} has no attribute {name!r}")
