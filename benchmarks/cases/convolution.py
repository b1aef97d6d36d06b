"""Convolutions of ResNet's layers and of others: forward, and the gradients of input and weight together."""

from dataclasses import dataclass
from typing import Any

from benchmarks.case import Names, add


@dataclass(frozen=True)
class Layer:
    """A convolution whose input and kernel have the same size along each dimension, kept but for the stride."""

    batch: int
    inputs: int
    size: int
    outputs: int
    kernel: int
    stride: int = 1
    dilation: int = 1
    groups: int = 1
    function: str = "conv2d"

    @property
    def transposed(self) -> bool:
        return "transpose" in self.function

    @property
    def dims(self) -> int:
        return int(self.function[-2])

    @property
    def flops(self) -> float:
        pixels = self.size**self.dims if self.transposed else (self.size // self.stride) ** self.dims
        return 2 * self.batch * pixels * self.inputs * self.outputs // self.groups * self.kernel**self.dims

    def setup(self, lib: Any, last: bool = False) -> Names:
        """Return the operands, the convolution and its recorded result."""
        lib.manual_seed(0)
        sides = (self.inputs, self.outputs) if self.transposed else (self.outputs, self.inputs)
        x = lib.rand(self.batch, self.inputs, *[self.size] * self.dims)
        w = lib.rand(sides[0], sides[1] // self.groups, *[self.kernel] * self.dims) - 0.5
        if last:
            x, w = (t.contiguous(memory_format=lib.channels_last) for t in (x, w))
        padding = (self.kernel - self.stride) // 2 if self.transposed else self.kernel // 2 * self.dilation
        options = {"stride": self.stride, "padding": padding, "dilation": self.dilation, "groups": self.groups}
        xg, wg = x.clone().requires_grad_(), w.clone().requires_grad_()
        conv, grad = getattr(lib.nn.functional, self.function), lib.autograd.grad
        y = conv(xg, wg, **options)
        results = {"xg": xg, "wg": wg, "y": y, "g": lib.ones_like(y)}
        return {"conv": conv, "grad": grad, "x": x, "w": w, "o": options, **results}


LAYERS = {
    "conv 7x7/2 3>64 at 224": Layer(2, 3, 224, 64, 7, 2),
    "conv 3x3 64>64 at 56": Layer(4, 64, 56, 64, 3),
    "conv 3x3/2 64>128 at 56": Layer(4, 64, 56, 128, 3, 2),
    "conv 1x1/2 64>128 at 56": Layer(4, 64, 56, 128, 1, 2),
    "conv 3x3 128>128 at 28": Layer(4, 128, 28, 128, 3),
    "conv 3x3 256>256 at 14": Layer(4, 256, 14, 256, 3),
    "conv 3x3 512>512 at 7": Layer(4, 512, 7, 512, 3),
    "conv 1x1 256>64 at 56": Layer(4, 256, 56, 64, 1),
    "conv 3x3 depthwise 128 at 28": Layer(4, 128, 28, 128, 3, groups=128),
    "conv 3x3 in 4 groups 128 at 28": Layer(4, 128, 28, 128, 3, groups=4),
    "conv 3x3 1>32 at 8": Layer(64, 1, 8, 32, 3),
    "conv 3x3 dilated by 2 256>256 at 28": Layer(2, 256, 28, 256, 3, dilation=2),
    "conv 3x3 dilated by 12 256>256 at 28": Layer(2, 256, 28, 256, 3, dilation=12),
    "conv1d 5 64>64 at 256": Layer(16, 64, 256, 64, 5, function="conv1d"),
    "conv1d 5 64>128 at 512": Layer(16, 64, 512, 128, 5, function="conv1d"),
    "conv1d 3 dilated by 16 64>128 at 1024": Layer(4, 64, 1024, 128, 3, dilation=16, function="conv1d"),
    "conv3d 3 16>32 at 16": Layer(2, 16, 16, 32, 3, function="conv3d"),
    "conv3d 3 64>64 at 14": Layer(1, 64, 14, 64, 3, function="conv3d"),
    "conv_transpose2d 4/2 64>32 at 28": Layer(4, 64, 28, 32, 4, 2, function="conv_transpose2d"),
    "conv_transpose2d 2/2 128>64 at 56": Layer(2, 128, 56, 64, 2, 2, function="conv_transpose2d"),
    "conv_transpose2d 4/2 512>256 at 4": Layer(16, 512, 4, 256, 4, 2, function="conv_transpose2d"),
    "conv_transpose3d 2/2 64>32 at 8": Layer(2, 64, 8, 32, 2, 2, function="conv_transpose3d"),
}


def channels_last(lib: Any) -> Names:
    return LAYERS["conv 3x3 64>64 at 56"].setup(lib, last=True)


def register(name: str, setup: Any, flops: float) -> None:
    add(name, "conv(x, w, **o)", setup, "convolution", flops=flops)
    add(f"{name}, gradients", "grad(y, (xg, wg), g, retain_graph=True)", setup, "convolution", flops=2 * flops)


for name, layer in LAYERS.items():
    register(name, layer.setup, layer.flops)
register("conv 3x3 64>64 at 56, channels_last", channels_last, LAYERS["conv 3x3 64>64 at 56"].flops)
