"""Reading PyTorch's zip format: storages by name, and what the pickle may mention."""

from __future__ import annotations

import io
import os
import pickle
import struct
import sys
import zipfile
from importlib import import_module

import corten_native as _native

from ._archive_writer import STORAGES, UNTYPED
from ._creation import frombuffer
from ._unpickle import PLAIN, Global, Reader, named_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, BinaryIO

    from corten_native import Tensor

_LEGACY_START = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
_LOCAL_HEADER = 30

# What zipfile raises for bytes that are not what they should be, encrypted or of unknown versions included.
_DAMAGED = (zipfile.BadZipFile, EOFError, OSError, ValueError, RuntimeError, struct.error)

#: Where classes live that PyTorch's files name, for files that are read with `weights_only=False`.
_COUNTERPARTS = {
    "torch.nn.parameter": "corten_nn.parameter",
    "torch.nn.utils": "corten_nn.utils",
    "torch.nn.functional": "corten_nn.functional",
    "torch.nn": "corten_nn",
    "torch.optim.lr_scheduler": "corten_optim.lr_scheduler",
    "torch.optim": "corten_optim",
    "torch.autograd": "corten_autograd",
    "torch.utils.data": "corten_tensor_core.utils.data",
    "torch": "corten_tensor_core",
}


def opened(file: BinaryIO, label: str) -> zipfile.ZipFile:
    """Open an archive; raise `RuntimeError` for one that is damaged, `UnpicklingError` for the old format."""
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
    return archive


class Archive:
    """An archive that is being read. With `memory`, the mapped file, storages are parts of it and not copied."""

    def __init__(
        self,
        archive: zipfile.ZipFile,
        label: str,
        map_location: Any,
        allowed: Mapping[str, Global],
        memory: memoryview | None,
    ) -> None:
        self._archive = archive
        self._label = label
        self._map_location = map_location
        self._allowed = allowed
        self._memory = memory
        self._storages: dict[str, tuple[Any, Any]] = {}
        self._tensors: dict[tuple[str, Any], Tensor] = {}
        roots = [name for name in archive.namelist() if name == "data.pkl" or name.endswith("/data.pkl")]
        if len(roots) != 1 or "constants.pkl" in (name.rpartition("/")[2] for name in archive.namelist()):
            raise RuntimeError(f"{label} is a zip archive, but not one of saved tensors")
        self._root = roots[0][: -len("data.pkl")]

    def load(self, weights_only: bool, pickle_module: Any, options: Mapping[str, Any]) -> Any:
        """Return the saved value, read by a reader that executes nothing or, if not `weights_only`, by pickle."""
        if self._root + "byteorder" in self._archive.namelist():
            order = bytes(self._bytes("byteorder")).decode("ascii", "replace")
            if order != sys.byteorder:
                raise RuntimeError(
                    f"{self._label} holds {order}-endian numbers; this machine is {sys.byteorder}-endian"
                )
        structure, names = bytes(self._bytes("data.pkl")), self._names()
        if weights_only:
            return Reader(structure, {**PLAIN, **names, **self._allowed}, self._persistent).load()
        persistent = self._persistent

        class Unpickler(pickle_module.Unpickler):  # type: ignore[misc]
            def find_class(self, module: str, name: str) -> Any:
                known = names.get(f"{module}.{name}")
                if known is not None:
                    return known.value if known.call is None else known.call
                place = _counterpart(module)
                return super().find_class(module, name) if place is None else getattr(import_module(place), name)

            def persistent_load(self, identity: Any) -> Any:
                return persistent(identity)

        return Unpickler(io.BytesIO(structure), **options).load()

    def refused(self) -> list[str]:
        """Return the names in the pickle that `load` with `weights_only` would refuse."""
        known = {**PLAIN, **self._names(), **self._allowed}
        return sorted(named_in(bytes(self._bytes("data.pkl"))) - known.keys())

    def _part(self, name: str) -> zipfile.ZipInfo:
        try:
            info = self._archive.getinfo(self._root + name)
        except KeyError:
            raise RuntimeError(f"{self._label} lacks the part {name!r}") from None
        if info.compress_type != zipfile.ZIP_STORED:
            raise RuntimeError(f"{self._label} has the part {name!r} compressed, which saved tensors never are")
        if info.file_size != info.compress_size:
            raise RuntimeError(f"{self._label} gives two sizes for the part {name!r}")
        return info

    def _bytes(self, name: str) -> bytearray:
        info = self._part(name)
        try:
            with self._archive.open(info) as entry:
                data = bytearray(entry.read())
        except _DAMAGED as error:
            raise RuntimeError(f"{self._label} is damaged at the part {name!r}: {error}") from error
        if len(data) != info.file_size:
            raise RuntimeError(f"{self._label} was cut off in the part {name!r}")
        return data

    def _mapped(self, memory: memoryview, name: str, alignment: int) -> Any:
        """Return the part of the mapped file that holds `name`; bytes that lie askew are copied."""
        info = self._part(name)
        at = info.header_offset
        lengths = memory[at + 26 : at + _LOCAL_HEADER]
        if len(lengths) == 4:
            start = at + _LOCAL_HEADER + sum(struct.unpack("<HH", lengths))
            data = memory[start : start + info.file_size]
            if len(data) == info.file_size:
                return bytearray(data) if start % alignment else data
        raise RuntimeError(f"{self._label} was cut off in the part {name!r}")

    def _names(self) -> dict[str, Global]:
        dtypes = {name: getattr(_native, name) for name in (*STORAGES, *UNTYPED)}
        tensor, parameter = Global(self._tensor, _REBUILD), _parameter_class()
        return {
            **{f"torch.{name}": Global(value=dtype) for name, dtype in dtypes.items()},
            **{f"torch.{kind}": Global(value=dtypes[name]) for name, kind in STORAGES.items()},
            "torch.storage.UntypedStorage": Global(value=_native.uint8),
            "torch.Size": Global(_native.Size),
            "torch.device": Global(_native.device),
            "torch.Tensor": Global(value=_native.Tensor),
            "torch.nn.parameter.Parameter": Global(value=parameter or _native.Tensor),
            "torch._utils._rebuild_tensor": tensor,
            "torch._utils._rebuild_tensor_v2": tensor,
            "torch._utils._rebuild_tensor_v3": tensor,
            "torch._utils._rebuild_meta_tensor_no_storage": Global(_meta_tensor),
            "torch._utils._rebuild_parameter": Global(_parameter),
            "torch._utils._rebuild_parameter_with_state": Global(_parameter),
            "torch._tensor._rebuild_from_type_v2": Global(self._typed_tensor),
        }

    def _persistent(self, identity: Any) -> Any:
        tag, dtype, key, location, count = identity
        if tag != "storage" or not isinstance(dtype, _native.dtype) or not isinstance(key, str):
            raise pickle.UnpicklingError(f"refused: the pickle asks for something outside that is no storage: {tag!r}")
        if key not in self._storages:
            name, size = f"data/{key}", dtype.itemsize
            data = self._bytes(name) if self._memory is None else self._mapped(self._memory, name, size)
            if not isinstance(count, int) or count * size != len(data):
                raise RuntimeError(
                    f"{self._label} has {len(data)} bytes in storage {key!r}, where {count!r} numbers of {dtype} belong"
                )
            self._storages[key] = (data, self._device(data, location))
        return (key, dtype)

    def _device(self, data: Any, location: str) -> Any:
        mapped = self._map_location
        if isinstance(mapped, dict):
            mapped = mapped.get(location)
        elif callable(mapped) and not isinstance(mapped, _native.device):
            storage = _bytes_tensor(data, _native.uint8).untyped_storage()
            answer = mapped(storage, location)
            mapped = answer if answer is None else answer.device
        device = _native.device(location if mapped is None else mapped)
        if mapped is None and device.type == "cuda":
            from .cuda import is_available

            if not is_available():
                raise RuntimeError(
                    f"{self._label} holds tensors of {location}, and there is no CUDA device here; read them into host "
                    "memory with map_location='cpu'"
                )
        return device

    def _flat(self, key: str, dtype: Any) -> Tensor:
        """Return the tensor over a whole storage, the same one whenever it is asked for."""
        if (key, dtype) not in self._tensors:
            data, device = self._storages[key]
            self._tensors[key, dtype] = _bytes_tensor(data, dtype).to(device)
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

    def _typed_tensor(self, rebuild: Any, kind: Any, parts: Any, state: Any) -> Any:
        """Make a tensor with attributes, or of a subclass."""
        if rebuild is not _REBUILD and getattr(rebuild, "__func__", None) is not Archive._tensor:
            raise pickle.UnpicklingError(f"refused: a tensor is to be made by {rebuild!r}")
        x = self._tensor(*parts)
        if kind is not _native.Tensor:
            if not (isinstance(kind, type) and issubclass(kind, _native.Tensor)):
                raise pickle.UnpicklingError(f"refused: a tensor is to be made a {kind!r}")
            x = kind._make_subclass(kind, x.detach(), x.requires_grad)
        return _with_attributes(x, state)


class _Rebuild:
    """What the name of the function that makes tensors means where it is not called."""


_REBUILD = _Rebuild()


def _counterpart(module: str) -> str | None:
    """Return the module that holds what a file expects in `module` of PyTorch's, or None for any other module."""
    for prefix, place in _COUNTERPARTS.items():
        if module == prefix or module.startswith(f"{prefix}."):
            return place
    return None


def _bytes_tensor(data: Any, dtype: Any) -> Tensor:
    return frombuffer(data, dtype=dtype) if len(data) else _native.empty(0, dtype=dtype)


def _check_geometry(count: int, offset: int, size: Any, stride: Any) -> None:
    """Raise unless every element that the sizes and strides reach lies in the storage."""
    if len(size) != len(stride) or min((offset, *size, *stride)) < 0:
        raise pickle.UnpicklingError(f"a tensor has impossible sizes {size}, strides {stride} or offset {offset}")
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if 0 not in size and last >= count:
        raise pickle.UnpicklingError(
            f"a tensor of sizes {size}, strides {stride} and offset {offset} reaches beyond its storage of {count}"
        )


def _meta_tensor(dtype: Any, size: Any, stride: Any, requires_grad: bool) -> Tensor:
    x = _native.empty_strided(list(size), list(stride), dtype=dtype, device="meta")
    return x.requires_grad_() if requires_grad else x


def _parameter_class() -> Any:
    """Return the class of parameters, None where its package is not installed: parameters are then tensors."""
    try:
        return import_module("corten_nn.parameter").Parameter
    except ModuleNotFoundError:
        return None


def _parameter(data: Tensor, requires_grad: bool, hooks: Any = None, state: Any = None) -> Tensor:
    cls = _parameter_class()
    made = data.requires_grad_(requires_grad) if cls is None else cls(data, requires_grad)
    return made if state is None else _with_attributes(made, state)


def _with_attributes(x: Tensor, state: Any) -> Tensor:
    """Set the attributes of a tensor; with two dicts, those of its `__slots__` are in the second."""
    for part in state if isinstance(state, tuple) else (state,):
        for name, value in (part or {}).items():
            # Methods must not be replaced by what a file brings.
            if hasattr(type(x), name):
                raise pickle.UnpicklingError(f"refused: a tensor's {name!r} is to be replaced")
            setattr(x, name, value)
    return x
