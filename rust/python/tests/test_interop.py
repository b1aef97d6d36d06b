"""Memory shared with others: DLPack and array interfaces."""

import pytest

from corten_native import _native as nt

np = pytest.importorskip("numpy")

FLOATS = [(nt.float32, "<f4"), (nt.float64, "<f8"), (nt.float16, "<f2")]


@pytest.mark.parametrize(("dtype", "code"), FLOATS)
def test_numpy_sees_the_same_memory(dtype: nt.dtype, code: str) -> None:
    x = nt.arange(6, dtype=dtype).view(2, 3).t()
    a = np.asarray(nt._array_interface(x, code))
    assert a.shape == (3, 2)
    a[0, 1] = 9
    assert x.tolist()[0][1] == 9


def test_arrays_outlive_their_tensors() -> None:
    a = np.asarray(nt._array_interface(nt.ones(1000), "<f4"))
    assert a.sum() == 1000


def test_tensors_outlive_their_arrays() -> None:
    a = np.arange(4.0)
    x = nt._from_buffer(a, a.ctypes.data, a.nbytes, nt.float64, [4], [1])
    del a
    assert x.tolist() == [0, 1, 2, 3]
    with pytest.raises(RuntimeError, match="reach beyond a storage"):
        nt._from_buffer(x, x.data_ptr(), 32, nt.float64, [5], [1])


@pytest.mark.parametrize("version", [None, (1, 0)])
def test_dlpack_round_trip_shares_memory(version) -> None:
    x = nt.arange(6.0).view(2, 3).t()
    y = nt._from_dlpack(x.__dlpack__(max_version=version))
    assert y.tolist() == x.tolist()
    assert y.data_ptr() == x.data_ptr()
    y.fill_(5)
    assert x.tolist()[0][0] == 5


def test_a_capsule_serves_once() -> None:
    capsule = nt.ones(2).__dlpack__()
    nt._from_dlpack(capsule)
    with pytest.raises(RuntimeError, match="can be consumed only once"):
        nt._from_dlpack(capsule)


def test_numpy_takes_dlpack() -> None:
    x = nt.arange(4.0)
    a = np.from_dlpack(x)
    a += 1
    assert x.tolist() == [1, 2, 3, 4]
    back = np.arange(6.0).reshape(2, 3)[:, ::-1]
    assert nt._from_dlpack(back.__dlpack__()).tolist() == back.tolist()


def test_unconsumed_capsules_free_their_tensor() -> None:
    for _ in range(10):
        nt.ones(1000).__dlpack__()
        nt.ones(1000).__dlpack__(max_version=(1, 0))
