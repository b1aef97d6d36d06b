"""Sets, counts, ranks and statistics, by sorting and indexing."""

from __future__ import annotations

import math

import corten_native as _native
from corten_native._native import _bincount, _searchsorted

from ._creation import tensor
from ._info import iinfo
from ._out import written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from corten_native import Tensor


def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """Return the distinct elements, or slices along `dim`, in ascending order, whether `sorted` asks for it or not.

    On request followed by the index of each element's value and by how often each occurs.
    """
    if dim is None:
        values, order = input.reshape(-1).sort(stable=True)
        parts = _runs(values, order, _changes(values, 0), return_inverse, return_counts, 0)
        if return_inverse:
            parts[1] = parts[1].reshape(input.shape)
    else:
        rows = input.movedim(dim, 0)
        order = _lexicographic(rows.reshape(rows.shape[0], math.prod(rows.shape[1:])))
        values = input.index_select(dim, order)
        parts = _runs(values, order, _changes(values, dim), return_inverse, return_counts, dim)
    return parts[0] if len(parts) == 1 else tuple(parts)


def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """Return the first of each run of equal elements, or slices along `dim`, in their order."""
    values = input.reshape(-1) if dim is None else input
    along = 0 if dim is None else dim
    if values.shape[along] and not values.numel():
        raise RuntimeError("There are 0 sized dimensions, and they aren't selected, so unique cannot be applied")
    order = _native.arange(values.shape[along] if return_inverse else 0, device=input.device)
    parts = _runs(values, order, _changes(values, along), return_inverse, return_counts, along)
    if return_inverse and dim is None:
        parts[1] = parts[1].reshape(input.shape)
    return parts[0] if len(parts) == 1 else tuple(parts)


def _lexicographic(rows: Tensor) -> Tensor:
    """Return the stable order of the rows by their first column, then the second, and so on."""
    order = _native.arange(rows.shape[0], device=rows.device)
    for column in reversed(range(rows.shape[1])):
        order = order[rows[:, column][order].sort(stable=True)[1]]
    return order


def _changes(values: Tensor, dim: int) -> Tensor:
    """Return for each slice along `dim` whether it starts a run of equal ones."""
    size = values.shape[dim]
    first = _native.ones([min(size, 1)], dtype=_native.bool, device=values.device)
    if size < 2:
        return first
    differs = values.narrow(dim, 1, size - 1).ne(values.narrow(dim, 0, size - 1))
    if values.dim() > 1:
        differs = differs.movedim(dim, 0).reshape(size - 1, -1).any(1)
    return _native.cat([first, differs])


def _runs(values: Tensor, order: Tensor, starts: Tensor, inverse: bool, counts: bool, dim: int) -> list[Tensor]:
    if values.dim() == 1:
        parts = [values.masked_select(starts)]
    else:
        parts = [values.index_select(dim, starts.nonzero().reshape(-1))]
    if inverse:
        group = starts.cumsum(0) - 1
        parts.append(_native.empty_like(group).scatter_(0, order, group))
    if counts:
        first = starts.nonzero().reshape(-1)
        ends = _native.cat([first, first.new_full([1], len(starts))]) if len(starts) else first.new_zeros([1])
        parts.append(ends[1:] - ends[:-1])
    return parts


def searchsorted(
    sorted_sequence: Tensor,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Return where to insert each value so that the last dimension of `sorted_sequence` stays in order.

    `right` (or `side="right"`) chooses the place behind equal elements. `sorter` sorts a sequence that is not sorted.
    """
    if side not in (None, "left", "right"):
        raise RuntimeError(f"searchsorted(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError(
            "searchsorted(): side and right can't be set to opposites, got side of left while right was True"
        )
    after = right or side == "right"
    if not hasattr(input, "dim"):
        # A number is not rounded to the integers that it is looked up in.
        dtype = _native.float64 if isinstance(input, float) else None
        dtype = sorted_sequence.dtype if sorted_sequence.is_floating_point() else dtype
        input = tensor(input, dtype=dtype, device=sorted_sequence.device)
    if sorter is not None:
        sorted_sequence = sorted_sequence.gather(-1, sorter)
    if sorted_sequence.dim() != 1 and sorted_sequence.shape[:-1] != input.shape[:-1]:
        raise RuntimeError(
            "searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor "
            f"and input value tensor must match, but we got boundaries tensor {list(sorted_sequence.shape)} and input "
            f"value tensor {list(input.shape)}"
        )
    dtype = _native.promote_types(sorted_sequence.dtype, input.dtype)
    found = _searchsorted(sorted_sequence.to(dtype), input.to(dtype), after)
    found = found.to(_native.int32) if out_int32 else found
    if out is not None and out.dtype != found.dtype:
        raise RuntimeError(
            f"searchsorted(): output tensor's dtype is wrong, it can only be Int(int32) or Long(int64) depending on "
            f"whether out_int32 flag is True, but we got output tensor's dtype {out.dtype} and out_int32 flag is "
            f"{out_int32}"
        )
    return written("searchsorted", found, out)


def bucketize(
    input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False, out: Tensor | None = None
) -> Tensor:
    """Return the index of the bucket, between sorted `boundaries`, that each value falls into."""
    if boundaries.dim() != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries.dim()})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right, out=out)


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """Count each value of a vector of non-negative integers, or add up the weights of each."""
    if input.dtype == _native.bool or input.is_floating_point() or input.is_complex():
        raise NotImplementedError(f'"bincount_cpu" not implemented for {input.dtype}')
    if input.dim() != 1 or (weights is not None and len(input) and bool((input < 0).any())):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if minlength < 0:
        raise RuntimeError(f"minlength should be >= 0, got {minlength}")
    if weights is None:
        return _bincount(input, minlength)
    if weights.shape != input.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    size = max(int(input.max()) + 1, minlength) if len(input) else minlength
    if weights.dtype != _native.float32:
        weights = weights.to(_native.float64)
    return weights.new_zeros([size]).index_add(0, input.to(_native.int64), weights)


def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """Count the elements in equal bins between `min` and `max`, by default the smallest and the largest element."""
    if bins <= 0:
        raise RuntimeError(f"torch.histc: bins must be > 0, but got {bins}")
    if max < min:
        raise RuntimeError(f"torch.histc: max must be larger than min, got min={min} and max={max}")
    if not (input.is_floating_point() or input.is_complex() or input.dtype == _native.bool):
        bounds = iinfo(input.dtype)
        if not bounds.min <= min <= max <= bounds.max:
            raise RuntimeError(f"value cannot be converted to type {input.dtype} without overflow")
    x = input.reshape(-1)
    if min == max and len(x):
        min, max = x.min().item(), x.max().item()
    if min == max:
        min, max = min - 1, max + 1
    x = x[(x >= min) & (x <= max)]
    place = ((x - min) / (max - min) * bins).floor().clamp(0, bins - 1).to(_native.int64)
    return input.new_zeros([bins]).index_add(0, place, _native.ones_like(x))


def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Tell for each element whether it is among the `test_elements`."""
    like = elements if hasattr(elements, "dim") else test_elements
    x, y = (v if hasattr(v, "dim") else tensor(v, device=like.device) for v in (elements, test_elements))
    dtype = _native.promote_types(x.dtype, y.dtype)
    x, y = x.to(dtype), y.to(dtype).reshape(-1)
    if dtype.is_complex or not len(y):
        found = x.unsqueeze(-1).eq(y).any(-1)
    else:
        y = y.sort()[0]
        found = y[_searchsorted(y, x, False).clamp_(max=len(y) - 1)].eq(x)
    return found.logical_not() if invert else found


def quantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """Return the q-quantiles along `dim`, or of all elements; lines with a NaN give NaN."""
    return _quantile(input, q, dim, keepdim, interpolation, False)


def nanquantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """Return the q-quantiles along `dim`, or of all elements, without the NaNs."""
    return _quantile(input, q, dim, keepdim, interpolation, True)


def _quantile(input: Tensor, q: Any, dim: int | None, keepdim: bool, interpolation: str, skip_nan: bool) -> Tensor:
    methods = ("linear", "lower", "higher", "midpoint", "nearest")
    if interpolation not in methods:
        raise RuntimeError(
            "quantile() interpolation must be one of linear, lower, higher, midpoint or nearest, "
            f"but got {interpolation}"
        )
    if input.numel() == 0:
        raise RuntimeError("quantile() input tensor must be non-empty")
    if not input.is_floating_point():
        raise RuntimeError("quantile() input tensor must be either float or double dtype")
    points = q if hasattr(q, "dim") else tensor(q, dtype=input.dtype, device=input.device)
    if points.dtype != input.dtype:
        raise RuntimeError(f"quantile() q tensor must be same dtype as the input tensor, got {points.dtype}")
    if bool(((points < 0) | (points > 1)).any()):
        raise RuntimeError(f"quantile() q values must be in the range [0, 1], got {q}")
    lines = input.reshape(-1) if dim is None else input.movedim(dim, -1)
    values = lines.sort(-1)[0]
    invalid = values.isnan()
    valid = invalid.logical_not().sum(-1, keepdim=True)
    last = (valid - 1).clamp(min=0) if skip_nan else _native.full_like(valid, lines.shape[-1] - 1)
    # PyTorch gives the whole line NaN where one is.
    rank = points.reshape(-1) * last.to(input.dtype)
    rank = rank if skip_nan else _native.where(invalid.any(-1, keepdim=True), last.to(input.dtype), rank)
    if interpolation == "nearest":
        rank = rank.round()
    elif interpolation == "lower":
        rank = rank.floor()
    elif interpolation == "higher":
        rank = rank.ceil()
    below = rank.floor()
    low = values.gather(-1, below.to(_native.int64))
    if interpolation in ("linear", "midpoint"):
        weight = _native.full_like(rank, 0.5) if interpolation == "midpoint" else rank - below
        high = values.gather(-1, rank.ceil().to(_native.int64))
        low = low.lerp(high, weight)
    result = low.movedim(-1, 0)
    if keepdim:
        kept = [1] * input.dim() if dim is None else [*input.shape]
        if dim is not None:
            kept[dim] = 1
        result = result.reshape([len(result), *kept])
    return result.squeeze(0) if points.dim() == 0 else result


def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    """Return the smallest of the most frequent values along `dim` and the last index where it stands."""
    if input.dim() == 0:
        return input.clone(), _native.zeros([], dtype=_native.int64, device=input.device)
    lines = input.movedim(dim, -1)
    same = lines.unsqueeze(-1).eq(lines.unsqueeze(-2))
    counts = same.sum(-1)
    frequent = counts.eq(counts.amax(-1, keepdim=True))
    ordered, order = lines.sort(dim=-1, stable=True)
    first = frequent.gather(-1, order).to(_native.int64).argmax(-1, keepdim=True)
    values = ordered.gather(-1, first)
    places = _native.arange(lines.shape[-1], device=input.device)
    index = _native.where(lines.eq(values), places, places * 0 - 1).amax(-1, keepdim=True)
    values, index = values.movedim(-1, dim), index.movedim(-1, dim)
    return (values, index) if keepdim else (values.squeeze(dim), index.squeeze(dim))


def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
) -> Tensor:
    """Return the covariance matrix of the rows; columns weigh by whole `fweights` and real `aweights`."""
    if input.dim() > 2:
        raise RuntimeError(f"cov(): expected input to have two or fewer dimensions but got an input with {input.dim()}")
    if input.dtype == _native.bool:
        raise RuntimeError("cov(): bool dtype is not supported for input")
    x = input.reshape(1, -1) if input.dim() < 2 else input
    if not (x.is_floating_point() or x.is_complex()):
        x = x.to(_native.get_default_dtype())
    weights = fweights
    if aweights is not None:
        weights = aweights if fweights is None else fweights * aweights
    if weights is None:
        total: Any = x.shape[1]
        centered = x - x.mean(1, keepdim=True)
        scaled = centered
    else:
        total = weights.sum()
        centered = x - (x * weights).sum(1, keepdim=True) / total
        scaled = centered * weights
    freedom = total - correction
    if weights is not None and aweights is not None and correction:
        freedom = total - correction * (weights * aweights).sum() / total
    freedom = freedom.clamp(min=0) if hasattr(freedom, "dim") else max(freedom, 0)
    result = scaled.mm(centered.conj().t()) / freedom
    return result.squeeze()


def corrcoef(input: Tensor) -> Tensor:
    """Return the correlation coefficients of the rows."""
    c = cov(input)
    if c.dim() == 0:
        return c / c
    deviation = c.diagonal().real.sqrt() if c.is_complex() else c.diagonal().sqrt()
    c = c / deviation.unsqueeze(-1) / deviation.unsqueeze(-2)
    return c if c.is_complex() else c.clamp(-1, 1)


def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1) -> Tensor:
    """Return the indices of the first `size` elements that are not zero, one a row, then rows of `fill_value`."""
    if size < 0:
        raise RuntimeError(f"nonzero_static: 'size' must be an non-negative integer, but got {size}")
    found = input.nonzero()[:size]
    return _native.cat([found, found.new_full([size - len(found), input.dim()], fill_value)])


def dim_order(input: Tensor, *, ambiguity_check: bool = False) -> tuple[int, ...]:
    """Return the dimensions by their strides, the outermost first.

    With `ambiguity_check` it is an error if dimensions of size 1 or of equal strides leave the order open.
    """
    strides = input.stride()
    if ambiguity_check and (1 in input.shape or len(set(strides)) < len(strides)):
        raise RuntimeError(
            "The tensor does not have unique dim order, or cannot map to exact one of the given formats."
        )
    order = list(reversed(range(input.dim())))
    for i in range(1, len(order)):
        # From place i outward past larger strides; a repeated dimension, of stride 0, is stepped over.
        place = i
        for at in reversed(range(i)):
            a, b = order[at], order[place]
            if not strides[a] or not strides[b]:
                continue
            if strides[a] > strides[b] or (strides[a] == strides[b] and input.shape[a] > input.shape[b]):
                order[at], order[place] = b, a
                place = at
            elif strides[a] < strides[b]:
                break
    return tuple(reversed(order))
