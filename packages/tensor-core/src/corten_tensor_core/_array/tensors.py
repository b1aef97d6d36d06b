"""From tensors to arrays and back: what the runtime calls for rows that the array backend computes."""

from __future__ import annotations

import contextlib
from functools import cache

from corten_native import _native

from .. import _device
from .._tensor_methods import _TYPESTR
from . import ARRAY
from .base import dtype_of
from .rows import ADAPTED, DRAWN, SAME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from corten_native import Tensor

_POINTWISE = ("unary", "binary", "compare", "activation", "special")


def run(name: str, args: tuple[Any, ...], outs: tuple[Tensor, ...]) -> None:
    """Compute the row `name` of `args` into `outs`, by NumPy on the host and by the device's array module elsewhere.

    Raises `NotImplementedError` for a row that has no array function.
    """
    out = outs[0]
    if name == "copy_":
        _write(out, _moved(_read(args[1]), args[1].device.type, out.device.type))
        return
    xp = _module(out.device.type)
    arrays = [_array(arg, out) for arg in args]
    if name in DRAWN or name == "multinomial":
        results = _draw(name, xp, arrays)
    else:
        if _families().get(name) in _POINTWISE:
            arrays = _promoted(xp, name, args, arrays, out)
        elif _families().get(name) == "fft":
            arrays[0] = arrays[0].astype(
                xp.result_type(arrays[0].dtype, _dtype(xp, out).type(0).real.dtype), copy=False
            )
        results = _compute(name, xp, arrays)
    for target, result in zip(outs, results if isinstance(results, tuple) else (results,), strict=True):
        _write(target, result)


def make(name: str, args: tuple[Any, ...]) -> Any:
    """Return the result of a row whose shape depends on data, on the device of its first argument.

    Raises `NotImplementedError` for a row that has no array function.
    """
    first, separately = args[0], False
    if name == "nonzero":
        separately, args = args[1], args[:1]
    result = _compute(name, _module(first.device.type), [_array(arg, first) for arg in args])
    dtype = first.dtype if name == "masked_select" else _native.int64
    out = _native.empty(tuple(result.shape), dtype=dtype, device=first.device)
    _write(out, result)
    return out.unbind(1) if separately else out


def _compute(name: str, xp: Any, arrays: list[Any]) -> Any:
    function = ADAPTED.get(name) or ARRAY.get(SAME.get(name, name))
    if function is None:
        raise NotImplementedError(f"{name}() is not implemented for tensors on a CUDA device")
    with xp.errstate(all="ignore") if xp.__name__ == "numpy" else contextlib.nullcontext():
        return function(xp, *arrays)


def _draw(name: str, xp: Any, arrays: list[Any]) -> Any:
    """Draw with a generator of the array module, whose seed comes from the row's generator."""
    *rest, generator = arrays
    seed = int(_native.empty(1, dtype=_native.int64, device="cpu").random_(0, 2**31, generator=generator).item())
    if name == "multinomial":
        return ARRAY[name](xp, *rest, seed)
    return DRAWN[name](xp, xp.random.default_rng(seed), *rest)


@cache
def _families() -> dict[str, str]:
    """Return the family of each row, by the name under which it is called."""
    full = (f"{row['name']}.{row['overload']}".rstrip(".") for row in _native._table())
    return {row["array"] or name: row["family"] for row, name in zip(_native._table(), full, strict=True)}


def _module(kind: str) -> Any:
    if kind == "cpu":
        import numpy

        return numpy
    return _device.backend().xp


def _name(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _dtype(xp: Any, tensor: Tensor) -> Any:
    return dtype_of(xp, _name(tensor))


def _raw(tensor: Tensor) -> Any:
    """Return the array over a tensor's memory; bfloat16 as its bits."""
    typestr = _TYPESTR.get(_name(tensor), "<u2")
    if tensor.device.type != "cpu":
        return _device.array_of(tensor, typestr)
    return _module("cpu").asarray(_native._array_interface(tensor, typestr))


def _read(tensor: Tensor) -> Any:
    raw = _raw(tensor)
    if tensor.dtype != _native.bfloat16:
        return raw
    xp = _module(tensor.device.type)
    return xp.asarray(raw.astype(xp.uint32) << 16).view(xp.float32)


def _write(out: Tensor, result: Any) -> None:
    """Copy a result into a tensor, converted to its dtype."""
    xp, raw = _module(out.device.type), _raw(out)
    result = xp.asarray(result)
    with xp.errstate(all="ignore") if xp.__name__ == "numpy" else contextlib.nullcontext():
        if out.dtype == _native.bfloat16:
            bits = xp.ascontiguousarray(result.astype(xp.float32)).view(xp.uint32).reshape(result.shape)
            rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
            result = xp.where(xp.isnan(result), 0x7FC0, rounded).astype(xp.uint16)
        elif result.dtype.kind == "c" and raw.dtype.kind != "c":
            result = result.real
        raw[...] = result.astype(raw.dtype, copy=False)


def _moved(array: Any, source: str, target: str) -> Any:
    if source == target:
        return array
    return _device.backend().to_host(array) if target == "cpu" else _device.backend().from_host(array)


def _array(arg: Any, out: Tensor) -> Any:
    """Return an argument as an array function takes it: arrays for tensors, names for dtypes."""
    if isinstance(arg, _native.Tensor):
        return _moved(_read(arg), arg.device.type, out.device.type)
    if isinstance(arg, _native.dtype):
        return str(arg)
    if type(arg) in (tuple, list):
        return [_array(item, out) for item in arg]
    return arg


def _promoted(xp: Any, name: str, args: tuple[Any, ...], arrays: list[Any], out: Tensor) -> list[Any]:
    """Convert the operands of a pointwise row to the dtype in which it computes."""
    tensors = [arg for arg in args if isinstance(arg, _native.Tensor)]
    target = out.dtype
    if target == _native.bool:
        numbers = [arg for arg in args[:2] if isinstance(arg, (_native.Tensor, bool, int, float, complex))]
        target = _native.result_type(*numbers) if len(numbers) == 2 else tensors[0].dtype
    wanted = dtype_of(xp, str(target))

    def convert(i: int, array: Any) -> Any:
        if not hasattr(array, "dtype") or (name == "where" and i == 0):
            return array
        keeps = array.dtype.kind == "c" and wanted.kind != "c"
        return array if keeps else array.astype(wanted, copy=False)

    return [convert(i, array) for i, array in enumerate(arrays)]
