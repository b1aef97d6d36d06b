"""Normalisation, softmax, losses, embedding, dropout, with the gradients that are rows of their own."""

from __future__ import annotations

import math

from .base import dtype_of, widened
from .indexing import add_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def softmax(xp: Any, x: Any, dim: int, dtype: str | None = None) -> Any:
    x = x if dtype is None else x.astype(dtype_of(xp, dtype))
    if x.ndim == 0 or x.size == 0:
        return xp.ones_like(x)
    e = xp.exp(x - x.max(dim, keepdims=True))
    return e / e.sum(dim, keepdims=True)


def log_softmax(xp: Any, x: Any, dim: int, dtype: str | None = None) -> Any:
    x = x if dtype is None else x.astype(dtype_of(xp, dtype))
    if x.ndim == 0 or x.size == 0:
        return xp.zeros_like(x)
    away = x - x.max(dim, keepdims=True)
    return away - xp.log(xp.exp(away).sum(dim, keepdims=True))


def softmax_backward(xp: Any, grad: Any, out: Any, dim: int) -> Any:
    return out * (grad - _line_sum(grad * out, dim))


def log_softmax_backward(xp: Any, grad: Any, out: Any, dim: int) -> Any:
    return grad - xp.exp(out) * _line_sum(grad, dim)


def _line_sum(x: Any, dim: int) -> Any:
    return x.sum(dim, keepdims=True) if x.ndim else x


def _channels(x: Any, vector: Any) -> Any:
    """Shape a vector over the channels, dimension 1, so that it broadcasts."""
    return vector.reshape(1, -1, *(1,) * (x.ndim - 2))


def _scaled(x: Any, weight: Any, bias: Any) -> Any:
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


def batch_norm(
    xp: Any,
    x: Any,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    training: bool,
    momentum: float,
    eps: float,
) -> Any:
    """Return the result, the mean and the reciprocal deviation used; training updates the running arrays in place."""
    if not training:
        rstd = 1 / xp.sqrt(running_var + xp.asarray(eps, dtype=running_var.dtype))
        return widened(_normalized)(xp, x, running_mean, rstd, weight, bias), running_mean, rstd
    mean, var = widened(_channel_moments)(xp, x)
    if running_mean is not None:
        count = x.size // max(x.shape[1], 1)
        running_mean[...] = (1 - momentum) * running_mean + momentum * mean
        running_var[...] = (1 - momentum) * running_var + momentum * (var * count / (count - 1))
    rstd = 1 / xp.sqrt(var + eps)
    return widened(_normalized)(xp, x, mean, rstd, weight, bias), mean, rstd


def _channel_moments(xp: Any, x: Any) -> Any:
    dims = tuple(d for d in range(x.ndim) if d != 1)
    mean = x.mean(dims)
    return mean, ((x - _channels(x, mean)) ** 2).mean(dims)


def _normalized(xp: Any, x: Any, mean: Any, rstd: Any, weight: Any, bias: Any) -> Any:
    normal = (x - _channels(x, mean)) * _channels(x, rstd)
    return _scaled(normal, *(None if v is None else _channels(x, v) for v in (weight, bias)))


def batch_norm_backward(xp: Any, grad: Any, x: Any, weight: Any, mean: Any, rstd: Any, training: bool) -> Any:
    """Return the gradients with respect to input, weight and bias, given the mean and deviation of the forward."""
    dims = tuple(d for d in range(x.ndim) if d != 1)
    normal = (x - _channels(x, mean)) * _channels(x, rstd)
    grad_bias = grad.sum(dims)
    grad_weight = (grad * normal).sum(dims)
    scale = _channels(x, rstd if weight is None else weight * rstd)
    if not training:
        return grad * scale, grad_weight, grad_bias
    count = x.size // max(x.shape[1], 1)
    centered = grad - _channels(x, grad_bias) / count - normal * _channels(x, grad_weight) / count
    return scale * centered, grad_weight, grad_bias


def layer_norm(xp: Any, x: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Return the result, the mean and the reciprocal deviation, both with the normalised dimensions kept as 1."""
    dims = tuple(range(-len(normalized_shape), 0))
    mean = x.mean(dims, keepdims=True)
    rstd = 1 / xp.sqrt(((x - mean) ** 2).mean(dims, keepdims=True) + eps)
    return _scaled((x - mean) * rstd, weight, bias), mean, rstd


def layer_norm_backward(xp: Any, grad: Any, x: Any, normalized_shape: Any, weight: Any, mean: Any, rstd: Any) -> Any:
    """Return the gradients with respect to input, weight and bias."""
    n = len(normalized_shape)
    inner, outer = tuple(range(-n, 0)), tuple(range(x.ndim - n))
    normal = (x - mean) * rstd
    up = grad if weight is None else grad * weight
    centered = up - up.mean(inner, keepdims=True) - normal * (up * normal).mean(inner, keepdims=True)
    return rstd * centered, (grad * normal).sum(outer), grad.sum(outer)


def group_norm(xp: Any, x: Any, groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Return the result, and the mean and reciprocal deviation of shape `(N, groups)`."""
    each = x.reshape(x.shape[0], groups, -1)
    mean = each.mean(2, keepdims=True)
    rstd = 1 / xp.sqrt(((each - mean) ** 2).mean(2, keepdims=True) + eps)
    normal = ((each - mean) * rstd).reshape(x.shape)
    parts = (None if v is None else _channels(x, v) for v in (weight, bias))
    return _scaled(normal, *parts), mean[..., 0], rstd[..., 0]


def _class_weights(xp: Any, x: Any, target: Any, weight: Any, ignore_index: int) -> tuple[Any, Any]:
    """Return the target with ignored places moved to class 0, and the weight of each place."""
    kept = target != ignore_index
    safe = xp.where(kept, target, 0)
    each = xp.ones(target.shape, dtype=x.dtype) if weight is None else weight[safe]
    return safe, xp.where(kept, each, xp.zeros_like(each))


def nll_loss(
    xp: Any, x: Any, target: Any, weight: Any = None, reduction: str = "mean", ignore_index: int = -100
) -> Any:
    """Return the loss and the total weight; classes are dimension 1, or 0 of a vector."""
    dim = 0 if x.ndim == 1 else 1
    safe, each = _class_weights(xp, x, target, weight, ignore_index)
    loss = -xp.squeeze(xp.take_along_axis(x, xp.expand_dims(safe, dim), axis=dim), dim) * each
    total = each.sum(dtype=x.dtype)
    if reduction == "none":
        return loss, total
    loss = loss.sum()
    return loss / total if reduction == "mean" else loss, total


def nll_loss_backward(
    xp: Any, grad: Any, x: Any, target: Any, weight: Any, reduction: str, ignore_index: int, total_weight: Any
) -> Any:
    """Return the gradient with respect to the log-probabilities `x`."""
    dim = 0 if x.ndim == 1 else 1
    safe, each = _class_weights(xp, x, target, weight, ignore_index)
    grad = grad / total_weight if reduction == "mean" else grad
    result = xp.zeros_like(x)
    xp.put_along_axis(result, xp.expand_dims(safe, dim), xp.expand_dims(-grad * each, dim).astype(x.dtype), axis=dim)
    return result


def embedding(xp: Any, indices: Any, weight: Any, padding_idx: int | None = None) -> Any:
    return weight[indices]


def embedding_backward(
    xp: Any,
    grad: Any,
    indices: Any,
    num_weights: int,
    padding_idx: int | None = None,
    scale_grad_by_freq: bool = False,
) -> Any:
    """Add up the gradients of each row that was looked up; the row `padding_idx` stays zero."""
    flat = indices.reshape(-1)
    rows = grad.reshape(len(flat), math.prod(grad.shape[indices.ndim :]))
    if scale_grad_by_freq and flat.size:
        rows = rows / xp.bincount(flat, minlength=num_weights)[flat][:, None].astype(grad.dtype)
    if padding_idx is not None:
        rows = xp.where((flat == padding_idx)[:, None], xp.zeros_like(rows), rows)
    result = xp.zeros((num_weights, rows.shape[1]), dtype=grad.dtype)
    add_at(xp, result, flat, rows)
    return result.reshape(num_weights, *grad.shape[indices.ndim :])


def dropout(xp: Any, x: Any, p: float, seed: int) -> Any:
    """Return the input with elements dropped, the rest scaled up, and the mask of those kept."""
    kept = xp.random.default_rng(seed).random(x.shape) >= p
    return x * kept * (1 / (1 - p) if p < 1 else 0.0), kept


def threshold_backward(xp: Any, grad: Any, x: Any, threshold: float) -> Any:
    return xp.where(x <= threshold, xp.zeros_like(grad), grad)


def gelu_backward(xp: Any, grad: Any, x: Any, approximate: str = "none") -> Any:
    from .special import erf

    if approximate == "tanh":
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
        t = xp.tanh(inner)
        slope = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x * x)
        return grad * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * slope)
    density = xp.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    return grad * (0.5 * (1 + erf(xp, x * math.sqrt(0.5))) + x * density)


# It writes to its arguments, which a widened copy would lose.
UNWIDENED: dict[str, Callable[..., Any]] = {"batch_norm": batch_norm}

ROWS: dict[str, Callable[..., Any]] = {
    "batch_norm_backward": batch_norm_backward,
    "dropout": dropout,
    "embedding": embedding,
    "embedding_backward": embedding_backward,
    "gelu_backward": gelu_backward,
    "group_norm": group_norm,
    "layer_norm": layer_norm,
    "layer_norm_backward": layer_norm_backward,
    "log_softmax": log_softmax,
    "log_softmax_backward": log_softmax_backward,
    "nll_loss": nll_loss,
    "nll_loss_backward": nll_loss_backward,
    "softmax": softmax,
    "softmax_backward": softmax_backward,
    "threshold_backward": threshold_backward,
}
