"""`FloatTensor` and its kin beside PyTorch's."""

import numpy as np
import pytest

import corten_tensor_core as native

torch = pytest.importorskip("torch")

NAMES = "BFloat16 Bool Byte Char Double Float Half Int Long Short"


@pytest.mark.parametrize("name", NAMES.split())
def test_what_they_make(name):
    name += "Tensor"
    mine, theirs = getattr(native, name), getattr(torch, name)
    assert repr(mine) == repr(theirs)
    assert str(mine.dtype) == str(theirs.dtype)
    assert mine.is_cuda is theirs.is_cuda is False
    for arguments in ([[1, 0]], [[1.5, 2.5]], [np.ones((1, 2))], [2, 0, 3], [(0, 1)], []):
        assert repr(mine(*arguments)) == repr(theirs(*arguments))
    assert isinstance(native.zeros(1, dtype=mine.dtype), mine)
    assert not isinstance(native.zeros(1, dtype=native.complex64), mine)
    assert native.ones(2).type(mine).dtype == native.ones(2).type(f"torch.{name}").dtype == mine.dtype


def test_memory_and_errors():
    x = native.ones(2)
    native.FloatTensor(x)[0] = 5
    assert x.tolist() == [5, 1]
    for lib in (native, torch):
        with pytest.raises(TypeError, match=r"new\(\): data must be a sequence \(got float\)"):
            lib.FloatTensor(3.5)
        with pytest.raises(TypeError, match=r"new\(\): invalid data type 'str'"):
            lib.LongTensor("a")
        with pytest.raises(TypeError, match="expected"):
            lib.FloatTensor(lib.arange(2))


def test_default_type():
    native.set_default_tensor_type(native.DoubleTensor)
    try:
        assert native.ones(1).dtype == native.float64
    finally:
        native.set_default_tensor_type("torch.FloatTensor")
    assert native.ones(1).dtype == native.float32


def test_new():
    for x, y in ((native.arange(3), torch.arange(3)), (native.ones(2).double(), torch.ones(2).double())):
        for arguments in ([[1, 2]], [2, 0], [(3,)], []):
            assert repr(x.new(*arguments)) == repr(y.new(*arguments))
        assert x.new(x).data_ptr() == x.data_ptr()
