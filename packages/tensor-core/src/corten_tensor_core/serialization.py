"""`save` and `load` of PyTorch's zip format, the same for safetensors, and the list of classes that files may use.

Tensors that share a storage still do after loading. Reading executes nothing (see `_unpickle`) unless it is told to,
writing is atomic.
"""

from __future__ import annotations

import io
import mmap as _mmap
import os
import pickle

import corten_native as _native

from ._archive_reader import Archive, opened
from ._archive_writer import write
from ._files import write_atomically
from ._safetensors import load_safetensors, save_safetensors
from ._unpickle import Global

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, BinaryIO

__all__ = [
    "add_safe_globals",
    "clear_safe_globals",
    "get_safe_globals",
    "get_unsafe_globals_in_checkpoint",
    "load",
    "load_safetensors",
    "safe_globals",
    "save",
    "save_safetensors",
]

_allowed: dict[str, Global] = {}


def add_safe_globals(safe_globals: Iterable[Any]) -> None:
    """Allow `load` to build instances of these classes, or `(class, "module.name")` for one under another name.

    Only for classes whose construction from a hostile file does no harm.
    """
    for item in safe_globals:
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

    def __init__(self, safe_globals: Iterable[Any]) -> None:
        self._classes = safe_globals

    def __enter__(self) -> None:
        self._before = dict(_allowed)
        add_safe_globals(self._classes)

    def __exit__(self, *_: object) -> None:
        _allowed.clear()
        _allowed.update(self._before)


def save(obj: Any, f: Any, pickle_module: Any = None, pickle_protocol: int = 2) -> None:
    """Write tensors, and the Python values around them, to a path or a binary file object.

    A path gets the whole file or stays as it was. PyTorch reads the file too, except where it holds instances of
    classes of this library, such as a whole module: save its `state_dict()` for that. `pickle_module` must be None or
    Python's `pickle`, or `NotImplementedError` is raised.
    """
    if pickle_module not in (None, pickle):
        raise NotImplementedError(f"save(): argument 'pickle_module' must be pickle, got {pickle_module!r}")
    if isinstance(f, (str, bytes, os.PathLike)):
        folder = os.path.dirname(os.fsdecode(f))
        if folder and not os.path.isdir(folder):
            raise RuntimeError(f"Parent directory {folder} does not exist.")
        write_atomically(f, lambda file: write(obj, file, pickle_protocol))
    elif hasattr(f, "write"):
        write(obj, f, pickle_protocol)
    else:
        raise AttributeError(f"expected 'f' to be a path or to have a write method, got {type(f).__name__}")


def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Read what `save` or PyTorch's `save` wrote, from a path or a seekable binary file object.

    `map_location` is a device for all tensors, a dict from saved device to device, or a function that is called with
    each storage and its saved device, and returns a storage on the device wanted or None. `mmap=True` leaves the
    numbers in the file until they are used; writing to them does not change the file.

    By default nothing in the file is executed: a file that needs a class is refused with `pickle.UnpicklingError`
    unless the class was allowed with `add_safe_globals`. `weights_only=False` reads whole modules and other instances
    with `pickle_module` (Python's `pickle`), which runs whatever the file says: only for files that you trust.
    """
    if not (map_location is None or isinstance(map_location, (str, dict, _native.device)) or callable(map_location)):
        kind = type(map_location).__name__
        raise TypeError(f"map_location must be a device, a string, a dict or a function, got {kind}")
    weights_only = pickle_module is None if weights_only is None else weights_only
    if weights_only and pickle_module is not None:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    if weights_only and pickle_load_args:
        raise TypeError(f"load() takes {', '.join(pickle_load_args)} only with weights_only=False")
    arguments = (map_location, weights_only, pickle_module or pickle, pickle_load_args)
    if isinstance(f, (str, bytes, os.PathLike)):
        with open(f, "rb") as file:
            memory = None
            if mmap and os.fstat(file.fileno()).st_size:
                memory = memoryview(_mmap.mmap(file.fileno(), 0, access=_mmap.ACCESS_COPY))
            return _read(file, os.fsdecode(f), memory, *arguments)
    if mmap:
        raise ValueError("f must be a file path in order to use the mmap argument")
    if not (hasattr(f, "read") and hasattr(f, "seek")):
        raise AttributeError(f"expected 'f' to be a path or a seekable binary file, got {type(f).__name__}")
    return _read(f, "the file", None, *arguments)


def _read(
    file: BinaryIO,
    label: str,
    memory: memoryview | None,
    map_location: Any,
    weights_only: bool,
    pickle_module: Any,
    options: dict[str, Any],
) -> Any:
    with opened(file, label) as archive:
        return Archive(archive, label, map_location, _allowed, memory).load(weights_only, pickle_module, options)


def get_unsafe_globals_in_checkpoint(f: Any) -> list[str]:
    """Return the names that a saved file uses and `load` would refuse."""
    if isinstance(f, (str, bytes, os.PathLike)):
        with open(f, "rb") as file:
            return get_unsafe_globals_in_checkpoint(io.BytesIO(file.read()))
    with opened(f, "the file") as archive:
        return Archive(archive, "the file", None, _allowed, None).refused()
