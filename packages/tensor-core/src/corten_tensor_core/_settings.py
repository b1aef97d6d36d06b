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
    "get_deterministic_debug_mode",
    "get_device",
    "get_float32_matmul_precision",
    "get_num_interop_threads",
    "get_rng_state",
    "initial_seed",
    "is_anomaly_check_nan_enabled",
    "is_conj",
    "is_deterministic_algorithms_warn_only_enabled",
    "is_neg",
    "is_storage",
    "is_tensor",
    "is_warn_always_enabled",
    "manual_seed",
    "seed",
    "set_anomaly_enabled",
    "set_default_device",
    "set_default_dtype",
    "set_default_tensor_type",
    "set_deterministic_debug_mode",
    "set_float32_matmul_precision",
    "set_flush_denormal",
    "set_num_interop_threads",
    "set_rng_state",
    "set_warn_always",
    "use_deterministic_algorithms",
]

default_generator: Generator = _native.default_generator


def manual_seed(seed: int) -> Generator:
    """Start the default generator again from `seed`, as an int in [-2**63, 2**64), and return it."""
    return default_generator.manual_seed(int(seed))


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


def set_anomaly_enabled(mode: bool, check_nan: bool = True) -> None:
    """Switch anomaly mode on or off, for good; `autograd.set_detect_anomaly` does so for a block."""
    _native._set_anomaly(bool(mode), bool(check_nan))


is_anomaly_check_nan_enabled = _native.is_anomaly_check_nan_enabled


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


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Return False: there is nothing to warn of."""
    return False


def get_deterministic_debug_mode() -> int:
    """Return 2, the mode in which nothing that is not deterministic runs: every operator on a CPU is deterministic."""
    return 2


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """Do nothing for 0, 1 and 2 or "default", "warn" and "error": every operator on a CPU is deterministic.

    Raises `TypeError` and `RuntimeError` for anything else.
    """
    if not isinstance(debug_mode, (int, str)):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    if debug_mode not in (0, 1, 2, "default", "warn", "error"):
        allowed = "one of `default`, `warn`, `error`," if isinstance(debug_mode, str) else "0, 1, or 2,"
        raise RuntimeError(f"invalid value of debug_mode, expected {allowed} but got {debug_mode}")


_precision = "highest"
_warn_always = False


def get_float32_matmul_precision() -> str:
    """Return what `set_float32_matmul_precision` was given, "highest" at first."""
    return _precision


def set_float32_matmul_precision(precision: str) -> None:
    """Allow products of float32 matrices a "highest", "high" or "medium" precision: they always have the highest.

    Raises `ValueError` for any other.
    """
    global _precision
    if precision not in ("highest", "high", "medium"):
        raise ValueError(f"argument 'precision' must be 'highest', 'high' or 'medium', got {precision!r}")
    _precision = precision


def set_flush_denormal(mode: bool) -> bool:
    """Tell whether this mode is possible: only False is, since small numbers of less precision are never cut off."""
    return not mode


def is_warn_always_enabled() -> bool:
    """Tell whether `set_warn_always` asked for warnings to be repeated."""
    return _warn_always


def set_warn_always(b: bool, /) -> None:
    """Ask for warnings to be repeated, or not. All warnings are Python's own, whose filters decide that anyway.

    Raises `TypeError` for what is not a bool.
    """
    global _warn_always
    if not isinstance(b, bool):
        raise TypeError(f"setWarnOnlyOnce expects a bool, but got {type(b).__name__}")
    _warn_always = b


def get_device(input: Tensor) -> int:
    """Return the number of the device that holds `input`; -1 for the host."""
    return input.get_device()


def is_conj(input: Tensor) -> bool:
    """Return False: conjugates are computed at once. Raises `TypeError` for what is no tensor."""
    return _of_tensor("is_conj", input, False)


def is_neg(input: Tensor) -> bool:
    """Return False: negatives are computed at once. Raises `TypeError` for what is no tensor."""
    return _of_tensor("is_neg", input, False)


def _of_tensor(name: str, input: Any, answer: bool) -> bool:
    if not isinstance(input, _native.Tensor):
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    return answer


def is_tensor(obj: Any) -> bool:
    """Tell whether `obj` is a tensor."""
    return isinstance(obj, _native.Tensor)


def is_storage(obj: Any) -> bool:
    """Tell whether `obj` is the memory of a tensor, in bytes or in elements."""
    from ._storage import TypedStorage, UntypedStorage

    return isinstance(obj, (TypedStorage, UntypedStorage))
