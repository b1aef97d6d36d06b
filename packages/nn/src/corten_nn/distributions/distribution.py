"""Distribution: shapes, checks and printing, which all distributions share."""

from __future__ import annotations

from corten_autograd import no_grad
from corten_nn._backend import Tensor, core

from . import constraints
from .utils import lazy_property

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, ClassVar


class Distribution:
    """A distribution of events of `event_shape`, one for each element of `batch_shape`.

    `arg_constraints` names the parameters and what they must satisfy; a subclass is written as its formulas:
    `rsample` or `sample`, `log_prob`, and where they are known `mean`, `variance`, `entropy`, `cdf`, `icdf`.
    Parameters and values are checked unless `validate_args` is False, here or by `set_default_validate_args`.
    """

    has_rsample = False
    has_enumerate_support = False
    arg_constraints: ClassVar[Any] = {}
    support: Any = constraints.dependent
    _validate_args = __debug__

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Check arguments, or do not, where an instance is not told."""
        if value not in (True, False):
            raise ValueError
        Distribution._validate_args = value

    def __init__(
        self,
        batch_shape: Sequence[int] = core.Size(),
        event_shape: Sequence[int] = core.Size(),
        validate_args: bool | None = None,
    ) -> None:
        self._batch_shape = core.Size(batch_shape)
        self._event_shape = core.Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._check_parameters()

    def _check_parameters(self) -> None:
        for name, constraint in self.arg_constraints.items():
            given = name in self.__dict__ or not isinstance(getattr(type(self), name, None), lazy_property)
            if constraints.is_dependent(constraint) or not given:
                continue
            value = getattr(self, name)
            if not bool(constraint.check(value).all()):
                raise ValueError(
                    f"Expected parameter {name} ({type(value).__name__} of shape {tuple(value.shape)}) of distribution "
                    f"{self!r} to satisfy the constraint {constraint!r}, but found invalid values:\n{value}"
                )

    @property
    def batch_shape(self) -> core.Size:
        """The shape of the parameters: how many distributions these are."""
        return self._batch_shape

    @property
    def event_shape(self) -> core.Size:
        """The shape of one draw from one distribution."""
        return self._event_shape

    @property
    def mean(self) -> Tensor:
        """The mean."""
        raise NotImplementedError

    @property
    def mode(self) -> Tensor:
        """The most likely value."""
        raise NotImplementedError(f"{self.__class__} does not implement mode")

    @property
    def variance(self) -> Tensor:
        """The variance."""
        raise NotImplementedError

    @property
    def stddev(self) -> Tensor:
        """The standard deviation."""
        return self.variance.sqrt()

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        """Return the distribution with its parameters expanded to another batch shape."""
        self._refuse_own_constructor()
        new = type(self).__new__(type(self))
        for name, value in self.__dict__.items():
            if isinstance(value, Distribution):
                value = value.expand(batch_shape)
            elif isinstance(value, Tensor) and name in self.arg_constraints:
                inside = value.shape[value.dim() - self.arg_constraints[name].event_dim :]
                value = value.expand((*batch_shape, *inside))
            elif isinstance(value, Tensor) and not name.startswith("_"):
                continue  # a lazy property, which is computed again
            new.__dict__[name] = value
        new._batch_shape = core.Size(batch_shape)
        return new

    def _refuse_own_constructor(self) -> None:
        """An expanded copy is made without the constructor, which is safe for the classes of this package alone."""
        kind = type(self)
        parent = kind.__mro__[1]
        if not kind.__init__.__module__.startswith(__package__) and "expand" not in kind.__dict__:
            raise NotImplementedError(
                f"Subclass {kind.__name__} of {parent.__name__} that defines a custom __init__ method must also "
                "define a custom .expand() method."
            )

    def sample(self, sample_shape: Sequence[int] = core.Size()) -> Tensor:
        """Draw `sample_shape` events of each distribution."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Sequence[int] = core.Size()) -> Tensor:
        """Draw as a differentiable function of the parameters."""
        raise NotImplementedError

    def sample_n(self, n: int) -> Tensor:
        """Draw `n` events of each distribution."""
        return self.sample(core.Size((n,)))

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the logarithm of the density or probability at `value`."""
        raise NotImplementedError

    def cdf(self, value: Tensor) -> Tensor:
        """Return the probability of a draw at or below `value`."""
        raise NotImplementedError

    def icdf(self, value: Tensor) -> Tensor:
        """Return what a draw falls below with probability `value`."""
        raise NotImplementedError

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """Return all values, along a first dimension; expanded to the batch shape, or with ones in its place."""
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """Return the entropy in nats."""
        raise NotImplementedError

    def perplexity(self) -> Tensor:
        """Return the exponential of the entropy."""
        return core.exp(self.entropy())

    def _extended_shape(self, sample_shape: Sequence[int] = core.Size()) -> core.Size:
        return core.Size((*core.Size(sample_shape), *self._batch_shape, *self._event_shape))

    def _validate_sample(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        events = len(self._event_shape)
        if value.dim() < events or value.shape[value.dim() - events :] != self._event_shape:
            raise ValueError(
                f"The right-most size of value must match event_shape: {value.shape} vs {self._event_shape}."
            )
        expected = core.Size((*self._batch_shape, *self._event_shape))
        for a, b in zip(reversed(value.shape), reversed(expected), strict=False):
            if a != 1 and b != 1 and a != b:
                raise ValueError(
                    f"Value is not broadcastable with batch_shape+event_shape: {value.shape} vs {expected}."
                )
        support = self.support
        if not bool(support.check(value).all()):
            raise ValueError(
                f"Expected value argument ({type(value).__name__} of shape {tuple(value.shape)}) to be within the "
                f"support ({support!r}) of the distribution {self!r}, but found invalid values:\n{value}"
            )

    def __repr__(self) -> str:
        given = {name: self.__dict__[name] for name in self.arg_constraints if name in self.__dict__}
        shown = [f"{name}: {value if value.numel() == 1 else value.size()}" for name, value in given.items()]
        return f"{type(self).__name__}({', '.join(shown)})"


class ExponentialFamily(Distribution):
    """A distribution of an exponential family."""
