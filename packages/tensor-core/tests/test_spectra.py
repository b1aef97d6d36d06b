"""`stft` and `istft` beside PyTorch, and each other."""

import numpy as np
import pytest

import corten_tensor_core as native

torch = pytest.importorskip("torch")

# Of PyTorch: no window, a signal back that is longer than the spectra, and real and imaginary parts.
pytestmark = pytest.mark.filterwarnings(
    "ignore:A window was not provided",
    "ignore:The length of signal is shorter",
    "ignore:stft with return_complex=False is deprecated",
)

OPTIONS = [
    {},
    {"hop_length": 5},
    {"win_length": 11, "hop_length": 4},
    {"normalized": True},
    {"onesided": False},
    {"center": False},
    {"window": 16},
    {"window": 9, "win_length": 9, "hop_length": 3},
]
SIGNAL = np.random.default_rng(0).standard_normal((2, 64))


def arguments(lib, options):
    if "window" in options:
        return {**options, "window": lib.hann_window(options["window"], dtype=lib.float64)}
    return options


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("complex", [False, True])
def test_values(options, complex):
    results = []
    for lib in (native, torch):
        x = lib.from_numpy(SIGNAL + 1j * SIGNAL[::-1] if complex else SIGNAL)
        found = lib.stft(x, 16, return_complex=True, **arguments(lib, options))
        results.append([found.numpy(), lib.stft(x[0], 16, return_complex=False, **arguments(lib, options)).numpy()])
    for got, want in zip(*results, strict=True):
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("mode", ["reflect", "constant", "replicate", "circular"])
def test_modes(mode):
    got, want = (
        lib.stft(lib.from_numpy(SIGNAL), 16, pad_mode=mode, return_complex=True).numpy() for lib in (native, torch)
    )
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("options", [x for x in OPTIONS if "center" not in x], ids=str)
@pytest.mark.parametrize("length", [None, 50, 64, 70])
def test_back(options, length):
    results = []
    for lib in (torch, native):
        spectra = lib.stft(lib.from_numpy(SIGNAL), 16, return_complex=True, **arguments(lib, options))
        try:
            results.append(lib.istft(spectra, 16, length=length, **arguments(lib, options)).numpy())
        except RuntimeError:  # windows leave a gap
            results.append(np.zeros(0))
    assert results[0].shape == results[1].shape
    np.testing.assert_allclose(results[0], results[1], rtol=1e-10, atol=1e-11)
    assert length == 70 or results[1].size


def test_gradient():
    slopes = []
    for lib in (native, torch):
        x = lib.from_numpy(SIGNAL.copy()).requires_grad_()
        lib.stft(x, 16, return_complex=True, window=lib.hann_window(16, dtype=lib.float64)).abs().sum().backward()
        slopes.append(x.grad.numpy())
    np.testing.assert_allclose(slopes[0], slopes[1], rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("lib", [native, torch], ids=["native", "torch"])
def test_errors(lib):
    x = lib.from_numpy(SIGNAL)
    window = lib.hann_window(8, dtype=lib.float64)
    spectra = lib.stft(x, 16, return_complex=True)
    for call, text in [
        (lambda: lib.stft(x, 16), "stft requires the return_complex parameter be given for real inputs"),
        (lambda: lib.stft(x, 16, window=window, return_complex=True), "expected a 1D window tensor of size"),
        (lambda: lib.stft(x, 200, center=False, return_complex=True), "expected 0 < n_fft"),
        (lambda: lib.stft(x, 16, hop_length=0, return_complex=True), "expected hop_length > 0"),
        (lambda: lib.stft(x, 16, win_length=20, return_complex=True), "expected 0 < win_length <= n_fft"),
        (lambda: lib.stft(x + 0j, 16, onesided=True), "Cannot have onesided output if window or input is complex"),
        (lambda: lib.stft(x[None], 16, center=False, return_complex=True), "1D or 2D"),
        (lambda: lib.istft(x, 16), "istft requires a complex-valued input tensor"),
        (lambda: lib.istft(spectra, 18), "istft"),
        (lambda: lib.istft(spectra, 16, window=lib.zeros(16, dtype=lib.float64)), "window overlap add min"),
    ]:
        with pytest.raises(RuntimeError, match=text):
            call()
