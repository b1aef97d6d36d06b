"""Enlarging inputs at their edges."""

from __future__ import annotations

from corten_nn import functional as F
from corten_nn._backend import Tensor
from corten_nn._module import Module
from corten_nn._sizes import per_dim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _Pad(Module):
    """Base of the paddings: amounts before and after each dimension from the last one on, or one for all."""

    _dims: int
    _mode: str

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = per_dim(padding, 2 * self._dims)

    def forward(self, input: Tensor) -> Tensor:
        """Return the enlarged input."""
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        """The amounts."""
        return f"{self.padding}"


class _ConstantPad(_Pad):
    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        """Return the enlarged input."""
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        """The amounts and the value."""
        return f"padding={self.padding}, value={self.value}"


class _ZeroPad(_ConstantPad):
    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """The amounts."""
        return f"{self.padding}"


class ConstantPad1d(_ConstantPad):
    """Pad (N, C, L) or (C, L) with `value`."""

    _dims = 1


class ConstantPad2d(_ConstantPad):
    """Pad (N, C, H, W) or (C, H, W) with `value`."""

    _dims = 2


class ConstantPad3d(_ConstantPad):
    """Pad (N, C, D, H, W) or (C, D, H, W) with `value`."""

    _dims = 3


class ZeroPad1d(_ZeroPad):
    """Pad (N, C, L) or (C, L) with zeros."""

    _dims = 1


class ZeroPad2d(_ZeroPad):
    """Pad (N, C, H, W) or (C, H, W) with zeros."""

    _dims = 2


class ZeroPad3d(_ZeroPad):
    """Pad (N, C, D, H, W) or (C, D, H, W) with zeros."""

    _dims = 3


class _ReflectionPad(_Pad):
    _mode = "reflect"


class ReflectionPad1d(_ReflectionPad):
    """Pad (N, C, L) or (C, L) with the values mirrored at the edges."""

    _dims = 1


class ReflectionPad2d(_ReflectionPad):
    """Pad (N, C, H, W) or (C, H, W) with the values mirrored at the edges."""

    _dims = 2


class ReflectionPad3d(_ReflectionPad):
    """Pad (N, C, D, H, W) or (C, D, H, W) with the values mirrored at the edges."""

    _dims = 3


class _ReplicationPad(_Pad):
    _mode = "replicate"


class ReplicationPad1d(_ReplicationPad):
    """Pad (N, C, L) or (C, L) with the values of the edges."""

    _dims = 1


class ReplicationPad2d(_ReplicationPad):
    """Pad (N, C, H, W) or (C, H, W) with the values of the edges."""

    _dims = 2


class ReplicationPad3d(_ReplicationPad):
    """Pad (N, C, D, H, W) or (C, D, H, W) with the values of the edges."""

    _dims = 3


class _CircularPad(_Pad):
    _mode = "circular"


class CircularPad1d(_CircularPad):
    """Pad (N, C, L) or (C, L) with the values of the opposite edges."""

    _dims = 1


class CircularPad2d(_CircularPad):
    """Pad (N, C, H, W) or (C, H, W) with the values of the opposite edges."""

    _dims = 2


class CircularPad3d(_CircularPad):
    """Pad (N, C, D, H, W) or (C, D, H, W) with the values of the opposite edges."""

    _dims = 3
