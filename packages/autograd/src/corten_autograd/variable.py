"""Variable: the name that tensors had before they recorded themselves."""

from __future__ import annotations

import corten_native._native as _native


class _VariableMeta(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _native.Tensor)


class Variable(metaclass=_VariableMeta):
    """Called, gives `data` as a tensor of its own that shares memory; every tensor is an instance.

    Raises `TypeError` for `volatile=True`, which has had no meaning since PyTorch 0.4.
    """

    def __new__(  # type: ignore[misc]  # what it makes are tensors
        cls, data: _native.Tensor, requires_grad: bool = False, volatile: bool = False
    ) -> _native.Tensor:
        if volatile:
            raise TypeError("Variable(): argument 'volatile' must be False; use torch.no_grad() instead")
        return data.detach().requires_grad_(requires_grad)
