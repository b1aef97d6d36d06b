"""NAdam."""

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


class NAdam(Optimizer):
    """Adam with Nesterov momentum (Dozat, 2016).

    With m and v the running means of the gradient g and of g², and μₜ = β₁ (1 - 0.96^(t · momentum_decay) / 2):
    p -= lr · ((1 - μₜ) g / (1 - μ₁⋯μₜ) + μₜ₊₁ m / (1 - μ₁⋯μₜ₊₁)) / (√(v / (1 - β₂ᵗ)) + eps). `weight_decay` is added
    to the gradient, or shrinks parameters directly with `decoupled_weight_decay`; `maximize` ascends. `foreach` and
    `capturable` choose among PyTorch's implementations and change nothing here.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
        check_not_negative(weight_decay=weight_decay, momentum_decay=momentum_decay)
        check_implementation(differentiable, foreach, None)
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum_decay": momentum_decay,
                "decoupled_weight_decay": decoupled_weight_decay,
                "maximize": maximize,
                "foreach": foreach,
                "capturable": capturable,
                "differentiable": differentiable,
            },
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        complete_groups(
            self,
            {
                "maximize": False,
                "foreach": None,
                "capturable": False,
                "differentiable": False,
                "decoupled_weight_decay": False,
            },
            counts=("step", "mu_product"),
        )

    def _new_state(self, group: dict[str, Any], param: Tensor) -> dict[str, Any]:
        return {
            "step": step_count(),
            "mu_product": step_count(1.0),
            "exp_avg": core.zeros_like(param),
            "exp_avg_sq": core.zeros_like(param),
        }

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
        keys = ("step", "mu_product", "exp_avg", "exp_avg_sq")
        for param, grad, (step, mu_product, exp_avg, exp_avg_sq) in self._each(group, *keys):
            step += 1
            t = step.item()
            if decay != 0:
                if group["decoupled_weight_decay"]:
                    param.mul_(1 - lr * decay)
                else:
                    grad = grad.add(param, alpha=decay)
            mu, mu_next = (beta1 * (1.0 - 0.5 * 0.96 ** (i * group["momentum_decay"])) for i in (t, t + 1))
            mu_product *= mu
            exp_avg.lerp_(grad, 1 - beta1)
            exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
            root = exp_avg_sq.div(1 - beta2**t).sqrt_().add_(group["eps"])
            product = mu_product.item()
            param.addcdiv_(grad, root, value=-lr * (1.0 - mu) / (1.0 - product))
            param.addcdiv_(exp_avg, root, value=-lr * mu_next / (1.0 - product * mu_next))
