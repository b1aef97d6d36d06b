"""Write a reference page for each family of operators from the op table: `python tools/reference.py [--out FOLDER]`."""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from typing import Any

from corten_native import _native

Row = dict[str, Any]

#: What stands in a signature for each of the parser's types.
TYPES = {
    "TensorOrScalar": "Tensor or Number",
    "Tensors": "Tensors",
    "OptionalTensors": "Tensors",
    "Scalar": "Number",
    "Dim": "int",
    "Dims": "int or ints",
    "Sizes": "ints",
    "Ints1": "int or ints",
    "Ints2": "int or ints",
    "Ints3": "int or ints",
    "Floats": "floats",
    "DType": "dtype",
    "Key": "index",
    "MemoryFormat": "memory_format",
}
#: The titles of the families.
TITLES = {
    "unary": "Functions of one element",
    "binary": "Functions of two elements",
    "compare": "Comparisons and tests",
    "activation": "Activations",
    "reduce": "Reductions",
    "order": "Order and search",
    "scan": "Scans",
    "view": "Views",
    "join": "Joining and splitting",
    "index": "Indexing",
    "matrix": "Products of matrices",
    "linalg": "Linear algebra",
    "fft": "Fourier transforms",
    "conv": "Convolution",
    "pool": "Pooling",
    "norm": "Normalisation",
    "neural": "Layers",
    "loss": "Losses",
    "random": "Random numbers",
    "factory": "Creation",
    "cast": "Casts and copies",
    "special": "Special functions",
}


def word(kind: str) -> str:
    return TYPES.get(kind, kind if kind == "Tensor" or kind == "Any" else kind.lower())


def signature(row: Row) -> str:
    """Return the row as one writes its call."""
    parts, starred = [], False
    for param in row["params"]:
        if param["keyword"] and not starred:
            parts.append("*")
            starred = True
        default = "" if param["required"] else f" = {param['default'] or 'None'}"
        parts.append(f"{param['name']}: {word(param['type'])}{default}")
    results = [f"{name}: {kind}" if name else kind for name, kind in row["returns"]]
    result = results[0] if len(results) == 1 else f"({', '.join(results)})"
    return f"{row['name']}({', '.join(parts)}) -> {result.replace('View', 'Tensor').replace('Self', 'Tensor')}"


def forms(row: Row) -> str:
    """Return the ways to call a row, and what becomes of gradients."""
    found, name, space = row["forms"], row["name"], row["forms"]["namespace"]
    callables = []
    if found["function"]:
        inside = name.removeprefix(f"{space}_") if space else name
        callables.append(f"corten.{space + '.' if space else ''}{inside}")
    if found["method"]:
        callables.append(f"Tensor.{name}")
    if found["inplace"]:
        callables.append(f"Tensor.{name}_")
    if found["property"]:
        callables.append(f"Tensor.{found['property']}")
    notes = [", ".join(f"`{one}`" for one in callables)] if callables else []
    if found["out"]:
        notes.append("takes `out=`")
    if any(kind == "View" for _, kind in row["returns"]):
        notes.append("the result is a view")
    if row["aliases"]:
        notes.append("also " + ", ".join(f"`{alias}`" for alias in row["aliases"]))
    if row["array"]:
        notes.append("computed by NumPy")
    if not row["differentiable"]:
        notes.append("without gradient")
    return "; ".join(notes)


def public(rows: list[Row]) -> dict[str, dict[str, list[Row]]]:
    """Return the rows that have a Python form, by family and name."""
    families: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    home: dict[str, str] = {}  # overloads stay with the first one
    for row in rows:
        callable_ = any(row["forms"][form] for form in ("function", "method", "inplace", "property"))
        if callable_ and not row["name"].startswith("_"):
            families[home.setdefault(row["name"], row["family"])][row["name"]].append(row)
    return families


def page(family: str, names: dict[str, list[Row]]) -> str:
    """Return the Markdown of one family."""
    lines = [f"# {TITLES.get(family, family.capitalize())}", ""]
    for name in sorted(names):
        lines += [f"## {name}", "", "```python", *(signature(row) for row in names[name]), "```", ""]
        for row in names[name]:
            lines += [row["doc"].strip(), ""] if row["doc"].strip() and row is names[name][0] else []
        lines += [f"{text}.", ""] if (text := forms(names[name][0])) else []
    return "\n".join(lines).rstrip() + "\n"


def write(folder: Path) -> int:
    """Write a page a family and an index; return how many operators they explain."""
    families = public(_native._table())
    folder.mkdir(parents=True, exist_ok=True)
    index = ["# Operators", ""]
    for family in sorted(families, key=lambda one: TITLES.get(one, one)):
        (folder / f"{family}.md").write_text(page(family, families[family]), encoding="utf-8")
        links = ", ".join(f"[{name}]({family}.md#{name.lower()})" for name in sorted(families[family]))
        index += [f"**[{TITLES.get(family, family.capitalize())}]({family}.md)**: {links}", ""]
    (folder / "README.md").write_text("\n".join(index).rstrip() + "\n", encoding="utf-8")
    return sum(map(len, families.values()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/reference"), help="folder for the pages")
    out = parser.parse_args().out
    print(f"{write(out)} operators in {out}")


if __name__ == "__main__":
    main()
