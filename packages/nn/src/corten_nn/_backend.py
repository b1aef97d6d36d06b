"""The one place where this package meets the tensor runtime.

Every other module takes its tensor functions from here: `core` is the tensor namespace (creation, operators and
the neural rows such as `conv2d`), `autograd` the gradient modes and `Function`.
"""

import corten_autograd as autograd
import corten_tensor_core as core
from corten_tensor_core import Tensor

__all__ = ["Tensor", "autograd", "core"]
