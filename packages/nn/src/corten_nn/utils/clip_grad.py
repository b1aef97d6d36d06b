"""Limiting the size of gradients."""

from __future__ import annotations

from corten_nn._backend import Tensor, autograd, core
from corten_nn._warnings import warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Return the norm of all `tensors` as one vector. `foreach` chooses PyTorch's implementation: no effect here."""
    tensors = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    if not tensors:
        return core.tensor(0.0)
    norm_type = float(norm_type)
    device = tensors[0].device
    with autograd.no_grad():
        norms = core.stack([core.linalg.vector_norm(x, norm_type).to(device) for x in tensors])
        total: Tensor = core.linalg.vector_norm(norms, norm_type)
        if error_if_nonfinite and not total.isfinite():
            raise RuntimeError(
                f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be "
                "clipped. To disable this error and scale the gradients by the non-finite norm anyway, set "
                "`error_if_nonfinite=False`"
            )
    return total


def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scale the gradients in place by min(1, `max_norm` / (`total_norm` + 1e-6))."""
    params = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    with autograd.no_grad():
        # Multiplying by 1 as well spares a look at the value, which would wait for a device.
        scale = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
        for param in params:
            if param.grad is not None:
                param.grad.mul_(scale.to(param.grad.device))


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale the gradients of `parameters` in place so that their common norm is at most `max_norm`; return the norm.

    >>> nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    """
    if isinstance(parameters, Tensor):
        params = [parameters]
    else:
        params = list(parameters)
        if not params and not hasattr(parameters, "__len__"):
            warn("`parameters` is an empty generator, no gradient clipping will occur.")
    grads = [param.grad for param in params if param.grad is not None]
    total_norm = get_total_norm(grads, norm_type, error_if_nonfinite, foreach)
    clip_grads_with_norm_(params, max_norm, total_norm, foreach)
    return total_norm


def clip_grad_norm(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Deprecated: the same as `clip_grad_norm_`."""
    warn(
        "`torch.nn.utils.clip_grad_norm` is now deprecated in favor of `torch.nn.utils.clip_grad_norm_`.",
        FutureWarning,
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Limit every element of the gradients in place to [-`clip_value`, `clip_value`]."""
    params = [parameters] if isinstance(parameters, Tensor) else parameters
    limit = float(clip_value)
    with autograd.no_grad():
        for param in params:
            if param.grad is not None:
                param.grad.clamp_(min=-limit, max=limit)
