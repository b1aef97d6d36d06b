"""The native runtime under Corten. Its names are re-exported by `corten_tensor_core` and `corten`."""

from corten_native._native import *
