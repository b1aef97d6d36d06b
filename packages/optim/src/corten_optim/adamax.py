"""Adamax."""

from __future__ import annotations

from corten_optim._backend import Tensor, autograd, core
from corten_optim._optimizer import Optimizer, number
from corten_optim._settings import (
    check_betas,
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


class Adamax(Optimizer):
    """Adam with the infinity norm (Kingma and Ba, 2014, section 7.1).

    With g the gradient plus `weight_decay` times the parameter and m its running mean: u = max(β₂ u, |g| + eps);
    p -= lr / (1 - β₁ᵗ) · m / u. `maximize` ascends. `foreach` and `capturable` choose among PyTorch's
    implementations and change nothing here.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_scalar_lr(lr)
        check_not_negative(lr=lr, eps=eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay)
        check_implementation(differentiable, foreach, None)
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
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
        return {"step": step_count(), "exp_avg": core.zeros_like(param), "exp_inf": core.zeros_like(param)}

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; return the loss of `closure`, which is called first."""
        loss = self._loss(closure)
        with autograd.no_grad():
            for group in self.param_groups:
                self._step(group)
        return loss

    def _step(self, group: dict[str, Any]) -> None:
        beta1, beta2 = group["betas"]
        lr = number(group["lr"])
        for param, grad, (step, exp_avg, exp_inf) in self._each(group, "step", "exp_avg", "exp_inf"):
            step += 1
            if group["weight_decay"] != 0:
                grad = grad.add(param, alpha=group["weight_decay"])
            exp_avg.lerp_(grad, 1 - beta1)
            exp_inf.copy_(core.maximum(exp_inf.mul_(beta2), grad.abs().add_(group["eps"])))
            param.addcdiv_(exp_avg, exp_inf, value=-lr / (1 - beta1 ** step.item()))
