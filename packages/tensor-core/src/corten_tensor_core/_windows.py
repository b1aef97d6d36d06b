"""Windows for signal processing, as PyTorch defines them.

Each has `window_length` places n over N = `window_length` - 1 steps, or N = `window_length` where it is `periodic`, the
first period of a window one longer. A window of one place is 1.
"""

from __future__ import annotations

import math

import corten_native as _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from corten_native import Tensor


def hann_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """Return the Hann window (window_length), (1 - cos(2πn/N)) / 2. `options` are those of `ones`."""
    return _cosines("hann_window", window_length, periodic, (0.5, 0.5), options)


def hamming_window(
    window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, **options: Any
) -> Tensor:
    """Return the Hamming window (window_length), alpha - beta cos(2πn/N). `options` are those of `ones`."""
    return _cosines("hamming_window", window_length, periodic, (alpha, beta), options)


def blackman_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """Return the Blackman window (window_length), 0.42 - 0.5 cos(2πn/N) + 0.08 cos(4πn/N); `options` as of `ones`."""
    return _cosines("blackman_window", window_length, periodic, (0.42, 0.5, 0.08), options)


def bartlett_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """Return the triangle (window_length), 1 - |2n/N - 1|. `options` are those of `ones`."""
    return _window("bartlett_window", window_length, periodic, lambda n, last: 1 - (n * (2 / last) - 1).abs(), options)


def kaiser_window(window_length: int, periodic: bool = True, beta: float = 12.0, **options: Any) -> Tensor:
    """Return the Kaiser window (window_length), I₀(beta √(1 - (2n/N - 1)²)) / I₀(beta); `options` as of `ones`."""

    def shape(n: Tensor, last: int) -> Tensor:
        inside = 1 - (n * (2 / last) - 1).square()
        return (beta * inside.clamp(min=0).sqrt()).i0() / _native.full((), float(beta), dtype=n.dtype).i0()

    return _window("kaiser_window", window_length, periodic, shape, options)


def _cosines(name: str, length: int, periodic: bool, weights: tuple[float, ...], options: dict[str, Any]) -> Tensor:
    """Return the sum of (-1)ᵏ weights[k] cos(2πkn/N)."""

    def shape(n: Tensor, last: int) -> Tensor:
        terms = [(-1) ** k * weight * (n * (2 * math.pi * k / last)).cos() for k, weight in enumerate(weights)]
        return sum(terms[1:], terms[0])

    return _window(name, length, periodic, shape, options)


def _window(
    name: str, length: int, periodic: bool, shape: Callable[[Tensor, int], Tensor], options: dict[str, Any]
) -> Tensor:
    """Return `shape` of the places, computed in double precision, as a tensor with these options."""
    if not isinstance(length, int):
        raise TypeError(f"{name}(): argument 'window_length' (position 1) must be int, not {type(length).__name__}")
    if length < 0:
        raise RuntimeError(f"{name} requires non-negative window_length, got window_length={length}")
    result = _native.ones(length, **options)
    if not result.dtype.is_floating_point:
        raise RuntimeError(f"{name} expects floating point dtypes, got: {result.dtype}")
    if length > 1 and result.device.type != "meta":
        places = _native.arange(length, dtype=_native.float64, device=result.device)
        result.detach().copy_(shape(places, length if periodic else length - 1))
    return result
