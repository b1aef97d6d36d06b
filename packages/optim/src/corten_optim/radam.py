"""RAdam."""

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


class RAdam(Optimizer):
    """Rectified Adam (Liu et al., 2019): Adam's step, scaled by how far the variance of its denominator is known.

    With m̂ and v̂ as in Adam, ρ∞ = 2 / (1 - β₂) - 1 and ρ = ρ∞ - 2t β₂ᵗ / (1 - β₂ᵗ): where ρ > 5,
    p -= lr · m̂ · √((ρ - 4)(ρ - 2) ρ∞ / ((ρ∞ - 4)(ρ∞ - 2) ρ)) / (√v̂ + eps), before that p -= lr · m̂.
    `weight_decay` is added to the gradient, or shrinks parameters directly with `decoupled_weight_decay`;
    `maximize` ascends. `foreach` and `capturable` choose among PyTorch's implementations and change nothing here.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
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
                "maximize": maximize,
                "foreach": foreach,
                "capturable": capturable,
                "decoupled_weight_decay": decoupled_weight_decay,
                "differentiable": differentiable,
            },
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        complete_groups(
            self,
            {
                "foreach": None,
                "maximize": False,
                "differentiable": False,
                "decoupled_weight_decay": False,
                "capturable": False,
            },
        )

    def _new_state(self, group: dict[str, Any], param: Tensor) -> dict[str, Any]:
        return {"step": step_count(), "exp_avg": core.zeros_like(param), "exp_avg_sq": core.zeros_like(param)}

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; return the loss of `closure`, which is called first."""
        loss = self._loss(closure)
        with autograd.no_grad():
            for group in self.param_groups:
                self._step(group)
        return loss

    def _step(self, group: dict[str, Any]) -> None:
        beta1, beta2 = group["betas"]
        lr, decay = number(group["lr"]), group["weight_decay"]
        longest = 2 / (1 - beta2) - 1
        for param, grad, (step, exp_avg, exp_avg_sq) in self._each(group, "step", "exp_avg", "exp_avg_sq"):
            step += 1
            t = step.item()
            if decay != 0:
                if group["decoupled_weight_decay"]:
                    param.mul_(1 - lr * decay)
                else:
                    grad = grad.add(param, alpha=decay)
            exp_avg.lerp_(grad, 1 - beta1)
            exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
            left = 1 - beta2**t
            update = exp_avg / (1 - beta1**t) * lr
            length = longest - 2 * t * beta2**t / left
            if length > 5.0:
                known = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
                update.mul_(left**0.5 / exp_avg_sq.sqrt().add_(group["eps"])).mul_(known**0.5)
            param.sub_(update)
