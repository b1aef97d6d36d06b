"""Gamma: waiting times for several events."""

from __future__ import annotations

from corten_native import _native
from corten_nn._backend import Tensor, core

from . import constraints
from .distribution import ExponentialFamily
from .utils import broadcast_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, ClassVar

__all__ = ["Gamma"]


class Gamma(ExponentialFamily):
    """Gamma-distributed numbers of shape `concentration` and of `rate`, the inverse scale."""

    arg_constraints: ClassVar[Any] = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.size(), validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.rate

    @property
    def mode(self) -> Tensor:
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self) -> Tensor:
        return self.concentration / self.rate.pow(2)

    def rsample(self, sample_shape: Sequence[int] = core.Size()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        value = _native._standard_gamma(self.concentration.expand(shape)) / self.rate.expand(shape)
        value.detach().clamp_(min=core.finfo(value.dtype).tiny)  # so that no density is infinite
        return value

    def log_prob(self, value: Tensor) -> Tensor:
        value = core.as_tensor(value, dtype=self.rate.dtype, device=self.rate.device)
        if self._validate_args:
            self._validate_sample(value)
        return (
            core.xlogy(self.concentration, self.rate)
            + core.xlogy(self.concentration - 1, value)
            - self.rate * value
            - core.lgamma(self.concentration)
        )

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return core.special.gammainc(self.concentration, self.rate * value)

    def entropy(self) -> Tensor:
        return (
            self.concentration
            - core.log(self.rate)
            + core.lgamma(self.concentration)
            + (1.0 - self.concentration) * core.digamma(self.concentration)
        )
