"""What nodes save, seen by the program: packing it, and hooks on several gradients at once."""

from __future__ import annotations

import contextlib
import threading
from functools import partial

import corten_native._native as _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any, Literal

    from corten_native import Tensor, device

    Pack = Callable[[Tensor], Any]
    Unpack = Callable[[Any], Tensor]

_local = threading.local()


class saved_tensors_hooks:
    """Have `pack_hook` applied to each tensor that a node saves within the block, and its result kept instead.

    `unpack_hook` makes a tensor of it again, each time a backward pass needs it. Hooks are this thread's own, and of
    nested blocks the innermost has its way. A hook must not change its tensor in place; after packing, nothing notices
    whether the tensor is changed.

    >>> with saved_tensors_hooks(lambda x: x.numpy(force=True), torch.from_numpy):
    ...     y = model(x)
    """

    def __init__(self, pack_hook: Pack, unpack_hook: Unpack) -> None:
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook

    def __enter__(self) -> None:
        message = getattr(_local, "disabled", None)
        if message is not None:
            raise RuntimeError(message)
        _native._push_saved_hooks(self.pack_hook, self.unpack_hook)

    def __exit__(self, *error: object) -> None:
        _native._pop_saved_hooks()


class save_on_cpu(saved_tensors_hooks):
    """Keep what nodes save within the block in host memory, and bring it back to its device when it is needed.

    `pin_memory` and `device_type` have no effect: a copy to a device pins what it needs.
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        def pack(x: Tensor) -> tuple[device, Tensor]:
            return x.device, x.cpu()

        def unpack(packed: tuple[device, Tensor]) -> Tensor:
            place, x = packed
            return x.to(place, non_blocking=pin_memory)

        super().__init__(pack, unpack)


@contextlib.contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Refuse `saved_tensors_hooks` within the block, also those around it, by a `RuntimeError` of that text."""
    before = getattr(_local, "disabled", None)
    if _native._has_saved_hooks():
        raise RuntimeError(error_message)
    _local.disabled = error_message
    try:
        yield
    finally:
        _local.disabled = before


class MultiHandle:
    """The hooks of `register_multi_grad_hook`: `remove()` takes them away again; so does the end of a `with` block."""

    def __init__(self, handles: tuple[Any, ...]) -> None:
        self.handles = handles

    def remove(self) -> None:
        """Remove the hooks; doing so again does nothing."""
        for handle in self.handles:
            handle.remove()

    def __enter__(self) -> MultiHandle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


def register_multi_grad_hook(
    tensors: Sequence[Tensor], fn: Callable[..., None], *, mode: Literal["all", "any"] = "all"
) -> MultiHandle:
    """Call `fn` once in each backward pass that gives gradients to some of `tensors`.

    With mode "all", when the last of them is there: `fn` gets a list with the gradient of each tensor, None for those
    that the pass does not reach. With mode "any", when the first is there: `fn` gets that one alone.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    targets = list(tensors)
    gather = _Gathering(targets, fn)
    if mode == "any":
        return MultiHandle(tuple(x.register_hook(gather.first) for x in targets if x.requires_grad))
    return MultiHandle(tuple(x.register_hook(partial(gather.add, i)) for i, x in enumerate(targets)))


class _Gathering:
    """The gradients that have come to several tensors, by the number of the backward pass."""

    def __init__(self, tensors: list[Tensor], fn: Callable[..., None]) -> None:
        self._tensors, self._fn = tensors, fn
        self._waiting: dict[int, tuple[list[Tensor | None], int]] = {}
        self._last = 0

    def add(self, place: int, grad: Tensor) -> None:
        """Note one of the gradients; with the last, call the function."""
        number, _ = _native._running_pass()
        if number not in self._waiting:
            self._waiting[number] = [None] * len(self._tensors), sum(_native._pass_reaches(self._tensors))
        grads, missing = self._waiting.pop(number)
        grads[place] = grad
        if missing > 1:
            self._waiting[number] = grads, missing - 1
        else:
            self._fn(grads)

    def first(self, grad: Tensor) -> None:
        """Call the function with the first gradient of a pass."""
        number, _ = _native._running_pass()
        if number != self._last:
            self._last = number
            self._fn(grad)


def increment_version(tensor: Tensor | Iterable[Tensor]) -> None:
    """Count an in-place change of a tensor, or of several, that autograd could not see."""
    for x in (tensor,) if isinstance(tensor, _native.Tensor) else tensor:
        x._bump_version()
