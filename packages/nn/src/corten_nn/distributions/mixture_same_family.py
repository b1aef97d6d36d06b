"""MixtureSameFamily: one of several distributions of a family."""

from __future__ import annotations

from corten_autograd import no_grad
from corten_nn._backend import Tensor, core

from . import constraints
from .categorical import Categorical
from .distribution import Distribution

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(Distribution):
    """Draws of the components along the last batch dimension, which `mixture_distribution` chooses among."""

    def __init__(
        self,
        mixture_distribution: Categorical,
        component_distribution: Distribution,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(" The Mixture distribution needs to be an  instance of torch.distributions.Categorical")
        if not isinstance(component_distribution, Distribution):
            raise ValueError("The Component distribution need to be an instance of torch.distributions.Distribution")
        inner, batch = mixture_distribution.batch_shape, component_distribution.batch_shape[:-1]
        for a, b in zip(reversed(inner), reversed(batch), strict=False):
            if a != 1 and b != 1 and a != b:
                raise ValueError(
                    f"`mixture_distribution.batch_shape` ({inner}) is not compatible with "
                    f"`component_distribution.batch_shape`({batch})"
                )
        count, components = mixture_distribution.logits.shape[-1], component_distribution.batch_shape[-1]
        if count != components:
            raise ValueError(
                f"`mixture_distribution component` ({count}) does not equal "
                f"`component_distribution.batch_shape[-1]` ({components})"
            )
        self._mixture_distribution = mixture_distribution
        self._component_distribution = component_distribution
        self._num_component = count
        super().__init__(batch, component_distribution.event_shape, validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        return type(self)(
            self._mixture_distribution.expand(batch_shape),
            self._component_distribution.expand((*batch_shape, self._num_component)),
            validate_args=self._validate_args,
        )

    @constraints.dependent_property
    def support(self) -> Any:
        """The components'."""
        return constraints.MixtureSameFamilyConstraint(self._component_distribution.support)

    @property
    def mixture_distribution(self) -> Categorical:
        """What chooses among the components."""
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Distribution:
        """The components, along the last batch dimension."""
        return self._component_distribution

    def _weights(self) -> Tensor:
        probs = self._mixture_distribution.probs
        return probs.reshape((*probs.shape, *(1,) * len(self._event_shape)))

    @property
    def mean(self) -> Tensor:
        return core.sum(self._weights() * self._component_distribution.mean, dim=-1 - len(self._event_shape))

    @property
    def variance(self) -> Tensor:
        dim = -1 - len(self._event_shape)
        within = core.sum(self._weights() * self._component_distribution.variance, dim=dim)
        away = self._component_distribution.mean - self.mean.unsqueeze(dim)
        return within + core.sum(self._weights() * away.pow(2.0), dim=dim)

    def cdf(self, value: Tensor) -> Tensor:
        below = self._component_distribution.cdf(value.unsqueeze(-1 - len(self._event_shape)))
        return core.sum(below * self._mixture_distribution.probs, dim=-1)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        each = self._component_distribution.log_prob(value.unsqueeze(-1 - len(self._event_shape)))
        weights = core.log_softmax(self._mixture_distribution.logits, dim=-1)
        return core.logsumexp(each + weights, dim=-1)

    def sample(self, sample_shape: Sequence[int] = core.Size()) -> Tensor:
        with no_grad():
            sample_shape = core.Size(sample_shape)
            dim = len(sample_shape) + len(self._batch_shape)
            events = len(self._event_shape)
            which = self._mixture_distribution.sample(sample_shape)
            draws = self._component_distribution.sample(sample_shape)
            which = which.reshape((*which.shape, *(1,) * (events + 1)))
            which = which.expand((*which.shape[: dim + 1], *self._event_shape))
            return core.gather(draws, dim, which).squeeze(dim)

    def __repr__(self) -> str:
        return f"MixtureSameFamily(\n  {self._mixture_distribution},\n  {self._component_distribution})"
