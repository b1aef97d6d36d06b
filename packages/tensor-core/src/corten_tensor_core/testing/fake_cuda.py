"""A CUDA device that is host memory behind NumPy, for tests on machines without a GPU."""

from __future__ import annotations

from contextlib import contextmanager

from .. import _device

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


class FakeDevice:
    """Two devices whose memory NumPy allocates. The runtime treats it as out of the host's reach."""

    def __init__(self) -> None:
        import numpy

        self.xp = numpy

    def count(self) -> int:
        return 2

    def allocate(self, nbytes: int, index: int) -> tuple[int, Any]:
        memory = self.xp.empty(max(nbytes, 1), "uint8")
        return memory.ctypes.data, memory

    def array(self, address: int, typestr: str, shape: Any, strides: Any, owner: Any) -> Any:
        return self.xp.asarray(_Memory(address, typestr, shape, strides, owner))

    def from_host(self, array: Any) -> Any:
        return array.copy()

    def to_host(self, array: Any) -> Any:
        return array.copy()

    def synchronize(self) -> None:
        """Return: NumPy has finished when it returns."""

    def name(self, index: int) -> str:
        return "Fake device"


class _Memory:
    """What NumPy makes an array of, which keeps the owner alive."""

    def __init__(self, address: int, typestr: str, shape: Any, strides: Any, owner: Any) -> None:
        self._owner = owner
        self.__array_interface__ = {
            "version": 3,
            "data": (address, False),
            "typestr": typestr,
            "shape": tuple(shape),
            "strides": tuple(strides),
        }


@contextmanager
def fake_cuda() -> Iterator[None]:
    """Let device `cuda` be a fake inside a block."""
    before = _device.set_backend(FakeDevice())
    try:
        yield
    finally:
        _device.set_backend(before)
