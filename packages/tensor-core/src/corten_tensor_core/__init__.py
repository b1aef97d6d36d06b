"""Tensors: creation, operators, printing, interoperability, saving and loading.

The operators are functions of the native runtime; what is written in Python is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from math import e as e
from math import inf as inf
from math import nan as nan
from math import pi as pi

import corten_native as _runtime
from corten_native import *  # noqa: F403
from corten_native import _native as _native
from corten_native._native import _addmm_activation as _addmm_activation
from corten_native._native import _disabled_torch_function_impl as _disabled_torch_function_impl
from corten_native._native import _gru as _gru
from corten_native._native import _gru_cell as _gru_cell
from corten_native._native import _lstm as _lstm
from corten_native._native import _lstm_cell as _lstm_cell
from corten_native._native import _upsample_bicubic2d_aa as _upsample_bicubic2d_aa
from corten_native._native import _upsample_bilinear2d_aa as _upsample_bilinear2d_aa
from corten_native._native import _upsample_nearest_exact1d as _upsample_nearest_exact1d
from corten_native._native import _upsample_nearest_exact2d as _upsample_nearest_exact2d
from corten_native._native import _upsample_nearest_exact3d as _upsample_nearest_exact3d

from . import _creation, _settings
from ._creation import *  # noqa: F403
from ._settings import *  # noqa: F403

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._composite import atleast_1d as atleast_1d
    from ._composite import atleast_2d as atleast_2d
    from ._composite import atleast_3d as atleast_3d
    from ._composite import block_diag as block_diag
    from ._composite import broadcast_shapes as broadcast_shapes
    from ._composite import broadcast_tensors as broadcast_tensors
    from ._composite import cartesian_prod as cartesian_prod
    from ._composite import combinations as combinations
    from ._composite import meshgrid as meshgrid
    from ._composite import tril_indices as tril_indices
    from ._composite import triu_indices as triu_indices
    from ._composite import unravel_index as unravel_index
    from ._composite_math import cdist as cdist
    from ._composite_math import chain_matmul as chain_matmul
    from ._composite_math import cumulative_trapezoid as cumulative_trapezoid
    from ._composite_math import gradient as gradient
    from ._composite_math import tensordot as tensordot
    from ._composite_math import trapezoid as trapezoid
    from ._composite_math import trapz as trapz
    from ._composite_math import vander as vander
    from ._composite_order import bucketize as bucketize
    from ._composite_order import isin as isin
    from ._composite_order import searchsorted as searchsorted
    from ._einsum import einsum as einsum
    from ._factors import lu as lu
    from ._factors import orgqr as orgqr
    from ._info import finfo as finfo
    from ._info import iinfo as iinfo
    from ._legacy import BFloat16Tensor as BFloat16Tensor
    from ._legacy import BoolTensor as BoolTensor
    from ._legacy import ByteTensor as ByteTensor
    from ._legacy import CharTensor as CharTensor
    from ._legacy import DoubleTensor as DoubleTensor
    from ._legacy import FloatTensor as FloatTensor
    from ._legacy import HalfTensor as HalfTensor
    from ._legacy import IntTensor as IntTensor
    from ._legacy import LongTensor as LongTensor
    from ._legacy import ShortTensor as ShortTensor
    from ._lowrank import pca_lowrank as pca_lowrank
    from ._lowrank import svd_lowrank as svd_lowrank
    from ._printing import get_printoptions as get_printoptions
    from ._printing import set_printoptions as set_printoptions
    from ._spectra import istft as istft
    from ._spectra import stft as stft
    from ._storage import TypedStorage as TypedStorage
    from ._storage import UntypedStorage as UntypedStorage
    from ._windows import bartlett_window as bartlett_window
    from ._windows import blackman_window as blackman_window
    from ._windows import hamming_window as hamming_window
    from ._windows import hann_window as hann_window
    from ._windows import kaiser_window as kaiser_window
    from .amp.autocast_mode import autocast as autocast
    from .amp.autocast_mode import get_autocast_dtype as get_autocast_dtype
    from .amp.autocast_mode import is_autocast_cache_enabled as is_autocast_cache_enabled
    from .amp.autocast_mode import is_autocast_enabled as is_autocast_enabled
    from .amp.grad_scaler import GradScaler as GradScaler
    from .serialization import load as load
    from .serialization import save as save

__version__ = "0.1.0"

newaxis = None

#: Public names that are loaded when they are first used, by the module that has them.
_LAZY = {
    "_composite": (
        "atleast_1d atleast_2d atleast_3d block_diag broadcast_tensors broadcast_shapes cartesian_prod combinations "
        "meshgrid tril_indices triu_indices unravel_index"
    ),
    "_composite_math": "cdist chain_matmul cumulative_trapezoid gradient tensordot trapezoid trapz vander",
    "_composite_order": "bucketize isin searchsorted",
    "_einsum": "einsum",
    "_factors": "lu orgqr",
    "_info": "finfo iinfo",
    "_legacy": (
        "BFloat16Tensor BoolTensor ByteTensor CharTensor DoubleTensor FloatTensor HalfTensor IntTensor LongTensor "
        "ShortTensor"
    ),
    "_lowrank": "pca_lowrank svd_lowrank",
    "_printing": "get_printoptions set_printoptions",
    "_spectra": "istft stft",
    "_storage": "TypedStorage UntypedStorage",
    "_windows": "bartlett_window blackman_window hamming_window hann_window kaiser_window",
    "serialization": "load save",
    "amp.autocast_mode": "autocast get_autocast_dtype is_autocast_cache_enabled is_autocast_enabled",
    "amp.grad_scaler": "GradScaler",
}
_WHERE = {name: module for module, names in _LAZY.items() for name in names.split()}
_MODULES = (
    "accelerator amp backends cpu cuda fft linalg random serialization special testing types utils version".split()
)

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
