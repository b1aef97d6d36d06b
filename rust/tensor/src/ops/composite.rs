//! Operators written in Python, in terms of others.

use corten_tables::ops;

ops! { family = composite;

/// Tensors side by side: along the second dimension, vectors along the first.
hstack(tensors: [Tensor]) -> Tensor { python: "corten_tensor_core._composite:hstack"; forms: fn out; domain: list }
/// Tensors on top of one another.
vstack(tensors: [Tensor]) -> Tensor { python: "corten_tensor_core._composite:vstack"; forms: fn out; alias: row_stack; domain: list }
/// Tensors along the third dimension.
dstack(tensors: [Tensor]) -> Tensor { python: "corten_tensor_core._composite:dstack"; forms: fn out; domain: list }
/// Vectors and matrices as columns.
column_stack(tensors: [Tensor]) -> Tensor { python: "corten_tensor_core._composite:column_stack"; forms: fn out; domain: list }
/// Pieces along a dimension: so many, or before the given indices.
tensor_split(input: Tensor, indices_or_sections: Any, dim: Dim = 0) -> [View] { python: "corten_tensor_core._composite:tensor_split"; forms: fn method; domain: any }
/// Pieces along the second dimension.
hsplit(input: Tensor, indices_or_sections: Any) -> [View] { python: "corten_tensor_core._composite:hsplit"; forms: fn method; domain: any }
/// Pieces along the first dimension.
vsplit(input: Tensor, indices_or_sections: Any) -> [View] { python: "corten_tensor_core._composite:vsplit"; forms: fn method; domain: any }
/// Pieces along the third dimension.
dsplit(input: Tensor, indices_or_sections: Any) -> [View] { python: "corten_tensor_core._composite:dsplit"; forms: fn method; domain: any }
/// Elements repeated, each as often as all or as its own number says.
repeat_interleave(input: Tensor, repeats: Any?, dim: Dim?, *, output_size: int?) -> Tensor { python: "corten_tensor_core._composite:repeat_interleave"; forms: fn method; domain: any }
/// Rows and columns of the lower triangle.
tril_indices(row: int, col: int, offset: int = 0, *, dtype: DType?, device: Device?) -> Tensor { python: "corten_tensor_core._composite:tril_indices"; forms: fn; domain: any; nondiff }
/// Rows and columns of the upper triangle.
triu_indices(row: int, col: int, offset: int = 0, *, dtype: DType?, device: Device?) -> Tensor { python: "corten_tensor_core._composite:triu_indices"; forms: fn; domain: any; nondiff }
/// A quarter turn, `k` times, in the plane of two dimensions.
rot90(input: Tensor, k: int = 1, dims: Dims = [0, 1]) -> Tensor { python: "corten_tensor_core._composite:rot90"; forms: fn method; domain: matrix(3, 4) }
/// The second dimension reversed.
fliplr(input: Tensor) -> Tensor { python: "corten_tensor_core._composite:fliplr"; forms: fn method; domain: matrix(3, 4) }
/// The first dimension reversed.
flipud(input: Tensor) -> Tensor { python: "corten_tensor_core._composite:flipud"; forms: fn method; domain: matrix(3, 4) }
/// The coordinates of flat indices.
unravel_index(indices: Tensor, shape: Any) -> [Tensor] { python: "corten_tensor_core._composite:unravel_index"; forms: fn; domain: index; nondiff }
/// The products of all pairs of elements, block by block.
kron(input: Tensor, other: Tensor) -> Tensor { python: "corten_tensor_core._composite_math:kron"; forms: fn method out; domain: matrix(2, 3), matrix(3, 2) }
/// The cross product along a dimension of size three.
cross(input: Tensor, other: Tensor, dim: Dim?) -> Tensor { python: "corten_tensor_core._composite_math:cross"; forms: fn method out; domain: matrix(4, 3), matrix(4, 3) }
/// The distances of every row of one matrix from every row of another.
cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str?) -> Tensor { python: "corten_tensor_core._composite_math:cdist"; forms: fn; domain: matrix(3, 4), matrix(5, 4) }
/// The `n`-th differences of neighbours along a dimension.
diff(input: Tensor, n: int = 1, dim: Dim = -1, prepend: Tensor?, append: Tensor?) -> Tensor { python: "corten_tensor_core._composite_math:diff"; forms: fn method out; domain: any }
/// The elements without repetitions, in order if `sorted`; with their places and counts where asked for.
unique(input: Tensor, sorted: bool = true, return_inverse: bool = false, return_counts: bool = false, dim: Dim?) -> Any { python: "corten_tensor_core._composite_order:unique"; forms: fn method; domain: any; check: none; nondiff }
/// The elements without repetitions of neighbours; with their places and counts where asked for.
unique_consecutive(input: Tensor, return_inverse: bool = false, return_counts: bool = false, dim: Dim?) -> Any { python: "corten_tensor_core._composite_order:unique_consecutive"; forms: fn method; domain: any; check: none; nondiff }
/// How often each number from 0 on occurs, or the sum of its weights.
bincount(input: Tensor, weights: Tensor?, minlength: int = 0) -> Tensor { python: "corten_tensor_core._composite_order:bincount"; forms: fn method; domain: int(0, 5); nondiff }
/// How many elements fall into each of equal bins.
histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor { python: "corten_tensor_core._composite_order:histc"; forms: fn method out; domain: any; nondiff }
/// The values below which given parts of the elements lie.
quantile(input: Tensor, q: Any, dim: Dim?, keepdim: bool = false, *, interpolation: str = "linear") -> Tensor { python: "corten_tensor_core._composite_order:quantile"; forms: fn method out; domain: any }
/// The values below which given parts of the elements that are numbers lie.
nanquantile(input: Tensor, q: Any, dim: Dim?, keepdim: bool = false, *, interpolation: str = "linear") -> Tensor { python: "corten_tensor_core._composite_order:nanquantile"; forms: fn method out; domain: any }
/// The covariances of variables, one a row.
cov(input: Tensor, *, correction: int = 1, fweights: Tensor?, aweights: Tensor?) -> Tensor { python: "corten_tensor_core._composite_order:cov"; forms: fn method; domain: matrix(3, 5) }
/// The correlation coefficients of variables, one a row.
corrcoef(input: Tensor) -> Tensor { python: "corten_tensor_core._composite_order:corrcoef"; forms: fn method; domain: matrix(3, 5) }

}
