//! Views: the same storage under other sizes and strides.

use crate::fail;
use crate::lazy::T;
use crate::rules::{replace, view};
use corten_tables::ops;

ops! { family = view;

/// The same data in another shape.
view(input: Tensor, size: Sizes...) -> View { view: view::view(input, size); forms: method }
/// The same bytes as another dtype.
view.dtype(input: Tensor, dtype: DType) -> View { view: view::view_dtype(input, dtype); forms: method; nondiff }
/// The same elements in another shape: a view where strides allow it, else a copy.
reshape(input: Tensor, shape: Sizes...) -> Tensor { composite: reshape_of(input, shape); forms: fn method }
/// The same data in another shape, of a tensor that nothing else sees: what results is no view.
_unsafe_view(input: Tensor, size: Sizes) -> Tensor { composite: unsafe_view(input, size); check: none }
/// Dimensions `start_dim` to `end_dim` as one.
flatten(input: Tensor, start_dim: Dim = 0, end_dim: Dim = -1) -> Tensor { composite: { let sizes = view::flattened(input, start_dim, end_dim)?; if &sizes[..] == input.sizes() { T::from(input) } else { reshape_of(input, &sizes) } }; forms: fn method }
/// Two dimensions exchanged.
transpose(input: Tensor, dim0: Dim, dim1: Dim) -> View { view: view::transpose(input, dim0, dim1); forms: fn method inplace; alias: swapaxes, swapdims }
/// A matrix transposed.
t(input: Tensor) -> View { view: view::t(input); forms: fn method inplace }
/// Dimensions in another order.
permute(input: Tensor, dims: Sizes...) -> View { view: view::permute(input, dims); forms: fn method }
/// All dimensions reversed.
numpy_T(input: Tensor) -> View { view: view::reversed(input); forms: property(T) }
/// The last two dimensions exchanged.
mT(input: Tensor) -> View { view: view::matrix_transpose(input); forms: property(mT) }
/// Dimensions of size one repeated, without a copy.
expand(input: Tensor, size: Sizes...) -> View { view: view::expand(input, size); forms: method }
/// Expanded to the sizes of another tensor.
expand_as(input: Tensor, other: Tensor) -> View { view: view::expand(input, other.sizes()); forms: method }
/// Expanded to the given sizes.
broadcast_to(input: Tensor, size: Sizes) -> View { view: view::expand(input, size); forms: fn method }
/// Without dimensions of size one.
squeeze(input: Tensor) -> View { view: view::squeeze(input, None); forms: fn method inplace }
/// Without the given dimensions, where their size is one.
squeeze.dim(input: Tensor, dim: Dims) -> View { view: view::squeeze(input, Some(dim)); forms: fn method inplace }
/// With a new dimension of size one.
unsqueeze(input: Tensor, dim: Dim) -> View { view: view::unsqueeze(input, dim); forms: fn method inplace }
/// `length` elements of a dimension.
narrow(input: Tensor, dim: Dim, start: int, length: int) -> View { view: view::narrow(input, dim, start, length); forms: fn method }
/// One position of a dimension, which disappears.
select(input: Tensor, dim: Dim, index: int) -> View { view: view::select(input, dim, index); forms: fn method }
/// Every `step`-th element of a dimension; `step` may be negative.
slice(input: Tensor, dim: Dim = 0, start: int?, end: int?, step: int = 1) -> View { view: view::slice(input, dim, start, end, step) }
/// The diagonal of two dimensions.
diagonal(input: Tensor, offset: int = 0, dim1: Dim = 0, dim2: Dim = 1) -> View { view: view::diagonal(input, offset, dim1, dim2); forms: fn method }
/// Any sizes and strides that stay inside the storage.
as_strided(input: Tensor, size: Sizes, stride: Sizes, storage_offset: int?) -> View { view: view::as_strided(input, size, stride, storage_offset); forms: fn method inplace }
/// Windows along a dimension.
unfold(input: Tensor, dimension: Dim, size: int, step: int) -> View { view: view::unfold(input, dimension, size, step); forms: method }
/// Pieces along a dimension: one length for all.
split(tensor: Tensor, split_size_or_sections: int, dim: Dim = 0) -> [View] { view: view::split_sections(tensor, &[split_size_or_sections], true, dim); forms: fn method }
/// Pieces along a dimension: one length each.
split.sizes(tensor: Tensor, split_size_or_sections: Sizes, dim: Dim = 0) -> [View] { view: view::split_sections(tensor, split_size_or_sections, false, dim); forms: fn method; alias: split_with_sizes }
/// So many pieces along a dimension.
chunk(input: Tensor, chunks: int, dim: Dim = 0) -> [View] { view: view::chunk(input, chunks, dim); forms: fn method }
/// The slices along a dimension.
unbind(input: Tensor, dim: Dim = 0) -> [View] { view: view::unbind(input, dim); forms: fn method }
/// The real part.
real(input: Tensor) -> View { composite: if input.dtype().is_complex() { select(view_as_real(input), -1, 0) } else { T::from(input) }; forms: fn property(real) }
/// The imaginary part.
imag(input: Tensor) -> View { composite: { if !input.dtype().is_complex() { fail!(Runtime, "imag is not implemented for tensors with non-complex dtypes.") } select(view_as_real(input), -1, 1) }; forms: fn property(imag) }
/// A complex tensor as pairs of reals.
view_as_real(input: Tensor) -> View { view: view::as_real(input); forms: fn }
/// Pairs of reals as a complex tensor.
view_as_complex(input: Tensor) -> View { view: view::as_complex(input); forms: fn }
/// Other sizes in place, row-major or in the memory format; elements keep their place in memory, more are uninitialised.
resize_(input: Tensor, size: Sizes..., *, memory_format: MemoryFormat?) -> Self { composite: replace::resize(input, size, memory_format)?; forms: method; check: none; nondiff }
/// The sizes of another tensor in place: see `resize_`.
resize_as_(input: Tensor, the_template: Tensor, *, memory_format: MemoryFormat?) -> Self { composite: replace::resize(input, the_template.sizes(), memory_format)?; forms: fn method; check: none; nondiff }
/// The memory of a tensor or storage in place of its own; without one, none.
set_(input: Tensor, source: Any?, storage_offset: int = 0, size: Sizes?, stride: Sizes?) -> Self { python: "corten_tensor_core._storage:set_"; forms: method; check: none; nondiff }
/// The memory, sizes and strides of another tensor in place of its own.
_set_source_(input: Tensor, source: Tensor) -> Self { composite: replace::set(input, source)?; forms: fn; check: none; nondiff }
/// A view of the whole tensor.
alias(input: Tensor) -> View { view: Ok(crate::op::Views::One(input.core().clone())) }

}

fn unsafe_view(input: &crate::Tensor, size: &[i64]) -> crate::Result<T> {
    let out = view(input, size).tensor()?;
    out.set_base(None);
    Ok(T::from(&out))
}

/// The same elements in another shape: a view where strides allow it.
fn reshape_of(input: &crate::Tensor, shape: &[i64]) -> T {
    let sizes = match crate::rules::dims::infer(shape, input.numel()) {
        Ok(sizes) => sizes,
        Err(error) => return error.into(),
    };
    match view::view_strides(input.core(), &sizes) {
        Some(_) => self::view(input, sizes),
        None => self::view(super::cast::contiguous(input), sizes),
    }
}
