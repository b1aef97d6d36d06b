"""Datasets, samplers and the loader beside PyTorch: the same batches for the same seed."""

import collections

import numpy as np
import pytest

import corten_tensor_core as native
from corten_tensor_core.utils import data

torch = pytest.importorskip("torch")
theirs = torch.utils.data

Pair = collections.namedtuple("Pair", "x y")


def plain(x):
    """Rebuild with tensors as dtype and values, for either library."""
    if hasattr(x, "tolist") and hasattr(x, "storage_offset"):
        return str(x.dtype), x.tolist()
    if isinstance(x, dict):
        return type(x).__name__, {k: plain(v) for k, v in x.items()}
    return (type(x).__name__, [plain(v) for v in x]) if isinstance(x, (list, tuple)) else x


def both(make, seed=3):
    """Run `make(lib, lib's data module)` with both libraries from the same seed."""
    results = []
    for lib, place in ((native, data), (torch, theirs)):
        lib.manual_seed(seed)
        results.append(plain(make(lib, place)))
    assert results[0] == results[1]
    return results[0]


def squares(place, n=11):
    class Squares(place.Dataset):
        def __getitem__(self, index):
            if not 0 <= index < n:
                raise IndexError(index)
            return index, float(index**2)

        def __len__(self):
            return n

    return Squares()


def counter(place, n=7):
    class Counter(place.IterableDataset):
        def __iter__(self):
            return iter(range(n))

        def __len__(self):
            return n

    return Counter()


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("batch_size", [1, 4, 50, None])
def test_orders(batch_size, drop_last, shuffle):
    options = {"batch_size": batch_size, "shuffle": shuffle, "drop_last": drop_last and batch_size is not None}

    def epochs(lib, place):
        rows = place.TensorDataset(lib.arange(10.0).view(5, 2), lib.arange(5))
        subset = place.Subset(rows, [4, 2, 0, 1])
        result = []
        for dataset in (rows, subset, squares(place)):
            loader = place.DataLoader(dataset, **options)
            result.append([[list(loader), list(loader)], len(loader), float(lib.rand(()))])
        return result

    both(epochs)


def test_own_generators_and_samplers():
    def orders(lib, place):
        g = lib.Generator().manual_seed(7)
        rows = squares(place, 40)
        return [
            list(place.DataLoader(rows, 16, shuffle=True, generator=g)),
            list(place.RandomSampler(rows, num_samples=90)),
            list(place.RandomSampler(rows, True, 70, g)),
            list(place.SubsetRandomSampler([5, 3, 9], g)),
            list(place.WeightedRandomSampler([0.1, 5, 2.0], 6)),
            list(place.WeightedRandomSampler([0.1, 5, 2.0], 3, False)),
            list(place.BatchSampler(place.SequentialSampler(range(7)), 3, False)),
            list(place.DataLoader(rows, sampler=[3, 1], batch_size=2)),
            list(place.DataLoader(rows, batch_sampler=[[1, 2], [0]])),
            [len(place.BatchSampler(range(7), 3, drop)) for drop in (False, True)],
        ]

    both(orders)


def test_splits():
    def parts(lib, place):
        rows = place.TensorDataset(lib.arange(10))
        g = lib.Generator().manual_seed(1)
        return [
            [[list(part.indices), list(part)] for part in place.random_split(rows, lengths, generator)]
            for lengths, generator in (([7, 3], g), ([0.5, 0.25, 0.25], g), ([0.33, 0.67], g))
        ] + [[x.indices for x in place.random_split(range(10), [7, 3])]]

    both(parts)
    for place in (data, theirs):
        with pytest.raises(ValueError, match="Sum of input lengths does not equal"):
            place.random_split(range(10), [7, 4])
        with pytest.raises(ValueError, match="not between 0 and 1"):
            place.random_split(range(10), [1.5, -0.5])
        with pytest.warns(UserWarning, match="Length of split at index 1 is 0"):
            place.random_split(range(1), [0.5, 0.5])


def test_datasets():
    def items(lib, place):
        x, y = place.TensorDataset(lib.arange(3)), place.TensorDataset(lib.arange(5.0))
        joined = x + y
        stacked = place.StackDataset(a=x, b=squares(place, 3))
        chained = counter(place, 2) + counter(place, 3)
        return [
            [joined[i] for i in (0, 2, 3, 7, -1)],
            len(joined),
            [stacked[1], len(stacked), place.StackDataset(x, x)[2]],
            [list(chained), len(chained)],
            list(place.DataLoader(stacked, 2)),
            place.Subset(y, [4, 1])[[0, 1]],
        ]

    both(items)
    for place in (data, theirs):
        for wrong in (
            lambda p=place: p.TensorDataset(native.ones(2), native.ones(3)),
            lambda p=place: p.ConcatDataset([]),
            lambda p=place: p.ConcatDataset([counter(p)]),
            lambda p=place: p.StackDataset(),
            lambda p=place: p.StackDataset([1], [1, 2]),
        ):
            with pytest.raises((AssertionError, ValueError)):
                wrong()


@pytest.mark.parametrize(("batch_size", "drop_last"), [(None, False), (3, False), (3, True)])
def test_iterables(batch_size, drop_last):
    def run(lib, place):
        loader = place.DataLoader(counter(place), batch_size=batch_size, drop_last=drop_last)
        return [list(loader), len(loader), float(lib.rand(()))]

    both(run)


BATCHES = [
    [1, 2],
    [1.5, 2],
    [True, False],
    ["a", "b"],
    [b"a", b"b"],
    [{"a": 1, "b": [1.0, 2]}, {"a": 2, "b": [3.0, 4]}],
    [Pair(1, 2.0), Pair(3, 4.0)],
    [(1, "x"), (2, "y")],
    [np.ones(2), np.zeros(2)],
    [np.float32(1.5), np.float32(2.5)],
    [np.int16(1), np.int16(2)],
    [collections.OrderedDict(a=1), collections.OrderedDict(a=2)],
    [range(2), range(2)],
]


@pytest.mark.parametrize("batch", BATCHES, ids=str)
def test_collation(batch):
    both(lambda lib, place: [place.default_collate(batch), place.default_convert(batch)])


def test_collation_errors():
    for place in (data, theirs):
        for wrong, kind in (([object()], TypeError), ([[1], [1, 2]], RuntimeError), ([np.array("a")], TypeError)):
            with pytest.raises(kind):
                place.default_collate(wrong)


@pytest.mark.parametrize(
    "options",
    [
        {"sampler": [1], "shuffle": True},
        {"batch_sampler": [[1]], "batch_size": 2},
        {"batch_size": None, "drop_last": True},
        {"batch_size": 0},
        {"num_workers": -1},
        {"timeout": -1},
        {"prefetch_factor": 2},
        {"persistent_workers": True},
        {"drop_last": 3},
    ],
    ids=str,
)
def test_wrong_options(options):
    for place in (data, theirs):
        with pytest.raises(ValueError, match=".+"):
            place.DataLoader(squares(place), **options)
        with pytest.raises(ValueError, match="expected unspecified shuffle option"):
            place.DataLoader(counter(place), shuffle=True)
        with pytest.raises(ValueError, match="num_samples should be a positive integer"):
            place.DataLoader([], shuffle=True)


def test_attributes():
    for place in (data, theirs):
        loader = place.DataLoader(squares(place), 4)
        with pytest.raises(ValueError, match="batch_size attribute should not be set"):
            loader.batch_size = 3
        assert (loader.batch_size, loader.num_workers, loader.pin_memory) == (4, 0, False)
        assert place.get_worker_info() is None

    class Typed(data.Dataset[int]):
        pass

    with pytest.raises(NotImplementedError, match="__getitem__"):
        Typed()[0]
