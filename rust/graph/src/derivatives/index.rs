//! Derivatives of indexed reads and writes.

use crate::rules::index as rule;
use crate::rules::strided::zeros;
use corten_tables::derivatives;
use corten_tensor::ops::all::*;

derivatives! {
index.tensors(x, indices: Any): gather "IndexBackward0" { x: rule::read(g, x.shape, indices) }
index_put.tensors(x, indices: Any, v, accumulate: bool): linear "IndexPutBackward0" { x: rule::overwritten(g, indices, accumulate), v: index_tensors(g, indices) }
index_select(x, dim: Dim, index: Tensor): gather { x: if x.shape.is_empty() { g.clone() } else { index_add(zeros(g, x.shape), dim, index, g) } }
index_add(x, dim: Dim, index: Tensor, s, alpha: Scalar): linear { x: g.clone(), s: mul(reshape(index_select(g, dim, index), s.shape), alpha) }
index_copy(x, dim: Dim, index: Tensor, s): linear { x: index_fill(g, dim, index, 0), s: reshape(index_select(g, dim, index), s.shape) }
index_fill(x, dim: Dim, index: Tensor, value: Scalar): linear { x: index_fill(g, dim, index, 0) }
index_fill.tensor(x, dim: Dim, index: Tensor, value): linear "IndexFillBackward1" { x: index_fill(g, dim, index, 0), value: rule::filled(g, dim, index, value.shape) }
gather(x, dim: Dim, index: Tensor, sparse_grad: bool): gather { x: if x.shape.is_empty() { reshape(g, x.shape) } else { scatter_add(zeros(g, x.shape), dim, index, g) } }
scatter(x, dim: Dim, index: Tensor, s): linear { x: scatter_value(g, dim, index, 0), s: gather(g, dim, index) }
scatter.value(x, dim: Dim, index: Tensor, value: Scalar): linear "ScatterBackward1" { x: scatter_value(g, dim, index, 0) }
scatter_add(x, dim: Dim, index: Tensor, s): linear { x: g.clone(), s: gather(g, dim, index) }
scatter_reduce(x, dim: Dim, index: Tensor, s, reduce: str, include_self: bool) -> out: other { [x, s]: rule::Scattered { dim, index, reduce, include_self }.backward(g, x, s, out) }
masked_fill(x, mask: Tensor, value: Scalar): linear { x: masked_fill(g, mask, 0) }
masked_scatter(x, mask: Tensor, s): linear { x: masked_fill(g, mask, 0), s: rule::scattered_source(g, mask, s.shape) }
masked_select(x, mask: Tensor): gather { x: rule::selected(g, x.shape, mask) }
take(x, index: Tensor): gather { x: put_with(zeros(g, x.shape), index, g, true) }
put(x, index: Tensor, s, accumulate: bool): linear { x: if accumulate { g.clone() } else { put(g, index, zeros(g, s.shape)) }, s: reshape(take(g, index), s.shape) }
}
