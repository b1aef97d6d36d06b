//! Scaled dot-product attention, in blocks where it can be.

use super::all::*;
use crate::body::in_single;
use crate::lazy::T;
use crate::rules::attention::{self, Seen, by_blocks, weights};
use crate::rules::checks::cpp_name;
use crate::{DType, Result, Tensor, fail};
use corten_tables::ops;

ops! { family = neural;

/// `softmax(query @ key.T * scale + mask) @ value`.
scaled_dot_product_attention(query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor?, dropout_p: float = 0.0, is_causal: bool = false, *, scale: float?, enable_gqa: bool = false) -> Tensor { composite: attend([query, key, value], Seen { mask: attn_mask, causal: is_causal, scale }, dropout_p, enable_gqa); forms: fn; domain: matrix(2, 3, 4), matrix(2, 3, 4), matrix(2, 3, 4) }
/// The same in blocks, for four dimensions of float32 or float64, with the logarithms of the sums behind the softmax:
/// memory grows with the length and not with its square.
_scaled_dot_product_flash_attention_for_cpu(query: Tensor, key: Tensor, value: Tensor, dropout_p: float = 0.0, is_causal: bool = false, *, attn_mask: Tensor?, scale: float?) -> (output: Tensor, logsumexp: Tensor) { meta: attention::meta([query, key, value], dropout_p, attn_mask); kernel: attention::forward([query, key, value], Seen { mask: attn_mask, causal: is_causal, scale }, outs); forms: fn; check: none }
/// The gradients of attention in blocks.
_scaled_dot_product_flash_attention_for_cpu_backward(grad_out: Tensor, query: Tensor, key: Tensor, value: Tensor, out: Tensor, logsumexp: Tensor, dropout_p: float, is_causal: bool, *, attn_mask: Tensor?, scale: float?) -> (grad_query: Tensor, grad_key: Tensor, grad_value: Tensor) { meta: attention::backward_meta([query, key, value], dropout_p); kernel: attention::backward(grad_out, [query, key, value], [out, logsumexp], Seen { mask: attn_mask, causal: is_causal, scale }, outs); check: none }

}

fn attend([query, key, value]: [&Tensor; 3], seen: Seen, dropout_p: f64, grouped: bool) -> Result<T> {
    if query.ndim() < 2 || key.ndim() < 2 || value.ndim() < 2 {
        fail!(
            Runtime,
            "scaled_dot_product_attention: Expected query, key, and value to all be  at least 2 dimensional, but got query.dim(): {}, key.dim(): {} and value.dim(): {} instead.",
            query.ndim(),
            key.ndim(),
            value.ndim()
        );
    }
    if seen.causal && seen.mask.is_some() {
        fail!(Runtime, "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True");
    }
    let dtypes = [query, key, value].map(|x| cpp_name(x.dtype()));
    if dtypes.iter().any(|dtype| dtype != &dtypes[0]) {
        fail!(
            Runtime,
            "Expected query, key, and value to have the same dtype, but got query.dtype: {} key.dtype: {} and value.dtype: {} instead.",
            dtypes[0],
            dtypes[1],
            dtypes[2]
        );
    }
    if let Some(mask) = seen.mask
        && ![query.dtype(), DType::Bool, DType::F32].contains(&mask.dtype())
    {
        fail!(
            Runtime,
            "Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: {} and  query.dtype: {} instead.",
            cpp_name(mask.dtype()),
            dtypes[0]
        );
    }
    let dtype = query.dtype();
    // A mask of numbers is added to the scores, in their dtype.
    let mask = match seen.mask {
        Some(mask) if mask.dtype() != DType::Bool => Some(to(mask, dtype.compute()).tensor()?),
        mask => mask.cloned(),
    };
    in_single(dtype, [query, key, value], |inputs| {
        let [query, key, value] = inputs.map(T::tensor);
        attend_in([&query?, &key?, &value?], Seen { mask: mask.as_ref(), ..seen }, dropout_p, grouped)
    })
}

fn attend_in([query, key, value]: [&Tensor; 3], seen: Seen, dropout_p: f64, grouped: bool) -> Result<T> {
    let heads = |x: &Tensor| -> Result<Tensor> {
        if !grouped || x.ndim() < 3 || query.ndim() < 3 {
            return Ok(x.clone());
        }
        let (have, want) = (x.sizes()[x.ndim() - 3], query.sizes()[query.ndim() - 3]);
        if have == 0 || want % have != 0 {
            fail!(Runtime, "Number of heads in key and value must divide the number of heads in query");
        }
        let (lead, tail) = x.sizes().split_at(x.ndim() - 2);
        let wide = expand(unsqueeze(x, -3), [lead, &[want / have], tail].concat());
        reshape(wide, [&lead[..lead.len() - 1], &[want], tail].concat()).tensor()
    };
    let (key, value) = (heads(key)?, heads(value)?);
    let Seen { mask, causal, scale } = seen;
    if dropout_p == 0.0 && by_blocks([query, &key, &value], mask) {
        return Ok(
            _scaled_dot_product_flash_attention_for_cpu_with(query, key, value, 0.0, causal, mask, scale).pick(0)
        );
    }
    let weights = weights(query, &key, seen)?;
    let weights = dropout(weights, dropout_p, dropout_p > 0.0);
    Ok(matmul(weights, value))
}
