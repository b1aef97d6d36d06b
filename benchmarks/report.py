"""The results as text, Markdown and JSON."""

import json
import math
import os
import platform
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.limits import Limits
from benchmarks.runner import Result

HEADER = ("case", "threads", "corten", "torch", "ratio", "target", "met", "of bound")
Row = tuple[str, ...]


def duration(seconds: float | None) -> str:
    """Return `seconds` with three digits and a fitting unit, such as `58.2 ns`."""
    if seconds is None:
        return "-"
    for unit, scale in (("ns", 1e9), ("µs", 1e6), ("ms", 1e3)):
        if seconds * scale < 1000:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds:.3g} s"


def row(result: Result, limits: Limits) -> Row:
    """Return the cells of one case, in the order of HEADER."""
    corten, torch = result.seconds.get("corten"), result.seconds.get("torch")
    case, ratio = result.case, result.ratio
    met = "-" if ratio is None else "yes" if ratio >= case.target else "NO"
    factor = "-" if ratio is None else f"{ratio:.2f}x" if ratio < 10 else f"{ratio:.1f}x"
    share = None if corten is None else limits.share(case.flops, case.bytes, corten)
    part = "" if share is None else f"{share:.0%}"
    return case.name, str(result.threads), duration(corten), duration(torch), factor, f">= {case.target:g}x", met, part


def means(results: list[Result]) -> list[str]:
    """Return a line for each family and number of threads: the geometric mean of its ratios and the least."""
    groups: dict[tuple[str, int], list[Result]] = defaultdict(list)
    for result in results:
        if result.ratio is not None:
            groups[result.case.family, result.threads].append(result)
    lines = []
    for (family, threads), group in groups.items():
        ratios = [result.ratio or 1.0 for result in group]
        mean = math.exp(math.fsum(map(math.log, ratios)) / len(ratios))
        least = min(group, key=lambda result: result.ratio or 1.0)
        heading = f"{family}, {threads} thread{'s' * (threads > 1)}"
        lines.append(f"{heading}: {len(group)} cases, mean {mean:.2f}x, least {least.ratio:.2f}x ({least.case.name})")
    return lines


def markdown(rows: list[Row]) -> str:
    """Return a table whose columns also line up as plain text."""
    table = [HEADER, *rows]
    widths = [max(len(line[i]) for line in table) for i in range(len(HEADER))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in table
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def machine() -> str:
    """Name the processor and the interpreter."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        cpu = models[0] if models else cpu
    return f"{cpu}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def write(folder: Path, heading: str, rows: list[Row], results: list[Result]) -> None:
    """Write `bench.md` and `bench.json` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    summary = "\n".join(f"- {line}" for line in means(results))
    (folder / "bench.md").write_text(f"{heading}\n\n{markdown(rows)}\n\n{summary}\n", encoding="utf-8")
    found: list[dict[str, Any]] = [
        {
            "case": one.case.name,
            "family": one.case.family,
            "threads": one.threads,
            "target": one.case.target,
            "ratio": one.ratio,
            "seconds": one.seconds,
        }
        for one in results
    ]
    (folder / "bench.json").write_text(json.dumps({"heading": heading, "results": found}, indent=2), encoding="utf-8")
