"""`Module`, the base of all layers and models."""

from __future__ import annotations

from corten_nn._conversion import Convertible
from corten_nn._hooks import Hooks, call_with_hooks, global_hooks
from corten_nn._state import Stateful

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import OrderedDict
    from collections.abc import Callable
    from typing import Any

    from corten_nn._hooks import RemovableHandle


class _HookDict:
    """The hooks of one kind as PyTorch names them; reading creates the module's `Hooks`."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def __get__(self, module: Module, owner: type[Module]) -> OrderedDict[int, Any]:
        hooks: OrderedDict[int, Any] = getattr(module._own_hooks(), self._kind)
        return hooks


class Module(Stateful, Convertible):
    """Base class of layers and models.

    Parameters, buffers and modules assigned as attributes are registered in the order of assignment. Subclasses
    call `super().__init__()` first and define `forward`.

        >>> class Net(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.fc = nn.Linear(4, 2)
        ...     def forward(self, x):
        ...         return self.fc(x).relu()
    """

    dump_patches: bool = False
    # None until the first hook, so that a call without hooks tests one attribute.
    _hooks: Hooks | None = None
    _forward_hooks = _HookDict("forward")
    _forward_hooks_with_kwargs = _HookDict("with_kwargs")
    _forward_hooks_always_called = _HookDict("always_called")
    _forward_pre_hooks = _HookDict("forward_pre")
    _forward_pre_hooks_with_kwargs = _HookDict("pre_with_kwargs")
    _backward_hooks = _HookDict("backward")
    _backward_pre_hooks = _HookDict("backward_pre")
    _state_dict_hooks = _HookDict("state_dict")
    _state_dict_pre_hooks = _HookDict("state_dict_pre")
    _load_state_dict_pre_hooks = _HookDict("load_pre")
    _load_state_dict_post_hooks = _HookDict("load_post")

    if TYPE_CHECKING:
        forward: Callable[..., Any]
    else:

        def forward(self, *input):
            """Compute the output; every subclass defines it."""
            raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._hooks is None and not global_hooks.active:
            return self.forward(*args, **kwargs)
        return call_with_hooks(self, args, kwargs)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Check the options of `corten.compile`, and leave the module as it is: there is no compiler."""
        from corten_nn import compiler

        compiler.compile(self, *args, **kwargs)

    def _own_hooks(self) -> Hooks:
        hooks = self._hooks
        if hooks is None:
            hooks = self._hooks = Hooks()
        return hooks

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args)` before `forward`; a result replaces the arguments.

        With `with_kwargs`, `hook(module, args, kwargs)` returns None or a pair of both.
        """
        options = ("pre_with_kwargs",) if with_kwargs else ()
        return self._own_hooks().add("forward_pre", hook, prepend, options)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call `hook(module, args, output)` after `forward`; a result replaces the output.

        With `with_kwargs`, `hook(module, args, kwargs, output)`; with `always_call`, also after an exception.
        """
        options = (("with_kwargs",) if with_kwargs else ()) + (("always_called",) if always_call else ())
        return self._own_hooks().add("forward", hook, prepend, options)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_output)` when the gradients of the outputs arrive; a result replaces them."""
        return self._own_hooks().add("backward_pre", hook, prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` when both are known; a result replaces `grad_input`."""
        self._own_hooks().set_full_backward(True, "on a single Module")
        return self._own_hooks().add("backward", hook, prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Deprecated: sees only the last node of the module. Use `register_full_backward_hook`."""
        self._own_hooks().set_full_backward(False, "on a single Module")
        return self._own_hooks().add("backward", hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, prefix, keep_vars)` before this module writes its state."""
        return self._own_hooks().add("state_dict_pre", hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata)` after this module wrote its state."""
        hook._from_public_api = True  # type: ignore[attr-defined]
        return self._own_hooks().add("state_dict", hook)

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        if getattr(hook, "_from_public_api", False):
            raise RuntimeError(
                "Cannot register the same function as the state dict post hook that was previously registered via "
                "register_state_dict_post_hook"
            )
        return self._own_hooks().add("state_dict", hook)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata, strict, missing, unexpected, errors)` on loading."""
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], with_module: bool = False
    ) -> RemovableHandle:
        if with_module:
            from functools import partial

            hook = partial(hook, self)
        return self._own_hooks().add("load_pre", hook)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, incompatible_keys)` after loading; it may change the two lists in place."""
        return self._own_hooks().add("load_post", hook)
