"""RMSprop."""

from __future__ import annotations

from corten_optim._backend import Tensor, core, native
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


class RMSprop(Optimizer):
    """Gradient descent divided by the root of a running mean of squares (Hinton, 2012).

    v = alpha · v + (1 - alpha) · g²; p -= lr · g / (√v + eps), g with `weight_decay` added. `centered` subtracts the
    square of g's running mean from v, `momentum` accumulates the quotients, `maximize` ascends.
    `foreach` and `capturable` choose among PyTorch's implementations and change nothing here.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_scalar_lr(lr)
        check_not_negative(lr=lr, eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        check_implementation(differentiable, foreach, None)
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "alpha": alpha,
                "eps": eps,
                "centered": centered,
                "weight_decay": weight_decay,
                "capturable": capturable,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
            },
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        complete_groups(
            self,
            {
                "momentum": 0,
                "centered": False,
                "foreach": None,
                "maximize": False,
                "differentiable": False,
                "capturable": False,
            },
        )

    def _new_state(self, group: dict[str, Any], param: Tensor) -> dict[str, Any]:
        entry = {"step": step_count(), "square_avg": core.zeros_like(param)}
        if group["momentum"] > 0:
            entry["momentum_buffer"] = core.zeros_like(param)
        if group["centered"]:
            entry["grad_avg"] = core.zeros_like(param)
        return entry

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; return the loss of `closure`, which is called first."""
        loss = self._loss(closure)
        for group in self.param_groups:
            keys = ("step", "square_avg", "momentum_buffer", "grad_avg")
            for bucket, grads in self._buckets(group, *keys):
                steps, square_avgs, buffers, grad_avgs = bucket.state
                native._rmsprop_(
                    bucket.params,
                    grads,
                    square_avgs,
                    grad_avgs if group["centered"] else [],
                    buffers if group["momentum"] > 0 else [],
                    steps,
                    lr=number(group["lr"]),
                    alpha=group["alpha"],
                    eps=group["eps"],
                    weight_decay=group["weight_decay"],
                    momentum=group["momentum"],
                    centered=group["centered"],
                    maximize=group["maximize"],
                )
        return loss
