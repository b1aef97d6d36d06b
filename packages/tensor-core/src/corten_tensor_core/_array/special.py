"""Special functions: CuPy brings them, NumPy has few, so there they come from the `math` module or a short series."""

from __future__ import annotations

import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def _from_math(function: Callable[[float], float], cupy_name: str) -> Callable[..., Any]:
    """Return a row that is `cupyx.scipy.special.<cupy_name>` on CuPy and `function`, number by number, elsewhere."""

    def row(xp: Any, x: Any) -> Any:
        if xp.__name__ == "cupy":
            from cupyx.scipy import special

            return getattr(special, cupy_name)(x)
        flat = [function(value) for value in x.ravel().tolist()]
        return xp.asarray(flat, dtype=x.dtype).reshape(x.shape)

    return row


def _lgamma(x: float) -> float:
    # math.lgamma raises at the poles.
    return math.inf if x <= 0 and x.is_integer() else math.lgamma(x)


def _digamma(x: float) -> float:
    """Reflect, climb to 10, then the asymptotic series (Abramowitz and Stegun 6.3.7, 6.3.5, 6.3.18)."""
    if math.isnan(x) or x == -math.inf:
        return math.nan
    if x == 0:
        return math.copysign(math.inf, -x)
    if x < 0:
        return math.nan if x.is_integer() else _digamma(1 - x) - math.pi / math.tan(math.pi * (x % 1))
    result = 0.0
    while x < 10:
        result -= 1 / x
        x += 1
    if x == math.inf:
        return x
    y = 1 / (x * x)
    series = y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y * (1 / 240 - y * (1 / 132 - y * (691 / 32760 - y / 12))))))
    return result + math.log(x) - 0.5 / x - series


def _erfinv(x: float) -> float:
    """Start from Winitzki's approximation and refine with Halley's method."""
    if not -1 < x < 1:
        return math.copysign(math.inf, x) if abs(x) == 1 else math.nan
    if x == 0:
        return x
    log = math.log1p(-x * x)
    mean = 2 / (math.pi * 0.147) + log / 2
    y = math.copysign(math.sqrt(math.sqrt(mean * mean - log / 0.147) - mean), x)
    for _ in range(3):
        # erfc keeps the digits that erf loses near 1.
        error = math.copysign(1, x) * (math.erfc(abs(y)) - (1 - abs(x)))
        step = error / (2 / math.sqrt(math.pi) * math.exp(-y * y))
        y += step / (1 - y * step)
    return y


erf = _from_math(math.erf, "erf")
erfc = _from_math(math.erfc, "erfc")


def gelu(xp: Any, x: Any, approximate: str = "none") -> Any:
    if approximate == "tanh":
        return 0.5 * x * (1 + xp.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * (1 + erf(xp, x * math.sqrt(0.5)))


ROWS: dict[str, Callable[..., Any]] = {
    "digamma": _from_math(_digamma, "digamma"),
    "erf": erf,
    "erfc": erfc,
    "erfinv": _from_math(_erfinv, "erfinv"),
    "gelu": gelu,
    "i0": lambda xp, x: xp.i0(x).astype(x.dtype),
    "lgamma": _from_math(_lgamma, "gammaln"),
    "special_ndtr": lambda xp, x: 0.5 * erfc(xp, x * -math.sqrt(0.5)),
}
