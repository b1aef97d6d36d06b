"""Stacks of transformer layers, and the transformer of both stacks (Vaswani et al., 2017)."""

from __future__ import annotations

import math
from copy import deepcopy

from corten_nn import functional as F
from corten_nn import init
from corten_nn._backend import Tensor, core
from corten_nn._module import Module
from corten_nn.modules.container import ModuleList
from corten_nn.modules.normalization import LayerNorm
from corten_nn.modules.transformer_layer import TransformerDecoderLayer, TransformerEncoderLayer, float_masks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def _causal_mask(size: int, device: Any = None, dtype: Any = None) -> Tensor:
    return core.full((size, size), -math.inf, device=device, dtype=dtype).triu(1)


def _is_causal(mask: Tensor | None, hint: bool | None, length: int) -> bool:
    """Whether `mask` is the causal one: as `hint` says, or found out where it is None."""
    if hint is not None or mask is None:
        return bool(hint)
    if tuple(mask.shape) != (length, length):
        return False
    if mask.dtype == core.bool:
        causal = core.ones(length, length, dtype=core.bool, device=mask.device).triu(1)
    else:
        causal = _causal_mask(length, mask.device, mask.dtype)
    return bool((mask == causal).all())


def _length(x: Tensor, layer: Any) -> int:
    return x.size(1 if x.dim() == 3 and layer.self_attn.batch_first else 0)


class TransformerEncoder(Module):
    """`num_layers` copies of `encoder_layer` in a row, then `norm`.

    `enable_nested_tensor` and `mask_check` steer a faster way of PyTorch's, which gives zeros where
    `src_key_padding_mask` is set; they change nothing here.

    >>> nn.TransformerEncoder(nn.TransformerEncoderLayer(512, 8), num_layers=6)(torch.rand(10, 32, 512)).shape
    torch.Size([10, 32, 512])
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = ModuleList([deepcopy(encoder_layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor = enable_nested_tensor
        self.mask_check = mask_check

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """Return the output, of the shape of `src`; `is_causal=None` finds out whether `mask` is the causal one."""
        mask, padding = float_masks(mask, src_key_padding_mask, src.dtype, "mask")
        causal = _is_causal(mask, is_causal, _length(src, self.layers[0]))
        output = src
        for layer in self.layers:
            output = layer(output, src_mask=mask, is_causal=causal, src_key_padding_mask=padding)
        return output if self.norm is None else self.norm(output)


class TransformerDecoder(Module):
    """`num_layers` copies of `decoder_layer` in a row, then `norm`.

    >>> decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(512, 8), num_layers=6)
    >>> decoder(torch.rand(20, 32, 512), torch.rand(10, 32, 512)).shape
    torch.Size([20, 32, 512])
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = ModuleList([deepcopy(decoder_layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Return the output, of the shape of `tgt`; `memory` is the encoder's output."""
        causal = _is_causal(tgt_mask, tgt_is_causal, _length(tgt, self.layers[0]))
        output = tgt
        for layer in self.layers:
            output = layer(
                output,
                memory,
                tgt_mask=tgt_mask,
                memory_mask=memory_mask,
                tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask,
                tgt_is_causal=causal,
                memory_is_causal=memory_is_causal,
            )
        return output if self.norm is None else self.norm(output)


class Transformer(Module):
    """An encoder and a decoder, with layer normalisation after each, or the two that are given.

    >>> nn.Transformer(nhead=16, num_encoder_layers=12)(torch.rand(10, 32, 512), torch.rand(20, 32, 512)).shape
    torch.Size([20, 32, 512])
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Tensor], Tensor] = F.relu,
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        where: dict[str, Any] = {"device": device, "dtype": dtype}
        shape = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias)
        if custom_encoder is None:
            layer: Module = TransformerEncoderLayer(*shape, **where)
            norm = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **where)
            custom_encoder = TransformerEncoder(layer, num_encoder_layers, norm)
        self.encoder = custom_encoder
        if custom_decoder is None:
            layer = TransformerDecoderLayer(*shape, **where)
            norm = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **where)
            custom_decoder = TransformerDecoder(layer, num_decoder_layers, norm)
        self.decoder = custom_decoder
        self._reset_parameters()
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    def _reset_parameters(self) -> None:
        for param in self.parameters():
            if param.dim() > 1:
                init.xavier_uniform_(param)

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Encode `src` (S, N, E) and decode `tgt` (T, N, E) from that; return (T, N, E)."""
        batch_dim = 0 if self.batch_first else 1
        if src.dim() == 3 and src.size(batch_dim) != tgt.size(batch_dim):
            raise RuntimeError("the batch number of src and tgt must be equal")
        if src.size(-1) != self.d_model or tgt.size(-1) != self.d_model:
            raise RuntimeError("the feature number of src and tgt must be equal to d_model")
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        return self.decoder(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """Return the mask (sz, sz) that hides later positions: -inf above the diagonal, 0 elsewhere."""
        return _causal_mask(sz, device, dtype)
