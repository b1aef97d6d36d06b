"""The argument parser: what it takes, and PyTorch's words for what it does not."""

import pytest

from corten_native import _native as nt

X = nt.ones(2, 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nt.exp("a"), "exp(): argument 'input' (position 1) must be Tensor, not str"),
        (lambda: nt.exp(), 'exp() missing 1 required positional arguments: "input"'),
        (lambda: nt.exp(X, X), "exp() takes 1 positional argument but 2 were given"),
        (lambda: nt.exp(X, foo=1), "exp() got an unexpected keyword argument 'foo'"),
        (lambda: nt.exp(X, input=X), "exp() got multiple values for argument 'input'"),
        (lambda: nt.exp(X, out=3), "exp(): argument 'out' must be Tensor, not int"),
        (lambda: nt.mul(X), 'mul() missing 1 required positional arguments: "other"'),
        (lambda: nt.zeros("a"), "zeros(): argument 'size' (position 1) must be tuple of ints, not str"),
        (lambda: nt.zeros(2, dtype=3), "zeros(): argument 'dtype' must be torch.dtype, not int"),
        (lambda: nt.zeros(2, foo=3), "zeros() got an unexpected keyword argument 'foo'"),
        (lambda: nt.unsqueeze(X, True), "unsqueeze(): argument 'dim' (position 2) must be int, not bool"),
        (lambda: nt.unsqueeze(X, 1.5), "unsqueeze(): argument 'dim' (position 2) must be int, not float"),
        (
            lambda: X.permute(0, "a"),
            "permute(): argument 'dims' failed to unpack the object at pos 2 with error "
            '"type must be tuple of ints,but got str"',
        ),
        (lambda: X.add_("a"), "add_(): argument 'other' (position 1) must be Tensor, not str"),
        (lambda: nt.is_floating_point(3), "is_floating_point(): argument 'input' (position 1) must be Tensor, not int"),
    ],
)
def test_refusals_read_as_pytorchs(call, message: str) -> None:
    with pytest.raises(TypeError) as caught:
        call()
    assert str(caught.value) == message


def test_several_overloads_are_listed() -> None:
    with pytest.raises(TypeError) as caught:
        X.view("a")
    lines = str(caught.value).splitlines()
    assert lines[0] == "view() received an invalid combination of arguments - got (str), but expected one of:"
    assert " * (tuple of ints size)" in lines
    assert "      didn't match because some of the arguments have invalid types: (!str!)" in lines


def test_sizes_come_spread_or_together() -> None:
    for made in (nt.zeros(2, 3), nt.zeros((2, 3)), nt.zeros([2, 3]), nt.zeros(size=(2, 3)), nt.zeros(nt.Size([2, 3]))):
        assert made.shape == (2, 3)
    assert X.view(4).shape == X.view((4,)).shape == X.view(-1).shape == (4,)


def test_zero_dimensional_integer_tensors_are_ints() -> None:
    assert nt.unsqueeze(X, nt.full((), 1)).shape == (2, 1, 2)
    with pytest.raises(TypeError, match="must be int, not Tensor"):
        nt.unsqueeze(X, nt.full((), 1.0))


def test_dtypes_may_be_pythons_types() -> None:
    assert nt.zeros(2, dtype=int).dtype is nt.int64
    assert nt.zeros(2, dtype=float).dtype is nt.float64
    assert nt.zeros(2, dtype=bool).dtype is nt.bool
    assert nt.zeros(2, dtype=complex).dtype is nt.complex128


def test_devices_may_be_strings() -> None:
    assert nt.zeros(2, device="meta").device == nt.device("meta")
    assert nt.zeros(2, device="meta").is_meta


def test_out_is_filled_and_returned() -> None:
    out = nt.empty(2, 2)
    assert nt.add(X, X, out=out) is out
    assert out.tolist() == [[2, 2], [2, 2]]
    assert nt.add(X, X, out=None).tolist() == [[2, 2], [2, 2]]


def test_names_that_come_from_a_dict() -> None:
    name = "".join(["al", "pha"])
    assert nt.add(X, X, **{name: 2}).tolist() == [[3, 3], [3, 3]]
    assert nt.mul(x1=X, x2=X).tolist() == [[1, 1], [1, 1]]


def test_numpy_numbers_are_numbers() -> None:
    np = pytest.importorskip("numpy")
    assert (X * np.float32(2)).dtype is nt.float32
    assert (X + np.int64(2)).tolist() == [[3, 3], [3, 3]]
    assert nt.unsqueeze(X, np.int64(0)).shape == (1, 2, 2)
    with pytest.raises(TypeError, match=r"must be Tensor, not numpy\.ndarray"):
        nt.add(X, np.ones(2))


def test_every_row_describes_itself() -> None:
    table = nt._table()
    assert {row["name"] for row in table} >= {"add", "exp", "view", "zeros"}
    for row in table:
        names = [param["name"] for param in row["params"]]
        assert len(names) == len(set(names)), row["name"]
        assert row["doc"].endswith("."), row["name"]
