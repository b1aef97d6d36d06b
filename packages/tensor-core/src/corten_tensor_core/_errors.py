"""Exception types of this package."""

from __future__ import annotations


class LinAlgError(RuntimeError):
    """A decomposition or solver met a matrix that it cannot handle."""
