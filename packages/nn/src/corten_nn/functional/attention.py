"""Multi-head attention (Vaswani et al., 2017)."""

from __future__ import annotations

import math

from corten_nn._backend import Tensor, core
from corten_nn._warnings import warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def _check_shapes(
    query: Tensor, key: Tensor, value: Tensor, padding: Tensor | None, mask: Tensor | None, num_heads: int
) -> bool:
    """Check the numbers of dimensions; return whether there is a batch."""
    dims = query.dim()
    _require(dims in (2, 3), f"query should be unbatched 2D or batched 3D tensor but received {dims}-D query tensor")
    kind = "batched (3-D)" if dims == 3 else "unbatched (2-D)"
    _require(
        key.dim() == dims and value.dim() == dims,
        f"For {kind} `query`, expected `key` and `value` to be {dims}-D but found {key.dim()}-D and {value.dim()}-D "
        "tensors respectively",
    )
    _require(
        padding is None or padding.dim() == dims - 1,
        f"For {kind} `query`, expected `key_padding_mask` to be `None` or {dims - 1}-D but found "
        f"{0 if padding is None else padding.dim()}-D tensor instead",
    )
    if mask is not None:
        _require(
            mask.dim() in (2, 3),
            f"For {kind} `query`, expected `attn_mask` to be `None`, 2-D or 3-D "
            f"but found {mask.dim()}-D tensor instead",
        )
        expected = (num_heads, query.shape[0], key.shape[0])
        _require(
            dims == 3 or mask.dim() == 2 or tuple(mask.shape) == expected,
            f"Expected `attn_mask` shape to be {expected} but got {mask.shape}",
        )
    return dims == 3


def _as_float_mask(mask: Tensor | None, name: str, dtype: Any) -> Tensor | None:
    """A mask to add to the scores: -inf where a boolean one is true."""
    if mask is None or mask.is_floating_point():
        return mask
    _require(mask.dtype == core.bool, f"only bool and floating types of {name} are supported")
    return core.zeros_like(mask, dtype=dtype).masked_fill_(mask, -math.inf)


def _project(
    query: Tensor, key: Tensor, value: Tensor, weights: tuple[Tensor, ...], bias: Tensor | None
) -> tuple[Tensor, ...]:
    biases = (None, None, None) if bias is None else bias.chunk(3)
    inputs = (query, key, value)
    return tuple(core.linear(x, w, b) for x, w, b in zip(inputs, weights, biases, strict=True))


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """softmax(Q Kᵀ / √d) V in `num_heads` heads, for inputs (L, N, E) or (L, E), with projections before and after.

    `attn_mask` (L, S) or (N · heads, L, S) and `key_padding_mask` (N, S) are added to the scores, or exclude where
    they are true; `is_causal` says that `attn_mask` is the causal one. Returns the output and the weights
    (N, L, S), of each head unless averaged, None without `need_weights`.
    """
    batched = _check_shapes(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        query, key, value = query.unsqueeze(1), key.unsqueeze(1), value.unsqueeze(1)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    length, batch, width = query.shape
    if key_padding_mask is not None and attn_mask is not None and key_padding_mask.dtype != attn_mask.dtype:
        warn("Support for mismatched key_padding_mask and attn_mask is deprecated. Use same type for both instead.")
    padding = _as_float_mask(key_padding_mask, "key_padding_mask", query.dtype)
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
            "`generate_square_subsequent_mask` to create this mask."
        )
    # The hint replaces the mask only where the fused attention can use it.
    causal = is_causal and padding is None and not need_weights
    mask = None if causal else _as_float_mask(attn_mask, "attn_mask", query.dtype)
    _require(width == embed_dim_to_check, f"was expecting embedding dimension of {embed_dim_to_check}, but got {width}")
    head = width // num_heads
    _require(head * num_heads == width, f"embed_dim {width} not divisible by num_heads {num_heads}")
    if use_separate_proj_weight:
        _require(
            key.shape[:2] == value.shape[:2],
            f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}",
        )
        for name, weight in zip("qkv", (q_proj_weight, k_proj_weight, v_proj_weight), strict=True):
            _require(weight is not None, f"use_separate_proj_weight is True but {name}_proj_weight is None")
        weights: Any = (q_proj_weight, k_proj_weight, v_proj_weight)
    else:
        _require(key.shape == value.shape, f"key shape {key.shape} does not match value shape {value.shape}")
        if in_proj_weight is None:
            raise AssertionError("use_separate_proj_weight is False but in_proj_weight is None")
        weights = in_proj_weight.chunk(3)
    q, k, v = _project(query, key, value, weights, in_proj_bias)
    if mask is not None:
        mask = _expand_mask(mask, length, key.shape[0], batch * num_heads)
    extra = 0
    if bias_k is not None and bias_v is not None:
        _require(static_k is None, "bias cannot be added to static key.")
        _require(static_v is None, "bias cannot be added to static value.")
        k = core.cat([k, bias_k.repeat(1, batch, 1)])
        v = core.cat([v, bias_v.repeat(1, batch, 1)])
        extra += 1
    else:
        _require(bias_k is None, "bias_k is set but bias_v is None")
        _require(bias_v is None, "bias_v is set but bias_k is None")
    q = q.reshape(length, batch * num_heads, head).transpose(0, 1)
    k = _heads(k, static_k, "static_k", batch * num_heads, head)
    v = _heads(v, static_v, "static_v", batch * num_heads, head)
    if add_zero_attn:
        zero = core.zeros((batch * num_heads, 1, head), dtype=k.dtype, device=k.device)
        k, v = core.cat([k, zero], dim=1), core.cat([v, zero], dim=1)
        extra += 1
    if extra:
        # The keys added are never masked.
        mask = None if mask is None else core.pad(mask, (0, extra), "constant", 0.0)
        padding = None if padding is None else core.pad(padding, (0, extra), "constant", 0.0)
    source = k.size(1)
    if padding is not None:
        _require(
            tuple(padding.shape) == (batch, source),
            f"expecting key_padding_mask shape of {(batch, source)}, but got {padding.shape}",
        )
        per_head = padding.view(batch, 1, 1, source).expand(-1, num_heads, -1, -1)
        per_head = per_head.reshape(batch * num_heads, 1, source)
        mask = per_head if mask is None else mask + per_head
    dropout = dropout_p if training else 0.0
    if need_weights:
        scores = core.bmm(q * math.sqrt(1.0 / head), k.transpose(-2, -1))
        probabilities = (scores if mask is None else scores + mask).softmax(-1)
        if dropout > 0.0:
            probabilities = core.dropout(probabilities, dropout, True)
        out = core.bmm(probabilities, v).transpose(0, 1).reshape(length * batch, width)
        probabilities = probabilities.view(batch, num_heads, length, source)
        probabilities = probabilities.mean(1) if average_attn_weights else probabilities
    else:
        shape = (batch, num_heads, -1, head)
        if mask is not None:
            mask = mask.unsqueeze(0) if mask.size(0) == 1 else mask.view(batch, num_heads, -1, source)
        attended = core.scaled_dot_product_attention(q.view(shape), k.view(shape), v.view(shape), mask, dropout, causal)
        out = attended.permute(2, 0, 1, 3).reshape(length * batch, width)
        probabilities = None
    out = core.linear(out, out_proj_weight, out_proj_bias).view(length, batch, -1)
    if not batched:
        out = out.squeeze(1)
        probabilities = None if probabilities is None else probabilities.squeeze(0)
    return out, probabilities


def _expand_mask(mask: Tensor, length: int, source: int, heads: int) -> Tensor:
    """A mask of three dimensions, checked."""
    expected = (length, source) if mask.dim() == 2 else (heads, length, source)
    if tuple(mask.shape) != expected:
        raise RuntimeError(f"The shape of the {mask.dim()}D attn_mask is {mask.shape}, but should be {expected}.")
    return mask.unsqueeze(0) if mask.dim() == 2 else mask


def _heads(x: Tensor, static: Tensor | None, name: str, heads: int, head: int) -> Tensor:
    """(S, N, E) as (N · heads, S, head), or the given static tensor of that shape."""
    if static is None:
        return x.reshape(x.shape[0], heads, head).transpose(0, 1)
    for dim, size in ((0, heads), (2, head)):
        _require(static.size(dim) == size, f"expecting {name}.size({dim}) of {size}, but got {static.size(dim)}")
    return static
