"""The results as pictures: every ratio, and how time grows with size."""

import re
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from benchmarks.runner import Result

COLOURS = {"corten": "tab:orange", "torch": "tab:blue"}


def ratios(results: list[Result], path: Path) -> None:
    """Draw PyTorch's time over Corten's of each case, family by family, the numbers of threads side by side."""
    results = [result for result in results if result.ratio is not None]
    names = list(dict.fromkeys((result.case.family, result.case.name) for result in results))
    figure, axes = plt.subplots(figsize=(9, 2 + 0.16 * len(names)), layout="constrained")
    for threads in sorted({result.threads for result in results}):
        chosen = [result for result in results if result.threads == threads]
        places = [names.index((result.case.family, result.case.name)) for result in chosen]
        label = f"{threads} thread{'s' * (threads > 1)}"
        axes.scatter([result.ratio or 1.0 for result in chosen], places, s=12, label=label)
    axes.axvline(1.0, color="grey", linewidth=1)
    axes.set(xscale="log", xlabel="PyTorch's time / Corten's time", ylim=(len(names), -1))
    axes.set_yticks(range(len(names)), [f"{name} ({family})" for family, name in names], fontsize=6)
    axes.grid(axis="x", alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def growth(results: list[Result], path: Path) -> None:
    """Draw time over the number of elements, for the cases that are named by it."""
    curves: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for result in results:
        if result.threads == 1 and (found := re.fullmatch(r"(\w+) (1e\d+)", result.case.name)):
            for library, seconds in result.seconds.items():
                curves.setdefault((found[1], library), []).append((float(found[2]), seconds))
    operators = [name for name in dict.fromkeys(name for name, _ in curves) if len(curves[name, "corten"]) > 2]
    if not operators:
        return
    figure, panels = plt.subplots(
        1, len(operators), figsize=(5 * len(operators), 4), layout="constrained", squeeze=False
    )
    for panel, name in zip(panels[0], operators, strict=True):
        for library, colour in COLOURS.items():
            points = sorted(curves.get((name, library), []))
            panel.plot([x for x, _ in points], [y * 1e6 for _, y in points], "o-", color=colour, label=library)
        panel.set(xscale="log", yscale="log", title=name, xlabel="elements", ylabel="µs")
        panel.grid(alpha=0.3)
        panel.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def draw(results: list[Result], folder: Path) -> None:
    """Write `ratios.png` and `growth.png` into `folder`, where there is something to compare."""
    if any(result.ratio is not None for result in results):
        ratios(results, folder / "ratios.png")
        growth(results, folder / "growth.png")
