"""The limits of number types: `finfo` and `iinfo`."""

from __future__ import annotations

import corten_native as _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Name: bits, bits of the fraction, smallest exponent of a normal number, largest exponent, decimal digits that hold.
_FLOATS = {
    "float16": (16, 10, -14, 15, 3),
    "bfloat16": (16, 7, -126, 127, 2),
    "float32": (32, 23, -126, 127, 6),
    "float64": (64, 52, -1022, 1023, 15),
}
_REAL_PARTS = {"complex64": "float32", "complex128": "float64"}
_INTEGERS = {f"{sign}int{bits}": (bits, not sign) for sign in ("", "u") for bits in (8, 16, 32, 64)}


def _name(function: str, dtype: Any) -> str:
    if not isinstance(dtype, _native.dtype):
        raise TypeError(f"{function}(): argument 'type' (position 1) must be torch.dtype, not {type(dtype).__name__}")
    return str(dtype).rpartition(".")[2]


class finfo:
    """Limits of a floating-point or complex dtype (of its parts), by default of the default dtype."""

    __slots__ = ("bits", "dtype", "eps", "max", "min", "resolution", "smallest_normal", "tiny")

    def __init__(self, type: Any = None) -> None:
        name = _name("finfo", _native.get_default_dtype() if type is None else type)
        name = _REAL_PARTS.get(name, name)
        if name not in _FLOATS:
            raise TypeError(f"finfo() requires a floating point input type, got {type}. Use iinfo for integers")
        self.bits, fraction, low, high, digits = _FLOATS[name]
        self.dtype = name
        self.eps = 2.0**-fraction
        self.max = (2.0 - self.eps) * 2.0**high
        self.min = -self.max
        self.resolution = float(f"1e-{digits}")
        self.smallest_normal = self.tiny = 2.0**low

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, finfo) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash((finfo, self.dtype))


class iinfo:
    """Limits of an integer dtype."""

    __slots__ = ("bits", "dtype", "max", "min")

    def __init__(self, type: Any) -> None:
        name = _name("iinfo", type)
        if name == "bool":
            raise TypeError("torch.bool is not supported by iinfo")
        if name not in _INTEGERS:
            raise TypeError(f"iinfo() requires an integer input type, got {type}. Use finfo for floating point types")
        self.bits, signed = _INTEGERS[name]
        self.dtype = name
        self.max = 2 ** (self.bits - signed) - 1
        self.min = -self.max - 1 if signed else 0

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, iinfo) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash((iinfo, self.dtype))
