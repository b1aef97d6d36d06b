"""Measuring how long a statement takes."""

from __future__ import annotations

import sys
import timeit
from contextlib import contextmanager

import corten_native as _native

from ._measurement import Measurement, Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any


class Timer:
    """Measures a Python statement as `timeit.Timer` does, with a fixed number of threads, and runs it first to warm up.

    `setup` runs before each measurement. Both see `globals`, and this library as `torch`. `label`, `sub_label` and
    `description` are the title, the row and the column of a measurement in the table of `Compare`.

    >>> Timer("x.sum()", globals={"x": torch.ones(1000)}).blocked_autorange()
    """

    def __init__(
        self,
        stmt: str = "pass",
        setup: str = "pass",
        *,
        timer: Callable[[], float] = timeit.default_timer,
        globals: dict[str, Any] | None = None,
        label: str | None = None,
        sub_label: str | None = None,
        description: str | None = None,
        num_threads: int = 1,
    ) -> None:
        library = sys.modules.get("corten") or sys.modules["corten_tensor_core"]
        stmt, setup = (_dedented(code) for code in (stmt, setup))
        self._timer = timeit.Timer(stmt, setup, timer, {"torch": library, **(globals or {})})
        self._task = Task(stmt, setup, label, sub_label, description, num_threads)

    def timeit(self, number: int = 1000000) -> Measurement:
        """Measure `number` runs at once."""
        with _threads(self._task.num_threads):
            self._seconds(max(number // 100, 2))
            return Measurement(number, [self._seconds(number)], self._task)

    def blocked_autorange(
        self, callback: Callable[[int, float], object] | None = None, min_run_time: float = 0.2
    ) -> Measurement:
        """Measure blocks of so many runs that reading the clock costs nothing, for `min_run_time` seconds.

        `callback` gets the number of runs and the seconds of each block.
        """
        with _threads(self._task.num_threads):
            number = self._block(min_run_time)
            return self._blocks(number, min_run_time, None, lambda found: True, callback)

    def adaptive_autorange(
        self,
        threshold: float = 0.1,
        *,
        min_run_time: float = 0.01,
        max_run_time: float = 10.0,
        callback: Callable[[int, float], object] | None = None,
    ) -> Measurement:
        """Measure blocks until their interquartile range is below `threshold` of the median, or the time is over."""

        def enough(found: Measurement) -> bool:
            return len(found.raw_times) > 3 and found.meets_confidence(threshold)

        with _threads(self._task.num_threads):
            return self._blocks(self._block(0.05), min_run_time, max_run_time, enough, callback)

    def _seconds(self, number: int) -> float:
        return max(self._timer.timeit(number), 1e-9)

    def _block(self, min_run_time: float) -> int:
        """Return a number of runs that takes ten thousand times as long as reading the clock."""
        overhead = sorted(self._seconds(0) for _ in range(5))[2]
        number = 1
        while True:
            taken = self._seconds(number)
            if taken > min_run_time or (overhead <= 1e-4 * taken and taken >= min_run_time / 1000):
                return number
            number *= 10

    def _blocks(
        self,
        number: int,
        min_run_time: float,
        max_run_time: float | None,
        enough: Callable[[Measurement], bool],
        callback: Callable[[int, float], object] | None,
    ) -> Measurement:
        found, total = Measurement(number, [], self._task), 0.0
        while total < min_run_time or not enough(found):
            taken = self._seconds(number)
            found.raw_times.append(taken)
            total += taken
            if callback is not None:
                callback(number, taken)
            if max_run_time is not None and total > max_run_time:
                break
        return found


def _dedented(code: str) -> str:
    """Return code without the indentation and the blank lines that a literal of several lines brings."""
    import textwrap

    return textwrap.dedent(code).strip()


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = _native.get_num_threads()
    _native.set_num_threads(count)
    try:
        yield
    finally:
        _native.set_num_threads(before)
