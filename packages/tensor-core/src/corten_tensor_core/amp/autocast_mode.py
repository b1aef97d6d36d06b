"""Autocast: in which dtype operators run."""

from __future__ import annotations

import functools
import warnings

from corten_native import _native
from corten_tensor_core import _device

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any, Self

__all__ = [
    "autocast",
    "custom_bwd",
    "custom_fwd",
    "get_autocast_dtype",
    "is_autocast_available",
    "is_autocast_cache_enabled",
    "is_autocast_enabled",
]

_DEFAULTS = {"cpu": _native.bfloat16, "cuda": _native.float16}
_ALLOWED = (_native.bfloat16, _native.float16)


def _checked(device_type: Any) -> str:
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    kind = _native.device(device_type).type
    if kind not in _DEFAULTS:
        raise RuntimeError(f"User specified an unsupported autocast device_type '{kind}'")
    return kind


def is_autocast_available(device_type: str) -> bool:
    """Tell whether operators on a kind of device can be autocast."""
    return _native.device(device_type).type in _DEFAULTS


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Tell whether autocast is on for a kind of device."""
    return _native._autocast(_checked(device_type)) is not None


def get_autocast_dtype(device_type: str) -> _native.dtype:
    """Return the dtype that autocast uses on a kind of device now, or would use if it were switched on."""
    kind = _checked(device_type)
    dtype: _native.dtype = _native._autocast(kind) or _DEFAULTS[kind]
    return dtype


def is_autocast_cache_enabled() -> bool:
    """Return True: whether casts are remembered makes no difference to results."""
    return True


class autocast:
    """Run products (`matmul`, `linear`, convolutions) in `dtype`, and losses in float32, inside a `with` block.

    The dtype is bfloat16 on the host and float16 on CUDA devices by default; tensors of float64 are left alone.
    Gradients arrive in the dtype of the parameters. It decorates functions, too. With another dtype, or without the
    device, it warns and changes nothing. `cache_enabled` makes no difference: casts are not remembered.
    """

    def __init__(
        self,
        device_type: str,
        dtype: _native.dtype | None = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        self.device = _checked(device_type)
        self.fast_dtype = get_autocast_dtype(self.device) if dtype is None else dtype
        self._enabled = enabled
        self._before: list[_native.dtype | None] = []
        if not enabled:
            return
        if self.device == "cuda" and _device.available() is None:
            warnings.warn("CUDA is not available or torch_xla is imported. Disabling autocast.", stacklevel=2)
            self._enabled = False
        elif self.fast_dtype not in _ALLOWED:
            warnings.warn(
                f"In {self.device.upper()} autocast, but the target dtype is not supported. Disabling autocast.\n"
                f"{self.device.upper()} Autocast only supports dtypes of torch.bfloat16, torch.float16 currently.",
                stacklevel=2,
            )
            self._enabled = False

    def __enter__(self) -> Self:
        self._before.append(_native._set_autocast(self.device, self.fast_dtype if self._enabled else None))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _native._set_autocast(self.device, self._before.pop())

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Decorate a function."""

        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return inside


def _cast(value: Any, device_type: str, dtype: _native.dtype) -> Any:
    if isinstance(value, _native.Tensor):
        changes = value.is_floating_point() and value.device.type == device_type and value.dtype != _native.float64
        return value.to(dtype) if changes else value
    if isinstance(value, dict):
        return {_cast(k, device_type, dtype): _cast(v, device_type, dtype) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_cast(item, device_type, dtype) for item in value)
    return value


def custom_fwd(
    fwd: Callable[..., Any] | None = None, *, device_type: str, cast_inputs: _native.dtype | None = None
) -> Callable[..., Any]:
    """Decorate `forward` of an autograd Function, so that it knows of autocast.

    With `cast_inputs`, an autocast call gets its tensors in that dtype and runs with autocast off; without, it runs as
    its surroundings do. `backward` needs `custom_bwd`.
    """
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)
    forward, kind = fwd, _checked(device_type)

    @functools.wraps(forward)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        on = is_autocast_enabled(kind)
        args[0]._dtype = get_autocast_dtype(kind)
        args[0]._fwd_used_autocast = on and cast_inputs is None
        if cast_inputs is None or not on:
            return forward(*args, **kwargs)
        with autocast(kind, enabled=False):
            return forward(*_cast(args, kind, cast_inputs), **_cast(kwargs, kind, cast_inputs))

    return decorated


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str) -> Callable[..., Any]:
    """Decorate `backward` of an autograd Function: it runs with autocast as `forward` did."""
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)
    backward, kind = bwd, _checked(device_type)

    @functools.wraps(backward)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        with autocast(kind, enabled=args[0]._fwd_used_autocast, dtype=args[0]._dtype):
            return backward(*args, **kwargs)

    return decorated
