"""Special functions far from where samples are drawn: in the tails, at large arguments, near zeros and transitions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import corten
from tests.sampling import to_numpy

torch: Any = pytest.importorskip("torch")

SMALL, LARGE = np.geomspace(1e-30, 1.0, 61), np.geomspace(1.0, 300.0, 200)
LINE = np.linspace(-30.0, 30.0, 601)
UNARY = {
    "erfcx": np.concatenate([np.linspace(-25.0, 40.0, 651), LARGE * 1e6]),
    "log_ndtr": np.concatenate([LINE, -LARGE * 1e3]),
    "ndtri": np.concatenate([SMALL, np.linspace(0.0, 1.0, 101), 1.0 - SMALL[40:]]),
    "entr": np.concatenate([SMALL, LARGE]),
    "airy_ai": np.concatenate([LINE, -LARGE]),
    "bessel_j0": np.concatenate([LINE, LARGE]),
    "bessel_j1": np.concatenate([LINE, LARGE]),
    "bessel_y0": np.concatenate([SMALL, LARGE]),
    "bessel_y1": np.concatenate([SMALL, LARGE]),
    "modified_bessel_k0": np.concatenate([SMALL, LARGE]),
    "modified_bessel_k1": np.concatenate([SMALL, LARGE]),
    "scaled_modified_bessel_k0": np.concatenate([SMALL, LARGE, LARGE * 1e20]),
    "scaled_modified_bessel_k1": np.concatenate([SMALL, LARGE, LARGE * 1e20]),
    "spherical_bessel_j0": np.concatenate([SMALL, LINE, LARGE]),
}
# PyTorch's differ from SciPy's, with which ours agree to all digits, by a few parts in a million.
ROUGH_THERE = {"airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1"}
SHAPES = np.concatenate([np.geomspace(1e-6, 1e3, 40), np.geomspace(9e3, 1e8, 12)])
BINARY = {
    "gammainc": (SHAPES, np.concatenate([SHAPES, [0.3, 0.999, 1.001, 9.99e3, 1.001e4]])),
    "gammaincc": (SHAPES, np.concatenate([SHAPES, [0.3, 0.999, 1.001, 9.99e3, 1.001e4]])),
    "zeta": (
        np.concatenate([[1.001, 2.0, 3.0, 7.0], LARGE[::20]]),
        np.concatenate([np.geomspace(0.01, 50.0, 30), [-0.5]]),
    ),
}
KINDS = ("t", "u", "v", "w")
POLYNOMIALS = [f"{prefix}chebyshev_polynomial_{kind}" for prefix in ("", "shifted_") for kind in KINDS]
POLYNOMIALS += ["hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p"]


def compare(name: str, rtol: float, atol: float, *arrays: np.ndarray) -> None:
    ours, theirs = (
        to_numpy(getattr(lib.special, name)(*(lib.from_numpy(x) for x in arrays))) for lib in (corten, torch)
    )
    np.testing.assert_allclose(ours, theirs, rtol, atol, err_msg=name)


@pytest.mark.parametrize("name", UNARY)
def test_one_argument(name: str) -> None:
    compare(name, *((2e-5, 1e-5) if name in ROUGH_THERE else (1e-11, 1e-14)), UNARY[name])


@pytest.mark.parametrize("name", BINARY)
def test_two_arguments(name: str) -> None:
    first, second = (x.ravel() for x in np.meshgrid(*BINARY[name]))
    compare(name, 1e-9, 1e-12, first, second)


@pytest.mark.parametrize("name", POLYNOMIALS)
def test_high_degrees(name: str) -> None:
    x, n = (x.ravel() for x in np.meshgrid(np.linspace(-1.5, 1.5, 31), np.arange(-1.0, 60.0)))
    ours, theirs = (
        to_numpy(getattr(lib.special, name)(lib.from_numpy(x), lib.from_numpy(n))) for lib in (corten, torch)
    )
    scale = np.maximum(1.0, np.abs(theirs))
    np.testing.assert_allclose(ours / scale, theirs / scale, 1e-9, 1e-9)


def test_no_degree_hangs() -> None:
    x = corten.linspace(-2, 2, 9, dtype=corten.float64)
    for name in POLYNOMIALS[:10]:
        getattr(corten.special, name)(x, 1e18)
    for name in POLYNOMIALS[10:]:
        with pytest.raises(RuntimeError, match="must not be above 100000"):
            getattr(corten.special, name)(x, 1e18)
