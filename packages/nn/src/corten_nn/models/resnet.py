"""Residual networks (He et al., 2015) with torchvision's module names and order of keys.

The 50, 101 and 152 layer networks stride in the 3×3 convolution of a bottleneck, as torchvision's do ("v1.5").
"""

from __future__ import annotations

from os import PathLike, path

from corten_nn import init
from corten_nn._backend import Tensor
from corten_nn._module import Module
from corten_nn.hub import load_state_dict_from_url, load_weights
from corten_nn.modules import AdaptiveAvgPool2d, BatchNorm2d, Conv2d, GroupNorm, Linear, MaxPool2d, ReLU
from corten_nn.modules.container import Sequential

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Norm = Callable[[int], Module]

__all__ = ["ResNet", "resnet18", "resnet34", "resnet50", "resnet101", "resnet152"]


def _conv3x3(in_planes: int, out_planes: int, stride: int = 1, groups: int = 1, dilation: int = 1) -> Conv2d:
    return Conv2d(
        in_planes, out_planes, 3, stride=stride, padding=dilation, groups=groups, bias=False, dilation=dilation
    )


def _conv1x1(in_planes: int, out_planes: int, stride: int = 1) -> Conv2d:
    return Conv2d(in_planes, out_planes, 1, stride=stride, bias=False)


class BasicBlock(Module):
    """Two 3×3 convolutions and the way around them."""

    expansion = 1

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        downsample: Module | None = None,
        groups: int = 1,
        base_width: int = 64,
        dilation: int = 1,
        norm_layer: Norm = BatchNorm2d,
    ) -> None:
        super().__init__()
        if groups != 1 or base_width != 64:
            raise ValueError("BasicBlock only supports groups=1 and base_width=64")
        if dilation > 1:
            raise NotImplementedError("Dilation > 1 not supported in BasicBlock")
        self.conv1 = _conv3x3(inplanes, planes, stride)
        self.bn1 = norm_layer(planes)
        self.relu = ReLU(inplace=True)
        self.conv2 = _conv3x3(planes, planes)
        self.bn2 = norm_layer(planes)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Return relu(f(x) + x)."""
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class Bottleneck(Module):
    """A 1×1, a 3×3 and a 1×1 convolution, the last four times as wide, and the way around them."""

    expansion = 4

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        downsample: Module | None = None,
        groups: int = 1,
        base_width: int = 64,
        dilation: int = 1,
        norm_layer: Norm = BatchNorm2d,
    ) -> None:
        super().__init__()
        width = int(planes * (base_width / 64.0)) * groups
        self.conv1 = _conv1x1(inplanes, width)
        self.bn1 = norm_layer(width)
        self.conv2 = _conv3x3(width, width, stride, groups, dilation)
        self.bn2 = norm_layer(width)
        self.conv3 = _conv1x1(width, planes * self.expansion)
        self.bn3 = norm_layer(planes * self.expansion)
        self.relu = ReLU(inplace=True)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Return relu(f(x) + x)."""
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class ResNet(Module):
    """A residual network of four stages with `layers` blocks: images (N, 3, H, W) give scores (N, num_classes)."""

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        layers: list[int],
        num_classes: int = 1000,
        zero_init_residual: bool = False,
        groups: int = 1,
        width_per_group: int = 64,
        replace_stride_with_dilation: list[bool] | None = None,
        norm_layer: Norm | None = None,
    ) -> None:
        super().__init__()
        self._norm_layer = BatchNorm2d if norm_layer is None else norm_layer
        self.inplanes = 64
        self.dilation = 1
        dilate = [False, False, False] if replace_stride_with_dilation is None else replace_stride_with_dilation
        if len(dilate) != 3:
            raise ValueError(
                f"replace_stride_with_dilation should be None or a 3-element tuple, got {replace_stride_with_dilation}"
            )
        self.groups = groups
        self.base_width = width_per_group
        self.conv1 = Conv2d(3, self.inplanes, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = self._norm_layer(self.inplanes)
        self.relu = ReLU(inplace=True)
        self.maxpool = MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = self._make_layer(block, 64, layers[0])
        self.layer2 = self._make_layer(block, 128, layers[1], stride=2, dilate=dilate[0])
        self.layer3 = self._make_layer(block, 256, layers[2], stride=2, dilate=dilate[1])
        self.layer4 = self._make_layer(block, 512, layers[3], stride=2, dilate=dilate[2])
        self.avgpool = AdaptiveAvgPool2d((1, 1))
        self.fc = Linear(512 * block.expansion, num_classes)
        self._initialise(zero_init_residual)

    def _initialise(self, zero_init_residual: bool) -> None:
        for module in self.modules():
            if isinstance(module, Conv2d):
                init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, (BatchNorm2d, GroupNorm)):
                module.reset_parameters()
        if zero_init_residual:
            # Each block starts as the identity (arXiv 1706.02677).
            for module in self.modules():
                last = module.bn3 if isinstance(module, Bottleneck) else getattr(module, "bn2", None)
                if isinstance(module, (BasicBlock, Bottleneck)) and last is not None and last.weight is not None:
                    init.zeros_(last.weight)

    def _make_layer(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        planes: int,
        blocks: int,
        stride: int = 1,
        dilate: bool = False,
    ) -> Sequential:
        previous_dilation = self.dilation
        if dilate:
            self.dilation *= stride
            stride = 1
        downsample = None
        width = planes * block.expansion
        if stride != 1 or self.inplanes != width:
            downsample = Sequential(_conv1x1(self.inplanes, width, stride), self._norm_layer(width))
        settings: dict[str, Any] = {
            "groups": self.groups,
            "base_width": self.base_width,
            "norm_layer": self._norm_layer,
        }
        layers = [block(self.inplanes, planes, stride, downsample, dilation=previous_dilation, **settings)]
        self.inplanes = width
        layers += [block(width, planes, dilation=self.dilation, **settings) for _ in range(1, blocks)]
        return Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores of the classes."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))


_SITE = "https://download.pytorch.org/models/"
# Trained on ImageNet by the torchvision project.
_TRAINED = {
    "resnet18": {"IMAGENET1K_V1": "resnet18-f37072fd.pth"},
    "resnet34": {"IMAGENET1K_V1": "resnet34-b627a593.pth"},
    "resnet50": {"IMAGENET1K_V1": "resnet50-0676ba61.pth", "IMAGENET1K_V2": "resnet50-11ad3fa6.pth"},
    "resnet101": {"IMAGENET1K_V1": "resnet101-63fe2227.pth", "IMAGENET1K_V2": "resnet101-cd907fc2.pth"},
    "resnet152": {"IMAGENET1K_V1": "resnet152-394f9c45.pth", "IMAGENET1K_V2": "resnet152-f82ba261.pth"},
}


def _state(name: str, weights: Any, progress: bool) -> Any:
    """The state dict that `weights` stands for: a name, a URL or a file."""
    trained = _TRAINED[name]
    if weights == "DEFAULT":
        weights = max(trained)
    if weights in trained:
        return load_state_dict_from_url(_SITE + trained[weights], progress=progress, check_hash=True)
    if isinstance(weights, str) and "://" in weights:
        return load_state_dict_from_url(weights, progress=progress)
    if isinstance(weights, (str, PathLike)) and path.exists(weights):
        return load_weights(weights)
    raise ValueError(
        f"{name}: weights must be None, a file, a URL or one of {', '.join(['DEFAULT', *trained])}, but got {weights!r}"
    )


def _resnet(
    name: str,
    block: type[BasicBlock] | type[Bottleneck],
    layers: list[int],
    weights: Any,
    progress: bool,
    pretrained: bool,
    settings: dict[str, Any],
) -> ResNet:
    if pretrained:
        if weights is not None:
            raise ValueError(f"{name}: pretrained=True means weights='IMAGENET1K_V1', so `weights` must not be given")
        weights = "IMAGENET1K_V1"
    state = None if weights is None else _state(name, weights, progress)
    model = ResNet(block, layers, **settings)
    if state is not None:
        model.load_state_dict(state)
    return model


def resnet18(*, weights: Any = None, progress: bool = True, pretrained: bool = False, **settings: Any) -> ResNet:
    """ResNet of 18 layers; `settings` are those of `ResNet`, e.g. `num_classes`.

    `weights` is a file or URL of saved weights or safetensors, or the name of some trained on ImageNet: "IMAGENET1K_V1"
    (which `pretrained=True` means too), for 50 layers and more "IMAGENET1K_V2", or "DEFAULT" for the newest. They are
    downloaded once, checked against the hash in their name, and kept in the cache of `hub`; `progress` shows a bar.
    """
    return _resnet("resnet18", BasicBlock, [2, 2, 2, 2], weights, progress, pretrained, settings)


def resnet34(*, weights: Any = None, progress: bool = True, pretrained: bool = False, **settings: Any) -> ResNet:
    """ResNet of 34 layers; the arguments are those of `resnet18`."""
    return _resnet("resnet34", BasicBlock, [3, 4, 6, 3], weights, progress, pretrained, settings)


def resnet50(*, weights: Any = None, progress: bool = True, pretrained: bool = False, **settings: Any) -> ResNet:
    """ResNet of 50 layers; the arguments are those of `resnet18`."""
    return _resnet("resnet50", Bottleneck, [3, 4, 6, 3], weights, progress, pretrained, settings)


def resnet101(*, weights: Any = None, progress: bool = True, pretrained: bool = False, **settings: Any) -> ResNet:
    """ResNet of 101 layers; the arguments are those of `resnet18`."""
    return _resnet("resnet101", Bottleneck, [3, 4, 23, 3], weights, progress, pretrained, settings)


def resnet152(*, weights: Any = None, progress: bool = True, pretrained: bool = False, **settings: Any) -> ResNet:
    """ResNet of 152 layers; the arguments are those of `resnet18`."""
    return _resnet("resnet152", Bottleneck, [3, 8, 36, 3], weights, progress, pretrained, settings)
