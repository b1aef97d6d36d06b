"""Dirichlet: probabilities that are themselves drawn."""

from __future__ import annotations

from corten_native import _native
from corten_nn import functional as F
from corten_nn._backend import Tensor, core

from . import constraints
from .distribution import ExponentialFamily

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, ClassVar

__all__ = ["Dirichlet"]


class Dirichlet(ExponentialFamily):
    """Vectors of positive numbers whose sum is 1. Draws are quotients of gamma-distributed numbers."""

    arg_constraints: ClassVar[Any] = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration: Tensor, validate_args: bool | None = None) -> None:
        if concentration.dim() < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self) -> Tensor:
        above = (self.concentration - 1).clamp(min=0.0)
        mode = above / above.sum(-1, True)
        corner = (self.concentration < 1).all(dim=-1)
        mode[corner] = F.one_hot(mode[corner].argmax(dim=-1), above.shape[-1]).to(mode)
        return mode

    @property
    def variance(self) -> Tensor:
        total = self.concentration.sum(-1, True)
        return self.concentration * (total - self.concentration) / (total.pow(2) * (total + 1))

    def rsample(self, sample_shape: Sequence[int] = core.Size()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        # In double precision, in which small numbers do not vanish.
        gamma = _native._standard_gamma(self.concentration.expand(shape).double())
        share = (gamma / gamma.sum(-1, True)).to(self.concentration.dtype)
        info = core.finfo(share.dtype)
        return share.clamp(min=info.tiny, max=1 - info.eps / 2)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return (
            core.xlogy(self.concentration - 1.0, value).sum(-1)
            + core.lgamma(self.concentration.sum(-1))
            - core.lgamma(self.concentration).sum(-1)
        )

    def entropy(self) -> Tensor:
        k = self.concentration.size(-1)
        total = self.concentration.sum(-1)
        return (
            core.lgamma(self.concentration).sum(-1)
            - core.lgamma(total)
            - (k - total) * core.digamma(total)
            - ((self.concentration - 1.0) * core.digamma(self.concentration)).sum(-1)
        )
