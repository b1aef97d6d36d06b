"""The loader: indices from a sampler, samples from a dataset, batches from `collate_fn`."""

from __future__ import annotations

import itertools
from types import GenericAlias

import corten_native as _native

from ...cuda import is_available
from .collate import default_collate, default_convert
from .dataset import IterableDataset
from .fetch import fetcher
from .sampler import BatchSampler, RandomSampler, SequentialSampler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from ._processes import WorkerIterator

_BATCH_OPTIONS = ("batch_size", "shuffle", "sampler", "drop_last", "batch_sampler")


class DataLoader:
    """Iterate over a dataset in mini-batches; each iteration draws a new order where `shuffle` is set.

    For the same seed, the order is PyTorch's. With `num_workers` above 0, so many processes load batches ahead,
    `prefetch_factor` each, and hand them over in shared memory; they are forked, where the system can, and have seeds
    `base_seed + worker id` as in PyTorch. `pin_memory` has no effect: a copy to a device pins what it needs.
    """

    def __class_getitem__(cls, item: Any) -> GenericAlias:
        return GenericAlias(cls, item)

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Any = None,
        batch_sampler: Any = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        self._iterable = isinstance(dataset, IterableDataset)
        if self._iterable:
            for name, value in (("shuffle", shuffle), ("sampler", sampler), ("batch_sampler", batch_sampler)):
                if value is not None and value is not False:
                    raise ValueError(
                        f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}"
                    )
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
                )
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")
        if sampler is None:
            if self._iterable:
                sampler = itertools.repeat(None)
            else:
                sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.dataset = dataset
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.generator = generator
        self.num_workers = num_workers
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.persistent_workers = persistent_workers
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.in_order = in_order
        self._workers: WorkerIterator | None = None
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)

    def __iter__(self) -> Iterator[Any]:
        if self.pin_memory and not is_available():
            import warnings

            text = (
                "'pin_memory' argument is set as true but no accelerator is found, then device pinned memory won't be "
            )
            warnings.warn(f"{text}used.", stacklevel=2)
        if self.num_workers == 0:
            return self._batches()
        from ._processes import WorkerIterator

        if self._workers is not None:
            self._workers.reset()
            return self._workers
        workers = WorkerIterator(self)
        if self.persistent_workers:
            self._workers = workers
        return workers

    def _batches(self) -> Iterator[Any]:
        # PyTorch draws a base seed for its workers even without any, and the orders that follow depend on it.
        _native.empty((), dtype=_native.int64).random_(generator=self.generator)
        indices = iter(self.sampler if self.batch_sampler is None else self.batch_sampler)
        fetch = fetcher(self.dataset, self.batch_sampler is not None, self.collate_fn, self.drop_last)
        return self._fetched(fetch, indices)

    @staticmethod
    def _fetched(fetch: Callable[[Any], Any], indices: Iterator[Any]) -> Iterator[Any]:
        for batch in indices:
            try:
                result = fetch(batch)
            except StopIteration:
                return
            yield result

    def __len__(self) -> int:
        if self._iterable:
            count = len(self.dataset)
            if self.batch_size is None:
                return count
            whole, rest = divmod(count, self.batch_size)
            return whole + (rest > 0 and not self.drop_last)
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _BATCH_OPTIONS and "collate_fn" in self.__dict__:
            raise ValueError(f"{name} attribute should not be set after DataLoader is initialized")
        super().__setattr__(name, value)


def _check_workers(num_workers: int, timeout: float, prefetch_factor: int | None, persistent_workers: bool) -> None:
    if num_workers < 0:
        raise ValueError(
            f"num_workers option should be non-negative, got {num_workers}; use num_workers=0 to disable workers."
        )
    if timeout < 0:
        raise ValueError(f"timeout option should be non-negative, got {timeout}")
    if num_workers == 0 and prefetch_factor is not None:
        raise ValueError(
            "prefetch_factor option could only be specified in multiprocessing. "
            "Let num_workers > 0 to enable multiprocessing, otherwise set prefetch_factor to None."
        )
    if prefetch_factor is not None and prefetch_factor < 0:
        raise ValueError(f"prefetch_factor option should be non-negative, got {prefetch_factor}")
    if persistent_workers and num_workers == 0:
        raise ValueError("persistent_workers option needs num_workers > 0")
    if num_workers == 0 and timeout:
        raise ValueError("timeout needs num_workers > 0: only batches of workers are waited for")
