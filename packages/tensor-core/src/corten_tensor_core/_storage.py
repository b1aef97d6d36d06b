"""The memory under a tensor, as an object to read from: its address, size and device."""

from __future__ import annotations

from corten_native import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from corten_native import Tensor, device


class UntypedStorage:
    """The bytes that a tensor and its views share. It keeps them alive, and equals every handle of the same bytes."""

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor.detach()
        self._address, self._size = _native._storage(tensor)

    def data_ptr(self) -> int:
        """Return the address of the first byte, 0 where there is no memory."""
        return self._address

    def nbytes(self) -> int:
        """Return the number of bytes."""
        return self._size

    size = nbytes
    __len__ = nbytes

    @property
    def device(self) -> device:
        """The device that holds the bytes."""
        return self._tensor.device

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UntypedStorage) and (self._address, self._size) == (other._address, other._size)

    def __hash__(self) -> int:
        return hash((self._address, self._size))

    def __repr__(self) -> str:
        return f"UntypedStorage({self._size} bytes on {self.device})"
