"""Subclasses of Tensor, and `__torch_function__`."""

import pytest

from corten_native import _native as nt


class Plain(nt.Tensor):
    """Its results are plain tensors."""

    __torch_function__ = nt._disabled_torch_function_impl


class Kept(nt.Tensor):
    """Its results keep the class."""


def test_a_disabled_subclass_gives_plain_tensors() -> None:
    p = nt.Tensor._make_subclass(Plain, nt.ones(2), False)
    assert type(p) is Plain
    assert type(p + 1) is nt.Tensor
    assert p.add_(1) is p


def test_results_keep_a_subclass() -> None:
    k = nt.Tensor._make_subclass(Kept, nt.ones(2))
    assert type(k + 1) is Kept
    assert type(1 - k) is Kept
    assert type(nt.exp(k)) is Kept
    assert k.shape == (2,)


def test_overrides_see_function_types_and_arguments() -> None:
    seen = []

    class Logged(nt.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            seen.append((func.__name__, types, len(args), kwargs))
            return super().__torch_function__(func, types, args, kwargs or {})

    x = nt.Tensor._make_subclass(Logged, nt.ones(2))
    nt.add(x, x, alpha=2)
    assert seen == [("add", (Logged,), 2, {"alpha": 2})]
    assert (x * 2).tolist() == [2, 2]
    assert 2 * x is not None
    assert [name for name, *_ in seen[1:]] == ["__mul__", "__rmul__"]


def test_objects_that_are_no_tensors_may_take_calls() -> None:
    class Stand:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return func.__name__

    assert nt.exp(Stand()) == "exp"


def test_classes_that_are_no_tensors_are_refused() -> None:
    with pytest.raises(TypeError, match="does not inherit from Tensor"):
        nt.Tensor._make_subclass(int, nt.ones(1))
