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


ROWS = [
    Row(**{key: value for key, value in row.items() if key in Row.__dataclass_fields__}) for row in _native._table()
]
BY_ID = {row.id: row for row in ROWS}
# Rows behind public functions, whose arguments must fit together in ways that a domain hint cannot say, and where they
# are tested.
OWN_TESTS = {
    "_scaled_dot_product_flash_attention_for_cpu": "tests/test_attention.py",
    "_lstm": "packages/nn/tests/test_recurrent_rows.py",
    "_lstm_cell": "packages/nn/tests/test_recurrent_rows.py",
    "_gru": "packages/nn/tests/test_recurrent_rows.py",
    "_gru_cell": "packages/nn/tests/test_recurrent_rows.py",
    "_standard_gamma_grad": "packages/nn/tests/test_distributions.py",
    "_set_source_": "tests/test_forms.py",
    "_bincount": "packages/tensor-core/tests/test_composite.py",
    "_cdist": "packages/tensor-core/tests/test_composite.py",
    "_searchsorted": "packages/tensor-core/tests/test_composite.py",
}
# Families whose functions tutorials take from `nn.functional`, some with a wider signature than their row's.
NEURAL = {"conv", "norm", "loss", "neural", "pool"}
ELEMENTWISE = {"unary", "binary", "compare", "activation", "special"}
# What a decomposition asks of a matrix; NumPy's and LAPACK's results differ on others in what is left undefined.
MATRICES = ("symmetric", "invertible", "positive_definite", "triangular")
# The kind of any other matrix that is decomposed: never of equal rows, whose factors nothing determines.
ROWS_DIFFER = "rows_differ"


@dataclass(frozen=True)
class Spec:
    """A tensor argument: its shape, the range of its values and, where the operator asks for one, its dtype.

    A matrix may also be of a kind: `rows_differ`, or if square `symmetric` (of complex numbers Hermitian),
    `positive_definite`, `invertible`, or `triangular`: with a large diagonal, for those who read one triangle.
    """

    shape: tuple[int, ...]
    low: float = -4.0
    high: float = 4.0
    dtype: str | None = None
    layout: str | None = None
    kind: str = ""

    def matrices(self, x: np.ndarray) -> np.ndarray:
        """Return square matrices of this spec's kind made from `x`."""
        if x.dtype.kind not in "fc" or self.kind == ROWS_DIFFER:
            return x
        adjoint, one = x.swapaxes(-1, -2).conj(), np.eye(x.shape[-1], dtype=x.dtype)
        result = {
            "symmetric": x + adjoint,
            "invertible": x + 10 * one,
            "positive_definite": x @ adjoint + one,
            "triangular": x + 10 * one,
        }[self.kind]
        return np.asarray(result, dtype=x.dtype)

    def values(self, rng: np.random.Generator, dtype: str, shape: tuple[int, ...], smooth: bool = False) -> np.ndarray:
        """Return numbers of the range in `shape`; unless `smooth`, a fifth of them small integers that lie in it."""
        stored = np.dtype("float32" if dtype == "bfloat16" else dtype)
        if stored.kind == "c":
            real, imag = (self.values(rng, "float64", shape, smooth) for _ in range(2))
            return np.asarray(real + 1j * imag).astype(stored)
        if stored.kind == "b":
            return np.asarray(rng.random(shape) < 0.5)
        low, high = self.low, self.high
        if stored.kind in "iu":
            low = max(np.ceil(low), 0.0 if stored.kind == "u" else low)
            return np.asarray(rng.integers(int(low), max(int(low), int(high)), shape, endpoint=True)).astype(stored)
        whole = [v for v in (-2.0, -1.0, 0.0, 1.0, 2.0) if low < v < high]
        x = rng.uniform(low, high, shape)
        if whole and not smooth:
            x = np.where(rng.random(shape) < 0.2, rng.choice(whole, shape), x)
        return np.asarray(x).astype(stored)

    def fill(self, rng: np.random.Generator, dtype: str, layout: str = "contiguous", smooth: bool = False) -> Array:
        """Choose the values; `layout` counts where the spec asks for none, `dtype` likewise."""
        fixed = self.dtype is not None
        dtype, layout, shape = self.dtype or dtype, self.layout or layout, self.shape
        if self.kind:
            layout = "transposed" if layout == "transposed" else "contiguous"
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
        values = self.values(rng, dtype, base, smooth)
        return Array(self.matrices(values) if self.kind else values, dtype, layout, shape, fixed)


@dataclass(frozen=True)
class Array:
    """The values of a tensor and the view of them that the operator is to see."""

    base: np.ndarray
    dtype: str
    layout: str
    shape: tuple[int, ...]
    fixed: bool = False  # the operator asks for this dtype

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

    def fill(self, dtypes: Any, layouts: Any = "contiguous", seed: int = 0, smooth: bool = False) -> Call:
        """Give each spec, in order, one of `dtypes` and `layouts` (a single one serves all)."""
        rng = np.random.default_rng(seed)
        count = [0]

        def one(x: Any) -> Any:
            if not isinstance(x, Spec):
                return x
            at, count[0] = count[0], count[0] + 1
            dtype, layout = (v if isinstance(v, str) else v[at % len(v)] for v in (dtypes, layouts))
            return x.fill(rng, dtype, layout, smooth)

        return Call(mapped(self.args, one), mapped(self.kwargs, one))


@dataclass(frozen=True)
class Call:
    """Arguments that any library can be given."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def arrays(self) -> list[Array]:
        return [x for x in _leaves((self.args, self.kwargs)) if isinstance(x, Array)]

    def build(self, lib: Any) -> tuple[list[Any], dict[str, Any]]:
        def one(x: Any) -> Any:
            return x.build(lib) if isinstance(x, Array) else getattr(lib, x.name) if isinstance(x, Name) else x

        return list(mapped(self.args, one)), mapped(self.kwargs, one)

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


def mapped(x: Any, function: Any) -> Any:
    if isinstance(x, dict):
        return {key: mapped(item, function) for key, item in x.items()}
    if isinstance(x, (list, tuple)):
        return type(x)(mapped(item, function) for item in x)
    return function(x)


def x(*shape: int, low: float = -4.0, high: float = 4.0) -> Spec:
    return Spec(shape, low, high)


def i(limit: int, *shape: int) -> Spec:
    return Spec(shape, 0, limit - 1, "int64")


def b(*shape: int) -> Spec:
    return Spec(shape, dtype="bool")


def calls(*samples: tuple[Any, ...]) -> list[Template]:
    return [
        Template(sample[:-1], sample[-1]) if sample and isinstance(sample[-1], dict) else Template(sample)
        for sample in samples
    ]


# Rows that `nn.functional` has under another name.
OTHERWISE = {"cross_entropy_loss": "cross_entropy", "log_sigmoid": "logsigmoid"}


def function(lib: Any, row: Row, name: str | None = None) -> Any:
    """Return the function form of a row, wherever a library keeps it; `None` where it has none."""
    name = name or row.name
    name = OTHERWISE.get(name, name)
    namespace = row.forms["namespace"]
    if namespace:
        place = {"functional": lib.nn.functional}.get(namespace) or getattr(lib, namespace)
        return getattr(place, name.removeprefix(f"{namespace}_"), None)
    # `_C._nn` holds PyTorch's native functions, where `nn.functional` wraps them in another signature.
    native = (lib._C._nn,) if lib.__name__ == "torch" else (_native,)
    places = (lib.nn.functional, lib, *native) if row.family in NEURAL else (lib, *native, lib.nn.functional)
    for place in places:
        if hasattr(place, name):
            return getattr(place, name)
    return None


def run(lib: Any, row: Row, form: str, call: Call, name: str | None = None) -> Any:
    """Run a row in one of its forms: `function`, `method`, `inplace` or `property`."""
    return applied(lib, row, form, *call.build(lib), name)


def applied(lib: Any, row: Row, form: str, args: list[Any], kwargs: dict[str, Any], name: str | None = None) -> Any:
    """Run a row in one of its forms on a library's own tensors."""
    if form == "function":
        return function(lib, row, name)(*args, **kwargs)
    if form == "property":
        return getattr(args[0], row.forms["property"])
    name = (name or row.name) + ("_" if form == "inplace" else "")
    if form == "inplace" and not hasattr(
        args[0], name
    ):  # of these PyTorch has functions alone, as `nn.functional.elu_`
        return function(lib, row, name)(*args, **kwargs)
    return getattr(args[0], name)(*args[1:], **kwargs)


def inputs_of(lib: Any, call: Any) -> tuple[list[Any], dict[str, Any], list[Any]]:
    """Build arguments; return also the tensors among them that are to have gradients, which are leaves."""
    args, kwargs = call.build(lib)
    leaves: list[Any] = []

    def lifted(x: Any) -> Any:
        if isinstance(x, (list, tuple)):
            return type(x)(lifted(item) for item in x)
        if isinstance(x, lib.Tensor) and (x.is_floating_point() or x.is_complex()):
            leaves.append(x.detach().clone(memory_format=lib.contiguous_format).requires_grad_())
            return leaves[-1]
        return x

    return [lifted(x) for x in args], {key: lifted(x) for key, x in kwargs.items()}, leaves


def main_form(row: Row) -> str:
    return next(form for form in ("function", "method", "property") if row.forms[form])


def to_numpy(x: Any) -> np.ndarray:
    """Return a tensor's values; bfloat16, which NumPy lacks, as float32."""
    x = x.detach()
    if str(x.dtype) == "torch.bfloat16":
        x = x.float()
    if type(x).__module__ == "torch":  # in Corten no tensor is lazily conjugate or negative
        x = x.resolve_conj().resolve_neg()
    return np.array(x.numpy())
