"""Modules that hold other modules or parameters."""

from corten_nn.modules.container._modules import ModuleDict, ModuleList
from corten_nn.modules.container._parameters import ParameterDict, ParameterList
from corten_nn.modules.container._sequential import Sequential

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]
