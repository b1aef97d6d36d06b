//! Derivatives of attention.

use crate::rules::attention;
use corten_tables::derivatives;

derivatives! {
_scaled_dot_product_flash_attention_for_cpu(q, k, v, dropout_p: float, causal: bool, mask: Tensor?, scale: float?) -> (out, log_sums): other "ScaledDotProductFlashAttentionForCpuBackward0" { [q, k, v]: attention::in_blocks(g, [q, k, v], dropout_p, causal, mask, scale, [out, log_sums]) }
}
