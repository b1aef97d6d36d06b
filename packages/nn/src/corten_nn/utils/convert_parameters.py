"""Parameters as one vector."""

from __future__ import annotations

from corten_nn._backend import Tensor, core
from corten_nn._registry import typename

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def _check_devices(params: list[Tensor]) -> None:
    if len({param.device for param in params}) > 1:
        raise TypeError("Found two parameters on different devices, this is currently not supported.")


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Return all elements of `parameters` in one vector."""
    params = list(parameters)
    _check_devices(params)
    return core.cat([param.view(-1) for param in params])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Make every parameter a view of its part of `vec`."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {typename(vec)}")
    params = list(parameters)
    _check_devices(params)
    start = 0
    for param in params:
        end = start + param.numel()
        param.data = vec[start:end].view_as(param).data
        start = end
