//! Distances between rows: sizes, and the calls of the kernel.

use crate::op::Meta;
use crate::ops::all as ops;
use crate::pointwise::{broadcast, common_device, fresh};
use crate::promote;
use crate::tensor::Tensor;
use crate::value::Number;
use corten_base::{DType, Result, fail};
use smallvec::smallvec;

/// The leading sizes of two lists of rows, broadcast.
fn batch(x: &Tensor, y: &Tensor) -> Result<crate::Dims> {
    broadcast([x, y].map(|x| &x.sizes()[..x.ndim() - 2]))
}

/// `meta` of the distances between the rows of two tensors of at least two dimensions.
pub fn meta(x: &Tensor, y: &Tensor) -> Result<Meta> {
    common_device([x, y])?;
    let dtype = promote::result_type(&[Number::Tensor(x), Number::Tensor(y)]);
    if !dtype.is_float() || x.ndim() < 2 || y.ndim() < 2 {
        fail!(Runtime, "distances are those of rows of floats, but got {dtype}");
    }
    let mut sizes = batch(x, y)?;
    sizes.extend([x.sizes()[x.ndim() - 2], y.sizes()[y.ndim() - 2]]);
    Ok(smallvec![fresh(x, sizes, dtype)])
}

/// `kernel` of the distances.
pub fn run(x: &Tensor, y: &Tensor, out: &Tensor) -> Result<()> {
    let compute = if out.dtype() == DType::F64 { DType::F64 } else { DType::F32 };
    let lead = batch(x, y)?;
    let batches: i64 = lead.iter().product();
    let rows = |x: &Tensor| {
        let tail = &x.sizes()[x.ndim() - 2..];
        let all = ops::expand(ops::to(x, compute), [&lead[..], tail].concat());
        ops::contiguous(ops::reshape(all, [&[batches], tail].concat())).tensor()
    };
    let (x, y) = (rows(x)?, rows(y)?);
    let (p, r) = (x.sizes()[1], y.sizes()[1]);
    let (sizes, strides) = ([batches, p, r], [p * r, r, 1]);
    let direct = out.dtype() == compute && out.core().is_contiguous();
    let found = if direct { out.clone() } else { Tensor::empty(out.sizes(), compute, out.device())? };
    let into = found.core().operand_as(&sizes, &strides)?;
    corten_gemm::distances(into, x.core().operand()?, y.core().operand()?)?;
    if direct { Ok(()) } else { crate::body::copy_values(out, &found) }
}
