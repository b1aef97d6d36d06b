"""Corten: PyTorch's eager model on one Rust runtime. This package re-exports the others and adds nothing."""

import sys
from typing import TYPE_CHECKING

import corten_tensor_core
from corten import _alias
from corten_autograd import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from corten_tensor_core import *

__version__ = corten_tensor_core.__version__
__all__ = corten_tensor_core.__all__ + [  # noqa: RUF005 - type checkers understand this form
    "enable_grad",
    "inference_mode",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "no_grad",
    "set_grad_enabled",
]

sys.meta_path.insert(0, _alias.SameModule)

if TYPE_CHECKING:
    from corten import autograd as autograd
    from corten import nn as nn
    from corten import optim as optim
else:
    # `import corten.nn` is not needed before `corten.nn.Linear`; what is not used is not imported.

    def __getattr__(name):
        if not name.startswith("_"):
            try:
                return _alias.import_module(f"corten.{name}")
            except ModuleNotFoundError as error:
                if error.name != f"corten.{name}":
                    raise
        raise AttributeError(f"module 'corten' has no attribute '{name}'")

    def __dir__():
        return sorted({*globals(), *_alias.PACKAGES, *dir(corten_tensor_core)})
