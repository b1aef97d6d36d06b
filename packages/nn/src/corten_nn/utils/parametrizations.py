"""Ready-made parametrizations: weight norm, spectral norm, orthogonal matrices."""

from __future__ import annotations

from corten_nn import functional as F
from corten_nn._backend import Tensor, autograd, core
from corten_nn._module import Module
from corten_nn.modules.conv_transpose import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from corten_nn.utils.parametrize import register_parametrization
from corten_nn.utils.weight_norm import norm_except_dim, normed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


class _WeightNorm(Module):
    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return normed(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norm_except_dim(weight, self.dim), weight


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """Parametrize `name` by its lengths along `dim` (None: of all) and its direction (Salimans and Kingma, 2016)."""
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def rename(state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
        """Load what the deprecated `utils.weight_norm` saved."""
        old = [f"{prefix}{name}_g", f"{prefix}{name}_v"]
        if all(key in state_dict for key in old):
            for i, key in enumerate(old):
                state_dict[f"{prefix}parametrizations.{name}.original{i}"] = state_dict.pop(key)

    module._register_load_state_dict_pre_hook(rename)
    return module


class _SpectralNorm(Module):
    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        dims = weight.dim()
        if dim >= dims or dim < -dims:
            raise IndexError(f"Dimension out of range (expected to be in range of [-{dims}, {dims - 1}] but got {dim})")
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.dim = dim if dim >= 0 else dim + dims
        self.eps = eps
        if dims > 1:
            self.n_power_iterations = n_power_iterations
            matrix = self._matrix(weight.detach())
            for buffer, size in zip(("_u", "_v"), matrix.shape, strict=True):
                start = core.empty(size, dtype=weight.dtype, device=weight.device).normal_(0, 1)
                self.register_buffer(buffer, F.normalize(start, dim=0, eps=eps))
            self._power_method(matrix, 15)

    def _matrix(self, weight: Tensor) -> Tensor:
        return weight.movedim(self.dim, 0).flatten(1)

    def _power_method(self, matrix: Tensor, iterations: int) -> None:
        with autograd.no_grad():
            for _ in range(iterations):
                self._u.copy_(F.normalize(core.mv(matrix, self._v), dim=0, eps=self.eps))
                self._v.copy_(F.normalize(core.mv(matrix.mH, self._u), dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        if weight.dim() == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = self._matrix(weight)
        if self.training:
            self._power_method(matrix, self.n_power_iterations)
        # Copies, as backward needs them after the next iteration too.
        return weight / core.vdot(self._u.clone(), core.mv(matrix, self._v.clone()))

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def _tensor(module: Any, name: str) -> Tensor:
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    return weight


def spectral_norm(
    module: Any, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Any:
    """Divide `name`, as a matrix with the rows `dim`, by its largest singular value (Miyato et al., 2018).

    That is followed by `n_power_iterations` of the power method per use in training. `dim` is 1 for transposed
    convolutions by default, else 0.
    """
    weight = _tensor(module, name)
    if dim is None:
        dim = int(isinstance(module, (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)))
    return register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))


def _householder_product(A: Tensor, tau: Tensor) -> Tensor:
    """The first columns of the product of the reflections 1 - τ v vᵀ, v the columns of A below a diagonal of ones."""
    n, k = A.shape[-2:]
    eye = core.eye(n, k, dtype=A.dtype, device=A.device)
    V = A.tril(-1) + eye
    Q = eye.expand(A.shape)
    for i in reversed(range(k)):
        v = V[..., i : i + 1]
        Q = Q - tau[..., i, None, None] * v @ (v.mT @ Q)
    return Q


class _Orthogonal(Module):
    base: Tensor | None

    def __init__(self, weight: Tensor, orthogonal_map: str) -> None:
        super().__init__()
        if weight.is_complex() and orthogonal_map == "householder":
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        self.register_buffer("base", None)

    def forward(self, X: Tensor) -> Tensor:
        n, k = X.size(-2), X.size(-1)
        transposed = n < k
        if transposed:
            X, n, k = X.mT, k, n
        if self.orthogonal_map == "householder":
            A = X.tril(-1)
            tau = 2.0 / (1.0 + (A * A).sum(-2))
            Q = _householder_product(A, tau) * X.diagonal(dim1=-2, dim2=-1).to(core.int32).unsqueeze(-2)
        else:
            X = X.tril()
            if n != k:
                X = core.cat([X, X.new_zeros(*X.shape[:-1], n - k)], -1)
            A = X - X.mH
            if self.orthogonal_map == "matrix_exp":
                Q = core.matrix_exp(A)
            else:
                eye = core.eye(n, dtype=A.dtype, device=A.device)
                Q = core.linalg.solve(eye - 0.5 * A, eye + 0.5 * A)
            Q = Q[..., :k]
        if self.base is not None:
            Q = self.base @ Q
        return Q.mT if transposed else Q

    def right_inverse(self, Q: Tensor) -> Tensor:
        if Q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {Q.shape}."
            )
        minus_one = core.diag_embed(-core.ones_like(Q.diagonal(dim1=-2, dim2=-1)))
        minus_one = F.pad(minus_one, (0, Q.size(-1) - minus_one.size(-1), 0, Q.size(-2) - minus_one.size(-2)))
        with autograd.no_grad():
            tall = Q.mT if Q.size(-2) < Q.size(-1) else Q
            n, k = tall.size(-2), tall.size(-1)
            if n == k:
                self.base = tall.clone() if _is_orthogonal(tall) else _made_orthogonal(tall)
            else:
                # Random columns complete the basis.
                noise = core.randn(*tall.shape[:-2], n, n - k, dtype=Q.dtype, device=Q.device)
                self.base = _made_orthogonal(core.cat([tall, noise], -1))
        return minus_one


def _is_orthogonal(Q: Tensor) -> bool:
    n, k = Q.size(-2), Q.size(-1)
    eye = core.eye(k, dtype=Q.dtype, device=Q.device)
    return bool(core.allclose(Q.mH @ Q, eye.expand(*Q.shape[:-2], k, k), atol=10.0 * n * core.finfo(Q.dtype).eps))


def _made_orthogonal(A: Tensor) -> Tensor:
    """Q of the QR decomposition whose R has a positive diagonal."""
    Q, R = core.linalg.qr(A)
    return Q * R.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)


def orthogonal(
    module: Any, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> Any:
    """Keep the matrix `name` orthogonal: its columns, or the rows of a wide one, are orthonormal (Lezcano, 2019).

    `orthogonal_map` is "matrix_exp" (the default for square and complex matrices), "cayley" or "householder" (the
    default for others), each around the first value. Only `use_trivialization=True` is supported.
    """
    weight = _tensor(module, name)
    if weight.dim() < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.dim()} dimensions.")
    if not use_trivialization:
        raise NotImplementedError("use_trivialization=False is not supported")
    if orthogonal_map is None:
        square = weight.size(-2) == weight.size(-1)
        orthogonal_map = "matrix_exp" if square or weight.is_complex() else "householder"
    if orthogonal_map not in ("matrix_exp", "cayley", "householder"):
        raise ValueError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}'
        )
    return register_parametrization(module, name, _Orthogonal(weight, orthogonal_map), unsafe=True)
