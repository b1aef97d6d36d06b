//! Factories: tensors from sizes, ranges and values.

use crate::device::MemoryFormat;
use crate::lazy::T;
use crate::pointwise::like;
use crate::rules::factory::{Options, arange_count, formatted};
use crate::{DType, Result, Scalar, Tensor, fail, promote};
use corten_base::dtype::Category;
use corten_tables::ops;
use smallvec::smallvec;

ops! { family = factory;

/// Every element set to a zero-dimensional tensor's.
fill_.tensor(input: Tensor, value: Tensor) -> Self { composite: { if value.ndim() > 0 { fail!(Runtime, "fill_ only supports 0-dimension value tensor but got tensor with {} dimensions.", value.ndim()) } super::cast::copy_(input, value) }; forms: fn method }
/// Every element set to `value`.
fill_(input: Tensor, value: Scalar) -> Self { meta: { crate::rules::checks::convertible(value, input.dtype())?; Ok(smallvec![like(input, input.dtype())]) }; kernel: corten_elementwise::fill(outs[0].core().operand()?, value); forms: fn method }
/// A tensor like `input`, every element a zero-dimensional tensor's.
fill.tensor(input: Tensor, value: Tensor) -> Tensor { composite: fill__tensor(super::cast::clone(input), value); forms: fn }
/// A tensor like `input`, every element `value`.
fill(input: Tensor, value: Scalar) -> Tensor { meta: { crate::rules::checks::convertible(value, input.dtype())?; Ok(smallvec![like(input, input.dtype())]) }; kernel: corten_elementwise::fill(outs[0].core().operand()?, value); forms: fn; domain: any, scalar }
/// `fill_value` on the diagonal; with `wrap` also on those that follow below it in a tall matrix, a row apart.
fill_diagonal_(input: Tensor, fill_value: Scalar, wrap: bool = false) -> Self { composite: fill_diagonals(input, fill_value, wrap)?; forms: method }
/// Every element set to zero.
zero_(input: Tensor) -> Self { meta: Ok(smallvec![like(input, input.dtype())]); kernel: corten_elementwise::fill(outs[0].core().operand()?, Scalar::Int(0)); forms: fn method }
/// Uninitialised.
empty(size: Sizes..., *, memory_format: MemoryFormat?, @factory) -> Tensor { composite: { let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?; let out = o.empty(size, o.float())?; match memory_format { Some(f @ (MemoryFormat::ChannelsLast | MemoryFormat::ChannelsLast3d)) => o.finish(crate::dispatch::allocate(&[formatted(&out, f)?])?.remove(0)), _ => o.finish(out) } }; forms: fn out; check: shape; nondiff }
/// Uninitialised, with the given strides.
empty_strided(size: Sizes, stride: Sizes, *, @factory) -> Tensor { composite: { let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?; strided(size, stride, &o) }; forms: fn; check: shape; nondiff }
/// Full of zeros.
zeros(size: Sizes..., *, @factory) -> Tensor { composite: { let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?; o.full(size, Scalar::Int(0), o.float()) }; forms: fn out; nondiff }
/// Full of ones.
ones(size: Sizes..., *, @factory) -> Tensor { composite: { let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?; o.full(size, Scalar::Int(1), o.float()) }; forms: fn out; nondiff }
/// Full of one value, whose category decides the dtype.
full(size: Sizes, fill_value: Scalar, *, @factory) -> Tensor { composite: { let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?; o.full(size, fill_value, o.dtype_or(promote::of_scalar(fill_value))) }; forms: fn out; nondiff }
/// Uninitialised, like another tensor.
empty_like(input: Tensor, *, @factory, memory_format: MemoryFormat = Preserve) -> Tensor { composite: { let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?.or_like(input); o.finish(shaped(input, &o, memory_format)?) }; forms: fn; check: shape; nondiff }
/// Zeros, like another tensor.
zeros_like(input: Tensor, *, @factory, memory_format: MemoryFormat = Preserve) -> Tensor { composite: { let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?.or_like(input); o.finished(fill_(shaped(input, &o, memory_format)?, 0)) }; forms: fn; nondiff }
/// Ones, like another tensor.
ones_like(input: Tensor, *, @factory, memory_format: MemoryFormat = Preserve) -> Tensor { composite: { let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?.or_like(input); o.finished(fill_(shaped(input, &o, memory_format)?, 1)) }; forms: fn; nondiff }
/// One value, like another tensor.
full_like(input: Tensor, fill_value: Scalar, *, @factory, memory_format: MemoryFormat = Preserve) -> Tensor { composite: { let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?.or_like(input); o.finished(fill_(shaped(input, &o, memory_format)?, fill_value)) }; forms: fn; nondiff }
/// Uninitialised, with the dtype and on the device of `input`.
new_empty(input: Tensor, size: Sizes..., *, @factory) -> Tensor { composite: { let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?.or_like(input); o.finish(o.empty(size, o.float())?) }; forms: method; check: shape; nondiff }
/// Zeros, with the dtype and on the device of `input`.
new_zeros(input: Tensor, size: Sizes..., *, @factory) -> Tensor { composite: { let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?.or_like(input); o.full(size, Scalar::Int(0), o.float()) }; forms: method; nondiff }
/// Ones, with the dtype and on the device of `input`.
new_ones(input: Tensor, size: Sizes..., *, @factory) -> Tensor { composite: { let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?.or_like(input); o.full(size, Scalar::Int(1), o.float()) }; forms: method; nondiff }
/// One value, with the dtype and on the device of `input`.
new_full(input: Tensor, size: Sizes, fill_value: Scalar, *, @factory) -> Tensor { composite: { let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?.or_like(input); o.full(size, fill_value, o.float()) }; forms: method; nondiff }
/// Uninitialised, with the given strides, and with the dtype and on the device of `input`.
new_empty_strided(input: Tensor, size: Sizes, stride: Sizes, *, @factory) -> Tensor { composite: { let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?.or_like(input); strided(size, stride, &o) }; forms: method; check: shape; nondiff }
/// Uninitialised, dense, with the dimensions in the order in which `physical_layout` lists them, the outermost first.
empty_permuted(size: Sizes, physical_layout: Sizes, *, @factory) -> Tensor { composite: { let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?; strided(size, &dense_strides(size, physical_layout)?, &o) }; forms: fn; check: shape; nondiff }
/// `0, 1, …` below `end`.
arange(end: Scalar, *, @factory) -> Tensor { composite: ranged(Scalar::Int(0), end, Scalar::Int(1), &Options::new(dtype, layout, device, pin_memory, requires_grad)?); forms: fn out; nondiff }
/// From `start` in steps of `step`, below `end`.
arange.start(start: Scalar, end: Scalar, step: Scalar = 1, *, @factory) -> Tensor { composite: ranged(start, end, step, &Options::new(dtype, layout, device, pin_memory, requires_grad)?); forms: fn out; nondiff }
/// `steps` numbers from `start` to `end`, both included, equally far apart.
linspace(start: Scalar, end: Scalar, steps: int, *, @factory) -> Tensor { composite: spaced(start, end, steps, None, &Options::new(dtype, layout, device, pin_memory, requires_grad)?); forms: fn out; nondiff }
/// `steps` numbers from `base ** start` to `base ** end`, equally far apart in their exponents.
logspace(start: Scalar, end: Scalar, steps: int, base: float = 10, *, @factory) -> Tensor { composite: spaced(start, end, steps, Some(base), &Options::new(dtype, layout, device, pin_memory, requires_grad)?); forms: fn out; nondiff }
/// Ones on the diagonal, zeros elsewhere.
eye(n: int, m: int?, *, @factory) -> Tensor { composite: identity(n, m.unwrap_or(n), &Options::new(dtype, layout, device, pin_memory, requires_grad)?); forms: fn out; nondiff }
/// A zero-dimensional tensor of a number.
scalar_tensor(s: Scalar, *, @factory) -> Tensor { composite: { let o = Options::new(dtype, layout, device, pin_memory, requires_grad)?; o.full(&[], s, o.float()) }; forms: fn; nondiff }
/// Numbers `start + i * step` for each place `i`, in the dtype of `input`; integers exactly.
_range_(input: Tensor, start: Scalar, step: Scalar) -> Self { meta: Ok(smallvec![like(input, input.dtype())]); kernel: crate::rules::ranges::arange(&outs[0], start, step); check: none }
/// Numbers from `start` to `end`, or `base` to the power of these, over the places of `input`.
_space_(input: Tensor, start: Scalar, end: Scalar, base: float?) -> Self { meta: Ok(smallvec![like(input, input.dtype())]); kernel: crate::rules::ranges::space(&outs[0], start, end, base); check: none }

}

/// Uninitialised memory for a row `…_like`.
pub(super) fn shaped(input: &Tensor, options: &Options, format: MemoryFormat) -> Result<Tensor> {
    let mut spec = formatted(input, format)?;
    spec.dtype = options.dtype_or(spec.dtype);
    spec.device = options.device();
    Ok(crate::dispatch::allocate(&[spec])?.remove(0))
}

/// Uninitialised memory under the given strides.
fn strided(size: &[i64], stride: &[i64], options: &Options) -> Result<Tensor> {
    if size.len() != stride.len() {
        fail!(
            Runtime,
            "dimensionality of sizes ({}) must match dimensionality of strides ({})",
            size.len(),
            stride.len()
        );
    }
    if stride.iter().any(|&s| s < 0) {
        fail!(Runtime, "argument 'stride' must be non-negative, got {stride:?}");
    }
    options.finish(Tensor::new(crate::Core::empty_strided(size, stride, options.float(), options.device())?))
}

/// The strides of dense memory whose dimensions follow one another in the order that `layout` lists.
fn dense_strides(size: &[i64], layout: &[i64]) -> Result<Vec<i64>> {
    if layout.len() != size.len() {
        fail!(
            Runtime,
            "Number of dimensions in size does not match the length of the physical_layout; i.e. len(size) = {} is not equal to len(physical_layout) = {}",
            size.len(),
            layout.len()
        );
    }
    let mut strides = vec![0; size.len()];
    let mut step = 1i64;
    for &d in layout.iter().rev() {
        match strides.get_mut(usize::try_from(d).unwrap_or(usize::MAX)) {
            Some(stride) if *stride == 0 => {
                *stride = step;
                step = step.saturating_mul(size[d as usize].max(1));
            }
            Some(_) => fail!(Runtime, "Duplicate dim not allowed"),
            None => fail!(Runtime, "Dimension out of range (expected to be between 0 and {}, but got {d})", size.len()),
        }
    }
    Ok(strides)
}

fn ranged(start: Scalar, end: Scalar, step: Scalar, options: &Options) -> Result<Tensor> {
    let all_ints = [start, end, step].iter().all(|s| s.category() <= Category::Int);
    if [start, end, step].iter().any(|s| s.category() == Category::Complex) {
        fail!(Type, "arange(): 'start', 'end' and 'step' must be real numbers");
    }
    let dtype = options.dtype_or(if all_ints { DType::I64 } else { promote::default_float() });
    if dtype == DType::Bool {
        fail!(NotImplemented, "\"arange_cpu\" not implemented for 'Bool'");
    }
    // PyTorch counts in int64 what int64 shall hold, and all else in float64.
    let finite = [start, end, step].iter().all(|s| s.to_f64().is_finite());
    let count = match (all_ints || (dtype == DType::I64 && finite), step.to_i64()) {
        (true, step) if step != 0 => {
            let (start, end) = (start.to_i64() as i128, end.to_i64() as i128);
            if (step > 0 && start > end) || (step < 0 && start < end) {
                fail!(Runtime, "upper bound and lower bound inconsistent with step sign");
            }
            let (span, step) = ((end - start).unsigned_abs(), (step as i128).unsigned_abs());
            span.div_ceil(step).min(i64::MAX as u128) as i64
        }
        (true, _) => fail!(Runtime, "step must be nonzero"),
        _ => arange_count(start.to_f64(), end.to_f64(), step.to_f64())?,
    };
    options.finished(_range_(options.empty(&[count], dtype)?, start, step))
}

fn spaced(start: Scalar, end: Scalar, steps: i64, base: Option<f64>, options: &Options) -> Result<Tensor> {
    if steps < 0 {
        fail!(Runtime, "number of steps must be non-negative");
    }
    if ![start, end].iter().any(|s| s.category() == Category::Complex) {
        return options.finished(_space__with(options.empty(&[steps], options.float())?, start, end, base));
    }
    let dtype = options.dtype_or(promote::default_float().to_complex());
    if base.is_some() {
        fail!(NotImplemented, "logspace(): 'start' and 'end' must be real numbers");
    }
    if !dtype.is_complex() {
        fail!(Runtime, "linspace(): complex numbers can't be safely cast to passed dtype {}", dtype.scalar_name());
    }
    let part = |start, end| -> Result<Tensor> {
        let places = options.empty(&[steps], dtype.to_real())?;
        _space__with(places, Scalar::Float(start), Scalar::Float(end), base).tensor()
    };
    let parts = |s| if let Scalar::Complex(re, im) = s { (re, im) } else { (s.to_f64(), 0.0) };
    let ((start_re, start_im), (end_re, end_im)) = (parts(start), parts(end));
    options.finished(super::binary::complex(part(start_re, end_re)?, part(start_im, end_im)?))
}

fn identity(n: i64, m: i64, options: &Options) -> Result<Tensor> {
    if n < 0 || m < 0 {
        let (name, value) = if n < 0 { ("n", n) } else { ("m", m) };
        fail!(Runtime, "{name} must be greater or equal to 0, got {value}");
    }
    let out = options.empty(&[n, m], options.float())?;
    zero_(&out).get()?;
    fill_(super::view::diagonal(&out), 1).get()?;
    options.finish(out)
}

/// Writes to the diagonal, views of which take the part of the history that it needs.
fn fill_diagonals(input: &Tensor, value: Scalar, wrap: bool) -> Result<T> {
    let (sizes, strides) = (input.dims(), input.strides());
    let [height, width, ..] = sizes[..] else { fail!(Runtime, "dimensions must larger than 1") };
    if sizes.len() > 2 {
        if sizes.iter().any(|&size| size != height) {
            fail!(Runtime, "all dimensions of input must be of equal length");
        }
        let step = [strides.iter().sum::<i64>()];
        fill_(super::view::as_strided_with(input, [height], step, input.core().offset), value).get()?;
        return Ok(T::from(input));
    }
    let mut top = 0;
    while top == 0 || (wrap && top < height) {
        let below = super::view::narrow(input, 0, top, height - top);
        fill_(super::view::diagonal(below), value).get()?;
        top += width + 1;
    }
    Ok(T::from(input))
}
