"""Fourier transforms agree with PyTorch, values and refusals."""

import pytest

import corten_tensor_core as core

torch = pytest.importorskip("torch")

ONE = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
SEVERAL = tuple(f"{name}n" for name in ONE)
TWO = tuple(f"{name}2" for name in ONE)


def both(name, x, **options):
    expected = getattr(torch.fft, name)(x, **options)
    ours = getattr(core.fft, name)(
        core.tensor(x.tolist(), dtype=getattr(core, str(x.dtype).removeprefix("torch."))), **options
    )
    assert (str(ours.dtype), tuple(ours.shape)) == (str(expected.dtype), tuple(expected.shape))
    got = torch.tensor(ours.tolist(), dtype=expected.dtype)
    tolerance = 1e-5 if expected.dtype in (torch.float32, torch.complex64) else 1e-12
    torch.testing.assert_close(got, expected, rtol=tolerance, atol=tolerance)


def sample(dtype):
    torch.manual_seed(3)
    if dtype == "int64":
        return torch.randint(-5, 6, (4, 6))
    return torch.randn(4, 6, dtype=getattr(torch, dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128", "int64"])
@pytest.mark.parametrize("name", ONE + SEVERAL + TWO)
@pytest.mark.parametrize("norm", [None, "ortho", "forward"])
def test_values(name, dtype, norm):
    if dtype.startswith("complex") and name.startswith(("rfft", "ihfft")):
        return
    x = sample(dtype)
    both(name, x, norm=norm)
    if name in ONE:
        both(name, x, n=5, dim=0, norm=norm)
    else:
        both(name, x, s=(3, 8), norm=norm)
        both(name, x, dim=(1, 0), norm=norm)


def test_shifts_and_frequencies():
    for lib in (core, torch):
        x = lib.arange(6).reshape(2, 3)
        assert lib.fft.fftshift(x).tolist() == [[5, 3, 4], [2, 0, 1]]
        assert lib.fft.ifftshift(lib.fft.fftshift(x, dim=1), dim=1).tolist() == x.tolist()
        assert lib.fft.fftfreq(5, 0.5, dtype=lib.float64).tolist() == pytest.approx([0, 0.4, 0.8, -0.8, -0.4])
        assert lib.fft.fftfreq(4).tolist() == [0, 0.25, -0.5, -0.25]
        assert lib.fft.fftfreq(1).tolist() == [0]
        assert lib.fft.rfftfreq(5).tolist() == pytest.approx([0, 0.2, 0.4])


REFUSED = {
    "no points": lambda t: t.fft.fft(t.ones(4), n=0),
    "dimension": lambda t: t.fft.fft(t.ones(4), dim=3),
    "norm": lambda t: t.fft.fft(t.ones(4), norm="x"),
    "number": lambda t: t.fft.fft(t.tensor(1.0)),
    "two of one": lambda t: t.fft.fft2(t.ones(4)),
    "twice": lambda t: t.fft.fftn(t.ones(4, 4), dim=(0, 0)),
    "complex": lambda t: t.fft.rfft(t.ones(4, dtype=t.complex64)),
    "complex rfftn": lambda t: t.fft.rfftn(t.ones(4, 4, dtype=t.complex64)),
    "half": lambda t: t.fft.fft(t.ones(4, dtype=t.float16)),
    "one point": lambda t: t.fft.irfft(t.ones(1, dtype=t.complex64)),
    "lengths": lambda t: t.fft.fftn(t.ones(4, 4), s=(2,), dim=(0, 1)),
    "too many sizes": lambda t: t.fft.fftn(t.ones(4, 4), s=(2, 2, 2)),
    "no axis": lambda t: t.fft.rfftn(t.tensor(1.0)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name):
    with pytest.raises(Exception) as theirs:
        REFUSED[name](torch)
    with pytest.raises(type(theirs.value)) as ours:
        REFUSED[name](core)
    assert str(ours.value).splitlines()[0] == str(theirs.value).splitlines()[0]
