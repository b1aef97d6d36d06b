"""GradScaler: losses are multiplied before the backward pass, gradients divided before the step."""

from __future__ import annotations

import warnings

from corten_native import _native
from corten_tensor_core import _device

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from corten_native import Tensor

__all__ = ["GradScaler"]

_READY, _UNSCALED, _STEPPED = range(3)


class GradScaler:
    """Scale losses, so that gradients of narrow dtypes do not vanish, and skip steps whose gradients are not finite.

    The factor grows by `growth_factor` after `growth_interval` finite steps in a row and shrinks by `backoff_factor`
    after any other. Without the device it warns and passes everything through, as with `enabled=False`.

    >>> scaler = GradScaler("cpu")
    >>> scaler.scale(loss).backward()
    >>> scaler.step(optimizer)
    >>> scaler.update()
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        self._device = device
        self._enabled = enabled
        if enabled and device == "cuda" and _device.available() is None:
            warnings.warn("torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.", stacklevel=2)
            self._enabled = False
        if self._enabled:
            if growth_factor <= 1.0:
                raise AssertionError("The growth factor must be > 1.0.")
            if backoff_factor >= 1.0:
                raise AssertionError("The backoff factor must be < 1.0.")
        self._value = float(init_scale)
        self._used = False
        self._growth_factor = growth_factor
        self._backoff_factor = backoff_factor
        self._growth_interval = growth_interval
        self._growth_tracker = 0
        self._forget()

    def _forget(self) -> None:
        """Start an iteration: what each optimizer has done, and whether its gradients were all finite, by identity."""
        self._stage: dict[int, int] = {}
        self._finite: dict[int, bool] = {}

    def scale(self, outputs: Any) -> Any:
        """Multiply a tensor, or those in a list or tuple, by the factor."""
        if not self._enabled:
            return outputs
        self._used = True
        if isinstance(outputs, _native.Tensor):
            return outputs * _native.full((), self._value, device=outputs.device)
        if isinstance(outputs, (list, tuple)):
            return type(outputs)(self.scale(item) for item in outputs)
        try:
            return map(self.scale, iter(outputs))
        except TypeError:
            raise ValueError("outputs must be a Tensor or an iterable of Tensors") from None

    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of an optimizer's parameters by the factor, as before clipping them.

        Raises `RuntimeError` the second time in an iteration, and `ValueError` for float16 gradients.
        """
        if not self._enabled:
            return
        self._check_used("unscale_")
        stage = self._stage.get(id(optimizer), _READY)
        if stage == _UNSCALED:
            raise RuntimeError("unscale_() has already been called on this optimizer since the last update().")
        if stage == _STEPPED:
            raise RuntimeError("unscale_() is being called after step().")
        grads = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        if any(grad.dtype == _native.float16 for grad in grads):
            raise ValueError("Attempting to unscale FP16 gradients.")
        recording = _native._set_grad_enabled(False)
        try:
            for grad in grads:
                grad.mul_(1.0 / self._value)
            if grads:
                self._finite[id(optimizer)] = all(_all_finite(grad) for grad in grads)
        finally:
            _native._set_grad_enabled(recording)
        self._stage[id(optimizer)] = _UNSCALED

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """Unscale unless that is done, and step if all gradients are finite. Returns what the optimizer returns.

        Raises `RuntimeError` for a closure and for the second step in an iteration.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        self._check_used("step")
        if self._stage.get(id(optimizer)) == _STEPPED:
            raise RuntimeError("step() has already been called since the last update().")
        if self._stage.get(id(optimizer)) != _UNSCALED:
            self.unscale_(optimizer)
        if id(optimizer) not in self._finite:
            raise AssertionError("No inf checks were recorded for this optimizer.")
        result = optimizer.step(*args, **kwargs) if self._finite[id(optimizer)] else None
        self._stage[id(optimizer)] = _STEPPED
        return result

    def update(self, new_scale: float | Tensor | None = None) -> None:
        """End an iteration: grow or shrink the factor, or set it."""
        if not self._enabled:
            return
        self._check_used("update")
        if new_scale is not None:
            self._value = float(new_scale)
        elif not self._finite:
            raise AssertionError("No inf checks were recorded prior to update.")
        elif all(self._finite.values()):
            self._growth_tracker += 1
            if self._growth_tracker == self._growth_interval:
                self._value *= self._growth_factor
                self._growth_tracker = 0
        else:
            self._value *= self._backoff_factor
            self._growth_tracker = 0
        self._forget()

    def _check_used(self, method: str) -> None:
        if not self._used:
            raise AssertionError(
                f"Attempted {method} but _scale is None.  This may indicate your script did not use "
                "scaler.scale(loss or outputs) earlier in the iteration."
            )

    def get_scale(self) -> float:
        """Return the factor; 1.0 where nothing is scaled."""
        return self._value if self._enabled else 1.0

    def get_growth_factor(self) -> float:
        """Return what the factor grows by."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Set what the factor grows by."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """Return what the factor shrinks by."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Set what the factor shrinks by."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """Return after how many finite steps the factor grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Set after how many finite steps the factor grows."""
        self._growth_interval = new_interval

    def is_enabled(self) -> bool:
        """Tell whether losses are scaled."""
        return self._enabled

    def state_dict(self) -> dict[str, Any]:
        """Return the factor and its settings; nothing where nothing is scaled."""
        if not self._enabled:
            return {}
        return {
            "scale": self._value,
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._growth_tracker,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take what `state_dict` gave. Raises `RuntimeError` for that of a scaler that was not enabled."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled instance of GradScaler."
            )
        self._value = state_dict["scale"]
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._growth_tracker = state_dict["_growth_tracker"]


def _all_finite(grad: Tensor) -> bool:
    return bool(grad.isfinite().all())
