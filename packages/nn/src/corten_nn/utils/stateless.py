"""Calling a module with other tensors in the places of its parameters and buffers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from corten_nn._backend import Tensor
    from corten_nn._module import Module

__all__ = ["functional_call"]


def _merged(given: Any) -> dict[str, Tensor]:
    if isinstance(given, Mapping):
        return dict(given)
    if not isinstance(given, Sequence):
        raise ValueError(
            f"Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got {type(given)}"
        )
    if not all(isinstance(part, Mapping) for part in given):
        raise ValueError("Expected all elements of parameter_and_buffer_dicts to be dictionaries")
    keys = [key for part in given for key in part]
    repeated = [key for key in dict.fromkeys(keys) if keys.count(key) > 1]
    if repeated:
        raise ValueError(f"{repeated} appeared in multiple dictionaries; behavior of functional call is ambiguous")
    return {key: value for part in given for key, value in part.items()}


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Return `module(*args, **kwargs)` computed with the given tensors, by dotted name, instead of the module's own.

    One dict or several are given; `args` that is no tuple is the only argument. With `tie_weights` a tensor stands in
    for all names of a shared one; `strict` demands that every name is given and known. The module is left as it was,
    also after an error.

    >>> functional_call(model, dict(model.named_parameters()), x)
    """
    tensors = _merged(parameter_and_buffer_dicts)
    places: dict[str, tuple[Any, str, str]] = {}
    for prefix, owner in module.named_modules(remove_duplicate=False):
        for kind in ("_parameters", "_buffers"):
            for name, value in getattr(owner, kind).items():
                if value is not None:
                    places[f"{prefix}.{name}" if prefix else name] = (owner, kind, name)
    own = {path: getattr(owner, kind)[name] for path, (owner, kind, name) in places.items()}
    unknown = [path for path in tensors if path not in places]
    if tie_weights:
        tensors = _tied(own, tensors)
    missing = [path for path in places if path not in tensors] if strict else []
    if strict and (missing or unknown):
        parts = [
            f"{kind} key(s): {', '.join(map(repr, paths))}."
            for kind, paths in (("Unexpected", unknown), ("Missing", missing))
            if paths
        ]
        raise RuntimeError(f"Error(s) in reparametrizing for {type(module).__name__}:\n\t" + "\n\t".join(parts))
    others = [(module.get_submodule(path.rpartition(".")[0]), path.rpartition(".")[2]) for path in unknown]
    present = [path for path in tensors if path in places]
    try:
        for path in present:
            owner, kind, name = places[path]
            getattr(owner, kind)[name] = tensors[path]
        # What is no parameter or buffer is an attribute for the time of the call.
        for path, (above, name) in zip(unknown, others, strict=True):
            setattr(above, name, tensors[path])
        return module(*(args if isinstance(args, tuple) else () if args is None else (args,)), **(kwargs or {}))
    finally:
        for path in present:
            owner, kind, name = places[path]
            getattr(owner, kind)[name] = own[path]
        for above, name in others:
            above.__dict__.pop(name, None)


def _tied(own: dict[str, Tensor], tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Add what stands in for the other names of shared tensors."""
    names: dict[int, list[str]] = {}
    for path, value in own.items():
        names.setdefault(id(value), []).append(path)
    tied = dict(tensors)
    for group in names.values():
        given = {id(tensors[path]): tensors[path] for path in group if path in tensors}
        if len(given) > 1:
            raise ValueError(
                f"functional_call got multiple values for keys {sorted(p for p in group if p in tensors)}, which are "
                "tied. Consider using tie_weights=False"
            )
        for value in given.values():
            tied.update((path, value) for path in group)
    return tied
