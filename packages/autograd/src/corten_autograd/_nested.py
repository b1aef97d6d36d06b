"""Tensors in nested dicts, lists and tuples."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def flatten(tree: Any) -> list[Any]:
    """Return what is in `tree`, in order; what is no dict, list or tuple stands for itself."""
    if isinstance(tree, dict):
        return [leaf for item in tree.values() for leaf in flatten(item)]
    if isinstance(tree, (list, tuple)):
        return [leaf for item in tree for leaf in flatten(item)]
    return [tree]


def rebuild(tree: Any, leaves: Iterator[Any]) -> Any:
    """Return a tree like `tree` of the next `leaves`."""
    if isinstance(tree, dict):
        return type(tree)((key, rebuild(item, leaves)) for key, item in tree.items())
    if isinstance(tree, (list, tuple)):
        items = [rebuild(item, leaves) for item in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    return next(leaves)


def spread(prefix: Any, tree: Any) -> list[Any]:
    """Return an item of `prefix` for each leaf of `tree`: one item may stand for a whole part of the tree.

    Raises `ValueError` where the two do not fit.
    """
    if prefix is None or isinstance(prefix, int):
        return [prefix] * len(flatten(tree))
    if isinstance(prefix, dict) and isinstance(tree, dict) and prefix.keys() == tree.keys():
        return [item for key in tree for item in spread(prefix[key], tree[key])]
    both = (list, tuple)
    if isinstance(prefix, both) and isinstance(tree, both) and len(prefix) == len(tree):
        return [item for one, part in zip(prefix, tree, strict=True) for item in spread(one, part)]
    raise ValueError(f"{prefix!r} does not fit {type(tree).__name__}")
