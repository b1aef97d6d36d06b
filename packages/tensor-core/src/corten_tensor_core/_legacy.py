"""The constructors from before there were dtypes: `FloatTensor`, `LongTensor` and kin."""

from __future__ import annotations

from corten_native import _native

from ._creation import tensor
from ._tensor_methods import _TYPE_NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from corten_native import Tensor, dtype


class _TensorType(type):
    """The class of the constructors: tensors of their dtype in host memory pass for their instances."""

    dtype: dtype
    device_type = "cpu"
    layout = _native.strided
    is_cuda = False

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _native.Tensor) and instance.dtype == cls.dtype and instance.device.type == "cpu"

    def __call__(cls, *args: Any, size: Any = None, device: Any = None) -> Tensor:
        """Return a tensor of sizes, or with the values of an array or sequence, or on a tensor's memory.

        Raises `TypeError` for a tensor of another dtype, and for a number that is no size.
        """
        if device is not None and _native.device(device).type != "cpu":
            raise RuntimeError(
                f"legacy constructor expects device type: cpu but device type: {_native.device(device).type} was passed"
            )
        if size is not None:
            args = (_native.Size(size),)
        if len(args) != 1:
            return _native.empty(args or (0,), dtype=cls.dtype, device="cpu")
        (given,) = args
        if isinstance(given, _native.Tensor):
            if not isinstance(given, cls):
                raise TypeError(f"expected torch.{cls.__name__} (got {given.type()})")
            return given.detach()
        if isinstance(given, _native.Size) or (hasattr(given, "__index__") and not hasattr(given, "__len__")):
            return _native.empty(given, dtype=cls.dtype, device="cpu")
        if isinstance(given, str):
            raise TypeError("new(): invalid data type 'str'")
        if not hasattr(given, "__len__"):
            raise TypeError(f"new(): data must be a sequence (got {type(given).__name__})")
        return tensor(given, dtype=cls.dtype, device="cpu")


def __getattr__(name: str) -> Any:
    found = next((d for d, kind in _TYPE_NAMES.items() if kind == name), None)
    if found is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    made = globals()[name] = _TensorType(name, (), {"__module__": "torch", "dtype": getattr(_native, found)})
    return made
