"""Devices beyond the host: who allocates their memory, and how an array module sees it.

A backend has `xp`, an array module with NumPy's functions; `count()`; `allocate(nbytes, index) -> (address, owner)`;
`array(address, typestr, shape, strides, owner)`, an array over such memory (strides in bytes); `from_host(array)` and
`to_host(array)`; `synchronize()` and `name(index)`.
"""

from __future__ import annotations

import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MISSING = "device 'cuda' needs CuPy: pip install cupy-cuda12x"
_state: dict[str, Any] = {"backend": None, "index": 0}


class CuPy:
    """CUDA devices by CuPy."""

    def __init__(self) -> None:
        import cupy

        self.xp = cupy

    def count(self) -> int:
        return int(self.xp.cuda.runtime.getDeviceCount())

    def allocate(self, nbytes: int, index: int) -> tuple[int, Any]:
        with self.xp.cuda.Device(index):
            memory = self.xp.cuda.alloc(nbytes)
        return int(memory.ptr), memory

    def array(self, address: int, typestr: str, shape: Any, strides: Any, owner: Any) -> Any:
        dtype = self.xp.dtype(typestr)
        reach = sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
        memory = self.xp.cuda.UnownedMemory(address, reach + dtype.itemsize, owner)
        return self.xp.ndarray(shape, dtype, self.xp.cuda.MemoryPointer(memory, 0), strides)

    def from_host(self, array: Any) -> Any:
        return self.xp.asarray(array)

    def to_host(self, array: Any) -> Any:
        return self.xp.asnumpy(array)

    def synchronize(self) -> None:
        self.xp.cuda.get_current_stream().synchronize()

    def name(self, index: int) -> str:
        return str(self.xp.cuda.runtime.getDeviceProperties(index)["name"].decode())


def set_backend(backend: Any) -> Any:
    """Make `backend` the one of device `cuda` (None: CuPy at need); return the one before."""
    before, _state["backend"] = _state["backend"], backend
    return before


def available() -> Any:
    """Return the backend if there is one with a device, else None."""
    try:
        found = backend()
        return found if found.count() > 0 else None
    except Exception:  # CuPy's own exceptions tell of a missing driver; without CuPy there is nothing to ask.
        return None


def backend() -> Any:
    """Return the backend of device `cuda`; raises `RuntimeError` that says what to install."""
    if _state["backend"] is None:
        try:
            _state["backend"] = CuPy()
        except ImportError as error:
            raise RuntimeError(_MISSING) from error
    return _state["backend"]


def allocate(nbytes: int, index: int) -> tuple[int, Any]:
    """Allocate on a device; the memory lives as long as the owner. The native runtime calls this."""
    found = backend()
    count = found.count()
    if index >= count:
        raise RuntimeError(f"CUDA error: invalid device ordinal: cuda:{index} of {count} devices")
    address, owner = found.allocate(nbytes, index)
    return int(address), owner


def current() -> int:
    """Return the number of the current device."""
    return int(_state["index"])


def set_current(index: int) -> None:
    """Make a device the current one."""
    count = backend().count()
    if not 0 <= index < count:
        raise RuntimeError(f"CUDA error: invalid device ordinal: {index} of {count} devices")
    _state["index"] = index


def array_of(tensor: Any, typestr: str) -> Any:
    """Return the array over a tensor's memory on a CUDA device."""
    found, shape = backend(), tuple(tensor.shape)
    if not math.prod(shape):
        return found.xp.empty(shape, typestr)
    size = int(typestr[2:])
    return found.array(tensor.data_ptr(), typestr, shape, tuple(n * size for n in tensor.stride()), tensor)
