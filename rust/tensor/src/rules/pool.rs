//! Pooling: sizes, PyTorch's messages, and the calls of the kernels.

use crate::core::Dims;
use crate::op::Meta;
use crate::pointwise::fresh;
use crate::tensor::Tensor;
use crate::text;
use corten_base::{DType, Operand, Result, fail};
use corten_conv as kernels;
use corten_reduce::Reduce;
use smallvec::{SmallVec, smallvec};

/// Windows: one number a spatial dimension, and how sizes are rounded.
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub struct Windows<'a> {
    pub kernel: &'a [i64],
    /// The kernel's sizes where empty.
    pub stride: &'a [i64],
    pub padding: &'a [i64],
    pub dilation: &'a [i64],
    pub ceil: bool,
}

impl<'a> Windows<'a> {
    fn steps(&self) -> &'a [i64] {
        if self.stride.is_empty() { self.kernel } else { self.stride }
    }

    fn check(&self, name: &str) -> Result<()> {
        let dims = self.kernel.len();
        for (what, list) in [("stride", self.steps()), ("padding", self.padding), ("dilation", self.dilation)] {
            if list.len() != dims {
                fail!(Runtime, "{name}: {what} must be {dims} numbers, but got {}", text::sizes(list));
            }
        }
        for (what, list, low) in
            [("kernel size", self.kernel, 1), ("stride", self.steps(), 1), ("dilation", self.dilation, 1)]
        {
            if list.iter().any(|&n| n < low) {
                fail!(Runtime, "{name}: {what} should be greater than zero, but got {}", text::sizes(list));
            }
        }
        for ((&pad, &kernel), &dilation) in self.padding.iter().zip(self.kernel).zip(self.dilation) {
            if pad < 0 {
                fail!(Runtime, "pad must be non-negative, but got pad: {pad}");
            }
            if pad > (dilation.saturating_mul(kernel - 1) + 1) / 2 {
                fail!(
                    Runtime,
                    "pad should be at most half of effective kernel size, but got pad={pad}, kernel_size={kernel} and dilation={dilation}"
                );
            }
        }
        Ok(())
    }

    /// Windows along one dimension; one that begins in the padding behind the input does not count.
    fn count(&self, d: usize, size: i64) -> i64 {
        let (step, pad) = (self.steps()[d], self.padding[d]);
        let room = size + 2 * pad - self.dilation[d].saturating_mul(self.kernel[d] - 1) - 1;
        let count = if self.ceil { room + step - 1 } else { room }.div_euclid(step) + 1;
        if self.ceil && (count - 1) * step >= size + pad { count - 1 } else { count }
    }
}

/// Refuses what is neither a batch nor one sample, with one of the last `filled` dimensions empty or of a dtype without
/// pooling.
fn need_input(name: &str, x: &Tensor, spatial: usize, filled: usize) -> Result<()> {
    let sizes = x.sizes();
    let valid = (sizes.len() == spatial + 1 || sizes.len() == spatial + 2)
        && sizes[sizes.len() - filled..].iter().all(|&n| n > 0);
    if !valid {
        fail!(
            Runtime,
            "{name}: Expected {}D or {}D (batch mode) tensor with optional 0 dim batch size for input, but got: {}",
            spatial + 1,
            spatial + 2,
            text::sizes(sizes)
        );
    }
    if x.dtype() == DType::Bool || x.dtype().is_complex() {
        return x.dtype().unsupported(name);
    }
    Ok(())
}

fn pooled(x: &Tensor, spatial: usize, sizes: impl Iterator<Item = i64>) -> Dims {
    let mut out: Dims = x.sizes()[..x.ndim() - spatial].into();
    out.extend(sizes);
    out
}

/// `meta` of pooling over windows: the result, and the places of the maxima if wanted.
pub fn window_meta(name: &str, x: &Tensor, w: Windows, indices: bool) -> Result<Meta> {
    let spatial = w.kernel.len();
    w.check(name)?;
    need_input(name, x, spatial, spatial + 1)?;
    let lead = x.ndim() - spatial;
    let out = pooled(x, spatial, (0..spatial).map(|d| w.count(d, x.sizes()[lead + d])));
    if out[lead..].iter().any(|&n| n < 1) {
        let shape = |sizes: &[i64]| sizes[lead - 1..].iter().map(i64::to_string).collect::<Vec<_>>().join("x");
        fail!(
            Runtime,
            "Given input size: ({}). Calculated output size: ({}). Output size is too small",
            shape(x.sizes()),
            shape(&out)
        );
    }
    let mut meta: Meta = smallvec![fresh(x, out.clone(), x.dtype())];
    if indices {
        meta.push(fresh(x, out, DType::I64));
    }
    Ok(meta)
}

/// `meta` of pooling to a given size; -1 keeps a dimension's.
pub fn adaptive_meta(name: &str, x: &Tensor, sizes: &[i64], indices: bool) -> Result<Meta> {
    need_input(name, x, sizes.len(), sizes.len())?;
    if sizes.iter().any(|&n| n < 0) {
        fail!(
            Runtime,
            "{name}: elements of output_size must be greater than or equal to 0 but received {}",
            text::sizes(sizes)
        );
    }
    let out = pooled(x, sizes.len(), sizes.iter().copied());
    let mut meta: Meta = smallvec![fresh(x, out.clone(), x.dtype())];
    if indices {
        meta.push(fresh(x, out, DType::I64));
    }
    Ok(meta)
}

/// Calls a kernel with operands that have a batch dimension.
fn with_batch<const N: usize>(
    tensors: [&Tensor; N],
    spatial: usize,
    kernel: impl FnOnce([Operand; N]) -> Result<()>,
) -> Result<()> {
    let shapes = tensors.map(|t| {
        let (mut sizes, mut strides) = (t.core().sizes.clone(), t.core().strides.clone());
        if sizes.len() == spatial + 1 {
            sizes.insert(0, 1);
            strides.insert(0, 1);
        }
        (sizes, strides)
    });
    let mut operands: SmallVec<[Operand; N]> = SmallVec::new();
    for (t, (sizes, strides)) in tensors.iter().zip(&shapes) {
        operands.push(t.core().operand_as(sizes, strides)?);
    }
    match operands.into_inner() {
        Ok(operands) => kernel(operands),
        Err(_) => fail!(Runtime, "expected {N} operands"),
    }
}

/// `kernel` of maxima over windows.
pub fn max(x: &Tensor, w: Windows, outs: &[Tensor]) -> Result<()> {
    with_batch([&outs[0], &outs[1], x], w.kernel.len(), |[out, indices, x]| {
        kernels::max_pool(out, Some(indices), x, w.kernel, w.steps(), w.padding, w.dilation)
    })
}

/// `kernel` of maxima to a given size.
pub fn adaptive_max(x: &Tensor, spatial: usize, outs: &[Tensor]) -> Result<()> {
    with_batch([&outs[0], &outs[1], x], spatial, |[out, indices, x]| kernels::adaptive_max_pool(out, Some(indices), x))
}

/// `kernel` of the gradient of maxima.
pub fn max_backward(g: &Tensor, indices: &Tensor, spatial: usize, out: &Tensor) -> Result<()> {
    with_batch([out, g, indices], spatial, |[gx, g, indices]| kernels::max_pool_backward(gx, g, indices))
}

/// `kernel` of means over windows.
pub fn avg(x: &Tensor, w: Windows, count_padding: bool, divisor: Option<i64>, out: &Tensor) -> Result<()> {
    with_batch([out, x], w.kernel.len(), |[out, x]| {
        kernels::avg_pool(out, x, w.kernel, w.steps(), w.padding, count_padding, divisor)
    })
}

/// `kernel` of the gradient of means over windows.
pub fn avg_backward(g: &Tensor, w: Windows, count_padding: bool, divisor: Option<i64>, out: &Tensor) -> Result<()> {
    with_batch([out, g], w.kernel.len(), |[gx, g]| {
        kernels::avg_pool_backward(gx, g, w.kernel, w.steps(), w.padding, count_padding, divisor)
    })
}

/// `kernel` of means to a given size.
pub fn adaptive_avg(x: &Tensor, spatial: usize, out: &Tensor) -> Result<()> {
    let spaces = x.ndim().saturating_sub(spatial);
    if x.dtype().is_differentiable() && out.sizes()[spaces..].iter().all(|&size| size == 1) {
        // One window over everything: a mean, which has quicker loops.
        let dims: Dims = (spaces..x.ndim()).map(|dim| dim as i64).collect();
        return super::reduce::run(Reduce::Mean, x, Some(&dims), out);
    }
    with_batch([out, x], spatial, |[out, x]| kernels::adaptive_avg_pool(out, x))
}

/// `kernel` of the gradient of means to a given size.
pub fn adaptive_avg_backward(g: &Tensor, spatial: usize, out: &Tensor) -> Result<()> {
    with_batch([out, g], spatial, |[gx, g]| kernels::adaptive_avg_pool_backward(gx, g))
}
