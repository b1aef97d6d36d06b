"""StudentT: normal numbers of an uncertain scale."""

from __future__ import annotations

import math

from corten_nn._backend import Tensor, core

from . import constraints
from .chi2 import Chi2
from .distribution import Distribution
from .utils import broadcast_all, standard_normal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, ClassVar

__all__ = ["StudentT"]


class StudentT(Distribution):
    """Student's t with `df` degrees of freedom, moved by `loc` and scaled by `scale`."""

    arg_constraints: ClassVar[Any] = {
        "df": constraints.positive,
        "loc": constraints.real,
        "scale": constraints.positive,
    }
    support = constraints.real
    has_rsample = True

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        self._chi2 = Chi2(self.df)
        super().__init__(self.df.size(), validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return core.where(self.df > 1, self.loc, core.nan)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        finite = self.scale.pow(2) * self.df / (self.df - 2)
        return core.where(self.df > 2, finite, core.where(self.df > 1, core.inf, core.nan))

    def rsample(self, sample_shape: Sequence[int] = core.Size()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        normal = standard_normal(shape, self.df)
        squares = self._chi2.rsample(sample_shape)
        return self.loc + self.scale * (normal * core.rsqrt(squares / self.df))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        y = (value - self.loc) / self.scale
        norm = (
            self.scale.log()
            + 0.5 * self.df.log()
            + 0.5 * math.log(math.pi)
            + core.lgamma(0.5 * self.df)
            - core.lgamma(0.5 * (self.df + 1.0))
        )
        return -0.5 * (self.df + 1.0) * core.log1p(y**2.0 / self.df) - norm

    def entropy(self) -> Tensor:
        beta = core.lgamma(0.5 * self.df) + math.lgamma(0.5) - core.lgamma(0.5 * (self.df + 1))
        step = core.digamma(0.5 * (self.df + 1)) - core.digamma(0.5 * self.df)
        return self.scale.log() + 0.5 * (self.df + 1) * step + 0.5 * self.df.log() + beta
