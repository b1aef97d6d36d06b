"""Distributions whose parameter is given as probabilities or as logits."""

from __future__ import annotations

from corten_nn._backend import Tensor, core

from .utils import broadcast_all, lazy_property, logits_to_probs, probs_to_logits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def require_one(probs: Any, logits: Any) -> None:
    """Raise `ValueError` unless one of the two is given."""
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")


class Odds:
    """`probs` and `logits` of events that happen or do not, one computed from the other when it is asked for."""

    def _take(self, probs: Any, logits: Any, *others: Any) -> tuple[core.Size, tuple[Tensor, ...]]:
        """Keep what is given, broadcast with `others`; return the batch shape and the others."""
        require_one(probs, logits)
        name, given = ("probs", probs) if logits is None else ("logits", logits)
        value, *rest = broadcast_all(given, *others)
        self.__dict__[name] = value
        return value.size(), tuple(rest)

    @lazy_property
    def logits(self) -> Tensor:
        """The logarithms of the odds."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Tensor:
        """The probabilities."""
        return logits_to_probs(self.logits, is_binary=True)

    @property
    def param_shape(self) -> core.Size:
        """The shape of the parameter that was given."""
        return self.__dict__["probs" if "probs" in self.__dict__ else "logits"].size()
