"""The results as text, Markdown and JSON."""

import json
import os
import platform
from pathlib import Path
from typing import Any

from benchmarks.runner import Result

HEADER = ("case", "corten", "torch", "ratio", "target", "met")


def duration(seconds: float | None) -> str:
    """Return `seconds` with three digits and a fitting unit, such as `58.2 ns`."""
    if seconds is None:
        return "-"
    for unit, scale in (("ns", 1e9), ("µs", 1e6), ("ms", 1e3)):
        if seconds * scale < 1000:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds:.3g} s"


def row(result: Result) -> tuple[str, ...]:
    """Return the cells of one case, in the order of HEADER."""
    corten, torch = result.seconds.get("corten"), result.seconds.get("torch")
    ratio = result.ratio
    met = "-" if ratio is None else "yes" if ratio >= result.case.target else "NO"
    factor = "-" if ratio is None else f"{ratio:.1f}x"
    return result.case.name, duration(corten), duration(torch), factor, f">= {result.case.target:g}x", met


def markdown(rows: list[tuple[str, ...]]) -> str:
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


def write(folder: Path, heading: str, rows: list[tuple[str, ...]], results: list[Result]) -> None:
    """Write `bench.md` and `bench.json` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.md").write_text(f"{heading}\n\n{markdown(rows)}\n", encoding="utf-8")
    found: list[dict[str, Any]] = [
        {"case": one.case.name, "target": one.case.target, "ratio": one.ratio, "seconds": one.seconds}
        for one in results
    ]
    (folder / "bench.json").write_text(json.dumps({"heading": heading, "results": found}, indent=2), encoding="utf-8")
