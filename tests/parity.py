"""What agreement with PyTorch means: the same dtypes, shapes, strides and values, and errors of the same type."""

from __future__ import annotations

import importlib
import math
import warnings
from typing import Any

import numpy as np

from tests.sampling import Call, Row, applied, run, to_numpy

# Relative and absolute; of every other dtype the values are equal.
TOLERANCES = {
    "float16": (4e-3, 2e-3),
    "bfloat16": (3e-2, 2e-2),
    "float32": (2e-5, 2e-6),
    "float64": (1e-11, 1e-12),
    "complex64": (5e-5, 1e-5),
    "complex128": (1e-10, 1e-11),
}
# What PyTorch lacks, and Corten has: kernels for a dtype, arithmetic of the wide unsigned integers, transforms of nothing.
LACKING = (
    "not implemented for",
    "Promotion for uint16, uint32, uint64",
    "not supported for UInt",
    "only supports",
    "MKL FFT error",
    "not implemented on the CPU",
    "quantile() input tensor must be either float or double",
)
# PyTorch's errors in calls that it documents: `logsumexp` over no dimension, products of bool that overlap, `out=` of
# differences of nothing.
MISTAKEN = {
    "logsumexp": "doesn't match the broadcast shape",
    "kron": "view size is not compatible",
    "diff": "start out of range",
}
# Less exact in PyTorch than its dtype: a short series.
LESS_EXACT = {"polygamma": (1e-8, 1e-9), "polygamma.method": (1e-8, 1e-9)}
# Here a coefficient seems wrong: beside SciPy's, whose digits ours share, a few parts in a million.
LESS_EXACT |= dict.fromkeys(
    ("special_airy_ai", "special_bessel_j0", "special_bessel_j1", "special_bessel_y0", "special_bessel_y1"),
    (2e-5, 1e-5),
)
# Results are dense, but not always in PyTorch's order of dimensions: LAPACK's is column-major, NumPy's is not.
DENSE = {"linalg", "fft", "order", "index", "derived", "loss", "join"}


def outcome(function: Any, lib: Any) -> Any:
    """Return what a function returns for a library, or the exception that it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return function(lib)
        except Exception as error:
            return error


def compare(row: Row, form: str, call: Call, view: bool = False) -> None:
    """Run a row in both libraries and compare what comes of it."""
    import torch

    import corten

    ours, theirs = (outcome(lambda lib: run(lib, row, form, call), lib) for lib in (corten, torch))
    text = f"{row.id} as {form}: {call!r}"
    values = row.check not in ("none", "shape") or row.family == "query"
    full = any(x.base.size for x in call.arrays())
    if refuses_dtype(ours) and not full:  # PyTorch looks for a kernel only where there are elements
        return
    if isinstance(theirs, Exception) and MISTAKEN.get(row.id, "\n") in str(theirs):
        return
    if row.id in ("median", "nanmedian") and not full:  # not-a-number, as an integer whatever the machine makes of it
        values = False
    # Where operands broadcast, or numbers are conjugated at once and not when read, the order may differ as well.
    plain = len({x.shape for x in call.arrays()}) == 1 and not any(x.dtype.startswith("complex") for x in call.arrays())
    # A number to the power of a tensor is row-major in PyTorch; Corten keeps the tensor's order.
    strides = row.family not in DENSE and plain and not isinstance(call.args[0], (int, float))
    agree(ours, theirs, None, text, False, strides)
    if "complex32" in map(dtype_of, leaves(theirs)):
        return
    if values and not isinstance(theirs, Exception) and not isinstance(ours, Exception):
        ours, theirs = determined(row, call, ours), determined(row, call, theirs)
        try:
            assert_same(ours, theirs, LESS_EXACT.get(row.id), text, strides=False)
        except AssertionError:
            # PyTorch rounds sums on the way, most of all in half precision: what it gives in double precision counts too.
            exact = outcome(lambda lib: in_double(lib, row, form, call), torch)
            if isinstance(exact, Exception) or not any(x.is_floating_point() or x.is_complex() for x in leaves(exact)):
                raise
            exact = [x.to(y.dtype) for x, y in zip(leaves(determined(row, call, exact)), leaves(theirs), strict=True)]
            for x, y in zip(leaves(ours), exact, strict=True):
                assert_same(x, y, rounding(y), f"{text} in double precision", strides=False)


def rounding(exact: Any) -> tuple[float, float] | None:
    """Return the tolerances of sums: in half precision they are as inexact as their terms, not as what these leave."""
    if dtype_of(exact) not in ("float16", "bfloat16"):
        return None
    rtol, atol = TOLERANCES[dtype_of(exact)]
    sizes = np.abs(to_numpy(exact).astype("float64"))
    return rtol, max(atol, rtol / 4 * float(np.max(sizes, where=np.isfinite(sizes), initial=0.0)))


def determined(row: Row, call: Call, result: Any) -> Any:
    """Return what the mathematics determines of a result, for decompositions and for the places of equal elements."""
    if row.id == "linalg_eigh":  # eigenvectors, singular vectors: up to a factor, or a rotation
        return [result[0], (result[1] * result[0].unsqueeze(-2)) @ result[1].mH]
    if row.id == "linalg_eig":
        return [result[0], result[1].abs()]
    if row.id in ("svd", "linalg_svd"):
        u, s, v = result
        v, k = v.mH if row.id == "svd" else v, s.shape[-1]
        return [s, (u[..., :k] * s.unsqueeze(-2)) @ v[..., :k, :]]
    if row.id in SEARCHES and isinstance(result, (list, tuple)):  # of equal elements any may be found
        lib = importlib.import_module("corten" if type(result[0]).__module__.startswith("corten") else "torch")
        args, kwargs = call.build(lib)
        names = [param["name"] for param in row.params]
        given = dict(zip(names, args, strict=False)) | kwargs
        dim = given.get("dim", -1)
        if args[0].dim() == 0:
            return result[0]
        index = result[1] if result[1].dim() == args[0].dim() else result[1].unsqueeze(dim)
        return [result[0], args[0].gather(dim, (index.real if index.is_complex() else index).long())]
    return result


SEARCHES = {"median.dim", "nanmedian.dim", "kthvalue", "topk"}


def in_double(lib: Any, row: Row, form: str, call: Call) -> Any:
    """Run a row on the same values in double precision."""

    def widened(x: Any) -> Any:
        if isinstance(x, (list, tuple)):
            return type(x)(widened(y) for y in x)
        if not hasattr(x, "numel"):
            return x
        return x.double() if x.is_floating_point() else x.to(lib.complex128) if x.is_complex() else x

    args, kwargs = call.build(lib)
    return applied(lib, row, form, widened(args), kwargs)


def agree(
    ours: Any,
    theirs: Any,
    tolerance: tuple[float, float] | None,
    text: str,
    values: bool = True,
    strides: bool = True,
) -> None:
    """Assert that two outcomes are the same value or errors of the same type."""
    assert not is_crash(ours), f"{text}: {ours!r}"
    if isinstance(theirs, Exception):
        if any(word in str(theirs) for word in LACKING):
            return
        assert isinstance(ours, Exception), f"{text}: {ours!r}, PyTorch raises {theirs!r}"
        if refuses_dtype(ours):  # of two mistakes either may be told
            return
        names = [kind.__name__ for kind in type(ours).__mro__]
        assert type(theirs).__name__ in names, f"{text}: {ours!r}, PyTorch raises {theirs!r}"
        return
    if "complex32" in map(dtype_of, leaves(theirs)):  # a dtype that Corten does not have
        return
    if refuses_dtype(ours) and not any(x.numel() for x in leaves(theirs)):  # as above
        return
    if "can't be cast to the desired output" in str(ours) and isinstance(ours, Exception) and "out=" in text:
        return  # PyTorch's sums let `out=` decide the dtype they sum in, and a float may become an integer
    assert not isinstance(ours, Exception), f"{text}: {ours!r}, PyTorch returns {theirs!r}"
    assert_same(ours, theirs, tolerance, text, values, strides)


def refuses_dtype(ours: Any) -> bool:
    """Tell whether an outcome is the error that there is no kernel for a dtype."""
    return isinstance(ours, NotImplementedError) and "not implemented for" in str(ours)


def leaves(result: Any) -> list[Any]:
    """Return the tensors of a result."""
    several = isinstance(result, (list, tuple)) and not hasattr(result, "numel")
    return [x for x in (result if several else [result]) if hasattr(x, "numel")]


def dtype_of(x: Any) -> str:
    return str(x.dtype).removeprefix("torch.")


def is_crash(ours: Any) -> bool:
    return isinstance(ours, SystemError) or "internal error" in str(ours)


def assert_same(ours: Any, theirs: Any, tolerance: Any, text: str, values: bool = True, strides: bool = True) -> None:
    """Assert that two results, tensors or containers or numbers, are the same within tolerances."""
    if isinstance(theirs, (list, tuple)) and not hasattr(theirs, "numel"):
        assert len(ours) == len(theirs), f"{text}: {len(ours)} results, not {len(theirs)}"
        assert getattr(type(ours), "_fields", getattr(type(ours), "__match_args__", ())) is not None
        for a, b in zip(ours, theirs, strict=True):
            assert_same(a, b, tolerance, text, values, strides)
    elif hasattr(theirs, "stride"):
        assert str(ours.dtype) == str(theirs.dtype), f"{text}: dtype {ours.dtype}, not {theirs.dtype}"
        assert tuple(ours.shape) == tuple(theirs.shape), f"{text}: shape {ours.shape}, not {theirs.shape}"
        if strides:
            assert strides_of(ours) == strides_of(theirs), f"{text}: strides {ours.stride()}, not {theirs.stride()}"
        if values:
            rtol, atol = tolerance or TOLERANCES.get(dtype_of(theirs), (0.0, 0.0))
            x, y = to_numpy(ours), to_numpy(theirs)
            np.testing.assert_allclose(x, y, rtol, atol, equal_nan=True, err_msg=text)
    elif isinstance(theirs, (int, float, complex)):
        assert type(ours) is type(theirs), f"{text}: {ours!r}, not {theirs!r}"
        assert (
            ours == theirs or (ours != ours and theirs != theirs) or math.isclose(abs(ours - theirs), 0, abs_tol=1e-6)
        ), text
    else:
        assert str(ours) == str(theirs), f"{text}: {ours!r}, not {theirs!r}"


def strides_of(x: Any) -> list[int]:
    """Strides where they matter: of dimensions longer than one, in tensors with elements."""
    return [stride for side, stride in zip(x.shape, x.stride(), strict=True) if side > 1] if x.numel() else []
