"""The host as a device, by the names that other devices have."""

from __future__ import annotations

from . import amp as amp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["amp", "current_device", "device_count", "is_available", "synchronize"]


def is_available() -> bool:
    """Return True."""
    return True


def device_count() -> int:
    """Return 1."""
    return 1


def current_device() -> str:
    """Return "cpu"."""
    return "cpu"


def synchronize(device: Any = None) -> None:
    """Return at once: work on the host is done when a call returns."""
