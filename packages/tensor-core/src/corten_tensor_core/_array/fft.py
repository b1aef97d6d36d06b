"""Fourier transforms; the names of the normalisations are the array module's own."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_OTHER_WAY = {None: "forward", "backward": "forward", "forward": "backward", "ortho": "ortho"}


def _one(name: str) -> Callable[..., Any]:
    def row(xp: Any, x: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Any:
        return getattr(xp.fft, name)(x, n, dim, norm)

    return row


def _several(name: str, default: Any = None) -> Callable[..., Any]:
    def row(xp: Any, x: Any, s: Any = None, dim: Any = default, norm: str | None = None) -> Any:
        sizes, dims = _dims(x, s, dim, name == "irfftn")
        return getattr(xp.fft, name)(x, sizes, dims, norm)

    return row


def _hermitian(inverse: bool, default: Any = None) -> Callable[..., Any]:
    """Return the transform of (or to) a Hermitian signal: the real one of the conjugate, normalised the other way."""

    def row(xp: Any, x: Any, s: Any = None, dim: Any = default, norm: str | None = None) -> Any:
        sizes, dims = _dims(x, s, dim, not inverse)
        if inverse:
            return xp.conjugate(xp.fft.rfftn(x, sizes, dims, _OTHER_WAY[norm]))
        return xp.fft.irfftn(xp.conjugate(x), sizes, dims, _OTHER_WAY[norm])

    return row


def _dims(x: Any, s: Any, dim: Any, half: bool) -> tuple[list[int], list[int]]:
    """Return sizes and dimensions in full; `half` tells that the last input dimension has only one half."""
    if dim is None:
        dim = range(x.ndim - len(s), x.ndim) if s is not None else range(x.ndim)
    dims = [dim] if isinstance(dim, int) else list(dim)
    natural = [x.shape[d] for d in dims]
    if half and natural:
        natural[-1] = 2 * (natural[-1] - 1)
    if s is None:
        return natural, dims
    given = [s] if isinstance(s, int) else s
    return [n if size == -1 else size for size, n in zip(given, natural, strict=True)], dims


_LAST_TWO = (-2, -1)

ROWS: dict[str, Callable[..., Any]] = {
    **{f"fft_{name}": _one(name) for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")},
    **{f"fft_{name}": _several(name) for name in ("fftn", "ifftn", "rfftn", "irfftn")},
    **{f"fft_{name}2": _several(f"{name}n", _LAST_TWO) for name in ("fft", "ifft", "rfft", "irfft")},
    "fft_hfftn": _hermitian(False),
    "fft_ihfftn": _hermitian(True),
    "fft_hfft2": _hermitian(False, _LAST_TWO),
    "fft_ihfft2": _hermitian(True, _LAST_TWO),
}
