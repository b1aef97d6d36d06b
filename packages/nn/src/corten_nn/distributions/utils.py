"""What distributions share: broadcasting of parameters, probabilities beside logits, values computed once."""

from __future__ import annotations

from numbers import Number

from corten_nn._backend import Tensor, core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["broadcast_all", "clamp_probs", "lazy_property", "logits_to_probs", "probs_to_logits"]

euler_constant = 0.57721566490153286060


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Return tensors of equal sizes: numbers take the dtype of the first tensor among `values`, or the default one.

    Raises `ValueError` for what is neither number nor tensor.
    """
    if not all(isinstance(value, (Tensor, Number)) for value in values):
        raise ValueError(
            "Input arguments must all be instances of Number, torch.Tensor or objects implementing __torch_function__."
        )
    like = next((value for value in values if isinstance(value, Tensor)), None)
    dtype = core.get_default_dtype() if like is None else like.dtype
    device = None if like is None else like.device
    tensors = [v if isinstance(v, Tensor) else core.tensor(v, dtype=dtype, device=device) for v in values]
    return tuple(core.broadcast_tensors(*tensors))


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Return probabilities from log-odds (binary) or from logarithms of weights along the last dimension."""
    return core.sigmoid(logits) if is_binary else core.softmax(logits, dim=-1)


def clamp_probs(probs: Tensor) -> Tensor:
    """Keep probabilities away from 0 and 1 by the dtype's epsilon, so that their logarithms are finite."""
    eps = core.finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """Return log-odds (binary) or logarithms of probabilities."""
    clamped = clamp_probs(probs)
    return core.log(clamped) - core.log1p(-clamped) if is_binary else core.log(clamped)


class lazy_property:
    """A property that is computed when it is first asked for, and an attribute of the instance from then on."""

    def __init__(self, wrapped: Callable[[Any], Any]) -> None:
        self.wrapped = wrapped
        self.__doc__ = wrapped.__doc__

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        from corten_autograd import enable_grad

        if instance is None:
            return self
        with enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.wrapped.__name__, value)
        return value


def sum_rightmost(value: Tensor, dim: int) -> Tensor:
    """Sum over the last `dim` dimensions."""
    return value if dim == 0 else value.flatten(-dim).sum(-1)


def standard_normal(shape: Any, like: Tensor) -> Tensor:
    """Draw standard normal numbers with the dtype and device of another tensor, the way that PyTorch's stream goes."""
    zeros = core.zeros(shape, dtype=like.dtype, device=like.device)
    return core.normal(zeros, core.ones_like(zeros))
