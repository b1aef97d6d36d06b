"""Functions of functions, and modules as functions: `corten.func`."""

from __future__ import annotations

import corten_native as _native
from corten_autograd.func import grad, grad_and_value, hessian, jacfwd, jacrev, jvp, linearize, vjp, vmap
from corten_nn.utils.stateless import functional_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from corten_native import Tensor
    from corten_nn._module import Module

__all__ = [
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "replace_all_batch_norm_modules_",
    "stack_module_state",
    "vjp",
    "vmap",
]


def stack_module_state(models: Sequence[Module]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the parameters and the buffers of modules of one class, by name, stacked along a new first dimension.

    They are copies; a parameter requires grad if that of each module does. Raises `RuntimeError` for no modules, for
    several classes, or for both training and evaluation mode.
    """
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({model.training for model in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if len({type(model) for model in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")

    def stacked(named: list[dict[str, Any]]) -> dict[str, Tensor]:
        result = {}
        for name in named[0]:
            values = [one[name] for one in named]
            needs = {value.requires_grad for value in values}
            if len(needs) > 1:
                raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
            result[name] = _native.stack([value.detach() for value in values]).requires_grad_(needs.pop())
        return result

    return (
        stacked([dict(model.named_parameters()) for model in models]),
        stacked([dict(model.named_buffers()) for model in models]),
    )


def replace_all_batch_norm_modules_(root: Module) -> Module:
    """Let all batch normalisations in `root` use the statistics of the batch alone, and return `root`."""
    from corten_nn.modules.batchnorm import _BatchNorm

    for module in root.modules():
        if isinstance(module, _BatchNorm):
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root
