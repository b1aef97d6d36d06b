"""A device as a context manager and as a decorator: new tensors are made on it."""

from __future__ import annotations

import threading
from functools import wraps

from corten_native import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from corten_native import device


class _Outer(threading.local):
    """The default devices outside the blocks that this thread is in, the innermost last."""

    def __init__(self) -> None:
        self.devices: list[device] = []


_outer = _Outer()


def enter(place: device) -> None:
    """Make `place` the default device until `exit`."""
    _outer.devices.append(_native._default_device())
    _native._set_default_device(place)


def exit(place: device) -> None:
    """Restore the default device from before the latest `enter`."""
    _native._set_default_device(_outer.devices.pop())


def decorate(place: device, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` with `place` as the default device inside each call."""

    @wraps(function)
    def inside(*args: Any, **kwargs: Any) -> Any:
        with place:
            return function(*args, **kwargs)

    return inside
