"""`FloatTensor` and its kin: a dtype and a device as a class, from before tensors had both as attributes."""

from __future__ import annotations

from corten_native import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class tensortype(type):
    """The class of tensor types. Called, they make tensors; instances are the tensors of that dtype and device."""

    dtype: _native.dtype
    device_type: str

    def __new__(mcs, name: str, dtype: _native.dtype, device_type: str = "cpu") -> tensortype:
        module = "torch" if device_type == "cpu" else f"torch.{device_type}"
        return super().__new__(mcs, name, (), {"__module__": module, "dtype": dtype, "device_type": device_type})

    def __init__(cls, name: str, dtype: _native.dtype, device_type: str = "cpu") -> None:
        super().__init__(name, (), {})

    def __call__(cls, *args: Any, **kwargs: Any) -> _native.Tensor:
        """Make a tensor from sizes, from a sequence or array, or from another tensor of the dtype, sharing memory."""
        return _native._legacy(cls.dtype, *args, **{"device": cls.device_type} | kwargs)

    def __instancecheck__(cls, instance: object) -> bool:
        return (
            isinstance(instance, _native.Tensor)
            and instance.dtype == cls.dtype
            and instance.device.type == cls.device_type
        )

    @property
    def is_cuda(cls) -> bool:
        """Whether the tensors are on a CUDA device."""
        return cls.device_type == "cuda"


BFloat16Tensor = tensortype("BFloat16Tensor", _native.bfloat16)
BoolTensor = tensortype("BoolTensor", _native.bool)
ByteTensor = tensortype("ByteTensor", _native.uint8)
CharTensor = tensortype("CharTensor", _native.int8)
DoubleTensor = tensortype("DoubleTensor", _native.float64)
FloatTensor = tensortype("FloatTensor", _native.float32)
HalfTensor = tensortype("HalfTensor", _native.float16)
IntTensor = tensortype("IntTensor", _native.int32)
LongTensor = tensortype("LongTensor", _native.int64)
ShortTensor = tensortype("ShortTensor", _native.int16)
