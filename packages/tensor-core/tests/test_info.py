"""The limits of number types beside PyTorch's."""

import pytest

import corten_tensor_core as native
from corten_tensor_core._info import finfo, iinfo

torch = pytest.importorskip("torch")

FLOATS = ["float16", "bfloat16", "float32", "float64", "complex64", "complex128"]
INTEGERS = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]


@pytest.mark.parametrize("name", FLOATS)
def test_finfo(name):
    mine, theirs = finfo(getattr(native, name)), torch.finfo(getattr(torch, name))
    assert repr(mine) == str(mine) == repr(theirs)
    for field in ("bits", "dtype", "eps", "max", "min", "resolution", "smallest_normal", "tiny"):
        assert getattr(mine, field) == getattr(theirs, field)


@pytest.mark.parametrize("name", INTEGERS)
def test_iinfo(name):
    mine, theirs = iinfo(getattr(native, name)), torch.iinfo(getattr(torch, name))
    assert repr(mine) == repr(theirs)
    for field in ("bits", "dtype", "max", "min"):
        assert getattr(mine, field) == getattr(theirs, field)


def test_defaults_equality_and_errors():
    assert finfo() == finfo(native.float32) != finfo(native.float64)
    assert hash(iinfo(native.int8)) == hash(iinfo(native.int8))
    with pytest.raises(TypeError, match="requires a floating point input type, got torch.int8"):
        finfo(native.int8)
    with pytest.raises(TypeError, match="requires an integer input type, got torch.float32"):
        iinfo(native.float32)
    with pytest.raises(TypeError, match="torch.bool is not supported"):
        iinfo(native.bool)
    with pytest.raises(TypeError, match="must be torch.dtype, not int"):
        finfo(3)
