"""Adafactor."""

from __future__ import annotations

from corten_optim._backend import Tensor, autograd, core
from corten_optim._optimizer import Optimizer, number
from corten_optim._settings import check_scalar_lr, complete_groups, step_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Adafactor(Optimizer):
    """Gradients scaled by a second moment that matrices keep as one row and one column (Shazeer and Stern, 2018).

    With β = t^`beta2_decay` the moments follow g² by (1 - β) s + β g²; the update g / √v is cut to a root mean square
    of `d`, and scaled by min(lr, 1/√t) and the parameter's own root mean square, at least `eps[1]`. `eps[0]` bounds
    √v from below: by default the dtype's epsilon. `weight_decay` shrinks parameters directly; `maximize` ascends.
    `foreach` chooses among PyTorch's implementations and changes nothing here.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        check_scalar_lr(lr)
        if not lr >= 0.0:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not beta2_decay <= 0.0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not eps[0] >= 0.0:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not eps[1] >= 0.0:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not d >= 1.0:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        super().__init__(
            params,
            {
                "lr": lr,
                "beta2_decay": beta2_decay,
                "eps": eps,
                "d": d,
                "weight_decay": weight_decay,
                "foreach": foreach,
                "maximize": maximize,
            },
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        complete_groups(self, {"foreach": None})

    def _new_state(self, group: dict[str, Any], param: Tensor) -> dict[str, Any]:
        if param.is_complex():
            raise RuntimeError("Adafactor does not support complex parameters")
        if param.dim() < 2:
            return {"step": step_count(), "variance": core.zeros_like(param)}
        *rest, rows, columns = param.shape
        return {
            "step": step_count(),
            "row_var": param.new_zeros((*rest, rows, 1)),
            "col_var": param.new_zeros((*rest, 1, columns)),
        }

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; return the loss of `closure`, which is called first."""
        loss = self._loss(closure)
        with autograd.no_grad():
            for group in self.param_groups:
                self._step(group)
        return loss

    def _step(self, group: dict[str, Any]) -> None:
        lr = number(group["lr"])
        keys = ("step", "row_var", "col_var", "variance")
        for param, grad, (step, row_var, col_var, variance) in self._each(group, *keys):
            smallest, smallest_scale = group["eps"]
            if smallest is None:
                smallest = core.finfo(param.dtype).eps
            step += 1
            t = step.item()
            weight = t ** group["beta2_decay"]
            rate = max(smallest_scale, _root_mean_square(param)) * min(lr, 1 / t**0.5)
            if group["weight_decay"] != 0:
                param.mul_(1 - lr * group["weight_decay"])
            squares = grad * grad
            if variance is None:
                row_var.lerp_(squares.mean(-1, keepdim=True), weight)
                col_var.lerp_(squares.mean(-2, keepdim=True), weight)
                moment = (row_var @ col_var).div_(row_var.mean(-2, keepdim=True).clamp_(min=smallest))
            else:
                moment = variance.lerp_(squares, weight)
            update = moment.clamp(min=smallest * smallest).rsqrt_().mul_(grad)
            param.add_(update, alpha=-rate / max(1.0, _root_mean_square(update) / group["d"]))


def _root_mean_square(x: Tensor) -> float:
    norm: float = x.norm(2).item()
    return norm / x.numel() ** 0.5
