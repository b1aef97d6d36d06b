//! Derivatives of joins, repetitions and triangles.

use crate::rules::join;
use corten_tables::derivatives;
use corten_tensor::ops::all::*;

derivatives! {
cat(xs: [Tensor], dim: Dim): linear { xs: join::pieces(g, xs.shape, dim) }
stack(xs: [Tensor], dim: Dim): linear { xs: join::slices(g, dim) }
repeat(x, repeats: Sizes): linear { x: join::repeat(g, x.shape, repeats) }
flip(x, dims: Sizes): linear { x: flip(g, dims) }
_roll(x, shifts: Dims, dims: Dims): linear "RollBackward0" { x: _roll(g, join::negated(shifts), dims) }
tril(x, diagonal: int): linear { x: tril_with(g, diagonal) }
triu(x, diagonal: int): linear { x: triu_with(g, diagonal) }
constant_pad_nd(x, pad: Sizes, value: Scalar): linear { x: constant_pad_nd(g, join::negated(pad)) }
diag_embed(x, offset: int, dim1: Dim, dim2: Dim): linear { x: diagonal_with(g, offset, dim1, dim2) }
}
