"""Random fills. The seed given is the whole state: the caller draws it from its generator, one for each call."""

from __future__ import annotations

from .base import dtype_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def uniform(xp: Any, size: Any, low: float, high: float, dtype: str, seed: int) -> Any:
    target = dtype_of(xp, dtype)
    x = xp.random.default_rng(seed).random(tuple(size), dtype=_drawn(xp, target))
    return (x * (high - low) + low).astype(target)


def normal(xp: Any, size: Any, mean: Any, std: Any, dtype: str, seed: int) -> Any:
    """Draw from a normal distribution; mean and deviation may be arrays of shape `size`."""
    target = dtype_of(xp, dtype)
    rng = xp.random.default_rng(seed)
    if target.kind == "c":
        half = std * 0.5**0.5
        parts = rng.standard_normal((2, *size))
        return (parts[0] * half + 1j * parts[1] * half + mean).astype(target)
    return (rng.standard_normal(tuple(size), dtype=_drawn(xp, target)) * std + mean).astype(target)


def _drawn(xp: Any, target: Any) -> Any:
    return xp.float64 if target == xp.float64 else xp.float32


def bernoulli(xp: Any, size: Any, p: Any, dtype: str, seed: int) -> Any:
    return (xp.random.default_rng(seed).random(tuple(size)) < p).astype(dtype_of(xp, dtype))


def randint(xp: Any, low: int, high: int, size: Any, dtype: str, seed: int) -> Any:
    return xp.random.default_rng(seed).integers(low, high, tuple(size)).astype(dtype_of(xp, dtype))


def randperm(xp: Any, n: int, dtype: str, seed: int) -> Any:
    return xp.argsort(xp.random.default_rng(seed).random(n)).astype(dtype_of(xp, dtype))


def exponential(xp: Any, size: Any, rate: float, dtype: str, seed: int) -> Any:
    return (xp.random.default_rng(seed).standard_exponential(tuple(size)) / rate).astype(dtype_of(xp, dtype))


def multinomial(xp: Any, weights: Any, num_samples: int, replacement: bool, seed: int) -> Any:
    """Draw indices along the last dimension in proportion to the weights."""
    rng = xp.random.default_rng(seed)
    if replacement:
        edges = xp.cumsum(weights.astype(xp.float64), axis=-1)
        at = rng.random((*weights.shape[:-1], num_samples)) * edges[..., -1:]
        return (at[..., :, None] >= edges[..., None, :]).sum(-1).astype(xp.int64)
    # The smallest of exponential waiting times with these rates are a draw without replacement.
    waits = rng.standard_exponential(weights.shape) / weights
    return xp.argsort(waits, axis=-1)[..., :num_samples].astype(xp.int64)


ROWS: dict[str, Callable[..., Any]] = {
    "bernoulli": bernoulli,
    "exponential": exponential,
    "multinomial": multinomial,
    "normal": normal,
    "randint": randint,
    "randperm": randperm,
    "uniform": uniform,
}
