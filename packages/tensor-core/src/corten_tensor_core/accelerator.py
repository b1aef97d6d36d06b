"""The device beside the host, whatever it is: `corten.accelerator`. Here that is CUDA, or nothing."""

from __future__ import annotations

from corten_native import device as _device

from . import cuda

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "current_accelerator",
    "current_device_index",
    "device_count",
    "empty_cache",
    "is_available",
    "set_device_index",
    "synchronize",
]

is_available = cuda.is_available
device_count = cuda.device_count
current_device_index = cuda.current_device
set_device_index = cuda.set_device
empty_cache = cuda.empty_cache


def current_accelerator(check_available: bool = False) -> _device | None:
    """Return the kind of accelerator, without a number, or None where there is none.

    What cannot be used counts as none, with and without `check_available`.
    """
    return _device("cuda") if cuda.is_available() else None


def synchronize(device: Any = None, /) -> None:
    """Wait until everything that was asked of a device, by default the current one, is done."""
    cuda.synchronize(device)
