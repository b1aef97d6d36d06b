"""The order in memory of convolutions' weights."""

from __future__ import annotations

from corten_nn.modules.conv import Conv2d, Conv3d
from corten_nn.modules.conv_transpose import ConvTranspose2d, ConvTranspose3d

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    Layer = TypeVar("Layer", bound=Any)


def _convert(module: Any, kinds: tuple[Any, ...], memory_format: Any) -> Any:
    for part in module.modules():
        if isinstance(part, kinds):
            part.weight.data = part.weight.detach().clone(memory_format=memory_format)
    return module


def convert_conv2d_weight_memory_format(module: Layer, memory_format: Any) -> Layer:
    """Give the weights of all (transposed) two-dimensional convolutions in `module` a memory format."""
    return _convert(module, (Conv2d, ConvTranspose2d), memory_format)


def convert_conv3d_weight_memory_format(module: Layer, memory_format: Any) -> Layer:
    """Give the weights of all (transposed) three-dimensional convolutions in `module` a memory format."""
    return _convert(module, (Conv3d, ConvTranspose3d), memory_format)
