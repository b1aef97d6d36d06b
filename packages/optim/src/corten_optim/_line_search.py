"""A step length that meets the strong Wolfe conditions (Nocedal and Wright, 2006, algorithms 3.5 and 3.6)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class _Point:
    """A step length, with the loss, the gradient and the slope along the direction there."""

    __slots__ = ("grad", "loss", "slope", "t")

    def __init__(self, t: Any, loss: float, grad: Any, slope: Any) -> None:
        self.t, self.loss, self.grad, self.slope = t, loss, grad, slope


def _cubic_minimum(a: _Point, b: _Point, low: Any = None, high: Any = None) -> Any:
    """The minimum of the cubic through two points with their slopes, within bounds (the points by default)."""
    if low is None:
        low, high = (a.t, b.t) if a.t <= b.t else (b.t, a.t)
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1**2 - a.slope * b.slope
    if square < 0:
        return (low + high) / 2.0
    d2 = square.sqrt()
    if a.t <= b.t:
        best = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
    else:
        best = a.t - (a.t - b.t) * ((a.slope + d2 - d1) / (a.slope - b.slope + 2 * d2))
    return min(max(best, low), high)


def strong_wolfe(
    evaluate: Callable[[Any], tuple[float, Any]],
    t: Any,
    direction: Any,
    loss: float,
    grad: Any,
    slope: Any,
    max_evals: int,
    c1: float = 1e-4,
    c2: float = 0.9,
    tolerance_change: float = 1e-9,
) -> tuple[float, Any, Any, int]:
    """Return loss, gradient, step length and the number of evaluations, from a first guess `t`.

    `evaluate(t)` gives loss and gradient after a step of length t along `direction`.
    """
    evals = 0

    def point(t: Any) -> _Point:
        nonlocal evals
        evals += 1
        new_loss, new_grad = evaluate(t)
        return _Point(t, new_loss, new_grad.clone(), new_grad.dot(direction))

    start = _Point(0, loss, grad.clone(), slope)
    previous, current = start, point(t)
    iterations, done = 0, False
    bracket = None
    # Lengthen the step until a minimum lies between two points.
    while iterations < max_evals:
        if current.loss > loss + c1 * current.t * slope or (iterations > 1 and current.loss >= previous.loss):
            bracket = [previous, current]
            break
        if abs(current.slope) <= -c2 * slope:
            bracket, done = [current], True
            break
        if current.slope >= 0:
            bracket = [previous, current]
            break
        low = current.t + 0.01 * (current.t - previous.t)
        next_t = _cubic_minimum(previous, current, low, current.t * 10)
        previous, current = current, point(next_t)
        iterations += 1
    if bracket is None:
        bracket = [start, current]
    # Shrink the bracket until the point with the lower loss meets the conditions.
    best, worst = (0, 1) if bracket[0].loss <= bracket[-1].loss else (1, 0)
    reach = direction.abs().max()
    stalled = False
    while not done and iterations < max_evals:
        ends = (bracket[0].t, bracket[1].t)
        if abs(ends[1] - ends[0]) * reach < tolerance_change:
            break
        t = _cubic_minimum(*bracket)
        t, stalled = _keep_off_ends(t, min(ends), max(ends), stalled)
        current = point(t)
        iterations += 1
        if current.loss > loss + c1 * t * slope or current.loss >= bracket[best].loss:
            bracket[worst] = current
            best, worst = (0, 1) if bracket[0].loss <= bracket[1].loss else (1, 0)
        else:
            if abs(current.slope) <= -c2 * slope:
                done = True
            elif current.slope * (bracket[worst].t - bracket[best].t) >= 0:
                bracket[worst] = bracket[best]
            bracket[best] = current
    found = bracket[best if len(bracket) > 1 else 0]
    return found.loss, found.grad, found.t, evals


def _keep_off_ends(t: Any, low: Any, high: Any, stalled: bool) -> tuple[Any, bool]:
    """Move `t` a tenth of the bracket away from an end that it comes close to twice, or leaves."""
    margin = 0.1 * (high - low)
    if min(high - t, t - low) >= margin:
        return t, False
    if stalled or t >= high or t <= low:
        return (high - margin if abs(t - high) < abs(t - low) else low + margin), False
    return t, True
