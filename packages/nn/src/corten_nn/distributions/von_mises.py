"""VonMises: angles around a direction."""

from __future__ import annotations

import math

from corten_autograd import no_grad
from corten_nn._backend import Tensor, core

from . import constraints
from .distribution import Distribution
from .utils import broadcast_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, ClassVar

__all__ = ["VonMises"]


class VonMises(Distribution):
    """Angles of [-π, π) around `loc`, the closer the larger `concentration`."""

    arg_constraints: ClassVar[Any] = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.size(), validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """The mean direction."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        """The circular variance."""
        return 1 - core.special.i1e(self.concentration) / core.special.i0e(self.concentration)

    def sample(self, sample_shape: Sequence[int] = core.Size()) -> Tensor:
        """Draw by the method of Best and Fisher (1979)."""
        shape = self._extended_shape(sample_shape)
        with no_grad():
            k = self.concentration.double().expand(shape)
            tau = 1 + (1 + 4 * k**2).sqrt()
            rho = (tau - (2 * tau).sqrt()) / (2 * k)
            r = core.where(k < 1e-5, 1 / k + k, (1 + rho**2) / (2 * rho))
            angle = core.empty(shape, dtype=core.float64, device=k.device)
            done = core.zeros(shape, dtype=core.bool, device=k.device)
            while not bool(done.all()):
                u1, u2, u3 = core.rand((3, *shape), dtype=core.float64, device=k.device).unbind()
                z = core.cos(math.pi * u1)
                f = (1 + r * z) / (r + z)
                c = k * (r - f)
                accept = ((c * (2 - c) - u2) > 0) | ((c / u2).log() + 1 - c >= 0)
                angle = core.where(accept, (u3 - 0.5).sign() * f.acos(), angle)
                done = done | accept
            return ((angle + math.pi + self.loc.double()) % (2 * math.pi) - math.pi).to(self.loc.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        k = self.concentration
        norm = math.log(2 * math.pi) + core.log(core.special.i0e(k)) + k
        return k * core.cos(value - self.loc) - norm
