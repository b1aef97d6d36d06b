"""Time the cases with Corten and PyTorch, whichever are installed, and compare with the targets."""

import argparse
import gc
import importlib
from pathlib import Path
from types import ModuleType

from benchmarks import footprint, limits, pictures, report
from benchmarks.case import BOTH, CASES, Case, library
from benchmarks.runner import measure

LIBRARIES = ("corten", "torch")


def footprint_rows(libraries: list[str], rounds: int) -> list[report.Row]:
    """Return the rows of import time and installed size, whose targets are absolute."""
    times = {name: footprint.import_seconds(name, rounds) for name in libraries}
    cells = [report.duration(times.get(name)) for name in LIBRARIES]
    ratio = f"{times['torch'] / times['corten']:.1f}x" if len(times) == len(LIBRARIES) else "-"
    met = "-" if "corten" not in times else "yes" if times["corten"] * 1e3 <= footprint.IMPORT_MS else "NO"
    rows: list[report.Row] = [("import", "", *cells, ratio, f"<= {footprint.IMPORT_MS} ms", met, "")]
    size = footprint.installed_bytes()
    if size is not None:
        met = "yes" if size <= footprint.INSTALLED_MB * 1e6 else "NO"
        bound = f"<= {footprint.INSTALLED_MB} MB"
        rows.append(("all wheels, unpacked", "", f"{size / 1e6:.1f} MB", "-", "-", bound, met, ""))
    return rows


def cases_of(dtype: str | None, libraries: dict[str, ModuleType], only: list[str]) -> list[Case]:
    """Return the chosen cases, or if a dtype is given those of the rows of the op table, that `only` names."""

    def wanted(case: Case) -> bool:
        return not only or any(text in case.name or text in case.family for text in only)

    if dtype:
        found: list[Case] = importlib.import_module("benchmarks.rows").cases(dtype, libraries, wanted)
        return found
    importlib.import_module("benchmarks.cases")
    return [case for case in CASES if wanted(case)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("only", nargs="*", help="run the cases whose name or family contains one of these texts")
    parser.add_argument("--rows", metavar="DTYPE", help="time the rows of the op table instead, with this dtype")
    parser.add_argument("--threads", type=int, nargs="+", default=BOTH, help="numbers of threads for both libraries")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of which the least time counts")
    parser.add_argument("--seconds", type=float, default=0.05, help="length of one round")
    parser.add_argument("--out", type=Path, default=Path("build/bench"), help="folder for the report and its pictures")
    args = parser.parse_args()

    libraries = {name: lib for name in LIBRARIES if (lib := library(name))}
    if not libraries:
        raise SystemExit("neither corten nor torch is installed; `make build` installs corten")
    cases = cases_of(args.rows, libraries, args.only)
    # What the libraries made on import lives to the end: collections between the rounds need not walk it.
    gc.freeze()
    versions = ", ".join(f"{name} {lib.__version__}" for name, lib in libraries.items())
    print(f"{versions}; {report.machine()}")

    results, rows, bounds = [], [], []
    for threads in args.threads:
        for lib in libraries.values():
            lib.set_num_threads(threads)
        bound = limits.measure(libraries)
        bounds.append(f"{threads} thread(s): {bound.flops / 1e9:.0f} GFLOP/s, {bound.bytes / 1e9:.1f} GB/s")
        print(bounds[-1])
        for case in cases:
            if threads in case.threads:
                results.append(measure(case, libraries, threads, args.rounds, args.seconds))
                rows.append(report.row(results[-1], bound))
                print("  ".join(rows[-1]), flush=True)
    if not args.only and not args.rows:
        rows += footprint_rows(list(libraries), args.rounds)
    print(f"\n{report.markdown(rows)}\n")
    print("\n".join(report.means(results)))
    heading = f"{versions}; {report.machine()}; bounds as measured: {'; '.join(bounds)}"
    report.write(args.out, heading, rows, results)
    pictures.draw(results, args.out)


if __name__ == "__main__":
    main()
