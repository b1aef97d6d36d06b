"""The one place where this package meets the tensor runtime.

`core` is the tensor namespace, `native` the optimizers' steps: each takes lists of parameters, gradients and state
of one dtype and device, updates them in place in a single call and records nothing for autograd.
"""

import corten_autograd as autograd
import corten_tensor_core as core
from corten_tensor_core import Tensor
from corten_tensor_core import _native_optim as native

__all__ = ["Tensor", "autograd", "core", "native"]
