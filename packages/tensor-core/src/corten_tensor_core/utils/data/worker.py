"""What runs in a process that loads batches for a `DataLoader`."""

from __future__ import annotations

import gc
import os
import random
import traceback
import weakref
from collections import deque
from dataclasses import dataclass

# Here, so that no worker has to import it: an import in a forked process may stumble over what others had begun.
from numpy import random as numpy_random

import corten_native as _native

from ..._settings import manual_seed
from . import _shared
from .dataset import IterableDataset
from .fetch import fetcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from typing import Any

#: The ends of pipes to workers that are open in this process.
asking_ends: weakref.WeakSet[Connection] = weakref.WeakSet()

# How often a worker looks whether the process that started it still lives, in seconds.
_LOOK_AROUND = 5.0


@dataclass
class WorkerInfo:
    """The worker that this process is: its number, how many there are, its seed, and its copy of the dataset."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """Return what this worker process is, or None in a process that is no worker."""
    return _info


@dataclass
class Job:
    """What all workers of a loader share."""

    dataset: Any
    batched: bool
    collate_fn: Callable[[Any], Any]
    drop_last: bool
    init_fn: Callable[[int], None] | None
    num_workers: int
    base_seed: int
    folder: str


@dataclass
class Failure:
    """An exception in a worker, to be raised again where the batch is waited for."""

    kind: type[Exception]
    text: str

    @classmethod
    def of(cls, error: Exception, worker: int) -> Failure:
        """Describe an exception with its traceback."""
        trace = "".join(traceback.format_exception(error))
        return cls(
            type(error), f"Caught {type(error).__name__} in DataLoader worker process {worker}.\nOriginal {trace}"
        )

    def raised(self) -> Exception:
        """Return the exception of the same type, or a `RuntimeError` where that takes other arguments."""
        if self.kind is KeyError:
            # The text of a KeyError is shown quoted, on one line.
            return KeyError(_Verbatim(self.text))
        try:
            return self.kind(self.text)
        except Exception:
            return RuntimeError(self.text)


class _Verbatim(str):
    def __repr__(self) -> str:
        return str(self)


class Exhausted:
    """Stands for a batch where a worker's iterable dataset has ended."""


def run(job: Job, worker: int, connection: Connection) -> None:
    """Answer requests until the process that asks says None, has removed the folder for answers, or is gone.

    A request is `(epoch, number, indices)`; an epoch that is new starts the dataset from its beginning.
    """
    # What a forked process inherits is the other's to clean up: no finalizer of its garbage runs here.
    gc.freeze()
    for end in list(asking_ends):
        # A forked process has copies of all ends, and an open copy hides that the other process has closed its own.
        end.close()
    failure = None
    try:
        _prepare(job, worker)
    except Exception as error:
        failure = Failure.of(error, worker)
    parent, current, fetch = os.getppid(), None, None
    requests: deque[Any] = deque()
    try:
        while True:
            while connection.poll(0 if requests else _LOOK_AROUND):
                requests.append(connection.recv())
            if not requests:
                if os.getppid() != parent:
                    return
                continue
            request = requests.popleft()
            if request is None or not os.path.isdir(job.folder):
                return
            epoch, number, indices = request
            result: Any
            try:
                if failure is None and (epoch != current or fetch is None):
                    current = epoch
                    fetch = fetcher(job.dataset, job.batched, job.collate_fn, job.drop_last)
                result = failure or (fetch and fetch(indices))
            except Exception as error:
                ended = isinstance(error, StopIteration) and isinstance(job.dataset, IterableDataset)
                result = Exhausted() if ended else Failure.of(error, worker)
            _answer(connection, result, epoch, number, os.path.join(job.folder, f"{worker}.{epoch}.{number}"), worker)
    except (KeyboardInterrupt, EOFError, OSError):
        # The process that asks is interrupted too, or is gone.
        return


def _answer(connection: Connection, result: Any, epoch: int, number: int, path: str, worker: int) -> None:
    try:
        ends = _shared.put(result, path)
    except Exception as error:  # what a dataset returns need not be picklable
        if os.path.exists(path):
            os.unlink(path)
        ends = _shared.put(Failure.of(error, worker), path)
    connection.send((epoch, number, path, ends))


def _prepare(job: Job, worker: int) -> None:
    """Seed every generator, each worker's differently, and call the user's function."""
    global _info
    _native.set_num_threads(1)
    seed = job.base_seed + worker
    random.seed(seed)
    manual_seed(seed)
    entropy = [worker, job.base_seed & 0xFFFFFFFF, job.base_seed >> 32, 0]
    numpy_random.seed(numpy_random.SeedSequence(entropy).generate_state(4))  # noqa: NPY002 - it is the user who draws
    _info = WorkerInfo(worker, job.num_workers, seed, job.dataset)
    if job.init_fn is not None:
        job.init_fn(worker)
