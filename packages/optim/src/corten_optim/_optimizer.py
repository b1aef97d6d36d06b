"""`Optimizer`, the base of all optimizers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from itertools import chain

from corten_optim._backend import Tensor, autograd, core
from corten_optim._hooks import add_hook, with_step_hooks
from corten_optim._state import Changes, FlatGroup, State, plain, with_gradients

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from corten_optim._hooks import RemovableHandle
    from corten_optim._state import Bucket

_HOOK_KINDS = (
    "_optimizer_step_pre_hooks",
    "_optimizer_step_post_hooks",
    "_optimizer_state_dict_pre_hooks",
    "_optimizer_state_dict_post_hooks",
    "_optimizer_load_state_dict_pre_hooks",
    "_optimizer_load_state_dict_post_hooks",
)


class _Required:
    def __repr__(self) -> str:
        return "<required parameter>"


required: Any = _Required()


def typename(value: object) -> str:
    """The qualified type of `value` as messages print it: `torch.FloatTensor` for a tensor."""
    if isinstance(value, Tensor):
        return value.type()
    kind = value if isinstance(value, type) else type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def number(value: Any) -> Any:
    """A setting as a number, whether given as one or as a tensor of one element."""
    return value.item() if isinstance(value, Tensor) else value


class Optimizer:
    """Base class of optimizers: parameter groups with their settings, and the state of each parameter.

    `params` is an iterable of tensors, of pairs of name and tensor, or of dicts: groups with settings of their
    own. `defaults` gives the settings that a group leaves out. Subclasses define `step`.
    """

    param_groups: list[dict[str, Any]]
    defaults: dict[str, Any]
    _optimizer_step_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _optimizer_step_post_hooks: OrderedDict[int, Callable[..., Any]]
    _optimizer_state_dict_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _optimizer_state_dict_post_hooks: OrderedDict[int, Callable[..., Any]]
    _optimizer_load_state_dict_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _optimizer_load_state_dict_post_hooks: OrderedDict[int, Callable[..., Any]]
    _opt_called: bool = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = with_step_hooks(cls.__dict__["step"])  # type: ignore[method-assign]

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self._prepare()
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                f"but got {typename(params)}"
            )
        self.state = State(self._changes)
        self.param_groups = []
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def _prepare(self) -> None:
        """Set up what is not saved."""
        for kind in _HOOK_KINDS:
            self.__dict__.setdefault(kind, OrderedDict())
        self._changes = Changes()
        self._flat: dict[int, FlatGroup] = {}

    @property
    def state(self) -> State:
        """The state of each parameter, by parameter; entries appear with the first step."""
        return self._state

    @state.setter
    def state(self, entries: Any) -> None:
        self._changes.pending = True
        self._state = State(self._changes, entries)

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._prepare()
        state = dict(state)
        entries = state.pop("state", None)
        self.__dict__.update(state)
        if entries is not None:
            self.state = entries

    def __repr__(self) -> str:
        parts = []
        for i, group in enumerate(self.param_groups):
            settings = [f"    {key}: {group[key]}\n" for key in sorted(group) if key != "params"]
            parts.append(f"Parameter Group {i}\n" + "".join(settings))
        return f"{type(self).__name__} (\n" + "\n".join(parts) + ")"

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters from their gradients; return the loss of `closure`, which is called first."""
        raise NotImplementedError

    @staticmethod
    def _loss(closure: Callable[[], Any] | None) -> Any:
        if closure is None:
            return None
        with autograd.enable_grad():
            return closure()

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop every parameter's gradient, or fill it with zeros when `set_to_none` is false."""
        for group in self.param_groups:
            for param in group["params"]:
                grad = param.grad
                if grad is None:
                    continue
                if set_to_none:
                    param.grad = None
                    continue
                if grad.grad_fn is not None:
                    grad.detach_()
                else:
                    grad.requires_grad_(False)
                grad.zero_()

    def _new_state(self, group: dict[str, Any], param: Tensor) -> dict[str, Any]:
        """The state of a parameter before its first step; an optimizer without state returns an empty dict."""
        return {}

    def _buckets(self, group: dict[str, Any], *keys: str) -> Iterator[tuple[Bucket, list[Tensor]]]:
        """The parameters of `group` that have gradients, by dtype and device: for one native call each.

        `keys` name the state that the call needs; the bucket's lists are in their order, None where a key is
        missing. State is created for parameters that have none.
        """
        params, grads = with_gradients(group["params"])
        if self._changes.pending:
            self._flat.clear()
            self._changes.pending = False
        flat = self._flat.get(id(group))
        if flat is None or not flat.fits(params, keys):
            flat = self._flat[id(group)] = self._flatten(group, list(params), grads, keys)
        if len(flat.buckets) == 1:
            yield flat.buckets[0], grads
        else:
            for bucket in flat.buckets:
                yield bucket, [grads[i] for i in bucket.indices]

    def _each(self, group: dict[str, Any], *keys: str) -> Iterator[tuple[Tensor, Tensor, list[Any]]]:
        """Each parameter that has a gradient, with that (negated to maximize) and the state named by `keys`.

        This is for steps written with tensor functions; complex tensors come as pairs of real numbers.
        """
        maximize = group.get("maximize", False)
        for bucket, grads in self._buckets(group, *keys):
            for i, (param, grad) in enumerate(zip(bucket.params, grads, strict=True)):
                tensors = [param, -grad if maximize else grad, *(states[i] for states in bucket.state)]
                if param.is_complex():
                    tensors = [core.view_as_real(x) if x is not None and x.is_complex() else x for x in tensors]
                yield tensors[0], tensors[1], tensors[2:]

    def _flatten(
        self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor], keys: tuple[str, ...]
    ) -> FlatGroup:
        if any(grad.is_sparse for grad in grads):
            raise RuntimeError(f"{type(self).__name__} does not support sparse gradients")
        entries = []
        for param in params:
            entry = self._state[param] if keys else {}
            if keys and not entry:
                entry.update(self._new_state(group, param))
            entries.append(entry)
        # The changes just made are part of the lists.
        self._changes.pending = False
        return FlatGroup(params, keys, entries)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with settings of their own, e.g. layers that are unfrozen during training."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, Tensor):
            params = [params]
        elif isinstance(params, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in "
                "sets will change between runs. Please use a list instead."
            )
        entries = list(params)
        names = [entry[0] for entry in entries if isinstance(entry, tuple)]
        params = [entry[1] if isinstance(entry, tuple) else entry for entry in entries]
        param_group["params"] = params
        if names:
            if len(names) != len(params):
                raise ValueError("all optimizer params should be with/without names. Some param names are missing")
            param_group["param_names"] = names
        for param in params:
            if not isinstance(param, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {typename(param)}")
            if not (param.is_leaf or param.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
            param_group.setdefault(name, default)
        identities = set(map(id, params))
        if len(identities) != len(params):
            import warnings

            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will cause an error; "
                "see github.com/pytorch/pytorch/issues/40967 for more information",
                stacklevel=3,
            )
        for group in self.param_groups:
            if ("param_names" in param_group) != ("param_names" in group):
                kind = "with names" if "param_names" in param_group else "without names"
                raise ValueError(
                    "all optimizer param groups should be with/without names. "
                    f"cannot add param group {kind} to the optimizer"
                )
        if any(id(param) in identities for group in self.param_groups for param in group["params"]):
            raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append(param_group)

    def state_dict(self) -> dict[str, Any]:
        """Return settings and state in PyTorch's format, parameters being numbered in the order of the groups."""
        for hook in self._optimizer_state_dict_pre_hooks.values():
            hook(self)
        numbers: dict[int, int] = {}
        groups = []
        start = 0
        for group in self.param_groups:
            for i, param in enumerate(group["params"], start):
                numbers.setdefault(id(param), i)
            packed = {key: value for key, value in group.items() if key != "params"}
            packed["params"] = [numbers[id(param)] for param in group["params"]]
            start += len(packed["params"])
            groups.append(packed)
        state = plain(
            (numbers[id(key)] if isinstance(key, Tensor) else key, value) for key, value in self.state.items()
        )
        result: dict[str, Any] = {"state": state, "param_groups": groups}
        for hook in self._optimizer_state_dict_post_hooks.values():
            changed = hook(self, result)
            if changed is not None:
                result = changed
        return result

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take settings and state from `state_dict`; state moves to its parameter's dtype and device."""
        state_dict = state_dict.copy()
        for hook in self._optimizer_load_state_dict_pre_hooks.values():
            changed = hook(self, state_dict)
            if changed is not None:
                state_dict = changed
        from copy import deepcopy

        groups = self.param_groups
        saved_groups = deepcopy(state_dict["param_groups"])
        if len(groups) != len(saved_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(new["params"]) != len(old["params"]) for new, old in zip(saved_groups, groups, strict=True)):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            )
        saved_ids = chain.from_iterable(group["params"] for group in saved_groups)
        params = chain.from_iterable(group["params"] for group in groups)
        by_id = dict(zip(saved_ids, params, strict=True))
        state = {}
        for key, value in state_dict["state"].items():
            param = by_id.get(key)
            state[key if param is None else param] = value if param is None else _cast(param, value)
        for new, old in zip(saved_groups, groups, strict=True):
            new["params"] = old["params"]
            if "param_names" in old:
                new.setdefault("param_names", old["param_names"])
        self.__setstate__({"state": state, "param_groups": saved_groups})
        for hook in self._optimizer_load_state_dict_post_hooks.values():
            hook(self)

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` before `step`; it may return new arguments."""
        return add_hook(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` after `step`."""
        return add_hook(self._optimizer_step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` before `state_dict`."""
        return add_hook(self._optimizer_state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` after `state_dict`; a result replaces it."""
        return add_hook(self._optimizer_state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` before `load_state_dict`; a result replaces the argument."""
        return add_hook(self._optimizer_load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` after `load_state_dict`."""
        return add_hook(self._optimizer_load_state_dict_post_hooks, hook, prepend)


def _cast(param: Tensor, value: Any, key: Any = None) -> Any:
    """Move saved state to its parameter's device and dtype; the count of steps stays as it is."""
    if isinstance(value, Tensor):
        if key == "step":
            return value
        if param.is_floating_point():
            return value.to(dtype=param.dtype, device=param.device)
        return value.to(device=param.device)
    if isinstance(value, dict):
        return {name: _cast(param, entry, name) for name, entry in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        return type(value)(_cast(param, entry) for entry in value)  # type: ignore[call-arg]
    return value
