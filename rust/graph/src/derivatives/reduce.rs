//! Derivatives of reductions.

use crate::rules::reduce;
use corten_tables::derivatives;
use corten_tensor::ops::all::*;

derivatives! {
sum(x, dtype: DType?): linear { x: expand(g, x.shape) }
sum.dim(x, dim: Dims?, keepdim: bool, dtype: DType?): linear "SumBackward1" { x: reduce::spread(g, x.shape, dim, keepdim) }
nansum(x, dim: Dims?, keepdim: bool, dtype: DType?): linear { x: where_(isnan(x), 0.0, reduce::spread(g, x.shape, dim, keepdim)?) }
mean(x, dtype: DType?): linear { x: expand(g, x.shape) / reduce::count(x.shape, None)? }
mean.dim(x, dim: Dims?, keepdim: bool, dtype: DType?): linear "MeanBackward1" { x: reduce::spread(g, x.shape, dim, keepdim)? / reduce::count(x.shape, dim)? }
prod(x, dtype: DType?) -> out: other { x: reduce::prod(g, x, out, x.shape, None, false) }
prod.dim(x, dim: Dim, keepdim: bool, dtype: DType?) -> out: other "ProdBackward1" { x: reduce::prod(g, x, out, x.shape, Some(&[dim]), keepdim) }
amax(x, dim: Dims, keepdim: bool) -> out: gather { x: reduce::at_extreme(g, x, out, x.shape, Some(dim), keepdim) }
amin(x, dim: Dims, keepdim: bool) -> out: gather { x: reduce::at_extreme(g, x, out, x.shape, Some(dim), keepdim) }
var.correction(x, dim: Dims?, correction: Scalar?, keepdim: bool): other "VarBackward0" { x: reduce::var(g, x, x.shape, dim, correction, keepdim) }
std.correction(x, dim: Dims?, correction: Scalar?, keepdim: bool) -> out: other "StdBackward0" { x: reduce::std(g, x, out, x.shape, dim, correction, keepdim) }
var_mean.correction(x, dim: Dims?, correction: Scalar?, keepdim: bool) -> (v, m): other "VarMeanBackward0" { x: reduce::var(g, x, x.shape, dim, correction, keepdim)? + reduce::spread(g1, x.shape, dim, keepdim)? / reduce::count(x.shape, dim)? }
std_mean.correction(x, dim: Dims?, correction: Scalar?, keepdim: bool) -> (s, m): other "StdMeanBackward0" { x: reduce::std(g, x, s, x.shape, dim, correction, keepdim)? + reduce::spread(g1, x.shape, dim, keepdim)? / reduce::count(x.shape, dim)? }
linalg_vector_norm(x, ord: Scalar, dim: Dims?, keepdim: bool, dtype: DType?) -> out: other "LinalgVectorNormBackward0" { x: reduce::norm(g, x, out, x.shape, (ord, dim, keepdim)) }
_logsumexp(x, dim: Dims, keepdim: bool) -> out: other "LogsumexpBackward0" { x: reduce::restore(g, x.shape, Some(dim), keepdim)? * exp(x - reduce::restore(out, x.shape, Some(dim), keepdim)?) }
}
