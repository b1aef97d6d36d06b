"""Batch normalisation."""

from __future__ import annotations

from corten_nn import functional as F
from corten_nn._backend import Tensor
from corten_nn.modules._norm_base import _NormBase


class _BatchNorm(_NormBase):
    """(x - mean) / √(var + eps) · weight + bias with the statistics of each channel (Ioffe and Szegedy, 2015).

    Training uses the batch's statistics and moves the running ones by `momentum`, or averages all batches where it
    is None; evaluation uses the running ones if they are tracked.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalised input."""
        self._check_input_dim(input)
        training = self.training
        momentum = 0.0 if self.momentum is None else self.momentum
        mean, var = self.running_mean, self.running_var
        if training and self.track_running_stats:
            if self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)
                if self.momentum is None:
                    momentum = 1.0 / float(self.num_batches_tracked)
        elif training:
            mean = var = None
        use_batch = training or (mean is None and var is None)
        return F.batch_norm(input, mean, var, self.weight, self.bias, use_batch, momentum, self.eps)


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of (N, C) or (N, C, L) inputs."""

    _input_dims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of (N, C, H, W) inputs.

    >>> nn.BatchNorm2d(100)(torch.randn(20, 100, 35, 45)).shape
    torch.Size([20, 100, 35, 45])
    """

    _input_dims = (4,)


class BatchNorm3d(_BatchNorm):
    """Batch normalisation of (N, C, D, H, W) inputs."""

    _input_dims = (5,)
