"""Running one program with either library, and comparing what comes of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sampling import to_numpy


def plain(x: Any) -> Any:
    """Tensors as lists, dtypes and nodes as text, containers of them likewise."""
    if hasattr(x, "requires_grad"):
        return to_numpy(x).tolist()
    if isinstance(x, (list, tuple)):
        return [plain(item) for item in x]
    if isinstance(x, dict):
        return {key: plain(item) for key, item in x.items()}
    return x if isinstance(x, (int, float, str, bool, type(None))) else str(x)


def near(ours: Any, theirs: Any) -> bool:
    """Tell whether two plain results agree, numbers up to rounding."""
    if isinstance(theirs, list):
        return isinstance(ours, list) and len(ours) == len(theirs) and all(map(near, ours, theirs))
    if isinstance(theirs, float) and isinstance(ours, float):
        return ours == pytest.approx(theirs, rel=1e-6, abs=1e-9, nan_ok=True)
    return bool(ours == theirs)


def ended(function: Any, lib: Any) -> tuple[Any, Any]:
    """Return what a program returns, or the type of its error and its message."""
    try:
        return "value", plain(function(lib))
    except Exception as error:
        return type(error).__name__, str(error)


def name_of(node: Any) -> str:
    """Return a node's name, less the C++ namespace that PyTorch puts before some."""
    return str(node.name()).rpartition("::")[2]
