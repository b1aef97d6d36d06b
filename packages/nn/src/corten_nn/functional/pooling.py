"""Pooling over windows of one to three spatial dimensions."""

from __future__ import annotations

from corten_nn._backend import Tensor, core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


def _or_kernel(stride: Any) -> Any:
    """Return the strides as rows take them: none given means the kernel's sizes."""
    return () if stride is None else stride


def max_pool1d_with_indices(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window, and its position."""
    return tuple(core.max_pool1d_with_indices(input, kernel_size, _or_kernel(stride), padding, dilation, ceil_mode))


def max_pool1d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window of (N, C, L) or (C, L); `stride` is the window's size by default."""
    if return_indices:
        return max_pool1d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)
    return core.max_pool1d(input, kernel_size, _or_kernel(stride), padding, dilation, ceil_mode)


def max_pool2d_with_indices(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window, and its position in the flattened plane."""
    return tuple(core.max_pool2d_with_indices(input, kernel_size, _or_kernel(stride), padding, dilation, ceil_mode))


def max_pool2d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window of (N, C, H, W) or (C, H, W)."""
    if return_indices:
        return max_pool2d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)
    return core.max_pool2d(input, kernel_size, _or_kernel(stride), padding, dilation, ceil_mode)


def max_pool3d_with_indices(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window, and its position in the flattened volume."""
    return tuple(core.max_pool3d_with_indices(input, kernel_size, _or_kernel(stride), padding, dilation, ceil_mode))


def max_pool3d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window of (N, C, D, H, W) or (C, D, H, W)."""
    if return_indices:
        return max_pool3d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)
    return core.max_pool3d(input, kernel_size, _or_kernel(stride), padding, dilation, ceil_mode)


def _adaptive_size(output_size: Any, input: Tensor, dims: int) -> Any:
    """Replace None by the input's size."""
    if isinstance(output_size, int):
        return output_size if dims == 1 else (output_size,) * dims
    if len(output_size) != dims:
        raise ValueError(f"output_size should have {dims} elements, but got {tuple(output_size)}")
    if input.dim() <= dims:
        raise ValueError(f"Input dimension should be at least {dims + 1}")
    sizes = input.shape[-dims:]
    return tuple(given if wanted is None else wanted for wanted, given in zip(output_size, sizes, strict=True))


def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The maxima of windows that divide (N, C, L) or (C, L) into `output_size` parts."""
    result = core.adaptive_max_pool1d(input, _adaptive_size(output_size, input, 1))
    return tuple(result) if return_indices else result[0]


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The maxima of windows that divide (N, C, H, W) or (C, H, W) into `output_size` parts; None keeps a size."""
    result = core.adaptive_max_pool2d(input, _adaptive_size(output_size, input, 2))
    return tuple(result) if return_indices else result[0]


def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The maxima of windows that divide (N, C, D, H, W) or (C, D, H, W) into `output_size` parts."""
    result = core.adaptive_max_pool3d(input, _adaptive_size(output_size, input, 3))
    return tuple(result) if return_indices else result[0]


def adaptive_max_pool1d_with_indices(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """`adaptive_max_pool1d` and the positions."""
    return adaptive_max_pool1d(input, output_size, True)


def adaptive_max_pool2d_with_indices(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """`adaptive_max_pool2d` and the positions."""
    return adaptive_max_pool2d(input, output_size, True)


def adaptive_max_pool3d_with_indices(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """`adaptive_max_pool3d` and the positions."""
    return adaptive_max_pool3d(input, output_size, True)


def _adaptive_avg_pool(row: Any, input: Tensor, size: Any, dims: int) -> Tensor:
    if not input.is_floating_point() and input.dim() > dims and size in (1, (1,) * dims):
        return input.mean([-d for d in range(1, dims + 1)], keepdim=True)  # with PyTorch's dtypes: complex, no integers
    return row(input, size)


def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """The means of windows that divide (N, C, L) or (C, L) into `output_size` parts."""
    return _adaptive_avg_pool(core.adaptive_avg_pool1d, input, _adaptive_size(output_size, input, 1), 1)


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """The means of windows that divide (N, C, H, W) or (C, H, W) into `output_size` parts; None keeps a size."""
    return _adaptive_avg_pool(core.adaptive_avg_pool2d, input, _adaptive_size(output_size, input, 2), 2)


def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """The means of windows that divide (N, C, D, H, W) or (C, D, H, W) into `output_size` parts."""
    return _adaptive_avg_pool(core.adaptive_avg_pool3d, input, _adaptive_size(output_size, input, 3), 3)
