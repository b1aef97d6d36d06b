"""`Module`, and hooks that run for every module and on every registration."""

from __future__ import annotations

from collections import OrderedDict

from corten_nn import _registry
from corten_nn._hooks import RemovableHandle, global_hooks
from corten_nn._module import Module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = [
    "Module",
    "register_module_backward_hook",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, args)` before every module's `forward`, ahead of the module's own hooks."""
    return global_hooks.add("forward_pre", hook)


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call `hook(module, args, output)` after every module's `forward`, ahead of the module's own hooks."""
    options = (("with_kwargs",) if with_kwargs else ()) + (("always_called",) if always_call else ())
    return global_hooks.add("forward", hook, options=options)


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, grad_output)` in every module's backward."""
    return global_hooks.add("backward_pre", hook)


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, grad_input, grad_output)` in every module's backward."""
    global_hooks.set_full_backward(True, "as a global Module hook")
    return global_hooks.add("backward", hook)


def register_module_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Deprecated: sees only the last node of each module."""
    global_hooks.set_full_backward(False, "as a global Module hook")
    return global_hooks.add("backward", hook)


def _on_registration(hooks: dict[int, Any], hook: Callable[..., Any]) -> RemovableHandle:
    assert isinstance(hooks, OrderedDict)
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle


def register_module_parameter_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, name, parameter)` on every registration; a result replaces the parameter."""
    return _on_registration(_registry.parameter_registration_hooks, hook)


def register_module_buffer_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, name, buffer)` on every registration; a result replaces the buffer."""
    return _on_registration(_registry.buffer_registration_hooks, hook)


def register_module_module_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, name, submodule)` on every registration; a result replaces the submodule."""
    return _on_registration(_registry.module_registration_hooks, hook)
