"""Fixtures for the tests of the native module alone."""

import pytest

from corten_native import _native


@pytest.fixture
def x() -> _native.Tensor:
    """The numbers 0 to 5 in two rows of three."""
    return _native.arange(6.0).view(2, 3)
