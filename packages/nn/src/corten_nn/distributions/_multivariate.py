"""Transforms to probabilities and to matrices."""

from __future__ import annotations

import math

from corten_nn import functional as F
from corten_nn._backend import Tensor, core

from . import constraints
from ._transform import Plain, Transform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


class SoftmaxTransform(Plain):
    """Softmax over the last dimension; the inverse gives logarithms."""

    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x: Tensor) -> Tensor:
        weights = (x - x.max(-1, True)[0]).exp()
        return weights / weights.sum(-1, True)

    def _inverse(self, y: Tensor) -> Tensor:
        return y.log()


class StickBreakingTransform(Plain):
    """Vectors of length K to probabilities of K + 1 categories: each number breaks off a share of what is left."""

    domain = constraints.real_vector
    codomain = constraints.simplex
    bijective = True

    @staticmethod
    def _offset(like: Tensor, length: int) -> Tensor:
        """log(K), ..., log(1): with it, equal shares come from zeros."""
        return (length + 1 - like.new_ones(length).cumsum(-1)).log()

    def _call(self, x: Tensor) -> Tensor:
        z = core.sigmoid(x - self._offset(x, x.shape[-1]))
        left = (1 - z).cumprod(-1)
        return F.pad(z, [0, 1], value=1) * F.pad(left, [1, 0], value=1)

    def _inverse(self, y: Tensor) -> Tensor:
        cropped = y[..., :-1]
        left = core.clamp(1 - cropped.cumsum(-1), min=core.finfo(y.dtype).tiny)
        return cropped.log() - left.log() + self._offset(y, cropped.shape[-1])

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        x = x - self._offset(x, x.shape[-1])
        return (-x + F.logsigmoid(x) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape: Sequence[int]) -> Any:
        return core.Size((*shape[:-1], shape[-1] + 1))

    def inverse_shape(self, shape: Sequence[int]) -> Any:
        return core.Size((*shape[:-1], shape[-1] - 1))


class LowerCholeskyTransform(Plain):
    """Square matrices to lower triangular ones with a positive diagonal, the exponential of what stood there."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def _call(self, x: Tensor) -> Tensor:
        return x.tril(-1) + x.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def _inverse(self, y: Tensor) -> Tensor:
        return y.tril(-1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()


class PositiveDefiniteTransform(Plain):
    """Square matrices to positive definite ones, by way of a Cholesky factor."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite

    def _call(self, x: Tensor) -> Tensor:
        factor = LowerCholeskyTransform()(x)
        return factor @ factor.mT

    def _inverse(self, y: Tensor) -> Tensor:
        return LowerCholeskyTransform().inv(core.linalg.cholesky(y))


class CorrCholeskyTransform(Transform):
    """Vectors of length D (D - 1) / 2 to Cholesky factors of D × D correlations, row by row by breaking sticks."""

    domain = constraints.real_vector
    codomain = constraints.corr_cholesky
    bijective = True

    @staticmethod
    def _filled(x: Tensor) -> Tensor:
        """The numbers row by row below the diagonal."""
        n = round((1 + math.sqrt(1 + 8 * x.shape[-1])) / 2)
        if n * (n - 1) // 2 != x.shape[-1]:
            raise ValueError(f"The size of last dimension is {x.shape[-1]} which cannot be that of a lower triangle")
        rows, columns = core.tril_indices(n, n, -1, device=x.device)
        matrix = x.new_zeros((*x.shape[:-1], n, n))
        matrix[..., rows, columns] = x
        return matrix

    def _call(self, x: Tensor) -> Tensor:
        x = core.tanh(x)
        eps = core.finfo(x.dtype).eps
        r = self._filled(x.clamp(min=-1 + eps, max=1 - eps))
        left = (1 - r**2).sqrt().cumprod(-1)
        r = r + core.eye(r.shape[-1], dtype=r.dtype, device=r.device)
        return r * F.pad(left[..., :-1], [1, 0], value=1)

    def _inverse(self, y: Tensor) -> Tensor:
        left = F.pad((1 - core.cumsum(y * y, dim=-1))[..., :-1], [1, 0], value=1)
        rows, columns = core.tril_indices(y.shape[-1], y.shape[-1], -1, device=y.device)
        t = y[..., rows, columns] / left[..., rows, columns].sqrt()
        return (t.log1p() - t.neg().log1p()) / 2

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        left = (1 - (y * y).cumsum(dim=-1))[..., :-1]
        rows, columns = core.tril_indices(y.shape[-1], y.shape[-1], -2, device=y.device)
        sticks = 0.5 * left[..., rows, columns].log().sum(-1)
        squashing = -2 * (x + F.softplus(-2 * x) - math.log(2.0)).sum(dim=-1)
        return sticks + squashing

    def forward_shape(self, shape: Sequence[int]) -> Any:
        n = round((1 + math.sqrt(1 + 8 * shape[-1])) / 2)
        return core.Size((*shape[:-1], n, n))

    def inverse_shape(self, shape: Sequence[int]) -> Any:
        if len(shape) < 2 or shape[-1] != shape[-2]:
            raise ValueError("Input is not square")
        return core.Size((*shape[:-2], shape[-1] * (shape[-1] - 1) // 2))
