"""Corten: PyTorch's eager model on one Rust runtime. This package re-exports the others and adds nothing."""

import sys

import corten_tensor_core
from corten import _alias
from corten_autograd import enable_grad as enable_grad
from corten_autograd import inference_mode as inference_mode
from corten_autograd import is_grad_enabled as is_grad_enabled
from corten_autograd import is_inference_mode_enabled as is_inference_mode_enabled
from corten_autograd import no_grad as no_grad
from corten_autograd import set_grad_enabled as set_grad_enabled
from corten_tensor_core import *
from corten_tensor_core import _addmm_activation as _addmm_activation

__version__ = corten_tensor_core.__version__

sys.meta_path.insert(0, _alias.SameModule)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from corten import autograd as autograd
    from corten import compiler as compiler
    from corten import distributions as distributions
    from corten import func as func
    from corten import hub as hub
    from corten import nn as nn
    from corten import optim as optim
    from corten import utils as utils
    from corten_autograd.func import vmap as vmap
    from corten_nn.compiler import compile as compile
    from corten_tensor_core import accelerator as accelerator
    from corten_tensor_core import amp as amp
    from corten_tensor_core import backends as backends
    from corten_tensor_core import cpu as cpu
    from corten_tensor_core import cuda as cuda
    from corten_tensor_core import fft as fft
    from corten_tensor_core import linalg as linalg
    from corten_tensor_core import special as special
    from corten_tensor_core import types as types
    from corten_tensor_core import version as version
else:
    __all__ = [name for name in {*globals()} - {"TYPE_CHECKING", "corten_tensor_core", "sys"} if name[0] != "_"]

    #: Functions of the packages that PyTorch has at the top, too.
    _ELSEWHERE = {"compile": "compiler", "vmap": "func"}

    # `corten.nn.Linear` needs no `import corten.nn` before it, and what is not used is not imported.

    def __getattr__(name):
        if not name.startswith("_"):
            if name in corten_tensor_core._WHERE:
                value = globals()[name] = getattr(corten_tensor_core, name)
                return value
            if name in _ELSEWHERE:
                return getattr(_alias.import_module(f"corten.{_ELSEWHERE[name]}"), name)
            try:
                return _alias.import_module(f"corten.{name}")
            except ModuleNotFoundError as error:
                if error.name != f"corten.{name}":
                    raise
        raise AttributeError(f"module 'corten' has no attribute '{name}'{_alias.reason(name)}")

    def __dir__():
        return sorted({*globals(), *_alias.PACKAGES, *dir(corten_tensor_core)})
