"""The `reduction` argument of losses."""

from __future__ import annotations

from corten_nn._backend import Tensor
from corten_nn._warnings import warn

_CODES = {"none": 0, "mean": 1, "sum": 2}


def legacy_reduction(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """Return `reduction`, or what the two deprecated flags stand for when either is given."""
    if size_average is None and reduce is None:
        return reduction
    average = size_average is None or size_average
    reduction = "none" if reduce is not None and not reduce else ("mean" if average else "sum")
    warn(f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.", stacklevel=3)
    return reduction


def code(reduction: str) -> int:
    """The number under which the runtime knows `reduction`."""
    try:
        return _CODES[reduction]
    except KeyError:
        raise ValueError(f"{reduction} is not a valid value for reduction") from None


def reduced(loss: Tensor, reduction: str) -> Tensor:
    """Apply `reduction` to the loss of each element."""
    kind = code(reduction)
    return loss if kind == 0 else loss.mean() if kind == 1 else loss.sum()
