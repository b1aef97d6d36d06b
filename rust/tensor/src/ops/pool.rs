//! Pooling over one to three spatial dimensions.

use crate::pointwise::fresh;
use crate::rules::pool::{self, Windows};
use corten_tables::ops;
use smallvec::smallvec;

ops! { family = pool;

/// The largest element of each window of (N, C, L), and its position in the flattened spatial dimensions.
max_pool1d_with_indices(input: Tensor, kernel_size: Ints1, stride: Ints1 = [], padding: Ints1 = 0, dilation: Ints1 = 1, ceil_mode: bool = false) -> (output: Tensor, indices: Tensor) { meta: pool::window_meta("max_pool1d", input, Windows { kernel: kernel_size, stride, padding, dilation, ceil: ceil_mode }, true); kernel: pool::max(input, Windows { kernel: kernel_size, stride, padding, dilation, ceil: ceil_mode }, outs); forms: fn; domain: pool(1) }
/// The largest element of each window of (N, C, L).
max_pool1d(input: Tensor, kernel_size: Ints1, stride: Ints1 = [], padding: Ints1 = 0, dilation: Ints1 = 1, ceil_mode: bool = false) -> Tensor { composite: max_pool1d_with_indices_with(input, kernel_size, stride, padding, dilation, ceil_mode).pick(0); forms: fn; domain: pool(1) }
/// The mean of each window of (N, C, L).
avg_pool1d(input: Tensor, kernel_size: Ints1, stride: Ints1 = [], padding: Ints1 = 0, ceil_mode: bool = false, count_include_pad: bool = true) -> Tensor { meta: pool::window_meta("avg_pool1d", input, Windows { kernel: kernel_size, stride, padding, dilation: &[1], ceil: ceil_mode }, false); kernel: pool::avg(input, Windows { kernel: kernel_size, stride, padding, dilation: &[1], ceil: ceil_mode }, count_include_pad, None, &outs[0]); forms: fn; domain: pool(1) }
/// The means of (N, C, L) over windows that give the output size.
adaptive_avg_pool1d(input: Tensor, output_size: Ints1) -> Tensor { meta: pool::adaptive_meta("adaptive_avg_pool1d", input, output_size, false); kernel: pool::adaptive_avg(input, 1, &outs[0]); forms: fn; domain: pool(1) }
/// The largest elements of (N, C, L) over windows that give the output size, and their positions.
adaptive_max_pool1d(input: Tensor, output_size: Ints1) -> (output: Tensor, indices: Tensor) { meta: pool::adaptive_meta("adaptive_max_pool1d", input, output_size, true); kernel: pool::adaptive_max(input, 1, outs); forms: fn; domain: pool(1) }

/// The largest element of each window of (N, C, H, W), and its position in the flattened spatial dimensions.
max_pool2d_with_indices(input: Tensor, kernel_size: Ints2, stride: Ints2 = [], padding: Ints2 = 0, dilation: Ints2 = 1, ceil_mode: bool = false) -> (output: Tensor, indices: Tensor) { meta: pool::window_meta("max_pool2d", input, Windows { kernel: kernel_size, stride, padding, dilation, ceil: ceil_mode }, true); kernel: pool::max(input, Windows { kernel: kernel_size, stride, padding, dilation, ceil: ceil_mode }, outs); forms: fn; domain: pool(2) }
/// The largest element of each window of (N, C, H, W).
max_pool2d(input: Tensor, kernel_size: Ints2, stride: Ints2 = [], padding: Ints2 = 0, dilation: Ints2 = 1, ceil_mode: bool = false) -> Tensor { composite: max_pool2d_with_indices_with(input, kernel_size, stride, padding, dilation, ceil_mode).pick(0); forms: fn; domain: pool(2) }
/// The mean of each window of (N, C, H, W).
avg_pool2d(input: Tensor, kernel_size: Ints2, stride: Ints2 = [], padding: Ints2 = 0, ceil_mode: bool = false, count_include_pad: bool = true, divisor_override: int?) -> Tensor { meta: pool::window_meta("avg_pool2d", input, Windows { kernel: kernel_size, stride, padding, dilation: &[1, 1], ceil: ceil_mode }, false); kernel: pool::avg(input, Windows { kernel: kernel_size, stride, padding, dilation: &[1, 1], ceil: ceil_mode }, count_include_pad, divisor_override, &outs[0]); forms: fn; domain: pool(2) }
/// The means of (N, C, H, W) over windows that give the output size.
adaptive_avg_pool2d(input: Tensor, output_size: Ints2) -> Tensor { meta: pool::adaptive_meta("adaptive_avg_pool2d", input, output_size, false); kernel: pool::adaptive_avg(input, 2, &outs[0]); forms: fn; domain: pool(2) }
/// The largest elements of (N, C, H, W) over windows that give the output size, and their positions.
adaptive_max_pool2d(input: Tensor, output_size: Ints2) -> (output: Tensor, indices: Tensor) { meta: pool::adaptive_meta("adaptive_max_pool2d", input, output_size, true); kernel: pool::adaptive_max(input, 2, outs); forms: fn; domain: pool(2) }

/// The largest element of each window of (N, C, D, H, W), and its position in the flattened spatial dimensions.
max_pool3d_with_indices(input: Tensor, kernel_size: Ints3, stride: Ints3 = [], padding: Ints3 = 0, dilation: Ints3 = 1, ceil_mode: bool = false) -> (output: Tensor, indices: Tensor) { meta: pool::window_meta("max_pool3d", input, Windows { kernel: kernel_size, stride, padding, dilation, ceil: ceil_mode }, true); kernel: pool::max(input, Windows { kernel: kernel_size, stride, padding, dilation, ceil: ceil_mode }, outs); forms: fn; domain: pool(3) }
/// The largest element of each window of (N, C, D, H, W).
max_pool3d(input: Tensor, kernel_size: Ints3, stride: Ints3 = [], padding: Ints3 = 0, dilation: Ints3 = 1, ceil_mode: bool = false) -> Tensor { composite: max_pool3d_with_indices_with(input, kernel_size, stride, padding, dilation, ceil_mode).pick(0); forms: fn; domain: pool(3) }
/// The mean of each window of (N, C, D, H, W).
avg_pool3d(input: Tensor, kernel_size: Ints3, stride: Ints3 = [], padding: Ints3 = 0, ceil_mode: bool = false, count_include_pad: bool = true, divisor_override: int?) -> Tensor { meta: pool::window_meta("avg_pool3d", input, Windows { kernel: kernel_size, stride, padding, dilation: &[1, 1, 1], ceil: ceil_mode }, false); kernel: pool::avg(input, Windows { kernel: kernel_size, stride, padding, dilation: &[1, 1, 1], ceil: ceil_mode }, count_include_pad, divisor_override, &outs[0]); forms: fn; domain: pool(3) }
/// The means of (N, C, D, H, W) over windows that give the output size.
adaptive_avg_pool3d(input: Tensor, output_size: Ints3) -> Tensor { meta: pool::adaptive_meta("adaptive_avg_pool3d", input, output_size, false); kernel: pool::adaptive_avg(input, 3, &outs[0]); forms: fn; domain: pool(3) }
/// The largest elements of (N, C, D, H, W) over windows that give the output size, and their positions.
adaptive_max_pool3d(input: Tensor, output_size: Ints3) -> (output: Tensor, indices: Tensor) { meta: pool::adaptive_meta("adaptive_max_pool3d", input, output_size, true); kernel: pool::adaptive_max(input, 3, outs); forms: fn; domain: pool(3) }

/// The gradient of a maximum over windows of `spatial` dimensions: each element goes back where it came from.
_max_pool_backward(grad_output: Tensor, indices: Tensor, input_size: Sizes, spatial: int) -> Tensor { meta: Ok(smallvec![fresh(grad_output, input_size, grad_output.dtype())]); kernel: pool::max_backward(grad_output, indices, spatial as usize, &outs[0]); check: none }
/// The gradient of a mean over windows: each element is shared out.
_avg_pool_backward(grad_output: Tensor, input_size: Sizes, kernel_size: Sizes, stride: Sizes, padding: Sizes, ceil_mode: bool, count_include_pad: bool, divisor_override: int?) -> Tensor { meta: Ok(smallvec![fresh(grad_output, input_size, grad_output.dtype())]); kernel: pool::avg_backward(grad_output, Windows { kernel: kernel_size, stride, padding, dilation: &[], ceil: ceil_mode }, count_include_pad, divisor_override, &outs[0]); check: none }
/// The gradient of a mean over windows of `spatial` dimensions that give a size.
_adaptive_avg_pool_backward(grad_output: Tensor, input_size: Sizes, spatial: int) -> Tensor { meta: Ok(smallvec![fresh(grad_output, input_size, grad_output.dtype())]); kernel: pool::adaptive_avg_backward(grad_output, spatial as usize, &outs[0]); check: none }

}
