"""Binomial: successes among a number of tries."""

from __future__ import annotations

from corten_autograd import no_grad
from corten_nn._backend import Tensor, core

from . import constraints
from ._odds import Odds
from .distribution import Distribution

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, ClassVar

__all__ = ["Binomial"]


class Binomial(Odds, Distribution):
    """How many of `total_count` tries succeed, each with probability `probs` (or log-odds `logits`)."""

    arg_constraints: ClassVar[Any] = {
        "total_count": constraints.nonnegative_integer,
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    has_enumerate_support = True

    def __init__(
        self, total_count: Any = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        _, (count,) = self._take(probs, logits, total_count)
        self.total_count = count.type_as(self.probs if logits is None else self.logits)
        super().__init__(count.size(), validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        """From 0 to the number of tries."""
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.probs

    @property
    def mode(self) -> Tensor:
        return ((self.total_count + 1) * self.probs).floor().clamp(max=self.total_count)

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Sequence[int] = core.Size()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        with no_grad():
            return core.binomial(self.total_count.expand(shape), self.probs.expand(shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        ways = core.lgamma(self.total_count + 1) - core.lgamma(value + 1) - core.lgamma(self.total_count - value + 1)
        # n log(1 - p) = -n log(1 + e^l), written so that no exponential overflows
        positive = (self.logits + self.logits.abs()) / 2
        failing = self.total_count * positive + self.total_count * core.log1p(core.exp(-core.abs(self.logits)))
        return value * self.logits + ways - failing

    def entropy(self) -> Tensor:
        total = int(self.total_count.max())
        if not bool(self.total_count.min() == total):
            raise NotImplementedError("Inhomogeneous total count not supported by `entropy`.")
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(core.exp(log_prob) * log_prob).sum(0)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        total = int(self.total_count.max())
        if not bool(self.total_count.min() == total):
            raise NotImplementedError("Inhomogeneous total count not supported by `enumerate_support`.")
        dtype, device = self.total_count.dtype, self.total_count.device
        values = core.arange(1 + total, dtype=dtype, device=device)
        values = values.view((-1, *(1,) * len(self._batch_shape)))
        return values.expand((-1, *self._batch_shape)) if expand else values
