//! Derivatives of searches, sorts, scans and softmax.

use crate::rules::{order, reduce};
use corten_tables::derivatives;
use corten_tensor::ops::all::*;

derivatives! {
max(x) -> out: gather "MaxBackward1" { x: reduce::at_extreme(g, x, out, x.shape, None, false) }
min(x) -> out: gather "MinBackward1" { x: reduce::at_extreme(g, x, out, x.shape, None, false) }
max.dim(x, dim: Dim, keepdim: bool) -> (values, index): gather "MaxBackward0" { x: order::chosen(g, x.shape, dim, keepdim, index) }
min.dim(x, dim: Dim, keepdim: bool) -> (values, index): gather "MinBackward0" { x: order::chosen(g, x.shape, dim, keepdim, index) }
median(x) -> out: gather { x: reduce::at_extreme(g, x, out, x.shape, None, false) }
nanmedian(x) -> out: gather { x: reduce::at_extreme(g, x, out, x.shape, None, false) }
median.dim(x, dim: Dim, keepdim: bool) -> (values, index): gather "MedianBackward1" { x: order::chosen(g, x.shape, dim, keepdim, index) }
nanmedian.dim(x, dim: Dim, keepdim: bool) -> (values, index): gather "NanmedianBackward1" { x: order::chosen(g, x.shape, dim, keepdim, index) }
mode(x, dim: Dim, keepdim: bool) -> (values, index): gather { x: order::chosen(g, x.shape, dim, keepdim, index) }
kthvalue(x, k: int, dim: Dim, keepdim: bool) -> (values, index): gather { x: order::chosen(g, x.shape, dim, keepdim, index) }
topk(x, k: int, dim: Dim, largest: bool, sorted: bool) -> (values, index): gather { x: order::chosen(g, x.shape, dim, true, index) }
sort(x, dim: Dim, descending: bool, stable: bool) -> (values, index): gather { x: order::chosen(g, x.shape, dim, true, index) }
cumsum(x, dim: Dim, dtype: DType?): linear { x: order::from_end(g, dim) }
cumprod(x, dim: Dim, dtype: DType?) -> out: other { x: order::cumprod(g, x, out, x.shape, dim) }
_logcumsumexp(x, dim: Dim) -> out: other { x: order::logcumsumexp(g, x, out, dim) }
cummax(x, dim: Dim) -> (values, index): gather { x: order::cumulated(g, x.shape, dim, index) }
cummin(x, dim: Dim) -> (values, index): gather { x: order::cumulated(g, x.shape, dim, index) }
_softmax(x, dim: Dim) -> out: other "SoftmaxBackward0" { x: _softmax_backward(g, out, dim) }
_log_softmax(x, dim: Dim) -> out: other "LogSoftmaxBackward0" { x: _log_softmax_backward(g, out, dim) }
_softmax_backward(g0, y, dim: Dim): other "SoftmaxBackwardBackward0" { g0: _softmax_backward(g, y, dim), y: g * (g0 - order::sum(&(g0 * y), dim)) - g0 * order::sum(&(g * y), dim) }
_log_softmax_backward(g0, y, dim: Dim): other "LogSoftmaxBackwardBackward0" { g0: g - order::sum(&(g * exp(y)), dim), y: -(g * exp(y) * order::sum(g0, dim)) }
}
