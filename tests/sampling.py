"""How the cross-package tests draw arguments for a row of the op table, the same for Corten and for PyTorch.

A row becomes a `Template`: arguments in which a `Spec` stands for a tensor and a `Name` for an attribute of the library
(a dtype, a memory format). Filling it chooses dtypes, memory layouts and values and gives a `Call`, which any library
can run, as often as wanted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from corten_native import _native
from hypothesis import strategies as st

UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
INTEGERS = ("int8", "int16", "int32", "int64", *UNSIGNED)
FLOATS = ("float16", "bfloat16", "float32", "float64")
COMPLEX = ("complex64", "complex128")
DTYPES = ("bool", *INTEGERS, *FLOATS, *COMPLEX)
LAYOUTS = ("contiguous", "transposed", "sliced", "offset", "expanded")


@dataclass(frozen=True, repr=False)
class Row:
    """One row of the op table."""

    name: str
    overload: str
    family: str
    params: list[dict[str, Any]] = field(hash=False)
    returns: list[tuple[str, str]] = field(hash=False)
    forms: dict[str, Any] = field(hash=False)
    aliases: list[str] = field(hash=False)
    domain: str
    check: str
    array: str
    differentiable: bool
    has_derivative: bool
    body: str
    doc: str = ""

    def __repr__(self) -> str:
        return self.id

    @property
    def id(self) -> str:
        return f"{self.name}.{self.overload}" if self.overload else self.name

    @property
    def words(self) -> list[str]:
        """The words of the domain hint, one for each leading parameter."""
        return re.findall(r"\w+(?:\([^)]*\))?", self.domain)

    @property
    def public(self) -> bool:
        return bool(self.forms["function"] or self.forms["method"] or self.forms["property"])


ROWS = [Row(**{key: value for key, value in row.items() if key in Row.__dataclass_fields__}) for row in _native._table()]
BY_ID = {row.id: row for row in ROWS}
ELEMENTWISE = {"unary", "binary", "compare", "activation"}


@dataclass(frozen=True)
class Spec:
    """A tensor argument: its shape, the range of its values and, where the operator asks for one, its dtype."""

    shape: tuple[int, ...]
    low: float = -4.0
    high: float = 4.0
    dtype: str | None = None
    layout: str | None = None

    def values(self, rng: np.random.Generator, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
        """Return numbers of the range in `shape`; a fifth of them small integers, where they lie in it."""
        stored = np.dtype("float32" if dtype == "bfloat16" else dtype)
        if stored.kind == "c":
            real, imag = (self.values(rng, "float64", shape) for _ in range(2))
            return np.asarray(real + 1j * imag).astype(stored)
        if stored.kind == "b":
            return np.asarray(rng.random(shape) < 0.5)
        low, high = self.low, self.high
        if stored.kind in "iu":
            low = max(np.ceil(low), 0.0 if stored.kind == "u" else low)
            return np.asarray(rng.integers(int(low), max(int(low), int(high)), shape, endpoint=True)).astype(stored)
        whole = [v for v in (-2.0, -1.0, 0.0, 1.0, 2.0) if low < v < high]
        x = rng.uniform(low, high, shape)
        if whole:
            x = np.where(rng.random(shape) < 0.2, rng.choice(whole, shape), x)
        return np.asarray(x).astype(stored)

    def fill(self, rng: np.random.Generator, dtype: str, layout: str = "contiguous") -> Array:
        """Choose the values; `layout` counts where the spec asks for none, `dtype` likewise."""
        dtype, layout, shape = self.dtype or dtype, self.layout or layout, self.shape
        if layout == "transposed":
            base = shape[::-1]
        elif layout == "sliced" and shape:
            base = (*shape[:-1], 2 * shape[-1])
        elif layout == "expanded" and shape:
            base = (1, *shape[1:])
        elif layout == "offset":
            base = (2, *shape)
        else:
            base, layout = shape, "contiguous"
        return Array(self.values(rng, dtype, base), dtype, layout, shape)


@dataclass(frozen=True)
class Array:
    """The values of a tensor and the view of them that the operator is to see."""

    base: np.ndarray
    dtype: str
    layout: str
    shape: tuple[int, ...]

    def build(self, lib: Any) -> Any:
        x = lib.from_numpy(self.base.copy())
        if self.dtype == "bfloat16":
            x = x.to(lib.bfloat16)
        if self.layout == "transposed":
            return x.permute(tuple(range(len(self.shape)))[::-1])
        if self.layout == "sliced":
            return x.as_strided(self.shape, (*x.stride()[:-1], 2))
        if self.layout == "expanded":
            return x.expand(self.shape)
        return x.select(0, 1) if self.layout == "offset" else x

    def __repr__(self) -> str:
        return f"<{self.dtype} {self.layout} {self.shape} of {self.base.tolist()}>"


@dataclass(frozen=True)
class Name:
    """An attribute of the library, such as a dtype."""

    name: str


@dataclass(frozen=True)
class Template:
    """Arguments by position and by keyword, with a `Spec` for each tensor."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def specs(self) -> list[Spec]:
        return [x for x in _leaves((self.args, self.kwargs)) if isinstance(x, Spec)]

    def fill(self, dtypes: Any, layouts: Any = "contiguous", seed: int = 0) -> Call:
        """Give each spec, in order, one of `dtypes` and `layouts` (a single one serves all)."""
        rng = np.random.default_rng(seed)
        count = [0]

        def one(x: Any) -> Any:
            if not isinstance(x, Spec):
                return x
            at, count[0] = count[0], count[0] + 1
            dtype, layout = (v if isinstance(v, str) else v[at % len(v)] for v in (dtypes, layouts))
            return x.fill(rng, dtype, layout)

        return Call(_mapped(self.args, one), _mapped(self.kwargs, one))


@dataclass(frozen=True)
class Call:
    """Arguments that any library can be given."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def build(self, lib: Any) -> tuple[list[Any], dict[str, Any]]:
        def one(x: Any) -> Any:
            return x.build(lib) if isinstance(x, Array) else getattr(lib, x.name) if isinstance(x, Name) else x

        return list(_mapped(self.args, one)), _mapped(self.kwargs, one)

    def __repr__(self) -> str:
        return ", ".join([*map(repr, self.args), *(f"{key}={value!r}" for key, value in self.kwargs.items())])


def _leaves(x: Any) -> Any:
    if isinstance(x, (list, tuple)):
        for item in x:
            yield from _leaves(item)
    elif isinstance(x, dict):
        yield from _leaves(list(x.values()))
    else:
        yield x


def _mapped(x: Any, function: Any) -> Any:
    if isinstance(x, dict):
        return {key: _mapped(item, function) for key, item in x.items()}
    if isinstance(x, (list, tuple)):
        return type(x)(_mapped(item, function) for item in x)
    return function(x)


RANGES = {"any": (-4.0, 4.0), "positive": (0.1, 4.0), "unit": (0.05, 0.95), "int": (-8.0, 8.0), "bool": (0.0, 1.0)}
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
def templates(draw: st.DrawFn, row: Row, explicit: dict[str, Any]) -> Template:
    """Draw arguments for a row: of the `explicit` ones where it has any, else by its domain hint."""
    if row.id in explicit:
        return draw(st.sampled_from(explicit[row.id]))
    words = row.words
    assert words, f"{row.id} has neither a domain hint nor explicit samples"
    reduces = any(word in ("dim", "dims") for word in words)
    sizes = iter(draw(shapes(len(words), min_dims=1 if reduces else 0, same=reduces)))
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    rank = 0
    for param, word in zip(row.params, words, strict=False):
        if is_tensor(param):
            args.append(_spec(word, next(sizes)))
            rank = rank or len(args[0].shape)
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


def function(lib: Any, row: Row, name: str | None = None) -> Any:
    """Return the function form of a row, wherever a library keeps it; `None` where it has none."""
    name = name or row.name
    namespace = row.forms["namespace"]
    if namespace:
        place = {"functional": lib.nn.functional}.get(namespace) or getattr(lib, namespace)
        return getattr(place, name.removeprefix(f"{namespace}_"), None)
    for place in (lib, lib.nn.functional):
        if hasattr(place, name):
            return getattr(place, name)
    return None


def run(lib: Any, row: Row, form: str, call: Call, name: str | None = None) -> Any:
    """Run a row in one of its forms: `function`, `method`, `inplace` or `property`."""
    args, kwargs = call.build(lib)
    if form == "function":
        return function(lib, row, name)(*args, **kwargs)
    if form == "property":
        return getattr(args[0], row.forms["property"])
    first = args.pop(0)
    return getattr(first, (name or row.name) + ("_" if form == "inplace" else ""))(*args, **kwargs)


def main_form(row: Row) -> str:
    return next(form for form in ("function", "method", "property") if row.forms[form])


def to_numpy(x: Any) -> np.ndarray:
    """Return a tensor's values; bfloat16, which NumPy lacks, as float32."""
    x = x.detach()
    if str(x.dtype) == "torch.bfloat16":
        x = x.float()
    return np.array(x.resolve_conj().resolve_neg().numpy())
