"""Process-wide settings: the default dtype and device, threads, the seed, deterministic algorithms."""

from __future__ import annotations

from corten_native import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from corten_native import Generator, Tensor, device, dtype

__all__ = [
    "are_deterministic_algorithms_enabled",
    "default_generator",
    "get_default_device",
    "get_num_interop_threads",
    "get_rng_state",
    "initial_seed",
    "is_tensor",
    "is_storage",
    "manual_seed",
    "seed",
    "set_default_device",
    "set_default_dtype",
    "set_default_tensor_type",
    "set_num_interop_threads",
    "set_rng_state",
    "use_deterministic_algorithms",
]

default_generator: Generator = _native.default_generator


def manual_seed(seed: int) -> Generator:
    """Start the default generator again from `seed`, an int in [-2**63, 2**64), and return it."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Start the default generator from the system's entropy and return the seed."""
    return int(default_generator.seed())


def initial_seed() -> int:
    """Return the seed from which the default generator started."""
    return int(default_generator.initial_seed())


def get_rng_state() -> Tensor:
    """Return the state of the default generator, a tensor of bytes in PyTorch's own layout."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Put the default generator in a state that `get_rng_state` gave."""
    default_generator.set_state(new_state)


def set_default_dtype(d: dtype) -> None:
    """Make `d`, a floating-point dtype, the dtype of floats from Python.

    Raises `TypeError` for another dtype.
    """
    _native._set_default_dtype(d)


_TENSOR_TYPES = {
    "FloatTensor": "float32",
    "DoubleTensor": "float64",
    "HalfTensor": "float16",
    "BFloat16Tensor": "bfloat16",
}


def set_default_tensor_type(t: Any) -> None:
    """Make the dtype of a legacy tensor type (`torch.DoubleTensor` or its name) that of floats from Python."""
    name = (t if isinstance(t, str) else t.__name__).rpartition(".")[2]
    if name not in _TENSOR_TYPES:
        raise TypeError(f"only floating-point types are supported as the default type, got {name}")
    _native._set_default_dtype(getattr(_native, _TENSOR_TYPES[name]))


def get_default_device() -> device:
    """Return the device of factories that are given none."""
    return _native._default_device()


def set_default_device(device: Any) -> None:
    """Make `device` the device of factories that are given none; None is the host again."""
    _native._set_default_device(device)


def get_num_interop_threads() -> int:
    """Return 1: operators never run beside one another."""
    return 1


def set_num_interop_threads(num: int) -> None:
    """Accept 1, the only number: operators never run beside one another.

    Raises `RuntimeError` for any other number.
    """
    if num != 1:
        raise RuntimeError(f"argument 'num' must be 1, got {num}: operators do not run beside one another")


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Do nothing for either mode: every operator on a CPU is deterministic."""
    if not isinstance(mode, bool) or not isinstance(warn_only, bool):
        raise TypeError(f"arguments 'mode' and 'warn_only' must be bool, got {mode!r} and {warn_only!r}")


def are_deterministic_algorithms_enabled() -> bool:
    """Return True: every operator on a CPU is deterministic."""
    return True


def is_tensor(obj: Any) -> bool:
    """Tell whether `obj` is a tensor."""
    return isinstance(obj, _native.Tensor)


def is_storage(obj: Any) -> bool:
    """Return False: storages are no public objects."""
    return False
