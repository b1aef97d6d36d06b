"""Methods of Tensor that belong to autograd. The native class calls them by name."""

from __future__ import annotations

import corten_native._native as _native
from corten_autograd import _backward

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from corten_native import Tensor


def backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Accumulate the gradients of this tensor in the leaves that it depends on; see `corten_autograd.backward`."""
    _backward.backward(self, gradient, retain_graph, create_graph, inputs=inputs)


class RemovableHandle:
    """What adding a hook gives: `remove()` takes the hook away again; so does the end of a `with` block."""

    def __init__(self, node: Any, number: int) -> None:
        self._node, self.id = node, number

    def remove(self) -> None:
        """Remove the hook; doing so again does nothing."""
        if self._node is not None:
            _native._remove_hook(self._node, self.id)
            self._node = None

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


def register_hook(self: Tensor, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
    """Call `hook` with each gradient of this tensor; what it returns, if anything, takes the gradient's place."""
    return RemovableHandle(*_native._add_tensor_hook(self, hook))


def register_post_accumulate_grad_hook(self: Tensor, hook: Callable[[Tensor], None]) -> RemovableHandle:
    """Call `hook` with this leaf each time a gradient has been accumulated in its `grad`."""
    return RemovableHandle(*_native._add_accumulate_hook(self, hook))


def retain_grad(self: Tensor) -> None:
    """Keep the gradient of this tensor in its `grad`, although it is no leaf."""
    _native._retain_grad(self)
