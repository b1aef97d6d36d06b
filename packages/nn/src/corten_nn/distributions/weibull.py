"""Weibull: lifetimes."""

from __future__ import annotations

from corten_nn._backend import Tensor, core

from . import constraints
from .exponential import Exponential
from .transformed_distribution import TransformedDistribution
from .transforms import AffineTransform, PowerTransform
from .utils import broadcast_all, euler_constant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar

__all__ = ["Weibull"]


class Weibull(TransformedDistribution):
    """The power 1 / `concentration` of an exponentially distributed number, times `scale`."""

    arg_constraints: ClassVar[Any] = {"scale": constraints.positive, "concentration": constraints.positive}
    support = constraints.positive

    def __init__(self, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.scale, self.concentration = broadcast_all(scale, concentration)
        self.concentration_reciprocal = self.concentration.reciprocal()
        base = Exponential(core.ones_like(self.scale), validate_args=validate_args)
        parts = [PowerTransform(self.concentration_reciprocal), AffineTransform(loc=0, scale=self.scale)]
        super().__init__(base, parts, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        self._refuse_own_constructor()
        scale, concentration = self.scale.expand(batch_shape), self.concentration.expand(batch_shape)
        return type(self)(scale, concentration, validate_args=self._validate_args)

    @property
    def mean(self) -> Tensor:
        return self.scale * core.exp(core.lgamma(1 + self.concentration_reciprocal))

    @property
    def mode(self) -> Tensor:
        k = self.concentration
        return self.scale * ((k - 1) / k) ** k.reciprocal()

    @property
    def variance(self) -> Tensor:
        square = core.exp(2 * core.lgamma(1 + self.concentration_reciprocal))
        return self.scale.pow(2) * (core.exp(core.lgamma(1 + 2 * self.concentration_reciprocal)) - square)

    def entropy(self) -> Tensor:
        inverse = self.concentration_reciprocal
        return euler_constant * (1 - inverse) + core.log(self.scale * inverse) + 1
