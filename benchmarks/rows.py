"""The rows of the op table as benchmarks: each that says in its domain hint what it takes, at half a million elements.

The chosen cases are what programs spend their time in; these show which operators were forgotten.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import Any

from benchmarks.case import Case, Names
from tests.drawing import _spec, is_tensor
from tests.samples import EXPLICIT
from tests.sampling import MATRICES, ROWS, Call, Row, Spec, Template, applied, main_form

SHAPE = (500, 1001)
# A matrix that is decomposed, and one that is not: multiplied, padded, reordered.
SQUARE, MATRIX = (64, 64), (200, 200)
WORDS: dict[str, Any] = {"dim": 1, "dims": (1,), "int": 3, "scalar": 1.5, "positive_scalar": 0.5}


def template(row: Row) -> Template | None:
    """Return large arguments of a row, or None where no hint tells what they must be."""
    if not row.public or row.id in EXPLICIT or not row.words:
        return None
    args: list[Any] = []
    for param, word in zip(row.params, row.words, strict=False):
        kind = word.partition("(")[0]
        if param["type"] == "Tensors":
            args.append([Spec(SHAPE), Spec(SHAPE)])
        elif is_tensor(param):
            spec = _spec(word, SHAPE)
            decomposed = kind in MATRICES or row.family == "linalg"
            grown = SQUARE if decomposed else (*spec.shape[:-2], *MATRIX) if kind == "matrix" else SHAPE
            args.append(replace(spec, shape=grown))
        elif kind in WORDS:
            args.append(WORDS[kind])
        else:
            return None
    return Template(tuple(args))


def _setup(row: Row, call: Call, lib: Any) -> Names:
    args, kwargs = call.build(lib)
    return {"call": partial(applied, lib, row, main_form(row), args, kwargs)}


def _runs(setup: Callable[[Any], Names], lib: ModuleType) -> bool:
    try:
        setup(lib)["call"]()
    except (AttributeError, IndexError, NotImplementedError, RuntimeError, TypeError, ValueError):
        return False
    return True


def cases(dtype: str, libraries: dict[str, ModuleType], wanted: Callable[[Case], bool]) -> list[Case]:
    """Return a case for each row that takes `dtype` in all of the libraries, of those that are wanted."""
    found = []
    for row in ROWS:
        if chosen := template(row):
            setup = partial(_setup, row, chosen.fill(dtype, seed=3))
            case = Case(f"{row.id} {dtype}", "call()", setup, row.family, 1.0)
            if wanted(case) and all(_runs(setup, lib) for lib in libraries.values()):
                found.append(case)
    return found
