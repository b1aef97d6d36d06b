"""Methods of Tensor whose work is Python's: printing, NumPy, copying, pickling. The native class calls them by name."""

from __future__ import annotations

from builtins import type as _type  # `type` is a method here

from corten_native import _native

from ._printing import tensor_format, tensor_repr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from corten_native import Tensor, dtype

    from ._storage import TypedStorage, UntypedStorage

repr = tensor_repr
__format__ = tensor_format

_TYPESTR = {
    "bool": "|b1",
    "uint8": "|u1",
    "int8": "|i1",
    "uint16": "<u2",
    "int16": "<i2",
    "uint32": "<u4",
    "int32": "<i4",
    "uint64": "<u8",
    "int64": "<i8",
    "float16": "<f2",
    "float32": "<f4",
    "float64": "<f8",
    "complex64": "<c8",
    "complex128": "<c16",
}


def numpy(self: Tensor, *, force: bool = False) -> Any:
    """Return a NumPy array that shares the tensor's memory; with `force`, whatever it takes to get one.

    Raises `RuntimeError` for a tensor that requires grad, unless within `no_grad`, and `TypeError` for one on another
    device or in bfloat16.
    """
    import numpy as np

    if force:
        self = self.detach().cpu()
    if self.requires_grad and _native.is_grad_enabled():
        raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
    if self.device.type != "cpu":
        raise TypeError(
            f"can't convert {self.device} device type tensor to numpy. "
            "Use Tensor.cpu() to copy the tensor to host memory first."
        )
    name = str(self.dtype).removeprefix("torch.")
    if name not in _TYPESTR:
        raise TypeError(f"Got unsupported ScalarType {'BFloat16' if name == 'bfloat16' else name}")
    return np.asarray(_native._array_interface(self, _TYPESTR[name]))


def __array__(self: Tensor, dtype: Any = None, copy: bool | None = None) -> Any:
    """Give NumPy the tensor as an array."""
    import numpy as np

    array = numpy(self)
    if dtype is not None and array.dtype != dtype:
        if copy is False:
            raise ValueError(f"cannot give {self.dtype} as an array of {np.dtype(dtype)} without a copy")
        return array.astype(dtype)
    return np.array(array) if copy else array


def __array_wrap__(self: Tensor, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
    """Turn the result of a NumPy function over tensors into a tensor."""
    from ._creation import from_numpy

    if array.dtype == bool:
        array = array.astype("uint8")
    return from_numpy(array)


def __dir__(self: Tensor) -> list[str]:
    return sorted({*dir(_type(self)), *self.__dict__})


def __deepcopy__(self: Tensor, memo: dict[int, Any]) -> Tensor:
    """Copy the tensor with its gradient; tensors that share a storage share its copy."""
    import copy

    if id(self) in memo:
        return memo[id(self)]
    if not self.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.  "
            "If you were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, "
            "see https://github.com/pytorch/pytorch/pull/103001"
        )
    values = self.detach().clone() if self.is_meta else _within_copied_storage(self, memo)
    out = values if _type(self) is _native.Tensor else _type(self)._make_subclass(_type(self), values, False)
    if self.requires_grad:
        out.requires_grad_()
    memo[id(self)] = out
    if self.grad is not None:
        out.grad = copy.deepcopy(self.grad, memo)
    for name, value in self.__dict__.items():
        setattr(out, name, copy.deepcopy(value, memo))
    return out


def _within_copied_storage(x: Tensor, memo: dict[Any, Any]) -> Tensor:
    """Return the tensor as it lies in the copy of its storage, which is made once."""
    storage = x.untyped_storage()
    if storage not in memo:
        count = storage.nbytes() // x.element_size()
        memo[storage] = x.detach().as_strided([count], [1], 0).clone().view(_native.uint8)
    return memo[storage].view(x.dtype).as_strided(x.shape, x.stride(), x.storage_offset()).detach()


def _rebuild(
    cls: Any,
    data: Any,
    dtype: Any,
    shape: tuple[int, ...],
    stride: tuple[int, ...],
    device: Any,
    requires_grad: bool,
    state: dict[str, Any],
) -> Any:
    """Make a tensor again from what `__reduce_ex__` gave."""
    if data:
        from ._creation import frombuffer

        memory = bytearray(data) if memoryview(data).readonly else data
        out = frombuffer(memory, dtype=dtype).as_strided(shape, stride).detach().to(device)
    else:
        out = _native.empty_strided(shape, stride, dtype=dtype, device=device)
    if cls is not _native.Tensor:
        out = cls._make_subclass(cls, out, False)
    if requires_grad:
        out.requires_grad_()
    for name, value in state.items():
        setattr(out, name, value)
    return out


def __reduce_ex__(self: Tensor, protocol: int) -> Any:
    """Pickle layout, attributes and the memory from the first element to the last, also what lies between them."""
    import pickle

    shape, stride = tuple(self.shape), tuple(self.stride())
    data: Any = None
    if self.numel() and not self.is_meta:
        span = 1 + sum((n - 1) * step for n, step in zip(shape, stride, strict=True))
        flat = self.detach().as_strided([span], [1], self.storage_offset()).cpu()
        memory = numpy(flat.view(_native.uint8))
        # From protocol 5 on, memory may travel beside the pickle.
        data = pickle.PickleBuffer(memory) if protocol >= 5 else memory.tobytes()
    layout = (self.dtype, shape, stride, self.device)
    return _rebuild, (_type(self), data, *layout, self.requires_grad, dict(self.__dict__))


def __setstate__(self: Tensor, state: Any) -> None:
    raise RuntimeError(
        f"__setstate__() is not supported: tensors are made again by __reduce_ex__, got {_type(state).__name__}"
    )


_TYPE_NAMES = {
    "float32": "FloatTensor",
    "float64": "DoubleTensor",
    "float16": "HalfTensor",
    "bfloat16": "BFloat16Tensor",
    "uint8": "ByteTensor",
    "int8": "CharTensor",
    "int16": "ShortTensor",
    "int32": "IntTensor",
    "int64": "LongTensor",
    "bool": "BoolTensor",
    "complex64": "ComplexFloatTensor",
    "complex128": "ComplexDoubleTensor",
    "uint16": "UInt16Tensor",
    "uint32": "UInt32Tensor",
    "uint64": "UInt64Tensor",
}


def type(self: Tensor, dtype: Any = None, non_blocking: bool = False, **kwargs: Any) -> Any:
    """Return the name of the tensor's type, or the tensor converted to a dtype or a type named so."""
    name = str(self.dtype).removeprefix("torch.")
    if dtype is None:
        place = "torch.cuda" if self.device.type == "cuda" else "torch"
        return f"{place}.{_TYPE_NAMES[name]}"
    if isinstance(dtype, str):
        place, _, wanted = dtype.rpartition(".")
        found = next((n for n, kind in _TYPE_NAMES.items() if kind == wanted), None)
        if found is None:
            raise ValueError(f"invalid type: '{dtype}'")
        device = "cuda" if place == "torch.cuda" else "cpu"
        return self.to(device, getattr(_native, found), non_blocking=non_blocking)
    if hasattr(dtype, "dtype"):
        return self.to(dtype.device_type, dtype.dtype, non_blocking=non_blocking)
    return self.to(dtype, non_blocking=non_blocking)


def cuda(self: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Tensor:
    """Return the tensor on a CUDA device."""
    return self.to("cuda" if device is None else device, non_blocking=non_blocking)


def share_memory_(self: Tensor) -> Tensor:
    raise NotImplementedError("share_memory_() is not supported: tensors live in private memory")


def is_shared(self: Tensor) -> bool:
    """Return False: tensors on the host live in private memory."""
    return self.device.type == "cuda"


def pin_memory(self: Tensor, device: Any = None) -> Tensor:
    raise RuntimeError("Cannot access accelerator device when none is available.")


def is_pinned(self: Tensor, device: Any = None) -> bool:
    """Return False: no memory is pinned."""
    return False


def untyped_storage(self: Tensor) -> UntypedStorage:
    """Return the memory under the tensor, which its views share."""
    from ._storage import UntypedStorage

    return UntypedStorage(self)


def storage(self: Tensor) -> TypedStorage:
    """Return the memory under the tensor, which its views share, as elements of its dtype."""
    from ._storage import TypedStorage

    return TypedStorage(self)


def storage_type(self: Tensor) -> Any:
    """Return the class of what `storage` gives."""
    from ._storage import TypedStorage

    return TypedStorage


def apply_(self: Tensor, callable: Any) -> Tensor:
    """Replace each element by what a Python function makes of it; slow."""
    return _replaced("apply_", self, (), callable)


def map_(self: Tensor, other: Tensor, callable: Any) -> Tensor:
    """Replace each element by what a Python function makes of it and of the one in `other`; slow."""
    return _replaced("map_", self, (other,), callable)


def map2_(self: Tensor, x: Tensor, y: Tensor, callable: Any) -> Tensor:
    """Replace each element by what a Python function makes of it and of those in `x` and `y`; slow."""
    return _replaced("map2_", self, (x, y), callable)


def _replaced(name: str, self: Tensor, others: tuple[Tensor, ...], function: Any) -> Tensor:
    if any(x.requires_grad for x in (self, *others)):
        raise RuntimeError(f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() instead.")
    for other in others:
        if other.dtype != self.dtype:
            raise TypeError(f"{name}: expected {self.type()} for 'other' (got {other.type()})")
    if self.device.type == "meta":
        return self
    columns = [x.expand_as(self).reshape(-1).tolist() for x in (self, *others)]
    made = [function(*numbers) for numbers in zip(*columns, strict=True)]
    wrong = next((x for x in made if not isinstance(x, (int, float, complex))), None)
    if wrong is not None:
        raise TypeError(f"must be real number, not {_type(wrong).__name__}")
    return self.copy_(_native._from_data(made).view(self.shape)) if made else self


def __reversed__(self: Tensor) -> Tensor:
    """Return the tensor with its first dimension reversed."""
    return self.flip(0) if self.dim() else self


def new(self: Tensor, *args: Any, size: Any = None, device: Any = None) -> Tensor:
    """Return a tensor of this one's dtype and device, of sizes or with values, as `FloatTensor` and kin make one."""
    from . import _legacy

    kind = getattr(_legacy, _TYPE_NAMES[str(self.dtype).removeprefix("torch.")])
    return kind(*args, size=size).to(self.device if device is None else device)


def new_tensor(
    self: Tensor,
    data: Any,
    *,
    dtype: dtype | None = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Return a tensor with a copy of `data`, of this tensor's dtype and device unless told otherwise."""
    from ._creation import tensor

    return tensor(
        data,
        dtype=self.dtype if dtype is None else dtype,
        device=self.device if device is None else device,
        requires_grad=requires_grad,
        pin_memory=pin_memory,
    )


def index_tensor(value: Any) -> Tensor:
    """Return the tensor of a list, range or array that stands in an index expression."""
    from ._creation import as_tensor, tensor

    if hasattr(value, "__array_interface__"):
        return as_tensor(value)
    items = list(value)
    return tensor(items) if items else tensor(items, dtype=_native.int64)


def legacy_tensor(value: Any, device: Any) -> Tensor:
    """Return the tensor that `torch.Tensor(value)` makes of an array or sequence."""
    from ._creation import tensor

    return tensor(value, dtype=_native.get_default_dtype(), device=device)


def to_host(self: Tensor) -> Tensor:
    """Return the tensor in host memory."""
    return self.detach().cpu()
