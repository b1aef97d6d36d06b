"""Containers against PyTorch's: editing, text, keys, messages."""

from __future__ import annotations

import pytest

SCENARIOS = {}


def scenario(fn):
    SCENARIOS[fn.__name__] = fn
    return fn


@scenario
def inserting_keeps_names(nn, torch):
    model = nn.Sequential()
    model.add_module("first", nn.Linear(1, 2))
    model.append(nn.ReLU()).insert(1, nn.Tanh()).insert(-1, nn.GELU())
    return repr(model)


@scenario
def sequential(nn, torch):
    model = nn.Sequential(nn.Linear(1, 2), nn.ReLU())
    model += nn.Sequential(nn.Tanh())
    model.insert(1, nn.Sigmoid())
    model.append(nn.GELU()).extend([nn.ELU()])
    popped = model.pop(0)
    model[0] = nn.SiLU()
    del model[-1]
    twice = model * 2
    model *= 2
    return (
        repr(model),
        repr(twice + model),
        repr(popped),
        repr(model[1:3]),
        len(model),
        [type(m).__name__ for m in model],
        list(model._modules),
    )


for _call in ("m[5]", "m * 1.5", "m * 0", "m + 3", "m.insert(9, m[0])", "m.insert(0, 3)", "m[7:]"):

    def _bad_sequential(nn, torch, call=_call):
        return repr(eval(call, {"m": nn.Sequential(nn.ReLU(), nn.Tanh())}))

    SCENARIOS[f"sequential {_call}"] = _bad_sequential


@scenario
def named_sequential(nn, torch):
    from collections import OrderedDict

    model = nn.Sequential(OrderedDict([("a", nn.Linear(1, 1)), ("b", nn.ReLU())]))
    return repr(model), repr(model.a), list(model.state_dict()), repr(model[:1])


@scenario
def module_list(nn, torch):
    layers = nn.ModuleList([nn.Linear(1, 1), nn.ReLU()])
    layers += [nn.Tanh()]
    layers.insert(0, nn.SiLU())
    layers[1] = nn.GELU()
    popped = layers.pop(0)
    del layers[-1:]
    return (
        repr(layers),
        repr(popped),
        repr(layers + nn.ModuleList([nn.ELU()])),
        len(layers),
        repr(layers[0]),
        repr(nn.ModuleList()),
    )


@scenario
def module_list_of_nothing(nn, torch):
    nn.ModuleList(3)


@scenario
def module_dict(nn, torch):
    layers = nn.ModuleDict({"b": nn.Linear(1, 1), "a": nn.ReLU()})
    layers["c"] = nn.Tanh()
    layers.update([("d", nn.SiLU())])
    popped = layers.pop("b")
    del layers["a"]
    return repr(layers), repr(popped), list(layers.keys()), "c" in layers, list(layers), len(layers)


for _call in ("update(3)", "update([3])", "update([(1, 2, 3)])", 'add_module("keys", None)', 'pop("x")'):

    def _bad_dict(nn, torch, call=_call):
        eval("m." + call, {"m": nn.ModuleDict({"a": nn.ReLU()})})

    SCENARIOS[f"dict {_call}"] = _bad_dict


@scenario
def parameter_list(nn, torch):
    params = nn.ParameterList([torch.zeros(2), nn.Parameter(torch.ones(1, 2)), "text"])
    params.append(torch.ones(3))
    params += [nn.Parameter(torch.zeros(1))]
    params[0] = torch.full((2,), 5.0)
    return repr(params), list(params.state_dict()), len(params), params[-1], len(params[1:3]), next(iter(params))


@scenario
def parameter_dict(nn, torch):
    params = nn.ParameterDict({"b": torch.zeros(2), "a": nn.Parameter(torch.ones(1, 2))})
    params["c"] = 3
    params.update({"z": torch.zeros(1), "y": torch.zeros(1)})
    popped = params.pop("z")
    other = params | nn.ParameterDict({"q": torch.zeros(1)})
    return (
        repr(params),
        list(params),
        popped,
        params.get("none", 7),
        params.setdefault("y"),
        list(other),
        [key for key, _ in params.items()],
        list(params.state_dict()),
        params.popitem()[0],
        list(reversed(params)),
    )


@scenario
def parameter_list_call(nn, torch):
    nn.ParameterList([torch.zeros(1)])(1)


@scenario
def parameter_dict_key(nn, torch):
    nn.ParameterDict({})[3] = torch.zeros(1)


@pytest.mark.parametrize("name", list(SCENARIOS))
def test_same_behaviour(ref, name):
    ref.same_behaviour(SCENARIOS[name])
