"""Discrete Fourier transforms; `norm` is `"backward"` (the default), `"forward"` or `"ortho"`."""

from __future__ import annotations

from . import _namespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NAMES = (
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "hfft2",
    "hfftn",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "ihfft2",
    "ihfftn",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftfreq",
    "rfftn",
)
__all__ = list(_NAMES)


def __getattr__(name: str) -> Any:
    return _namespace.resolve(globals(), "fft", name, {}, None)


def __dir__() -> list[str]:
    return __all__
