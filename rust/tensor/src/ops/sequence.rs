//! Bags of embeddings, and losses of sequences.

use super::all::*;
use crate::lazy::T;
use crate::pointwise::fresh;
use crate::rules::neural::vector;
use crate::rules::{read, sequence};
use crate::value::Value;
use crate::{DType, Dims, Result, Tensor, fail};
use corten_tables::ops;
use smallvec::smallvec;

ops! { family = neural;

/// Sums (`mode` 0), means (1) or maxima (2) of bags of rows of `weight`; then the bag of each index, the bags' sizes and
/// the rows of the maxima.
embedding_bag(weight: Tensor, indices: Tensor, offsets: Tensor, scale_grad_by_freq: bool = false, mode: int = 0, sparse: bool = false, per_sample_weights: Tensor?, include_last_offset: bool = false, padding_idx: int?) -> (_output: Tensor, _bags: Tensor, _sizes: Tensor, _rows: Tensor) { composite: bagged([weight, indices, offsets], (scale_grad_by_freq, sparse), mode, per_sample_weights, include_last_offset, padding_idx)?; forms: fn }

/// Connectionist temporal classification (Graves et al., 2006) of log-probabilities (T, N, C) or (T, C).
ctc_loss(log_probs: Tensor, targets: Tensor, input_lengths: Sizes, target_lengths: Sizes, blank: int = 0, reduction: int = 1, zero_infinity: bool = false) -> Tensor { composite: classified(log_probs, targets, [input_lengths, target_lengths], blank, reduction, zero_infinity); forms: fn }
/// `ctc_loss` with lengths in tensors.
ctc_loss.tensor(log_probs: Tensor, targets: Tensor, input_lengths: Tensor, target_lengths: Tensor, blank: int = 0, reduction: int = 1, zero_infinity: bool = false) -> Tensor { composite: classified(log_probs, targets, [&lengths("input_lengths", input_lengths)?, &lengths("target_lengths", target_lengths)?], blank, reduction, zero_infinity); forms: fn }
/// The negative log-likelihoods of sequences.
_ctc_loss(log_probs: Tensor, targets: Tensor, input_lengths: Sizes, target_lengths: Sizes, blank: int, zero_infinity: bool) -> Tensor { meta: { let _gradient = zero_infinity; sequence::ctc_meta(log_probs, targets, input_lengths, target_lengths, blank) }; kernel: sequence::ctc(log_probs, targets, input_lengths, target_lengths, blank, &outs[0]); check: none }
/// The gradient of `_ctc_loss`.
_ctc_loss_backward(grad_output: Tensor, log_probs: Tensor, targets: Tensor, input_lengths: Sizes, target_lengths: Sizes, blank: int, zero_infinity: bool) -> Tensor { meta: Ok(smallvec![fresh(log_probs, log_probs.dims(), log_probs.dtype())]); kernel: sequence::ctc_backward([grad_output, log_probs, targets], [input_lengths, target_lengths], blank, zero_infinity, &outs[0]); check: none }

}

fn bagged(
    [weight, indices, offsets]: [&Tensor; 3],
    (by_frequency, sparse): (bool, bool),
    mode: i64,
    scales: Option<&Tensor>,
    ends: bool,
    padding: Option<i64>,
) -> Result<Vec<Tensor>> {
    sequence::check_bag(weight, indices, offsets, mode, scales)?;
    if sparse {
        fail!(NotImplemented, "embedding_bag(): argument 'sparse' must be False: there are no sparse tensors");
    }
    let found = sequence::bags(weight, indices, offsets, ends, padding)?;
    let device = weight.device();
    let (positions, bags) = (vector(&found.positions, device)?.tensor()?, vector(&found.bags, device)?.tensor()?);
    let (counts, all) = (vector(&found.counts, device)?.tensor()?, vector(&found.all, device)?.tensor()?);
    let rows = index_select(to(indices, DType::I64), 0, positions.clone()).tensor()?;
    let taken = embedding_with(weight, &rows, -1, by_frequency, false);
    let taken = scales.map_or(taken.clone(), |scales| mul(&taken, unsqueeze(index_select(scales, 0, &positions), 1)));
    let sizes: Dims = [found.counts.len() as i64, weight.sizes()[1]].as_slice().into();
    if mode == 2 {
        let tops = highest(&taken.tensor()?, &bags, &sizes)?;
        let tops = if rows.numel() == 0 { zeros_like(&tops) } else { take(&rows, tops) }.tensor()?;
        let empty = unsqueeze(eq(&counts, 0), 1);
        let out = masked_fill(gather(weight, 0, masked_fill(&tops, &empty, 0)), &empty, 0);
        return Ok(vec![out.tensor()?, all, counts, masked_fill(tops, empty, 0).tensor()?]);
    }
    // Halves are added up in float32.
    let wide = if weight.dtype().size() == 2 { DType::F32 } else { weight.dtype() };
    let start = zeros_with(&sizes, wide, Value::None, device, false, false);
    let sums = index_add(start, 0, &bags, to(taken, wide));
    let out = if mode == 0 { sums } else { div(sums, unsqueeze(clamp_min(&counts, 1), 1)) };
    let out = to(out, weight.dtype()).tensor()?;
    // As in PyTorch, sums leave out what only the gradients of the other modes need.
    if mode == 0 {
        let all = if padding.is_some() { all } else { vector(&[], device)?.tensor()? };
        let none = zeros_like(&counts).tensor()?;
        return Ok(vec![out, all, none.clone(), none]);
    }
    Ok(vec![out, all, counts.clone(), counts])
}

/// For each bag and column the position of the first largest number in `x` (N, D); 0 for empty bags.
fn highest(x: &Tensor, bags: &Tensor, sizes: &Dims) -> Result<Tensor> {
    let _below = crate::mode::no_grad();
    let (n, device) = (x.sizes()[0], x.device());
    let each = expand(unsqueeze(bags, 1), x.sizes()).tensor()?;
    let start = zeros_with(sizes, x.dtype(), Value::None, device, false, false);
    let largest = scatter_reduce_with(start, 0, &each, x, "amax", false);
    let numbers = unsqueeze(arange_with(n, DType::I64, Value::None, device, false, false), 1);
    // NaN is the largest of all and equals nothing.
    let is_top = logical_or(eq(x, gather(largest, 0, &each)), isnan(x));
    let places = where_(is_top, expand(numbers, x.sizes()), n - 1);
    let start = zeros_with(sizes, DType::I64, Value::None, device, false, false);
    scatter_reduce_with(start, 0, each, places, "amin", false).tensor()
}

fn lengths(name: &str, x: &Tensor) -> Result<Vec<i64>> {
    if !x.dtype().is_integral(false) {
        fail!(Runtime, "{name} must be integral");
    }
    read::integers(x)
}

fn classified(
    x: &Tensor,
    targets: &Tensor,
    [frames, lengths]: [&[i64]; 2],
    blank: i64,
    reduction: i64,
    zero_infinity: bool,
) -> Result<T> {
    let batched = x.ndim() == 3;
    let x = if batched { T::from(x) } else { unsqueeze(x, 1) };
    let losses = _ctc_loss(x, to(targets, DType::I64), frames, lengths, blank, zero_infinity).tensor()?;
    let losses = match zero_infinity {
        true => where_(eq(&losses, f64::INFINITY), 0.0, &losses),
        false => T::from(losses),
    };
    match reduction {
        1 => {
            let counts = clamp_min(vector(lengths, losses.clone().tensor()?.device())?, 1);
            Ok(mean(div(losses, counts)))
        }
        0 if !batched => Ok(squeeze_dim(losses, 0)),
        _ => crate::rules::loss::reduced(losses, reduction),
    }
}
