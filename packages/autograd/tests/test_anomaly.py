"""Anomaly mode: where a node was made, and gradients with NaN."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

import corten_autograd as autograd
import corten_tensor_core as core


@pytest.fixture(autouse=True)
def _off_afterwards():
    yield
    core.set_anomaly_enabled(False)


def root_of_zero_times_zero():
    """A sum whose gradient is 0 * inf."""
    x = core.zeros(2, requires_grad=True)
    return (x.sqrt() * 0).sum()


def test_at_the_start_it_is_off_and_would_check():
    modes = "corten_tensor_core.is_anomaly_check_nan_enabled(), corten_autograd.is_anomaly_enabled()"
    program = f"import corten_autograd, corten_tensor_core; print({modes})"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "True False\n"


def test_nan_is_refused_where_it_is_checked():
    root_of_zero_times_zero().backward()
    with autograd.set_detect_anomaly(True, check_nan=False):
        root_of_zero_times_zero().backward()
    with autograd.set_detect_anomaly(True):
        y = root_of_zero_times_zero()
        with (
            pytest.warns(UserWarning, match="root_of_zero_times_zero"),
            pytest.raises(RuntimeError, match=r"'SqrtBackward0' returned nan values in its 0th output"),
        ):
            y.backward()
    assert not autograd.is_anomaly_enabled()


def test_made_before_the_mode():
    y = root_of_zero_times_zero()
    with (
        autograd.set_detect_anomaly(True),
        pytest.warns(UserWarning, match="No forward pass information available"),
        pytest.raises(RuntimeError, match="nan values"),
    ):
        y.backward()


def test_all_threads_follow():
    with autograd.set_detect_anomaly(True), ThreadPoolExecutor(1) as thread:
        assert thread.submit(autograd.is_anomaly_enabled).result()
        assert thread.submit(core.is_anomaly_check_nan_enabled).result()
        with (
            pytest.warns(UserWarning, match="Error detected in SqrtBackward0"),
            pytest.raises(RuntimeError, match="nan values"),
        ):
            thread.submit(lambda: root_of_zero_times_zero().backward()).result()


def test_other_modes_leave_it():
    with autograd.no_grad():
        core.set_anomaly_enabled(True)
    assert autograd.is_anomaly_enabled()
