"""Optimizers and learning-rate schedulers with the interface of `torch.optim`."""

from corten_optim._optimizer import Optimizer
from corten_optim.adam import Adam, AdamW
from corten_optim.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer"]
