"""Settings, windows and the random state, beside PyTorch."""

import numpy as np
import pytest

import corten_tensor_core as native

torch = pytest.importorskip("torch")

WINDOWS = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"]


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize("length", [0, 1, 2, 3, 8, 51])
@pytest.mark.parametrize("periodic", [True, False])
def test_windows(name, length, periodic):
    for dtype in ("float32", "float64"):
        got = getattr(native, name)(length, periodic, dtype=getattr(native, dtype))
        want = getattr(torch, name)(length, periodic, dtype=getattr(torch, dtype))
        assert str(got.dtype) == str(want.dtype)
        # PyTorch computes in the dtype of the result.
        tolerance = 2e-6 if dtype == "float32" else 1e-14
        np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=tolerance, atol=tolerance)


def test_parameters_of_windows():
    for options in ({"alpha": 0.5}, {"alpha": 0.6, "beta": 0.3}):
        want = torch.hamming_window(7, True, dtype=torch.float64, **options).numpy()
        np.testing.assert_allclose(native.hamming_window(7, True, dtype=native.float64, **options).numpy(), want)
    want = torch.kaiser_window(7, False, beta=3.0, dtype=torch.float64).numpy()
    np.testing.assert_allclose(native.kaiser_window(7, False, beta=3.0, dtype=native.float64).numpy(), want)
    assert native.hann_window(4, requires_grad=True).requires_grad
    assert native.hann_window(4, device="meta").shape == (4,)
    for lib in (native, torch):
        with pytest.raises(RuntimeError, match="hann_window requires non-negative window_length, got window_length=-1"):
            lib.hann_window(-1)
        with pytest.raises(TypeError, match=r"argument 'window_length' \(position 1\) must be int, not float"):
            lib.hann_window(3.5)
        with pytest.raises(RuntimeError, match="hann_window expects floating point dtypes, got"):
            lib.hann_window(3, dtype=lib.int64)


def test_fork_rng():
    draws = []
    for lib in (native, torch):
        lib.manual_seed(3)
        with lib.random.fork_rng():
            inner = lib.rand(2).tolist()
        with lib.random.fork_rng(enabled=False, device_type="cpu" if lib is native else None):
            outer = lib.rand(2).tolist()
        draws.append([inner, outer, lib.rand(2).tolist()])
    assert draws[0] == draws[1]
    assert draws[0][0] == draws[0][1] != draws[0][2]
    with pytest.raises(ValueError, match="'devices' must be empty"), native.random.fork_rng(devices=[0]):
        pass
    with pytest.raises(ValueError, match="'device_type' must be"), native.random.fork_rng(device_type="tpu"):
        pass


def test_precision_of_products():
    assert native.get_float32_matmul_precision() == "highest"
    native.set_float32_matmul_precision("high")
    assert native.get_float32_matmul_precision() == "high"
    native.set_float32_matmul_precision("highest")
    with pytest.raises(ValueError, match="got 'low'"):
        native.set_float32_matmul_precision("low")


def test_modes():
    for mode in (0, 1, 2, "default", "warn", "error"):
        native.set_deterministic_debug_mode(mode)
    assert native.get_deterministic_debug_mode() == 2
    assert not native.is_deterministic_algorithms_warn_only_enabled()
    for mode in (3, "x", 1.5):
        with pytest.raises((RuntimeError, TypeError)) as want:
            torch.set_deterministic_debug_mode(mode)
        with pytest.raises(want.type) as got:
            native.set_deterministic_debug_mode(mode)
        assert str(got.value).replace(",", "") == str(want.value).replace(",", "")
    native.set_warn_always(True)
    assert native.is_warn_always_enabled()
    native.set_warn_always(False)
    with pytest.raises(TypeError, match="expects a bool, but got str"):
        native.set_warn_always("x")
    assert native.set_flush_denormal(False)
    assert not native.set_flush_denormal(True)


def test_questions_about_tensors():
    for lib in (native, torch):
        x = lib.ones(2)
        assert (lib.get_device(x), lib.is_conj(x), lib.is_neg(x)) == (-1, False, False)
        for name in ("is_conj", "is_neg"):
            with pytest.raises(TypeError, match=r"argument 'input' \(position 1\) must be Tensor, not int"):
                getattr(lib, name)(3)


def test_choice_of_a_device():
    """As tutorials choose it."""
    for lib in (native, torch):
        if not lib.cuda.is_available():
            assert not lib.accelerator.is_available()
            assert lib.accelerator.current_accelerator() is None
            assert lib.accelerator.device_count() == 0
            assert lib.version.cuda is None
        assert lib.backends.mps.is_available() is False
        lib.backends.cudnn.benchmark = lib.backends.cudnn.deterministic = True
        assert lib.backends.cudnn.benchmark
        lib.backends.cudnn.benchmark = lib.backends.cudnn.deterministic = False
        lib.backends.cuda.matmul.allow_tf32 = True
        assert lib.backends.cuda.matmul.allow_tf32
        lib.backends.cuda.matmul.allow_tf32 = False
    assert native.version.__version__ == native.__version__


def test_types():
    assert isinstance(3, native.types.Number)
    assert isinstance(native.device("cpu"), native.types.Device)
    assert native.types.Tensor is native.Tensor
