"""How samples come out of a dataset: for a list of indices from one with an index, one by one from an iterable."""

from __future__ import annotations

import itertools

import corten_native as _native

from ..._creation import tensor
from .collate import default_collate
from .dataset import IterableDataset, Subset, TensorDataset

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def fetcher(dataset: Any, batched: bool, collate_fn: Callable[[Any], Any], drop_last: bool) -> Callable[[Any], Any]:
    """Return the function from what the sampler gives to a batch, or a sample where not `batched`.

    For an iterable dataset, it reads as many samples as the sampler gives indices, and raises `StopIteration` after
    the last.
    """
    if isinstance(dataset, IterableDataset):
        samples = iter(dataset)
        if not batched:
            return lambda _: collate_fn(next(samples))

        def read(indices: Any) -> Any:
            batch = list(itertools.islice(samples, len(indices)))
            if not batch or (drop_last and len(batch) < len(indices)):
                raise StopIteration
            return collate_fn(batch)

        return read
    if not batched:
        return lambda index: collate_fn(dataset[index])
    tensors = _sliceable(dataset) if collate_fn is default_collate else None
    if tensors is not None:
        return lambda indices: _sliced(dataset, tensors, indices)
    if callable(getattr(dataset, "__getitems__", None)):
        return lambda indices: collate_fn(dataset.__getitems__(indices))
    return lambda indices: collate_fn([dataset[index] for index in indices])


def _sliceable(dataset: Any) -> tuple[Any, ...] | None:
    """Return the tensors of a `TensorDataset`, also behind subsets, if a batch may be taken from them at once."""
    while type(dataset) is Subset:
        dataset = dataset.dataset
    if type(dataset) is TensorDataset and not any(x.requires_grad for x in dataset.tensors):
        return dataset.tensors
    return None


def _sliced(dataset: Any, tensors: tuple[Any, ...], batch: list[int]) -> list[Any]:
    while type(dataset) is Subset:
        batch = [dataset.indices[i] for i in batch]
        dataset = dataset.dataset
    index = tensor(batch, dtype=_native.int64, device=tensors[0].device)
    return [x[index] for x in tensors]
