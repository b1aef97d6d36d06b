"""Prints, as JSON, a hash of the results of each row of the op table on fixed inputs, small and large, of larger programs
and of steps of training.

`python -m tests.digests --golden` writes the hashes that every machine must give to golden.json, `--check` compares.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
import warnings
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import corten
from corten_tensor_core._array import ARRAY
from tests.large import LONG, NOT_GROWN, grown, run_with_gradients
from tests.programs_large import PROGRAMS
from tests.samples import EXPLICIT
from tests.sampling import ELEMENTWISE, MATRICES, ROWS, Call, Row, Template, main_form, run, to_numpy

GOLDEN = Path(__file__).with_name("golden.json")
SHAPES = {family: [(LONG,)] for family in ELEMENTWISE} | {
    family: [(61, 1201), (2, LONG // 2)] for family in ("reduce", "order")
}
# `array` rows give what the installed NumPy gives.
HASHED = [row for row in ROWS if row.public and not row.array and row.check != "shape" and row.id != "empty"]
NUMPY = "NumPy: "
DTYPES = ("float32", "float64", "bfloat16", "int64", "complex64")


def digest(result: Any) -> str:
    """Hash shapes, dtypes and bits; every NaN counts the same, whatever its sign and payload."""
    total = hashlib.sha256()

    def add(x: Any) -> None:
        if isinstance(x, (list, tuple)) and not hasattr(x, "numel"):
            for item in x:
                add(item)
        elif isinstance(x, corten.Tensor):
            values = np.ascontiguousarray(to_numpy(x))
            if values.dtype.kind in "fc":
                parts = values.view(values.real.dtype) if values.ndim else np.array([values.real, values.imag])
                values = np.where(np.isnan(parts), np.array(math.nan, parts.dtype), parts)
            total.update(f"{x.dtype} {tuple(x.shape)}".encode() + values.tobytes())
        else:
            total.update(repr(x).encode())

    add(result)
    return total.hexdigest()[:16]


def templates(row: Row) -> list[Template]:
    """Return a few fixed templates of a row: long ones where its hint allows, and its explicit samples."""
    templates = list(EXPLICIT.get(row.id, ()))
    words = row.words
    if not templates and words and all(word.partition("(")[0] in WORDS for word in words):
        for shape in SHAPES.get(row.family, [(7, 33)]):
            args: list[Any] = []
            for param, word in zip(row.params, words, strict=False):
                args.append(WORDS[word.partition("(")[0]](word, shape, param))
            templates.append(Template(tuple(args)))
    return templates


def calls(row: Row) -> list[Call]:
    """Return calls of a row's templates in several dtypes and layouts."""
    return [
        template.fill(dtype, layout, seed=7)
        for template in templates(row)
        for dtype in DTYPES
        for layout in ("contiguous", "transposed")
    ]


def large_calls(row: Row) -> list[Call]:
    """Return calls of a row's templates made larger, where that can be: the first in several dtypes."""
    if NOT_GROWN & {row.family, row.id}:
        return []
    larger = [template for template in map(grown, templates(row)) if template]
    # What a hint makes long is called in the other dtypes as it is.
    dtypes = DTYPES[:1] if row.family in SHAPES and row.id not in EXPLICIT else DTYPES
    return [t.fill(dtype, seed=7) for k, t in enumerate(larger) for dtype in (dtypes if k == 0 else DTYPES[:1])]


def _tensor(word: str, shape: tuple[int, ...], param: dict[str, Any]) -> Any:
    from tests.drawing import _spec, is_tensor

    if not is_tensor(param):
        return 2
    spec = _spec(word, shape)
    return replace(spec, shape=_enlarged(spec.shape)) if word.startswith(("matrix", *MATRICES)) else spec


def _enlarged(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Make a matrix sample so large that blocks of every kind take part: each side eleven times, batches not."""
    return (*shape[:-2], *(11 * side + 1 for side in shape[-2:]))


WORDS: dict[str, Any] = {
    **dict.fromkeys(("any", "positive", "unit", "real", "int", "bool", "matrix", *MATRICES), _tensor),
    "dim": lambda word, shape, param: len(shape) - 1,
    "dims": lambda word, shape, param: (0,),
    "scalar": lambda word, shape, param: 1.5,
    "positive_scalar": lambda word, shape, param: 0.5,
}


def steps(model: Any, optimizer: Any, loss_of: Callable[[], Any]) -> list[Any]:
    """Return the parameters after two steps of training."""
    for _ in range(2):
        optimizer.zero_grad()
        loss_of().backward()
        optimizer.step()
    return [p.detach() for p in model.parameters()]


def small_network() -> list[Any]:
    nn = corten.nn
    corten.manual_seed(0)
    layers = [nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
    model = nn.Sequential(*layers, nn.Linear(8 * 36, 10))
    x, y = corten.randn(9, 3, 12, 12), corten.randint(0, 10, (9,))
    optimizer = corten.optim.Adam(model.parameters(), lr=0.01)
    return steps(model, optimizer, lambda: nn.functional.cross_entropy(model(x), y))


def resnet() -> list[Any]:
    corten.manual_seed(0)
    model = corten.nn.models.resnet18(num_classes=10)
    x, y = corten.randn(2, 3, 32, 32), corten.randint(0, 10, (2,))
    optimizer = corten.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    return steps(model, optimizer, lambda: corten.nn.functional.cross_entropy(model(x), y))


def lstm() -> list[Any]:
    corten.manual_seed(0)
    model = corten.nn.LSTM(24, 40, num_layers=2)
    x = corten.randn(9, 5, 24)
    optimizer = corten.optim.AdamW(model.parameters(), lr=0.01)
    return steps(model, optimizer, lambda: model(x)[0].square().mean())


def noting(function: Callable[..., Any], used: list[bool]) -> Callable[..., Any]:
    """Return the function, which then says in `used` that it was called."""

    def noted(*args: Any) -> Any:
        used.append(True)
        return function(*args)

    return noted


def compute() -> dict[str, str]:
    """Return a hash for each call of each row, and for each program; an error's name in its place.

    Marked where NumPy took part.
    """
    warnings.simplefilter("ignore")
    found: dict[str, str] = {}
    used: list[bool] = []
    ARRAY.update({name: noting(function, used) for name, function in ARRAY.items()})

    def note(name: str, program: Callable[[], Any]) -> None:
        used.clear()
        corten.manual_seed(0)
        try:
            value = digest(program())
        except Exception as error:
            value = type(error).__name__
        found[name] = (NUMPY if used else "") + value

    for row in HASHED:
        for k, call in enumerate(calls(row)):
            note(f"{row.id} {k}", partial(run, corten, row, main_form(row), call))
        for k, call in enumerate(large_calls(row)):
            note(f"{row.id} large {k}", partial(run_with_gradients, row, call))
    for name, program in PROGRAMS.items():
        note(f"program: {name}", program)
    for network in (small_network, resnet, lstm):
        note(f"training: {network.__name__}", network)
    return found


def summary(found: dict[str, str]) -> dict[str, str]:
    """Return one hash for each row and each kind of training, of what does not depend on the installed NumPy."""
    rows: dict[str, Any] = defaultdict(hashlib.sha256)
    for name, value in found.items():
        if value.startswith(NUMPY):
            continue
        rows[name if ": " in name else name.rpartition(" ")[0]].update(value.encode())
    return {name: total.hexdigest()[:16] for name, total in sorted(rows.items())}


def main() -> None:
    found = compute()
    if sys.argv[1:] == ["--golden"]:
        GOLDEN.write_text(json.dumps(summary(found), indent=1) + "\n", encoding="utf-8")
    elif sys.argv[1:] == ["--check"]:
        expected, results = json.loads(GOLDEN.read_text(encoding="utf-8")), summary(found)
        different = [name for name in expected if results.get(name) != expected[name]]
        sys.exit(f"other bits than in {GOLDEN.name}: {different}" if different else 0)
    else:
        json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
