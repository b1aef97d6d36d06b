"""The samples of rows made so large that several tasks run, and their gradients."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import corten
from tests.sampling import Call, Row, Spec, Template, applied, inputs_of, main_form, mapped

# Long enough that several threads take part, of an odd length, with a tail in every block size.
LONG = 70_001
# Families that compute nothing or with NumPy, or that have programs, being slow where multiply-adds are emulated; and rows
# whose results would fill the memory, or are singular values.
NOT_GROWN = {"view", "query", "linalg", "fft", "conv", "outer", "diag_embed", "diagflat", "kron", "norm.name"}


def grown(template: Template) -> Template | None:
    """Return a template with all sides longer by one factor, which most operators take; `None` without such sides.

    Sides of one stay, and no operand has many more than `LONG` elements.
    """
    sizes = [[side for side in spec.shape if side != 1] for spec in template.specs]
    factors = [(LONG / math.prod(sides)) ** (1 / len(sides)) for sides in sizes if sides and 0 not in sides]
    if not factors:
        return None
    factor = max(1, round(min(factors)))

    def one(x: Any) -> Any:
        if not isinstance(x, Spec):
            return x
        return replace(x, shape=tuple(side if side == 1 else factor * side for side in x.shape))

    return Template(mapped(template.args, one), mapped(template.kwargs, one))


def run_with_gradients(row: Row, call: Call) -> list[Any]:
    """Return the results of a row and, where it has any, their gradients."""
    args, kwargs, leaves = inputs_of(corten, call)
    if not row.differentiable or row.name.endswith("_"):
        leaves = [leaf.requires_grad_(False) for leaf in leaves]
    result = applied(corten, row, main_form(row), args, kwargs)
    return with_gradients(result, *leaves)


def with_gradients(result: Any, *leaves: Any) -> list[Any]:
    """Return results and the gradients, by the leaves, of half the sum of their squares."""
    results = list(result) if isinstance(result, (list, tuple)) else [result]
    derived = [r for r in results if isinstance(r, corten.Tensor) and r.requires_grad]
    seeds = [r.detach() for r in derived]
    try:
        return results + list(corten.autograd.grad(derived, leaves, seeds, allow_unused=True) if derived else ())
    except NotImplementedError as error:  # such as that of `igamma` by its first argument
        return [*results, str(error)]
