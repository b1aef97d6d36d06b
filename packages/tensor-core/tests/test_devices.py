"""Devices as context managers and decorators."""

import threading

import pytest

import corten_tensor_core as core


def test_a_block_changes_the_default_device_and_restores_it():
    with core.device("meta") as outer:
        assert core.zeros(2).device == outer
        with core.device("cpu"):
            assert core.rand(2).device.type == "cpu"
        assert core.arange(3).device.type == "meta"
        assert core.tensor([1.0]).device.type == "meta"
    assert core.get_default_device() == core.device("cpu")


def test_an_exception_restores_the_default_device():
    with pytest.raises(ZeroDivisionError), core.device("meta"):
        1 / 0  # noqa: B018
    assert core.zeros(1).device.type == "cpu"


def test_a_device_decorates_a_function():
    @core.device("meta")
    def zeros(*size):
        """Zeros."""
        return core.zeros(*size)

    assert zeros(2, 3).device.type == "meta"
    assert zeros.__doc__ == "Zeros."
    assert core.zeros(1).device.type == "cpu"


def test_blocks_of_threads_do_not_meet():
    entered, seen = threading.Event(), []

    def other():
        entered.wait(10)
        seen.append(core.zeros(1).device.type)

    thread = threading.Thread(target=other)
    thread.start()
    with core.device("meta"):
        entered.set()
        thread.join()
    assert seen == ["cpu"]


def test_new_tensor_takes_dtype_and_device_of_its_owner():
    x = core.zeros(2, dtype=core.float64)
    assert x.new_tensor([1, 2]).dtype == core.float64
    assert x.new_tensor([1, 2], dtype=core.int32).tolist() == [1, 2]
    assert x.new_tensor(3, device="meta").device.type == "meta"
    assert x.new_tensor(3.0, requires_grad=False).shape == ()
