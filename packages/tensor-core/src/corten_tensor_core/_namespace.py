"""How the public namespaces (`linalg`, `fft`, `special`) find their functions."""

from __future__ import annotations

import corten_native as _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType
    from typing import Any


def resolve(
    namespace: dict[str, Any], prefix: str, name: str, aliases: Mapping[str, str], composites: ModuleType
) -> Any:
    """Return the native row `<prefix>_<name>`, the function that `name` is an alias of, or a composite in Python.

    What is found is kept in the namespace, so that it is looked up once.
    """
    if name in namespace["__all__"]:
        for place, key in ((_native, f"{prefix}_{name}"), (_native, aliases.get(name, "")), (composites, name)):
            found = getattr(place, key, None) if key else None
            if found is not None:
                namespace[name] = found
                return found
    raise AttributeError(f"module {namespace['__name__']!r} has no attribute {name!r}")
