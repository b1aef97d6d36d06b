"""What a timer measured, and how precise it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from textwrap import indent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

#: Units by name, with their seconds, from the largest.
UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}

#: Ratios of the interquartile range to the median from which a measurement is called doubtful.
_DOUBTFUL = (
    (0.25, "This suggests significant environmental influence."),
    (0.1, "This could indicate system fluctuation."),
)


@dataclass(frozen=True)
class Task:
    """What was measured, in which words, and by how many threads."""

    stmt: str
    setup: str
    label: str | None
    sub_label: str | None
    description: str | None
    num_threads: int

    @property
    def title(self) -> str:
        """The label, or the statement."""
        about = f": {self.sub_label}" if self.sub_label else ""
        if self.label is not None:
            return self.label + about
        if "\n" not in self.stmt:
            return self.stmt + about
        return f"stmt:{f' ({self.sub_label})' if self.sub_label else ''}\n{indent(self.stmt, '  ')}"

    def __str__(self) -> str:
        setup = "" if self.setup in ("", "pass") else f"setup: {self.setup}"
        if "\n" in setup:
            setup = f"setup:\n{indent(self.setup, '  ')}"
        parts = [part for part in (self.title, self.description, setup) if part]
        return "\n".join(f"{part}\n" if "\n" in part else part for part in parts)


@dataclass(repr=False)
class Measurement:
    """Seconds that runs of a statement took: each of `raw_times` is that of `number_per_run` runs."""

    number_per_run: int
    raw_times: list[float]
    task_spec: Task

    @property
    def times(self) -> list[float]:
        """Seconds of a run."""
        return [time / self.number_per_run for time in self.raw_times]

    @property
    def median(self) -> float:
        """The median of the times."""
        return _quantile(sorted(self.times), 0.5)

    @property
    def mean(self) -> float:
        """The mean of the times."""
        return math.fsum(self.times) / len(self.raw_times)

    @property
    def iqr(self) -> float:
        """The interquartile range of the times."""
        times = sorted(self.times)
        return _quantile(times, 0.75) - _quantile(times, 0.25)

    @property
    def significant_figures(self) -> int:
        """How many digits of the median mean something, from the spread of the middle half of the times."""
        times = sorted(self.times)
        middle = times[len(times) // 4 : math.ceil(3 * len(times) / 4)]
        mean = math.fsum(middle) / len(middle)
        spread = math.sqrt(math.fsum((time - mean) ** 2 for time in middle) / len(middle))
        # 90 % of a normal distribution, and never finer than a clock.
        interval = max(1.645 * spread / math.sqrt(len(middle)), 25e-9)
        return min(max(math.floor(math.log10(self.median / interval)), 1), 4)

    @property
    def has_warnings(self) -> bool:
        """Whether the times vary so much that the median is doubtful."""
        return not self.meets_confidence()

    @property
    def title(self) -> str:
        """The label, or the statement."""
        return self.task_spec.title

    @property
    def as_row_name(self) -> str:
        """The name of the row in a table."""
        return self.task_spec.sub_label or self.task_spec.stmt

    def meets_confidence(self, threshold: float = 0.1) -> bool:
        """Whether the interquartile range is a smaller part of the median than `threshold`."""
        return self.iqr / self.median < threshold

    def __repr__(self) -> str:
        times, median = sorted(self.times), self.median
        count, (unit, scale) = len(times), unit_of(median)
        several = count > 1
        lines = [object.__repr__(self), str(self.task_spec)]
        lines.append(f"  {'Median: ' if several else ''}{median / scale:.2f} {unit}")
        if count >= 4:
            low, high = (_quantile(times, q) / scale for q in (0.25, 0.75))
            lines.append(f"  IQR:    {self.iqr / scale:.2f} {unit} ({low:.2f} to {high:.2f})")
        runs = f"{self.number_per_run} runs {'per measurement,' if several else ','}"
        threads = self.task_spec.num_threads
        lines.append(f"  {count} measurement{'s' * several}, {runs} {threads} thread{'s' * (threads > 1)}")
        ratio = self.iqr / median
        warning = next((text for threshold, text in _DOUBTFUL if ratio >= threshold), None)
        if warning:
            lines.append(f"  WARNING: Interquartile range is {ratio * 100:.1f}% of the median measurement.")
            lines.append(f"           {warning}")
        return "\n".join(lines)


def unit_of(seconds: float) -> tuple[str, float]:
    """Return the unit that a time is written in, and its seconds."""
    return next(((unit, scale) for unit, scale in UNITS.items() if seconds >= scale), ("ns", 1e-9))


def _quantile(ordered: Sequence[float], q: float) -> float:
    """Return a quantile of sorted numbers, between neighbours by linear interpolation."""
    rank = q * (len(ordered) - 1)
    low, high = ordered[math.floor(rank)], ordered[math.ceil(rank)]
    return low + (high - low) * (rank - math.floor(rank))
