"""Samplers: orders of indices, drawn as PyTorch draws them, so that a seed gives its order."""

from __future__ import annotations

import itertools
from types import GenericAlias

import corten_native as _native

from ..._creation import as_tensor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any


class Sampler:
    """Base of samplers: implement `__iter__` over indices or lists of indices, and `__len__` where it is known."""

    def __class_getitem__(cls, item: Any) -> GenericAlias:
        return GenericAlias(cls, item)

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError("Subclasses of Sampler should implement __iter__.")


class SequentialSampler(Sampler):
    """The indices in order."""

    def __init__(self, data_source: Any) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


def _checked_count(num_samples: Any) -> int:
    if not isinstance(num_samples, int) or isinstance(num_samples, bool) or num_samples <= 0:
        raise ValueError(f"num_samples should be a positive integer value, but got num_samples={num_samples}")
    return num_samples


def _checked_flag(name: str, value: Any, kind: type[Exception]) -> bool:
    if not isinstance(value, bool):
        raise kind(f"{name} should be a boolean value, but got {name}={value}")
    return value


class RandomSampler(Sampler):
    """The indices in random order, `num_samples` of them; with `replacement`, each drawn from all."""

    def __init__(
        self, data_source: Any, replacement: bool = False, num_samples: int | None = None, generator: Any = None
    ) -> None:
        self.data_source = data_source
        self.replacement = _checked_flag("replacement", replacement, TypeError)
        self._num_samples = num_samples
        self.generator = generator
        _checked_count(self.num_samples)

    @property
    def num_samples(self) -> int:
        """How many indices come; by default as many as the dataset has samples now."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n = len(self.data_source)
        generator = self.generator
        if generator is None:
            # Of the common generator, only a seed is used.
            seed = int(_native.empty((), dtype=_native.int64).random_().item())
            generator = _native.Generator()
            generator.manual_seed(seed)
        if self.replacement:
            rounds = [32] * (self.num_samples // 32) + [self.num_samples % 32]
            for count in rounds:
                yield from _native.randint(0, n, (count,), dtype=_native.int64, generator=generator).tolist()
        else:
            for _ in range(self.num_samples // n):
                yield from _native.randperm(n, generator=generator).tolist()
            yield from _native.randperm(n, generator=generator).tolist()[: self.num_samples % n]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """The given indices in random order."""

    def __init__(self, indices: Sequence[int], generator: Any = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for i in _native.randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """Indices drawn with probabilities in proportion to the weights."""

    def __init__(
        self, weights: Sequence[float], num_samples: int, replacement: bool = True, generator: Any = None
    ) -> None:
        self.num_samples = _checked_count(num_samples)
        self.replacement = _checked_flag("replacement", replacement, ValueError)
        self.weights = as_tensor(weights, dtype=_native.float64)
        if self.weights.dim() != 1:
            raise ValueError(
                f"weights should be a 1d sequence but given weights have shape {tuple(self.weights.shape)}"
            )
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        drawn = _native.multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)
        yield from drawn.tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
    """Lists of `batch_size` indices of another sampler; the last may be shorter, unless `drop_last`."""

    def __init__(self, sampler: Any, batch_size: int, drop_last: bool) -> None:
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0:
            raise ValueError(f"batch_size should be a positive integer value, but got batch_size={batch_size}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = _checked_flag("drop_last", drop_last, ValueError)

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        whole, rest = divmod(len(self.sampler), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)
