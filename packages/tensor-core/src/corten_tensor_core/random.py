"""The default generator's state: `corten.random`."""

from __future__ import annotations

from contextlib import contextmanager

from ._settings import default_generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["default_generator", "fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]


@contextmanager
def fork_rng(
    devices: Iterable[object] | None = None, enabled: bool = True, *, device_type: str | None = None
) -> Iterator[None]:
    """Put the default generator back, at the end, in the state that it has now; not so where `enabled` is False.

    The generators of devices are not put back: `devices` must be None or empty, or `ValueError` is raised, and
    `device_type` must be None, "cpu" or "meta".
    """
    if devices is not None and list(devices):
        raise ValueError("fork_rng(): argument 'devices' must be empty: only the state of the host's generator is kept")
    if device_type not in (None, "cpu", "meta"):
        raise ValueError(f"fork_rng(): argument 'device_type' must be None, 'cpu' or 'meta', got {device_type!r}")
    if not enabled or device_type == "meta":
        yield
        return
    state = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(state)
