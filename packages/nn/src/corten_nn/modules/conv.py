"""Convolutions."""

from __future__ import annotations

import math

from corten_nn import init
from corten_nn._backend import Tensor, core
from corten_nn._module import Module
from corten_nn._sizes import per_dim, reversed_twice
from corten_nn.functional.padding import pad
from corten_nn.parameter import Parameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


def _same_padding(kernel_size: tuple[int, ...], dilation: tuple[int, ...]) -> list[int]:
    amounts: list[int] = []
    for size, step in zip(reversed(kernel_size), reversed(dilation), strict=True):
        total = step * (size - 1)
        amounts += [total // 2, total - total // 2]
    return amounts


class _ConvNd(Module):
    """Base of all convolutions: settings, weight and bias.

    Weight (out_channels, in_channels / groups, *kernel_size), or for a transposed convolution
    (in_channels, out_channels / groups, *kernel_size), and bias start from U(-k, k), k = 1 / √fan_in.
    """

    _dims: int
    _transposed: bool = False
    weight: Tensor
    bias: Tensor | None

    def _setup(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        output_padding: Any,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
    ) -> None:
        Module.__init__(self)
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups != 0:
            raise ValueError("out_channels must be divisible by groups")
        dims = self._dims
        stride = per_dim(stride, dims)
        if isinstance(padding, str):
            if padding not in ("same", "valid"):
                raise ValueError(f"Invalid padding string {padding!r}, should be one of {{'same', 'valid'}}")
            if padding == "same" and any(step != 1 for step in stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
        else:
            padding = per_dim(padding, dims)
        if padding_mode not in _PADDING_MODES:
            modes = ", ".join(map(repr, _PADDING_MODES))
            raise ValueError(f"padding_mode must be one of {{{modes}}}, but got padding_mode='{padding_mode}'")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = per_dim(kernel_size, dims)
        self.stride = stride
        self.padding = padding
        self.dilation = per_dim(dilation, dims)
        self.transposed = self._transposed
        self.output_padding = per_dim(output_padding, dims)
        self.groups = groups
        self.padding_mode = padding_mode
        if padding == "same":
            self._reversed_padding_repeated_twice = _same_padding(self.kernel_size, self.dilation)
        elif padding == "valid":
            self._reversed_padding_repeated_twice = [0, 0] * dims
        else:
            self._reversed_padding_repeated_twice = reversed_twice(padding)
        outer, inner = (in_channels, out_channels) if self._transposed else (out_channels, in_channels)
        self.weight = Parameter(core.empty((outer, inner // groups, *self.kernel_size), device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(core.empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            if fan_in != 0:
                bound = 1 / math.sqrt(fan_in)
                init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        """All settings that differ from the defaults."""
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != (0,) * len(self.padding):
            text += f", padding={self.padding}"
        if self.dilation != (1,) * len(self.dilation):
            text += f", dilation={self.dilation}"
        if self.output_padding != (0,) * len(self.output_padding):
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


class _Conv(_ConvNd):
    """Base of the forward convolutions."""

    _row: str

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: str | int | tuple[int, ...] = 0,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        self._setup(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            0,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        padding = self.padding
        if self.padding_mode != "zeros":
            input = pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
            padding = (0,) * self._dims
        out: Tensor = getattr(core, self._row)(input, weight, bias, self.stride, padding, self.dilation, self.groups)
        return out

    def forward(self, input: Tensor) -> Tensor:
        """Return the cross-correlation of `input` and the weight, plus the bias."""
        return self._conv_forward(input, self.weight, self.bias)


class Conv1d(_Conv):
    """Convolution of (N, C, L) or (C, L) inputs.

    The output length is ⌊(L + 2·padding - dilation·(kernel_size - 1) - 1) / stride⌋ + 1. `padding` may be "valid"
    (none) or "same" (the output has the input's size; stride 1 only).

    >>> nn.Conv1d(16, 33, 3, stride=2)(torch.randn(20, 16, 50)).shape
    torch.Size([20, 33, 24])
    """

    _dims = 1
    _row = "conv1d"


class Conv2d(_Conv):
    """Convolution of (N, C, H, W) or (C, H, W) inputs; sizes per dimension as in `Conv1d`.

    >>> nn.Conv2d(16, 33, (3, 5), stride=(2, 1), padding=(4, 2))(torch.randn(20, 16, 50, 100)).shape
    torch.Size([20, 33, 28, 100])
    """

    _dims = 2
    _row = "conv2d"


class Conv3d(_Conv):
    """Convolution of (N, C, D, H, W) or (C, D, H, W) inputs; sizes per dimension as in `Conv1d`."""

    _dims = 3
    _row = "conv3d"
