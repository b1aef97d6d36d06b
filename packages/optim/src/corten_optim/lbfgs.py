"""Limited-memory BFGS."""

from __future__ import annotations

from corten_optim._backend import Tensor, autograd, core
from corten_optim._line_search import strong_wolfe
from corten_optim._optimizer import Optimizer, number
from corten_optim._settings import check_not_negative, check_scalar_lr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class LBFGS(Optimizer):
    """The quasi-Newton method with the last `history_size` curvature pairs (Liu and Nocedal, 1989).

    One `step` takes up to `max_iter` iterations and `max_eval` evaluations of the closure (5/4 of `max_iter` by
    default), and ends when the largest gradient is at most `tolerance_grad`, or step or loss change by less than
    `tolerance_change`. `line_search_fn` is None (steps of length `lr`) or "strong_wolfe". One group only.

    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = loss_fn(model(x), y)
    ...     loss.backward()
    ...     return loss
    >>> optimizer.step(closure)
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_scalar_lr(lr)
        check_not_negative(lr=lr)
        super().__init__(
            params,
            {
                "lr": lr,
                "max_iter": max_iter,
                "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
                "tolerance_grad": tolerance_grad,
                "tolerance_change": tolerance_change,
                "history_size": history_size,
                "line_search_fn": line_search_fn,
            },
        )
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    @property
    def _params(self) -> list[Tensor]:
        params: list[Tensor] = self.param_groups[0]["params"]
        return params

    def _flat_grad(self) -> Tensor:
        parts = []
        for param in self._params:
            grad = core.zeros_like(param) if param.grad is None else param.grad
            parts.append((core.view_as_real(grad) if grad.is_complex() else grad).reshape(-1))
        return core.cat(parts)

    def _move(self, length: Any, direction: Tensor) -> None:
        start = 0
        for param in self._params:
            target = core.view_as_real(param) if param.is_complex() else param
            end = start + target.numel()
            target.add_(direction[start:end].view_as(target), alpha=number(length))
            start = end

    def _evaluate(self, closure: Callable[[], Any], origin: list[Tensor], length: Any, direction: Tensor) -> Any:
        self._move(length, direction)
        loss = self._call(closure)
        grad = self._flat_grad()
        for param, value in zip(self._params, origin, strict=True):
            param.copy_(value)
        return loss, grad

    @staticmethod
    def _call(closure: Callable[[], Any]) -> float:
        with autograd.enable_grad():
            return float(number(closure()))

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Minimise `closure`, which clears the gradients, computes the loss, calls backward and returns the loss."""
        if closure is None:
            raise TypeError("LBFGS.step() missing 1 required positional argument: 'closure'")
        with autograd.no_grad():
            return self._step(closure)

    def _step(self, closure: Callable[[], Any]) -> Any:
        group = self.param_groups[0]
        lr, max_iter, max_eval = number(group["lr"]), group["max_iter"], group["max_eval"]
        tolerance_change = group["tolerance_change"]
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise RuntimeError("only 'strong_wolfe' is supported")
        # The whole state stands with the first parameter, as in PyTorch's files.
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        with autograd.enable_grad():
            first_loss = closure()
        loss = float(number(first_loss))
        evals = 1
        state["func_evals"] += 1
        grad = self._flat_grad()
        if grad.abs().max() <= group["tolerance_grad"]:
            return first_loss
        for iteration in range(1, max_iter + 1):
            state["n_iter"] += 1
            direction = self._direction(state, grad, group["history_size"])
            if state.get("prev_flat_grad") is None:
                state["prev_flat_grad"] = grad.clone()
            else:
                state["prev_flat_grad"].copy_(grad)
            previous_loss = state["prev_loss"] = loss
            length = min(1.0, 1.0 / grad.abs().sum()) * lr if state["n_iter"] == 1 else lr
            state["d"], state["t"] = direction, length
            slope = grad.dot(direction)
            if slope > -tolerance_change:
                break
            new_evals = 0
            if group["line_search_fn"] is not None:
                origin = [param.clone() for param in self._params]
                loss, grad, length, new_evals = strong_wolfe(
                    lambda t, origin=origin, d=direction: self._evaluate(closure, origin, t, d),  # type: ignore[misc]
                    length,
                    direction,
                    loss,
                    grad,
                    slope,
                    max_eval - evals,
                )
                state["t"] = length
                self._move(length, direction)
            else:
                self._move(length, direction)
                # The loss after the last iteration is not needed.
                if iteration != max_iter:
                    loss = self._call(closure)
                    grad = self._flat_grad()
                    new_evals = 1
            evals += new_evals
            state["func_evals"] += new_evals
            if (
                iteration == max_iter
                or evals >= max_eval
                or grad.abs().max() <= group["tolerance_grad"]
                or direction.mul(length).abs().max() <= tolerance_change
                or abs(loss - previous_loss) < tolerance_change
            ):
                break
        return first_loss

    @staticmethod
    def _direction(state: dict[str, Any], grad: Tensor, history_size: int) -> Tensor:
        """Minus the inverse Hessian times the gradient, by the two-loop recursion."""
        if state["n_iter"] == 1:
            state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1)
            return grad.neg()
        changes, steps, inverse_curvatures = state["old_dirs"], state["old_stps"], state["ro"]
        change = grad.sub(state["prev_flat_grad"])
        step = state["d"].mul(state["t"])
        curvature = change.dot(step)
        if curvature > 1e-10:
            if len(changes) == history_size:
                for history in (changes, steps, inverse_curvatures):
                    history.pop(0)
            changes.append(change)
            steps.append(step)
            inverse_curvatures.append(1.0 / curvature)
            state["H_diag"] = curvature / change.dot(change)
        if "al" not in state:
            state["al"] = [None] * history_size
        weights = state["al"]
        q = grad.neg()
        for i in range(len(changes) - 1, -1, -1):
            weights[i] = steps[i].dot(q) * inverse_curvatures[i]
            q.add_(changes[i], alpha=-number(weights[i]))
        direction: Tensor = q.mul(state["H_diag"])
        for i in range(len(changes)):
            weight = changes[i].dot(direction) * inverse_curvatures[i]
            direction.add_(steps[i], alpha=number(weights[i] - weight))
        return direction
