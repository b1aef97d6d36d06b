"""Adagrad."""

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


class Adagrad(Optimizer):
    """Gradient descent divided by the root of the sum of all squares (Duchi et al., 2011).

    s += g²; p -= lr / (1 + (t - 1) · lr_decay) · g / (√s + eps), g with `weight_decay` added; `maximize` ascends.
    State exists from the start, s being `initial_accumulator_value`.
    `foreach` and `fused` choose among PyTorch's implementations and change nothing here.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_scalar_lr(lr)
        check_not_negative(
            lr=lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
        )
        check_implementation(differentiable, foreach, fused)
        super().__init__(
            params,
            {
                "lr": lr,
                "lr_decay": lr_decay,
                "eps": eps,
                "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "fused": fused,
            },
        )
        for group in self.param_groups:
            for param in group["params"]:
                self.state[param] = self._new_state(group, param)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        complete_groups(self, {"foreach": None, "maximize": False, "differentiable": False, "fused": None})

    def _new_state(self, group: dict[str, Any], param: Tensor) -> dict[str, Any]:
        start = self.defaults["initial_accumulator_value"]
        if param.is_complex():
            start = complex(start, start)
        return {"step": step_count(), "sum": core.full_like(param, start)}

    def share_memory(self) -> None:
        """Move the sums to shared memory."""
        for group in self.param_groups:
            for param in group["params"]:
                self.state[param]["sum"].share_memory_()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; return the loss of `closure`, which is called first."""
        loss = self._loss(closure)
        for group in self.param_groups:
            for bucket, grads in self._buckets(group, "step", "sum"):
                steps, sums = bucket.state
                native._adagrad_(
                    bucket.params,
                    grads,
                    sums,
                    steps,
                    lr=number(group["lr"]),
                    lr_decay=group["lr_decay"],
                    eps=group["eps"],
                    weight_decay=group["weight_decay"],
                    maximize=group["maximize"],
                )
        return loss
