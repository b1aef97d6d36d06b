//! Normalisation: sizes, PyTorch's messages, and the calls of the kernels.

use crate::core::Dims;
use crate::op::Meta;
use crate::pointwise::fresh;
use crate::tensor::Tensor;
use crate::text;
use corten_base::{DType, Operand, Result, Scalar, fail};
use corten_elementwise::{Src, Ternary};
use corten_reduce as kernels;
use smallvec::smallvec;

/// Statistics of halves are kept in float32.
fn statistics_dtype(x: &Tensor) -> DType {
    if matches!(x.dtype(), DType::F16 | DType::BF16) { DType::F32 } else { x.dtype() }
}

fn need_float(name: &str, x: &Tensor) -> Result<()> {
    if !x.dtype().is_float() {
        return x.dtype().unsupported(name);
    }
    Ok(())
}

/// The elements as if row-major in the given sizes: in place where they lie so, else copied.
fn packed(x: &Tensor) -> Result<Tensor> {
    if x.core().is_contiguous() { Ok(x.clone()) } else { crate::ops::cast::contiguous(x).tensor() }
}

/// Row-major strides of up to three sizes.
fn steps<const N: usize>(sizes: [i64; N]) -> [i64; N] {
    let mut strides = [1; N];
    for d in (0..N.saturating_sub(1)).rev() {
        strides[d] = strides[d + 1] * sizes[d + 1].max(1);
    }
    strides
}

fn optional<'a>(x: Option<&'a Tensor>) -> Result<Option<Operand<'a>>> {
    x.map(|x| x.core().operand()).transpose()
}

/// Rows and columns of `layer_norm`: the last dimensions are a column.
fn rows(x: &Tensor, normalized: &[i64]) -> [i64; 2] {
    let lead = x.ndim() - normalized.len();
    [x.sizes()[..lead].iter().product(), normalized.iter().product()]
}

/// Refuses a shape that is not the end of the input's, and parameters of another.
pub fn check_layer(x: &Tensor, normalized: &[i64], weight: Option<&Tensor>, bias: Option<&Tensor>) -> Result<()> {
    if normalized.is_empty() {
        fail!(
            Runtime,
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got normalized_shape = {}",
            text::sizes(normalized)
        );
    }
    for (name, p) in [("weight", weight), ("bias", bias)] {
        if let Some(p) = p
            && p.sizes() != normalized
        {
            fail!(
                Runtime,
                "Expected {name} to be of same shape as normalized_shape, but got {name} of shape {} and normalized_shape = {}",
                text::sizes(p.sizes()),
                text::sizes(normalized)
            );
        }
    }
    if x.ndim() < normalized.len() || x.sizes()[x.ndim() - normalized.len()..] != *normalized {
        let wanted: Vec<String> = normalized.iter().map(i64::to_string).collect();
        fail!(
            Runtime,
            "Given normalized_shape={}, expected input with shape [*, {}], but got input of size{}",
            text::sizes(normalized),
            wanted.join(", "),
            text::sizes(x.sizes())
        );
    }
    Ok(())
}

/// `meta` of `native_layer_norm`: the result, means and reciprocal deviations.
pub fn layer_meta(x: &Tensor, normalized: &[i64], weight: Option<&Tensor>, bias: Option<&Tensor>) -> Result<Meta> {
    need_float("LayerNormKernelImpl", x)?;
    check_layer(x, normalized, weight, bias)?;
    let lead = x.ndim() - normalized.len();
    let sizes: Dims = x.sizes().iter().enumerate().map(|(d, &n)| if d < lead { n } else { 1 }).collect();
    let statistics = || fresh(x, sizes.clone(), statistics_dtype(x));
    Ok(smallvec![fresh(x, x.dims(), x.dtype()), statistics(), statistics()])
}

/// `kernel` of `native_layer_norm`.
pub fn layer(
    x: &Tensor,
    normalized: &[i64],
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
    eps: f64,
    outs: &[Tensor],
) -> Result<()> {
    if x.numel() == 0 {
        return Ok(());
    }
    let x = packed(x)?;
    let [weight, bias] = [flat(weight)?, flat(bias)?];
    let (matrix, vector) = (rows(&x, normalized), [rows(&x, normalized)[0]]);
    let (across, down) = (steps(matrix), steps(vector));
    kernels::layer_norm(
        outs[0].core().operand_as(&matrix, &across)?,
        outs[1].core().operand_as(&vector, &down)?,
        outs[2].core().operand_as(&vector, &down)?,
        x.core().operand_as(&matrix, &across)?,
        optional(weight.as_ref())?,
        optional(bias.as_ref())?,
        eps,
    )
}

/// The elements of a parameter as a vector.
fn flat(x: Option<&Tensor>) -> Result<Option<Tensor>> {
    x.map(super::lines::flat).transpose()
}

/// `meta` of `native_layer_norm_backward`: the gradients of input, weight and bias.
pub fn layer_backward_meta(x: &Tensor, normalized: &[i64]) -> Result<Meta> {
    need_float("LayerNormKernelImpl", x)?;
    check_layer(x, normalized, None, None)?;
    let parameter = || fresh(x, normalized, x.dtype());
    Ok(smallvec![fresh(x, x.dims(), x.dtype()), parameter(), parameter()])
}

/// `kernel` of `native_layer_norm_backward`.
pub fn layer_backward(
    g: &Tensor,
    x: &Tensor,
    normalized: &[i64],
    [mean, rstd]: [&Tensor; 2],
    weight: Option<&Tensor>,
    outs: &[Tensor],
) -> Result<()> {
    if x.numel() == 0 {
        return outs.iter().try_for_each(|out| corten_elementwise::fill(out.core().operand()?, Scalar::Int(0)));
    }
    let (g, x, weight) = (packed(g)?, packed(x)?, flat(weight)?);
    let matrix = rows(&x, normalized);
    let ([count], [columns]) = ([matrix[0]], [matrix[1]]);
    let across = steps(matrix);
    let vector = |t: &Tensor| flat(Some(t));
    let (mean, rstd) = (vector(mean)?, vector(rstd)?);
    let (Some(mean), Some(rstd)) = (mean, rstd) else { fail!(Runtime, "layer_norm needs its statistics") };
    kernels::layer_norm_backward(
        outs[0].core().operand_as(&matrix, &across)?,
        Some(outs[1].core().operand_as(&[columns], &[1])?),
        Some(outs[2].core().operand_as(&[columns], &[1])?),
        g.core().operand_as(&matrix, &across)?,
        x.core().operand_as(&matrix, &across)?,
        mean.core().operand_as(&[count], &[1])?,
        rstd.core().operand_as(&[count], &[1])?,
        optional(weight.as_ref())?,
    )
}

/// The running statistics of `batch_norm`, and how they change.
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub struct Running<'a> {
    pub mean: Option<&'a Tensor>,
    pub var: Option<&'a Tensor>,
    pub training: bool,
    pub momentum: f64,
    pub eps: f64,
}

/// N × C × S.
fn volume(x: &Tensor) -> [i64; 3] {
    [x.sizes()[0], x.sizes()[1], x.sizes()[2..].iter().product()]
}

/// `meta` of `native_batch_norm`: the result, means and reciprocal deviations.
pub fn batch_meta(x: &Tensor, parameters: [Option<&Tensor>; 2], running: Running) -> Result<Meta> {
    need_float("batch_norm", x)?;
    if x.ndim() < 2 {
        fail!(Runtime, "batch_norm: expected an input of at least 2 dimensions, got {}", text::sizes(x.sizes()));
    }
    let channels = x.sizes()[1];
    let [weight, bias] = parameters;
    let named = [("running_mean", running.mean), ("running_var", running.var), ("weight", weight), ("bias", bias)];
    for (name, p) in named {
        if let Some(p) = p
            && p.sizes() != [channels]
        {
            fail!(Runtime, "{name} should contain {channels} elements not {}", p.numel());
        }
    }
    if !running.training && (running.mean.is_none() || running.var.is_none()) {
        fail!(Runtime, "running_mean and running_var must be defined in evaluation mode");
    }
    let statistics = || fresh(x, smallvec![channels] as Dims, statistics_dtype(x));
    Ok(smallvec![fresh(x, x.dims(), x.dtype()), statistics(), statistics()])
}

/// `kernel` of `native_batch_norm`; in training it also moves the running statistics.
pub fn batch(x: &Tensor, [weight, bias]: [Option<&Tensor>; 2], running: Running, outs: &[Tensor]) -> Result<()> {
    let channels = [x.sizes()[1]];
    let var = Tensor::empty(&channels, outs[2].dtype(), x.device())?;
    let x = packed(x)?;
    let sizes = volume(&x);
    let (strides, column) = (steps(sizes), [1, channels[0], 1]);
    let (mean, rstd) = (&outs[1], &outs[2]);
    if running.training {
        if x.numel() == 0 {
            return Ok(());
        }
        let along = [0, 1, 0];
        let mean_as = mean.core().operand_as(&column, &along)?;
        kernels::batch_statistics(
            mean_as,
            var.core().operand_as(&column, &along)?,
            x.core().operand_as(&sizes, &strides)?,
        )?;
        let count = (sizes[0] * sizes[2]) as f64;
        follow(running.mean, mean, running.momentum, 1.0)?;
        follow(running.var, &var, running.momentum, count / (count - 1.0))?;
    } else if let (Some(m), Some(v)) = (running.mean, running.var) {
        crate::body::copy_values(mean, m)?;
        crate::body::copy_values(&var, v)?;
    }
    kernels::reciprocal_deviation(rstd.core().operand()?, var.core().operand()?, running.eps)?;
    kernels::batch_norm(
        outs[0].core().operand_as(&sizes, &strides)?,
        x.core().operand_as(&sizes, &strides)?,
        mean.core().operand()?,
        rstd.core().operand()?,
        optional(weight)?,
        optional(bias)?,
    )
}

/// Moves a running statistic by `momentum` towards `scale` times the batch's.
fn follow(running: Option<&Tensor>, batch: &Tensor, momentum: f64, scale: f64) -> Result<()> {
    let Some(running) = running else { return Ok(()) };
    let x = running.core().operand()?;
    let (kept, added) = (Scalar::Float(1.0 - momentum), Scalar::Float(momentum * scale));
    let compute = x.dtype().compute();
    corten_elementwise::binary(corten_elementwise::Binary::mul, compute, x, Src::Operand(x), Src::Scalar(kept))?;
    let y = Src::Operand(batch.core().operand()?);
    corten_elementwise::ternary(Ternary::add_scaled, compute, x, Src::Operand(x), y, Src::Scalar(added))?;
    running.core().bump_version();
    Ok(())
}

/// `meta` of `native_batch_norm_backward`: the gradients of input, weight and bias.
pub fn batch_backward_meta(x: &Tensor) -> Result<Meta> {
    need_float("batch_norm_backward", x)?;
    let parameter = || fresh(x, smallvec![x.sizes()[1]] as Dims, statistics_dtype(x));
    Ok(smallvec![fresh(x, x.dims(), x.dtype()), parameter(), parameter()])
}

/// `kernel` of `native_batch_norm_backward`.
pub fn batch_backward(
    g: &Tensor,
    x: &Tensor,
    weight: Option<&Tensor>,
    [mean, rstd]: [&Tensor; 2],
    training: bool,
    outs: &[Tensor],
) -> Result<()> {
    let (g, x) = (packed(g)?, packed(x)?);
    let sizes = volume(&x);
    let strides = steps(sizes);
    kernels::batch_norm_backward(
        Some(outs[0].core().operand_as(&sizes, &strides)?),
        Some(outs[1].core().operand()?),
        Some(outs[2].core().operand()?),
        g.core().operand_as(&sizes, &strides)?,
        x.core().operand_as(&sizes, &strides)?,
        mean.core().operand()?,
        rstd.core().operand()?,
        optional(weight)?,
        training,
    )
}
