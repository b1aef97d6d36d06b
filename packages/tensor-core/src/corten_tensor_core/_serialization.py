"""`save` and `load` of PyTorch's zip format: a pickle of the structure, and one file per storage.

Tensors that share a storage still do after loading. Reading executes nothing (see `_unpickle`), writing is atomic.
"""

from __future__ import annotations

import collections
import functools
import io
import os
import pickle
import struct
import sys
import zipfile

import corten_native as _native

from ._creation import frombuffer
from ._files import write_atomically
from ._unpickle import PLAIN, Global, Reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, BinaryIO

    from corten_native import Tensor

# PyTorch names a storage's type after C; the dtypes that came later have none and go untyped.
_STORAGES = {
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
_UNTYPED = ("uint16", "uint32", "uint64")
_ALIGNMENT = 64
_LEGACY_START = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"

# What zipfile raises for bytes that are not what they should be, encrypted or of unknown versions included.
_DAMAGED = (zipfile.BadZipFile, EOFError, OSError, ValueError, RuntimeError, struct.error)

_allowed: dict[str, Global] = {}
_parameter_class: type | None = None


def register_parameter(cls: type) -> None:
    """Tell which class stands for parameters: `cls(data, requires_grad)`. Without one they load as tensors."""
    global _parameter_class
    _parameter_class = cls


def add_safe_globals(classes: Iterable[Any]) -> None:
    """Allow `load` to build instances of these classes, or `(class, "module.name")` for one under another name.

    Only for classes whose construction from a hostile file does no harm.
    """
    for item in classes:
        cls, name = item if isinstance(item, tuple) else (item, f"{item.__module__}.{item.__qualname__}")
        _allowed[name] = Global(cls, cls)


def get_safe_globals() -> list[Any]:
    """Return the classes that `add_safe_globals` allowed."""
    return [allowed.value for allowed in _allowed.values()]


def clear_safe_globals() -> None:
    """Forget what `add_safe_globals` allowed."""
    _allowed.clear()


class safe_globals:
    """Context manager that allows classes as `add_safe_globals` does, until its end."""

    def __init__(self, classes: Iterable[Any]) -> None:
        self._classes = classes

    def __enter__(self) -> None:
        self._before = dict(_allowed)
        add_safe_globals(self._classes)

    def __exit__(self, *_: object) -> None:
        _allowed.clear()
        _allowed.update(self._before)


def save(obj: Any, f: Any) -> None:
    """Write tensors, and plain Python values around them, to a path or a binary file object.

    A path gets the whole file or stays as it was.
    """
    if isinstance(f, (str, bytes, os.PathLike)):
        write_atomically(f, lambda file: _write(obj, file))
    elif hasattr(f, "write"):
        _write(obj, f)
    else:
        raise AttributeError(f"expected 'f' to be a path or to have a write method, got {type(f).__name__}")


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
    def __init__(self, file: Any) -> None:
        super().__init__(file, protocol=2)
        self.storages: dict[Any, _Storage] = {}

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        if isinstance(obj, _native.dtype):
            obj = _named("torch", str(obj).rpartition(".")[2])
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
        name, nbytes = _dtype_name(x), x.untyped_storage().nbytes()
        if name in _UNTYPED:
            kind, count = _named("torch.storage", "UntypedStorage"), nbytes
        else:
            kind, count = _named("torch", _STORAGES[name]), nbytes // x.element_size()
        return ("storage", kind, obj.key, str(x.device), count)

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, _native.Tensor):
            if _parameter_class is not None and issubclass(type(obj), _parameter_class):
                data: Any = obj.detach()
                hooks: dict[str, Any] = collections.OrderedDict()
                return _named("torch._utils", "_rebuild_parameter"), (data, obj.requires_grad, hooks)
            return self._tensor(obj)
        if isinstance(obj, _native.Size):
            return _named("torch", "Size"), (tuple(obj),)
        if isinstance(obj, _native.device):
            return _named("torch", "device"), (obj.type,) if obj.index is None else (obj.type, obj.index)
        return NotImplemented

    def _tensor(self, x: Tensor) -> Any:
        if x.device.type == "meta":
            raise pickle.PicklingError("a tensor on the meta device has no data to save")
        place = x.untyped_storage()
        # Empty storages have no address and share nothing.
        key = (str(x.device), place.data_ptr()) if place.nbytes() else id(x)
        storage = self.storages.setdefault(key, _Storage(str(len(self.storages)), x.detach()))
        if storage.tensor.dtype != x.dtype:
            raise pickle.PicklingError(
                f"cannot save tensors that view one storage as {storage.tensor.dtype} and as {x.dtype}; clone one first"
            )
        parts: list[Any] = [storage, x.storage_offset(), tuple(x.shape), tuple(x.stride()), x.requires_grad]
        parts.append(collections.OrderedDict())
        if _dtype_name(x) in _UNTYPED:
            return _named("torch._utils", "_rebuild_tensor_v3"), (*parts, _named("torch", _dtype_name(x)))
        return _named("torch._utils", "_rebuild_tensor_v2"), tuple(parts)


def _dtype_name(x: Any) -> str:
    return str(x.dtype).rpartition(".")[2]


def _whole_storage(x: Tensor) -> Tensor:
    """Return a tensor over all bytes of the storage of `x`, on the CPU."""
    count = x.untyped_storage().nbytes() // x.element_size()
    return x.as_strided([count], [1], 0).cpu().view(_native.uint8)


def _write(obj: Any, file: BinaryIO) -> None:
    structure = io.BytesIO()
    pickler = _Pickler(structure)
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
    start = archive.fp.tell() + 30 + len(info.filename) + 4 if archive.fp is not None else 0
    padding = -start % _ALIGNMENT
    info.extra = b"FB" + padding.to_bytes(2, "little") + b"Z" * padding
    with archive.open(info, "w", force_zip64=len(data) >= 2**31) as entry:
        entry.write(data)


def load(f: Any, map_location: Any = None, *, weights_only: bool = True) -> Any:
    """Read what `save` or PyTorch's `save` wrote, from a path or a seekable binary file object.

    `map_location` is a device for all tensors, or a dict from saved device to device. Nothing in the file is ever
    executed, also with `weights_only=False`: a file that needs a class is refused with `pickle.UnpicklingError`, unless
    the class was allowed with `add_safe_globals`.
    """
    if not isinstance(map_location, (type(None), str, dict, _native.device)):
        raise TypeError(f"map_location must be a device, a string or a dict, got {type(map_location).__name__}")
    if isinstance(f, (str, bytes, os.PathLike)):
        with open(f, "rb") as file:
            return _read(file, os.fsdecode(f), map_location)
    if not (hasattr(f, "read") and hasattr(f, "seek")):
        raise AttributeError(f"expected 'f' to be a path or a seekable binary file, got {type(f).__name__}")
    return _read(f, "the file", map_location)


def _read(file: BinaryIO, label: str, map_location: Any) -> Any:
    start = file.read(len(_LEGACY_START))
    length = file.seek(0, os.SEEK_END)
    file.seek(0)
    if start == _LEGACY_START:
        raise pickle.UnpicklingError(
            f"{label} is in the format from before PyTorch 1.6; load it there and save it again in the zip format"
        )
    try:
        archive = zipfile.ZipFile(file)
    except _DAMAGED as error:
        raise RuntimeError(f"{label} is not a zip archive of tensors, or was cut off: {error}") from error
    if sum(info.compress_size for info in archive.infolist()) > length:
        raise RuntimeError(f"{label} promises more bytes than it has; its parts overlap")
    with archive:
        return _Archive(archive, label, map_location).load()


class _Archive:
    def __init__(self, archive: zipfile.ZipFile, label: str, map_location: Any) -> None:
        self._archive = archive
        self._label = label
        self._map_location = map_location
        self._storages: dict[str, tuple[bytearray, Any]] = {}
        self._tensors: dict[tuple[str, Any], Tensor] = {}
        roots = [name for name in archive.namelist() if name == "data.pkl" or name.endswith("/data.pkl")]
        if len(roots) != 1 or "constants.pkl" in (name.rpartition("/")[2] for name in archive.namelist()):
            raise RuntimeError(f"{label} is a zip archive, but not one of saved tensors")
        self._root = roots[0][: -len("data.pkl")]

    def load(self) -> Any:
        if self._root + "byteorder" in self._archive.namelist():
            order = bytes(self._bytes("byteorder")).decode("ascii", "replace")
            if order != sys.byteorder:
                raise RuntimeError(
                    f"{self._label} holds {order}-endian numbers; this machine is {sys.byteorder}-endian"
                )
        return Reader(bytes(self._bytes("data.pkl")), self._names(), self._persistent).load()

    def _bytes(self, name: str) -> bytearray:
        try:
            info = self._archive.getinfo(self._root + name)
        except KeyError:
            raise RuntimeError(f"{self._label} lacks the part {name!r}") from None
        if info.compress_type != zipfile.ZIP_STORED:
            raise RuntimeError(f"{self._label} has the part {name!r} compressed, which saved tensors never are")
        if info.file_size != info.compress_size:
            raise RuntimeError(f"{self._label} gives two sizes for the part {name!r}")
        try:
            with self._archive.open(info) as entry:
                data = bytearray(entry.read())
        except _DAMAGED as error:
            raise RuntimeError(f"{self._label} is damaged at the part {name!r}: {error}") from error
        if len(data) != info.file_size:
            raise RuntimeError(f"{self._label} was cut off in the part {name!r}")
        return data

    def _names(self) -> dict[str, Global]:
        dtypes = {name: getattr(_native, name) for name in (*_STORAGES, *_UNTYPED)}
        return {
            **PLAIN,
            **{f"torch.{name}": Global(value=dtype) for name, dtype in dtypes.items()},
            **{f"torch.{kind}": Global(value=dtypes[name]) for name, kind in _STORAGES.items()},
            "torch.storage.UntypedStorage": Global(value=_native.uint8),
            "torch.Size": Global(_native.Size),
            "torch.device": Global(_native.device),
            "torch._utils._rebuild_tensor": Global(self._tensor),
            "torch._utils._rebuild_tensor_v2": Global(self._tensor),
            "torch._utils._rebuild_tensor_v3": Global(self._tensor),
            "torch._utils._rebuild_parameter": Global(_parameter),
            **_allowed,
        }

    def _persistent(self, identity: Any) -> Any:
        tag, dtype, key, location, count = identity
        if tag != "storage" or not isinstance(dtype, _native.dtype) or not isinstance(key, str):
            raise pickle.UnpicklingError(f"refused: the pickle asks for something outside that is no storage: {tag!r}")
        if key not in self._storages:
            data = self._bytes(f"data/{key}")
            size = _native.empty(0, dtype=dtype).element_size()
            if not isinstance(count, int) or count * size != len(data):
                raise RuntimeError(
                    f"{self._label} has {len(data)} bytes in storage {key!r}, where {count!r} numbers of {dtype} belong"
                )
            self._storages[key] = (data, self._device(location))
        return (key, dtype)

    def _device(self, location: str) -> Any:
        mapped = self._map_location
        if isinstance(mapped, dict):
            mapped = mapped.get(location, location)
        elif mapped is None:
            mapped = location
        return _native.device(mapped)

    def _flat(self, key: str, dtype: Any) -> Tensor:
        """Return the tensor over a whole storage, the same one whenever it is asked for."""
        if (key, dtype) not in self._tensors:
            data, device = self._storages[key]
            flat = frombuffer(data, dtype=dtype) if data else _native.empty(0, dtype=dtype)
            self._tensors[key, dtype] = flat.to(device)
        return self._tensors[key, dtype]

    def _tensor(
        self,
        storage: tuple[str, Any],
        offset: int,
        size: Any,
        stride: Any,
        requires_grad: bool = False,
        hooks: Any = None,
        dtype: Any = None,
        metadata: Any = None,
    ) -> Tensor:
        key, stored = storage
        flat = self._flat(key, stored if dtype is None else dtype)
        _check_geometry(flat.numel(), offset, size, stride)
        x = flat.as_strided(list(size), list(stride), offset).detach()
        return x.requires_grad_() if requires_grad else x


def _check_geometry(count: int, offset: int, size: Any, stride: Any) -> None:
    """Raise unless every element that the sizes and strides reach lies in the storage."""
    if len(size) != len(stride) or min((offset, *size, *stride)) < 0:
        raise pickle.UnpicklingError(f"a tensor has impossible sizes {size}, strides {stride} or offset {offset}")
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if 0 not in size and last >= count:
        raise pickle.UnpicklingError(
            f"a tensor of sizes {size}, strides {stride} and offset {offset} reaches beyond its storage of {count}"
        )


def _parameter(data: Tensor, requires_grad: bool, hooks: Any = None) -> Tensor:
    if _parameter_class is None:
        return data.requires_grad_(requires_grad)
    result: Tensor = _parameter_class(data, requires_grad)
    return result
