"""One number in, one number out: unary, binary, comparing and ternary rows."""

from __future__ import annotations

import math

from .base import is_float, is_whole, scalar_like

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# Rows that the array module has under this or another name, with the same meaning.
_UNARY_NAMES = {
    name: name
    for name in (
        "positive sqrt square exp exp2 expm1 log log2 log10 log1p sin cos tan sinh cosh tanh "
        "isnan isinf isfinite signbit deg2rad rad2deg reciprocal logical_not"
    ).split()
} | {
    "abs": "absolute",
    "neg": "negative",
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "asinh": "arcsinh",
    "acosh": "arccosh",
    "atanh": "arctanh",
    "bitwise_not": "invert",
    "conj": "conjugate",
    "conj_physical": "conjugate",
    "angle": "angle",
}
_BINARY_NAMES = {
    name: name
    for name in (
        "maximum minimum fmax fmin hypot copysign nextafter logaddexp logaddexp2 gcd lcm "
        "logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor"
    ).split()
} | {
    "mul": "multiply",
    "atan2": "arctan2",
    "bitwise_left_shift": "left_shift",
    "bitwise_right_shift": "right_shift",
    "eq": "equal",
    "ne": "not_equal",
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
}


def _named(name: str) -> Callable[..., Any]:
    return lambda xp, *args: getattr(xp, name)(*args)


def _rounding(name: str) -> Callable[..., Any]:
    return lambda xp, x: getattr(xp, name)(x) if is_float(x) else x.copy()


def sigmoid(xp: Any, x: Any) -> Any:
    return 1 / (1 + xp.exp(-x))


def sign(xp: Any, x: Any) -> Any:
    if x.dtype.kind == "b":
        return x.copy()
    return (x > 0).astype(x.dtype) - (x < 0).astype(x.dtype)


def sgn(xp: Any, x: Any) -> Any:
    if x.dtype.kind != "c":
        return sign(xp, x)
    size = xp.abs(x)
    return xp.where(size == 0, x, x / xp.where(size == 0, 1, size))


def round_(xp: Any, x: Any, decimals: int = 0) -> Any:
    if not is_float(x):
        return x.copy()
    if decimals == 0:
        return xp.rint(x)
    scale = 10.0 ** abs(decimals)
    return xp.rint(x * scale) / scale if decimals > 0 else xp.rint(x / scale) * scale


def logit(xp: Any, x: Any, eps: float | None = None) -> Any:
    if eps is not None:
        x = xp.clip(x, eps, 1 - eps)
    return xp.log(x / (1 - x))


def sinc(xp: Any, x: Any) -> Any:
    turn = math.pi * x
    return xp.where(x == 0, scalar_like(xp, 1, x), xp.sin(turn) / xp.where(x == 0, scalar_like(xp, 1, x), turn))


def div(xp: Any, x: Any, y: Any, rounding_mode: str | None = None) -> Any:
    if rounding_mode is None:
        return xp.true_divide(x, y)
    if is_whole(x) and is_whole(y):
        _refuse_zero(y)
        return xp.floor_divide(x if rounding_mode == "floor" else x - xp.fmod(x, y), y)
    return xp.floor_divide(x, y) if rounding_mode == "floor" else xp.trunc(xp.true_divide(x, y))


def remainder(xp: Any, x: Any, y: Any) -> Any:
    if is_whole(x) and is_whole(y):
        _refuse_zero(y)
    return xp.remainder(x, y)


def fmod(xp: Any, x: Any, y: Any) -> Any:
    if is_whole(x) and is_whole(y):
        _refuse_zero(y)
    return xp.fmod(x, y)


def _refuse_zero(y: Any) -> None:
    if y == 0 if isinstance(y, int) else bool((y == 0).any()):
        raise RuntimeError("ZeroDivisionError")


def pow_(xp: Any, x: Any, y: Any) -> Any:
    if not (is_whole(x) and is_whole(y)) or getattr(x if hasattr(x, "dtype") else y, "dtype", None) == xp.bool_:
        return xp.power(x, y)
    if isinstance(y, int) and y < 0:
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    if isinstance(y, int) or y.dtype.kind == "u":
        return xp.power(x, y)
    # A whole number to a negative power is zero, except for 1 and -1.
    negative = y < 0
    result = xp.power(x, xp.where(negative, -y, y))
    return xp.where(negative, xp.where(abs(xp.asarray(x)) == 1, result, xp.zeros_like(result)), result)


def xlogy(xp: Any, x: Any, y: Any) -> Any:
    zero = (x == 0) & ~xp.isnan(y)
    return xp.where(zero, xp.zeros_like(x * y), x * xp.log(xp.where(zero, xp.ones_like(y), y)))


def isclose(xp: Any, x: Any, y: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    close = x == y
    if not (is_whole(x) and is_whole(y)):
        close = close | (xp.isfinite(x) & xp.isfinite(y) & (xp.abs(x - y) <= atol + rtol * xp.abs(y)))
    elif rtol or atol:
        close = close | (xp.abs(x - y) <= atol + rtol * xp.abs(y))
    return close | (xp.isnan(x) & xp.isnan(y)) if equal_nan else close


def where(xp: Any, condition: Any, x: Any, y: Any) -> Any:
    return xp.where(condition, x, y)


def clamp(xp: Any, x: Any, low: Any = None, high: Any = None) -> Any:
    if low is not None:
        x = xp.maximum(x, low)
    return x if high is None else xp.minimum(x, high)


def huber(xp: Any, x: Any, y: Any, delta: float) -> Any:
    distance = xp.abs(x - y)
    return xp.where(distance <= delta, 0.5 * distance**2, delta * (distance - 0.5 * delta))


def smooth_l1(xp: Any, x: Any, y: Any, beta: float) -> Any:
    distance = xp.abs(x - y)
    return xp.where(distance < beta, 0.5 * distance**2 / beta, distance - 0.5 * beta)


def lerp(xp: Any, x: Any, end: Any, weight: Any) -> Any:
    """Go from the nearer end, as PyTorch does, so that weights 0 and 1 give the ends."""
    if hasattr(weight, "dtype"):
        return xp.where(xp.abs(weight) < 0.5, x + weight * (end - x), end - (end - x) * (1 - weight))
    return x + weight * (end - x) if abs(weight) < 0.5 else end - (end - x) * (1 - weight)


def softplus(xp: Any, x: Any, beta: float = 1, threshold: float = 20) -> Any:
    scaled = x * beta
    return xp.where(scaled > threshold, x, xp.log1p(xp.exp(xp.minimum(scaled, threshold))) / beta)


def elu(xp: Any, x: Any, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0) -> Any:
    return xp.where(x > 0, scale * x, scale * alpha * xp.expm1(xp.minimum(x, 0) * input_scale))


def selu(xp: Any, x: Any) -> Any:
    return elu(xp, x, 1.6732632423543772848170429916717, 1.0507009873554804934193349852946)


def celu(xp: Any, x: Any, alpha: float = 1.0) -> Any:
    return elu(xp, x, alpha, 1.0, 1 / alpha)


def log_sigmoid(xp: Any, x: Any) -> Any:
    return xp.minimum(x, 0) - xp.log1p(xp.exp(-xp.abs(x)))


def polar(xp: Any, radius: Any, angle: Any) -> Any:
    return _complex(xp, radius * xp.cos(angle), radius * xp.sin(angle))


def _complex(xp: Any, real: Any, imag: Any) -> Any:
    real, imag = xp.broadcast_arrays(real, imag)
    result = xp.empty(real.shape, xp.complex128 if real.dtype == xp.float64 else xp.complex64)
    result.real, result.imag = real, imag
    return result


ROWS: dict[str, Callable[..., Any]] = {
    **{name: _named(theirs) for name, theirs in (_UNARY_NAMES | _BINARY_NAMES).items()},
    **{name: _rounding(name) for name in ("floor", "ceil", "trunc")},
    "add": lambda xp, x, y, alpha=1: xp.add(x, y if alpha == 1 else y * alpha),
    "addcdiv": lambda xp, x, y, z, value=1: x + value * y / z,
    "addcmul": lambda xp, x, y, z, value=1: x + value * y * z,
    "celu": celu,
    "clamp": clamp,
    "clamp_max": lambda xp, x, high: clamp(xp, x, None, high),
    "clamp_min": clamp,
    "complex": _complex,
    "div": div,
    "elu": elu,
    "floor_divide": lambda xp, x, y: div(xp, x, y, "floor"),
    "fmod": fmod,
    "frac": lambda xp, x: x - xp.trunc(x),
    "hardshrink": lambda xp, x, lambd=0.5: xp.where(xp.abs(x) <= lambd, scalar_like(xp, 0, x), x),
    "hardsigmoid": lambda xp, x: xp.clip(x + 3, 0, 6) / 6,
    "hardswish": lambda xp, x: x * xp.clip(x + 3, 0, 6) / 6,
    "hardtanh": lambda xp, x, low=-1.0, high=1.0: xp.clip(x, low, high),
    "heaviside": lambda xp, x, y: xp.where(x == 0, y, (x > 0).astype(x.dtype)),
    "imag": lambda xp, x: x.imag,
    "isclose": isclose,
    "isneginf": lambda xp, x: x == -math.inf,
    "isposinf": lambda xp, x: x == math.inf,
    "isreal": lambda xp, x: x.imag == 0,
    "ldexp": lambda xp, x, y: x * xp.exp2(y).astype(x.dtype),
    "leaky_relu": lambda xp, x, slope=0.01: xp.where(x > 0, x, x * slope),
    "_huber": huber,
    "_nan_to_num": lambda xp, x, nan, posinf, neginf: xp.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf),
    "_smooth_l1": smooth_l1,
    "lerp": lerp,
    "log_sigmoid": log_sigmoid,
    "logit": logit,
    "mish": lambda xp, x: x * xp.tanh(softplus(xp, x)),
    "polar": polar,
    "pow": pow_,
    "real": lambda xp, x: x.real,
    "relu": lambda xp, x: xp.maximum(x, 0),
    "relu6": lambda xp, x: xp.clip(x, 0, 6),
    "remainder": remainder,
    "round": round_,
    "rsqrt": lambda xp, x: 1 / xp.sqrt(x),
    "rsub": lambda xp, x, y, alpha=1: xp.subtract(y, x if alpha == 1 else x * alpha),
    "selu": selu,
    "sgn": sgn,
    "sigmoid": sigmoid,
    "sign": sign,
    "silu": lambda xp, x: x * sigmoid(xp, x),
    "sinc": sinc,
    "softplus": softplus,
    "softshrink": lambda xp, x, lambd=0.5: xp.where(xp.abs(x) <= lambd, x * 0, x - lambd * sign(xp, x)),
    "softsign": lambda xp, x: x / (1 + xp.abs(x)),
    "sub": lambda xp, x, y, alpha=1: xp.subtract(x, y if alpha == 1 else y * alpha),
    "tanhshrink": lambda xp, x: x - xp.tanh(x),
    "threshold": lambda xp, x, threshold, value: xp.where(x > threshold, x, scalar_like(xp, value, x)),
    "where": where,
    "xlogy": xlogy,
}
