//! Losses: sizes, PyTorch's messages, and the calls of the kernels.

use super::checks::cpp_name;
use crate::core::Dims;
use crate::lazy::T;
use crate::op::Meta;
use crate::ops::all as ops;
use crate::pointwise::{broadcast, fresh};
use crate::promote;
use crate::tensor::Tensor;
use crate::text;
use crate::value::Number;
use corten_base::{DType, Result, fail};
use corten_reduce::{self as kernels, Reduction};
use smallvec::smallvec;

/// What `reduction` (0, 1 or 2) asks for.
pub fn reduction(code: i64) -> Result<Reduction> {
    match code {
        0 => Ok(Reduction::None),
        1 => Ok(Reduction::Mean),
        2 => Ok(Reduction::Sum),
        _ => fail!(Runtime, "reduction must be 0 (none), 1 (mean) or 2 (sum), got {code}"),
    }
}

/// Reduces the losses of elements.
pub fn reduced(losses: T, code: i64) -> Result<T> {
    Ok(match reduction(code)? {
        Reduction::None => losses,
        Reduction::Mean => ops::mean(losses),
        Reduction::Sum => ops::sum(losses),
    })
}

/// `meta` of a loss of pairs.
pub fn pair_meta(x: &Tensor, target: &Tensor, code: i64) -> Result<Meta> {
    let sizes = broadcast([x.sizes(), target.sizes()])?;
    let dtype = promote::result_type(&[Number::Tensor(x), Number::Tensor(target)]);
    let reduction = reduction(code)?;
    if dtype.is_integral(true) && reduction == Reduction::Mean {
        fail!(
            Runtime,
            "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: {}",
            dtype.scalar_name()
        );
    }
    Ok(smallvec![fresh(x, if reduction == Reduction::None { sizes } else { Dims::new() }, dtype)])
}

/// Refuses what is not real floating point.
pub fn need_float(kernel: &str, x: &Tensor, target: &Tensor) -> Result<()> {
    let dtype = promote::result_type(&[Number::Tensor(x), Number::Tensor(target)]);
    if !dtype.is_float() {
        return dtype.unsupported(kernel);
    }
    Ok(())
}

/// `meta` of `binary_cross_entropy`.
pub fn probabilities_meta(x: &Tensor, target: &Tensor, weight: Option<&Tensor>, code: i64) -> Result<Meta> {
    let meta = binary_meta(x, target, weight, code)?;
    if target.dtype() != x.dtype() {
        fail!(Runtime, "Found dtype {} but expected {}", target.dtype().scalar_name(), x.dtype().scalar_name());
    }
    need_float("binary_cross_entropy", x, target)?;
    Ok(meta)
}

/// `meta` of `binary_cross_entropy_with_logits`.
pub fn logits_meta(x: &Tensor, target: &Tensor, weight: Option<&Tensor>, code: i64) -> Result<Meta> {
    let meta = binary_meta(x, target, weight, code)?;
    need_float("log_sigmoid_cpu", x, x)?;
    if target.dtype().is_integral(false) {
        fail!(
            Runtime,
            "result type {} can't be cast to the desired output type {}",
            x.dtype().scalar_name(),
            target.dtype().scalar_name()
        );
    }
    Ok(meta)
}

/// The sizes of binary cross-entropies: all of one size (the weights broadcast to it).
fn binary_meta(x: &Tensor, target: &Tensor, weight: Option<&Tensor>, code: i64) -> Result<Meta> {
    if x.sizes() != target.sizes() {
        fail!(
            Value,
            "Using a target size (torch.Size({})) that is different to the input size (torch.Size({})) is deprecated. Please ensure they have the same size.",
            text::sizes(target.sizes()),
            text::sizes(x.sizes())
        );
    }
    if let Some(weight) = weight {
        super::view::expand(weight, x.sizes())?;
    }
    let dtype = promote::result_type(&[Number::Tensor(x), Number::Tensor(target)]);
    let scalar = reduction(code)? != Reduction::None;
    Ok(smallvec![fresh(x, if scalar { Dims::new() } else { x.dims() }, dtype)])
}

/// Refuses probabilities outside [0, 1].
pub fn need_probabilities(name: &str, x: &Tensor) -> Result<()> {
    let _below = crate::mode::no_grad();
    let valid = ops::all(ops::bitwise_and(ops::ge(x, 0), ops::le(x, 1))).tensor()?;
    if super::read::item(&valid)?.is_zero() {
        fail!(Runtime, "all elements of {name} should be between 0 and 1");
    }
    Ok(())
}

/// N, C and S of log-probabilities: (C), (N, C) or (N, C, …).
fn volume(x: &Tensor) -> [i64; 3] {
    match x.sizes() {
        [c] => [1, *c, 1],
        sizes => [sizes[0], sizes[1], sizes[2..].iter().product()],
    }
}

/// Refuses targets that are not a class for each sample, and for each place of a sample.
fn check_target_sizes(a: &[i64], t: &[i64]) -> Result<()> {
    match (a, t) {
        ([_] | [_, _], [_, _, ..]) => fail!(Runtime, "0D or 1D target tensor expected, multi-target not supported"),
        ([_], [n]) if *n != 1 => {
            fail!(Value, "For 1D input, 1D target must have size 1, but got target size: {n}")
        }
        ([_] | [_, _], _) => {}
        ([_, _, _, _], t) if t.len() != 3 => fail!(
            Runtime,
            "only batches of spatial targets supported (3D tensors) but got targets of dimension: {}",
            t.len()
        ),
        ([n, _, rest @ ..], t) if t[0] != *n || t[1..] != *rest => match a.len() {
            4 => fail!(Runtime, "size mismatch (got input: {} , target: {}", text::sizes(a), text::sizes(t)),
            _ => {
                let expected: Dims = std::iter::once(*n).chain(rest.iter().copied()).collect();
                fail!(Runtime, "Expected target size {}, got {}", text::sizes(&expected), text::sizes(t))
            }
        },
        _ => {}
    }
    Ok(())
}

fn check_classes(x: &Tensor, target: &Tensor, weight: Option<&Tensor>) -> Result<()> {
    let (a, t) = (x.sizes(), target.sizes());
    if a.is_empty() {
        fail!(Value, "Expected 1 or more dimensions (got 0)");
    }
    if !x.dtype().is_float() {
        return x.dtype().unsupported("nll_loss_out_frame");
    }
    let batch_matches = a.len() == 1 || t.first() == a.first();
    if !batch_matches {
        fail!(Value, "Expected input batch_size ({}) to match target batch_size ({}).", a[0], t.first().unwrap_or(&0));
    }
    check_target_sizes(a, t)?;
    if !matches!(target.dtype(), DType::I64 | DType::U8) {
        fail!(Runtime, "expected target dtype to be Long or Byte, but got {}", target.dtype().scalar_name());
    }
    if let Some(weight) = weight {
        if weight.sizes() != [volume(x)[1]] {
            fail!(
                Runtime,
                "weight tensor should be defined either for all {} classes or no classes but got weight tensor of shape: {}",
                volume(x)[1],
                text::sizes(weight.sizes())
            );
        }
        if weight.dtype() != x.dtype() {
            fail!(Runtime, "expected scalar type {} but found {}", cpp_name(x.dtype()), cpp_name(weight.dtype()));
        }
    }
    Ok(())
}

/// `meta` of `nll_loss_forward`: the loss, and the sum of the weights of the classes.
pub fn nll_meta(x: &Tensor, target: &Tensor, weight: Option<&Tensor>, code: i64) -> Result<Meta> {
    check_classes(x, target, weight)?;
    let sizes = if reduction(code)? == Reduction::None { target.dims() } else { Dims::new() };
    Ok(smallvec![fresh(x, sizes, x.dtype()), fresh(x, Dims::new(), x.dtype())])
}

/// Row-major strides of N × C × S and N × S.
fn geometry([n, c, s]: [i64; 3]) -> ([i64; 3], [i64; 2], [i64; 2]) {
    ([c * s, s, 1], [n, s], [s, 1])
}

/// `kernel` of `nll_loss_forward`.
pub fn nll(
    x: &Tensor,
    target: &Tensor,
    weight: Option<&Tensor>,
    code: i64,
    ignore: i64,
    outs: &[Tensor],
) -> Result<()> {
    let (x, target) = (ops::contiguous(x).tensor()?, ops::contiguous(super::key::int64(target)?).tensor()?);
    let sizes = volume(&x);
    let (strides, plane, plane_strides) = geometry(sizes);
    let reduction = reduction(code)?;
    let out = match reduction {
        Reduction::None => outs[0].core().operand_as(&plane, &plane_strides)?,
        _ => outs[0].core().operand()?,
    };
    kernels::nll_loss(
        out,
        outs[1].core().operand()?,
        x.core().operand_as(&sizes, &strides)?,
        target.core().operand_as(&plane, &plane_strides)?,
        weight.map(|w| w.core().operand()).transpose()?,
        reduction,
        ignore,
    )
}

/// `meta` of `nll_loss_backward`.
pub fn nll_backward_meta(x: &Tensor, target: &Tensor, weight: Option<&Tensor>) -> Result<Meta> {
    check_classes(x, target, weight)?;
    Ok(smallvec![fresh(x, x.dims(), x.dtype())])
}

/// `kernel` of `nll_loss_backward`.
pub fn nll_backward(
    g: &Tensor,
    target: &Tensor,
    weight: Option<&Tensor>,
    code: i64,
    ignore: i64,
    total: &Tensor,
    out: &Tensor,
) -> Result<()> {
    let target = ops::contiguous(super::key::int64(target)?).tensor()?;
    let sizes = volume(out);
    let (strides, plane, plane_strides) = geometry(sizes);
    let reduction = reduction(code)?;
    let g = ops::contiguous(g).tensor()?;
    let g = match reduction {
        Reduction::None => g.core().operand_as(&plane, &plane_strides)?,
        _ => g.core().operand()?,
    };
    kernels::nll_loss_backward(
        out.core().operand_as(&sizes, &strides)?,
        g,
        target.core().operand_as(&plane, &plane_strides)?,
        weight.map(|w| w.core().operand()).transpose()?,
        total.core().operand()?,
        reduction,
        ignore,
    )
}
