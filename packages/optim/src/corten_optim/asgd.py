"""ASGD."""

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


class ASGD(Optimizer):
    """Averaged stochastic gradient descent (Polyak and Juditsky, 1992).

    p = (1 - lambd η) p - η g with η = lr / (1 + lambd · lr · t)^alpha; the state's `ax` is p, and from step `t0` on
    the mean of p since then. `weight_decay` times the parameter is added to g; `maximize` ascends. `foreach` and
    `capturable` choose among PyTorch's implementations and change nothing here.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_scalar_lr(lr)
        check_not_negative(lr=lr, weight_decay=weight_decay)
        check_implementation(differentiable, foreach, None)
        super().__init__(
            params,
            {
                "lr": lr,
                "lambd": lambd,
                "alpha": alpha,
                "t0": t0,
                "weight_decay": weight_decay,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "capturable": capturable,
            },
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        complete_groups(
            self,
            {"foreach": None, "maximize": False, "differentiable": False, "capturable": False},
            counts=("step", "eta", "mu"),
        )

    def _new_state(self, group: dict[str, Any], param: Tensor) -> dict[str, Any]:
        return {
            "step": step_count(),
            "eta": step_count(number(group["lr"])),
            "mu": step_count(1.0),
            "ax": core.zeros_like(param),
        }

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; return the loss of `closure`, which is called first."""
        loss = self._loss(closure)
        with autograd.no_grad():
            for group in self.param_groups:
                self._step(group)
        return loss

    def _step(self, group: dict[str, Any]) -> None:
        lr, lambd = number(group["lr"]), group["lambd"]
        for param, grad, (step, eta, mu, ax) in self._each(group, "step", "eta", "mu", "ax"):
            step += 1
            t = step.item()
            if group["weight_decay"] != 0:
                grad = grad.add(param, alpha=group["weight_decay"])
            rate = eta.item()
            param.mul_(1 - lambd * rate).add_(grad, alpha=-rate)
            if mu.item() == 1:
                ax.copy_(param)
            else:
                ax.add_(param.sub(ax).mul_(mu))
            eta.fill_(lr / (1 + lambd * lr * t) ** group["alpha"])
            mu.fill_(1 / max(1, t - group["t0"]))
