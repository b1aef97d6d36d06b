"""What the machine can do at most, as measured: the bounds that rates are compared with."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Limits:
    """Floating point operations and bytes a second, with the threads at hand."""

    flops: float
    bytes: float

    def share(self, flops: float, bytes: float, seconds: float) -> float | None:
        """Return which part of the bound that is nearer the work reaches, or None where no work is stated."""
        part = max(flops / self.flops, bytes / self.bytes) / seconds
        return part or None


def least(run: Callable[[], Any], rounds: int = 7) -> float:
    """Return the least time of `run`."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def measure(libraries: dict[str, Any]) -> Limits:
    """Take the best float32 product of 1024 x 1024 of all libraries, and the best addition of 64 MB."""
    flops, bandwidth = [], []
    for lib in libraries.values():
        a, b, big = lib.ones(1024, 1024), lib.ones(1024, 1024), lib.ones(1 << 24)
        flops.append(2 * 1024**3 / least(partial(lib.matmul, a, b)))
        bandwidth.append(8 * (1 << 24) / least(partial(big.add_, 1.0)))
    source, target = np.ones(1 << 24, dtype=np.float32), np.ones(1 << 24, dtype=np.float32)
    bandwidth.append(8 * (1 << 24) / least(partial(np.copyto, target, source)))
    return Limits(max(flops), max(bandwidth))
