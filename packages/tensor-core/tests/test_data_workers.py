"""Batches from worker processes beside PyTorch: the same order and random numbers; and what goes wrong with workers."""

import gc
import itertools
import multiprocessing
import os
import random
import signal
import tempfile
import time

import numpy as np
import pytest

import corten_tensor_core as native
from corten_tensor_core.utils import data
from corten_tensor_core.utils.data import _shared

torch = pytest.importorskip("torch")
theirs = torch.utils.data

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="workers are forked")

LIBRARIES = ((native, data), (torch, theirs))


@pytest.fixture(autouse=True)
def nothing_stays(monkeypatch):
    """After each test the workers are gone, and so is what they left in shared memory."""
    memory = tempfile.mkdtemp(prefix="corten-test-", dir=_shared.MEMORY if os.path.isdir(_shared.MEMORY) else None)
    monkeypatch.setattr(_shared, "MEMORY", memory)
    yield
    gc.collect()
    assert multiprocessing.active_children() == []
    os.rmdir(memory)


def plain(x):
    if hasattr(x, "storage_offset"):
        return str(x.dtype), tuple(x.shape), x.tolist()
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    return [plain(v) for v in x] if isinstance(x, (list, tuple)) else x


def both(make, seed=3):
    """Run `make(lib, lib's data module)` with both libraries from the same seed."""
    results = []
    for lib, place in LIBRARIES:
        lib.manual_seed(seed)
        results.append(plain(make(lib, place)))
    assert results[0] == results[1]
    return results[0]


def rows(place, get, n=11, base="Dataset"):
    class Rows(getattr(place, base)):
        def __getitem__(self, index):
            return get(index)

        def __iter__(self):
            return get()

        def __len__(self):
            return n

    return Rows()


@pytest.mark.parametrize(
    "options", [{}, {"persistent_workers": True}, {"prefetch_factor": 5}, {"drop_last": True}], ids=str
)
def test_order(options):
    def epochs(lib, place):
        loader = place.DataLoader(rows(place, lambda i: (i, float(i))), 3, shuffle=True, num_workers=2, **options)
        return [list(loader), list(loader), len(loader), float(lib.rand(()))]

    both(epochs)


def test_random_numbers_of_workers():
    """Each worker has its own seed for Python, NumPy and the library, the same as in PyTorch."""

    def drawn(lib, place):
        def get(index):
            info = place.get_worker_info()
            seen = info.id, info.num_workers, info.seed, lib.initial_seed(), lib.get_num_threads()
            return seen, random.random(), np.random.rand(), lib.rand(2)  # noqa: NPY002 - as users do

        loader = place.DataLoader(rows(place, get, 4), None, num_workers=2, generator=lib.Generator().manual_seed(5))
        return [list(loader), list(loader)]

    both(drawn)
    assert data.get_worker_info() is None


@pytest.mark.parametrize("batch_size", [None, 2])
def test_iterables(batch_size):
    def read(lib, place):
        def share():
            info = place.get_worker_info()
            return itertools.islice(range(7), info.id, None, info.num_workers)

        loader = place.DataLoader(rows(place, share, base="IterableDataset"), batch_size, num_workers=2)
        return [list(loader), list(loader)]

    both(read)


def test_values_through_shared_memory():
    def get(lib, index):
        x = lib.arange(20_000.0).view(100, 200)
        return {
            "view": x[:, ::2].t() + index,
            "text": "ü" * index,
            "array": np.arange(3) * index,
            "kinds": [lib.tensor(index, dtype=kind) for kind in (lib.bool, lib.bfloat16, lib.complex64, lib.uint16)],
            "empty": lib.empty(0, 3),
        }

    def batches(lib, place):
        loader = place.DataLoader(rows(place, lambda i: get(lib, i), 4), 2, num_workers=1)
        kept = list(loader)
        del loader
        kept[0]["view"].mul_(2)
        return kept

    both(batches)


def test_initialisation_of_workers():
    def started(lib, place):
        def init(worker):
            place.get_worker_info().dataset.label = f"from {worker}"

        dataset = rows(place, lambda i: f"{i} {dataset.label}", 4)
        return list(place.DataLoader(dataset, num_workers=2, worker_init_fn=init))

    assert both(started)[0] == ["0 from 0"]


@pytest.mark.parametrize("persistent", [True, False])
def test_persistent_workers(persistent):
    loader = data.DataLoader(rows(data, lambda i: os.getpid(), 40), 2, num_workers=2, persistent_workers=persistent)
    first = next(iter(loader))
    epochs = [{int(pid) for batch in loader for pid in batch} for _ in range(2)]
    assert all(len(pids) == 2 for pids in epochs)
    assert (epochs[0] == epochs[1]) == persistent
    assert (int(first[0]) in epochs[0]) == persistent


def test_more_ahead_than_pipes_hold():
    """Requests and answers fill both directions of a pipe."""
    loader = data.DataLoader(range(2_000), None, num_workers=1, prefetch_factor=2_000)
    assert list(loader) == list(range(2_000))


def test_out_of_order():
    others_seen = multiprocessing.Event()

    def get(index):
        assert index != 0 or others_seen.wait(60)
        return index

    seen = []
    for index in data.DataLoader(rows(data, get), None, num_workers=2, in_order=False):
        seen.append(index)
        others_seen.set()
    assert sorted(seen) == list(range(11))
    assert seen[0] != 0


class AwkwardError(Exception):
    def __init__(self, one, two):
        super().__init__(one, two)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("bad"), ValueError),
        (KeyError("bad"), KeyError),
        (StopIteration(), StopIteration),
        (AwkwardError(1, 2), RuntimeError),  # made of two values, not of a text
    ],
    ids=repr,
)
def test_errors(error, kind):
    def get(index):
        if index == 5:
            raise error
        return index

    loader = iter(data.DataLoader(rows(data, get), None, num_workers=2))
    assert [next(loader) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(kind, match="(?s)Caught .* in DataLoader worker process 1.\nOriginal Traceb.*in get"):
        next(loader)
    assert [next(loader), next(loader)] == [6, 7]


def test_errors_around_the_dataset():
    def fail(*_):
        raise OSError("no such place")

    for options in ({"worker_init_fn": fail}, {"collate_fn": fail}):
        for _, place in LIBRARIES:
            with pytest.raises(OSError, match="(?s)Caught OSError in DataLoader worker process 0.*no such place"):
                next(iter(place.DataLoader(rows(place, lambda i: i), num_workers=1, **options)))
    with pytest.raises(Exception, match="(?s)Caught .*pickle"):
        next(iter(data.DataLoader(rows(data, lambda i: lambda: i), None, num_workers=1)))


@pytest.mark.parametrize(
    "end", [lambda: os._exit(3), lambda: os.kill(os.getpid(), signal.SIGKILL)], ids=["exit", "kill"]
)
def test_dying_workers(end):
    def get(index):
        if index == 5:
            end()
        return index

    loader = iter(data.DataLoader(rows(data, get), None, num_workers=2))
    with pytest.raises(
        RuntimeError, match=r"DataLoader worker \(pid.*\) (exited unexpectedly|is killed by signal: Killed)"
    ):
        list(loader)
    assert list(loader) == []


def test_dying_workers_whose_children_live():
    """A child keeps the pipe open, whose end would tell of the death."""
    gate, exit = os.pipe()

    def get(index):
        if os.fork():
            os._exit(3)
        os.close(exit)
        os.read(gate, 1)  # ends when the test closes its end
        os._exit(0)

    loader = iter(data.DataLoader(rows(data, get), None, num_workers=1, timeout=60))
    with pytest.raises(RuntimeError, match=r"DataLoader worker \(pid.*\) exited unexpectedly"):
        next(loader)
    os.close(exit)
    os.close(gate)


def test_garbage_is_left_to_the_process_that_made_it():
    """A finalizer that ran in a worker too would close what the process still uses."""
    finalized = multiprocessing.Value("i")

    class Cycle:
        def __init__(self):
            self.itself = self

        def __del__(self):
            finalized.value += 1

    gc.collect()
    gc.disable()
    try:
        Cycle()
        assert list(data.DataLoader(rows(data, lambda i: gc.collect() * 0, 3), None, num_workers=1)) == [0, 0, 0]
        assert finalized.value == 0
    finally:
        gc.enable()


def test_slow_workers():
    loader = data.DataLoader(rows(data, lambda i: time.sleep(30)), None, num_workers=1, timeout=0.2)
    iterator = iter(loader)
    with pytest.raises(RuntimeError, match="timed out after 0.2 seconds"):
        next(iterator)
    os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)
    del iterator


def test_workers_end_with_the_iterator():
    """Leaving a loop early does not wait for what was asked ahead."""
    loaded = multiprocessing.Value("i")

    def get(index):
        with loaded.get_lock():
            loaded.value += 1
        time.sleep(0.2)

    for _ in data.DataLoader(rows(data, get, 1000), None, num_workers=2, prefetch_factor=100):
        break
    gc.collect()
    assert multiprocessing.active_children() == []
    assert loaded.value < 150


def test_contexts():
    for context in ("fork", multiprocessing.get_context("fork")):
        assert len(list(data.DataLoader([1, 2], num_workers=1, multiprocessing_context=context))) == 2
    with pytest.raises(ValueError, match="cannot find context"):
        iter(data.DataLoader([1, 2], num_workers=1, multiprocessing_context="nonsense"))


def test_pinned_memory():
    for lib, place in LIBRARIES:
        if not lib.cuda.is_available():
            with pytest.warns(UserWarning, match="'pin_memory' argument is set as true but no accelerator is found"):
                assert len(list(place.DataLoader([1, 2], pin_memory=True))) == 2
