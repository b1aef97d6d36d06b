"""`torch.device` as a context manager and as a decorator: the default device inside a block or a function."""

from __future__ import annotations

import functools
from threading import local

from corten_native import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from corten_native import device


class _Entered(local):
    """The default devices from before each block that a thread is in, innermost last."""

    def __init__(self) -> None:
        self.before: list[device] = []


_entered = _Entered()


def enter(place: device) -> None:
    """Make `place` the default device until the matching `exit`."""
    _entered.before.append(_native._default_device())
    _native._set_default_device(place)


def exit(place: device) -> None:
    """Return to the default device from before the block."""
    _native._set_default_device(_entered.before.pop())


def decorate(place: device, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` with `place` as the default device while it runs."""

    @functools.wraps(function)
    def inside(*args: Any, **kwargs: Any) -> Any:
        enter(place)
        try:
            return function(*args, **kwargs)
        finally:
            exit(place)

    return inside
