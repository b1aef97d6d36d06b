"""The layers of a transformer (Vaswani et al., 2017)."""

from __future__ import annotations

from corten_nn import functional as F
from corten_nn._backend import Tensor, autograd, core
from corten_nn._hooks import global_hooks
from corten_nn._module import Module
from corten_nn._warnings import warn
from corten_nn.functional.attention import _as_float_mask
from corten_nn.modules.attention import MultiheadAttention
from corten_nn.modules.dropout import Dropout
from corten_nn.modules.linear import Linear
from corten_nn.modules.normalization import LayerNorm

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def float_masks(
    mask: Tensor | None, padding: Tensor | None, dtype: Any, mask_name: str = "src_mask"
) -> tuple[Tensor | None, Tensor | None]:
    """Both masks as numbers to add to the scores."""
    if mask is not None and padding is not None and mask.dtype != padding.dtype:
        warn(
            f"Support for mismatched src_key_padding_mask and {mask_name} is deprecated. "
            "Use same type for both instead.",
            stacklevel=5,
        )
    return _as_float_mask(mask, mask_name, dtype), _as_float_mask(padding, "src_key_padding_mask", dtype)


def _activation(activation: Any) -> Callable[[Tensor], Tensor]:
    if not isinstance(activation, str):
        chosen: Callable[[Tensor], Tensor] = activation
    elif activation == "relu":
        chosen = F.relu
    elif activation == "gelu":
        chosen = F.gelu
    else:
        raise RuntimeError(f"activation should be relu/gelu, not {activation}")
    return chosen


def _activated(linear: Linear, activation: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return `activation(linear(x))`, by one call where nobody would see the step between."""
    bias, own = linear.bias, getattr(linear.forward, "__func__", None) is not Linear.forward
    watched = own or linear._hooks is not None or global_hooks.active or autograd.is_grad_enabled()
    if watched or bias is None or activation not in (F.relu, F.gelu):
        return activation(linear(x))
    rows = x.reshape(-1, x.shape[-1])
    y = core._addmm_activation(bias, rows, linear.weight.t(), use_gelu=activation is F.gelu)
    return y.view(*x.shape[:-1], linear.out_features)


class TransformerEncoderLayer(Module):
    """Self-attention and a two-layer network, each followed by dropout, a way around, and layer normalisation.

    `norm_first` normalises before each of the two instead. Inputs are (L, N, E), or (N, L, E) with `batch_first`, or
    (L, E).

    >>> nn.TransformerEncoderLayer(d_model=512, nhead=8)(torch.rand(10, 32, 512)).shape
    torch.Size([10, 32, 512])
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Tensor], Tensor] = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        where: dict[str, Any] = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first, **where
        )
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias, **where)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias, **where)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **where)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **where)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.activation = _activation(activation)

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """Return the output, of the shape of `src`; the masks are those of `MultiheadAttention`."""
        mask, padding = float_masks(src_mask, src_key_padding_mask, src.dtype)
        if self.norm_first:
            x = src + self._attend(self.norm1(src), mask, padding, is_causal)
            return x + self._feed_forward(self.norm2(x))
        x = self.norm1(src + self._attend(src, mask, padding, is_causal))
        return self.norm2(x + self._feed_forward(x))

    def _attend(self, x: Tensor, mask: Tensor | None, padding: Tensor | None, is_causal: bool) -> Tensor:
        out = self.self_attn(x, x, x, attn_mask=mask, key_padding_mask=padding, need_weights=False, is_causal=is_causal)
        return self.dropout1(out[0])

    def _feed_forward(self, x: Tensor) -> Tensor:
        return self.dropout2(self.linear2(self.dropout(_activated(self.linear1, self.activation, x))))


class TransformerDecoderLayer(Module):
    """Self-attention, attention to the encoder's output, and a two-layer network, as in the encoder's layer.

    >>> nn.TransformerDecoderLayer(d_model=512, nhead=8)(torch.rand(20, 32, 512), torch.rand(10, 32, 512)).shape
    torch.Size([20, 32, 512])
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Tensor], Tensor] = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        where: dict[str, Any] = {"device": device, "dtype": dtype}
        attention: dict[str, Any] = {"dropout": dropout, "bias": bias, "batch_first": batch_first, **where}
        self.self_attn = MultiheadAttention(d_model, nhead, **attention)
        self.multihead_attn = MultiheadAttention(d_model, nhead, **attention)
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias, **where)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias, **where)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **where)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **where)
        self.norm3 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **where)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.dropout3 = Dropout(dropout)
        self.activation = _activation(activation)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Return the output, of the shape of `tgt`; `memory` is the encoder's output."""
        own = (tgt_mask, tgt_key_padding_mask, tgt_is_causal)
        other = (memory_mask, memory_key_padding_mask, memory_is_causal)
        if self.norm_first:
            x = tgt + self._attend(self.norm1(tgt), *own)
            x = x + self._attend_memory(self.norm2(x), memory, *other)
            return x + self._feed_forward(self.norm3(x))
        x = self.norm1(tgt + self._attend(tgt, *own))
        x = self.norm2(x + self._attend_memory(x, memory, *other))
        return self.norm3(x + self._feed_forward(x))

    def _attend(self, x: Tensor, mask: Tensor | None, padding: Tensor | None, is_causal: bool) -> Tensor:
        out = self.self_attn(x, x, x, attn_mask=mask, key_padding_mask=padding, is_causal=is_causal, need_weights=False)
        return self.dropout1(out[0])

    def _attend_memory(
        self, x: Tensor, memory: Tensor, mask: Tensor | None, padding: Tensor | None, is_causal: bool
    ) -> Tensor:
        out = self.multihead_attn(
            x, memory, memory, attn_mask=mask, key_padding_mask=padding, is_causal=is_causal, need_weights=False
        )
        return self.dropout2(out[0])

    def _feed_forward(self, x: Tensor) -> Tensor:
        return self.dropout3(self.linear2(self.dropout(_activated(self.linear1, self.activation, x))))
