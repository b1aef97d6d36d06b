"""Hypothesis strategies that draw the arguments of a row from its domain hint."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from tests.samples import EXPLICIT
from tests.sampling import MATRICES, ROWS_DIFFER, Name, Row, Spec, Template

RANGES = {
    "any": (-4.0, 4.0),
    "real": (-4.0, 4.0),
    "positive": (0.1, 4.0),
    "unit": (0.05, 0.95),
    "int": (-8.0, 8.0),
    "bool": (0.0, 1.0),
}
SCALARS = (-2, 0, 1, 3, 0.5, -1.5, 2.0, True)
# Values of optional parameters beside leaving them out, by name and then by type.
OPTIONAL = {
    "rounding_mode": (None, "trunc", "floor"),
    "approximate": ("none", "tanh"),
    "equal_nan": (True,),
    "decimals": (1, -1),
    "correction": (0, 1, 2),
    "p": (1, 2, 3.0, 0, float("inf"), -1),
    "ord": (1, 2, 3.0, 0, float("inf"), float("-inf")),
    "dim": (0, -1),
    "eps": (1e-3,),
    "Bool": (True, False),
    "Scalar": (2, 0.5),
    "DType": (Name("float64"), Name("float32"), Name("int64"), Name("complex64")),
}


def is_tensor(param: dict[str, Any]) -> bool:
    return param["type"] in ("Tensor", "TensorOrScalar")


def _numbers(word: str) -> list[float]:
    return [float(v) for v in re.findall(r"-?[\d.]+", word)]


def _spec(word: str, shape: tuple[int, ...]) -> Spec:
    kind = word.partition("(")[0]
    if kind == "matrix":
        return Spec(tuple(map(int, _numbers(word))))
    if kind in MATRICES:
        size = int(*_numbers(word))
        return Spec((size, size), -2.0, 2.0, kind=kind)
    low, high = _numbers(word) if "(" in word else RANGES[kind]
    if kind == "int" and "(" in word:
        high -= 1
    return Spec(shape, low, high, "bool" if kind == "bool" else None)


@st.composite
def shapes(draw: st.DrawFn, n: int, min_dims: int = 0, same: bool = False) -> list[tuple[int, ...]]:
    """Draw `n` shapes that broadcast together, 0-d and empty ones among them; or equal ones."""
    sides = st.sampled_from((2, 3, 1, 4, 0))
    full = tuple(draw(st.lists(sides, min_size=min_dims, max_size=3)))
    result = []
    for i in range(n):
        kept = full if same or i == 0 or min_dims else full[draw(st.integers(0, len(full))) :]
        ones = [not same and i > 0 and draw(st.integers(0, 3)) == 0 for _ in kept]
        result.append(tuple(1 if one else side for side, one in zip(kept, ones, strict=True)))
    return result if same else list(draw(st.permutations(result)))


@st.composite
def templates(draw: st.DrawFn, row: Row) -> Template:
    """Draw arguments for a row: of the explicit samples where it has any, else by its domain hint."""
    if row.id in EXPLICIT:
        return draw(st.sampled_from(EXPLICIT[row.id]))
    words = row.words
    assert words, f"{row.id} has neither a domain hint nor explicit samples"
    reduces = any(word in ("dim", "dims") for word in words)
    sizes = iter(draw(shapes(len(words), min_dims=1 if reduces else 0, same=reduces)))
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    rank = 0
    for param, word in zip(row.params, words, strict=False):
        if is_tensor(param):
            spec = _spec(word, next(sizes))
            decomposed = row.family == "linalg" and word.startswith("matrix")
            args.append(replace(spec, kind=ROWS_DIFFER) if decomposed else spec)
            rank = rank or len(args[-1].shape)
        elif param["type"] == "Tensors":
            args.append([Spec((2, 3)), Spec((2, 3))])
        elif word == "dim":
            args.append(draw(st.integers(-rank, rank - 1)))
        elif word == "dims":
            several = st.lists(st.integers(0, rank - 1), max_size=rank, unique=True)
            given = draw(st.one_of(st.integers(-rank, rank - 1), several.map(tuple), st.none()))
            args.append(given if given is not None or param["nullable"] else 0)
        elif word.startswith("int("):
            low, high = _numbers(word)
            args.append(draw(st.integers(int(low), int(high) - 1)))
        else:
            positive = tuple(v for v in SCALARS if v > 0)
            args.append(draw(st.sampled_from(positive if word == "positive_scalar" else SCALARS)))
    gap = False
    for param in row.params[len(words) :]:
        choices = OPTIONAL.get(param["name"], OPTIONAL.get(param["type"], ()))
        if not param["required"] and (not choices or draw(st.booleans())):
            gap = True
        elif gap or param["keyword"]:
            kwargs[param["name"]] = draw(st.sampled_from(choices))
        else:
            args.append(draw(st.sampled_from(choices or SCALARS)))
    return Template(tuple(args), kwargs)
