"""Pruning beside PyTorch's: the same masks, from the same seed where chance decides."""

import copy

import pytest

import corten_nn as nn
import corten_tensor_core as core

pytest.importorskip("torch")


def layer(nn, torch, scale=1):
    made = nn.Conv2d(2, 3, 2)
    values = torch.arange(24.0) * 7 % 24 + 0.5  # no two of the same size
    made.weight.data = (scale * values * (-1) ** torch.arange(24)).view(3, 2, 2, 2)
    return made


def prune_of(nn):
    if nn.__name__ == "torch.nn":
        from torch.nn.utils import prune
    else:
        from corten_nn.utils import prune
    return prune


WAYS = {
    "identity": lambda p, m, t: p.identity(m, "weight"),
    "random": lambda p, m, t: p.random_unstructured(m, "weight", 0.4),
    "random number": lambda p, m, t: p.random_unstructured(m, name="weight", amount=5),
    "nothing": lambda p, m, t: p.random_unstructured(m, "bias", 0),
    "l1": lambda p, m, t: p.l1_unstructured(m, "weight", amount=0.3),
    "l1 scores": lambda p, m, t: p.l1_unstructured(m, "weight", 7, importance_scores=t.arange(24.0).view(3, 2, 2, 2)),
    "random channels": lambda p, m, t: p.random_structured(m, "weight", amount=1, dim=0),
    "ln": lambda p, m, t: p.ln_structured(m, "weight", amount=0.5, n=2, dim=1),
    "ln last": lambda p, m, t: p.ln_structured(m, "weight", amount=1, n=float("-inf"), dim=-1),
    "ln none": lambda p, m, t: p.ln_structured(m, "weight", amount=0, n=1, dim=0),
    "mask": lambda p, m, t: p.custom_from_mask(m, "bias", mask=t.tensor([1, 0, 1])),
    "twice": lambda p, m, t: p.l1_unstructured(p.l1_unstructured(m, "weight", 0.25), "weight", 0.5),
    "both kinds": lambda p, m, t: p.ln_structured(p.l1_unstructured(m, "weight", 9), "weight", 1, 2, 0),
    "thrice": lambda p, m, t: p.custom_from_mask(
        p.random_structured(p.random_unstructured(m, "weight", 3), "weight", 1, dim=-2),
        "weight",
        t.eye(2).expand(3, 2, 2, 2),
    ),
    "two tensors": lambda p, m, t: p.l1_unstructured(p.random_unstructured(m, "weight", 0.5), "bias", 1),
    "a method": lambda p, m, t: p.L1Unstructured.apply(m, "weight", 3),
    # Mistakes.
    "too many": lambda p, m, t: p.l1_unstructured(m, "bias", 4),
    "too much": lambda p, m, t: p.l1_unstructured(m, "bias", 1.5),
    "negative": lambda p, m, t: p.l1_unstructured(m, "bias", -1),
    "no amount": lambda p, m, t: p.l1_unstructured(m, "bias", "a"),
    "vector": lambda p, m, t: p.ln_structured(m, "bias", 1, 2, 0),
    "dim": lambda p, m, t: p.ln_structured(m, "weight", 1, 2, 4),
    "mask shape": lambda p, m, t: p.custom_from_mask(m, "bias", t.ones(2)),
    "scores shape": lambda p, m, t: p.l1_unstructured(m, "bias", 1, t.ones(2)),
    "not pruned": lambda p, m, t: p.remove(m, "weight"),
    "no method": lambda p, m, t: p.PruningContainer(p.L1Unstructured.apply(m, "weight", 1)).add_pruning_method(3),
    "global kind": lambda p, m, t: p.global_unstructured([(m, "weight")], p.LnStructured, amount=1, n=1),
    "global scores": lambda p, m, t: p.global_unstructured([(m, "weight")], p.L1Unstructured, 3, amount=1),
    "global nothing": lambda p, m, t: p.global_unstructured(3, p.L1Unstructured, amount=1),
}


@pytest.mark.parametrize("name", list(WAYS))
def test_ways(ref, name):
    def scenario(nn, torch):
        torch.manual_seed(1)
        net, prune = layer(nn, torch), prune_of(nn)
        seen = [prune.is_pruned(net)]
        try:
            WAYS[name](prune, net, torch)
        except Exception as error:
            return type(error).__name__, str(error).replace("corten_nn", "torch.nn"), sorted(net.state_dict())
        net(torch.ones(1, 2, 3, 3)).sum().backward()
        seen += [prune.is_pruned(net), repr(net), list(net.state_dict()), len(net._forward_pre_hooks)]
        seen += [(key, value) for key, value in net.state_dict().items() if key != "bias"]
        seen += [net.weight, net.weight.dtype.itemsize, [p.grad for p in net.parameters()]]
        for tensor in ("weight", "bias"):
            if hasattr(net, tensor + "_mask"):
                prune.remove(net, tensor)
        return [*seen, prune.is_pruned(net), list(net.state_dict()), net.weight, net.bias.requires_grad]

    ref.same_behaviour(scenario)


def test_pruning_across_modules(ref):
    def scenario(nn, torch):
        prune = prune_of(nn)
        net = nn.Sequential(layer(nn, torch), layer(nn, torch, 1.01))
        places = [(net[0], "weight"), (net[1], "weight"), (net[1], "bias")]
        net[1].bias.data = torch.tensor([30.0, -1, 0.5])
        prune.l1_unstructured(net[0], "weight", 4)
        scores = {places[1]: 2 * net[1].weight.detach()}
        prune.global_unstructured(places, prune.L1Unstructured, importance_scores=scores, amount=0.4)
        return list(net.buffers()), list(net.state_dict()), [net[0].weight, net[1].bias]

    ref.same_behaviour(scenario)


def test_own_method(ref):
    def scenario(nn, torch):
        prune = prune_of(nn)

        class EverySecond(prune.BasePruningMethod):
            PRUNING_TYPE = "unstructured"

            def compute_mask(self, t, default_mask):
                mask = default_mask.clone()
                mask.view(-1)[::2] = 0
                return mask

        net = layer(nn, torch)
        EverySecond.apply(net, "weight")
        EverySecond.apply(net, "weight")
        container = next(iter(net._forward_pre_hooks.values()))
        alone = EverySecond().prune(torch.arange(4.0))
        return (
            net.weight_mask,
            len(container),
            [type(m).__name__ for m in container],
            type(container[0]).__name__,
            alone,
        )

    ref.same_behaviour(scenario)


def test_containers_are_of_one_tensor():
    prune, net = prune_of(nn), nn.Linear(2, 2)
    weight, bias = (prune.L1Unstructured.apply(net, name, 1) for name in ("weight", "bias"))
    with pytest.raises(ValueError, match=r"'weight' to PruningContainer .* Found 'bias'"):
        prune.PruningContainer(weight).add_pruning_method(bias)


def test_pruned_modules_are_trained_and_saved():
    prune = prune_of(nn)
    net = prune.l1_unstructured(nn.Linear(4, 3), "weight", 0.5)
    zeros = net.weight_mask == 0
    x = core.randn(5, 4)
    before = net.weight_orig.detach().clone()
    net(x).square().sum().backward()
    for p in net.parameters():
        p.data -= 0.1 * p.grad
    out = net(x)
    assert (net.weight[zeros] == 0).all()
    assert (net.weight_orig[zeros] == before[zeros]).all()
    twin = prune.identity(nn.Linear(4, 3), "weight")
    twin.load_state_dict(net.state_dict())
    assert (twin(x) == out).all()
    made = prune.remove(net, "weight")
    assert isinstance(copy.deepcopy(made).weight, nn.Parameter)
    assert (made(x) == out).all()
