"""Pooling to a given size by windows at pseudo-random places (Graham, 2014)."""

from __future__ import annotations

from math import prod

from corten_nn._backend import Tensor, core
from corten_nn._sizes import per_dim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _starts(sample: Tensor, size: int, out: int, kernel: int) -> Tensor:
    """Where the `out` windows begin along one dimension, for each sample: (N, C) gives (N, C, out)."""
    if out == 1:
        return core.full((*sample.shape, 1), size - kernel, dtype=core.int64, device=sample.device)
    alpha = (size - kernel) / (out - 1)
    sample = sample.unsqueeze(-1)
    steps = core.arange(out - 1, dtype=sample.dtype, device=sample.device)
    starts = ((steps + sample) * alpha).to(core.int64) - (sample * alpha).to(core.int64)
    return core.cat([starts, core.full_like(starts[..., :1], size - kernel)], -1)


def _pool(
    input: Tensor, kernel_size: Any, output_size: Any, output_ratio: Any, samples: Tensor | None, dims: int
) -> tuple[Tensor, Tensor]:
    name = f"fractional_max_pool{dims}d"
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    if input.dim() not in (dims + 1, dims + 2) or 0 in input.shape[-dims - 1 :]:
        raise RuntimeError(
            f"{name}(): Expected {dims + 1}D or {dims + 2}D tensor with non-empty dimensions, but got {input.shape}"
        )
    sizes = tuple(input.shape[-dims:])
    if output_size is None:
        ratios = per_dim(output_ratio, dims)
        output_size = [int(size * ratio) for size, ratio in zip(sizes, ratios, strict=True)]
    outs, kernels = per_dim(output_size, dims), per_dim(kernel_size, dims)
    for size, out, kernel in zip(sizes, outs, kernels, strict=True):
        if kernel <= 0 or out <= 0 or out + kernel - 1 > size:
            raise RuntimeError(
                f"{name}(): windows of {kernels} and an output of {outs} do not fit into an input of {sizes}"
            )
    batched = input.dim() == dims + 2
    x = input if batched else input.unsqueeze(0)
    n, channels = x.shape[:2]
    if samples is None:
        samples = core.rand(n, channels, dims, dtype=input.dtype, device=input.device)
    if tuple(samples.shape) != (n, channels, dims):
        raise RuntimeError(
            f"{name}(): Expected _random_samples of size {(n, channels, dims)}, but got {tuple(samples.shape)}"
        )
    # A picture takes its first sample for the columns, a volume for the first dimension.
    order = range(dims) if dims == 3 else (1, 0)
    flat = core.zeros((n, channels, *[1] * (2 * dims)), dtype=core.int64, device=input.device)
    for i, column in enumerate(order):
        starts = _starts(samples[..., column], sizes[i], outs[i], kernels[i])
        places = starts.unsqueeze(-1) + core.arange(kernels[i], device=input.device)
        shape = [1] * (2 * dims)
        shape[i], shape[dims + i] = outs[i], kernels[i]
        flat = flat * sizes[i] + places.view(n, channels, *shape)
    flat = flat.view(n, channels, prod(outs), prod(kernels))
    windows = x.flatten(2).gather(2, flat.flatten(2)).view(flat.shape)
    values, best = windows.max(-1)
    indices = flat.gather(-1, best.unsqueeze(-1)).squeeze(-1)
    values, indices = values.unflatten(2, outs), indices.unflatten(2, outs)
    return (values, indices) if batched else (values.squeeze(0), indices.squeeze(0))


def fractional_max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the maxima of windows of `kernel_size` at random places, and their indices in each flattened channel.

    The output has `output_size`, or `output_ratio` times the input's size, of (N, C, H, W) or (C, H, W).
    `return_indices` is not looked at.
    """
    return _pool(input, kernel_size, output_size, output_ratio, _random_samples, 2)


def fractional_max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """The same for (N, C, T, H, W) or (C, T, H, W)."""
    return _pool(input, kernel_size, output_size, output_ratio, _random_samples, 3)


def fractional_max_pool2d(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """Return the maxima of windows of `kernel_size` at random places; with `return_indices` their indices too."""
    values, indices = _pool(input, kernel_size, output_size, output_ratio, _random_samples, 2)
    return (values, indices) if return_indices else values


def fractional_max_pool3d(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """The same for (N, C, T, H, W) or (C, T, H, W)."""
    values, indices = _pool(input, kernel_size, output_size, output_ratio, _random_samples, 3)
    return (values, indices) if return_indices else values
