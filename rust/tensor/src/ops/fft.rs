//! Fourier transforms, by the array backend. `norm` is `backward` (the default), `ortho` or `forward`.

use crate::rules::linalg::{self as rules, Transform};
use corten_tables::ops;

ops! { family = fft;

/// The discrete Fourier transform, along a dimension.
fft_fft(input: Tensor, n: int?, dim: Dim = -1, norm: str?) -> Tensor { meta: rules::fft1("fft", input, n, dim, norm, Transform::Complex); array: "fft_fft"; forms: fn(fft) out; domain: any }
/// The inverse discrete Fourier transform, along a dimension.
fft_ifft(input: Tensor, n: int?, dim: Dim = -1, norm: str?) -> Tensor { meta: rules::fft1("ifft", input, n, dim, norm, Transform::Complex); array: "fft_ifft"; forms: fn(fft) out; domain: any }
/// The first half of the Fourier transform of real numbers, along a dimension.
fft_rfft(input: Tensor, n: int?, dim: Dim = -1, norm: str?) -> Tensor { meta: rules::fft1("rfft", input, n, dim, norm, Transform::Forward); array: "fft_rfft"; forms: fn(fft) out; domain: any }
/// Real numbers from the first half of their Fourier transform, along a dimension.
fft_irfft(input: Tensor, n: int?, dim: Dim = -1, norm: str?) -> Tensor { meta: rules::fft1("irfft", input, n, dim, norm, Transform::Backward); array: "fft_irfft"; forms: fn(fft) out; domain: any }
/// The real Fourier transform of a Hermitian signal, given by its first half, along a dimension.
fft_hfft(input: Tensor, n: int?, dim: Dim = -1, norm: str?) -> Tensor { meta: rules::fft1("hfft", input, n, dim, norm, Transform::Backward); array: "fft_hfft"; forms: fn(fft) out; domain: any }
/// The first half of the inverse Fourier transform of real numbers, along a dimension.
fft_ihfft(input: Tensor, n: int?, dim: Dim = -1, norm: str?) -> Tensor { meta: rules::fft1("ihfft", input, n, dim, norm, Transform::Forward); array: "fft_ihfft"; forms: fn(fft) out; domain: any }
/// The discrete Fourier transform, over the given dimensions (the last two).
fft_fft2(input: Tensor, s: Dims?, dim: Dims = [-2, -1], norm: str?) -> Tensor { meta: rules::fft("fft2", input, s, Some(dim), norm, Transform::Complex); array: "fft_fft2"; forms: fn(fft) out; domain: matrix(3, 4) }
/// The discrete Fourier transform, over the given dimensions (all).
fft_fftn(input: Tensor, s: Dims?, dim: Dims?, norm: str?) -> Tensor { meta: rules::fft("fftn", input, s, dim, norm, Transform::Complex); array: "fft_fftn"; forms: fn(fft) out; domain: any }
/// The inverse discrete Fourier transform, over the given dimensions (the last two).
fft_ifft2(input: Tensor, s: Dims?, dim: Dims = [-2, -1], norm: str?) -> Tensor { meta: rules::fft("ifft2", input, s, Some(dim), norm, Transform::Complex); array: "fft_ifft2"; forms: fn(fft) out; domain: matrix(3, 4) }
/// The inverse discrete Fourier transform, over the given dimensions (all).
fft_ifftn(input: Tensor, s: Dims?, dim: Dims?, norm: str?) -> Tensor { meta: rules::fft("ifftn", input, s, dim, norm, Transform::Complex); array: "fft_ifftn"; forms: fn(fft) out; domain: any }
/// The first half of the Fourier transform of real numbers, over the given dimensions (the last two).
fft_rfft2(input: Tensor, s: Dims?, dim: Dims = [-2, -1], norm: str?) -> Tensor { meta: rules::fft("rfft2", input, s, Some(dim), norm, Transform::Forward); array: "fft_rfft2"; forms: fn(fft) out; domain: matrix(3, 4) }
/// The first half of the Fourier transform of real numbers, over the given dimensions (all).
fft_rfftn(input: Tensor, s: Dims?, dim: Dims?, norm: str?) -> Tensor { meta: rules::fft("rfftn", input, s, dim, norm, Transform::Forward); array: "fft_rfftn"; forms: fn(fft) out; domain: any }
/// Real numbers from the first half of their Fourier transform, over the given dimensions (the last two).
fft_irfft2(input: Tensor, s: Dims?, dim: Dims = [-2, -1], norm: str?) -> Tensor { meta: rules::fft("irfft2", input, s, Some(dim), norm, Transform::Backward); array: "fft_irfft2"; forms: fn(fft) out; domain: matrix(3, 4) }
/// Real numbers from the first half of their Fourier transform, over the given dimensions (all).
fft_irfftn(input: Tensor, s: Dims?, dim: Dims?, norm: str?) -> Tensor { meta: rules::fft("irfftn", input, s, dim, norm, Transform::Backward); array: "fft_irfftn"; forms: fn(fft) out; domain: any }
/// The real Fourier transform of a Hermitian signal, given by its first half, over the given dimensions (the last two).
fft_hfft2(input: Tensor, s: Dims?, dim: Dims = [-2, -1], norm: str?) -> Tensor { meta: rules::fft("hfft2", input, s, Some(dim), norm, Transform::Backward); array: "fft_hfft2"; forms: fn(fft) out; domain: matrix(3, 4) }
/// The real Fourier transform of a Hermitian signal, given by its first half, over the given dimensions (all).
fft_hfftn(input: Tensor, s: Dims?, dim: Dims?, norm: str?) -> Tensor { meta: rules::fft("hfftn", input, s, dim, norm, Transform::Backward); array: "fft_hfftn"; forms: fn(fft) out; domain: any }
/// The first half of the inverse Fourier transform of real numbers, over the given dimensions (the last two).
fft_ihfft2(input: Tensor, s: Dims?, dim: Dims = [-2, -1], norm: str?) -> Tensor { meta: rules::fft("ihfft2", input, s, Some(dim), norm, Transform::Forward); array: "fft_ihfft2"; forms: fn(fft) out; domain: matrix(3, 4) }
/// The first half of the inverse Fourier transform of real numbers, over the given dimensions (all).
fft_ihfftn(input: Tensor, s: Dims?, dim: Dims?, norm: str?) -> Tensor { meta: rules::fft("ihfftn", input, s, dim, norm, Transform::Forward); array: "fft_ihfftn"; forms: fn(fft) out; domain: any }

}
