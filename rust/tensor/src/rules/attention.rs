//! Attention in blocks: when it applies, sizes, and the calls of the kernels.

use crate::core::Dims;
use crate::device::DeviceKind;
use crate::lazy::T;
use crate::op::Meta;
use crate::ops::all as ops;
use crate::pointwise::{broadcast_strides, fresh, like};
use crate::tensor::Tensor;
use crate::value::Value;
use corten_attention as kernels;
use corten_base::{DType, Result, fail};
use smallvec::smallvec;

/// What a query may see of the keys, and the factor of the products.
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub struct Seen<'a> {
    pub mask: Option<&'a Tensor>,
    pub causal: bool,
    pub scale: Option<f64>,
}

/// The factor of the products: one over the root of the width where none is given.
pub fn factor(query: &Tensor, scale: Option<f64>) -> f64 {
    scale.unwrap_or_else(|| 1.0 / (query.sizes()[query.ndim() - 1] as f64).sqrt())
}

/// The weights of the values, all at once: the softmax of the scores.
pub fn weights(query: &Tensor, key: &Tensor, seen: Seen) -> Result<T> {
    let mut scores = ops::mul(ops::matmul(query, ops::transpose(key, -2, -1)), factor(query, seen.scale));
    let hide = |scores: T, seen: T| ops::masked_fill(scores, ops::logical_not(seen), f64::NEG_INFINITY);
    if seen.causal {
        let (rows, columns) = (query.sizes()[query.ndim() - 2], key.sizes()[key.ndim() - 2]);
        let all = ops::ones_with([rows, columns], DType::Bool, Value::None, query.device(), false, false);
        scores = hide(scores, ops::tril(all));
    }
    let Some(mask) = seen.mask else { return Ok(ops::softmax(scores, -1)) };
    scores = if mask.dtype() == DType::Bool { hide(scores, T::from(mask)) } else { ops::add(scores, mask) };
    // A query that may look nowhere gets zeros, and gives no gradient.
    let blind = ops::all_dim_with(ops::eq(&scores, f64::NEG_INFINITY), [-1], true);
    Ok(ops::masked_fill(ops::softmax(ops::masked_fill(scores, &blind, 0.0), -1), blind, 0.0))
}

/// The sizes of the scores, if these are operands of attention in blocks.
fn scores(inputs: [&Tensor; 3], mask: Option<&Tensor>) -> Option<Dims> {
    let [q, k, v] = inputs.map(|x| x.sizes());
    let (&[b, h, l, e], &[_, _, s, _], &[_, _, _, w]) = (q, k, v) else { return None };
    let fit = *k == [b, h, s, e] && *v == [b, h, s, w];
    let dtype = inputs[0].dtype();
    let typed = matches!(dtype, DType::F32 | DType::F64) && inputs.iter().all(|x| x.dtype() == dtype);
    let scores: Dims = smallvec![b, h, l, s];
    let masked = mask.is_none_or(|mask| {
        let sizes = mask.sizes();
        (mask.dtype() == dtype || mask.dtype() == DType::Bool)
            && sizes.len() <= 4
            && sizes.iter().rev().zip(scores.iter().rev()).all(|(&have, &want)| have == want || have == 1)
    });
    (fit && typed && masked).then_some(scores)
}

/// True where attention is computed in blocks, as in PyTorch: four dimensions, heads of one width, on the host, and a
/// mask without gradient.
pub fn by_blocks(inputs: [&Tensor; 3], mask: Option<&Tensor>) -> bool {
    let here = |x: &Tensor| x.device().kind == DeviceKind::Cpu || x.device().kind == DeviceKind::Meta;
    inputs.iter().all(|x| here(x) && x.device() == inputs[0].device() && !x.sizes().contains(&0))
        && mask.is_none_or(|mask| mask.device() == inputs[0].device() && !mask.requires_grad())
        && scores(inputs, mask).is_some()
        && inputs[0].sizes()[3] == inputs[2].sizes()[3]
}

fn check(name: &str, inputs: [&Tensor; 3], mask: Option<&Tensor>, dropout: f64) -> Result<()> {
    if dropout != 0.0 {
        fail!(Runtime, "{name}: Currently do not support dropout > 0, but got dropout_p={dropout}");
    }
    crate::pointwise::common_device(inputs.into_iter().chain(mask))?;
    if scores(inputs, mask).is_none() {
        let [q, k, v] = inputs.map(|x| crate::text::sizes(x.sizes()));
        fail!(
            Runtime,
            "{name}: Accept only 4 dims inputs shape of {{B, H, T, K}} of float32 or float64 that fit each other and the mask, but got {q}, {k} and {v} of {}",
            inputs[0].dtype()
        );
    }
    Ok(())
}

/// `meta` of attention in blocks. Dimensions lie in the query's order, as in PyTorch.
pub fn meta(inputs: [&Tensor; 3], dropout: f64, mask: Option<&Tensor>) -> Result<Meta> {
    check("_scaled_dot_product_flash_attention", inputs, mask, dropout)?;
    let [query, _, value] = inputs;
    let (q, w) = (query.sizes(), value.sizes()[3]);
    let out =
        if w == q[3] { like(query, query.dtype()) } else { fresh(query, [&q[..3], &[w]].concat(), query.dtype()) };
    Ok(smallvec![out, fresh(query, &q[..3], query.dtype())])
}

/// Calls with the operands of attention.
fn with_operands(inputs: [&Tensor; 3], seen: Seen, run: impl FnOnce(&kernels::Attention) -> Result<()>) -> Result<()> {
    let sizes = scores(inputs, seen.mask).unwrap_or_default();
    let strides = seen.mask.map(|mask| broadcast_strides(mask.core(), &sizes));
    let mask = match (seen.mask, &strides) {
        (Some(mask), Some(strides)) => Some(mask.core().operand_as(&sizes, strides)?),
        _ => None,
    };
    let [query, key, value] = inputs.map(|x| x.core().operand());
    run(&kernels::Attention {
        query: query?,
        key: key?,
        value: value?,
        mask,
        causal: seen.causal,
        scale: factor(inputs[0], seen.scale),
    })
}

/// `kernel` of attention in blocks.
pub fn forward(inputs: [&Tensor; 3], seen: Seen, outs: &[Tensor]) -> Result<()> {
    with_operands(inputs, seen, |job| kernels::attention(outs[0].core().operand()?, outs[1].core().operand()?, job))
}

/// `meta` of the gradients of attention in blocks.
pub fn backward_meta(inputs: [&Tensor; 3], dropout: f64) -> Result<Meta> {
    check("_scaled_dot_product_flash_attention_backward", inputs, None, dropout)?;
    Ok(inputs.iter().map(|x| like(x, x.dtype())).collect())
}

/// `kernel` of the gradients of attention in blocks; `saved` is the result and the logarithms of its sums.
pub fn backward(g: &Tensor, inputs: [&Tensor; 3], saved: [&Tensor; 2], seen: Seen, outs: &[Tensor]) -> Result<()> {
    with_operands(inputs, seen, |job| {
        let [gq, gk, gv] = [0, 1, 2].map(|i| outs[i].core().operand());
        let [out, sums] = saved.map(|x| x.core().operand());
        kernels::attention_backward([gq?, gk?, gv?], g.core().operand()?, out?, sums?, job)
    })
}
