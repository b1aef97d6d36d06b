"""`torch.amp` under its older names: the classes of `torch.cpu.amp` and `torch.cuda.amp`, less their device."""

from __future__ import annotations

import warnings

from .autocast_mode import autocast as _autocast
from .grad_scaler import GradScaler as _GradScaler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar

    from corten_native import dtype as Dtype


def _warn(device: str, name: str) -> None:
    warnings.warn(
        f"`torch.{device}.amp.{name}(args...)` is deprecated. "
        f"Please use `torch.amp.{name}('{device}', args...)` instead.",
        FutureWarning,
        stacklevel=3,
    )


class autocast(_autocast):
    """`torch.amp.autocast` for one device."""

    _older_device: ClassVar[str]

    def __init__(self, enabled: bool = True, dtype: Dtype | None = None, cache_enabled: bool = True) -> None:
        _warn(self._older_device, "autocast")
        super().__init__(self._older_device, dtype, enabled, cache_enabled)


class GradScaler(_GradScaler):
    """`torch.amp.GradScaler` for one device."""

    _older_device: ClassVar[str]

    def __init__(
        self,
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        _warn(self._older_device, "GradScaler")
        super().__init__(self._older_device, init_scale, growth_factor, backoff_factor, growth_interval, enabled)
