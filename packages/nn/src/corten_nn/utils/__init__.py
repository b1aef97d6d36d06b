"""Helpers for training: clipping gradients, sequences of different lengths, parameters as a vector."""

from corten_nn.utils import rnn
from corten_nn.utils.clip_grad import (
    clip_grad_norm,
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
)
from corten_nn.utils.convert_parameters import parameters_to_vector, vector_to_parameters
from corten_nn.utils.init import skip_init

__all__ = [
    "clip_grad_norm",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
    "parameters_to_vector",
    "rnn",
    "skip_init",
    "vector_to_parameters",
]
