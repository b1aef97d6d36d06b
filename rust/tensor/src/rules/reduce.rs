//! Reductions: which dims, which dtype, and the kernel's view of the result.

use super::dims::{reduced, reduced_sizes, wrap};
use crate::core::Dims;
use crate::op::{Meta, OutSpec};
use crate::pointwise::fresh;
use crate::tensor::Tensor;
use corten_base::{DType, Operand, Result, Scalar, fail};
use corten_reduce::{self as kernels, Reduce};
use smallvec::smallvec;

/// The dtype of sums and products: as asked for, else int64 for integers and bool.
pub fn summed(input: &Tensor, dtype: Option<DType>) -> DType {
    dtype.unwrap_or(if input.dtype().is_integral(true) { DType::I64 } else { input.dtype() })
}

/// The dtype of means: as asked for, else the input's, never an integer.
pub fn averaged(input: &Tensor, dtype: Option<DType>) -> Result<DType> {
    let result = dtype.unwrap_or(input.dtype());
    if result.is_integral(true) {
        let which = if dtype.is_some() { "Optional" } else { "Input" };
        fail!(
            Runtime,
            "mean(): could not infer output dtype. {which} dtype must be either a floating point or complex dtype. Got: {}",
            result.scalar_name()
        );
    }
    Ok(result)
}

/// The dtype of `any` and `all`: bool, but uint8 for itself, as PyTorch has it.
pub fn truth(input: &Tensor) -> DType {
    if input.dtype() == DType::U8 { DType::U8 } else { DType::Bool }
}

/// `meta` of `any` and `all`, which reduce nothing over an empty list of dims.
pub fn truth_meta(input: &Tensor, dims: Option<&[i64]>, keepdim: bool) -> Result<Meta> {
    match dims {
        Some([]) => Ok(smallvec![fresh(input, input.dims(), truth(input))]),
        _ => meta(input, dims, keepdim, truth(input)),
    }
}

/// `kernel` of `any` and `all`.
pub fn run_truth(op: Reduce, input: &Tensor, dims: Option<&[i64]>, out: &Tensor) -> Result<()> {
    match dims {
        Some([]) => crate::body::evaluate(out, || crate::ops::all::ne(input, 0)),
        _ => run(op, input, dims, out),
    }
}

/// Sizes after a reduction; all dims where none is given.
pub fn spec(input: &Tensor, dims: Option<&[i64]>, keepdim: bool, dtype: DType) -> Result<OutSpec> {
    let dims = reduced(dims, input.ndim())?;
    Ok(fresh(input, reduced_sizes(input.sizes(), dims, keepdim), dtype))
}

/// `meta` of a reduction.
pub fn meta(input: &Tensor, dims: Option<&[i64]>, keepdim: bool, dtype: DType) -> Result<Meta> {
    Ok(smallvec![spec(input, dims, keepdim, dtype)?])
}

/// Refuses what has no extreme: no elements, or complex numbers.
pub fn need_elements(name: &str, input: &Tensor, dims: Option<&[i64]>) -> Result<()> {
    if input.dtype().is_complex() {
        return input.dtype().unsupported(name);
    }
    if input.numel() > 0 {
        return Ok(());
    }
    match dims {
        Some(dims) if !dims.is_empty() => {
            for &dim in dims {
                let d = wrap(dim, input.ndim())?;
                if input.sizes().get(d) == Some(&0) {
                    fail!(Index, "{name}(): Expected reduction dim {d} to have non-zero size.");
                }
            }
            Ok(())
        }
        _ => fail!(
            Runtime,
            "{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument."
        ),
    }
}

/// Refuses complex numbers.
pub fn need_real(name: &str, input: &Tensor) -> Result<()> {
    if input.dtype().is_complex() {
        fail!(Runtime, "{name} on CPU does not support complex inputs");
    }
    Ok(())
}

/// Refuses dtypes without fractions.
pub fn need_float(name: &str, input: &Tensor) -> Result<()> {
    if !input.dtype().is_differentiable() {
        fail!(Runtime, "{name} and var only support floating point and complex dtypes");
    }
    Ok(())
}

/// Calls a kernel with the result, one element for each reduced dimension.
fn kept<R>(input: &Tensor, dims: Option<&[i64]>, out: &Tensor, kernel: impl FnOnce(Operand) -> Result<R>) -> Result<R> {
    let core = out.core();
    if core.ndim() == input.ndim() {
        return kernel(core.operand()?);
    }
    let (mut sizes, mut strides) = (Dims::from_slice(&core.sizes), Dims::from_slice(&core.strides));
    for d in reduced(dims, input.ndim())?.iter() {
        sizes.insert(d, 1);
        strides.insert(d, 1);
    }
    kernel(core.operand_as(&sizes, &strides)?)
}

/// The type in which elements are joined on the way to a result of this dtype.
fn joined(op: Reduce, dtype: DType) -> DType {
    match dtype {
        DType::F16 | DType::BF16 => DType::F32,
        DType::Bool if matches!(op, Reduce::Amax | Reduce::Amin) => DType::I32,
        integer if matches!(op, Reduce::Amax | Reduce::Amin) => integer.compute(),
        integral if integral.is_integral(true) => DType::I64,
        other => other,
    }
}

/// `kernel` of a reduction.
pub fn run(op: Reduce, input: &Tensor, dims: Option<&[i64]>, out: &Tensor) -> Result<()> {
    on(input, dims, out, |out_as, x| kernels::reduce(op, joined(op, out.dtype()), out_as, x))
}

/// Calls a kernel with the result, one element for each reduced dimension, and the input.
pub fn on(
    input: &Tensor,
    dims: Option<&[i64]>,
    out: &Tensor,
    kernel: impl FnOnce(Operand, Operand) -> Result<()>,
) -> Result<()> {
    kept(input, dims, out, |out| kernel(out, input.core().operand()?))
}

/// `kernel` of variances and deviations, with or without the mean.
pub fn var(
    input: &Tensor,
    dims: Option<&[i64]>,
    correction: Option<Scalar>,
    sqrt: bool,
    outs: &[Tensor],
) -> Result<()> {
    if input.dtype().is_complex() {
        return complex_var(input, dims, correction, sqrt, outs);
    }
    let correction = correction.map_or(1.0, Scalar::to_f64);
    kept(input, dims, &outs[0], |out| match outs.get(1) {
        None => kernels::var(out, None, input.core().operand()?, correction, sqrt),
        Some(mean) => {
            kept(input, dims, mean, |mean| kernels::var(out, Some(mean), input.core().operand()?, correction, sqrt))
        }
    })
}

/// The variance of complex numbers is that of their real and of their imaginary parts, added.
fn complex_var(
    input: &Tensor,
    dims: Option<&[i64]>,
    correction: Option<Scalar>,
    sqrt: bool,
    outs: &[Tensor],
) -> Result<()> {
    use crate::ops::all as ops;
    let keepdim = outs[0].ndim() == input.ndim();
    crate::body::evaluate(&outs[0], || {
        let part = |part| ops::var_correction_with(part, dims, correction, keepdim);
        let total = part(ops::real(input)) + part(ops::imag(input));
        if sqrt { ops::sqrt(total) } else { total }
    })?;
    outs.get(1).map_or(Ok(()), |mean| run(Reduce::Mean, input, dims, mean))
}

/// `meta` of variances: one or two results.
pub fn var_meta(name: &str, input: &Tensor, dims: Option<&[i64]>, keepdim: bool, results: usize) -> Result<Meta> {
    if !input.dtype().is_differentiable() {
        fail!(Runtime, "{name} only support floating point and complex dtypes");
    }
    let dtypes = [input.dtype().to_real(), input.dtype()];
    dtypes[..results].iter().map(|&dtype| spec(input, dims, keepdim, dtype)).collect()
}

/// The dtype of a norm: the real dtype of the input or of the one asked for.
pub fn norm_dtype(input: &Tensor, dtype: Option<DType>) -> Result<DType> {
    if !input.dtype().is_differentiable() {
        fail!(
            Runtime,
            "linalg.vector_norm: Expected a floating point or complex tensor as input. Got {}",
            input.dtype().scalar_name()
        );
    }
    match dtype {
        Some(dtype) if dtype.is_complex() != input.dtype().is_complex() || !dtype.is_differentiable() => fail!(
            Runtime,
            "linalg.vector_norm: the dtype of the input ({}) should be convertible without narrowing to the specified dtype ({})",
            input.dtype().scalar_name(),
            dtype.scalar_name()
        ),
        dtype => Ok(dtype.unwrap_or(input.dtype()).to_real()),
    }
}

/// `kernel` of a vector norm; of complex numbers by their moduli.
pub fn norm(input: &Tensor, order: Scalar, dims: Option<&[i64]>, out: &Tensor) -> Result<()> {
    let moduli = match input.dtype().is_complex() {
        true => crate::ops::unary::abs(input).tensor()?,
        false => input.clone(),
    };
    run(Reduce::Norm(order.to_f64()), &moduli, dims, out)
}
