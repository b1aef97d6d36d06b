//! Gradients of attention: fused, or written out in rows where the gradient itself is recorded.

use corten_tensor::lazy::T;
use corten_tensor::ops::all as ops;
use corten_tensor::rules::attention::{Seen, factor, weights};
use corten_tensor::value::Value;
use corten_tensor::{Result, Tensor, mode};

/// Of attention in blocks: query, key, value.
pub fn in_blocks(
    g: &T,
    [query, key, value]: [&T; 3],
    dropout_p: f64,
    causal: bool,
    mask: Option<&Tensor>,
    scale: Option<f64>,
    [out, log_sums]: [&T; 2],
) -> Result<Vec<T>> {
    if !mode::grad_enabled() {
        let all = ops::_scaled_dot_product_flash_attention_for_cpu_backward_with(
            g, query, key, value, out, log_sums, dropout_p, causal, mask, scale,
        );
        return Ok(all.tensors()?.into_iter().map(T::from).collect());
    }
    let (q, k) = (query.clone().tensor()?, key.clone().tensor()?);
    let weights = weights(&q, &k, Seen { mask, causal, scale })?;
    let by_weight = ops::matmul(g, ops::transpose(value, -2, -1));
    let delta = ops::sum_dim_with(&by_weight * &weights, [-1], true, Value::None);
    let by_score = ops::mul(&weights * &(by_weight - delta), factor(&q, scale));
    Ok(vec![
        ops::matmul(&by_score, key),
        ops::matmul(ops::transpose(by_score, -2, -1), query),
        ops::matmul(ops::transpose(weights, -2, -1), g),
    ])
}
