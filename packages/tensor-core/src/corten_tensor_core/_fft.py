"""Companions of the Fourier transforms."""

from __future__ import annotations

import corten_native as _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from corten_native import Tensor


def fftfreq(n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Return the frequencies of the bins of `fft` for `n` samples at distance `d`: 0, 1, …, -2, -1 over `n d`."""
    dtype = dtype or _native.get_default_dtype()
    first = _native.arange(0, (n + 1) // 2, dtype=dtype, device=device)
    second = _native.arange(-(n // 2), 0, dtype=dtype, device=device)
    return _native.cat([first, second]) * (1.0 / (n * d))


def rfftfreq(n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Return the frequencies of the bins of `rfft`: 0, 1, … over `n d`."""
    dtype = dtype or _native.get_default_dtype()
    return _native.arange(0, n // 2 + 1, dtype=dtype, device=device) * (1.0 / (n * d))


def _shifted(input: Tensor, dim: Any, amount: Any) -> Tensor:
    dims = list(range(input.dim())) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    return input.roll([amount(input.shape[d]) for d in dims], dims)


def fftshift(input: Tensor, dim: Any = None) -> Tensor:
    """Move the bin of frequency 0 to the middle of each dimension in `dim` (all)."""
    return _shifted(input, dim, lambda size: size // 2)


def ifftshift(input: Tensor, dim: Any = None) -> Tensor:
    """Undo `fftshift`."""
    return _shifted(input, dim, lambda size: (size + 1) // 2)
