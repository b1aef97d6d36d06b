"""`assert_close`: tensors, numbers and containers of them agree within tolerances that depend on the dtype."""

from __future__ import annotations

import math

import corten_native as _native

from .._creation import as_tensor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    from corten_native import Tensor

# Relative and absolute tolerance; every other dtype must be equal.
_TOLERANCES = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5),
    "complex128": (1e-7, 1e-7),
}
_PYTHON_TOLERANCES = {bool: (0.0, 0.0), int: (0.0, 0.0), float: (1e-7, 1e-7), complex: (1e-7, 1e-7)}


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Raise `AssertionError` unless `|actual - expected| <= atol + rtol |expected|` everywhere.

    Takes tensors, what `as_tensor` takes, numbers, `None`, and sequences and mappings of those. Without tolerances the
    looser of the two dtypes' defaults hold: 1.3e-6 and 1e-5 for float32, 1e-7 twice for float64, 0 for integers. `msg`
    replaces the message, or is called with it.
    """
    if (rtol is None) != (atol is None):
        missing = "rtol" if rtol is None else "atol"
        raise ValueError(f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing}.")
    checks = {"device": check_device, "dtype": check_dtype, "layout": check_layout, "stride()": check_stride}
    tolerances = None if rtol is None or atol is None else (float(rtol), float(atol))
    _Comparison(allow_subclasses, tolerances, equal_nan, checks, msg).run(actual, expected, ())


class _Comparison:
    def __init__(
        self,
        allow_subclasses: bool,
        tolerances: tuple[float, float] | None,
        equal_nan: bool,
        checks: dict[str, bool],
        msg: str | Callable[[str], str] | None,
    ) -> None:
        self.allow_subclasses = allow_subclasses
        self.tolerances = tolerances
        self.equal_nan = equal_nan
        self.checks = checks
        self.msg = msg

    def fail(
        self, message: str, place: tuple[Any, ...], kind: type[Exception] = AssertionError, structure: bool = False
    ) -> NoReturn:
        """Raise; the user's message takes the place of ours, except where `structure` keeps values from comparing."""
        if place:
            message += "\n\nThe failure occurred for item " + "".join(f"[{key!r}]" for key in place)
        if structure:
            raise kind(message)
        raise kind(self.msg(message) if callable(self.msg) else self.msg or message)

    def run(self, x: Any, y: Any, place: tuple[Any, ...]) -> None:
        from collections.abc import Mapping, Sequence

        if all(isinstance(v, Sequence) and not isinstance(v, (str, bytes)) for v in (x, y)):
            if len(x) != len(y):
                self.fail(f"The length of the sequences mismatch: {len(x)} != {len(y)}", place, structure=True)
            for i, (a, b) in enumerate(zip(x, y, strict=True)):
                self.run(a, b, (*place, i))
        elif isinstance(x, Mapping) and isinstance(y, Mapping):
            self.check_keys(x, y, place)
            for key in x:
                self.run(x[key], y[key], (*place, key))
        elif x is None or y is None:
            if x is not y:
                self.fail(f"None mismatch: {x} is not {y}", place)
        elif isinstance(x, bool) and isinstance(y, bool):
            if x is not y:
                self.fail(f"Booleans mismatch: {x} is not {y}", place)
        elif isinstance(x, (int, float, complex)) and isinstance(y, (int, float, complex)):
            self.numbers(x, y, place)
        else:
            self.tensors(*self.lifted(x, y, place), place)

    def check_keys(self, x: Any, y: Any, place: tuple[Any, ...]) -> None:
        missing, extra = (sorted(a.keys() - b.keys(), key=str) for a, b in ((y, x), (x, y)))
        if missing or extra:
            self.fail(
                "The keys of the mappings do not match:\n"
                f"Missing keys in the actual mapping: {missing}\nAdditional keys in the actual mapping: {extra}",
                place,
                structure=True,
            )

    def numbers(self, x: Any, y: Any, place: tuple[Any, ...]) -> None:
        if self.checks["dtype"] and type(x) is not type(y):
            self.fail(f"The (d)types do not match: {type(x)} != {type(y)}.", place)
        defaults = (_PYTHON_TOLERANCES.get(type(v), (1e-7, 1e-7)) for v in (x, y))
        rtol, atol = self.tolerances or tuple(map(max, *defaults))
        near = x == y or (self.equal_nan and x != x and y != y)
        difference = abs(x - y)
        if near or (math.isfinite(difference) and difference <= atol + rtol * abs(y)):
            return
        self.fail(_scalar_message(x, y, rtol, atol), place)

    def lifted(self, x: Any, y: Any, place: tuple[Any, ...]) -> tuple[Tensor, Tensor]:
        """Return both as tensors, or raise `TypeError`."""
        direct = isinstance(x, type(y)) or isinstance(y, type(x))
        if direct and (self.allow_subclasses or type(x) is type(y)):
            try:
                return as_tensor(x), as_tensor(y)
            except (TypeError, ValueError, RuntimeError):
                pass
        message = f"No comparison pair was able to handle inputs of type {type(x)} and {type(y)}."
        return self.fail(message, place, TypeError, structure=True)

    def tensors(self, x: Tensor, y: Tensor, place: tuple[Any, ...]) -> None:
        if x.shape != y.shape:
            self.attribute("shape", x.shape, y.shape, place)
        values = {
            "layout": (x.layout, y.layout),
            "stride()": (x.stride(), y.stride()),
            "device": (x.device, y.device),
            "dtype": (x.dtype, y.dtype),
        }
        for name, (a, b) in values.items():
            if self.checks[name] and a != b:
                self.attribute(name, a, b, place)
        if "meta" in (x.device.type, y.device.type):
            return
        rtol, atol = self.tolerances or tuple(map(max, *(_default_tolerances(v) for v in (x, y))))
        x, y = x.detach(), y.detach()
        if x.device != y.device:
            x, y = x.cpu(), y.cpu()
        if x.dtype != y.dtype:
            common = _native.promote_types(x.dtype, y.dtype)
            x, y = x.to(common), y.to(common)
        matches = x.isclose(y, rtol, atol, self.equal_nan)
        if not bool(matches.all()):
            same = _scalar_message(x.item(), y.item(), rtol, atol) if x.dim() == 0 else None
            self.fail(same or _tensor_message(x, y, matches, rtol, atol), place)

    def attribute(self, name: str, x: Any, y: Any, place: tuple[Any, ...]) -> NoReturn:
        self.fail(f"The values for attribute '{name}' do not match: {x} != {y}.", place)


def _default_tolerances(x: Tensor) -> tuple[float, float]:
    return _TOLERANCES.get(str(x.dtype).rpartition(".")[2], (0.0, 0.0))


def _verdict(rtol: float, atol: float) -> str:
    return "equal" if rtol == 0 and atol == 0 else "close"


def _allowed(tolerance: float, rtol: float, atol: float) -> str:
    return "" if rtol == 0 and atol == 0 else f" (up to {tolerance} allowed)"


def _scalar_message(x: Any, y: Any, rtol: float, atol: float) -> str:
    absolute = abs(x - y)
    relative = math.inf if y == 0 else absolute / abs(y)
    return (
        f"Scalars are not {_verdict(rtol, atol)}!\n\n"
        f"Expected {y} but got {x}.\n"
        f"Absolute difference: {absolute}{_allowed(atol, rtol, atol)}\n"
        f"Relative difference: {relative}{_allowed(rtol, rtol, atol)}"
    )


def _tensor_message(x: Tensor, y: Tensor, matches: Tensor, rtol: float, atol: float) -> str:
    count = matches.numel()
    bad = count - int(matches.sum())
    lines = [
        f"Tensor-likes are not {_verdict(rtol, atol)}!\n",
        f"Mismatched elements: {bad} / {count} ({bad / count:.1%})",
    ]
    if not (x.is_floating_point() or x.is_complex()):
        x, y = x.to(_native.int64), y.to(_native.int64)
    difference = (x - y).abs().masked_fill(matches, 0)
    for name, values, tolerance in (
        ("absolute", difference, atol),
        ("relative", (difference / y.abs()).masked_fill(matches, 0), rtol),
    ):
        largest, at = values.flatten().max(0)
        index = _unravelled(int(at), x.shape)
        lines.append(f"Greatest {name} difference: {largest.item()} at index {index}{_allowed(tolerance, rtol, atol)}")
    return "\n".join(lines)


def _unravelled(flat: int, shape: Any) -> tuple[int, ...]:
    index = []
    for size in reversed(shape):
        flat, at = divmod(flat, size)
        index.append(at)
    return tuple(reversed(index))
