"""Writing PyTorch's zip format: a pickle of the structure, and one file per storage."""

from __future__ import annotations

import collections
import functools
import io
import pickle
import sys
import zipfile

import corten_native as _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

    from corten_native import Tensor

# PyTorch names a storage's type after C; the dtypes that came later have none and go untyped.
STORAGES = {
    "float64": "DoubleStorage",
    "float32": "FloatStorage",
    "float16": "HalfStorage",
    "bfloat16": "BFloat16Storage",
    "int64": "LongStorage",
    "int32": "IntStorage",
    "int16": "ShortStorage",
    "int8": "CharStorage",
    "uint8": "ByteStorage",
    "bool": "BoolStorage",
    "complex64": "ComplexFloatStorage",
    "complex128": "ComplexDoubleStorage",
}
UNTYPED = ("uint16", "uint32", "uint64")
_ALIGNMENT = 64


class _Name:
    """Stands in a pickle for a name of PyTorch's, which need not be importable here."""

    def __init__(self, module: str, name: str) -> None:
        self.text = f"{module}\n{name}\n"

    def __call__(self) -> None:
        """Pickle asks that what builds a value can be called."""


class _Storage:
    """A storage as the pickle names it."""

    def __init__(self, key: str, tensor: Tensor) -> None:
        self.key = key
        self.tensor = tensor


_named = functools.cache(_Name)


# The pickler in C looks every name up in the running interpreter; the one in Python lets us write them.
if TYPE_CHECKING:

    class _PythonPickler:
        memo: dict[int, tuple[int, Any]]

        def __init__(self, file: Any, protocol: int) -> None: ...
        def write(self, data: bytes) -> None: ...
        def get(self, i: int) -> bytes: ...
        def memoize(self, obj: Any) -> None: ...
        def dump(self, obj: Any) -> None: ...
        def save(self, obj: Any, save_persistent_id: bool = True) -> None: ...

else:
    _PythonPickler = pickle._Pickler


class _Pickler(_PythonPickler):
    def __init__(self, file: Any, protocol: int) -> None:
        super().__init__(file, protocol)
        self.storages: dict[Any, _Storage] = {}
        # Whoever has a parameter has loaded its class.
        nn = sys.modules.get("corten_nn.parameter")
        self._parameter: Any = object() if nn is None else nn.Parameter

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        if isinstance(obj, _native.dtype):
            obj = _named("torch", _dtype_name(obj))
        elif obj is _native.Tensor:
            obj = _named("torch", "Tensor")
        elif obj is self._parameter:
            obj = _named("torch.nn.parameter", "Parameter")
        if isinstance(obj, _Name):
            if id(obj) in self.memo:
                self.write(self.get(self.memo[id(obj)][0]))
            else:
                self.write(pickle.GLOBAL + obj.text.encode())
                self.memoize(obj)
        else:
            super().save(obj, save_persistent_id)

    def persistent_id(self, obj: Any) -> Any:
        if not isinstance(obj, _Storage):
            return None
        x = obj.tensor
        name, nbytes = _dtype_name(x.dtype), x.untyped_storage().nbytes()
        if name in UNTYPED:
            kind, count = _named("torch.storage", "UntypedStorage"), nbytes
        else:
            kind, count = _named("torch", STORAGES[name]), nbytes // x.element_size()
        return ("storage", kind, obj.key, str(x.device), count)

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, _native.Tensor):
            return self._tensor(obj)
        if isinstance(obj, _native.Size):
            return _named("torch", "Size"), (tuple(obj),)
        if isinstance(obj, _native.device):
            return _named("torch", "device"), (obj.type,) if obj.index is None else (obj.type, obj.index)
        return NotImplemented

    def _tensor(self, x: Tensor) -> Any:
        kind, attributes = type(x), dict(x.__dict__)
        if kind is self._parameter:
            arguments: Any = (x.detach(), x.requires_grad, collections.OrderedDict())
            if attributes:
                return _named("torch._utils", "_rebuild_parameter_with_state"), (*arguments, attributes)
            return _named("torch._utils", "_rebuild_parameter"), arguments
        rebuild, parts = self._plain_tensor(x)
        if kind is _native.Tensor and not attributes:
            return rebuild, parts
        return _named("torch._tensor", "_rebuild_from_type_v2"), (rebuild, kind, parts, attributes)

    def _plain_tensor(self, x: Tensor) -> tuple[_Name, tuple[Any, ...]]:
        parts: tuple[Any, ...]
        if x.device.type == "meta":
            parts = (x.dtype, tuple(x.shape), tuple(x.stride()), x.requires_grad)
            return _named("torch._utils", "_rebuild_meta_tensor_no_storage"), parts
        place = x.untyped_storage()
        # Empty storages have no address and share nothing.
        key = (str(x.device), place.data_ptr()) if place.nbytes() else id(x)
        storage = self.storages.setdefault(key, _Storage(str(len(self.storages)), x.detach()))
        if storage.tensor.dtype != x.dtype:
            raise pickle.PicklingError(
                f"cannot save tensors that view one storage as {storage.tensor.dtype} and as {x.dtype}; clone one first"
            )
        layout = (x.storage_offset(), tuple(x.shape), tuple(x.stride()))
        parts = (storage, *layout, x.requires_grad, collections.OrderedDict())
        if _dtype_name(x.dtype) in UNTYPED:
            return _named("torch._utils", "_rebuild_tensor_v3"), (*parts, x.dtype)
        return _named("torch._utils", "_rebuild_tensor_v2"), parts


def _dtype_name(dtype: Any) -> str:
    return str(dtype).rpartition(".")[2]


def _whole_storage(x: Tensor) -> Tensor:
    """Return a tensor over all bytes of the storage of `x`, on the CPU."""
    count = x.untyped_storage().nbytes() // x.element_size()
    return x.as_strided([count], [1], 0).cpu().view(_native.uint8)


def write(obj: Any, file: BinaryIO, protocol: int) -> None:
    """Write `obj`, pickled in `protocol`, and the storages of its tensors to a file open for writing."""
    structure = io.BytesIO()
    pickler = _Pickler(structure, protocol)
    pickler.dump(obj)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, "data.pkl", structure.getvalue())
        _add(archive, "byteorder", sys.byteorder.encode())
        for storage in pickler.storages.values():
            data: Any = b""
            if storage.tensor.untyped_storage().nbytes():
                data = memoryview(_whole_storage(storage.tensor).numpy())
            _add(archive, f"data/{storage.key}", data)
        _add(archive, "version", b"3\n")


def _add(archive: zipfile.ZipFile, name: str, data: Any) -> None:
    """Add a file whose data starts at a multiple of 64 bytes, as PyTorch has it so that files can be mapped."""
    info = zipfile.ZipInfo(f"archive/{name}")
    # From 2 GiB on, zipfile puts a field of 20 bytes for the long sizes before ours.
    long = len(data) >= 2**31
    start = archive.fp.tell() + 30 + len(info.filename) + 4 + 20 * long if archive.fp is not None else 0
    padding = -start % _ALIGNMENT
    info.extra = b"FB" + padding.to_bytes(2, "little") + b"Z" * padding
    with archive.open(info, "w", force_zip64=long) as entry:
        entry.write(data)
