"""The memory under a tensor as an object, in bytes or in elements; `set_` gives it to tensors."""

from __future__ import annotations

from corten_native import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from corten_native import Tensor, device, dtype


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


class TypedStorage:
    """The memory that a tensor and its views share, as elements in the order in which they lie there."""

    def __init__(self, tensor: Tensor) -> None:
        self._bytes = UntypedStorage(tensor)
        self._elements = _whole(self._bytes, tensor.dtype)

    def untyped(self) -> UntypedStorage:
        """Return the same memory as bytes."""
        return self._bytes

    def data_ptr(self) -> int:
        """Return the address of the first element, 0 where there is no memory."""
        return self._bytes.data_ptr()

    def nbytes(self) -> int:
        """Return the number of bytes."""
        return self._bytes.nbytes()

    def element_size(self) -> int:
        """Return the number of bytes of an element."""
        return self._elements.element_size()

    def size(self) -> int:
        """Return the number of elements."""
        return self._elements.numel()

    __len__ = size

    @property
    def dtype(self) -> dtype:
        """What the bytes are read as."""
        return self._elements.dtype

    @property
    def device(self) -> device:
        """The device that holds the elements."""
        return self._elements.device

    def tolist(self) -> list[Any]:
        """Return the elements as Python numbers."""
        values: list[Any] = self._elements.tolist()
        return values

    def fill_(self, value: float) -> TypedStorage:
        """Set every element to `value`; return the storage."""
        self._elements.fill_(value)
        return self

    def __getitem__(self, index: int) -> Any:
        if not isinstance(index, int):
            raise RuntimeError(f"can't index a {type(self).__name__} with {type(index).__name__}")
        return self._elements[self._checked(index)].item()

    def __setitem__(self, index: int | slice, value: Any) -> None:
        if not isinstance(index, (int, slice)):
            raise RuntimeError(f"can't index a {type(self).__name__} with {type(index).__name__}")
        self._elements[index if isinstance(index, slice) else self._checked(index)] = value

    def _checked(self, index: int) -> int:
        if not -self.size() <= index < self.size():
            raise IndexError(f"index {index} out of range for storage of size {self.size()}")
        return index

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TypedStorage) and self.dtype == other.dtype and self._bytes == other._bytes

    def __hash__(self) -> int:
        return hash((self._bytes, self.dtype))

    def __repr__(self) -> str:
        kind = f"[torch.storage.TypedStorage(dtype={self.dtype}, device={self.device}) of size {self.size()}]"
        return "".join(f" {value}\n" for value in self) + kind if self.device.type != "meta" else f"...\n{kind}"


def _whole(storage: UntypedStorage, dtype: dtype) -> Tensor:
    """Return all of the memory as a tensor of one dimension."""
    tensor = storage._tensor
    return tensor.as_strided([storage.nbytes() // tensor.element_size()], [1], 0).view(dtype)


def set_(
    input: Tensor,
    source: Tensor | UntypedStorage | TypedStorage | None = None,
    storage_offset: int = 0,
    size: Sequence[int] | None = None,
    stride: Sequence[int] | None = None,
) -> Tensor:
    """Have `input` show the memory of `source`, a tensor or storage, as it lies there or as told; return it.

    Without a source it has no elements. Raises `RuntimeError` for another dtype or device, for what lies outside the
    memory, and where `input` requires grad; `TypeError` for other sources.
    """
    if source is None:
        return _native._set_source_(input, input.new_empty(0))
    if isinstance(source, TypedStorage) and source.dtype == input.dtype:
        source = source.untyped()
    if isinstance(source, UntypedStorage):
        whole = _whole(source, input.dtype)
        size = [whole.numel() - storage_offset] if size is None else size
    elif isinstance(source, _native.Tensor):
        if size is None:
            return _native._set_source_(input, source)
        whole = source.detach()
    else:
        raise TypeError(
            f"set_(): argument 'source' (position 1) must be Tensor or UntypedStorage, not {type(source).__name__}"
        )
    stride = _native.empty(size, device="meta").stride() if stride is None or not stride else stride
    return _native._set_source_(input, whole.as_strided(size, stride, storage_offset))
