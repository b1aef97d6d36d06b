"""Tensors that a module registers when they are assigned to it: `Parameter` and `Buffer`."""

from __future__ import annotations

from collections import OrderedDict

from corten_nn._backend import Tensor, autograd, core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _rebuild_parameter(data: Tensor, requires_grad: bool, backward_hooks: Any) -> Parameter:
    """Recreate a pickled parameter; hooks are never saved, `backward_hooks` is part of the file format."""
    return Parameter(data, requires_grad)


class Parameter(Tensor):
    """A leaf tensor that counts as a weight: assigned to a module, it appears in `module.parameters()`.

    It shares the storage of `data` (an empty tensor by default). Unlike other results it requires a gradient
    also when it is made under `no_grad`.
    """

    # Results of operators on a parameter are plain tensors.
    __torch_function__ = core._disabled_torch_function_impl

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Parameter:
        """Wrap `data`."""
        if data is None:
            data = core.empty(0)
        result: Parameter = Tensor._make_subclass(cls, data, requires_grad)
        return result

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        known = memo.get(id(self))
        if known is None:
            known = memo[id(self)] = type(self)(self.data.clone(), self.requires_grad)
        return known

    def __repr__(self) -> str:
        # Printed as the plain tensor that it wraps, not as a subclass.
        return "Parameter containing:\n" + repr(self.data.requires_grad_(self.requires_grad))

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return _rebuild_parameter, (self.data, self.requires_grad, OrderedDict())


class _BufferMeta(type(Tensor)):  # type: ignore[misc]
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor) and getattr(instance, "_is_buffer", False)


class Buffer(Tensor, metaclass=_BufferMeta):
    """Mark `data` so that a module to which it is assigned registers it as a buffer.

    The result is a plain tensor on the storage of `data`; `persistent=False` keeps it out of `state_dict()`.
    """

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Tensor:  # type: ignore[misc]
        """Mark `data`."""
        if data is None:
            data = core.empty(0)
        result: Any = data.detach().requires_grad_(data.requires_grad)
        result.persistent = persistent
        result._is_buffer = True
        return result


def preserve_grad_mode(data: Tensor, like: Tensor) -> Tensor:
    """Return `data` as a parameter when `like` is one, with its `requires_grad`."""
    if not isinstance(like, Parameter):
        return data
    if isinstance(data, Parameter):
        return data.requires_grad_(like.requires_grad)
    with autograd.no_grad():
        return Parameter(data, like.requires_grad)
