//! Sums of gradients: in buffers while a pass runs, and in the `grad` of leaves.

use crate::node::OutputMeta;
use corten_tensor::ops::all as ops;
use corten_tensor::value::Value;
use corten_tensor::{DeviceKind, Result, Tensor, error, fail, mode, text};
use std::sync::Arc;

/// True if nothing else can see the memory of `t`, so that it may be overwritten or given away.
fn owned(t: &Tensor) -> bool {
    t.handles() == 1 && t.python() == 0 && Arc::strong_count(&t.core().storage) == 1
}

/// Adds `grad` to what a buffer holds.
pub fn add_into(slot: &mut Option<Tensor>, grad: Tensor) -> Result<()> {
    *slot = Some(match slot.take() {
        None => grad,
        Some(sum)
            if !mode::grad_enabled() && owned(&sum) && sum.sizes() == grad.sizes() && sum.dtype() == grad.dtype() =>
        {
            corten_tensor::dispatch::call_into(
                add_row(),
                &[Value::Tensor(sum), Value::Tensor(grad), Value::from(1i64)],
                corten_tensor::dispatch::Target::InPlace,
            )?
            .into_tensor()?
        }
        Some(sum) => ops::add(&sum, &grad).tensor()?,
    });
    Ok(())
}

fn add_row() -> &'static corten_tensor::op::Op {
    static ROW: std::sync::OnceLock<&'static corten_tensor::op::Op> = std::sync::OnceLock::new();
    ROW.get_or_init(|| match corten_tensor::registry::find("add") {
        Some(op) => op,
        None => unreachable!("the op table has a row for add"),
    })
}

/// Adds `grad` to the `grad` of a leaf. The first gradient is taken over where nothing else holds it; else copied into
/// the leaf's own order of dimensions.
pub fn into_leaf(leaf: &Tensor, grad: Tensor, recording: bool) -> Result<()> {
    match leaf.grad() {
        None => {
            let dense =
                grad.strides() == leaf.strides() || (grad.core().is_contiguous() && leaf.core().is_contiguous());
            let new = if recording {
                if dense { grad } else { ops::clone(&grad).tensor()? }
            } else if dense && owned(&grad) && grad.base().is_none() {
                grad
            } else {
                fresh_copy(leaf, &grad)?
            };
            leaf.set_grad(Some(new));
        }
        Some(sum) if !recording => {
            corten_tensor::dispatch::call_into(
                add_row(),
                &[Value::Tensor(sum), Value::Tensor(grad), Value::from(1i64)],
                corten_tensor::dispatch::Target::InPlace,
            )?;
        }
        Some(sum) => leaf.set_grad(Some(ops::add(&sum, &grad).tensor()?)),
    }
    Ok(())
}

fn fresh_copy(leaf: &Tensor, grad: &Tensor) -> Result<Tensor> {
    let core =
        corten_tensor::Core::empty_strided(grad.sizes(), &leaf.core().dense_strides(), grad.dtype(), grad.device())?;
    let out = Tensor::new(core);
    if grad.device().kind == DeviceKind::Cpu {
        corten_tensor::body::copy_values(&out, grad)?;
    } else {
        corten_tensor::dispatch::write(grad, &out)?;
    }
    Ok(out)
}

/// Checks a gradient against the forward result that it belongs to, and sums over broadcast dimensions.
pub fn fit(grad: Tensor, meta: &OutputMeta, origin: &dyn Fn() -> String) -> Result<Tensor> {
    let mut grad = grad;
    if grad.sizes() != &meta.sizes[..] {
        grad = sum_to(&grad, &meta.sizes).ok_or_else(|| {
            error!(
                Runtime,
                "{} - got {} but expected shape compatible with {}",
                origin(),
                text::sizes(grad.sizes()),
                text::sizes(&meta.sizes)
            )
        })??;
    }
    if grad.dtype() != meta.dtype {
        if grad.dtype().is_complex() && !meta.dtype.is_complex() {
            grad = ops::real(&grad).tensor()?;
        }
        if !grad.dtype().is_differentiable() {
            fail!(Runtime, "{} - got a gradient of dtype {}, expected {}", origin(), grad.dtype(), meta.dtype);
        }
        if grad.dtype() != meta.dtype {
            grad = ops::_cast(&grad, meta.dtype).tensor()?;
        }
    }
    if grad.device() != meta.device {
        if grad.ndim() == 0 || meta.sizes.is_empty() {
            grad = ops::_to_copy_with(&grad, Value::None, meta.device, corten_tensor::device::MemoryFormat::Preserve)
                .tensor()?;
        } else {
            fail!(Runtime, "{} - expected device {} but got {}", origin(), meta.device, grad.device());
        }
    }
    Ok(grad)
}

/// `grad` summed over the dimensions that broadcasting added or repeated; `None` where it cannot have come from `sizes`.
fn sum_to(grad: &Tensor, sizes: &[i64]) -> Option<Result<Tensor>> {
    let lead = grad.ndim().checked_sub(sizes.len())?;
    let mut dims: corten_tensor::Dims = (0..lead as i64).collect();
    for (d, (&have, &wanted)) in grad.sizes()[lead..].iter().zip(sizes).enumerate() {
        if have != wanted {
            if wanted != 1 {
                return None;
            }
            dims.push((lead + d) as i64);
        }
    }
    let summed = if dims.is_empty() { ops::alias(grad) } else { ops::sum_dim_with(grad, &dims[..], true, Value::None) };
    Some(if lead > 0 { ops::reshape(summed, sizes).tensor() } else { summed.tensor() })
}
