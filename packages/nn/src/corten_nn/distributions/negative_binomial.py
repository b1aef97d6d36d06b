"""NegativeBinomial: successes before a number of failures."""

from __future__ import annotations

from corten_autograd import no_grad
from corten_nn import functional as F
from corten_nn._backend import Tensor, core

from . import constraints
from ._odds import Odds
from .distribution import Distribution
from .gamma import Gamma
from .utils import lazy_property

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, ClassVar

__all__ = ["NegativeBinomial"]


class NegativeBinomial(Odds, Distribution):
    """How many tries succeed, each with probability `probs`, before `total_count` of them fail."""

    arg_constraints: ClassVar[Any] = {
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer

    def __init__(
        self, total_count: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        _, (count,) = self._take(probs, logits, total_count)
        self.total_count = count.type_as(self.probs if logits is None else self.logits)
        super().__init__(count.size(), validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.total_count * core.exp(self.logits)

    @property
    def mode(self) -> Tensor:
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0)

    @property
    def variance(self) -> Tensor:
        return self.mean / core.sigmoid(-self.logits)

    @lazy_property
    def _gamma(self) -> Gamma:
        return Gamma(concentration=self.total_count, rate=core.exp(-self.logits), validate_args=False)

    def sample(self, sample_shape: Sequence[int] = core.Size()) -> Tensor:
        with no_grad():
            return core.poisson(self._gamma.sample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        chances = self.total_count * F.logsigmoid(-self.logits) + value * F.logsigmoid(self.logits)
        ways = -core.lgamma(self.total_count + value) + core.lgamma(1.0 + value) + core.lgamma(self.total_count)
        ways = ways.masked_fill(self.total_count + value == 0.0, 0.0)
        return chances - ways
