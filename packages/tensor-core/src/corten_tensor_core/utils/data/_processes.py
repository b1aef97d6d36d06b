"""Batches from worker processes: who is asked for what, and in which order the answers are given on."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import shutil
import signal
import tempfile
import time
import weakref
from multiprocessing import connection as pipes

import corten_native as _native

from . import _shared, worker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.process import BaseProcess
    from typing import Any

    from .dataloader import DataLoader

# How long workers get to end by themselves, in seconds.
_PATIENCE = 5.0
# How often it is looked whether workers still live, in seconds: the end of a pipe does not tell, where a process that
# the worker or another thread has forked holds a copy of it.
_LOOK_AROUND = 1.0
_UNSENT = object()


class WorkerIterator:
    """Iterator over the batches of a `DataLoader`, loaded by processes of its own.

    Batch n is asked of worker n modulo the number of workers, a few batches ahead. Batches come in the order of the
    sampler, or with `in_order=False` as they are ready.
    """

    def __init__(self, loader: DataLoader) -> None:
        self._loader = loader
        self._epoch = -1
        context = _context(loader.multiprocessing_context)
        folder = tempfile.mkdtemp(prefix="corten-", dir=_shared.MEMORY if os.path.isdir(_shared.MEMORY) else None)
        base_seed = int(_native.empty((), dtype=_native.int64).random_(generator=loader.generator).item())
        job = worker.Job(
            loader.dataset,
            loader.batch_sampler is not None,
            loader.collate_fn,
            loader.drop_last,
            loader.worker_init_fn,
            loader.num_workers,
            base_seed,
            folder,
        )
        self._connections: list[Any] = []
        self._processes: list[BaseProcess] = []
        self._stop = weakref.finalize(self, _stop, self._connections, self._processes, folder)
        for number in range(loader.num_workers):
            ours, theirs = context.Pipe()
            self._connections.append(ours)
            worker.asking_ends.add(ours)
            process = context.Process(target=worker.run, args=(job, number, theirs), daemon=True)
            process.start()
            theirs.close()
            self._processes.append(process)
        self.reset()

    def reset(self) -> None:
        """Start over: draw a new order, and forget what is still on its way."""
        loader = self._loader
        self._epoch += 1
        self._indices: Iterator[Any] = iter(loader.sampler if loader.batch_sampler is None else loader.batch_sampler)
        self._sent = self._next = 0
        # By number of batch: the worker that was asked, and where its answer lies.
        self._asked: dict[int, int] = {}
        self._answers: dict[int, tuple[str, list[int]]] = {}
        self._active = [True] * loader.num_workers
        self._turn = itertools.cycle(range(loader.num_workers))
        for _ in range((loader.prefetch_factor or 0) * loader.num_workers):
            self._ask()

    def __iter__(self) -> WorkerIterator:
        return self

    def __next__(self) -> Any:
        while True:
            while self._loader.in_order and self._next < self._sent and self._next not in self._asked:
                self._next += 1
            number = self._next if self._loader.in_order else next(iter(self._answers or self._asked), self._sent)
            if number not in self._asked:
                if not self._loader.persistent_workers:
                    self._stop()
                raise StopIteration
            if number not in self._answers:
                number = self._received()
                continue
            who, answer = self._asked.pop(number), _shared.take(*self._answers.pop(number))
            if isinstance(answer, worker.Exhausted):
                self._active[who] = False
                # What this worker was asked besides is not there either.
                self._asked = {n: w for n, w in self._asked.items() if w != who or n in self._answers}
                self._ask()
                continue
            self._ask()
            if isinstance(answer, worker.Failure):
                raise answer.raised()
            return answer

    def _ask(self) -> None:
        """Ask the next worker in turn for the next batch, if there are both."""
        limit = self._loader.prefetch_factor or 0
        for who in itertools.islice(self._turn, len(self._active)):
            if self._active[who] and (self._loader.in_order or list(self._asked.values()).count(who) < limit):
                break
        else:
            return
        indices = next(self._indices, _UNSENT)
        if indices is _UNSENT:
            return
        try:
            # As workers do, it takes what has arrived before it sends: so the two never wait for each other.
            while self._connections[who].poll():
                self._receive(who)
            self._connections[who].send((self._epoch, self._sent, indices))
        except OSError:
            raise self._death([who]) from None
        self._asked[self._sent] = who
        self._sent += 1

    def _received(self) -> int:
        """Wait for an answer of this epoch and keep it; return the number of its batch."""
        loader = self._loader
        until = time.monotonic() + loader.timeout if loader.timeout else None
        while True:
            left = float("inf") if until is None else max(0.0, until - time.monotonic())
            # Who has died before may have answered before.
            dead = [who for who, process in enumerate(self._processes) if process.exitcode is not None]
            ready: list[Any] = list(pipes.wait(self._connections, min(left, 0.0 if dead else _LOOK_AROUND)))
            if not ready and dead:
                raise self._death(dead)
            if not ready and left <= _LOOK_AROUND:
                raise RuntimeError(f"DataLoader timed out after {loader.timeout} seconds")
            for connection in ready:
                self._receive(self._connections.index(connection))
            if self._answers:
                return next(iter(self._answers))

    def _receive(self, who: int) -> None:
        """Note an answer that has arrived."""
        try:
            epoch, number, path, ends = self._connections[who].recv()
        except (EOFError, OSError):
            raise self._death([who]) from None
        if epoch == self._epoch and number in self._asked:
            self._answers[number] = path, ends
        else:
            os.unlink(path)

    def _death(self, who: list[int]) -> RuntimeError:
        """End all workers, and return the error that tells how one of them came to its end."""
        dead = [self._processes[number] for number in who]
        for process in dead:
            process.join(_PATIENCE)
        codes = [process.exitcode for process in dead]
        pids = ", ".join(str(process.pid) for process in dead)
        self._stop()
        self._asked.clear()
        if codes[0] is not None and codes[0] < 0:
            name = signal.strsignal(-codes[0])
            return RuntimeError(f"DataLoader worker (pid {pids}) is killed by signal: {name}.")
        return RuntimeError(f"DataLoader worker (pid(s) {pids}) exited unexpectedly")


def _context(chosen: Any) -> Any:
    if chosen is None:
        return multiprocessing.get_context("fork" if hasattr(os, "fork") else None)
    return multiprocessing.get_context(chosen) if isinstance(chosen, str) else chosen


def _stop(connections: list[Any], processes: list[BaseProcess], folder: str) -> None:
    """End the workers, by force if they take too long, and remove what they left in shared memory."""
    # Workers that still have requests to answer see by this that nobody waits for them.
    shutil.rmtree(folder, ignore_errors=True)
    for connection in connections:
        with contextlib.suppress(OSError):
            connection.send(None)
        connection.close()
    until = time.monotonic() + _PATIENCE
    for process in processes:
        process.join(max(0.0, until - time.monotonic()))
        if process.is_alive():
            process.kill()
            process.join()
    shutil.rmtree(folder, ignore_errors=True)
