//! Derivatives of views, casts and copies.

use crate::rules::strided;
use corten_tables::derivatives;
use corten_tensor::ops::all::*;

derivatives! {
alias(x): linear { x: g.clone() }
view(x, size: Sizes): linear { x: reshape(g, x.shape) }
transpose(x, dim0: Dim, dim1: Dim): linear { x: transpose(g, dim0, dim1) }
t(x): linear "TBackward0" { x: t(g) }
permute(x, dims: Sizes): linear { x: permute(g, strided::inverse(dims)) }
numpy_T(x): linear "PermuteBackward0" { x: numpy_T(g) }
mT(x): linear "TransposeBackward0" { x: mT(g) }
expand(x, size: Sizes): linear { x: g.clone() }
expand_as(x, other: Tensor): linear "ExpandBackward0" { x: g.clone() }
broadcast_to(x, size: Sizes): linear "ExpandBackward0" { x: g.clone() }
squeeze(x): linear { x: reshape(g, x.shape) }
_unsafe_view(x): linear "UnsafeViewBackward0" { x: reshape(g, x.shape) }
squeeze.dim(x, dim: Dims): linear "SqueezeBackward1" { x: reshape(g, x.shape) }
unsqueeze(x, dim: Dim): linear { x: reshape(g, x.shape) }
select(x, dim: Dim, index: int): linear { x: strided::place(g, x.shape, |z| select(z, dim, index)) }
slice(x, dim: Dim, start: int?, end: int?, step: int): linear { x: strided::place(g, x.shape, |z| slice_with(z, dim, start, end, step)) }
narrow(x, dim: Dim, start: int, length: int): linear "SliceBackward0" { x: strided::place(g, x.shape, |z| narrow(z, dim, start, length)) }
diagonal(x, offset: int, dim1: Dim, dim2: Dim): linear { x: strided::place(g, x.shape, |z| diagonal_with(z, offset, dim1, dim2)) }
as_strided(x, size: Sizes, stride: Sizes, offset: int?): linear { x: strided::dense_as_strided(g, x.shape, size, stride, offset) }
unfold(x, dimension: Dim, size: int, step: int): linear { x: strided::unfold(g, x.shape, dimension, size, step) }
split(x, size: int, dim: Dim): linear { x: cat_with(gs, dim) }
split.sizes(x, sizes: Sizes, dim: Dim): linear "SplitWithSizesBackward0" { x: cat_with(gs, dim) }
chunk(x, chunks: int, dim: Dim): linear "SplitBackward0" { x: cat_with(gs, dim) }
unbind(x, dim: Dim): linear { x: stack_with(gs, dim) }
view_as_real(x): linear { x: view_as_complex(contiguous(g)) }
view_as_complex(x): linear { x: view_as_real(contiguous(g)) }
copy_(x, src, non_blocking: bool): linear "CopyBackwards" { x: zeros_like(g), src: g.clone() }
clone(x, memory_format: MemoryFormat?): linear { x: g.clone() }
_to_copy(x): linear { x: g.clone() }
_cast(x, dtype: DType): linear "ToCopyBackward0" { x: g.clone() }
fill(x, value: Scalar): linear { x: zeros_like(g) }
fill_(x, value: Scalar): linear { x: zeros_like(g) }
zero_(x): linear { x: zeros_like(g) }
}
