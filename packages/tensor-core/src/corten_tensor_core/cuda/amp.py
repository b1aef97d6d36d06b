"""`torch.amp` under its older names, for this device."""

from __future__ import annotations

from corten_tensor_core.amp import _older

__all__ = ["GradScaler", "autocast"]


class autocast(_older.autocast):
    """`torch.amp.autocast("cuda", ...)`."""

    _older_device = "cuda"


class GradScaler(_older.GradScaler):
    """`torch.amp.GradScaler("cuda", ...)`."""

    _older_device = "cuda"
