"""Running one program with either library, and comparing what comes of it."""

from __future__ import annotations

import copy
import io
import math
import pickle
import re
import warnings
from typing import Any

import numpy as np
import pytest

import corten
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
    if isinstance(theirs, (list, tuple)):
        return type(ours) is type(theirs) and len(ours) == len(theirs) and all(map(near, ours, theirs))
    if isinstance(theirs, (float, complex)) and type(ours) is type(theirs):
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


def assert_like_pytorch(program: str, words: bool = True) -> None:
    """Assert that a program ends alike with both libraries: in the same value, or the same error.

    It is an expression, after statements that end in "; ", with a library as `lib` or `t`; `words` compares the telling
    part of errors too.
    """
    import torch

    ours, theirs = (_ended(program, lib) for lib in (corten, torch))
    if isinstance(theirs[0], set):
        # Texts of overloads list signatures, each library its own.
        telling = theirs[1].split(" - got ")[0].split(". If using")[0]
        assert isinstance(ours[0], set), f"{ours}, PyTorch raises {telling}"
        assert theirs[0] & ours[0], f"{ours}, PyTorch raises {telling}"
        if words:
            assert telling in ours[1]
    else:
        assert near(ours, theirs), f"{ours}, PyTorch gives {theirs}"


def _ended(program: str, lib: Any) -> tuple[Any, ...]:
    names = {"lib": lib, "t": lib, "nn": lib.nn, "F": lib.nn.functional, "np": np}
    names |= {"copy": copy, "io": io, "math": math, "pickle": pickle}
    *statements, last = program.split("; ")
    with warnings.catch_warnings():
        # PyTorch gives most warnings once a process, and NumPy finds its interface old.
        warnings.simplefilter("ignore")
        lib.manual_seed(0)
        try:
            for statement in statements:
                exec(statement, names)
            return _described(eval(last, names))
        except Exception as error:
            kinds = {kind.__name__ for kind in type(error).__mro__} - {"Exception", "BaseException", "object"}
            return kinds, str(error).replace("\n", " ")


def _described(x: Any) -> tuple[Any, ...]:
    if hasattr(x, "storage_offset"):
        layout = tuple(x.shape), tuple(x.stride()) if x.numel() else None, x.storage_offset()
        values = None if x.is_meta else x.detach().tolist()
        return "tensor", str(x.dtype), str(x.device), layout, x.requires_grad, x.is_leaf, values
    if isinstance(x, np.ndarray):
        return "array", str(x.dtype), x.shape, x.strides, x.flags.writeable, x.tolist()
    if isinstance(x, dict):
        return "dict", [(key, _described(item)) for key, item in x.items()]
    if isinstance(x, (list, tuple)):
        return type(x).__name__, [_described(item) for item in x]
    if isinstance(x, (float, complex)):
        return type(x).__name__, x
    return type(x).__name__, re.sub(r" at 0x[0-9a-f]+", "", str(x))
