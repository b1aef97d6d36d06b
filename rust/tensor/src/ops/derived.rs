//! Rows whose bodies are Python's: sets, statistics, products and shapes in terms of other rows.

use corten_tables::ops;

ops! { family = derived;

/// The distinct elements, or slices along `dim`, in ascending order; on request where each element went, and their counts.
unique(input: Tensor, sorted: bool = true, return_inverse: bool = false, return_counts: bool = false, dim: Dim?) -> Any { python: "corten_tensor_core._composite_order:unique"; forms: fn method; domain: any; nondiff }
/// The first of each run of equal elements, or slices along `dim`.
unique_consecutive(input: Tensor, return_inverse: bool = false, return_counts: bool = false, dim: Dim?) -> Any { python: "corten_tensor_core._composite_order:unique_consecutive"; forms: fn method; domain: any; nondiff }
/// How often each number occurs, or the sums of its weights.
bincount(input: Tensor, weights: Tensor?, minlength: int = 0) -> Tensor { python: "corten_tensor_core._composite_order:bincount"; forms: fn method; check: none; nondiff }
/// How many elements fall into each of `bins` parts of a range, by default that of the elements.
histc(input: Tensor, bins: int = 100, min: Scalar = 0, max: Scalar = 0) -> Tensor { python: "corten_tensor_core._composite_order:histc"; forms: fn method out; check: none; nondiff }
/// The quantiles along a dimension, or of all elements.
quantile(input: Tensor, q: Any, dim: Dim?, keepdim: bool = false, *, interpolation: str = "linear") -> Tensor { python: "corten_tensor_core._composite_order:quantile"; forms: fn method out; check: none }
/// The quantiles along a dimension, or of all elements, of what is a number.
nanquantile(input: Tensor, q: Any, dim: Dim?, keepdim: bool = false, *, interpolation: str = "linear") -> Tensor { python: "corten_tensor_core._composite_order:nanquantile"; forms: fn method out; check: none }
/// The covariance matrix of the rows.
cov(input: Tensor, *, correction: int = 1, fweights: Tensor?, aweights: Tensor?) -> Tensor { python: "corten_tensor_core._composite_order:cov"; forms: fn method; domain: matrix(3, 4) }
/// The correlation coefficients of the rows.
corrcoef(input: Tensor) -> Tensor { python: "corten_tensor_core._composite_order:corrcoef"; forms: fn method; domain: matrix(3, 4) }
/// The Kronecker product.
kron(input: Tensor, other: Tensor) -> Tensor { python: "corten_tensor_core._composite_math:kron"; forms: fn method out; domain: matrix(2, 3), matrix(3, 2) }
/// The vector product along a dimension, by default the first of size 3.
cross(input: Tensor, other: Tensor, dim: Dim?) -> Tensor { python: "corten_tensor_core._composite_math:cross"; forms: fn method out; domain: matrix(4, 3), matrix(4, 3) }
/// The n-th difference of neighbours along a dimension.
diff(input: Tensor, n: int = 1, dim: Dim = -1, prepend: Tensor?, append: Tensor?) -> Tensor { python: "corten_tensor_core._composite_math:diff"; forms: fn method out; domain: any }
/// Each element, or each slice along `dim`, as often as `repeats` says; given alone, each index as often as `input` says.
repeat_interleave(input: Tensor, repeats: Any?, dim: Dim?, *, output_size: int?) -> Tensor { python: "corten_tensor_core._composite:repeat_interleave"; forms: fn method; domain: any }
/// Views between the given indices along a dimension, or so many parts of nearly one size.
tensor_split(input: Tensor, indices_or_sections: Any, dim: Dim = 0) -> [View] { python: "corten_tensor_core._composite:tensor_split"; forms: fn method; check: none }
/// Views of parts along the second dimension, of a vector along the first.
hsplit(input: Tensor, indices_or_sections: Any) -> [View] { python: "corten_tensor_core._composite:hsplit"; forms: fn method; check: none }
/// Views of parts along the first dimension.
vsplit(input: Tensor, indices_or_sections: Any) -> [View] { python: "corten_tensor_core._composite:vsplit"; forms: fn method; check: none }
/// Views of parts along the third dimension.
dsplit(input: Tensor, indices_or_sections: Any) -> [View] { python: "corten_tensor_core._composite:dsplit"; forms: fn method; check: none }
/// The sums over the dimensions that expanding to `input` would repeat.
sum_to_size(input: Tensor, size: Sizes...) -> Tensor { python: "corten_tensor_core._composite_math:sum_to_size"; forms: method; check: none }
/// Slices along a dimension scaled down to a p-norm of at most `maxnorm`.
renorm(input: Tensor, p: Scalar, dim: Dim, maxnorm: Scalar) -> Tensor { python: "corten_tensor_core._composite_math:renorm"; forms: fn method inplace out; domain: matrix(3, 4), positive_scalar, dim, positive_scalar }
/// How many elements, or which weight of them, each bin holds, and the bins' edges; `bins` is their number or their edges.
histogram(input: Tensor, bins: Any = 100, *, range: [float]?, weight: Tensor?, density: bool = false) -> (hist: Tensor, bin_edges: Tensor) { python: "corten_tensor_core._histograms:histogram"; forms: fn method out; check: none; nondiff }
/// How many points, of the last dimension's coordinates, each bin of a grid holds, and the edges along each coordinate.
histogramdd(input: Tensor, bins: Any, range: [float]?, weight: Tensor?, density: bool = false) -> Any { python: "corten_tensor_core._histograms:histogramdd"; forms: fn; check: none; nondiff }
/// The dimensions by their strides, the outermost first; an error if equal ones are to be told, and there are some.
dim_order(input: Tensor, *, ambiguity_check: bool = false) -> Any { python: "corten_tensor_core._composite_order:dim_order"; forms: method; check: none; nondiff }
/// The indices of `size` elements that are not zero; where there are fewer, the rest is `fill_value`.
nonzero_static(input: Tensor, *, size: int, fill_value: int = -1) -> Tensor { python: "corten_tensor_core._composite_order:nonzero_static"; forms: fn method; check: none; nondiff }
/// The second dimension reversed.
fliplr(input: Tensor) -> Tensor { python: "corten_tensor_core._composite:fliplr"; forms: fn method; domain: matrix(3, 4) }
/// The first dimension reversed.
flipud(input: Tensor) -> Tensor { python: "corten_tensor_core._composite:flipud"; forms: fn method; domain: matrix(3, 4) }
/// Turned `k` quarters in the plane of two dimensions.
rot90(input: Tensor, k: int = 1, dims: Dims = [0, 1]) -> Tensor { python: "corten_tensor_core._composite:rot90"; forms: fn method; domain: matrix(3, 4) }
/// The Fourier transforms of pieces of a signal; `torch.stft` tells what the arguments mean.
stft(input: Tensor, n_fft: int, hop_length: int?, win_length: int?, window: Tensor?, center: bool = true, pad_mode: str = "reflect", normalized: bool = false, onesided: bool?, return_complex: bool?) -> Tensor { python: "corten_tensor_core._spectra:stft"; forms: method; check: none }
/// The signal of which `stft` gave the transforms; `torch.istft` tells what the arguments mean.
istft(input: Tensor, n_fft: int, hop_length: int?, win_length: int?, window: Tensor?, center: bool = true, normalized: bool = false, onesided: bool?, length: int?, return_complex: bool = false) -> Tensor { python: "corten_tensor_core._spectra:istft"; forms: method; check: none }

}
