"""Running averages of a model's weights: what `optim.swa_utils` offers for modules."""

from __future__ import annotations

from copy import deepcopy

from corten_nn._backend import Tensor, autograd, core
from corten_nn._module import Module
from corten_nn.modules.batchnorm import _BatchNorm

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

__all__ = [
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]


def _check_decay(decay: float) -> None:
    if decay < 0.0 or decay > 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def get_ema_avg_fn(decay: float = 0.999) -> Callable[[Tensor, Tensor, Any], Tensor]:
    """Return f(average, current, count) = decay · average + (1 - decay) · current."""
    _check_decay(decay)

    def ema_update(ema_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        with autograd.no_grad():
            return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn() -> Callable[[Tensor, Tensor, Any], Tensor]:
    """Return f(average, current, count) = average + (current - average) / (count + 1)."""

    def swa_update(averaged_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        with autograd.no_grad():
            return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]:
    """Return a function that does the work of `get_ema_avg_fn` in place, on lists of tensors."""
    _check_decay(decay)

    def ema_update(ema_param_list: Sequence[Tensor], current_param_list: Sequence[Tensor], _: Any) -> None:
        with autograd.no_grad():
            for average, current in zip(ema_param_list, current_param_list, strict=True):
                _move(average, current, 1 - decay)

    return ema_update


def get_swa_multi_avg_fn() -> Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]:
    """Return a function that does the work of `get_swa_avg_fn` in place, on lists of tensors."""

    def swa_update(
        averaged_param_list: Sequence[Tensor], current_param_list: Sequence[Tensor], num_averaged: Any
    ) -> None:
        with autograd.no_grad():
            for average, current in zip(averaged_param_list, current_param_list, strict=True):
                _move(average, current, 1 / (int(num_averaged) + 1))

    return swa_update


def _move(average: Tensor, current: Tensor, weight: float) -> None:
    """Move `average` towards `current` by the fraction `weight`; integers are cut off, as PyTorch's."""
    if average.is_floating_point() or average.is_complex():
        average.lerp_(current, weight)
    else:
        average.copy_(average * (1 - weight) + current * weight)


class AveragedModel(Module):
    """A copy of `model`, in `module`, whose parameters are a running average of the model's.

    The average is that of all models given to `update_parameters` (stochastic weight averaging, Izmailov et al.,
    2018), or what `avg_fn(average, current, count)` returns, or what `multi_avg_fn`, in place, makes of the lists of
    all averages and of all current values. `use_buffers` averages buffers too, which are copied otherwise.

    >>> averaged = optim.swa_utils.AveragedModel(model)
    >>> averaged.update_parameters(model)  # after an epoch
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Callable[[Tensor, Tensor, Any], Tensor] | None = None,
        multi_avg_fn: Callable[[Sequence[Tensor], Sequence[Tensor], Any], None] | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", core.tensor(0, dtype=core.int64, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the averaged copy does."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the current parameters of `model` into the average; the first ones are copied."""
        pairs = _pairs(self.module.parameters(), model.parameters())
        buffers = _pairs(self.module.buffers(), model.buffers())
        if self.use_buffers:
            pairs += buffers
        if self.n_averaged == 0:
            for average, current in pairs:
                average.copy_(current)
        elif self.avg_fn is not None:
            for average, current in pairs:
                average.copy_(self.avg_fn(average, current, self.n_averaged.to(average.device)))
        else:
            update = self.multi_avg_fn or get_swa_multi_avg_fn()
            by_kind: dict[Any, tuple[list[Tensor], list[Tensor]]] = {}
            for average, current in pairs:
                averages, currents = by_kind.setdefault((average.device, average.dtype), ([], []))
                averages.append(average)
                currents.append(current)
            for (device, _), (averages, currents) in by_kind.items():
                update(averages, currents, self.n_averaged.to(device))
        if not self.use_buffers:
            for average, current in buffers:
                average.copy_(current)
        self.n_averaged += 1


def _pairs(averages: Iterable[Tensor], currents: Iterable[Tensor]) -> list[tuple[Tensor, Tensor]]:
    return [(a.detach(), c.detach().to(a.device)) for a, c in zip(averages, currents, strict=True)]


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the running statistics of `model`'s batch norms anew, from one pass over `loader`.

    A batch is a tensor, or a list or tuple that begins with one; it is moved to `device` if that is given.
    """
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    was_training = model.training
    model.train()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    with autograd.no_grad():
        for batch in loader:
            x = batch[0] if isinstance(batch, (list, tuple)) else batch
            model(x if device is None else x.to(device))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.train(was_training)
