"""The memory under a tensor, as an object to read from: its address, size and device; `set_` gives it to tensors."""

from __future__ import annotations

from corten_native import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

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


def set_(
    input: Tensor,
    source: Tensor | UntypedStorage | None = None,
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
    if isinstance(source, UntypedStorage):
        whole = source._tensor.as_strided([source.nbytes() // source._tensor.element_size()], [1], 0).view(input.dtype)
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
