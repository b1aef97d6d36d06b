"""Custom functions: `Function`, the context that its methods get, and `once_differentiable`."""

from corten_autograd._function import Function, FunctionCtx, once_differentiable

__all__ = ["Function", "FunctionCtx", "once_differentiable"]
