"""Transposed convolutions: the gradient of a convolution with respect to its input, as a layer."""

from __future__ import annotations

from corten_nn._backend import Tensor, core
from corten_nn._sizes import per_dim
from corten_nn.modules.conv import _ConvNd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


class _ConvTranspose(_ConvNd):
    """Base of the transposed convolutions."""

    _transposed = True
    _row: str

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] = 0,
        output_padding: int | tuple[int, ...] = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | tuple[int, ...] = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        self._setup(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            per_dim(padding, self._dims),
            dilation,
            output_padding,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def _output_padding(self, input: Tensor, output_size: Sequence[int] | None) -> tuple[int, ...]:
        """The amounts that make the output as large as `output_size`, one of several possible sizes."""
        if output_size is None:
            return self.output_padding
        dims = self._dims
        outer = 2 if input.dim() == dims + 2 else 1
        if len(output_size) == outer + dims:
            output_size = output_size[outer:]
        if len(output_size) != dims:
            raise ValueError(
                f"ConvTranspose{dims}D: for {input.dim()}D input, output_size must have {dims} or {outer + dims} "
                f"elements (got {len(output_size)})"
            )
        smallest, largest = [], []
        for i in range(dims):
            size = (
                (input.size(i + outer) - 1) * self.stride[i]
                - 2 * self.padding[i]
                + self.dilation[i] * (self.kernel_size[i] - 1)
                + 1
            )
            smallest.append(size)
            largest.append(size + self.stride[i] - 1)
        for size, low, high in zip(output_size, smallest, largest, strict=True):
            if not low <= size <= high:
                raise ValueError(
                    f"requested an output size of {output_size}, but valid sizes range from {smallest} to {largest} "
                    f"(for an input of {input.size()[2:]})"
                )
        return tuple(size - low for size, low in zip(output_size, smallest, strict=True))

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Return the transposed convolution; `output_size` chooses among the sizes that `stride` leaves open."""
        output_padding = self._output_padding(input, output_size)
        out: Tensor = getattr(core, self._row)(
            input, self.weight, self.bias, self.stride, self.padding, output_padding, self.groups, self.dilation
        )
        return out


class ConvTranspose1d(_ConvTranspose):
    """Transposed convolution of (N, C, L) or (C, L) inputs.

    The output length is (L - 1)·stride - 2·padding + dilation·(kernel_size - 1) + output_padding + 1.
    """

    _dims = 1
    _row = "conv_transpose1d"


class ConvTranspose2d(_ConvTranspose):
    """Transposed convolution of (N, C, H, W) or (C, H, W) inputs; sizes as in `ConvTranspose1d`.

    >>> nn.ConvTranspose2d(16, 16, 3, stride=2, padding=1)(torch.randn(1, 16, 6, 6)).shape
    torch.Size([1, 16, 11, 11])
    """

    _dims = 2
    _row = "conv_transpose2d"


class ConvTranspose3d(_ConvTranspose):
    """Transposed convolution of (N, C, D, H, W) or (C, D, H, W) inputs; sizes as in `ConvTranspose1d`."""

    _dims = 3
    _row = "conv_transpose3d"
