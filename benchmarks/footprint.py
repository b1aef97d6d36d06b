"""What using the library costs before it computes: the time to import it, and the room that its wheels take."""

import subprocess
import sys
import time
import zipfile
from pathlib import Path

WHEELS = Path(__file__).parents[1] / "build" / "wheels"
IMPORT_MS = 40
INSTALLED_MB = 15


def seconds_of(code: str, rounds: int) -> float:
    """Return the least wall time of a fresh interpreter that runs `code`."""
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        best = min(best, time.perf_counter() - start)
    return best


def import_seconds(library: str, rounds: int) -> float:
    """Return the time of `import library` over the interpreter's own start."""
    bare = seconds_of("pass", rounds)
    return seconds_of(f"import {library}", rounds) - bare


def installed_bytes(wheels: Path = WHEELS) -> int | None:
    """Return the size of everything in the wheels, unpacked, or None where none have been built."""
    found = list(wheels.glob("corten*.whl"))
    sizes = [entry.file_size for path in found for entry in zipfile.ZipFile(path).infolist()]
    return sum(sizes) if found else None
