"""Making a module without filling its parameters."""

from __future__ import annotations

from corten_nn._module import Module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def skip_init(module_cls: type[Module], *args: Any, **kwargs: Any) -> Module:
    """Return `module_cls(*args, **kwargs)` with uninitialised parameters; the class must accept `device`."""
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    device = kwargs.pop("device", "cpu")
    return module_cls(*args, **kwargs, device="meta").to_empty(device=device)
