"""Changing the dtype, device or memory format of everything in a module."""

from __future__ import annotations

from corten_nn._backend import Tensor, autograd, core
from corten_nn._tree import Tree
from corten_nn.parameter import Parameter, keep_lazy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self


def _parse_to(
    device: Any = None, dtype: Any = None, non_blocking: bool = False, *, memory_format: Any = None
) -> tuple[Any, Any, bool, Any]:
    """Sort the arguments of `to`: a device and a dtype, a dtype alone, or a tensor that has both."""
    if isinstance(device, (core.dtype, Tensor)):
        # The second positional argument is then `non_blocking`.
        non_blocking = non_blocking if dtype is None else bool(dtype)
        if isinstance(device, Tensor):
            device, dtype = device.device, device.dtype
        else:
            device, dtype = None, device
    return (None if device is None else core.device(device)), dtype, non_blocking, memory_format


class Convertible(Tree):
    """Part of `Module`: `to` and its shorthands."""

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Replace the data of every parameter and its gradient, and every buffer, by `fn` of it."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        for name, param in list(self._parameters.items()):
            if param is None:
                continue
            with autograd.no_grad():
                grad = param.grad
                converted = fn(param)
                if converted.is_meta != param.is_meta:
                    # A tensor without data cannot turn into one with data, nor back.
                    self._parameters[name] = keep_lazy(Parameter(converted, param.requires_grad), param)
                    continue
                if grad is not None:
                    # A gradient must fit its tensor at every moment.
                    param.grad = None
                param.data = converted
                if grad is not None:
                    grad.data = fn(grad)
                    param.grad = grad
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = keep_lazy(fn(buffer), buffer)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Convert in place: `to(device, dtype, non_blocking)`, `to(dtype)`, `to(tensor)`, `to(memory_format=...)`.

        Only floating and complex tensors change their dtype. A parameter stays the same object.
        """
        if "tensor" in kwargs:
            args = (kwargs.pop("tensor"), *args)
        device, dtype, non_blocking, memory_format = _parse_to(*args, **kwargs)
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
            )

        def convert(x: Tensor) -> Tensor:
            target = dtype if x.is_floating_point() or x.is_complex() else None
            try:
                if memory_format is not None and x.dim() in (4, 5):
                    return x.to(device, target, non_blocking, memory_format=memory_format)
                return x.to(device, target, non_blocking)
            except NotImplementedError as error:
                if str(error) != "Cannot copy out of meta tensor; no data!":
                    raise
                raise NotImplementedError(
                    f"{error} Please use torch.nn.Module.to_empty() instead of torch.nn.Module.to() "
                    "when moving module from meta to a different device."
                ) from None

        return self._apply(convert)

    def type(self, dst_type: Any) -> Self:
        """Convert every parameter and buffer to `dst_type`, integers included."""
        return self._apply(lambda x: x.type(dst_type))

    def _to_float_type(self, dtype: Any) -> Self:
        return self._apply(lambda x: x.to(dtype) if x.is_floating_point() else x)

    def float(self) -> Self:
        """Convert floating tensors to float32."""
        return self._to_float_type(core.float32)

    def double(self) -> Self:
        """Convert floating tensors to float64."""
        return self._to_float_type(core.float64)

    def half(self) -> Self:
        """Convert floating tensors to float16."""
        return self._to_float_type(core.float16)

    def bfloat16(self) -> Self:
        """Convert floating tensors to bfloat16."""
        return self._to_float_type(core.bfloat16)

    def cpu(self) -> Self:
        """Move to the CPU."""
        return self._apply(lambda x: x.cpu())

    def cuda(self, device: Any = None) -> Self:
        """Move to a CUDA device, the current one by default."""
        return self._apply(lambda x: x.cuda(device))

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Move to `device` without copying: the contents are uninitialised."""
        return self._apply(lambda x: core.empty_like(x, device=device), recurse=recurse)

    def share_memory(self) -> Self:
        """Move the storage of every tensor to shared memory."""
        return self._apply(lambda x: x.share_memory_())
