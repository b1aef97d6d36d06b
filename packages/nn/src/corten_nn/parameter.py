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


class _Uninitialized:
    """What parameters and buffers without a shape share; `materialize` gives them one."""

    cls_to_become: type[Tensor]
    if TYPE_CHECKING:
        data: Any
        requires_grad: Any

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Become a `cls_to_become` with uninitialised data of `shape`."""
        device = self.data.device if device is None else device
        dtype = self.data.dtype if dtype is None else dtype
        self.data = core.empty(shape, device=device, dtype=dtype)
        self.__class__ = self.cls_to_become  # type: ignore[assignment]

    @property
    def shape(self) -> Any:
        """Raise RuntimeError: there is no shape yet."""
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in "
            "`load_state_dict` when trying to load an uninitialized parameter into an initialized one. Call `forward` "
            "to initialize the parameters before accessing their attributes."
        )

    def share_memory_(self) -> Any:
        """Raise RuntimeError: there is no memory yet."""
        raise RuntimeError(
            "Can't share memory on an uninitialized parameter or buffer. Call `forward` to initialize the parameters "
            "before calling `module.share_memory()`."
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return type(self), (self.requires_grad,)


def is_lazy(param: Any) -> bool:
    """Whether `param` is a parameter or buffer that has no shape yet."""
    return isinstance(param, _Uninitialized)


def keep_lazy(data: Any, like: Any) -> Any:
    """Return `data`, or where `like` has no shape yet, one of its class with the dtype and device of `data`."""
    return type(like)(like.requires_grad, data.device, data.dtype) if is_lazy(like) else data


class UninitializedParameter(_Uninitialized, Parameter):
    """A parameter whose shape is found out later, by lazy modules."""

    cls_to_become = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> UninitializedParameter:
        """Note device and dtype."""
        data = core.empty(0, device=device, dtype=dtype)
        result: UninitializedParameter = Tensor._make_subclass(cls, data, requires_grad)
        return result

    def __deepcopy__(self, memo: dict[int, Any]) -> UninitializedParameter:
        known = memo.get(id(self))
        if known is None:
            known = memo[id(self)] = type(self)(self.requires_grad, self.data.device, self.data.dtype)
        return known


class UninitializedBuffer(_Uninitialized, Tensor):
    """A buffer whose shape is found out later, by lazy modules."""

    cls_to_become = Tensor
    __torch_function__ = core._disabled_torch_function_impl

    def __new__(
        cls, requires_grad: bool = False, device: Any = None, dtype: Any = None, persistent: bool = True
    ) -> UninitializedBuffer:
        """Note device and dtype."""
        data = core.empty(0, device=device, dtype=dtype)
        result: Any = Tensor._make_subclass(cls, data, requires_grad)
        result.persistent = persistent
        result._is_buffer = True
        return result

    def __deepcopy__(self, memo: dict[int, Any]) -> UninitializedBuffer:
        known = memo.get(id(self))
        if known is None:
            known = memo[id(self)] = type(self)(self.requires_grad, self.data.device, self.data.dtype)
        return known
