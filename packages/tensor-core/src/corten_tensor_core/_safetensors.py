"""Tensors in the safetensors format, through its own library."""

from __future__ import annotations

import math

import corten_native as _native

from ._creation import frombuffer
from ._files import write_atomically

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType
    from typing import Any

    from corten_native import Tensor

_CODES = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "U16": "uint16",
    "I16": "int16",
    "U32": "uint32",
    "I32": "int32",
    "U64": "uint64",
    "I64": "int64",
    "F16": "float16",
    "BF16": "bfloat16",
    "F32": "float32",
    "F64": "float64",
    "C64": "complex64",
}


def _library() -> ModuleType:
    try:
        import safetensors
    except ImportError as error:
        raise ImportError("reading and writing safetensors needs its library: pip install safetensors") from error
    return safetensors


def save_safetensors(tensors: Mapping[str, Tensor], path: Any, metadata: Mapping[str, str] | None = None) -> None:
    """Write named tensors to a file, which is there whole or not at all; `metadata` are texts beside them.

    Tensors that share memory are written in full each, as the format knows no sharing.
    """
    library = _library()
    kept, specs = [], {}
    for name, x in tensors.items():
        dtype = str(x.dtype).rpartition(".")[2]
        if dtype not in _CODES.values():
            raise TypeError(f"safetensors has no dtype for {name!r} of {x.dtype}")
        data = x.detach().cpu().contiguous()
        kept.append(data)
        size = data.numel() * data.element_size()
        specs[name] = library.TensorSpec(dtype=dtype, shape=list(x.shape), data_ptr=data.data_ptr(), data_len=size)
    serialized = library.serialize(specs, dict(metadata) if metadata else None)
    del kept
    write_atomically(path, lambda file: file.write(serialized))


def load_safetensors(path: Any, device: Any = "cpu") -> dict[str, Tensor]:
    """Read the tensors of a file by name; raise `RuntimeError` where it is damaged."""
    library = _library()
    with open(path, "rb") as file:
        content = file.read()
    try:
        parts = library.deserialize(content)
    except library.SafetensorError as error:
        raise RuntimeError(f"{path} is not a safetensors file, or is damaged: {error}") from error
    return {name: _tensor(name, part, device) for name, part in parts}


def _tensor(name: str, part: Mapping[str, Any], device: Any) -> Tensor:
    if part["dtype"] not in _CODES:
        raise TypeError(f"there is no dtype for {name!r} of {part['dtype']}")
    dtype = getattr(_native, _CODES[part["dtype"]])
    shape = list(part["shape"])
    if math.prod(shape) == 0:
        return _native.empty(shape, dtype=dtype, device=device)
    return frombuffer(bytearray(part["data"]), dtype=dtype).reshape(shape).to(device)
