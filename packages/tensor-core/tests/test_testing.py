"""`assert_close` judges and explains as PyTorch's does; the strategies draw what they say."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import corten_tensor_core as native
from corten_tensor_core import testing

torch = pytest.importorskip("torch")

NAN = float("nan")
CASES = [
    (lambda lib: (lib.ones(3), lib.ones(3))),
    (lambda lib: (lib.ones(3), lib.ones(3) + 1e-6)),
    (lambda lib: (lib.ones(3), lib.ones(3) + 1e-4)),
    (lambda lib: (lib.ones(2, 3), lib.zeros(2, 3))),
    (lambda lib: (lib.arange(6).reshape(2, 3), lib.arange(6).reshape(2, 3) + lib.tensor([0, 1, 0]))),
    (lambda lib: (lib.tensor(1.5), lib.tensor(1.6))),
    (lambda lib: (lib.tensor(1.5), lib.tensor(0.0))),
    (lambda lib: (lib.ones(3), lib.ones(4))),
    (lambda lib: (lib.ones(3), lib.ones(3, dtype=lib.float64))),
    (lambda lib: (lib.tensor([NAN, 1]), lib.tensor([NAN, 1]))),
    (lambda lib: (lib.tensor([True, False]), lib.tensor([True, True]))),
    (lambda lib: (lib.ones(3) + 1j, lib.ones(3) + 1.1j)),
    (lambda lib: ([lib.ones(3), 2], [lib.ones(3), 3])),
    (lambda lib: ({"a": [1.0, 2.0]}, {"a": [1.0, 2.1]})),
    (lambda lib: ({"a": 1}, {"b": 1})),
    (lambda lib: ([1], [1, 2])),
    (lambda lib: (None, 1)),
    (lambda lib: (None, None)),
    (lambda lib: (True, False)),
    (lambda lib: (1, 1.0)),
    (lambda lib: (1.0, 1.0 + 1e-9)),
    (lambda lib: (2j, 2j + 1)),
    (lambda lib: (np.ones(3), np.zeros(3))),
    (lambda lib: (lib.ones(3), "text")),
    (lambda lib: (lib.empty(2, device="meta"), lib.empty(2, device="meta"))),
    (lambda lib: (lib.ones(2, device="meta"), lib.ones(2))),
    (lambda lib: (lib.ones(3, 2).t(), lib.ones(2, 3))),
]
OPTIONS = [
    {},
    {"rtol": 0.0, "atol": 0.0},
    {"rtol": 0.5, "atol": 0.1, "check_dtype": False},
    {"equal_nan": True, "check_device": False},
    {"check_stride": True},
    {"msg": "mine"},
    {"msg": lambda text: "before " + text},
]


def outcome(function, *args, **options):
    try:
        function(*args, **options)
    except (AssertionError, TypeError, ValueError) as error:
        return type(error).__name__, str(error).replace("<class 'corten.Tensor'>", "<class 'torch.Tensor'>")
    return None


@pytest.mark.parametrize("number", range(len(CASES)))
def test_like_pytorch(number):
    case = CASES[number]
    for options in OPTIONS:
        mine = outcome(testing.assert_close, *case(native), **options)
        assert mine == outcome(torch.testing.assert_close, *case(torch), **options)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-2, 2), min_size=4, max_size=4), st.lists(st.floats(-2, 2), min_size=4, max_size=4))
def test_messages_for_any_numbers(x, y):
    mine = outcome(testing.assert_close, native.tensor(x).reshape(2, 2), native.tensor(y).reshape(2, 2))
    assert mine == outcome(torch.testing.assert_close, torch.tensor(x).reshape(2, 2), torch.tensor(y).reshape(2, 2))


def test_one_tolerance():
    with pytest.raises(ValueError, match="but got no atol"):
        testing.assert_close(1, 1, rtol=0.1)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_tensors(data):
    name = data.draw(testing.dtypes())
    shape = data.draw(testing.shapes())
    layout = data.draw(st.sampled_from(testing.LAYOUTS))
    x = data.draw(testing.tensors(native, name, shape, (-3.0, 3.0), layout))
    assert str(x.dtype) == f"torch.{name}"
    assert tuple(x.shape) == shape
    if name in ("float32", "float64") and x.numel():
        assert -3 <= x.min().item() <= x.max().item() <= 3
    if layout == "contiguous":
        assert x.is_contiguous()


def test_every_layout_appears():
    seen = set()

    @settings(max_examples=300, deadline=None, database=None)
    @given(testing.tensors(native, testing.dtypes("floating"), testing.shapes(2, 3, 2, 4), special=True))
    def look(x):
        seen.add("contiguous" if x.is_contiguous() else "other")
        seen.update({"expanded"} if 0 in x.stride() else (), {"offset"} if x.storage_offset() else ())
        seen.update({"nan"} if bool(x.isnan().any()) else ())

    look()
    assert seen == {"contiguous", "other", "expanded", "offset", "nan"}


@settings(max_examples=100, deadline=None)
@given(testing.broadcastable_shapes(3))
def test_broadcastable(shapes):
    np.broadcast_shapes(*shapes)


def test_profiles_and_names():
    before = settings.get_current_profile_name()
    try:
        testing.set_profile("ci")
        assert settings().derandomize
        testing.set_profile("nightly")
        assert not settings().derandomize
    finally:
        settings.load_profile(before)
    assert "tensors" in dir(testing)
    with pytest.raises(AttributeError, match=re.escape("has no attribute 'nothing'")):
        testing.nothing  # noqa: B018
