//! Discrete Fourier transforms by the array backend, in float32 or float64.

use super::all::*;
use crate::Result;
use crate::lazy::T;
use crate::rules::factory::Options;
use crate::rules::fft::{self as rules, Kind};
use crate::value::Value;
use corten_tables::ops;

ops! { family = fft;

/// The Fourier transform along a dimension, cut or padded to `n`.
fft_fft(input: Tensor, n: int?, dim: Dim = -1, norm: str?) -> Tensor { array: "fft_fft"; meta: rules::one("fft", Kind::Complex, input, n, dim, norm); forms: fn(fft) out; domain: any }
/// The inverse Fourier transform along a dimension.
fft_ifft(input: Tensor, n: int?, dim: Dim = -1, norm: str?) -> Tensor { array: "fft_ifft"; meta: rules::one("ifft", Kind::Complex, input, n, dim, norm); forms: fn(fft) out; domain: any }
/// The half of the Fourier transform of real numbers that determines the rest.
fft_rfft(input: Tensor, n: int?, dim: Dim = -1, norm: str?) -> Tensor { array: "fft_rfft"; meta: rules::one("rfft", Kind::FromReal, input, n, dim, norm); forms: fn(fft) out; domain: real }
/// The inverse of `rfft`.
fft_irfft(input: Tensor, n: int?, dim: Dim = -1, norm: str?) -> Tensor { array: "fft_irfft"; meta: rules::one("irfft", Kind::ToReal, input, n, dim, norm); forms: fn(fft) out; domain: any }
/// The real Fourier transform of a signal that is Hermitian in time.
fft_hfft(input: Tensor, n: int?, dim: Dim = -1, norm: str?) -> Tensor { array: "fft_hfft"; meta: rules::one("hfft", Kind::ToReal, input, n, dim, norm); forms: fn(fft) out; domain: any }
/// The inverse of `hfft`.
fft_ihfft(input: Tensor, n: int?, dim: Dim = -1, norm: str?) -> Tensor { array: "fft_ihfft"; meta: rules::one("ihfft", Kind::FromReal, input, n, dim, norm); forms: fn(fft) out; domain: real }
/// `fft` along several dimensions, all by default.
fft_fftn(input: Tensor, s: Dims?, dim: Dims?, norm: str?) -> Tensor { array: "fft_fftn"; meta: rules::several("fftn", Kind::Complex, input, s, dim, norm); forms: fn(fft) out; domain: any }
/// `ifft` along several dimensions, all by default.
fft_ifftn(input: Tensor, s: Dims?, dim: Dims?, norm: str?) -> Tensor { array: "fft_ifftn"; meta: rules::several("ifftn", Kind::Complex, input, s, dim, norm); forms: fn(fft) out; domain: any }
/// `rfft` along the last of several dimensions, `fft` along the others.
fft_rfftn(input: Tensor, s: Dims?, dim: Dims?, norm: str?) -> Tensor { array: "fft_rfftn"; meta: rules::several("rfftn", Kind::FromReal, input, s, dim, norm); forms: fn(fft) out; domain: real }
/// The inverse of `rfftn`.
fft_irfftn(input: Tensor, s: Dims?, dim: Dims?, norm: str?) -> Tensor { array: "fft_irfftn"; meta: rules::several("irfftn", Kind::ToReal, input, s, dim, norm); forms: fn(fft) out; domain: any }
/// `hfft` along the last of several dimensions, `fft` along the others.
fft_hfftn(input: Tensor, s: Dims?, dim: Dims?, norm: str?) -> Tensor { array: "fft_hfftn"; meta: rules::several("hfftn", Kind::ToReal, input, s, dim, norm); forms: fn(fft) out; domain: any }
/// The inverse of `hfftn`.
fft_ihfftn(input: Tensor, s: Dims?, dim: Dims?, norm: str?) -> Tensor { array: "fft_ihfftn"; meta: rules::several("ihfftn", Kind::FromReal, input, s, dim, norm); forms: fn(fft) out; domain: real }
/// `fftn` along the last two dimensions.
fft_fft2(input: Tensor, s: Dims?, dim: Dims = [-2, -1], norm: str?) -> Tensor { composite: fft_fftn_with(input, s, dim, norm); forms: fn(fft) out; domain: matrix(3, 4) }
/// `ifftn` along the last two dimensions.
fft_ifft2(input: Tensor, s: Dims?, dim: Dims = [-2, -1], norm: str?) -> Tensor { composite: fft_ifftn_with(input, s, dim, norm); forms: fn(fft) out; domain: matrix(3, 4) }
/// `rfftn` along the last two dimensions.
fft_rfft2(input: Tensor, s: Dims?, dim: Dims = [-2, -1], norm: str?) -> Tensor { composite: fft_rfftn_with(input, s, dim, norm); forms: fn(fft) out; domain: matrix(3, 4) }
/// `irfftn` along the last two dimensions.
fft_irfft2(input: Tensor, s: Dims?, dim: Dims = [-2, -1], norm: str?) -> Tensor { composite: fft_irfftn_with(input, s, dim, norm); forms: fn(fft) out; domain: matrix(3, 4) }
/// `hfftn` along the last two dimensions.
fft_hfft2(input: Tensor, s: Dims?, dim: Dims = [-2, -1], norm: str?) -> Tensor { composite: fft_hfftn_with(input, s, dim, norm); forms: fn(fft) out; domain: matrix(3, 4) }
/// `ihfftn` along the last two dimensions.
fft_ihfft2(input: Tensor, s: Dims?, dim: Dims = [-2, -1], norm: str?) -> Tensor { composite: fft_ihfftn_with(input, s, dim, norm); forms: fn(fft) out; domain: matrix(3, 4) }
/// The bin of frequency 0 moved to the middle of the given dimensions, all by default.
fft_fftshift(input: Tensor, dim: Dims?) -> Tensor { composite: { let (shifts, dims) = rules::shifts(input, dim, false)?; roll_with(input, shifts, dims) }; forms: fn(fft); domain: any }
/// The inverse of `fftshift`.
fft_ifftshift(input: Tensor, dim: Dims?) -> Tensor { composite: { let (shifts, dims) = rules::shifts(input, dim, true)?; roll_with(input, shifts, dims) }; forms: fn(fft); domain: any }
/// The frequencies of the bins of `fft` for `n` samples at distance `d`.
fft_fftfreq(n: int, d: float = 1.0, *, @factory) -> Tensor { composite: frequencies(-(n / 2), n, d, &Options::new(dtype, layout, device, pin_memory, requires_grad)?)?; forms: fn(fft) out; check: none; nondiff }
/// The frequencies of the bins of `rfft`.
fft_rfftfreq(n: int, d: float = 1.0, *, @factory) -> Tensor { composite: frequencies(0, n, d, &Options::new(dtype, layout, device, pin_memory, requires_grad)?)?; forms: fn(fft) out; check: none; nondiff }

}

/// `0, 1, …` to the middle, over `n d`; the bins from `first` on, which is below zero, come last.
fn frequencies(first: i64, n: i64, d: f64, options: &Options) -> Result<T> {
    let (dtype, device) = (options.float(), options.device());
    let range = |start: i64, end: i64| arange_start_with(start, end, 1, dtype, Value::None, device, false, false);
    let places = match first {
        0 => range(0, n / 2 + 1),
        _ => cat(&vec![range(0, n + first), range(first, 0)]),
    };
    Ok(options.finished(mul(places, 1.0 / (n as f64 * d)))?.into())
}
