"""Gradient clipping, parameters as a vector, and residual networks."""

from __future__ import annotations

import pytest

import corten_nn as nn
import corten_tensor_core as core
from corten_nn import models


def parameters(nn, torch):
    params = [nn.Parameter(torch.arange(4.0).reshape(2, 2)), nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(1))]
    params[0].grad = torch.full((2, 2), 3.0)
    params[1].grad = torch.tensor([1.0, -5.0, 0.5])
    return params


@pytest.mark.parametrize("norm_type", [1, 2.0, float("inf")])
@pytest.mark.parametrize("max_norm", [1.0, 100.0])
def test_clipping_by_norm(ref, norm_type, max_norm):
    def scenario(nn, torch):
        params = parameters(nn, torch)
        total = nn.utils.clip_grad_norm_(iter(params), max_norm, norm_type)
        return round(total.item(), 4), [[round(v, 4) for v in p.grad.flatten().tolist()] for p in params[:2]]

    ref.same_behaviour(scenario)


def test_clipping_by_value(ref):
    def scenario(nn, torch):
        params = parameters(nn, torch)
        nn.utils.clip_grad_value_(params, 0.75)
        nn.utils.clip_grad_value_(params[0], 0.5)
        return [p.grad for p in params]

    ref.same_behaviour(scenario)


def test_clipping_without_gradients(ref):
    ref.same_behaviour(lambda nn, torch: nn.utils.clip_grad_norm_([nn.Parameter(torch.ones(2))], 1.0))


def test_clipping_of_infinite_gradients(ref):
    def scenario(nn, torch):
        params = parameters(nn, torch)
        params[0].grad = torch.full((2, 2), float("inf"))
        return nn.utils.clip_grad_norm_(params, 1.0, error_if_nonfinite=True)

    ref.same_behaviour(scenario)


def test_empty_generator_warns():
    with pytest.warns(UserWarning, match="empty generator"):
        nn.utils.clip_grad_norm_(iter(()), 1.0)


def test_vector_of_parameters(ref):
    def scenario(nn, torch):
        params = parameters(nn, torch)
        vector = nn.utils.parameters_to_vector(params)
        nn.utils.vector_to_parameters(vector.detach() * 2, params)
        return vector, params

    ref.same_behaviour(scenario)
    ref.same_behaviour(lambda nn, torch: nn.utils.vector_to_parameters([1.0], []))


def test_helpers_beside_the_modules(ref):
    def scenario(nn, torch):
        if torch is core:
            from corten_nn.modules import utils
        else:
            from torch.nn.modules import utils
        state = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1)).state_dict(prefix="module.")
        utils.consume_prefix_in_state_dict_if_present(state, "module.")
        plain = {"module.a": 1, "b": 2}
        utils.consume_prefix_in_state_dict_if_present(plain, "module.")
        pairs = [f(3) for f in (utils._single, utils._pair, utils._triple, utils._quadruple)]
        return list(state), dict(state._metadata), plain, pairs, utils._pair([4, 5])

    ref.same_behaviour(scenario)


# Number of parameters and of entries in the state dict, as torchvision's models have them.
SIZES = {
    "resnet18": (11_689_512, 122),
    "resnet34": (21_797_672, 218),
    "resnet50": (25_557_032, 320),
    "resnet101": (44_549_160, 626),
    "resnet152": (60_192_808, 932),
}


@pytest.mark.parametrize("name", list(SIZES))
def test_sizes_of_residual_networks(name):
    with core.device("meta"):
        model = getattr(models, name)()
    keys = list(model.state_dict())
    assert (sum(p.numel() for p in model.parameters()), len(keys)) == SIZES[name]
    assert keys[:3] == ["conv1.weight", "bn1.weight", "bn1.bias"]
    assert keys[6] == "layer1.0.conv1.weight"
    assert keys[-2:] == ["fc.weight", "fc.bias"]
    assert "layer2.0.downsample.1.running_var" in keys


def names_of_norm(prefix):
    return [f"{prefix}.{x}" for x in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")]


def names_of_network(convolutions, blocks):
    """The state dict's keys in torchvision's order, for blocks of so many convolutions."""
    names = ["conv1.weight", *names_of_norm("bn1")]
    for stage, count in enumerate(blocks, 1):
        for block in range(count):
            place = f"layer{stage}.{block}"
            for i in range(1, convolutions + 1):
                names += [f"{place}.conv{i}.weight", *names_of_norm(f"{place}.bn{i}")]
            if block == 0 and (stage > 1 or convolutions == 3):
                names += [f"{place}.downsample.0.weight", *names_of_norm(f"{place}.downsample.1")]
    return [*names, "fc.weight", "fc.bias"]


@pytest.mark.parametrize(
    ("name", "convolutions", "blocks"),
    [
        ("resnet18", 2, (2, 2, 2, 2)),
        ("resnet34", 2, (3, 4, 6, 3)),
        ("resnet50", 3, (3, 4, 6, 3)),
        ("resnet101", 3, (3, 4, 23, 3)),
        ("resnet152", 3, (3, 8, 36, 3)),
    ],
)
def test_names_in_residual_networks(name, convolutions, blocks):
    with core.device("meta"):
        assert list(getattr(models, name)().state_dict()) == names_of_network(convolutions, blocks)


def test_residual_network_runs_and_learns():
    core.manual_seed(0)
    model = models.resnet18(num_classes=5)
    out = model(core.rand(2, 3, 32, 32))
    assert list(out.shape) == [2, 5]
    out.sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    assert model.layer1[0].bn1.weight.tolist() == [1.0] * 64


def test_options_of_residual_networks():
    model = models.resnet50(zero_init_residual=True, replace_stride_with_dilation=[False, True, True])
    assert model.layer1[0].bn3.weight.abs().sum() == 0
    assert list(model.layer4(core.zeros(1, 1024, 4, 4)).shape) == [1, 2048, 4, 4]
