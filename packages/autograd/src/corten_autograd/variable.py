"""`Variable`: the name from before tensors recorded what is done with them."""

from __future__ import annotations

import corten_native._native as _native


class _VariableType(type):
    """The class of `Variable`: all tensors pass for its instances."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _native.Tensor)

    def __call__(
        cls, data: _native.Tensor | None = None, requires_grad: bool = False, volatile: bool = False
    ) -> _native.Tensor:
        """Return `data` as a tensor of its own that shares memory; `volatile` has no effect, and a warning says so."""
        if volatile:
            import warnings

            warnings.warn(
                "volatile was removed and now has no effect. Use `with torch.no_grad():` instead.", stacklevel=2
            )
        if data is None:
            data = _native.empty(0)
        if not isinstance(data, _native.Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        return data.detach().requires_grad_(requires_grad)


class Variable(metaclass=_VariableType):
    """A tensor: `Variable(data, requires_grad)` is `data`, detached, and every tensor is one."""
