"""ResNet-18 (He et al., 2015) for any library of PyTorch's interface."""

from typing import Any


def ResNet18(lib: Any) -> Any:
    """Return the network for 1000 classes."""
    nn = lib.nn

    def conv(inputs: int, outputs: int, kernel: int, stride: int) -> list[Any]:
        return [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs)]

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, inputs: int, outputs: int, stride: int) -> None:
            super().__init__()
            self.body = nn.Sequential(*conv(inputs, outputs, 3, stride), nn.ReLU(), *conv(outputs, outputs, 3, 1))
            same = stride == 1 and inputs == outputs
            self.skip = nn.Identity() if same else nn.Sequential(*conv(inputs, outputs, 1, stride))

        def forward(self, x: Any) -> Any:
            return lib.relu(self.body(x) + self.skip(x))

    layers = [*conv(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    for inputs, outputs, stride in ((64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)):
        layers += [Block(inputs, outputs, stride), Block(outputs, outputs, 1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000))
