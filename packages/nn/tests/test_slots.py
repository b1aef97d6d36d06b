"""Where a module keeps its entries, and what survives editing, copying and pickling."""

from __future__ import annotations

import copy
import pickle

import pytest

import corten_autograd as autograd
import corten_nn as nn
import corten_tensor_core as core


def assert_slots_agree(module):
    for slot in ("_parameters", "_buffers", "_modules"):
        for name, value in getattr(module, slot).items():
            assert module.__dict__[name] is value
            assert getattr(module, name) is value


def test_parameters_are_plain_attributes():
    layer = nn.Linear(2, 3)
    assert layer.__dict__["weight"] is layer.weight is layer._parameters["weight"]
    assert_slots_agree(layer)


def test_editing_the_slots_reaches_the_attributes():
    layer = nn.Linear(2, 3)
    weight, bias = nn.Parameter(core.zeros(3, 2)), layer.bias
    layer._parameters["weight"] = weight
    assert layer.weight is weight
    layer._parameters["bias"] = None
    assert layer.bias is None
    layer._parameters.update(bias=bias, extra=bias)
    assert layer.bias is bias
    assert layer.extra is bias
    assert layer._parameters.pop("extra") is bias
    assert not hasattr(layer, "extra")
    del layer._parameters["weight"]
    assert "weight" not in layer.__dict__
    layer.weight = core.ones(3, 2) * 2
    assert "weight" not in layer._parameters
    layer._parameters = {"bias": None, "other": weight}
    assert layer.other is weight
    assert layer.bias is None
    layer._parameters.clear()
    assert not hasattr(layer, "other")
    assert layer.weight.tolist() == [[2.0, 2.0]] * 3


def test_slot_view_is_a_mapping():
    layer = nn.Linear(2, 3)
    view = layer._parameters
    assert view == {"weight": layer.weight, "bias": layer.bias}
    assert repr(nn.Module()._parameters) == "{}"
    assert list(view | {"x": 1}) == ["weight", "bias", "x"]
    assert type(view.copy()) is dict
    view.move_to_end("weight")
    assert list(layer.state_dict()) == ["bias", "weight"]
    view.move_to_end("weight", last=False)
    assert list(view) == ["weight", "bias"]
    assert list(reversed(view)) == ["bias", "weight"]
    assert type(copy.deepcopy(view)) is dict


def test_slot_entries_do_not_hide_methods():
    module = nn.Module()
    module._modules["forward"] = nn.ReLU()
    assert module.forward.__func__ is nn.Module.forward
    module._parameters["training"] = None
    assert module.training is True
    del module._parameters["training"]
    assert module.training is True


def test_entry_put_into_the_stored_dict_is_found():
    module = nn.Module()
    child = nn.ReLU()
    module.__dict__["_modules"]["hidden"] = child
    assert module.hidden is child


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_are_independent(copied):
    layer = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    layer[0].register_forward_hook(print)
    twin = copied(layer)
    for module in twin.modules():
        assert_slots_agree(module)
    assert twin[0].weight is not layer[0].weight
    assert len(twin[0]._forward_hooks) == 1
    twin[0].weight = nn.Parameter(core.zeros(3, 2))
    assert_slots_agree(twin[0])
    assert layer[0].weight.abs().sum() > 0
    assert repr(twin) == repr(layer)


def test_shallow_copy():
    layer = nn.Linear(2, 3)
    twin = copy.copy(layer)
    assert twin.weight is layer.weight
    assert_slots_agree(twin)


def test_hooks_cost_nothing_when_removed():
    layer = nn.Linear(2, 2)
    assert layer._hooks is None
    handle = layer.register_forward_hook(lambda m, args, out: out + 1)
    with handle:
        changed = layer(core.zeros(1, 2))
    assert changed.tolist() == (layer(core.zeros(1, 2)) + 1).tolist()


def test_parameter_made_without_grad_mode():
    with autograd.no_grad():
        assert nn.Parameter(core.zeros(1)).requires_grad


def test_parameter_copies():
    param = nn.Parameter(core.ones(2), requires_grad=False)
    for twin in (copy.deepcopy(param), pickle.loads(pickle.dumps(param))):
        assert type(twin) is nn.Parameter
        assert twin.tolist() == [1.0, 1.0]
        assert not twin.requires_grad
    pair = copy.deepcopy([param, param])
    assert pair[0] is pair[1]


def test_parameter_shares_its_data():
    data = core.zeros(2)
    nn.Parameter(data).data.fill_(3)
    assert data.tolist() == [3.0, 3.0]


def test_call_super_init():
    class Other:
        def __init__(self):
            self.seen = True

    class Both(nn.Module, Other):
        call_super_init = True

    assert Both().seen


def test_to_empty_and_meta():
    layer = nn.utils.skip_init(nn.Linear, 3, 4)
    assert not layer.weight.is_meta
    assert list(layer.weight.shape) == [4, 3]


def test_positional_state_dict_arguments_warn():
    with pytest.warns(FutureWarning, match="Positional args"):
        assert list(nn.Linear(1, 1).state_dict({}, "p.")) == ["p.weight", "p.bias"]


def test_own_pickling():
    class Own(nn.Linear):
        def __getstate__(self):
            state = self.__dict__.copy()
            for name in self._parameters:
                del state[name]
            return {**state, "mark": 1}

        def __setstate__(self, state):
            super().__setstate__(state)

    layer = Own(2, 3)
    twin = copy.deepcopy(layer)
    assert twin.mark == 1
    assert_slots_agree(twin)
