"""Tensors from data: numbers, sequences, arrays and buffers."""

from __future__ import annotations

from corten_native import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from corten_native import Tensor, dtype

__all__ = [
    "as_tensor",
    "asarray",
    "from_dlpack",
    "from_numpy",
    "frombuffer",
    "tensor",
]

_Tensor = _native.Tensor
_from_data = _native._from_data


def tensor(
    data: Any,
    *,
    dtype: dtype | None = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Return a tensor with a copy of `data`: a number, nested sequences of numbers, an array, or a tensor.

    Without `dtype` the numbers decide it: bool, int64, the default float, or its complex dtype. Raises `ValueError` for
    ragged sequences, `RuntimeError` for integers out of range, `TypeError` for what is no number.

    >>> tensor([[1.0, 2.0], [3.0, 4.0]]).shape
    torch.Size([2, 2])
    """
    if pin_memory:
        raise RuntimeError(
            "Cannot access accelerator device when none is available: argument 'pin_memory' must be False"
        )
    if isinstance(data, _Tensor):
        import warnings

        warnings.warn(
            "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
            "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).",
            UserWarning,
            stacklevel=2,
        )
        out = data.detach().to(device=device, dtype=dtype, copy=True)
    elif hasattr(data, "__array_interface__") or hasattr(data, "__array__"):
        out = _moved(from_numpy(_array(data, copy=True)), dtype, device)
    else:
        out = _from_data(data, dtype)
        if device is not None or _native._default_device().type != "cpu":
            out = out.to(_native._default_device() if device is None else device)
    return out.requires_grad_() if requires_grad else out


def _array(data: Any, *, copy: bool = False) -> Any:
    import numpy as np

    array = np.asarray(data)
    _check_strides(array)
    if copy:
        array = array.copy()
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return array


def _moved(out: Tensor, dtype: dtype | None, device: Any) -> Tensor:
    if device is None and _native._default_device().type != "cpu":
        device = _native._default_device()
    return out if dtype is None and device is None else out.to(device=device, dtype=dtype)


def as_tensor(data: Any, dtype: dtype | None = None, device: Any = None) -> Tensor:
    """Return `data` as a tensor, sharing memory with tensors and arrays whose dtype and device fit, else a copy."""
    if isinstance(data, _Tensor):
        return data.to(device=device, dtype=dtype)
    if hasattr(data, "__array_interface__"):
        return _moved(_shared(_array(data)), dtype, device)
    return tensor(data, dtype=dtype, device=device)


def asarray(
    obj: Any,
    *,
    dtype: dtype | None = None,
    device: Any = None,
    copy: bool | None = None,
    requires_grad: bool | None = None,
) -> Tensor:
    """Return `obj` as a tensor: a tensor, an array, an object with DLPack or the buffer protocol, or sequences.

    `copy=True` always copies, `copy=False` raises `ValueError` where a copy would be needed. A tensor keeps its
    `requires_grad` and its history where nothing else is asked for.
    """
    if isinstance(obj, _Tensor):
        out = obj
    elif hasattr(obj, "__array_interface__"):
        out = _shared(_array(obj))
    elif hasattr(obj, "__dlpack__"):
        out = from_dlpack(obj)
    elif _has_buffer(obj):
        out = frombuffer(obj, dtype=dtype or _native.get_default_dtype())
    else:
        if copy is False:
            raise ValueError("can't alias arbitrary sequence into a tensor.")
        return tensor(obj, dtype=dtype, device=device, requires_grad=bool(requires_grad))
    moved = _moved(out, dtype, device)
    if copy is False and moved is not out:
        raise ValueError("can't alias the object without a copy: its dtype or device differs from the one asked for")
    if copy and moved is out:
        moved = out.clone()
    if requires_grad is None or moved.requires_grad == requires_grad:
        return moved
    return moved.detach().requires_grad_(requires_grad)


def _has_buffer(obj: Any) -> bool:
    try:
        memoryview(obj).release()
    except TypeError:
        return False
    return True


#: NumPy's names of dtypes that have one of ours; the others are refused by name.
_FROM_NUMPY = {
    "bool": "bool",
    **{name: name for name in ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")},
    **{name: name for name in ("float16", "float32", "float64", "complex64", "complex128")},
}


def from_numpy(ndarray: Any) -> Tensor:
    """Return a tensor that shares the memory of a NumPy array.

    Raises `TypeError` for what is no array or for a dtype without counterpart, `ValueError` for negative strides. A
    read-only array is shared with a warning, as in PyTorch: writing through the tensor is then undefined.
    """
    import numpy as np

    if not isinstance(ndarray, np.ndarray):
        kind = type(ndarray)
        name = f"numpy.{kind.__name__}" if kind.__module__ == "numpy" else kind.__name__
        raise TypeError(f"expected np.ndarray (got {name})")
    if ndarray.dtype.name not in _FROM_NUMPY:
        raise TypeError(
            f"can't convert np.ndarray of type numpy.{ndarray.dtype.type.__name__}. The only supported types are: "
            "float64, float32, float16, complex64, complex128, int64, int32, int16, "
            "int8, uint64, uint32, uint16, uint8, and bool."
        )
    if not ndarray.dtype.isnative:
        raise ValueError(
            "given numpy array has byte order different from the native byte order. "
            "Conversion between byte orders is currently not supported."
        )
    _check_strides(ndarray)
    if not ndarray.flags.writeable:
        import warnings

        warnings.warn(
            "The given NumPy array is not writable, and PyTorch does not support non-writable tensors. This means "
            "writing to this tensor will result in undefined behavior. You may want to copy the array to protect its "
            "data or make it writable before converting it to a tensor.",
            UserWarning,
            stacklevel=2,
        )
    return _shared(ndarray)


def _check_strides(array: Any) -> None:
    if any(stride < 0 for stride in array.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are not "
            "currently supported. (You can probably work around this by making a copy of your array  "
            "with array.copy().) "
        )


def _shared(array: Any) -> Tensor:
    name = array.dtype.name
    if name not in _FROM_NUMPY:
        raise TypeError(f"can't convert an array of dtype {name} to a tensor")
    size = array.dtype.itemsize
    if any(stride % size for stride in array.strides):
        raise ValueError(
            "given numpy array strides not a multiple of the element byte size. "
            "Copy the numpy array to reallocate the memory."
        )
    reach = sum((n - 1) * stride for n, stride in zip(array.shape, array.strides, strict=True)) if array.size else -size
    address = array.__array_interface__["data"][0]
    return _native._from_buffer(
        array,
        address,
        reach + size,
        getattr(_native, _FROM_NUMPY[name]),
        list(array.shape),
        [stride // size for stride in array.strides],
        0,
    )


def frombuffer(buffer: Any, *, dtype: dtype, count: int = -1, offset: int = 0, requires_grad: bool = False) -> Tensor:
    """Return a one-dimensional tensor that shares the memory of a Python buffer, from byte `offset`.

    `count` elements, or all that fit for -1. Raises `ValueError` for an offset or count outside the buffer.
    """
    try:
        view = memoryview(buffer)
    except TypeError:
        raise ValueError("object does not implement Python buffer protocol.") from None
    size, length = dtype.itemsize, view.nbytes
    if length == 0 or count == 0:
        raise ValueError(f"both buffer length ({length}) and count ({count}) must not be 0")
    if not 0 <= offset < length:
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length ({length} bytes) minus 1"
        )
    if count < 0 and (length - offset) % size:
        raise ValueError(
            f"buffer length ({length - offset} bytes) after offset ({offset} bytes) "
            f"must be a multiple of element size ({size})"
        )
    elements = (length - offset) // size if count < 0 else count
    if offset + elements * size > length:
        raise ValueError(
            f"requested buffer length ({elements} * {size} bytes) after offset ({offset} bytes) must not be greater "
            f"than actual buffer length ({length} bytes)"
        )
    if view.readonly:
        import warnings

        warnings.warn(
            "The given buffer is not writable, and PyTorch does not support non-writable tensors. This means you can "
            "write to the underlying (supposedly non-writable) buffer using the tensor. You may want to copy the "
            "buffer to protect its data or make it writable before converting it to a tensor.",
            UserWarning,
            stacklevel=2,
        )
    import numpy as np

    raw = np.frombuffer(view, dtype=np.uint8)
    address = raw.__array_interface__["data"][0] + offset
    out = _native._from_buffer(raw, address, elements * size, dtype, [elements], [1], 0)
    return out.requires_grad_() if requires_grad else out


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """Return a tensor that shares the memory of an object with `__dlpack__`, or of a DLPack capsule.

    Given a `device` it moves there, and `copy=True` always copies; `copy=False` raises `ValueError` where it must.
    """
    if device is not None or copy is not None:
        if not hasattr(ext_tensor, "__dlpack__"):
            raise AssertionError("device and copy kwargs not supported when ext_tensor is already a DLPack capsule.")
        return asarray(from_dlpack(ext_tensor), device=device, copy=copy)
    if hasattr(ext_tensor, "__dlpack__"):
        try:
            ext_tensor = ext_tensor.__dlpack__(max_version=(1, 0))
        except TypeError:  # a library from before versioned capsules
            ext_tensor = ext_tensor.__dlpack__()
    return _native._from_dlpack(ext_tensor)
