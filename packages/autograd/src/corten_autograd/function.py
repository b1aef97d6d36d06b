"""Operations whose backward is written in Python, under the name of PyTorch's module."""

from __future__ import annotations

from corten_autograd._function import Function, FunctionCtx, once_differentiable

__all__ = ["Function", "FunctionCtx", "once_differentiable"]
