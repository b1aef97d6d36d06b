"""Averaged models and batch norms of averaged models, against PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

import corten_nn as nn
import corten_tensor_core as core
from corten_nn import averaging

RNG = np.random.default_rng(4)
X = RNG.standard_normal((6, 3)).astype(np.float32)
FUNCTIONS = {
    "mean": lambda u: {},
    "mean of buffers": lambda u: {"use_buffers": True},
    "ema": lambda u: {"avg_fn": u.get_ema_avg_fn(0.9)},
    "ema of lists": lambda u: {"multi_avg_fn": u.get_ema_multi_avg_fn(0.9), "use_buffers": True},
    "swa": lambda u: {"avg_fn": u.get_swa_avg_fn()},
    "own": lambda u: {"avg_fn": lambda average, current, n: (average * n + current * 2) / (n + 1)},
}


def libraries(ref):
    return (nn, core, averaging), (ref.nn, ref.torch, ref.torch.optim.swa_utils)


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_averages(ref, name):
    def run(nn, torch, swa_utils):
        model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
        for i, p in enumerate(model.parameters()):
            p.data.fill_(0.5 + i)
        averaged = swa_utils.AveragedModel(model, **FUNCTIONS[name](swa_utils))
        for _ in range(4):
            model(torch.tensor(X))
            for p in model.parameters():
                p.data.mul_(1.5)
            averaged.update_parameters(model)
        return dict(averaged.state_dict()), averaged.eval()(torch.tensor(X))

    (ours, a), (theirs, b) = (run(*library) for library in libraries(ref))
    assert list(ours) == list(theirs)
    for key in theirs:
        ref.assert_close(ours[key], theirs[key])
    ref.assert_close(a, b)


def test_batch_norms_anew(ref):
    batches = [X, 2 * X[:3] + 1]

    def run(nn, torch, swa_utils):
        model = nn.Sequential(nn.BatchNorm1d(3, momentum=0.3), nn.Dropout(0.5)).eval()
        model(torch.tensor(X))
        swa_utils.update_bn([(torch.tensor(batches[0]), 3), torch.tensor(batches[1])], model, device="cpu")
        swa_utils.update_bn([], nn.Linear(1, 1))
        return [model[0].momentum, model.training, model[0].running_mean, model[0].running_var]

    ours, theirs = (run(*library) for library in libraries(ref))
    ref.assert_close(ours, theirs)


def test_mistakes(ref):
    for _, _, swa_utils in libraries(ref):
        with pytest.raises(ValueError, match=r"Invalid decay value 2 provided. Please provide a value in \[0,1\]"):
            swa_utils.get_ema_avg_fn(2)
        with pytest.raises(AssertionError, match="Only one of avg_fn and multi_avg_fn"):
            swa_utils.AveragedModel(None, avg_fn=abs, multi_avg_fn=abs)
