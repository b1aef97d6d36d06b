"""Tensors: creation, operators, printing, interoperability, saving and loading.

The operators are functions of the native runtime; what is written in Python is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from math import e, inf, nan, pi

import corten_native as _runtime
from corten_native import *  # noqa: F403
from corten_native import _native as _native
from corten_native._native import _disabled_torch_function_impl as _disabled_torch_function_impl

from . import _creation, _settings
from ._creation import *  # noqa: F403
from ._settings import *  # noqa: F403

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__version__ = "0.1.0"

newaxis = None

#: Public names that are loaded when they are first used, by the module that has them.
_LAZY = {
    "_composite": (
        "atleast_1d atleast_2d atleast_3d block_diag broadcast_tensors broadcast_shapes cartesian_prod combinations "
        "meshgrid tril_indices triu_indices unravel_index"
    ),
    "_composite_math": "cdist chain_matmul cumulative_trapezoid gradient tensordot trapezoid trapz",
    "_composite_order": "bucketize isin searchsorted",
    "_einsum": "einsum",
    "_info": "finfo iinfo",
    "_printing": "get_printoptions set_printoptions",
    "_serialization": "load save",
    "linalg": "vander",
}
_WHERE = {name: module for module, names in _LAZY.items() for name in names.split()}
_MODULES = ("fft", "linalg", "special", "testing", "random", "serialization", "cuda", "utils", "types")

if not TYPE_CHECKING:
    # A type checker finds the same names by the star imports above.
    __all__ = [
        *(name for name in dir(_runtime) if not name.startswith("_")),
        *_creation.__all__,
        *_settings.__all__,
        "e",
        "inf",
        "nan",
        "newaxis",
        "pi",
    ]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        value = getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    elif name in _MODULES:
        value = import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module 'corten' has no attribute '{name}'")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_WHERE, *_MODULES})
