"""Adam and AdamW."""

from __future__ import annotations

from corten_optim._backend import Tensor, core, native
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


class Adam(Optimizer):
    """Adam (Kingma and Ba, 2014).

    With g the gradient plus `weight_decay` times the parameter, m and v the running means of g and g² with
    `betas`: p -= lr · m̂ / (√v̂ + eps), where m̂ = m / (1 - β₁ᵗ) and v̂ = v / (1 - β₂ᵗ). `amsgrad` uses the largest v
    so far, `decoupled_weight_decay` shrinks parameters directly as in `AdamW`, `maximize` ascends.
    `foreach`, `fused` and `capturable` choose among PyTorch's implementations and change nothing here.

    >>> optimizer = optim.Adam(model.parameters(), lr=1e-3)
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and foreach and not capturable:
            raise ValueError("lr as a Tensor is not supported for capturable=False and foreach=True")
        check_scalar_lr(lr)
        check_not_negative(lr=lr, eps=eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay)
        if not all(isinstance(beta, float) for beta in betas) and not all(isinstance(beta, Tensor) for beta in betas):
            raise ValueError("betas must be either both floats or both Tensors")
        check_implementation(differentiable, foreach, fused)
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": tuple(betas),
                "eps": eps,
                "weight_decay": weight_decay,
                "amsgrad": amsgrad,
                "maximize": maximize,
                "foreach": foreach,
                "capturable": capturable,
                "differentiable": differentiable,
                "fused": fused,
                "decoupled_weight_decay": decoupled_weight_decay,
            },
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        complete_groups(
            self,
            {
                "amsgrad": False,
                "maximize": False,
                "foreach": None,
                "capturable": False,
                "differentiable": False,
                "decoupled_weight_decay": False,
                "fused": None,
            },
        )

    def _new_state(self, group: dict[str, Any], param: Tensor) -> dict[str, Any]:
        entry = {"step": step_count(), "exp_avg": core.zeros_like(param), "exp_avg_sq": core.zeros_like(param)}
        if group["amsgrad"]:
            entry["max_exp_avg_sq"] = core.zeros_like(param)
        return entry

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; return the loss of `closure`, which is called first."""
        loss = self._loss(closure)
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            amsgrad = group["amsgrad"]
            keys = ("step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq") if amsgrad else ("step", "exp_avg", "exp_avg_sq")
            for bucket, grads in self._buckets(group, *keys):
                steps, exp_avgs, exp_avg_sqs, *largest = bucket.state
                native._adam_(
                    bucket.params,
                    grads,
                    exp_avgs,
                    exp_avg_sqs,
                    largest[0] if largest else [],
                    steps,
                    lr=number(group["lr"]),
                    beta1=number(beta1),
                    beta2=number(beta2),
                    eps=group["eps"],
                    weight_decay=group["weight_decay"],
                    amsgrad=amsgrad,
                    maximize=group["maximize"],
                    decoupled=group["decoupled_weight_decay"],
                )
        return loss


class AdamW(Adam):
    """Adam with weight decay apart from the gradient: p -= lr · weight_decay · p first (Loshchilov and Hutter, 2019).

    >>> optimizer = optim.AdamW(model.parameters(), lr=3e-4, weight_decay=0.1)
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True
