"""Pools by power mean and with random windows, and the inverse of a maximum pool."""

from __future__ import annotations

import math

from corten_nn._backend import Tensor, core
from corten_nn._sizes import per_dim
from corten_nn.functional import pooling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _lp_pool(input: Tensor, norm_type: float, kernel_size: Any, stride: Any, ceil_mode: bool, dims: int) -> Tensor:
    if abs(norm_type) == math.inf:
        largest = getattr(pooling, f"max_pool{dims}d")
        size = input.abs()
        if norm_type > 0:
            return largest(size, kernel_size, stride, 0, 1, ceil_mode)
        return -largest(-size, kernel_size, stride, 0, 1, ceil_mode)
    mean = getattr(core, f"avg_pool{dims}d")
    means = mean(input.pow(norm_type), kernel_size, () if stride is None else stride, 0, ceil_mode)
    count = math.prod(per_dim(kernel_size, dims))
    # An odd power of negative inputs may have a negative mean, of which no root exists.
    return (core.sign(means) * core.relu(core.abs(means))).mul(count).pow(1.0 / norm_type)


def lp_pool1d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """(Σ xᵖ)^(1/p) of each window of (N, C, L) or (C, L)."""
    return _lp_pool(input, norm_type, kernel_size, stride, ceil_mode, 1)


def lp_pool2d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """(Σ xᵖ)^(1/p) of each window of (N, C, H, W) or (C, H, W)."""
    return _lp_pool(input, norm_type, kernel_size, stride, ceil_mode, 2)


def lp_pool3d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """(Σ xᵖ)^(1/p) of each window of (N, C, D, H, W) or (C, D, H, W)."""
    return _lp_pool(input, norm_type, kernel_size, stride, ceil_mode, 3)


def _unpool(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any, padding: Any, output_size: Any, dims: int
) -> Tensor:
    kernel = per_dim(kernel_size, dims)
    step = kernel if stride is None else per_dim(stride, dims)
    pad = per_dim(padding, dims)
    default = [(n - 1) * s + k - 2 * p for n, s, k, p in zip(input.shape[-dims:], step, kernel, pad, strict=True)]
    size = default if output_size is None else list(output_size)
    if len(size) == dims + 2:
        size = size[2:]
    if len(size) != dims:
        raise ValueError(
            f"output_size should be a sequence containing {dims} or {dims + 2} elements, "
            f"but it has a length of '{len(size)}'"
        )
    for i in range(dims):
        low, high = default[i] - step[i], default[i] + step[i]
        if output_size is not None and not low < size[i] < high:
            raise ValueError(f'invalid output_size "{size}" (dim {i} must be between {low} and {high})')
    # Each value goes to its position in the flattened plane; positions outside are the runtime's error.
    outer = input.shape[:-dims]
    flat = core.zeros((*outer, math.prod(size)), dtype=input.dtype, device=input.device)
    return flat.scatter(-1, indices.flatten(-dims), input.flatten(-dims)).reshape(*outer, *size)


def max_unpool1d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """Put maxima back to the positions `indices`, zeros elsewhere; `output_size` chooses among possible sizes."""
    return _unpool(input, indices, kernel_size, stride, padding, output_size, 1)


def max_unpool2d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """`max_unpool1d` for (N, C, H, W) or (C, H, W)."""
    return _unpool(input, indices, kernel_size, stride, padding, output_size, 2)


def max_unpool3d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """`max_unpool1d` for (N, C, D, H, W) or (C, D, H, W)."""
    return _unpool(input, indices, kernel_size, stride, padding, output_size, 3)
