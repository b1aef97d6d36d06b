"""Parametrizations, weight norm, fused layers, and calls with other tensors, against PyTorch's."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import corten_nn as nn
import corten_tensor_core as core

X = np.random.default_rng(9).standard_normal((3, 4)).astype(np.float32)
PARAMETRIZATIONS = {
    "weight_norm": lambda nn: nn.utils.parametrizations.weight_norm(nn.Linear(4, 5)),
    "weight_norm of all": lambda nn: nn.utils.parametrizations.weight_norm(nn.Linear(4, 5), dim=None),
    "weight_norm columns": lambda nn: nn.utils.parametrizations.weight_norm(nn.Linear(4, 5), dim=1),
    "weight_norm bias": lambda nn: nn.utils.parametrizations.weight_norm(nn.Linear(4, 5), "bias"),
    "spectral_norm": lambda nn: nn.utils.parametrizations.spectral_norm(nn.Linear(4, 5)),
    "spectral_norm twice": lambda nn: nn.utils.parametrizations.spectral_norm(nn.Linear(4, 5), n_power_iterations=2),
    "spectral_norm bias": lambda nn: nn.utils.parametrizations.spectral_norm(nn.Linear(4, 5), "bias"),
    "orthogonal square": lambda nn: nn.utils.parametrizations.orthogonal(nn.Linear(4, 4)),
    "orthogonal tall": lambda nn: nn.utils.parametrizations.orthogonal(nn.Linear(4, 6)),
    "orthogonal wide": lambda nn: nn.utils.parametrizations.orthogonal(nn.Linear(4, 3)),
    "cayley": lambda nn: nn.utils.parametrizations.orthogonal(nn.Linear(4, 6), orthogonal_map="cayley"),
    "exponential": lambda nn: nn.utils.parametrizations.orthogonal(nn.Linear(4, 3), orthogonal_map="matrix_exp"),
}


@pytest.mark.parametrize("name", list(PARAMETRIZATIONS))
def test_parametrizations(ref, name):
    def run(library, tensors):
        tensors.manual_seed(3)
        layer = PARAMETRIZATIONS[name](library)
        x = tensors.tensor(X)
        text = repr(layer), list(layer.state_dict())
        outs = []
        for p in layer.parameters():
            p.data.add_(0.1 * (tensors.ones_like(p).tril(-1) if p.dim() == 2 else p))
        for _ in range(2):
            out = layer(x)
            (out**3).sum().backward()
            outs.append(out)
        outs += [layer.eval()(x), *(p.grad for p in layer.parameters())]
        return text, outs

    (text, ours), (expected_text, theirs) = run(nn, core), run(ref.nn, ref.torch)
    assert text[1] == expected_text[1]
    ref.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


def symmetric(nn):
    class Symmetric(nn.Module):
        def forward(self, x):
            return x.triu() + x.triu(1).transpose(-1, -2)

        def right_inverse(self, x):
            return x.triu()

    return Symmetric()


def doubled(nn):
    class Doubled(nn.Module):
        def forward(self, x):
            return 2 * x

    return Doubled()


def cut(nn):
    class Cut(nn.Module):
        def forward(self, x):
            return x[:1]

    return Cut()


def test_own_parametrizations(ref):
    def scenario(nn, torch):
        parametrize = nn.utils.parametrize
        layer = nn.Linear(3, 3)
        layer.weight.data = torch.arange(9.0).reshape(3, 3)
        before = layer.weight
        seen = [parametrize.is_parametrized(layer)]
        parametrize.register_parametrization(layer, "weight", symmetric(nn))
        seen += [layer.weight, layer.parametrizations.weight.original is before, list(layer.state_dict())]
        layer.weight = torch.ones(3, 3)
        seen += [layer.weight, layer.parametrizations.weight.original, type(layer).__name__]
        parametrize.register_parametrization(layer, "weight", doubled(nn))
        parametrize.register_parametrization(layer, "bias", doubled(nn))
        seen += [layer.weight, parametrize.is_parametrized(layer, "bias"), len(layer.parametrizations)]
        with parametrize.cached():
            seen.append(layer.weight is layer.weight)
        seen += [layer.weight is layer.weight, parametrize.type_before_parametrizations(layer) is nn.Linear]
        parametrize.remove_parametrizations(layer, "weight")
        seen += [layer.weight, layer.weight is before, type(layer).__name__]
        bias = layer.parametrizations.bias.original
        parametrize.remove_parametrizations(layer, "bias", leave_parametrized=False)
        return [
            *seen,
            layer.bias is bias,
            type(layer) is nn.Linear,
            sorted(layer.state_dict()),
            hasattr(layer, "parametrizations"),
        ]

    ref.same_behaviour(scenario)


def test_removal_of_several_originals(ref):
    def scenario(nn, torch):
        layer = nn.Linear(3, 2)
        layer.weight.data = torch.arange(6.0).reshape(2, 3)
        nn.utils.parametrizations.weight_norm(layer)
        layer.weight = torch.ones(2, 3) * 2
        nn.utils.parametrize.remove_parametrizations(layer, "weight")
        return layer.weight, isinstance(layer.weight, nn.Parameter), list(layer.state_dict())

    ref.same_behaviour(scenario)


def test_copies_of_parametrized_modules():
    layer = nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))
    twin = copy.deepcopy(layer)
    nn.utils.parametrize.remove_parametrizations(layer, "weight")
    assert (twin.weight - layer.weight).abs().max() == 0
    assert "parametrizations.weight.original0" in twin.state_dict()
    with pytest.raises(RuntimeError, match="only supported through state_dict"):
        pickle.dumps(twin)


def test_orthogonal_matrices_stay_orthogonal():
    layer = nn.utils.parametrizations.orthogonal(nn.Linear(4, 6))
    # The diagonal holds signs.
    layer.parametrizations.weight.original.data.add_(0.3 * core.randn(6, 4).tril(-1))
    w = layer.weight
    assert (w.T @ w - core.eye(4)).abs().max() < 1e-5
    layer.weight = core.eye(6, 4)
    assert (layer.weight - core.eye(6, 4)).abs().max() < 1e-5
    with pytest.raises(NotImplementedError, match="use_trivialization=False"):
        nn.utils.parametrizations.orthogonal(nn.Linear(4, 6), use_trivialization=False)


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated")
@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm_by_hook(ref, dim):
    def scenario(nn, torch):
        layer = nn.Linear(3, 2)
        layer.weight.data = torch.arange(6.0).reshape(2, 3)
        layer.bias.data = torch.zeros(2)
        nn.utils.weight_norm(layer, dim=dim)
        layer.weight_g.data.mul_(2)
        out = layer(torch.ones(1, 3))
        out.sum().backward()
        grads = [[round(v, 4) for v in p.grad.flatten().tolist()] for p in layer.parameters()]
        keys = list(layer.state_dict())
        nn.utils.remove_weight_norm(layer)
        return (
            [round(v, 4) for v in out[0].tolist()],
            grads,
            keys,
            list(layer.state_dict()),
            layer(torch.ones(1, 3)).shape,
        )

    ref.same_behaviour(scenario)


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated")
def test_new_weight_norm_reads_the_old():
    old = nn.utils.weight_norm(nn.Linear(3, 2))
    new = nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))
    new.load_state_dict(old.state_dict())
    assert (new.weight - old.weight).abs().max() == 0


SPECTRAL = {
    "linear": (lambda nn: nn.utils.spectral_norm(nn.Linear(4, 5)), (3, 4)),
    "conv": (lambda nn: nn.utils.spectral_norm(nn.Conv2d(2, 3, 2), n_power_iterations=3, eps=1e-6), (1, 2, 3, 3)),
    "transposed": (lambda nn: nn.utils.spectral_norm(nn.ConvTranspose1d(2, 3, 2)), (1, 2, 3)),
    "bias": (lambda nn: nn.utils.spectral_norm(nn.Bilinear(4, 4, 5), "weight", dim=2), (3, 4)),
}


@pytest.mark.parametrize("name", list(SPECTRAL))
def test_spectral_norm_by_hook(ref, name):
    build, shape = SPECTRAL[name]
    ours, theirs = ref.seeded(3, build)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert repr(ours) == repr(theirs)
    x = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    for training in (True, True, False):
        results = []
        for layer, tensor in ((ours, core.from_numpy(x)), (theirs, ref.torch.from_numpy(x))):
            out = layer.train(training)(*[tensor] * (2 if name == "bias" else 1))
            (out * out).sum().backward()
            results.append([out, *(p.grad for p in layer.parameters()), *layer.buffers()])
        ref.assert_close(*results, rtol=1e-4, atol=1e-5)
    # What was saved goes on from there.
    again, _ = ref.seeded(5, build)
    ref.copy_weights(again, theirs)
    ref.assert_close(again.eval()(*[core.from_numpy(x)] * (2 if name == "bias" else 1)), results[1][0], rtol=1e-4)
    ours, theirs = (lib.utils.remove_spectral_norm(layer) for lib, layer in ((nn, ours), (ref.nn, theirs)))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert isinstance(ours.weight, nn.Parameter)
    ref.assert_close(ours.weight, theirs.weight, rtol=1e-4, atol=1e-5)


def statistics(norm, torch):
    norm.running_mean = torch.tensor([0.5, -1.0])
    norm.running_var = torch.tensor([2.0, 0.25])
    return norm.eval()


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("kind", ["conv", "transposed", "linear"])
def test_fused_layers(ref, kind, affine):
    def build(library, torch):
        if kind == "linear":
            layer, norm = library.Linear(3, 2), library.BatchNorm1d(2)
        elif kind == "conv":
            layer, norm = library.Conv2d(3, 2, 2, bias=affine), library.BatchNorm2d(2, affine=affine)
        else:
            layer, norm = library.ConvTranspose2d(3, 2, 2), library.BatchNorm2d(2)
        return layer.eval(), statistics(norm, torch)

    layer, norm = build(nn, core)
    x = core.randn(4, 3) if kind == "linear" else core.randn(2, 3, 4, 4)
    if kind == "linear":
        fused = nn.utils.fuse_linear_bn_eval(layer, norm)
    else:
        fused = nn.utils.fuse_conv_bn_eval(layer, norm, transpose=kind == "transposed")
    assert (fused(x) - norm(layer(x))).abs().max() < 1e-5
    assert isinstance(fused.weight, nn.Parameter)
    with pytest.raises(AssertionError, match="Fusion only for eval!"):
        nn.utils.fuse_conv_bn_eval(layer, norm.train())


def test_calls_with_other_tensors(ref):
    def scenario(library, torch):
        call = nn.utils.stateless.functional_call if torch is core else torch.func.functional_call
        model = library.Sequential(library.Linear(2, 2), library.BatchNorm1d(2))
        own = model[0].weight
        w = torch.eye(2).requires_grad_()
        given = {"0.weight": w, "0.bias": torch.zeros(2)}
        mean = torch.zeros(2)
        x = torch.tensor([[1.0, 2.0], [3.0, 5.0]])
        out = call(model, ({**given}, {"1.running_mean": mean}), x)
        (out**3).sum().backward()
        return [
            [round(v, 3) for v in out.flatten().tolist()],
            [round(v, 2) for v in w.grad.flatten().tolist()],
            mean,
            model[0].weight is own,
            own.grad is None,
        ]

    ref.same_behaviour(scenario)


CALL_MISTAKES = {
    "unknown": ({"0.nothing": 1}, {}),
    "strict": ({"0.weight": 1}, {"strict": True}),
    "kind": (3, {}),
    "kinds": ([{}, 3], {}),
    "twice": ([{"0.weight": 1}, {"0.weight": 2}], {}),
}


@pytest.mark.parametrize("name", list(CALL_MISTAKES))
def test_mistaken_calls(ref, name):
    given, settings = CALL_MISTAKES[name]

    def scenario(library, torch):
        call = nn.utils.stateless.functional_call if torch is core else torch.func.functional_call
        torch.manual_seed(0)
        model = library.Sequential(library.Linear(2, 2))
        made = {k: torch.zeros(1) for k in given} if isinstance(given, dict) else given
        return call(model, made, torch.zeros(1, 2), **settings)

    ref.same_behaviour(scenario)


def test_submodule_that_is_not_there():
    with pytest.raises(AttributeError, match="has no attribute `nothing`"):
        nn.utils.stateless.functional_call(nn.Linear(2, 2), {"nothing.weight": core.zeros(1)}, core.zeros(1, 2))


def test_tied_weights():
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    model[1].weight = model[0].weight
    call, eye, x = nn.utils.stateless.functional_call, core.eye(2), core.ones(1, 2)
    assert call(model, {"0.weight": 2 * eye}, x).tolist() == [[4.0, 4.0]]
    half = call(model, {"0.weight": 2 * eye}, x, tie_weights=False)
    assert (half - 2 * model[1](x)).abs().max() < 1e-6
    with pytest.raises(ValueError, match="got multiple values for keys"):
        call(model, {"0.weight": eye, "1.weight": 2 * eye}, x)


MISTAKES = {
    "name": lambda nn, t: nn.utils.parametrize.register_parametrization(nn.Linear(2, 2), "x", symmetric(nn)),
    "shape": lambda nn, t: nn.utils.parametrize.register_parametrization(nn.Linear(2, 2), "weight", cut(nn)),
    "second shape": lambda nn, t: nn.utils.parametrize.register_parametrization(
        nn.utils.parametrize.register_parametrization(nn.Linear(2, 2), "weight", symmetric(nn)), "weight", cut(nn)
    ),
    "remove": lambda nn, t: nn.utils.parametrize.remove_parametrizations(nn.Linear(2, 2), "weight"),
    "remove unparametrized": lambda nn, t: nn.utils.parametrize.remove_parametrizations(
        nn.utils.parametrizations.weight_norm(nn.Linear(2, 2)), "weight", leave_parametrized=False
    ),
    "assign": lambda nn, t: setattr(
        nn.utils.parametrize.register_parametrization(nn.Linear(2, 2), "weight", doubled(nn)), "weight", t.ones(2, 2)
    ),
    "nothing": lambda nn, t: nn.utils.parametrize.ParametrizationList([], t.ones(1)),
    "orthogonal name": lambda nn, t: nn.utils.parametrizations.orthogonal(nn.Linear(2, 2), "x"),
    "orthogonal vector": lambda nn, t: nn.utils.parametrizations.orthogonal(nn.Linear(2, 2), "bias"),
    "orthogonal map": lambda nn, t: nn.utils.parametrizations.orthogonal(nn.Linear(2, 2), orthogonal_map="x"),
    "spectral dim": lambda nn, t: nn.utils.parametrizations.spectral_norm(nn.Linear(2, 2), dim=2),
    "spectral iterations": lambda nn, t: nn.utils.parametrizations.spectral_norm(nn.Linear(2, 2), n_power_iterations=0),
    "remove norm": lambda nn, t: nn.utils.remove_weight_norm(nn.Linear(2, 2)),
    "remove spectral": lambda nn, t: nn.utils.remove_spectral_norm(nn.Linear(2, 2)),
    "spectral hook twice": lambda nn, t: nn.utils.spectral_norm(nn.utils.spectral_norm(nn.Linear(2, 2))),
    "spectral hook iterations": lambda nn, t: nn.utils.spectral_norm(nn.Linear(2, 2), n_power_iterations=0),
    "spectral hook without": lambda nn, t: nn.utils.spectral_norm(nn.Linear(2, 2, bias=False), "bias"),
    "spectral hook lazy": lambda nn, t: nn.utils.spectral_norm(nn.LazyLinear(2)),
}


@pytest.mark.parametrize("name", list(MISTAKES))
def test_mistakes(ref, name):
    ref.same_behaviour(MISTAKES[name])
