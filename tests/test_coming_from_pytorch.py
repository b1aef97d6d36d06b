"""The page for those who come from PyTorch says what the comparison with PyTorch finds; its lists are compared in full."""

import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import corten
from corten_native import _native

ROOT = Path(__file__).parents[1]
TOOL = ROOT / "tools" / "compare_names.py"


def test_page_is_current() -> None:
    torch = pytest.importorskip("torch")
    if not torch.__version__.startswith("2.13."):
        pytest.skip("the page compares with PyTorch 2.13")
    run = subprocess.run([sys.executable, TOOL, "--check"], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr


NAMESPACES = (
    "nn nn.init nn.functional nn.utils nn.utils.rnn nn.utils.prune nn.utils.parametrize nn.utils.parametrizations optim "
    "optim.lr_scheduler optim.swa_utils utils.data utils.checkpoint utils.dlpack autograd autograd.functional "
    "autograd.graph func hub random serialization linalg fft special testing"
).split()
# Where files are not executed by default, where a parameter is PyTorch's own affair, or means nothing here.
OTHERWISE = {"hub.load_state_dict_from_url", "autograd.enable_grad", "func.jacfwd"}


def parameters(value: Any) -> dict[str, inspect.Parameter] | None:
    try:
        found = inspect.signature(value).parameters
    except (TypeError, ValueError):
        return None
    return {name: p for name, p in found.items() if name != "self" and name[0] != "_"}


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_parameters_and_defaults_are_pytorchs(namespace: str) -> None:
    pytest.importorskip("torch")
    ours, theirs = (importlib.import_module(f"{root}.{namespace}") for root in ("corten", "torch"))
    for name in getattr(theirs, "__all__", dir(theirs)):
        if not hasattr(ours, name) or f"{namespace}.{name}" in OTHERWISE:
            continue
        given, wanted = parameters(getattr(ours, name)), parameters(getattr(theirs, name))
        if given is None or wanted is None or any(p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in given.values()):
            continue
        wanted = {key: p for key, p in wanted.items() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
        assert not set(wanted) - set(given), name
        places = [key for key, p in wanted.items() if p.kind != p.KEYWORD_ONLY]
        assert [key for key in given if key in places] == places, name
        for key, p in wanted.items():
            # Other defaults are functions and markers, each library's own.
            if isinstance(p.default, (int, float, str, tuple, type(None))):
                assert given[key].default == p.default, f"{name}: {key}"


# The lists of the reference of `torch`, less what is about quantisation.
REFERENCE = """
abs absolute acos arccos acosh arccosh add addcdiv addcmul angle asin arcsin asinh arcsinh atan arctan atanh arctanh atan2
arctan2 bitwise_not bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift ceil clamp clip conj_physical
copysign cos cosh deg2rad div divide digamma erf erfc erfinv exp exp2 expm1 fix float_power floor floor_divide fmod frac frexp
gradient imag ldexp lerp lgamma log log10 log1p log2 logaddexp logaddexp2 logical_and logical_not logical_or logical_xor logit
hypot i0 igamma igammac mul multiply mvlgamma nan_to_num neg negative nextafter polygamma positive pow rad2deg real reciprocal
remainder round rsqrt sigmoid sign sgn signbit sin sinc sinh softmax sqrt square sub subtract tan tanh true_divide trunc xlogy
argmax argmin amax amin aminmax all any max min dist logsumexp mean nanmean median nanmedian mode norm nansum prod quantile
nanquantile std std_mean sum unique unique_consecutive var var_mean count_nonzero
allclose argsort eq equal ge greater_equal gt greater isclose isfinite isin isinf isposinf isneginf isnan isreal kthvalue le
less_equal lt less maximum minimum fmax fmin ne not_equal sort topk msort
atleast_1d atleast_2d atleast_3d bincount block_diag broadcast_tensors broadcast_to broadcast_shapes bucketize cartesian_prod
cdist clone combinations corrcoef cov cross cummax cummin cumprod cumsum diag diag_embed diagflat diagonal diff einsum flatten
flip fliplr flipud kron rot90 gcd histc histogram histogramdd meshgrid lcm logcumsumexp ravel renorm repeat_interleave roll
searchsorted tensordot trace tril tril_indices triu triu_indices unflatten vander view_as_real view_as_complex
addbmm addmm addmv addr baddbmm bmm chain_matmul cholesky cholesky_inverse cholesky_solve dot geqrf ger inner inverse det
logdet slogdet lu lu_solve lu_unpack matmul matrix_power matrix_exp mm mv orgqr ormqr outer pinverse qr svd trapz
trapezoid cumulative_trapezoid triangular_solve vdot
adjoint argwhere cat concat concatenate conj chunk dsplit column_stack dstack gather hsplit hstack index_add index_copy
index_reduce index_select masked_select movedim moveaxis narrow nonzero permute reshape row_stack select scatter
diagonal_scatter select_scatter slice_scatter scatter_add scatter_reduce split squeeze stack swapaxes swapdims t take
take_along_dim tensor_split tile transpose unbind unravel_index unsqueeze vsplit vstack where
"""


def test_every_function_of_the_reference_is_compared() -> None:
    """Each is a row of the table, which the tests of values sample in full, or is called in one of the tests."""
    rows = {name for row in _native._table() for name in (row["name"], *row["aliases"])}
    tests = [*ROOT.glob("tests/test_*.py"), *ROOT.glob("packages/*/tests/test_*.py")]
    calls = "".join(path.read_text(encoding="utf-8") for path in tests)
    for name in REFERENCE.split():
        assert hasattr(corten, name), name
        assert name in rows or re.search(rf"\b{name}[\"(]", calls), name
