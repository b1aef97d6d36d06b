"""Spectra of short pieces of a signal, and back: `stft` and `istft`."""

from __future__ import annotations

import corten_native as _native

from . import fft as _fft

TYPE_CHECKING = False
if TYPE_CHECKING:
    from corten_native import Tensor


def stft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
) -> Tensor:
    """Return the Fourier transforms (*, frequencies, frames) of pieces of `n_fft` numbers of a signal (*, time).

    A piece starts every `hop_length` numbers (n_fft // 4). It is multiplied by `window`, `win_length` (n_fft) numbers
    in its middle. With `center`, frame t is about number t · hop_length: the signal is extended at both ends, as
    `pad_mode` says: "reflect", "constant", "replicate" or "circular". A real signal and window give the n_fft // 2 + 1
    frequencies from 0 on, unless `onesided` is False. `normalized` divides by √n_fft. With `return_complex=False` real
    and imaginary parts are a last dimension. Raises `RuntimeError` for sizes that do not fit.
    """
    is_complex = input.is_complex() or (window is not None and window.is_complex())
    if return_complex is None and not is_complex:
        raise RuntimeError(
            "stft requires the return_complex parameter be given for real inputs, and will further require that "
            "return_complex=True in a future PyTorch release."
        )
    if not (input.is_floating_point() or input.is_complex()):
        raise RuntimeError(f"stft: expected a tensor of floating point or complex values, got {input.dtype}")
    if input.dim() not in (1, 2):
        raise RuntimeError(f"stft: expected a 1D or 2D tensor, but got {input.dim()}D")
    hop_length = n_fft // 4 if hop_length is None else hop_length
    signal = _padded(input, n_fft // 2, pad_mode) if center else input
    if not 0 < n_fft <= signal.shape[-1]:
        raise RuntimeError(f"stft: expected 0 < n_fft <= {signal.shape[-1]}, but got n_fft={n_fft}")
    if hop_length <= 0:
        raise RuntimeError(f"stft: expected hop_length > 0, but got hop_length={hop_length}")
    weights = _window("stft", input, window, n_fft, win_length)
    if onesided and is_complex:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    pieces = signal.unfold(-1, n_fft, hop_length) * weights
    transform = _fft.fft if is_complex or onesided is False else _fft.rfft
    spectra = transform(pieces, norm="ortho" if normalized else "backward").transpose(-1, -2)
    return _native.view_as_real(spectra) if return_complex is False else spectra


def istft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """Return the signal (*, time) whose `stft` with the same arguments comes nearest to `input`, in least squares.

    `length` cuts the signal off, or extends it by zeros. Source: Griffin and Lim, 1984. Raises `RuntimeError` for sizes
    that do not fit, and where windows leave a gap.
    """
    if not input.is_complex():
        raise RuntimeError(
            "istft requires a complex-valued input tensor matching the output from stft with return_complex=True."
        )
    if input.dim() not in (2, 3) or input.numel() == 0:
        raise RuntimeError(
            f"istft: expected a tensor (frequencies, frames) or a batch of such, but got {tuple(input.shape)}"
        )
    hop_length = n_fft // 4 if hop_length is None else hop_length
    if not 0 < hop_length <= (n_fft if win_length is None else win_length) <= n_fft:
        raise RuntimeError(
            f"istft: expected 0 < hop_length <= win_length <= n_fft, got {hop_length}, {win_length}, {n_fft}"
        )
    onesided = input.shape[-2] != n_fft if onesided is None else onesided
    frequencies = n_fft // 2 + 1 if onesided else n_fft
    if input.shape[-2] != frequencies:
        raise RuntimeError(f"istft: expected {frequencies} frequencies for n_fft={n_fft}, but got {input.shape[-2]}")
    if return_complex and onesided:
        raise RuntimeError("istft: a one-sided spectrum has a real signal, so return_complex must be False")
    norm = "ortho" if normalized else "backward"
    frames = input.transpose(-1, -2)
    pieces = _fft.irfft(frames, n_fft, norm=norm) if onesided else _fft.ifft(frames, norm=norm)
    if not return_complex and not onesided:
        pieces = pieces.real
    weights = _window("istft", pieces, window, n_fft, win_length)
    count = frames.shape[-2]
    total = n_fft + hop_length * (count - 1)
    starts = hop_length * _native.arange(count, device=input.device).unsqueeze(1)
    places = (starts + _native.arange(n_fft, device=input.device)).reshape(-1)
    added = (pieces * weights).reshape(*frames.shape[:-2], count * n_fft)
    signal = added.new_zeros([*frames.shape[:-2], total]).index_add(-1, places, added)
    covered = weights.new_zeros(total).index_add(0, places, (weights * weights).repeat(count))
    first = n_fft // 2 if center else 0
    last = first + length if length is not None else total - first
    signal, covered = signal[..., first:last], covered[first:last]
    if covered.abs().min().item() < 1e-11:
        raise RuntimeError("istft: window overlap add min: the windows leave a gap in the signal")
    signal = signal / covered
    missing = 0 if length is None else length - signal.shape[-1]
    return _native.cat([signal, signal.new_zeros([*signal.shape[:-1], missing])], -1) if missing > 0 else signal


def _window(name: str, like: Tensor, window: Tensor | None, n_fft: int, win_length: int | None) -> Tensor:
    """Return the window with zeros around it, to `n_fft` numbers."""
    size = n_fft if win_length is None else win_length
    if not 0 < size <= n_fft:
        raise RuntimeError(f"{name}: expected 0 < win_length <= n_fft, but got win_length={size}")
    if window is None:
        window = like.real.new_ones(size) if like.is_complex() else like.new_ones(size)
    if tuple(window.shape) != (size,):
        raise RuntimeError(f"{name}: expected a 1D window tensor of size {size}, but got {tuple(window.shape)}")
    left = (n_fft - size) // 2
    return _native.cat([window.new_zeros(left), window, window.new_zeros(n_fft - size - left)])


def _padded(x: Tensor, size: int, mode: str) -> Tensor:
    """Extend the last dimension by `size` numbers at both ends."""
    longest = x.shape[-1] - 1 if mode == "reflect" else x.shape[-1] if mode == "circular" else size
    if size > longest or x.shape[-1] == 0:
        raise RuntimeError(f"stft: a signal of {x.shape[-1]} numbers cannot be extended by {size} in mode {mode!r}")
    if size == 0:
        return x
    if mode == "reflect":
        ends = x[..., 1 : size + 1].flip(-1), x[..., -size - 1 : -1].flip(-1)
    elif mode == "circular":
        ends = x[..., -size:], x[..., :size]
    elif mode in ("replicate", "constant"):
        shape = [*x.shape[:-1], size]
        zero = x.new_zeros(shape)
        ends = (zero, zero) if mode == "constant" else (x[..., :1].expand(shape), x[..., -1:].expand(shape))
    else:
        raise NotImplementedError(f"stft: pad_mode must be reflect, constant, replicate or circular, got {mode!r}")
    return _native.cat([ends[0], x, ends[1]], -1)
