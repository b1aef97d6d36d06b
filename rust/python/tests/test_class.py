"""The Tensor class: identity, life, attributes, operators."""

import gc
import weakref

import pytest

from corten_native import _native as nt


def test_in_place_operators_give_the_very_same_object(x: nt.Tensor) -> None:
    same, before = x, x._version
    x += 1
    assert x is same
    assert x.mul_(2) is same
    assert x._version == before + 2


def test_a_tensor_dies_with_its_last_reference(x: nt.Tensor) -> None:
    y = x + 1
    alive = weakref.ref(y)
    assert alive() is y
    del y
    assert alive() is None


def test_the_collector_follows_a_tensor_from_its_first_attribute_on() -> None:
    y = nt.ones(2)
    assert not gc.is_tracked(y)
    y.me = y
    assert gc.is_tracked(y)
    alive = weakref.ref(y)
    del y
    gc.collect()
    assert alive() is None


def test_base_keeps_its_identity(x: nt.Tensor) -> None:
    y = x + 0
    assert y.view(3, 2)._base is y
    assert y._base is None


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (lambda x: 1 - x, [[1, 0, -1], [-2, -3, -4]]),
        (lambda x: 2**x, [[1, 2, 4], [8, 16, 32]]),
        (lambda x: x**2, [[0, 1, 4], [9, 16, 25]]),
        (lambda x: 6 / (x + 1), [[6, 3, 2], [1.5, 1.2, 1]]),
        (lambda x: 7 // (x + 1), [[7, 3, 2], [1, 1, 1]]),
        (lambda x: 7 % (x + 1), [[0, 1, 1], [3, 2, 1]]),
        (lambda x: -x, [[0, -1, -2], [-3, -4, -5]]),
        (lambda x: x > 2, [[False, False, False], [True, True, True]]),
        (lambda x: True + x, [[1, 2, 3], [4, 5, 6]]),
    ],
)
def test_operators(x: nt.Tensor, result, expected) -> None:
    flat = [v for row in result(x).tolist() for v in row]
    assert flat == pytest.approx([v for row in expected for v in row], rel=1e-6)


def test_foreign_operands(x: nt.Tensor) -> None:
    with pytest.raises(TypeError, match=r"unsupported operand type\(s\) for \+: 'Tensor' and 'str'"):
        x + "a"
    with pytest.raises(TypeError, match="'<' not supported between instances of 'Tensor' and 'str'"):
        x < "a"  # noqa: B015
    assert (x == None) is False  # noqa: E711
    assert (x != "a") is True


def test_conversions() -> None:
    assert int(nt.full((1,), 3.9)) == 3
    assert float(nt.full((), 2)) == 2.0
    assert [10, 20, 30][nt.full((), 2)] == 30
    assert complex(nt.full((), 1 + 2j)) == 1 + 2j
    assert bool(nt.zeros(1)) is False
    with pytest.raises(RuntimeError, match="more than one value is ambiguous"):
        bool(nt.ones(2))
    with pytest.raises(TypeError, match="only integer tensors of a single element can be converted to an index"):
        [1][nt.zeros(())]
    with pytest.raises(TypeError, match="len\\(\\) of a 0-d tensor"):
        len(nt.zeros(()))


def test_tensors_hash_by_identity(x: nt.Tensor) -> None:
    assert {x: 1}[x] == 1
    assert hash(x) != hash(x + 0)


def test_size(x: nt.Tensor) -> None:
    assert repr(x.shape) == "torch.Size([2, 3])"
    assert x.shape == (2, 3)
    assert type(x.shape[:1]) is nt.Size
    assert type(x.shape + (4,)) is nt.Size  # noqa: RUF005
    assert x.shape.numel() == 6
    assert x.size(-1) == 3
    with pytest.raises(IndexError, match=r"Dimension out of range \(expected to be in range of \[-2, 1\], but got 2\)"):
        x.size(2)
    with pytest.raises(TypeError, match="item 0 is 'str'"):
        nt.Size(["a"])


def test_data_shares_memory_but_not_the_version(x: nt.Tensor) -> None:
    before = x._version
    x.data.zero_()
    assert x.tolist() == [[0, 0, 0], [0, 0, 0]]
    assert x._version == before
    x.data = nt.ones(2)
    assert x.tolist() == [1, 1]


def test_assigned_gradients_are_checked(x: nt.Tensor) -> None:
    x.grad = nt.ones(2, 3)
    grad = x.grad
    assert x.grad is grad
    with pytest.raises(TypeError, match="assigned grad expected to be a Tensor or None but got grad of type int"):
        x.grad = 3
    with pytest.raises(RuntimeError, match=r"a gradient of size '\[3\]' to a tensor of size '\[2, 3\]'"):
        x.grad = nt.ones(3)
    del x.grad
    assert x.grad is None


def test_small_classes_print_and_compare() -> None:
    assert repr(nt.float32) == "torch.float32"
    assert nt.half is nt.float16
    assert repr(nt.device("cuda", 1)) == "device(type='cuda', index=1)"
    assert nt.device("cpu") == nt.device("cpu") != nt.device("meta")
    assert len({nt.device("cpu"), nt.device("cpu")}) == 1
    assert repr(nt.strided) == "torch.strided"
    assert repr(nt.channels_last) == "torch.channels_last"
    with pytest.raises(RuntimeError, match="at start of device string: foo"):
        nt.device("foo")


def test_generators_repeat_from_their_state() -> None:
    generator = nt.Generator()
    assert generator.initial_seed() == 67280421310721
    state = generator.manual_seed(3).get_state()
    assert state.shape == (5056,)
    assert state.dtype is nt.uint8
    other = nt.Generator().set_state(state)
    assert other.initial_seed() == 3


def test_legacy_constructor() -> None:
    assert nt.Tensor(2, 3).shape == (2, 3)
    assert nt.Tensor().shape == (0,)
    assert nt.Tensor(nt.Size([4])).shape == (4,)
    with pytest.raises(TypeError, match=r"new\(\): invalid data type 'str'"):
        nt.Tensor("a")


def test_sizes_reduce_to_their_class_and_a_tuple() -> None:
    function, arguments = nt.Size([1, 2]).__reduce__()
    assert function is nt.Size
    assert arguments == ((1, 2),)
