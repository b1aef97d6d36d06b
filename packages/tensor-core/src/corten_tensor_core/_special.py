"""Special functions written with other operators."""

from __future__ import annotations

import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from corten_native import Tensor


def entr(input: Tensor) -> Tensor:
    """Return `-x log x`, 0 at 0 and minus infinity below."""
    return (-input.xlogy(input)).masked_fill(input < 0, -math.inf)


def ndtr(input: Tensor) -> Tensor:
    """Return the standard normal distribution function, `erfc(-x / sqrt 2) / 2`."""
    return (input * -math.sqrt(0.5)).erfc() * 0.5


def ndtri(input: Tensor) -> Tensor:
    """Return the inverse of `ndtr`, `sqrt 2 erfinv(2 x - 1)`."""
    return (2 * input - 1).erfinv() * math.sqrt(2)


def xlog1py(input: Any, other: Tensor) -> Tensor:
    """Return `x log(1 + y)`, 0 where `x` is 0 and `y` is not NaN."""
    zero = (other * 0 + input).eq(0).logical_and(other.isnan().logical_not())
    return (input * other.log1p()).masked_fill(zero, 0)


def multigammaln(input: Tensor, p: int) -> Tensor:
    """Return the log of the gamma function of dimension `p`; needs every element above `(p - 1) / 2`."""
    if p < 1:
        raise RuntimeError(f"p has to be greater than or equal to 1, got {p}")
    total = input.lgamma()
    for i in range(1, p):
        total = total + (input - i / 2).lgamma()
    return total + p * (p - 1) / 4 * math.log(math.pi)


def softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Return the exponentials scaled to sum to 1 along `dim`."""
    return input.softmax(dim, dtype=dtype)


def log_softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Return the log of `softmax`."""
    return input.log_softmax(dim, dtype=dtype)
