"""CUDA devices, by CuPy. Without it, or without a device, `is_available()` is False and `"cuda"` is refused."""

from __future__ import annotations

from corten_native import _native
from corten_tensor_core import _device

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any


__all__ = [
    "current_device",
    "device",
    "device_count",
    "empty_cache",
    "get_device_name",
    "is_available",
    "manual_seed",
    "manual_seed_all",
    "set_device",
    "synchronize",
]


def is_available() -> bool:
    """Tell whether a CUDA device can be used."""
    return _device.available() is not None


def device_count() -> int:
    """Return how many CUDA devices there are."""
    found = _device.available()
    return 0 if found is None else int(found.count())


def _needed() -> Any:
    found = _device.available()
    if found is None:
        _device.backend()
        raise RuntimeError("Found no NVIDIA driver or device on your system")
    return found


def _index(device: Any) -> int:
    """Return the number of a device given as a number, a name, a `device` or None."""
    if device is None:
        return _device.current()
    if isinstance(device, int):
        return device
    place = _native.device(device)
    if place.type != "cuda":
        raise ValueError(f"Expected a cuda device, but got: {place}")
    return _device.current() if place.index is None else int(place.index)


def current_device() -> int:
    """Return the number of the current device."""
    _needed()
    return _device.current()


def set_device(device: Any) -> None:
    """Make a device the current one."""
    _needed()
    _device.set_current(_index(device))


def get_device_name(device: Any = None) -> str:
    """Return the name of a device."""
    return str(_needed().name(_index(device)))


def synchronize(device: Any = None) -> None:
    """Wait until a device has finished its work."""
    _index(device)
    _needed().synchronize()


def empty_cache() -> None:
    """Give memory that no tensor uses back to the device; without a device there is none."""
    found = _device.available()
    if found is not None and hasattr(found.xp, "get_default_memory_pool"):
        found.xp.get_default_memory_pool().free_all_blocks()


def manual_seed(seed: int) -> None:
    """Start the random numbers of the devices from `seed`. They come from the default generator, which is seeded."""
    if is_available():
        _native.default_generator.manual_seed(seed)


def manual_seed_all(seed: int) -> None:
    """Do what `manual_seed` does: one generator serves all devices."""
    manual_seed(seed)


class device:
    """`with cuda.device(1):` makes a device the current one inside a block."""

    def __init__(self, device: Any) -> None:
        self._index = _index(device)

    def __enter__(self) -> None:
        self._before = current_device()
        set_device(self._index)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        set_device(self._before)


def __getattr__(name: str) -> Any:
    if name == "amp":
        from importlib import import_module

        return import_module(f"{__name__}.amp")
    raise AttributeError(f"module 'torch.cuda' has no attribute '{name}'")
