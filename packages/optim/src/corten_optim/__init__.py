"""Optimizers and learning-rate schedulers with the interface of `torch.optim`."""

from corten_optim import lr_scheduler, swa_utils
from corten_optim._hooks import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from corten_optim._optimizer import Optimizer
from corten_optim.adadelta import Adadelta
from corten_optim.adafactor import Adafactor
from corten_optim.adagrad import Adagrad
from corten_optim.adam import Adam, AdamW
from corten_optim.adamax import Adamax
from corten_optim.asgd import ASGD
from corten_optim.lbfgs import LBFGS
from corten_optim.muon import Muon
from corten_optim.nadam import NAdam
from corten_optim.radam import RAdam
from corten_optim.rmsprop import RMSprop
from corten_optim.rprop import Rprop
from corten_optim.sgd import SGD

__all__ = [
    "ASGD",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "lr_scheduler",
    "register_optimizer_step_post_hook",
    "register_optimizer_step_pre_hook",
    "swa_utils",
]


def __getattr__(name: str) -> object:
    reason = ": there is no support for sparse tensors" if name == "SparseAdam" else ""
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}{reason}")
