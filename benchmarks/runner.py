"""Time statements of several libraries in turn, in one process, and keep the least time of each."""

import gc
import time
import timeit
from dataclasses import dataclass
from typing import Any

from benchmarks.case import Case

# Idle workers of OpenMP look for work for milliseconds; after this they sleep, and leave their processors to the other.
REST = 0.02


@dataclass(frozen=True)
class Result:
    """Seconds for one unit of `case` with `threads`, by library; those that are not installed are left out."""

    case: Case
    threads: int
    seconds: dict[str, float]

    @property
    def ratio(self) -> float | None:
        """How many times Corten is faster, where both were timed."""
        if {"corten", "torch"} <= self.seconds.keys():
            return self.seconds["torch"] / self.seconds["corten"]
        return None


def timer(case: Case, lib: Any) -> timeit.Timer:
    """Return a timer in which the free names of the statement are locals, the quickest names there are."""
    names = case.setup(lib)
    setup = "; ".join(f"{name} = _names[{name!r}]" for name in names)
    return timeit.Timer(case.statement, setup, globals={"_names": names})


def calibrate(case_timer: timeit.Timer, seconds: float) -> int:
    """Return how many executions take about `seconds`; this warms up as well."""
    count = 1
    while (taken := case_timer.timeit(count)) < seconds / 4:
        count = max(2 * count, int(count * seconds / 4 / max(taken, 1e-9)))
    return max(1, round(count * seconds / taken))


def measure(case: Case, libraries: dict[str, Any], threads: int, rounds: int, seconds: float) -> Result:
    """Time `case` with each library for `rounds` rounds of about `seconds`, one library after the other in each."""
    for lib in libraries.values():
        lib.set_num_threads(threads)
    timers = {name: timer(case, lib) for name, lib in libraries.items()}
    counts = {name: calibrate(one, seconds) for name, one in timers.items()}
    best = dict.fromkeys(timers, float("inf"))
    for _ in range(rounds):
        for name, one in timers.items():
            gc.collect()
            if threads > 1:
                time.sleep(REST)
                one.timeit(1)
            best[name] = min(best[name], one.timeit(counts[name]) / counts[name] / case.units)
    return Result(case, threads, best)
