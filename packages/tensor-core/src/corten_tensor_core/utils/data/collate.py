"""How a list of samples becomes a batch."""

from __future__ import annotations

import copy
from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence

import corten_native as _native

from ..._creation import as_tensor, tensor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def default_collate(batch: Any) -> Any:
    """Stack samples: tensors and arrays along a new first dimension, numbers to a vector, containers item by item.

    Texts stay a list. Raises `TypeError` for other types, `RuntimeError` for sequences of unequal lengths.
    """
    first = batch[0]
    if isinstance(first, _native.Tensor):
        return _native.stack(list(batch), 0)
    if _is_numpy(first):
        if first.dtype.kind in "SUO":
            raise TypeError(_unfit(first.dtype))
        if first.ndim:
            return default_collate([as_tensor(x) for x in batch])
        return as_tensor([x.item() for x in batch], dtype=as_tensor(first).dtype)
    if isinstance(first, float):
        return tensor(batch, dtype=_native.float64)
    if isinstance(first, int):
        return tensor(batch)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        columns = {key: default_collate([sample[key] for sample in batch]) for key in first}
        return _like_mapping(first, columns)
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        items = [default_collate(samples) for samples in zip(*batch, strict=True)]
        if isinstance(first, tuple):
            return type(first)(*items) if hasattr(first, "_fields") else items
        return _like_sequence(first, items)
    raise TypeError(_unfit(type(first)))


def default_convert(data: Any) -> Any:
    """Turn arrays into tensors, inside containers too, and leave everything else as it is."""
    if isinstance(data, _native.Tensor):
        return data
    if _is_numpy(data):
        return data if data.dtype.kind in "SUO" else as_tensor(data)
    if isinstance(data, Mapping):
        return _like_mapping(data, {key: default_convert(value) for key, value in data.items()})
    if isinstance(data, tuple):
        items = [default_convert(value) for value in data]
        return type(data)(*items) if hasattr(data, "_fields") else items
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _like_sequence(data, [default_convert(value) for value in data])
    return data


def _is_numpy(x: Any) -> bool:
    return type(x).__module__ == "numpy" and hasattr(x, "dtype")


def _like_mapping(first: Any, columns: dict[Any, Any]) -> Any:
    """Return the columns in a mapping of the sample's type, its other attributes kept, or in a dict."""
    try:
        if isinstance(first, MutableMapping):
            clone: Any = copy.copy(first)
            clone.update(columns)
            return clone
        return type(first)(columns)
    except TypeError:
        return columns


def _like_sequence(first: Any, items: list[Any]) -> Any:
    try:
        if isinstance(first, MutableSequence):
            clone: Any = copy.copy(first)
            for i, item in enumerate(items):
                clone[i] = item
            return clone
        return type(first)(items)
    except TypeError:
        return items


def _unfit(kind: Any) -> str:
    return f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {kind}"
