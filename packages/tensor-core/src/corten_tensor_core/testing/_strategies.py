"""Hypothesis strategies for shapes, dtypes and tensors in every memory layout, and the profiles of the test runs."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DTYPES = {
    "bool": ["bool"],
    "signed": ["int64", "int32", "int16", "int8"],
    "unsigned": ["uint8", "uint16", "uint32", "uint64"],
    "half": ["float16", "bfloat16"],
    "single": ["float32", "float64"],
    "complex": ["complex64", "complex128"],
}
_GROUPS = {
    "integer": ("signed", "unsigned"),
    "floating": ("single", "half"),
    "inexact": ("single", "half", "complex"),
    "real": ("single", "half", "signed", "unsigned"),
    "any": tuple(_DTYPES),
}
LAYOUTS = ("contiguous", "transposed", "sliced", "expanded", "offset")


def set_profile(name: str) -> None:
    """Choose how tests draw: `"ci"` draws the same few examples in every run, `"nightly"` many new ones."""
    settings.register_profile("ci", derandomize=True, deadline=None, max_examples=50, print_blob=True)
    settings.register_profile("nightly", derandomize=False, deadline=None, max_examples=2000, print_blob=True)
    settings.load_profile(name)


def shapes(
    min_dims: int = 0, max_dims: int = 4, min_side: int = 0, max_side: int = 5
) -> st.SearchStrategy[tuple[int, ...]]:
    """Draw shapes, 0-d and zero sizes among them."""
    return st.lists(st.integers(min_side, max_side), min_size=min_dims, max_size=max_dims).map(tuple)


@st.composite
def broadcastable_shapes(draw: st.DrawFn, n: int, max_dims: int = 4, max_side: int = 5) -> tuple[tuple[int, ...], ...]:
    """Draw `n` shapes that broadcast together; each lacks leading dimensions or has ones in some places."""
    full = draw(shapes(max_dims=max_dims, max_side=max_side))
    result = []
    for _ in range(n):
        kept = full[draw(st.integers(0, len(full))) :]
        stretched = draw(st.lists(st.booleans(), min_size=len(kept), max_size=len(kept)))
        result.append(tuple(1 if one else size for size, one in zip(kept, stretched, strict=True)))
    return tuple(result)


def dtypes(category: str = "any") -> st.SearchStrategy[str]:
    """Draw the name of a dtype of a category.

    One of `bool`, `signed`, `unsigned`, `half`, `single`, `complex`, or of the groups `integer`, `floating`, `inexact`
    (floating and complex), `real` (integer and floating) and `any`.
    """
    parts = _GROUPS.get(category, (category,))
    return st.sampled_from([name for part in parts for name in _DTYPES[part]])


@st.composite
def tensors(
    draw: st.DrawFn,
    lib: Any,
    dtype: str | st.SearchStrategy[str] = "float32",
    shape: Any = None,
    domain: tuple[float, float] = (-10.0, 10.0),
    layout: str | None = None,
    special: bool = False,
) -> Any:
    """Draw a tensor of `lib`, built with `lib.from_numpy`.

    `dtype` and `shape` are values or strategies; numbers lie in `domain` (both parts of complex ones), often at its
    ends and at 0 and ±1; `special` mixes in infinities and NaN. `layout` is one of `LAYOUTS`, by default any.
    """
    name = draw(dtype) if isinstance(dtype, st.SearchStrategy) else dtype
    size = tuple(draw(shapes() if shape is None else shape)) if not isinstance(shape, (tuple, list)) else tuple(shape)
    chosen = draw(st.sampled_from(LAYOUTS)) if layout is None else layout
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def filled(shape: tuple[int, ...]) -> Any:
        x = lib.from_numpy(_values(rng, name, shape, domain, special))
        return x.to(lib.bfloat16) if name == "bfloat16" else x

    return _laid_out(draw, filled, size, chosen)


def _values(rng: Any, dtype: str, shape: tuple[int, ...], domain: tuple[float, float], special: bool) -> Any:
    stored = np.dtype("float32" if dtype == "bfloat16" else dtype)
    if stored.kind == "c":
        real, imag = (_values(rng, "float64", shape, domain, special) for _ in range(2))
        with np.errstate(invalid="ignore"):
            return np.asarray(real + 1j * imag).astype(stored)
    low, high = domain
    if stored.kind == "b":
        return np.asarray(rng.random(shape) < 0.5)
    if stored.kind in "iu":
        limits = np.iinfo(stored)
        low, high = max(math.ceil(low), limits.min), min(math.floor(high), limits.max)
        return np.asarray(rng.integers(low, max(low, high), shape, endpoint=True)).astype(stored)
    x = rng.uniform(low, high, shape)
    corners = [v for v in (low, high, 0.0, 1.0, -1.0) if low <= v <= high]
    x = np.where(rng.random(shape) < 0.2, rng.choice(corners, shape), x)
    if special:
        x = np.where(rng.random(shape) < 0.2, rng.choice([math.inf, -math.inf, math.nan, -0.0], shape), x)
    return np.asarray(x).astype(stored)


def _laid_out(draw: st.DrawFn, filled: Any, shape: tuple[int, ...], layout: str) -> Any:
    """Return a tensor of `shape`, made as a view of one in another shape where the layout asks for it."""
    if layout == "transposed":
        order = draw(st.permutations(range(len(shape))))
        inverse = [order.index(d) for d in range(len(shape))]
        return filled(tuple(shape[d] for d in order)).permute(inverse)
    if layout == "sliced":
        steps = [draw(st.integers(1, 3)) for _ in shape]
        whole = filled(tuple(size * step for size, step in zip(shape, steps, strict=True)))
        return whole[tuple(slice(None, None, step) for step in steps)]
    if layout == "expanded":
        ones = [draw(st.booleans()) for _ in shape]
        return filled(tuple(1 if one else size for size, one in zip(shape, ones, strict=True))).expand(shape)
    if layout == "offset":
        return filled((3, *shape))[draw(st.integers(0, 2))]
    return filled(shape)
