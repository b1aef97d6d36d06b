"""Products of vectors and matrices."""

from __future__ import annotations

from corten_tensor_core._array.special import gelu

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def _plus(xp: Any, x: Any, product: Any, beta: Any, alpha: Any) -> Any:
    """Return `beta * x + alpha * product`; a `beta` of zero ignores `x`, even its NaNs."""
    product = product if alpha == 1 else (product * alpha).astype(product.dtype)
    if beta == 0:
        return product
    return product + (x if beta == 1 else (x * beta).astype(x.dtype))


def matmul(xp: Any, x: Any, y: Any) -> Any:
    return xp.matmul(x, y)


def linear(xp: Any, x: Any, weight: Any, bias: Any = None) -> Any:
    result = xp.matmul(x, weight.T)
    return result if bias is None else result + bias


def addmm_activation(xp: Any, x: Any, y: Any, z: Any, beta: Any = 1, alpha: Any = 1, use_gelu: bool = False) -> Any:
    product = _plus(xp, x, xp.matmul(y, z), beta, alpha)
    return gelu(xp, product) if use_gelu else xp.maximum(product, 0)


def bilinear(xp: Any, x: Any, y: Any, weight: Any, bias: Any = None) -> Any:
    result = xp.einsum("...i,oij,...j->...o", x, weight, y)
    return result if bias is None else result + bias


def vecdot(xp: Any, x: Any, y: Any, dim: int = -1) -> Any:
    return xp.sum(xp.conjugate(x) * y, axis=dim)


def cdist(xp: Any, x: Any, y: Any) -> Any:
    return xp.linalg.norm(x[..., :, None, :] - y[..., None, :, :], axis=-1)


ROWS: dict[str, Callable[..., Any]] = {
    "_cdist": cdist,
    "_addmm_activation": addmm_activation,
    "addbmm": lambda xp, x, y, z, beta=1, alpha=1: _plus(xp, x, xp.matmul(y, z).sum(0, dtype=y.dtype), beta, alpha),
    "addmm": lambda xp, x, y, z, beta=1, alpha=1: _plus(xp, x, xp.matmul(y, z), beta, alpha),
    "addmv": lambda xp, x, y, z, beta=1, alpha=1: _plus(xp, x, xp.matmul(y, z), beta, alpha),
    "addr": lambda xp, x, y, z, beta=1, alpha=1: _plus(xp, x, xp.outer(y, z), beta, alpha),
    "baddbmm": lambda xp, x, y, z, beta=1, alpha=1: _plus(xp, x, xp.matmul(y, z), beta, alpha),
    "bilinear": bilinear,
    "bmm": matmul,
    "dot": matmul,
    "linalg_vecdot": vecdot,
    "linear": linear,
    "matmul": matmul,
    "mm": matmul,
    "mv": matmul,
    "outer": lambda xp, x, y: xp.outer(x, y),
    "vdot": vecdot,
}
