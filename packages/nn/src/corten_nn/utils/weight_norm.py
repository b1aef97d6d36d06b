"""Weights as a length and a direction (Salimans and Kingma, 2016), recomputed before every call of the module.

Deprecated in favour of `parametrizations.weight_norm`.
"""

from __future__ import annotations

from corten_nn._backend import Tensor, core
from corten_nn._warnings import warn
from corten_nn.parameter import Parameter, is_lazy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    Layer = TypeVar("Layer", bound=Any)


def norm_except_dim(v: Tensor, dim: int) -> Tensor:
    """The norm of each slice of `v` along `dim`, the other dimensions kept with size 1; for -1 that of all."""
    if dim == -1:
        return core.linalg.vector_norm(v)
    others = [d for d in range(v.dim()) if d != dim]
    return core.linalg.vector_norm(v, dim=others, keepdim=True) if others else v.abs()


def normed(v: Tensor, g: Tensor, dim: int) -> Tensor:
    """The weight of length `g` and direction `v`."""
    return v * (g / norm_except_dim(v, dim))


class WeightNorm:
    """The hook that computes the weight `name` from `name_g` and `name_v`."""

    def __init__(self, name: str, dim: int) -> None:
        self.name = name
        self.dim = dim

    def compute_weight(self, module: Any) -> Tensor:
        """Return the weight."""
        return normed(getattr(module, self.name + "_v"), getattr(module, self.name + "_g"), self.dim)

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module: Layer, name: str = "weight", dim: int | None = 0) -> Layer:
    """Replace the parameter `name` by its lengths `name_g` along `dim` (None: of all) and its direction `name_v`."""
    warn(
        "`torch.nn.utils.weight_norm` is deprecated in favor of `torch.nn.utils.parametrizations.weight_norm`.",
        FutureWarning,
    )
    for hook in module._forward_pre_hooks.values():
        if isinstance(hook, WeightNorm) and hook.name == name:
            raise RuntimeError(f"Cannot register two weight_norm hooks on the same parameter {name}")
    hook = WeightNorm(name, -1 if dim is None else dim)
    weight = getattr(module, name)
    if is_lazy(weight):
        raise ValueError(
            "The module passed to `WeightNorm` can't have uninitialized parameters. "
            "Make sure to run the dummy forward before applying weight normalization"
        )
    delattr(module, name)
    module.register_parameter(name + "_g", Parameter(norm_except_dim(weight.detach(), hook.dim)))
    module.register_parameter(name + "_v", Parameter(weight.data))
    hook(module, ())
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: Layer, name: str = "weight") -> Layer:
    """Make the weight a parameter again."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, WeightNorm) and hook.name == name:
            weight = hook.compute_weight(module)
            for attribute in (name, name + "_g", name + "_v"):
                delattr(module, attribute)
            setattr(module, name, Parameter(weight.detach()))
            del module._forward_pre_hooks[key]
            return module
    raise ValueError(f"weight_norm of '{name}' not found in {module}")
