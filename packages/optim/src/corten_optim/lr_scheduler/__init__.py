"""Schedules of the learning rate."""

from corten_optim.lr_scheduler._base import LRScheduler
from corten_optim.lr_scheduler._composed import ChainedScheduler, SequentialLR
from corten_optim.lr_scheduler._cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from corten_optim.lr_scheduler._cyclic import CyclicLR, OneCycleLR
from corten_optim.lr_scheduler._decay import (
    ConstantLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from corten_optim.lr_scheduler._plateau import ReduceLROnPlateau

_LRScheduler = LRScheduler

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]
