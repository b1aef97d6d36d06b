"""The page for those who come from PyTorch says what the comparison with PyTorch finds; its lists are compared in full."""

import re
import subprocess
import sys
from pathlib import Path

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
