"""Stochastic gradient descent."""

from __future__ import annotations

from corten_optim._backend import native
from corten_optim._optimizer import Optimizer, number
from corten_optim._settings import check_implementation, check_scalar_lr, complete_groups

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class SGD(Optimizer):
    """Gradient descent with momentum (Sutskever et al., 2013).

    With g the gradient plus `weight_decay` times the parameter: b = momentum · b + (1 - dampening) · g, from b = g
    in the first step; then p -= lr · b, or lr · (g + momentum · b) with `nesterov`. `maximize` ascends instead.
    `foreach` and `fused` choose among PyTorch's implementations and change nothing here.

    >>> optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: Any = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_scalar_lr(lr)
        if lr < 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if momentum < 0.0:
            raise ValueError(f"Invalid momentum value: {momentum}")
        if weight_decay < 0.0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        check_implementation(differentiable, foreach, fused)
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
                "foreach": foreach,
                "differentiable": differentiable,
                "fused": fused,
            },
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        complete_groups(
            self,
            {"nesterov": False, "maximize": False, "foreach": None, "differentiable": False, "fused": False},
        )

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; return the loss of `closure`, which is called first."""
        loss = self._loss(closure)
        for group in self.param_groups:
            keys = ("momentum_buffer",) if group["momentum"] != 0 else ()
            for bucket, grads in self._buckets(group, *keys):
                buffers = bucket.state[0] if keys else []
                first = any(buffer is None for buffer in buffers)
                native._sgd_(
                    bucket.params,
                    grads,
                    buffers,
                    lr=number(group["lr"]),
                    momentum=group["momentum"],
                    dampening=group["dampening"],
                    weight_decay=number(group["weight_decay"]),
                    nesterov=group["nesterov"],
                    maximize=group["maximize"],
                )
                if first:
                    for param, buffer in zip(bucket.params, buffers, strict=True):
                        self.state[param]["momentum_buffer"] = buffer
        return loss
