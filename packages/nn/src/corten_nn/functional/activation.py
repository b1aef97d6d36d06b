"""Activation functions, by element or along a dimension."""

from __future__ import annotations

from corten_nn._backend import Tensor, core
from corten_nn._warnings import warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(0, x)."""
    return core.relu_(input) if inplace else core.relu(input)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(0, x), 6)."""
    return core.relu6_(input) if inplace else core.relu6(input)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where x > `threshold`, else `value`."""
    return core.threshold_(input, threshold, value) if inplace else core.threshold(input, threshold, value)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """x limited to [`min_val`, `max_val`]."""
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    return core.hardtanh_(input, min_val, max_val) if inplace else core.hardtanh(input, min_val, max_val)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x · relu6(x + 3) / 6 (Howard et al., 2019)."""
    return core.hardswish_(input) if inplace else core.hardswish(input)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """relu6(x + 3) / 6."""
    return core.hardsigmoid_(input) if inplace else core.hardsigmoid(input)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """max(0, x) + min(0, α (eˣ - 1)) (Clevert et al., 2015)."""
    return core.elu_(input, alpha) if inplace else core.elu(input, alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """scale · elu(x, α) with the constants that keep mean and variance (Klambauer et al., 2017)."""
    return core.selu_(input) if inplace else core.selu(input)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """max(0, x) + min(0, α (e^(x/α) - 1)) (Barron, 2017)."""
    return core.celu_(input, alpha) if inplace else core.celu(input, alpha)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """max(0, x) + `negative_slope` · min(0, x)."""
    return core.leaky_relu_(input, negative_slope) if inplace else core.leaky_relu(input, negative_slope)


def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """A leaky_relu whose slope is drawn from U(`lower`, `upper`) per element, or its mean outside training."""
    row = core.rrelu_ if inplace else core.rrelu
    return row(input, lower, upper, training)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x · σ(x), also known as swish."""
    return core.silu_(input) if inplace else core.silu(input)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x · tanh(softplus(x)) (Misra, 2019)."""
    return core.mish_(input) if inplace else core.mish(input)


def logsigmoid(input: Tensor) -> Tensor:
    """log(1 / (1 + e⁻ˣ))."""
    return core.log_sigmoid(input)


def tanhshrink(input: Tensor) -> Tensor:
    """x - tanh(x)."""
    return input - input.tanh()


def softsign(input: Tensor) -> Tensor:
    """x / (1 + |x|)."""
    return input / (input.abs() + 1)


def tanh(input: Tensor) -> Tensor:
    """Hyperbolic tangent."""
    return input.tanh()


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + e⁻ˣ)."""
    return input.sigmoid()


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a · σ(b), where a and b are the halves of the input along `dim` (Dauphin et al., 2016)."""
    if input.dim() == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    return core.glu(input, dim)


def _implicit_dim(name: str, ndim: int, stacklevel: int) -> int:
    warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        stacklevel=stacklevel + 1,
    )
    return 0 if ndim in (0, 1, 3) else 1


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """eˣ / Σ eˣ along `dim`, computed in `dtype` if one is given."""
    if dim is None:
        dim = _implicit_dim("softmax", input.dim(), _stacklevel)
    return input.softmax(dim) if dtype is None else input.softmax(dim, dtype=dtype)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """The softmax of -x."""
    if dim is None:
        dim = _implicit_dim("softmin", input.dim(), _stacklevel)
    return (-input).softmax(dim) if dtype is None else (-input).softmax(dim, dtype=dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """log(softmax(x)) along `dim`, without overflow."""
    if dim is None:
        dim = _implicit_dim("log_softmax", input.dim(), _stacklevel)
    return input.log_softmax(dim) if dtype is None else input.log_softmax(dim, dtype=dtype)


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """Draw from the Gumbel-softmax distribution (Jang et al., 2016).

    With `hard`, one-hot draws whose gradient is that of the soft ones.
    """
    if eps != 1e-10:
        warn("`eps` parameter is deprecated and has no effect.")
    gumbels = -core.empty_like(logits, memory_format=core.contiguous_format).exponential_().log()
    soft = ((logits + gumbels) / tau).softmax(dim)
    if not hard:
        return soft
    index = soft.max(dim, keepdim=True)[1]
    one_hot = core.zeros_like(logits).scatter_(dim, index, 1.0)
    return one_hot - soft.detach() + soft
