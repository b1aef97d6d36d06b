"""Averaging weights: the schedule `SWALR` here, and what deals with modules from corten-nn.

`AveragedModel`, `update_bn` and the averaging functions are looked up in corten-nn when they are first used, which
therefore must be installed for them.
"""

from __future__ import annotations

import math
from importlib import import_module

from corten_optim.lr_scheduler._base import LRScheduler, per_group

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["SWALR"]

_FOR_MODULES = (
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
)


def __getattr__(name: str) -> object:
    if name not in _FOR_MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module("corten_nn.averaging")
    except ModuleNotFoundError as error:
        raise ImportError(f"{name} needs corten-nn: pip install corten-nn") from error
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_FOR_MODULES})


def _cosine(t: float) -> float:
    return (1 - math.cos(math.pi * t)) / 2


def _linear(t: float) -> float:
    return t


class SWALR(LRScheduler):
    """The learning rate goes to `swa_lr` (one for all groups, or a list) in `anneal_epochs` epochs, and stays there.

    `anneal_strategy` is "cos" or "linear".

    >>> scheduler = optim.swa_utils.SWALR(optimizer, swa_lr=0.05)
    """

    def __init__(
        self,
        optimizer: Any,
        swa_lr: Any,
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        for value, group in zip(per_group("swa_lr", optimizer, swa_lr), optimizer.param_groups, strict=True):
            group["swa_lr"] = value
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Compute the learning rates of `last_epoch` from those in the groups."""
        self._check_within_step()
        anneal = _cosine if self._anneal_strategy == "cos" else _linear
        epochs = max(1, self.anneal_epochs)
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = (anneal(max(0.0, min(1.0, i / epochs))) for i in (step - 1, step))
        lrs = []
        for group in self.optimizer.param_groups:
            lr, target = group["lr"], group["swa_lr"]
            # Each rate is a mean of start and target: undo the last one, so that other schedules may take part.
            start = target if before == 1 else (lr - before * target) / (1 - before)
            lrs.append(target * now + start * (1 - now))
        return lrs
