//! Derivatives of convolutions, pooling and normalisation.

use crate::rules::complex::c;
use crate::rules::distance;
use crate::rules::neural::{self, Convolution};
use corten_tables::derivatives;
use corten_tensor::ops::all::*;

derivatives! {
convolution(x, w, b, stride: Sizes, padding: Sizes, dilation: Sizes, transposed: bool, output_padding: Sizes, groups: int): bilinear { x: convolution_backward_input(g, c(w), x.shape, stride, padding, dilation, transposed, output_padding, groups), w: convolution_backward_weight(g, c(x), w.shape, stride, padding, dilation, transposed, output_padding, groups), b: neural::channels(g, b.shape) }
convolution_backward_input(g0, w, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, transposed: bool, output_padding: Sizes, groups: int): bilinear "ConvolutionBackwardBackward0" { g0: Convolution { stride, padding, dilation, transposed, output_padding, groups }.forward(g, &c(w)), w: convolution_backward_weight(c(g0), g, w.shape, stride, padding, dilation, transposed, output_padding, groups) }
convolution_backward_weight(g0, x, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, transposed: bool, output_padding: Sizes, groups: int): bilinear "ConvolutionBackwardBackward0" { g0: Convolution { stride, padding, dilation, transposed, output_padding, groups }.forward(&c(x), g), x: convolution_backward_input(c(g0), g, x.shape, stride, padding, dilation, transposed, output_padding, groups) }
max_pool1d_with_indices(x, kernel: Ints1, stride: Ints1, padding: Ints1, dilation: Ints1, ceil_mode: bool) -> (out, indices): gather "MaxPool2DWithIndicesBackward0" { x: _max_pool_backward(g, indices, x.shape, 1) }
max_pool2d_with_indices(x, kernel: Ints2, stride: Ints2, padding: Ints2, dilation: Ints2, ceil_mode: bool) -> (out, indices): gather "MaxPool2DWithIndicesBackward0" { x: _max_pool_backward(g, indices, x.shape, 2) }
max_pool3d_with_indices(x, kernel: Ints3, stride: Ints3, padding: Ints3, dilation: Ints3, ceil_mode: bool) -> (out, indices): gather "MaxPool3DWithIndicesBackward0" { x: _max_pool_backward(g, indices, x.shape, 3) }
adaptive_max_pool1d(x, size: Ints1) -> (out, indices): gather "AdaptiveMaxPool2DBackward0" { x: _max_pool_backward(g, indices, x.shape, 1) }
adaptive_max_pool2d(x, size: Ints2) -> (out, indices): gather "AdaptiveMaxPool2DBackward0" { x: _max_pool_backward(g, indices, x.shape, 2) }
adaptive_max_pool3d(x, size: Ints3) -> (out, indices): gather "AdaptiveMaxPool3DBackward0" { x: _max_pool_backward(g, indices, x.shape, 3) }
_max_pool_backward(g0, indices: Tensor, size: Sizes, spatial: int): linear { g0: neural::at_maxima(g, indices, spatial) }
avg_pool1d(x, kernel: Ints1, stride: Ints1, padding: Ints1, ceil_mode: bool, include: bool): linear { x: _avg_pool_backward_with(g, x.shape, kernel, stride, padding, ceil_mode, include, None::<i64>) }
avg_pool2d(x, kernel: Ints2, stride: Ints2, padding: Ints2, ceil_mode: bool, include: bool, divisor: int?): linear "AvgPool2DBackward0" { x: _avg_pool_backward_with(g, x.shape, kernel, stride, padding, ceil_mode, include, divisor) }
avg_pool3d(x, kernel: Ints3, stride: Ints3, padding: Ints3, ceil_mode: bool, include: bool, divisor: int?): linear "AvgPool3DBackward0" { x: _avg_pool_backward_with(g, x.shape, kernel, stride, padding, ceil_mode, include, divisor) }
_avg_pool_backward(g0, size: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, ceil_mode: bool, include: bool, divisor: int?): linear { g0: neural::averages(g, kernel, stride, padding, (ceil_mode, include), divisor) }
adaptive_avg_pool1d(x, size: Ints1): linear { x: _adaptive_avg_pool_backward(g, x.shape, 1) }
adaptive_avg_pool2d(x, size: Ints2): linear "AdaptiveAvgPool2DBackward0" { x: _adaptive_avg_pool_backward(g, x.shape, 2) }
adaptive_avg_pool3d(x, size: Ints3): linear "AdaptiveAvgPool3DBackward0" { x: _adaptive_avg_pool_backward(g, x.shape, 3) }
_adaptive_avg_pool_backward(g0, size: Sizes, spatial: int): linear { g0: neural::adaptive_averages(g, g0.shape, spatial) }
native_layer_norm(x, shape: Sizes, w, b, eps: float) -> (out, mean, rstd): other { [x, w, b]: neural::layer_norm(g, x, shape, [mean, rstd], w, eps) }
native_batch_norm(x, w, b, running_mean: Tensor?, running_var: Tensor?, training: bool, momentum: float, eps: float) -> (out, mean, rstd): other { [x, w, b]: neural::batch_norm(g, x, w, [mean, rstd], training, eps) }
embedding(w, indices: Tensor, padding_idx: int, scale: bool, sparse: bool): gather { w: embedding_dense_backward(g, indices, w.shape[0], padding_idx, scale) }
embedding_dense_backward(g0, indices: Tensor, rows: int, padding_idx: int, scale: bool): linear { g0: neural::embedded(g, indices, padding_idx, scale) }
_pad_border(x, pad: Sizes, mode: str): linear { x: _pad_border_backward(g, x.shape, pad, mode) }
_pad_border_backward(g0, size: Sizes, pad: Sizes, mode: str): linear { g0: _pad_border(g, pad, mode) }
im2col(x, kernel: Ints2, dilation: Ints2, padding: Ints2, stride: Ints2): linear "Im2ColBackward0" { x: col2im(g, neural::plane(x.shape), kernel, dilation, padding, stride) }
col2im(x, size: Ints2, kernel: Ints2, dilation: Ints2, padding: Ints2, stride: Ints2): linear "Col2ImBackward0" { x: im2col(g, kernel, dilation, padding, stride) }
_cdist(x, y) -> out: other { x: distance::slope(g, x, y, out), y: distance::slope(&transpose(g, -2, -1), y, x, &transpose(out, -2, -1)) }
}
