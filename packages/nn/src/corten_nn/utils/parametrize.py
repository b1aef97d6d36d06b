"""Tensors of a module that are computed from others by modules: parametrizations."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import cache

from corten_nn._backend import Tensor, autograd
from corten_nn._module import Module
from corten_nn.modules.container import ModuleDict, ModuleList
from corten_nn.parameter import Parameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "type_before_parametrizations",
]

_cache_depth = 0
_cache: dict[tuple[int, str], Tensor] = {}


@contextmanager
def cached() -> Iterator[None]:
    """Compute each parametrized tensor once within the `with` block."""
    global _cache_depth
    _cache_depth += 1
    try:
        yield
    finally:
        _cache_depth -= 1
        if not _cache_depth:
            _cache.clear()


def _register(module: Any, name: str, tensor: Tensor) -> None:
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, and in `original`, or `original0`, `original1`, ..., what they start from."""

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if len(modules) == 0:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        shape, dtype = original.shape, original.dtype
        new: Any = original
        with autograd.no_grad():
            for module in reversed(list(self)):
                if hasattr(module, "right_inverse"):
                    try:
                        new = module.right_inverse(new)
                    except NotImplementedError:
                        # Then the tensor itself is what the parametrization starts from.
                        continue
        if not isinstance(new, (Tensor, Sequence)):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {type(new).__name__}"
            )
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if isinstance(new, Tensor) else len(new)
        if isinstance(new, Tensor):
            for what in ("dtype", "device"):
                before, after = getattr(original, what), getattr(new, what)
                if before != after:
                    raise ValueError(
                        f"When `right_inverse` outputs one tensor, it may not change the {what}.\n"
                        f"original.{what}: {before}\nright_inverse(original).{what}: {after}"
                    )
            original.data = new
            _register(self, "original", original)
        else:
            for i, part in enumerate(new):
                if not isinstance(part, Tensor):
                    raise ValueError(
                        "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                        f"Got element {i} of the sequence with type {type(part).__name__}."
                    )
                if isinstance(original, Parameter):
                    part = Parameter(part, original.requires_grad)
                _register(self, f"original{i}", part.requires_grad_(original.requires_grad))
        if not unsafe:
            _check_result(
                self(), shape, dtype, "Registering a parametrization", ("unparametrized", "parametrized"), "`unsafe`"
            )

    def right_inverse(self, value: Tensor) -> None:
        """Set the originals so that the parametrized tensor becomes `value`."""
        new: Any = value
        with autograd.no_grad():
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(f"parametrization {type(module).__name__} does not implement right_inverse.")
                new = module.right_inverse(new)
        if self.is_tensor:
            if not isinstance(new, Tensor):
                raise ValueError(f"`right_inverse` should return a tensor. Got {type(new).__name__}")
            if new.dtype != self.original.dtype:
                raise ValueError(
                    f"The tensor returned by `right_inverse` has dtype {new.dtype} "
                    f"while `original` has dtype {self.original.dtype}"
                )
            self.original.data = new
            return
        if not isinstance(new, Sequence):
            raise ValueError(f"'right_inverse' must return a sequence of tensors. Got {type(new).__name__}.")
        if len(new) != self.ntensors:
            raise ValueError(
                f"'right_inverse' must return a sequence of tensors of length {self.ntensors}. "
                f"Got a sequence of length {len(new)}."
            )
        for i, part in enumerate(new):
            original = getattr(self, f"original{i}")
            if part.dtype != original.dtype:
                raise ValueError(
                    f"Tensor {i} returned by `right_inverse` has dtype {part.dtype} "
                    f"while `original{i}` has dtype {original.dtype}"
                )
            original.data = part

    def forward(self) -> Tensor:
        """Compute the tensor."""
        first, *others = self
        if self.is_tensor:
            x = first(self.original)
        else:
            x = first(*(getattr(self, f"original{i}") for i in range(self.ntensors)))
        for module in others:
            x = module(x)
        return x


def _check_result(x: Any, shape: Any, dtype: Any, what: str, names: tuple[str, str], unsafe: str) -> None:
    if not isinstance(x, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(x).__name__}.")
    for kind, before, after in (("dtype", dtype, x.dtype), ("shape", shape, x.shape)):
        if before != after:
            raise ValueError(
                f"{what} may not change the {kind} of the tensor, unless {unsafe} flag is enabled.\n"
                f"{names[0]} {kind}: {before}\n{names[1]} {kind}: {after}"
            )


def _property(name: str) -> property:
    def get(self: Any) -> Tensor:
        if not _cache_depth:
            return self.parametrizations[name]()
        key = (id(self), name)
        if key not in _cache:
            _cache[key] = self.parametrizations[name]()
        return _cache[key]

    def put(self: Any, value: Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    return property(get, put)


def _copy(self: Any, memo: dict[int, Any]) -> Any:
    known = memo.get(id(self))
    if known is None:
        known = memo[id(self)] = self.__new__(type(self))
        known.__dict__ = deepcopy(self.__dict__, memo)
    return known


def _refuse_pickling(self: Any) -> Any:
    raise RuntimeError(
        "Serialization of parametrized modules is only supported through state_dict(). See:\n"
        "https://pytorch.org/tutorials/beginner/saving_loading_models.html"
        "#saving-loading-a-general-checkpoint-for-inference-and-or-resuming-training"
    )


@cache
def _parametrized_class(base: type, names: tuple[str, ...]) -> type:
    """`base` with a property for each parametrized tensor."""
    members: dict[str, Any] = {name: _property(name) for name in names}
    members["__getstate__"] = _refuse_pickling
    if not hasattr(base, "__deepcopy__"):
        members["__deepcopy__"] = _copy
    return type(f"Parametrized{base.__name__}", (base,), members)


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether the tensor `tensor_name` of `module`, or any of its tensors, is parametrized."""
    lists = getattr(module, "parametrizations", None)
    if not isinstance(lists, ModuleDict):
        return False
    return len(lists) > 0 if tensor_name is None else tensor_name in lists


def type_before_parametrizations(module: Module) -> type:
    """Return the class that `module` had before it was parametrized."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def register_parametrization(module: Any, tensor_name: str, parametrization: Module, *, unsafe: bool = False) -> Any:
    """Let `parametrization` compute the parameter or buffer `tensor_name` of `module` from what it was.

    A further one takes the result of those before. If it has `right_inverse`, that gives the tensor, or the tensors,
    to start from, and lets one assign to the tensor. `unsafe` allows other shapes and dtypes.

    >>> nn.utils.parametrize.register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        if not unsafe:
            _check_addition(module, tensor_name, parametrization)
        parametrizations = module.parametrizations[tensor_name]
        parametrizations.append(parametrization)
        parametrizations.unsafe |= unsafe
        return module
    if tensor_name not in module._buffers and tensor_name not in module._parameters:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name "
            f"'{tensor_name}'"
        )
    parametrizations = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe=unsafe)
    delattr(module, tensor_name)
    base = type_before_parametrizations(module)
    if not is_parametrized(module):
        module.parametrizations = ModuleDict()
    names = (*module.parametrizations, tensor_name)
    module.parametrizations[tensor_name] = parametrizations
    module.__class__ = _parametrized_class(base, names)
    return module


def _check_addition(module: Any, name: str, parametrization: Any) -> None:
    before = getattr(module, name)
    after = parametrization(before)
    names = (f"module.{name}.", f"parametrization(module.{name}).")
    if not isinstance(after, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(after).__name__}.")
    for kind in ("dtype", "shape"):
        if getattr(after, kind) != getattr(before, kind):
            raise ValueError(
                f"Registering a parametrization may not change the {kind} of the tensor, unless the `unsafe` flag is "
                f"enabled.\n{names[0]}{kind}: {getattr(before, kind)}\n{names[1]}{kind}: {getattr(after, kind)}"
            )
    if not hasattr(parametrization, "right_inverse"):
        return
    try:
        back = parametrization.right_inverse(after)
    except NotImplementedError:
        return
    if not isinstance(back, Tensor):
        raise ValueError(f"parametrization.right_inverse must return a tensor. Got: {type(back).__name__}")
    for kind in ("dtype", "shape"):
        if getattr(back, kind) != getattr(before, kind):
            raise ValueError(
                f"The tensor returned by parametrization.right_inverse must have the same {kind} as module.{name}, "
                f"unless the `unsafe` flag is enabled.\n{names[0]}{kind}: {getattr(before, kind)}\n"
                f"returned {kind}: {getattr(back, kind)}"
            )


def remove_parametrizations(module: Any, tensor_name: str, leave_parametrized: bool = True) -> Any:
    """Make `tensor_name` an ordinary tensor again, with its present value, or else with that of its original."""
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    parametrizations = module.parametrizations[tensor_name]
    if parametrizations.is_tensor:
        tensor = parametrizations.original
        if leave_parametrized:
            with autograd.no_grad():
                tensor.data = getattr(module, tensor_name)
    elif leave_parametrized:
        tensor = getattr(module, tensor_name)
        tensor = Parameter(tensor.detach()) if tensor.requires_grad else tensor
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a "
            "sequence of tensors."
        )
    base = type_before_parametrizations(module)
    del module.parametrizations[tensor_name]
    names = tuple(module.parametrizations)
    module.__class__ = _parametrized_class(base, names) if names else base
    if not names:
        del module.parametrizations
    _register(module, tensor_name, tensor)
    return module
