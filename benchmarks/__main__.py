"""Time the cases with Corten and PyTorch, whichever are installed, and compare with the targets."""

import argparse
import importlib
from pathlib import Path

from benchmarks import footprint, report
from benchmarks.case import CASES, library
from benchmarks.runner import measure

LIBRARIES = ("corten", "torch")


def footprint_rows(libraries: list[str], rounds: int) -> list[tuple[str, ...]]:
    """Return the rows of import time and installed size, whose targets are absolute."""
    times = {name: footprint.import_seconds(name, rounds) for name in libraries}
    cells = [report.duration(times.get(name)) for name in LIBRARIES]
    ratio = f"{times['torch'] / times['corten']:.1f}x" if len(times) == len(LIBRARIES) else "-"
    met = "-" if "corten" not in times else "yes" if times["corten"] * 1e3 <= footprint.IMPORT_MS else "NO"
    rows = [("import", *cells, ratio, f"<= {footprint.IMPORT_MS} ms", met)]
    size = footprint.installed_bytes()
    if size is not None:
        met = "yes" if size <= footprint.INSTALLED_MB * 1e6 else "NO"
        rows.append(("all wheels, unpacked", f"{size / 1e6:.1f} MB", "-", "-", f"<= {footprint.INSTALLED_MB} MB", met))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("only", nargs="*", help="run the cases whose name contains one of these texts")
    parser.add_argument("--threads", type=int, default=1, help="threads for both libraries")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of which the least time counts")
    parser.add_argument("--seconds", type=float, default=0.05, help="length of one round")
    parser.add_argument("--out", type=Path, default=Path("build/bench"), help="folder for bench.md and bench.json")
    args = parser.parse_args()

    importlib.import_module("benchmarks.cases")
    libraries = {name: lib for name in LIBRARIES if (lib := library(name, args.threads))}
    if not libraries:
        raise SystemExit("neither corten nor torch is installed; `make build` installs corten")
    versions = ", ".join(f"{name} {lib.__version__}" for name, lib in libraries.items())
    heading = f"{versions}; {args.threads} thread{'s' * (args.threads > 1)}; {report.machine()}"
    print(heading)

    results, rows = [], []
    for case in CASES:
        if not args.only or any(text in case.name for text in args.only):
            results.append(measure(case, libraries, args.rounds, args.seconds))
            rows.append(report.row(results[-1]))
            print("  ".join(rows[-1]), flush=True)
    if not args.only:
        rows += footprint_rows(list(libraries), args.rounds)
    print(f"\n{report.markdown(rows)}")
    report.write(args.out, heading, rows, results)


if __name__ == "__main__":
    main()
