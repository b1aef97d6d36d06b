"""`Module` and containers against PyTorch's: registration, iteration, hooks, state, conversion, messages."""

from __future__ import annotations

import pytest

import corten_tensor_core as core


def net(nn):
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(2, 2)
            self.again = self.fc

        def forward(self, x, scale=1.0):
            return self.again(self.fc(x)) * scale

    return Block()


SCENARIOS = {}


def scenario(fn):
    SCENARIOS[fn.__name__] = fn
    return fn


@scenario
def iteration_skips_duplicates(nn, torch):
    model = nn.Sequential(net(nn), nn.ReLU(), nn.BatchNorm1d(2))
    return [
        [name for name, _ in model.named_modules()],
        [name for name, _ in model.named_modules(remove_duplicate=False)],
        [name for name, _ in model.named_modules(prefix="root")],
        [name for name, _ in model.named_parameters()],
        [name for name, _ in model.named_parameters(prefix="p", recurse=False)],
        [name for name, _ in model.named_parameters(remove_duplicate=False)],
        [name for name, _ in model.named_buffers()],
        [name for name, _ in model.named_children()],
        [name for name, _ in model[0].named_children()],
        len(list(model.parameters())),
        list(model.state_dict()),
    ]


@scenario
def assigning_a_tensor_over_a_parameter(nn, torch):
    nn.Linear(2, 2).weight = torch.zeros(2, 2)


@scenario
def assigning_a_number_over_a_module(nn, torch):
    net(nn).fc = 3


@scenario
def assigning_a_string_over_a_buffer(nn, torch):
    nn.BatchNorm1d(2).running_mean = "x"


@scenario
def assigning_before_init(nn, torch):
    class Early(nn.Module):
        def __init__(self):
            self.fc = nn.Linear(1, 1)

    Early()


@scenario
def assigning_parameter_before_init(nn, torch):
    class Early(nn.Module):
        def __init__(self):
            self.w = nn.Parameter(torch.zeros(1))

    Early()


@scenario
def buffer_before_init(nn, torch):
    class Early(nn.Module):
        def __init__(self):
            self.register_buffer("b", torch.zeros(1))

    Early()


@scenario
def kinds_replace_one_another(nn, torch):
    module = nn.Module()
    module.x = 1
    module.x = nn.Parameter(torch.zeros(1))
    first = list(module._parameters), list(module._modules)
    module.x = nn.ReLU()
    second = list(module._parameters), list(module._modules)
    module.x = None
    third = list(module._modules), module.x
    del module.x
    return first, second, third, hasattr(module, "x"), list(module._modules)


@scenario
def none_entries(nn, torch):
    layer = nn.Linear(2, 2)
    layer.bias = None
    before = list(layer.state_dict()), repr(layer), list(layer._parameters)
    layer.bias = nn.Parameter(torch.zeros(2))
    return before, list(layer.state_dict())


@scenario
def buffers(nn, torch):
    module = nn.Module()
    module.register_buffer("a", torch.zeros(1))
    module.register_buffer("b", torch.ones(1), persistent=False)
    module.register_buffer("c", None)
    module.a = torch.full((1,), 2.0)
    module.d = nn.Buffer(torch.zeros(2), persistent=False)
    module.e = nn.Buffer(torch.zeros(2))
    module.b = None
    module.b = torch.zeros(3)
    return (
        list(module.state_dict()),
        [name for name, _ in module.named_buffers()],
        module.a,
        isinstance(module.d, nn.Buffer),
    )


@scenario
def delete_buffer(nn, torch):
    module = nn.BatchNorm1d(2)
    del module.running_mean
    return list(module.state_dict()), module.running_mean


for _method, _good in (("register_parameter", None), ("register_buffer", None), ("add_module", None)):
    for _name in ("", "a.b", 3, "training", "forward"):

        def _register(nn, torch, method=_method, name=_name):
            getattr(nn.Module(), method)(name, None)

        SCENARIOS[f"{_method}({_name!r})"] = _register


@scenario
def register_wrong_kinds(nn, torch):
    messages = []
    for method in ("register_parameter", "register_buffer", "add_module"):
        for value in (3, torch.zeros(1), nn.ReLU(), nn.ReLU):
            try:
                getattr(nn.Module(), method)("x", value)
                messages.append("accepted")
            except TypeError as error:
                messages.append("not a Module" in str(error) or str(error).split("'")[0])
    return messages


@scenario
def non_leaf_parameter(nn, torch):
    module = nn.Module()
    param = nn.Parameter(torch.zeros(1))
    module.w = param
    module.v = param * 2
    return list(module._parameters), "v" in module.__dict__


@scenario
def look_up(nn, torch):
    model = nn.Sequential(net(nn), nn.BatchNorm1d(2))
    model.get_submodule("0.fc").bias.data.fill_(3)
    return (
        model.get_parameter("0.again.bias"),
        model.get_buffer("1.running_mean"),
        model.get_submodule("") is model,
    )


for _call in (
    'get_submodule("0.x")',
    'get_submodule("0.weight")',
    'get_parameter("0")',
    'get_parameter("0.x")',
    'get_buffer("0.weight")',
    'get_buffer("0.nothing")',
    'set_submodule("", None)',
    'set_submodule("0", 3)',
    'set_submodule("7", type(m)(), strict=True)',
    'set_submodule("0.weight", type(m)())',
    "train(1)",
    "load_state_dict(3)",
    "unknown",
):

    def _look(nn, torch, call=_call):
        return eval("m." + call, {"m": nn.Sequential(nn.Linear(2, 2))})

    SCENARIOS[_call] = _look


@scenario
def set_submodule(nn, torch):
    model = nn.Sequential(nn.Sequential(nn.Linear(2, 2)))
    model.set_submodule("0.0", nn.ReLU())
    model.set_submodule("0.1", nn.Tanh())
    return repr(model)


@scenario
def missing_forward(nn, torch):
    class Empty(nn.Module):
        pass

    Empty()(1)


@scenario
def init_arguments(nn, torch):
    nn.Module(1)


@scenario
def init_keyword(nn, torch):
    nn.Module(size=1)


@scenario
def text(nn, torch):
    class Odd(nn.Module):
        def extra_repr(self):
            return "one\ntwo"

    model = nn.Sequential(nn.ModuleDict({"a": nn.Linear(1, 1), "b": nn.ReLU()}), Odd(), nn.Module())
    model.append(nn.ModuleList([nn.Linear(1, 1), nn.Linear(1, 1), nn.Sequential(nn.Tanh()), nn.Sequential(nn.Tanh())]))
    model.odd = Odd()
    model.odd.child = nn.ReLU()
    model.missing = None
    model.register_module("none", None)
    return repr(model)


@scenario
def modes(nn, torch):
    model = nn.Sequential(net(nn), nn.Dropout())
    model.eval()
    first = [m.training for m in model.modules()]
    model[0].train()
    return first, [m.training for m in model.modules()], model.train() is model


@scenario
def gradients(nn, torch):
    model = net(nn)
    model(torch.ones(1, 2)).sum().backward()
    model.zero_grad(set_to_none=False)
    zeros = [p.grad for p in model.parameters()]
    model.zero_grad()
    none = [p.grad for p in model.parameters()]
    model.requires_grad_(False)
    return zeros, none, [p.requires_grad for p in model.parameters()]


@scenario
def conversion(nn, torch):
    model = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1))
    weight = model[0].weight
    weight.grad = torch.ones(1, 1)
    seen = []
    for convert in (
        lambda m: m.double(),
        lambda m: m.to(torch.float16),
        lambda m: m.to("cpu", torch.float64),
        lambda m: m.to(torch.zeros(1, dtype=torch.bfloat16)),
        lambda m: m.to(device="cpu", dtype=torch.float32, non_blocking=True),
        lambda m: m.half(),
        lambda m: m.bfloat16(),
        lambda m: m.float().cpu(),
        lambda m: m.type(torch.float64),
        lambda m: m.to(dtype=torch.float32),
    ):
        assert convert(model) is model
        seen.append([str(v.dtype) for v in model.state_dict().values()])
        seen.append(str(weight.grad.dtype))
    assert model[0].weight is weight
    assert model[0]._parameters["weight"] is weight
    return seen


@scenario
def conversion_to_integers(nn, torch):
    nn.Linear(1, 1).to(torch.int64)


@scenario
def apply_visits_children_first(nn, torch):
    names = []
    nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.ReLU())).apply(lambda m: names.append(type(m).__name__))
    return names


@scenario
def strict_loading(nn, torch):
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    state = model.state_dict()
    del state["0.weight"]
    state["0.bias"] = torch.zeros(3)
    state["0.extra"] = torch.zeros(1)
    state["2.weight"] = torch.zeros(1)
    state["1.running_var"] = 3
    model.load_state_dict(state)


@scenario
def lenient_loading(nn, torch):
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    state = model.state_dict()
    del state["0.weight"]
    state["x"] = torch.zeros(3)
    result = model.load_state_dict(state, strict=False)
    return result.missing_keys, result.unexpected_keys, str(model.load_state_dict(model.state_dict())), str(result)


@scenario
def assigned_loading(nn, torch):
    model = nn.Linear(2, 2).requires_grad_(False)
    state = {"weight": torch.zeros(2, 2, dtype=torch.float64), "bias": nn.Parameter(torch.ones(2))}
    model.load_state_dict(state, assign=True)
    return (
        [type(p).__name__ for p in model.parameters()],
        model.bias is state["bias"],
        str(model.weight.dtype),
        [p.requires_grad for p in model.parameters()],
    )


@scenario
def old_batch_norm_state(nn, torch):
    model = nn.BatchNorm1d(2)
    state = dict(model.state_dict())
    del state["num_batches_tracked"]
    return str(model.load_state_dict(state))


@scenario
def extra_state(nn, torch):
    class Extra(nn.Module):
        value = 3

        def get_extra_state(self):
            return self.value

        def set_extra_state(self, state):
            self.value = state

    source, target = nn.Sequential(Extra(), nn.ReLU()), nn.Sequential(Extra(), nn.ReLU())
    source[0].value = 9
    target.load_state_dict(source.state_dict())
    try:
        target.load_state_dict({})
    except RuntimeError as error:
        return list(source.state_dict()), target[0].value, str(error)


@scenario
def state_hooks(nn, torch):
    model, log = net(nn), []
    model.register_state_dict_pre_hook(lambda m, prefix, keep: log.append(("pre", prefix, keep)))
    model.register_state_dict_post_hook(lambda m, sd, prefix, meta: log.append(("post", len(sd), prefix, meta)))
    model.register_load_state_dict_pre_hook(lambda m, *args: log.append(("load", type(m).__name__, len(args))))
    model.register_load_state_dict_post_hook(lambda m, keys: keys.missing_keys.clear())
    model.state_dict()
    model.load_state_dict({})
    return log


@scenario
def forward_hooks(nn, torch):
    model, log = net(nn), []
    first = model.register_forward_pre_hook(lambda m, args: (args[0] + 1,))
    model.register_forward_pre_hook(
        lambda m, args, kwargs: (args, {"scale": kwargs["scale"] * 2}), with_kwargs=True, prepend=True
    )
    model.register_forward_hook(lambda m, args, out: log.append(("plain", len(args))))
    model.register_forward_hook(lambda m, args, kwargs, out: out * 0 + kwargs["scale"], with_kwargs=True)
    out = model(torch.zeros(1, 2), scale=2.0)
    first.remove()
    first.remove()
    return out, log, len(model._forward_pre_hooks), list(model._forward_pre_hooks_with_kwargs.values())


@scenario
def bad_pre_hook(nn, torch):
    model = net(nn)
    model.register_forward_pre_hook(lambda m, args, kwargs: 3, with_kwargs=True)
    model(torch.zeros(1, 2))


@scenario
def always_called_hooks(nn, torch):
    log = []

    class Fails(nn.Module):
        def forward(self, x):
            raise ValueError("no")

    model = Fails()
    model.register_forward_hook(lambda m, args, out: log.append("never"))
    model.register_forward_hook(lambda m, args, out: log.append(("always", out)), always_call=True)
    try:
        model(1)
    except ValueError as error:
        log.append(str(error))
    return log


@scenario
def global_hooks(nn, torch):
    log = []
    where = nn.modules.module
    handles = [
        where.register_module_forward_pre_hook(lambda m, args: log.append(("pre", type(m).__name__))),
        where.register_module_forward_hook(lambda m, args, out: log.append(("post", type(m).__name__))),
        where.register_module_module_registration_hook(lambda m, name, child: log.append(("child", name))),
        where.register_module_parameter_registration_hook(lambda m, name, p: log.append(("param", name))),
        where.register_module_buffer_registration_hook(lambda m, name, b: log.append(("buffer", name))),
    ]
    nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1))(torch.zeros(2, 1))
    for handle in handles:
        handle.remove()
    nn.Linear(1, 1)(torch.zeros(1, 1))
    return log


@scenario
def full_backward_hooks(nn, torch):
    model, log = net(nn), []
    for param in model.parameters():
        param.data.fill_(0.5)
    model.register_full_backward_pre_hook(lambda m, grads: (grads[0] * 2,))
    model.register_full_backward_hook(lambda m, gi, go: log.append((gi[0], go[0])))
    model.fc.register_full_backward_hook(lambda m, gi, go: (gi[0] * 10,))
    x = torch.ones(1, 2, requires_grad=True)
    model(x).sum().backward()
    return log, x.grad, model.fc.weight.grad


@scenario
def mixed_backward_hooks(nn, torch):
    model = net(nn)
    model.register_full_backward_hook(lambda *a: None)
    model.register_backward_hook(lambda *a: None)


@scenario
def parameter_text(nn, torch):
    param = nn.Parameter(torch.ones(2))
    return (
        repr(param),
        param.requires_grad,
        type(param + 1).__name__,
        type(param.data).__name__,
        param.is_leaf,
        repr(nn.Parameter(torch.ones(2), requires_grad=False)),
        list(nn.Parameter().shape),
    )


@pytest.mark.filterwarnings("ignore:Positional args")
@pytest.mark.parametrize("name", list(SCENARIOS))
def test_same_behaviour(ref, name):
    ref.torch.manual_seed(0)
    core.manual_seed(0)
    ref.same_behaviour(SCENARIOS[name])
