"""The text of a tensor: `repr`, `format` and the print options, letter for letter PyTorch's.

Values are read once, with `tolist`, and only the corners of a tensor that is summarised; everything else happens on
Python floats.
"""

from __future__ import annotations

import math

import corten_native as _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from corten_native import Tensor

_PROFILES: dict[str, dict[str, float]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}
_options: dict[str, Any] = {**_PROFILES["default"], "sci_mode": None}
_PREFIXED_BY_TENSOR = frozenset({"Tensor", "Parameter"})


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors print; what is `None` stays, except `sci_mode`, where `None` lets the values decide.

    `profile` is `"default"`, `"short"` or `"full"` and is applied first. Raises `ValueError` for another one.
    """
    if profile is not None:
        if profile not in _PROFILES:
            raise ValueError(f"profile must be one of {', '.join(map(repr, _PROFILES))}, got {profile!r}")
        _options.update(_PROFILES[profile])
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    _options.update({name: value for name, value in given.items() if value is not None})
    _options["sci_mode"] = sci_mode


def get_printoptions() -> dict[str, Any]:
    """Return the print options as keywords for `set_printoptions`."""
    return dict(_options)


class printoptions:
    """Context manager that sets print options (as `set_printoptions`) and restores the former ones at its end."""

    def __init__(self, **options: Any) -> None:
        self._options = options

    def __enter__(self) -> None:
        self._before = get_printoptions()
        set_printoptions(**self._options)

    def __exit__(self, *_: object) -> None:
        set_printoptions(**self._before)


def tensor_format(t: Tensor, spec: str) -> str:
    """Format `t` for `format(t, spec)`: a 0-d tensor as its number, any other only with an empty `spec`."""
    if t.dim() == 0 and t.device.type != "meta" and type(t).__name__ == "Tensor":
        return format(t.detach().item(), spec)
    return object.__format__(t, spec)


def tensor_repr(t: Tensor) -> str:
    """Return the text that `repr(t)` and `print(t)` show."""
    name = type(t).__name__
    prefix = "tensor(" if name in _PREFIXED_BY_TENSOR else name + "("
    suffixes = []
    if t.device.type != "cpu":
        suffixes.append(f"device='{t.device}'")
    default, dtype = str(_native.get_default_dtype()), str(t.dtype)
    if t.device.type == "meta":
        suffixes.append(f"size={tuple(t.shape)}")
        shows_dtype, body = dtype != default, "..."
    elif t.numel() == 0:
        if t.dim() != 1:
            suffixes.append(f"size={tuple(t.shape)}")
        shows_dtype, body = dtype != default, "[]"
    else:
        if not _options["edgeitems"]:
            suffixes.append(f"size={tuple(t.shape)}")
        complex_default = "torch.complex128" if default == "torch.float64" else "torch.complex64"
        shows_dtype = dtype not in (default, complex_default, "torch.int64", "torch.bool")
        body = _body(t.detach(), len(prefix))
    if shows_dtype:
        suffixes.append(f"dtype={dtype}")
    try:
        node = t.grad_fn and t.grad_fn.name().rsplit("::", 1)[-1]
    except RuntimeError:  # a view that cannot follow what was changed in its base
        node = "Invalid"
    if node:
        suffixes.append(f"grad_fn=<{node}>")
    elif t.requires_grad:
        suffixes.append("requires_grad=True")
    return _with_suffixes(prefix + body, suffixes, len(prefix))


def _with_suffixes(text: str, suffixes: list[str], indent: int) -> str:
    """Append the suffixes, breaking the line before one that would pass the line width, and close the bracket."""
    parts = [text]
    # PyTorch counts one column more than the line has, also for the first line.
    column = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if column + len(suffix) + 2 > _options["linewidth"]:
            parts.append(",\n" + " " * indent + suffix)
            column = indent + len(suffix)
        else:
            parts.append(", " + suffix)
            column += len(suffix) + 2
    return "".join(parts) + ")"


def _body(t: Tensor, indent: int) -> str:
    dim, edge = t.dim(), _options["edgeitems"]
    summarised = t.numel() > _options["threshold"]
    if summarised and not edge and dim:
        return "[...]"
    cut = tuple(summarised and size > 2 * edge for size in t.shape)
    values = _corners(t, cut, edge) if summarised else t.tolist()
    flat = _flatten(values, dim)
    show: Callable[[Any], str]
    if isinstance(flat[0], complex):
        show, width = _complex_style(flat)
    elif isinstance(flat[0], float):
        show, width = _float_style(flat)
    else:
        show, width = _plain_style(flat)
    if dim == 0:
        return show(values)
    per_line = max(1, (_options["linewidth"] - indent - dim + 1) // (width + 2))
    return _lines(values, cut, indent, show, per_line)


def _corners(t: Tensor, cut: tuple[bool, ...], edge: int, dim: int = 0) -> Any:
    """Return `t` as nested lists that hold, of each dimension marked in `cut`, only the two ends."""
    while dim < len(cut) and not cut[dim]:
        dim += 1
    if dim == len(cut):
        return t.tolist()
    head = _corners(t.narrow(dim, 0, edge), cut, edge, dim + 1)
    tail = _corners(t.narrow(dim, t.shape[dim] - edge, edge), cut, edge, dim + 1)
    return _joined(head, tail, dim)


def _joined(head: list[Any], tail: list[Any], depth: int) -> list[Any]:
    if depth == 0:
        return head + tail
    return [_joined(x, y, depth - 1) for x, y in zip(head, tail, strict=True)]


def _flatten(values: Any, dim: int) -> list[Any]:
    if dim == 0:
        return [values]
    for _ in range(dim - 1):
        values = [x for row in values for x in row]
    return list(values)


def _lines(values: list[Any], cut: tuple[bool, ...], indent: int, show: Callable[[Any], str], per_line: int) -> str:
    """Lay out nested lists: numbers `per_line` to a line, and one blank line more between the blocks per dimension."""
    dim = len(cut)
    if dim > 1:
        items = [_lines(x, cut[1:], indent + 1, show, per_line) for x in values]
        separator = "," + "\n" * (dim - 1) + " " * (indent + 1)
    else:
        items = [show(x) for x in values]
    if cut[0]:
        items.insert(len(items) // 2, "..." if dim > 1 else " ...")
    if dim == 1:
        separator = ",\n" + " " * (indent + 1)
        items = [", ".join(items[i : i + per_line]) for i in range(0, len(items), per_line)]
    return "[" + separator.join(items) + "]"


def _plain_style(flat: list[Any]) -> tuple[Callable[[Any], str], int]:
    """Return how to show each integer or truth value, and the common width."""
    width = max(1, max(len(str(x)) for x in flat))
    return lambda x: str(x).rjust(width), width


def _float_style(flat: list[float]) -> tuple[Callable[[float], str], int]:
    """Return how to show each real number, and the common width.

    The finite values other than zero decide: whole numbers show as `3.`, a range above 1000, or values above 1e8 or
    below 1e-4, make it scientific, all else has `precision` digits.
    """
    telling = [x for x in flat if x and math.isfinite(x)]
    if not telling:
        return _whole(1), 1
    magnitudes = [abs(x) for x in telling]
    low, high = min(magnitudes), max(magnitudes)
    whole = all(x.is_integer() for x in telling)
    scientific = _options["sci_mode"]
    if scientific is None:
        scientific = high / low > 1000.0 or high > 1.0e8 or low < 1.0e-4
    if whole and not scientific:
        width = max(len(f"{x:.0f}") for x in telling) + 1
        return _whole(width), width
    spec = f".{_options['precision']}{'e' if scientific else 'f'}"
    width = max(len(format(x, spec)) for x in telling)
    return lambda x: format(x, spec).rjust(width), width


def _whole(width: int) -> Callable[[float], str]:
    return lambda x: (f"{x:.0f}." if math.isfinite(x) else str(x)).rjust(width)


def _complex_style(flat: list[complex]) -> tuple[Callable[[complex], str], int]:
    show_real, real_width = _float_style([x.real for x in flat])
    show_imag, imag_width = _float_style([x.imag for x in flat])

    def show(x: complex) -> str:
        imag = show_imag(x.imag).lstrip() + "j"
        return show_real(x.real) + (imag if imag[0] == "-" else "+" + imag)

    return show, real_width + imag_width + 1
