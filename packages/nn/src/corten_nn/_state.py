"""Saving a module's tensors to a dict and loading them back, in PyTorch's format."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from collections.abc import Mapping

from corten_nn._backend import Tensor, autograd
from corten_nn._tree import Tree
from corten_nn.parameter import is_lazy, preserve_grad_mode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from corten_nn._hooks import Hooks

_EXTRA_STATE = "_extra_state"


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    __slots__ = ()

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()

    __str__ = __repr__


class _StateDict(OrderedDict):  # type: ignore[type-arg]
    """An `OrderedDict` with room for `_metadata`; only its annotation differs."""

    _metadata: OrderedDict[str, dict[str, Any]]


class Stateful(Tree):
    """Part of `Module`: `state_dict` and `load_state_dict`."""

    _version: int = 1
    _hooks: Hooks | None

    def get_extra_state(self) -> Any:
        """Return state that is no tensor for `state_dict`; define it together with `set_extra_state`."""
        raise RuntimeError(f"{self._get_name()} defines no get_extra_state")

    def set_extra_state(self, state: Any) -> None:
        """Take back what `get_extra_state` returned."""
        raise RuntimeError(f"{self._get_name()} defines no set_extra_state")

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Write this module's own tensors; a subclass may override it to save otherwise."""
        state = self.__dict__
        transient = self._non_persistent_buffers_set
        for name, param in state["_parameters"].items():
            if param is not None:
                destination[prefix + name] = param if keep_vars else param.detach()
        for name, buffer in state["_buffers"].items():
            if buffer is not None and name not in transient:
                destination[prefix + name] = buffer if keep_vars else buffer.detach()
        if type(self).get_extra_state is not Stateful.get_extra_state:
            destination[prefix + _EXTRA_STATE] = self.get_extra_state()

    def state_dict(self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> Any:
        """Return all parameters and persistent buffers by dotted name, detached unless `keep_vars`.

        The tensors share their memory with the module. `_metadata` of the result holds each module's version.
        """
        if args:
            import warnings

            warnings.warn(
                "Positional args are being deprecated, use kwargs instead. Refer to "
                "https://pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module.state_dict for details.",
                FutureWarning,
                stacklevel=2,
            )
            given = dict(zip(("destination", "prefix", "keep_vars"), args, strict=False))
            destination = given.get("destination") if destination is None else destination
            prefix = given.get("prefix", "") if prefix == "" else prefix
            keep_vars = given.get("keep_vars", False) if keep_vars is False else keep_vars
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        local_metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = local_metadata
        hooks = self._hooks
        if hooks is not None:
            for hook in hooks.state_dict_pre.values():
                hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self.__dict__["_modules"].items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        if hooks is not None:
            for hook in hooks.state_dict.values():
                result = hook(self, destination, prefix, local_metadata)
                if result is None:
                    continue
                if getattr(hook, "_from_public_api", False):
                    raise RuntimeError("state_dict post-hook must return None")
                destination = result
        return destination

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Read this module's own tensors; a subclass may override it, e.g. to accept an older `version`."""
        if self._hooks is not None:
            for hook in self._hooks.load_pre.values():
                hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        own = dict(self._parameters)
        own.update((k, v) for k, v in self._buffers.items() if k not in self._non_persistent_buffers_set)
        assign = local_metadata.get("assign_to_params_buffers", False)
        for name, tensor in own.items():
            key = prefix + name
            if tensor is None:
                continue
            if key in state_dict:
                self._load_tensor(name, key, tensor, state_dict[key], assign, error_msgs)
            elif strict:
                missing_keys.append(key)
        key = prefix + _EXTRA_STATE
        if type(self).set_extra_state is not Stateful.set_extra_state:
            if key in state_dict:
                self.set_extra_state(state_dict[key])
            elif strict:
                missing_keys.append(key)
        elif strict and key in state_dict:
            unexpected_keys.append(key)
        if strict:
            self._find_unexpected(state_dict, prefix, own, unexpected_keys)

    def _find_unexpected(self, state_dict: Any, prefix: str, own: dict[str, Any], unexpected_keys: list[str]) -> None:
        expected = {name for name, tensor in own.items() if tensor is not None}
        for key in state_dict:
            if key.startswith(prefix) and key != prefix + _EXTRA_STATE:
                name, dot, _ = key[len(prefix) :].partition(".")
                known = name in self.__dict__["_modules"] if dot else name in expected
                if not known:
                    unexpected_keys.append(key)

    def _load_tensor(
        self, name: str, key: str, tensor: Tensor, given: Any, assign: bool, error_msgs: list[str]
    ) -> None:
        if not isinstance(given, Tensor):
            error_msgs.append(
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from '
                f"checkpoint but received {type(given)}"
            )
            return
        # PyTorch before 0.4 saved scalars with one dimension.
        if tensor.dim() == 0 and given.dim() == 1 and given.shape[0] == 1:
            given = given[0]
        if not is_lazy(tensor) and given.shape != tensor.shape:
            error_msgs.append(
                f"size mismatch for {key}: copying a param with shape {given.shape} from checkpoint, "
                f"the shape in current model is {tensor.shape}."
            )
            return
        if tensor.is_meta and not given.is_meta and not assign:
            import warnings

            warnings.warn(
                f"for {key}: copying from a non-meta parameter in the checkpoint to a meta parameter in the current "
                "model, which is a no-op. (Did you mean to pass `assign=True` to assign items in the state dictionary "
                "to their corresponding key in the module instead of copying them in place?)",
                stacklevel=2,
            )
        try:
            if assign:
                setattr(self, name, preserve_grad_mode(given, like=tensor))
            else:
                with autograd.no_grad():
                    tensor.copy_(given)
        except Exception as error:
            error_msgs.append(
                f'While copying the parameter named "{key}", whose dimensions in the model are {tensor.size()} and '
                f"whose dimensions in the checkpoint are {given.size()}, an exception occurred : {error.args}."
            )

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> _IncompatibleKeys:
        """Copy the tensors of `state_dict` into this module and all below it.

        `strict` demands that the keys are the same, `assign` puts the given tensors in place of the module's own.
        All that does not fit is collected and raised as one RuntimeError; the keys that are missing or unexpected
        are returned.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        missing_keys: list[str] = []
        unexpected_keys: list[str] = []
        error_msgs: list[str] = []
        metadata = getattr(state_dict, "_metadata", None)
        # A copy, as `_load_from_state_dict` may change it.
        entries = _StateDict(state_dict)
        if metadata is not None:
            entries._metadata = metadata

        def load(module: Any, entries: dict[str, Any], prefix: str) -> None:
            local_metadata = {} if metadata is None else metadata.get(prefix[:-1], {})
            if assign:
                local_metadata["assign_to_params_buffers"] = assign
            module._load_from_state_dict(
                entries, prefix, local_metadata, True, missing_keys, unexpected_keys, error_msgs
            )
            for name, child in module.__dict__["_modules"].items():
                if child is not None:
                    below = f"{prefix}{name}."
                    load(child, {k: v for k, v in entries.items() if k.startswith(below)}, below)
            if module._hooks is not None:
                for hook in module._hooks.load_post.values():
                    if hook(module, _IncompatibleKeys(missing_keys, unexpected_keys)) is not None:
                        raise AssertionError(
                            "Hooks registered with ``register_load_state_dict_post_hook`` are not expected to return "
                            "new values, if incompatible_keys need to be modified, it should be done inplace."
                        )

        load(self, entries, "")
        if strict:
            for kind, keys in (("Unexpected", unexpected_keys), ("Missing", missing_keys)):
                if keys:
                    listed = ", ".join(f'"{key}"' for key in keys)
                    error_msgs.insert(0, f"{kind} key(s) in state_dict: {listed}. ")
        if error_msgs:
            raise RuntimeError(
                f"Error(s) in loading state_dict for {type(self).__name__}:\n\t" + "\n\t".join(error_msgs)
            )
        return _IncompatibleKeys(missing_keys, unexpected_keys)
