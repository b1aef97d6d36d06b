"""Checks of the settings that optimizers share, with PyTorch's messages."""

from __future__ import annotations

from corten_optim._backend import Tensor, core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NAMES = {
    "lr": "learning rate",
    "eps": "epsilon value",
    "weight_decay": "weight_decay value",
    "momentum": "momentum value",
}


def check_scalar_lr(lr: Any) -> None:
    """Refuse a learning rate given as a tensor of several elements."""
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")


def check_not_negative(**settings: Any) -> None:
    """Refuse negative values and NaN, in the order given."""
    for key, value in settings.items():
        if not value >= 0.0:
            raise ValueError(f"Invalid {_NAMES.get(key, f'{key} value')}: {value}")


def check_betas(betas: Any) -> None:
    """Refuse decay rates outside [0, 1)."""
    for i, beta in enumerate(betas):
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {beta}")


def check_implementation(differentiable: bool, foreach: bool | None, fused: bool | None) -> None:
    """Check the flags by which PyTorch chooses among implementations; here all of them mean the native step."""
    if differentiable:
        if fused:
            raise RuntimeError("`fused` does not support `differentiable`")
        raise NotImplementedError("differentiable=True is not supported: steps are not recorded for autograd")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")


def step_count(value: float = 0.0) -> Tensor:
    """A count of steps as the state holds it: a 0-d tensor of the default floating dtype on the CPU."""
    dtype = core.float64 if core.get_default_dtype() == core.float64 else core.float32
    return core.tensor(value, dtype=dtype)


def complete_groups(optimizer: Any, defaults: dict[str, Any], counts: tuple[str, ...] = ("step",)) -> None:
    """Add settings that older saved groups lack, and make the `counts` in the state tensors where they were numbers."""
    for group in optimizer.param_groups:
        for key, value in defaults.items():
            group.setdefault(key, value)
        for param in group["params"]:
            entry = optimizer.state.get(param)
            for key in counts:
                if entry and key in entry and not isinstance(entry[key], Tensor):
                    entry[key] = step_count(float(entry[key]))
