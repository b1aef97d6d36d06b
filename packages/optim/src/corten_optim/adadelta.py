"""Adadelta."""

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


class Adadelta(Optimizer):
    """Steps in the units of the parameters, from running means of squares of gradients and of steps (Zeiler, 2012).

    v = rho · v + (1 - rho) · g²; d = √(u + eps) / √(v + eps) · g; u = rho · u + (1 - rho) · d²; p -= lr · d, g with
    `weight_decay` added; `maximize` ascends.
    `foreach` and `capturable` choose among PyTorch's implementations and change nothing here.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_scalar_lr(lr)
        check_not_negative(lr=lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_not_negative(eps=eps, weight_decay=weight_decay)
        check_implementation(differentiable, foreach, None)
        super().__init__(
            params,
            {
                "lr": lr,
                "rho": rho,
                "eps": eps,
                "weight_decay": weight_decay,
                "maximize": maximize,
                "capturable": capturable,
                "foreach": foreach,
                "differentiable": differentiable,
            },
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        complete_groups(self, {"foreach": None, "maximize": False, "differentiable": False, "capturable": False})

    def _new_state(self, group: dict[str, Any], param: Tensor) -> dict[str, Any]:
        return {"step": step_count(), "square_avg": core.zeros_like(param), "acc_delta": core.zeros_like(param)}

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; return the loss of `closure`, which is called first."""
        loss = self._loss(closure)
        for group in self.param_groups:
            for bucket, grads in self._buckets(group, "step", "square_avg", "acc_delta"):
                steps, square_avgs, acc_deltas = bucket.state
                native._adadelta_(
                    bucket.params,
                    grads,
                    square_avgs,
                    acc_deltas,
                    steps,
                    lr=number(group["lr"]),
                    rho=group["rho"],
                    eps=group["eps"],
                    weight_decay=group["weight_decay"],
                    maximize=group["maximize"],
                )
        return loss
