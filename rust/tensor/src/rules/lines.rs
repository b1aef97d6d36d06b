//! Operators along one dimension: searches, sorting, scans, softmax.

use super::dims::{reduced, reduced_sizes, wrap};
use crate::core::Dims;
use crate::op::Meta;
use crate::pointwise::fresh;
use crate::tensor::Tensor;
use corten_base::{DType, Operand, Result, fail};
use corten_reduce::{self as kernels, Scan, Seek};
use smallvec::{SmallVec, smallvec};

/// Sizes and strides with at least one dimension: a zero-dimensional tensor is a line of one element.
fn at_least_line(x: &Tensor) -> (Dims, Dims) {
    match x.ndim() {
        0 => (smallvec![1], smallvec![1]),
        _ => (x.core().sizes.clone(), x.core().strides.clone()),
    }
}

/// Calls a kernel along `dim` with operands of the input's rank; results may lack the dimension.
fn along<const N: usize>(
    input: &Tensor,
    dim: i64,
    outs: [&Tensor; N],
    kernel: impl FnOnce(Operand, [Operand; N], usize) -> Result<()>,
) -> Result<()> {
    let d = wrap(dim, input.ndim())?;
    let (sizes, strides) = at_least_line(input);
    let mut shapes: SmallVec<[(Dims, Dims); 2]> = SmallVec::new();
    for out in outs {
        let (mut out_sizes, mut out_strides) = (out.core().sizes.clone(), out.core().strides.clone());
        if out_sizes.len() < sizes.len() {
            out_sizes.insert(d, 1);
            out_strides.insert(d, 1);
        }
        shapes.push((out_sizes, out_strides));
    }
    let mut operands: SmallVec<[Operand; N]> = SmallVec::new();
    for (out, (sizes, strides)) in outs.iter().zip(&shapes) {
        operands.push(out.core().operand_as(sizes, strides)?);
    }
    match operands.into_inner() {
        Ok(operands) => kernel(input.core().operand_as(&sizes, &strides)?, operands, d),
        Err(_) => fail!(Runtime, "expected {N} results"),
    }
}

/// Every element in one line, without a copy where the elements already follow one another.
pub fn flat(x: &Tensor) -> Result<Tensor> {
    let numel = x.numel() as i64;
    if x.core().is_contiguous() {
        return Ok(Tensor::new(x.core().with_geometry(smallvec![numel], smallvec![1], x.core().offset)));
    }
    let out = Tensor::empty(x.sizes(), x.dtype(), x.device())?;
    crate::body::copy_values(&out, x)?;
    flat(&out)
}

fn need_order(name: &str, input: &Tensor) -> Result<()> {
    if input.dtype().is_complex() {
        return input.dtype().unsupported(name);
    }
    Ok(())
}

/// `meta` of `argmax` and `argmin`.
pub fn arg_meta(name: &str, input: &Tensor, dim: Option<i64>, keepdim: bool) -> Result<Meta> {
    need_order(name, input)?;
    if input.dtype() == DType::Bool {
        fail!(Runtime, "{name}(): does not support bool input");
    }
    match dim {
        None if input.numel() == 0 => {
            fail!(Index, "{name}(): Expected reduction dim to be specified for input.numel() == 0.")
        }
        None => super::reduce::meta(input, None, keepdim, DType::I64),
        Some(dim) => {
            need_line(name, input, dim)?;
            super::reduce::meta(input, Some(&[dim]), keepdim, DType::I64)
        }
    }
}

/// Refuses a dimension without elements, where one must be found.
fn need_line(name: &str, input: &Tensor, dim: i64) -> Result<()> {
    let d = wrap(dim, input.ndim())?;
    if input.sizes().get(d) == Some(&0) {
        fail!(Index, "{name}(): Expected reduction dim {d} to have non-zero size.");
    }
    Ok(())
}

/// `kernel` of `argmax` and `argmin`: over all elements where no dim is given.
pub fn arg(op: Seek, input: &Tensor, dim: Option<i64>, out: &Tensor) -> Result<()> {
    match dim {
        Some(dim) => along(input, dim, [out], |x, [index], d| kernels::arg_reduce(op, None, index, x, d)),
        None => {
            let place = out.core().operand_as(&[1], &[1])?;
            kernels::arg_reduce(op, None, place, flat(input)?.core().operand()?, 0)
        }
    }
}

/// `meta` of a search along a dimension: values and their indices.
pub fn seek_meta(name: &str, input: &Tensor, dim: i64, keepdim: bool) -> Result<Meta> {
    need_order(name, input)?;
    need_line(name, input, dim)?;
    let sizes = reduced_sizes(input.sizes(), reduced(Some(&[dim]), input.ndim())?, keepdim);
    Ok(smallvec![fresh(input, sizes.clone(), input.dtype()), fresh(input, sizes, DType::I64)])
}

/// `kernel` of a search along a dimension.
pub fn seek(op: Seek, input: &Tensor, dim: i64, outs: &[Tensor]) -> Result<()> {
    if input.numel() == 0 {
        return Ok(());
    }
    along(input, dim, [&outs[0], &outs[1]], |x, [values, indices], d| {
        kernels::arg_reduce(op, Some(values), indices, x, d)
    })
}

/// `meta` of a search over all elements.
pub fn seek_all_meta(name: &str, input: &Tensor) -> Result<Meta> {
    need_order(name, input)?;
    Ok(smallvec![fresh(input, Dims::new(), input.dtype())])
}

/// `kernel` of a search over all elements; of none, not-a-number.
pub fn seek_all(op: Seek, input: &Tensor, out: &Tensor) -> Result<()> {
    if input.numel() == 0 {
        return corten_elementwise::fill(out.core().operand()?, corten_base::Scalar::Float(f64::NAN));
    }
    let index = Tensor::empty(&[1], DType::I64, out.device())?;
    let value = out.core().operand_as(&[1], &[1])?;
    kernels::arg_reduce(op, Some(value), index.core().operand()?, flat(input)?.core().operand()?, 0)
}

/// `meta` of `kthvalue`.
pub fn kth_meta(input: &Tensor, k: i64, dim: i64, keepdim: bool) -> Result<Meta> {
    let d = wrap(dim, input.ndim())?;
    need_line("kthvalue", input, dim)?;
    let size = input.sizes().get(d).copied().unwrap_or(1);
    if k < 1 || k > size {
        fail!(Runtime, "kthvalue(): selected number k out of range for dimension {d}");
    }
    seek_meta("kthvalue", input, dim, keepdim)
}

/// `meta` of `topk`, and of `sort` with all elements.
pub fn top_meta(input: &Tensor, k: Option<i64>, dim: i64) -> Result<Meta> {
    let d = wrap(dim, input.ndim())?;
    need_order("sort", input)?;
    let mut sizes = input.dims();
    if let Some(k) = k {
        if input.dtype() == DType::Bool {
            fail!(Runtime, "topk does not support bool dtypes on CPU");
        }
        let size = sizes.get(d).copied().unwrap_or(1);
        if k < 0 || k > size {
            fail!(Runtime, "selected index k out of range");
        }
        if let Some(size) = sizes.get_mut(d) {
            *size = k;
        }
    }
    Ok(smallvec![fresh(input, sizes.clone(), input.dtype()), fresh(input, sizes, DType::I64)])
}

/// `kernel` of `topk` and `sort`.
pub fn top(input: &Tensor, k: Option<i64>, dim: i64, largest: bool, sorted: bool, outs: &[Tensor]) -> Result<()> {
    if outs[0].numel() == 0 {
        return Ok(());
    }
    // A zero-dimensional result is a line of one element, like its input.
    along(input, dim, [&outs[0], &outs[1]], |x, [values, indices], d| match k {
        None => kernels::sort(values, indices, x, d, largest),
        Some(k) => kernels::topk(values, indices, x, k as usize, d, largest, sorted),
    })
}

/// `meta` of a scan.
pub fn scan_meta(input: &Tensor, dim: i64, dtype: DType) -> Result<Meta> {
    wrap(dim, input.ndim())?;
    Ok(smallvec![fresh(input, input.dims(), dtype)])
}

/// `kernel` of a scan.
pub fn scan(op: Scan, input: &Tensor, dim: i64, out: &Tensor) -> Result<()> {
    let compute = match out.dtype() {
        DType::F16 | DType::BF16 => DType::F32,
        integral if integral.is_integral(true) => DType::I64,
        other => other,
    };
    along(input, dim, [out], |x, [out], d| kernels::cumulate(op, compute, out, x, d))
}

/// `meta` of `cummax` and `cummin`.
pub fn extreme_meta(name: &str, input: &Tensor, dim: i64) -> Result<Meta> {
    need_order(name, input)?;
    wrap(dim, input.ndim())?;
    Ok(smallvec![fresh(input, input.dims(), input.dtype()), fresh(input, input.dims(), DType::I64)])
}

/// `kernel` of `cummax` and `cummin`.
pub fn extreme(largest: bool, input: &Tensor, dim: i64, outs: &[Tensor]) -> Result<()> {
    along(input, dim, [&outs[0], &outs[1]], |x, [values, indices], d| {
        kernels::cum_extreme(largest, values, indices, x, d)
    })
}

/// `meta` of `softmax` and its logarithm.
pub fn softmax_meta(name: &str, input: &Tensor, dim: i64) -> Result<Meta> {
    let last = wrap(dim, input.ndim())? + 1 == input.ndim();
    if !input.dtype().is_float() {
        let place = if last { "_lastdim" } else { "" };
        return input.dtype().unsupported(&format!("{name}{place}_kernel_impl"));
    }
    Ok(smallvec![fresh(input, input.dims(), input.dtype())])
}

/// `kernel` of `softmax` and its logarithm.
pub fn softmax(input: &Tensor, dim: i64, log: bool, out: &Tensor) -> Result<()> {
    along(input, dim, [out], |x, [out], d| kernels::softmax(out, x, d, log))
}

/// `kernel` of the gradient of `softmax` and its logarithm.
pub fn softmax_backward(g: &Tensor, output: &Tensor, dim: i64, log: bool, out: &Tensor) -> Result<()> {
    let (sizes, strides) = at_least_line(g);
    let g = g.core().operand_as(&sizes, &strides)?;
    along(output, dim, [out], |y, [out], d| kernels::softmax_backward(out, g, y, d, log))
}
