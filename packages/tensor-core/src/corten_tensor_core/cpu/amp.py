"""`torch.amp` under its older names, for this device."""

from __future__ import annotations

from corten_tensor_core.amp import _older

__all__ = ["GradScaler", "autocast"]


class autocast(_older.autocast):
    """`torch.amp.autocast("cpu", ...)`."""

    _older_device = "cpu"


class GradScaler(_older.GradScaler):
    """`torch.amp.GradScaler("cpu", ...)`."""

    _older_device = "cpu"
