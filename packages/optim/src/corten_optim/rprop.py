"""Rprop."""

from __future__ import annotations

from corten_optim._backend import Tensor, autograd, core
from corten_optim._optimizer import Optimizer, number
from corten_optim._settings import (
    check_implementation,
    check_not_negative,
    check_scalar_lr,
    complete_groups,
    step_count,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Rprop(Optimizer):
    """Resilient backpropagation (Riedmiller and Braun, 1993), for gradients of the whole data.

    Every number has a step size, `lr` at first: it grows by the factor `etas[1]` where the gradient keeps its sign
    and shrinks by `etas[0]` where it changes, within `step_sizes`; only the sign of the gradient counts. `maximize`
    ascends. `foreach` and `capturable` choose among PyTorch's implementations and change nothing here.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_scalar_lr(lr)
        check_not_negative(lr=lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        check_implementation(differentiable, foreach, None)
        super().__init__(
            params,
            {
                "lr": lr,
                "etas": etas,
                "step_sizes": step_sizes,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "capturable": capturable,
            },
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        complete_groups(self, {"foreach": None, "maximize": False, "differentiable": False, "capturable": False})

    def _new_state(self, group: dict[str, Any], param: Tensor) -> dict[str, Any]:
        lr = number(group["lr"])
        start = complex(lr, lr) if param.is_complex() else lr
        return {"step": step_count(), "prev": core.zeros_like(param), "step_size": core.full_like(param, start)}

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; return the loss of `closure`, which is called first."""
        loss = self._loss(closure)
        with autograd.no_grad():
            for group in self.param_groups:
                self._step(group)
        return loss

    def _step(self, group: dict[str, Any]) -> None:
        shrink, grow = group["etas"]
        for param, grad, (step, prev, step_size) in self._each(group, "step", "prev", "step_size"):
            step += 1
            agreement = grad.mul(prev)
            factor = core.ones_like(agreement).masked_fill_(agreement > 0, grow).masked_fill_(agreement < 0, shrink)
            step_size.mul_(factor).clamp_(*group["step_sizes"])
            # After a change of sign a number rests for one step.
            prev.copy_(grad.masked_fill(agreement < 0, 0))
            param.addcmul_(prev.sign(), step_size, value=-1)
