"""Convolutions of ResNet's layers and of others: forward, and the gradients of input and weight together."""

from typing import Any

from benchmarks.case import Names, add

# Batch, input channels, size, output channels, kernel, stride, groups.
Shape = tuple[int, int, int, int, int, int, int]
LAYERS: dict[str, Shape] = {
    "7x7/2 3>64 at 224": (2, 3, 224, 64, 7, 2, 1),
    "3x3 64>64 at 56": (4, 64, 56, 64, 3, 1, 1),
    "3x3/2 64>128 at 56": (4, 64, 56, 128, 3, 2, 1),
    "1x1/2 64>128 at 56": (4, 64, 56, 128, 1, 2, 1),
    "3x3 128>128 at 28": (4, 128, 28, 128, 3, 1, 1),
    "3x3 256>256 at 14": (4, 256, 14, 256, 3, 1, 1),
    "3x3 512>512 at 7": (4, 512, 7, 512, 3, 1, 1),
    "1x1 256>64 at 56": (4, 256, 56, 64, 1, 1, 1),
    "3x3 depthwise 128 at 28": (4, 128, 28, 128, 3, 1, 128),
    "3x3 in 4 groups 128 at 28": (4, 128, 28, 128, 3, 1, 4),
    "3x3 1>32 at 8": (64, 1, 8, 32, 3, 1, 1),
}


def layer(batch: int, inputs: int, size: int, outputs: int, kernel: int, stride: int, groups: int, last: bool) -> Any:
    """Return a set-up of a convolution, its operands and its recorded result."""

    def setup(lib: Any) -> Names:
        lib.manual_seed(0)
        x = lib.rand(batch, inputs, size, size)
        w = lib.rand(outputs, inputs // groups, kernel, kernel) - 0.5
        if last:
            x, w = (t.contiguous(memory_format=lib.channels_last) for t in (x, w))
        options = {"stride": stride, "padding": kernel // 2, "groups": groups}
        xg, wg = x.clone().requires_grad_(), w.clone().requires_grad_()
        y = lib.nn.functional.conv2d(xg, wg, **options)
        conv, grad = lib.nn.functional.conv2d, lib.autograd.grad
        return {
            "conv": conv,
            "grad": grad,
            "x": x,
            "w": w,
            "o": options,
            "xg": xg,
            "wg": wg,
            "y": y,
            "g": lib.ones_like(y),
        }

    return setup


def register(name: str, shape: Shape, last: bool = False) -> None:
    batch, inputs, size, outputs, kernel, stride, groups = shape
    flops = 2 * batch * (size // stride) ** 2 * outputs * (inputs // groups) * kernel**2
    setup = layer(*shape, last)
    add(f"conv {name}", "conv(x, w, **o)", setup, "convolution", flops=flops)
    add(f"conv {name}, gradients", "grad(y, (xg, wg), g, retain_graph=True)", setup, "convolution", flops=2 * flops)


for name, shape in LAYERS.items():
    register(name, shape)
register("3x3 64>64 at 56, channels_last", (4, 64, 56, 64, 3, 1, 1), last=True)


def others(lib: Any) -> Names:
    lib.manual_seed(0)
    names = {"line": lib.rand(16, 64, 256), "narrow": lib.rand(64, 64, 5), "volume": lib.rand(2, 16, 16, 16, 16)}
    return {
        **names,
        "cube": lib.rand(32, 16, 3, 3, 3),
        "image": lib.rand(4, 64, 28, 28),
        "up": lib.rand(64, 32, 4, 4),
        "f": lib.nn.functional,
    }


add(
    "conv1d 5 64>64 at 256",
    "f.conv1d(line, narrow, padding=2)",
    others,
    "convolution",
    flops=2 * 16 * 256 * 64 * 64 * 5,
)
add(
    "conv3d 3 16>32 at 16",
    "f.conv3d(volume, cube, padding=1)",
    others,
    "convolution",
    flops=2 * 2 * 16**3 * 32 * 16 * 27,
)
TRANSPOSED = "f.conv_transpose2d(image, up, stride=2, padding=1)"
add("conv_transpose2d 4/2 64>32 at 28", TRANSPOSED, others, "convolution", flops=2 * 4 * 28 * 28 * 64 * 32 * 16)
