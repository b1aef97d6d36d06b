"""Tables of measurements."""

from __future__ import annotations

import math
from itertools import groupby

from ._measurement import UNITS, Measurement, unit_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_UNIT_NAMES = dict(zip(UNITS, ("seconds", "milliseconds", "microseconds", "nanoseconds"), strict=True))

#: Colours of a terminal for a median that is at most, or at least, so many times the best one; the first that fits.
_FAST = ((1.01, "\033[92m\033[1m"), (1.1, "\033[34m\033[1m"))
_SLOW = ((5.0, "\033[31m\033[1m"), (2.0, "\033[2m\033[91m"))


class Compare:
    """A table of medians for each label: rows are `sub_label`s, in groups of threads, and columns `description`s.

    Measurements of the same statement in the same words are taken together.

    >>> Compare([timer.timeit(100) for timer in timers]).print()
    """

    def __init__(self, results: Iterable[Measurement]) -> None:
        self._results: list[Measurement] = []
        self._trimmed = self._coloured = self._by_row = self._warned = False
        self.extend_results(results)

    def extend_results(self, results: Iterable[Measurement]) -> None:
        """Add measurements."""
        for result in results:
            if not isinstance(result, Measurement):
                raise ValueError(f"Expected an instance of `Measurement`, got {type(result)} instead.")
            self._results.append(result)

    def trim_significant_figures(self) -> None:
        """Print only the digits that mean something."""
        self._trimmed = True

    def colorize(self, rowwise: bool = False) -> None:
        """Colour the best and the worst of each column, or of each row."""
        self._coloured, self._by_row = True, rowwise

    def highlight_warnings(self) -> None:
        """Mark measurements that vary much."""
        self._warned = True

    def print(self) -> None:
        """Print the tables."""
        print(str(self))

    def __str__(self) -> str:
        merged: dict[object, Measurement] = {}
        for result in self._results:
            known = merged.setdefault(result.task_spec, Measurement(1, [], result.task_spec))
            known.raw_times.extend(result.times)
        tables: dict[str | None, list[Measurement]] = {}
        for result in merged.values():
            tables.setdefault(result.task_spec.label, []).append(result)
        return "\n".join(self._table(label or "", results) for label, results in tables.items())

    def _table(self, label: str, results: list[Measurement]) -> str:
        unit, scale = unit_of(min(result.median for result in results))
        columns = list(dict.fromkeys(result.task_spec.description for result in results))
        keys = dict.fromkeys((result.task_spec.num_threads, result.as_row_name) for result in results)
        rows = sorted(keys, key=lambda key: key[0])
        cells = {(r.task_spec.num_threads, r.as_row_name, r.task_spec.description): r for r in results}
        grid = [[cells.get((*row, column)) for column in columns] for row in rows]
        texts = [_Column([line[i] for line in grid], scale, self._trimmed, self._warned) for i in range(len(columns))]
        names = [f"      {name}" for _, name in rows]
        widths = [max(map(len, ["", *names]))]
        widths += [max(len(column or ""), *map(len, text.cells)) for column, text in zip(columns, texts, strict=True)]
        heads = ["", *(column or "" for column in columns)]
        lines = ["  |  ".join(head.center(width) for head, width in zip(heads, widths, strict=True))]
        overall = len(lines[0])
        for threads, group in groupby(range(len(rows)), key=lambda i: rows[i][0]):
            members = list(group)
            lines.append(f"{threads} threads: ".ljust(overall, "-"))
            for i in members:
                line = [names[i].ljust(widths[0])]
                for j, text in enumerate(texts):
                    rivals = grid[i] if self._by_row else [grid[k][j] for k in members]
                    cell = text.cells[i].center(widths[j + 1])
                    line.append(_colour(cell, grid[i][j], rivals) if self._coloured else cell)
                lines.append("  |  ".join(line))
        head = f"[{f' {label} '.center(overall - 2, '-')}]"
        foot = f"\nTimes are in {_UNIT_NAMES[unit]} ({unit}).\n"
        if self._warned and any(result.has_warnings for result in results):
            foot += "(! XX%) Measurement has high variance, where XX is the IQR / median * 100.\n"
        return "\n".join([head, *lines, foot])


class _Column:
    """The cells of a column, written with equally many decimals; blank where nothing was measured."""

    def __init__(self, results: Sequence[Measurement | None], scale: float, trimmed: bool, warned: bool) -> None:
        measured = [(result, result.median / scale) for result in results if result is not None]
        digits = [math.ceil(math.log10(value)) for _, value in measured]
        decimals = 1
        if trimmed:
            known = (result.significant_figures for result, _ in measured)
            decimals = min(max(n - d, 0) for n, d in zip(known, digits, strict=True))
        width = max(digits) + decimals + (decimals > 0)
        doubts = 7 if warned and any(result.has_warnings for result, _ in measured) else 0
        self.cells = []
        for result in results:
            cell = doubt = ""
            if result is not None:
                value = result.median / scale
                cell = f"{_trimmed(value, result.significant_figures) if trimmed else value:.{decimals}f}"
                doubt = f" (! {result.iqr / result.median * 100:.0f}%)" if doubts and result.has_warnings else ""
            self.cells.append(f"{cell:>{width}}{doubt:>{doubts}}")


def _trimmed(value: float, figures: int) -> float:
    """Round to so many significant digits."""
    return round(value, figures - math.ceil(math.log10(value)))


def _colour(cell: str, result: Measurement | None, rivals: Sequence[Measurement | None]) -> str:
    if result is None:
        return cell
    best = min(rival.median for rival in rivals if rival is not None)
    ratio = result.median / best
    code = next((code for limit, code in _FAST if ratio <= limit), None)
    code = code or next((code for limit, code in _SLOW if ratio >= limit), None)
    return f"{code}{cell}\033[0m" if code else cell
