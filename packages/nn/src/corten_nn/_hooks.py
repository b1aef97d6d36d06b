"""Forward and backward hooks of modules, and the call that runs them."""

from __future__ import annotations

import weakref
from collections import OrderedDict

from corten_nn._backend import Tensor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self

    Hook = Callable[..., Any]

KINDS = ("forward_pre", "forward", "backward_pre", "backward", "state_dict_pre", "state_dict", "load_pre", "load_post")


class RemovableHandle:
    """What registering a hook returns: `remove()`, or leaving it as a context manager, takes the hook away."""

    next_id = 0

    def __init__(self, hooks_dict: OrderedDict[int, Any], *, extra_dict: Any = ()) -> None:
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1
        extra = [extra_dict] if isinstance(extra_dict, dict) else extra_dict
        self._dicts = tuple(weakref.ref(hooks) for hooks in (hooks_dict, *extra))

    def remove(self) -> None:
        """Take the hook away; a second call does nothing."""
        for reference in self._dicts:
            hooks = reference()
            if hooks is not None:
                hooks.pop(self.id, None)

    def __getstate__(self) -> tuple[Any, ...]:
        return self.id, tuple(reference() for reference in self._dicts)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.id, dicts = state
        self._dicts = tuple(weakref.ref(OrderedDict() if hooks is None else hooks) for hooks in dicts)
        RemovableHandle.next_id = max(RemovableHandle.next_id, self.id + 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


class Hooks:
    """All hooks of one module, or of all modules: an ordered dict per kind, and the ids with an option set."""

    def __init__(self) -> None:
        for kind in KINDS:
            setattr(self, kind, OrderedDict())
        self.pre_with_kwargs: OrderedDict[int, bool] = OrderedDict()
        self.with_kwargs: OrderedDict[int, bool] = OrderedDict()
        self.always_called: OrderedDict[int, bool] = OrderedDict()
        self.full_backward: bool | None = None
        # Stays true after the hooks were removed, until the next call finds none.
        self.active = False

    if TYPE_CHECKING:

        def __getattr__(self, kind: str) -> OrderedDict[int, Hook]: ...

    def runs_on_call(self) -> bool:
        """Whether a call of a module has a hook to run."""
        self.active = bool(self.forward or self.forward_pre or self.backward or self.backward_pre)
        return self.active

    def add(self, kind: str, hook: Hook, prepend: bool = False, options: tuple[str, ...] = ()) -> RemovableHandle:
        """Register `hook`; `options` names the sets of ids that it joins."""
        hooks = getattr(self, kind)
        extra = [getattr(self, option) for option in options]
        handle = RemovableHandle(hooks, extra_dict=extra)
        hooks[handle.id] = hook
        for ids in extra:
            ids[handle.id] = True
        self.active = True
        if prepend:
            hooks.move_to_end(handle.id, last=False)
        return handle

    def set_full_backward(self, full: bool, scope: str) -> None:
        """Note the flavour of backward hooks; the two cannot be mixed."""
        if self.full_backward is (not full):
            raise RuntimeError(
                f"Cannot use both regular backward hooks and full backward hooks {scope}. Please use only one of them."
            )
        self.full_backward = full


global_hooks = Hooks()
_NO_HOOKS = Hooks()


def call_with_hooks(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run `module.forward` between the hooks of all modules (first) and the module's own."""
    hooks = module._hooks or _NO_HOOKS
    if not (global_hooks.runs_on_call() | hooks.runs_on_call()):
        return module.forward(*args, **kwargs)
    call = _Call(module, hooks, args, kwargs)
    try:
        return call.run()
    except Exception:
        call.run_always_called()
        raise


class _Call:
    """One call of a module: its arguments and result as hooks replace them."""

    def __init__(self, module: Any, hooks: Hooks, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.module, self.hooks, self.args, self.kwargs = module, hooks, args, kwargs
        self.result: Any = None
        self.called: set[int] = set()

    def run(self) -> Any:
        layers = (global_hooks, self.hooks)
        for hooks in layers:
            for hook_id, hook in list(hooks.forward_pre.items()):
                self._before(hook, hook_id in hooks.pre_with_kwargs)
        pre = [hook for hooks in layers for hook in hooks.backward_pre.values()]
        full = [hook for hooks in layers if hooks.full_backward for hook in hooks.backward.values()]
        backward = None
        if pre or full:
            from corten_nn._backward_hook import BackwardHook

            backward = BackwardHook(self.module, full, pre)
            self.args = backward.watch_inputs(self.args)
        self.result = self.module.forward(*self.args, **self.kwargs)
        for hooks in layers:
            for hook_id, hook in list(hooks.forward.items()):
                if hook_id in hooks.always_called:
                    self.called.add(hook_id)
                self._after(hook, hook_id in hooks.with_kwargs)
        if backward is not None:
            self.result = backward.watch_outputs(self.result)
        partial = [h for hooks in layers if hooks.full_backward is False for h in hooks.backward.values()]
        if partial:
            self._watch_last_node(partial)
        return self.result

    def _before(self, hook: Hook, with_kwargs: bool) -> None:
        if with_kwargs:
            changed = hook(self.module, self.args, self.kwargs)
            if changed is None:
                return
            if not (isinstance(changed, tuple) and len(changed) == 2):
                raise RuntimeError(
                    f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {changed}."
                )
            self.args, self.kwargs = changed
        else:
            changed = hook(self.module, self.args)
            if changed is not None:
                self.args = changed if isinstance(changed, tuple) else (changed,)

    def _after(self, hook: Hook, with_kwargs: bool) -> None:
        if with_kwargs:
            changed = hook(self.module, self.args, self.kwargs, self.result)
        else:
            changed = hook(self.module, self.args, self.result)
        if changed is not None:
            self.result = changed

    def _watch_last_node(self, hooks: list[Hook]) -> None:
        """Attach the old kind of backward hook, which sees only the node that made the first output."""
        output = self.result
        while not isinstance(output, Tensor):
            if isinstance(output, dict):
                output = next(value for value in output.values() if isinstance(value, Tensor))
            else:
                output = output[0]
        node, module = output.grad_fn, self.module
        if node is not None:
            for hook in hooks:
                node.register_hook(lambda grad_input, grad_output, hook=hook: hook(module, grad_input, grad_output))

    def run_always_called(self) -> None:
        """After an exception, run the hooks that asked for it and have not run; their own exceptions only warn."""
        for hooks in (global_hooks, self.hooks):
            scope = "global module" if hooks is global_hooks else "module"
            for hook_id, hook in list(hooks.forward.items()):
                if hook_id not in hooks.always_called or hook_id in self.called:
                    continue
                try:
                    self._after(hook, hook_id in hooks.with_kwargs)
                except Exception as error:
                    import warnings

                    warnings.warn(
                        f"{scope} forward hook with ``always_call=True`` raised an exception "
                        f"that was silenced as another error was raised in forward: {error}",
                        stacklevel=2,
                    )
