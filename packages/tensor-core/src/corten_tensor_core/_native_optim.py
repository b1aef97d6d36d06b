"""The optimizers' native steps: lists of parameters, gradients and state of one dtype, updated in place in one call."""

from __future__ import annotations

from corten_native import _native

_sgd_ = _native._sgd_
_adam_ = _native._adam_
_rmsprop_ = _native._rmsprop_
_adagrad_ = _native._adagrad_
_adadelta_ = _native._adadelta_
