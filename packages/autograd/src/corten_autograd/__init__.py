"""Automatic differentiation for Corten tensors: backward passes, gradient modes, hooks, custom functions, checks.

Importing this package activates the graph of the native runtime; from then on tensors record what requires grad.
"""

from __future__ import annotations

import corten_native._native as _native

_native._activate_graph()

from corten_autograd._backward import backward, grad  # noqa: E402
from corten_autograd._function import Function, FunctionCtx, once_differentiable  # noqa: E402
from corten_autograd._modes import (  # noqa: E402
    detect_anomaly,
    enable_grad,
    inference_mode,
    is_anomaly_enabled,
    no_grad,
    set_detect_anomaly,
    set_grad_enabled,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from corten_autograd._gradcheck import GradcheckError, gradcheck, gradgradcheck
    from corten_autograd.variable import Variable

is_grad_enabled = _native.is_grad_enabled
is_inference_mode_enabled = _native.is_inference_mode_enabled

#: Names that are loaded when they are first used, and where they are.
_LAZY = {
    "gradcheck": "corten_autograd._gradcheck",
    "gradgradcheck": "corten_autograd._gradcheck",
    "GradcheckError": "corten_autograd._gradcheck",
    "Variable": "corten_autograd.variable",
}

__all__ = [
    "Function",
    "FunctionCtx",
    "GradcheckError",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "function",
    "grad",
    "gradcheck",
    "functional",
    "graph",
    "gradgradcheck",
    "inference_mode",
    "is_anomaly_enabled",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "no_grad",
    "once_differentiable",
    "set_detect_anomaly",
    "set_grad_enabled",
]


def __getattr__(name: str) -> object:
    import importlib

    if name in ("func", "function", "functional", "graph"):
        return importlib.import_module(f"corten_autograd.{name}")
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_LAZY[name]), name)
    globals()[name] = value
    return value
