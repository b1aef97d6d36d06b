"""What a module holds and how assignment puts it there."""

from __future__ import annotations

from collections import OrderedDict

from corten_nn._backend import Tensor
from corten_nn._slots import Slots
from corten_nn.parameter import Buffer, Parameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# Filled by `register_module_{parameter,buffer,module}_registration_hook`.
parameter_registration_hooks: OrderedDict[int, Callable[..., Any]] = OrderedDict()
buffer_registration_hooks: OrderedDict[int, Callable[..., Any]] = OrderedDict()
module_registration_hooks: OrderedDict[int, Callable[..., Any]] = OrderedDict()


def typename(value: object) -> str:
    """The qualified type of `value` as messages print it: `torch.FloatTensor` for a tensor."""
    if isinstance(value, Tensor):
        return value.type()
    module = getattr(value, "__module__", None)
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None) or type(value).__name__
    return name if module in (None, "builtins") else f"{module}.{name}"


def _filtered(hooks: dict[int, Callable[..., Any]], owner: Registry, name: str, value: Any) -> Any:
    for hook in hooks.values():
        output = hook(owner, name, value)
        if output is not None:
            value = output
    return value


class Registry:
    """Base of `Module`: registered parameters, buffers and submodules, and the rules of attribute assignment."""

    training: bool
    call_super_init: bool = False
    _parameters = Slots()
    _buffers = Slots()
    _modules = Slots()
    _non_persistent_buffers_set: set[str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not self.call_super_init:
            if kwargs:
                raise TypeError(
                    f"{type(self).__name__}.__init__() got an unexpected keyword argument '{next(iter(kwargs))}'"
                )
            if args:
                raise TypeError(
                    f"{type(self).__name__}.__init__() takes 1 positional argument but {len(args) + 1} were given"
                )
        state = self.__dict__
        state["training"] = True
        state["_parameters"] = {}
        state["_buffers"] = {}
        state["_non_persistent_buffers_set"] = set()
        state["_modules"] = {}
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    def _check_name(self, kind: str, name: Any, slot: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {typename(name)}")
        if kind == "module" and hasattr(self, name) and name not in self.__dict__[slot]:
            raise KeyError(f"attribute '{name}' already exists")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain "."' + (f", got: {name}" if kind == "module" else ""))
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if name not in self.__dict__[slot] and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Register `param`, or the absence of one, under `name`.

        Raises KeyError for a name that is empty, holds a dot or is taken, TypeError for anything but a `Parameter`
        or None, ValueError for a tensor that another computation made.
        """
        if "_parameters" not in self.__dict__:
            raise AttributeError("cannot assign parameter before Module.__init__() call")
        self._check_name("parameter", name, "_parameters")
        if param is not None:
            if not isinstance(param, Parameter):
                raise TypeError(
                    f"cannot assign '{typename(param)}' object to parameter '{name}' "
                    "(torch.nn.Parameter or None required)"
                )
            if param.grad_fn:
                raise ValueError(
                    f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created "
                    f"explicitly. To express '{name}' as a function of another Tensor, compute the value in the "
                    "forward() method."
                )
            param = _filtered(parameter_registration_hooks, self, name, param)
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Register `tensor` as state that is not trained; `persistent=False` keeps it out of `state_dict()`."""
        if "_buffers" not in self.__dict__:
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        self._check_name("buffer", name, "_buffers")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{typename(tensor)}' object to buffer '{name}' (torch Tensor or None required)"
            )
        tensor = _filtered(buffer_registration_hooks, self, name, tensor)
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Any) -> None:
        """Register the submodule `module` (or None) under `name`, as `self.name = module` does."""
        if not isinstance(module, Registry) and module is not None:
            raise TypeError(f"{typename(module)} is not a Module subclass")
        self._check_name("module", name, "_modules")
        self._set_module(name, module)

    def register_module(self, name: str, module: Any) -> None:
        """The same as `add_module`."""
        self.add_module(name, module)

    def _set_module(self, name: str, module: Any) -> None:
        self._modules[name] = _filtered(module_registration_hooks, self, name, module)

    def _forget(self, name: str, keep: str) -> None:
        """Remove `name` from every kind but `keep`, so that it can be registered there."""
        state = self.__dict__
        for slot in ("_parameters", "_buffers", "_modules"):
            if slot != keep:
                state[slot].pop(name, None)
        self._non_persistent_buffers_set.discard(name)
        if name not in state[keep]:
            state.pop(name, None)

    def __getattr__(self, name: str) -> Any:
        # Reached only when `__dict__` lacks the name, e.g. after an entry was put into a slot's own dict.
        state = self.__dict__
        for slot in ("_parameters", "_buffers", "_modules"):
            entries = state.get(slot)
            if entries is not None and name in entries:
                return entries[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        state = self.__dict__
        params = state.get("_parameters")
        if isinstance(value, Parameter):
            if params is None:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            self._forget(name, "_parameters")
            self.register_parameter(name, value)
            return
        if params is None:
            if isinstance(value, Registry):
                raise AttributeError("cannot assign module before Module.__init__() call")
            object.__setattr__(self, name, value)
        elif name in params:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{typename(value)}' as parameter '{name}' (torch.nn.Parameter or None expected)"
                )
            self.register_parameter(name, None)
        elif isinstance(value, Registry):
            self._forget(name, "_modules")
            self._set_module(name, value)
        elif name in state["_modules"]:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{typename(value)}' as child module '{name}' (torch.nn.Module or None expected)"
                )
            self._set_module(name, None)
        elif name in state["_buffers"] or (isinstance(value, Tensor) and isinstance(value, Buffer)):
            self._assign_buffer(name, value)
        else:
            object.__setattr__(self, name, value)

    def _assign_buffer(self, name: str, value: Any) -> None:
        if value is not None and not isinstance(value, Tensor):
            raise TypeError(
                f"cannot assign '{typename(value)}' as buffer '{name}' (torch.nn.Buffer, torch.Tensor or None expected)"
            )
        if name not in self.__dict__["_buffers"]:
            self.__dict__.pop(name, None)
        if isinstance(value, Buffer):
            persistent = bool(getattr(value, "persistent", True))
        else:
            persistent = name not in self._non_persistent_buffers_set
        if persistent:
            self.register_buffer(name, value)
        else:
            self.register_buffer(name, value, persistent=False)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        # What PyTorch pickles holds parameters and so on only by kind.
        for slot in ("_parameters", "_buffers", "_modules"):
            for name, value in state.get(slot, {}).items():
                self.__dict__.setdefault(name, value)

    def __delattr__(self, name: str) -> None:
        state = self.__dict__
        for slot in ("_parameters", "_buffers", "_modules"):
            if name in state.get(slot, ()):
                del getattr(self, slot)[name]
                self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)
