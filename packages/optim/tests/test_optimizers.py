"""Optimizers against PyTorch's: training runs, state that crosses over both ways, text, messages, hooks."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import corten_optim as optim
import corten_tensor_core as core
from corten_optim._state import ParamState

CASES = [
    ("SGD", {}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("SGD", {"lr": 1e-4, "maximize": True, "momentum": 0.5}),
    ("Adam", {}),
    ("Adam", {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.1}),
    ("Adam", {"amsgrad": True, "maximize": True}),
    ("Adam", {"decoupled_weight_decay": True, "weight_decay": 0.1}),
    ("AdamW", {"lr": 0.01}),
    ("AdamW", {"amsgrad": True, "weight_decay": 0.2}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.9, "centered": True, "weight_decay": 0.01}),
    ("RMSprop", {"alpha": 0.9, "maximize": True}),
    ("Adagrad", {}),
    ("Adagrad", {"lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.5}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.5, "rho": 0.8, "weight_decay": 0.1, "maximize": True}),
    ("Adamax", {}),
    ("Adamax", {"betas": (0.8, 0.9), "eps": 1e-3, "weight_decay": 0.1, "maximize": True}),
    ("NAdam", {}),
    ("NAdam", {"weight_decay": 0.1, "momentum_decay": 0.01, "maximize": True}),
    ("NAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True, "foreach": True}),
    ("RAdam", {"lr": 0.01}),
    ("RAdam", {"weight_decay": 0.1, "betas": (0.9, 0.99), "maximize": True}),
    ("RAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("ASGD", {}),
    ("ASGD", {"lambd": 0.01, "alpha": 0.5, "t0": 3, "weight_decay": 0.1}),
    ("Rprop", {}),
    ("Rprop", {"etas": (0.4, 1.5), "step_sizes": (1e-3, 0.1), "maximize": True}),
    ("Adafactor", {}),
    ("Adafactor", {"lr": 0.1, "beta2_decay": -0.5, "eps": (1e-5, 1e-2), "d": 2.0, "weight_decay": 0.1}),
    ("Adafactor", {"maximize": True}),
]
LBFGS = [
    {"lr": 0.5, "max_iter": 4},
    {"line_search_fn": "strong_wolfe", "max_iter": 8, "history_size": 3},
]
RNG = np.random.default_rng(2)
STARTS = [RNG.standard_normal(shape).astype(np.float32) for shape in ((3, 4), (5,), ())]
TARGETS = [RNG.standard_normal(shape).astype(np.float32) for shape in ((3, 4), (5,), ())]
X, Y = RNG.standard_normal((16, 4)).astype(np.float32), RNG.standard_normal((16, 3)).astype(np.float32)


def parameters(tensor):
    double = tensor(STARTS[1].astype(np.float64))
    return [p.requires_grad_() for p in (*map(tensor, STARTS), double)]


def train(optimizer, params, tensor, steps, start=0):
    """Fit a line and other terms; the second parameter misses every fourth gradient."""
    x, y = tensor(X), tensor(Y)
    for i in range(start, start + steps):
        optimizer.zero_grad()
        loss = ((x @ params[0].T - y) ** 2).mean() + ((params[2] - 1) ** 4) + (params[3] ** 2).sum().to(x.dtype)
        if i % 4 != 3:
            loss = loss + ((params[1] - tensor(TARGETS[1])) ** 2).sum()
        loss.backward()
        optimizer.step()
    return params


def ids(case):
    return f"{case[0]}-{case[1]}".replace(" ", "")


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_training_and_state(ref, case):
    name, settings = case
    ours, theirs = parameters(core.tensor), parameters(ref.torch.tensor)
    a, b = getattr(optim, name)(ours, **settings), getattr(ref.optim, name)(theirs, **settings)
    train(a, ours, core.tensor, 20)
    train(b, theirs, ref.torch.tensor, 20)
    ref.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    ref.assert_close(a.state_dict(), b.state_dict(), rtol=1e-4, atol=1e-5)
    assert repr(a) == repr(b)


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_state_crosses_over(ref, case):
    name, settings = case
    ours, theirs = parameters(core.tensor), parameters(ref.torch.tensor)
    a, b = getattr(optim, name)(ours, **settings), getattr(ref.optim, name)(theirs, **settings)
    train(a, ours, core.tensor, 5)
    train(b, theirs, ref.torch.tensor, 5)
    for mine, other in zip(ours, theirs, strict=True):
        mine.data, other.data = ref.back(other), ref.into(mine)
    saved_a, saved_b = ref.into(a.state_dict()), ref.back(b.state_dict())
    a.load_state_dict(saved_b)
    b.load_state_dict(saved_a)
    train(a, ours, core.tensor, 5, start=5)
    train(b, theirs, ref.torch.tensor, 5, start=5)
    ref.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    ref.assert_close(a.state_dict(), b.state_dict(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "case",
    [("Adamax", {}), ("NAdam", {"weight_decay": 0.1}), ("RAdam", {}), ("ASGD", {"weight_decay": 0.1}), ("Rprop", {})],
    ids=ids,
)
def test_complex_parameters(ref, case):
    name, settings = case

    def run(library, tensors):
        p = tensors.tensor([1.0 + 2.0j, -0.5j, 3.0], requires_grad=True)
        optimizer = getattr(library, name)([p], **settings)
        for _ in range(8):
            optimizer.zero_grad()
            (p * (1.0 - 0.5j) + 0.3).abs().square().sum().backward()
            optimizer.step()
        return p, optimizer.state_dict()

    for ours, theirs in zip(run(optim, core), run(ref.optim, ref.torch), strict=True):
        ref.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "settings",
    [{}, {"nesterov": False, "lr": 0.02, "adjust_lr_fn": "match_rms_adamw"}, {"weight_decay": 0.0, "ns_steps": 3}],
    ids=str,
)
@pytest.mark.parametrize("shape", [(4, 6), (6, 4)], ids=str)
def test_muon(ref, shape, settings):
    # The update is computed in bfloat16, where sums in another order differ in the third digit.
    start = np.random.default_rng(3).standard_normal(shape).astype(np.float32)

    def run(library, tensors):
        p = tensors.tensor(start).requires_grad_()
        optimizer = library.Muon([p], **settings)
        for i in range(5):
            optimizer.zero_grad()
            ((p - i) ** 3).sum().backward()
            optimizer.step()
        return p, optimizer

    (p, ours), (q, theirs) = run(optim, core), run(ref.optim, ref.torch)
    ref.assert_close(p, q, rtol=0, atol=0.03 * settings.get("lr", 1e-3) * 5)
    ref.assert_close(ours.state_dict(), theirs.state_dict(), rtol=1e-3, atol=1e-2)
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("settings", LBFGS, ids=str)
def test_state_of_lbfgs_crosses_over(ref, settings):
    def build(library, tensor):
        param = tensor(STARTS[0].astype(np.float64)).requires_grad_()
        return param, library.LBFGS([param], **settings)

    def steps(param, optimizer, tensor):
        x, y = tensor(X.astype(np.float64)), tensor(Y.astype(np.float64))

        def closure():
            optimizer.zero_grad()
            loss = ((x @ param.T - y) ** 4).mean()
            loss.backward()
            return loss

        return [optimizer.step(closure).item() for _ in range(2)]

    (p, ours), (q, theirs) = build(optim, core.tensor), build(ref.optim, ref.torch.tensor)
    assert steps(p, ours, core.tensor) == pytest.approx(steps(q, theirs, ref.torch.tensor), rel=1e-9)
    saved = ref.into(ours.state_dict()), ref.back(theirs.state_dict())
    (mine,), (other,) = (x.state_dict()["state"].values() for x in (ours, theirs))
    assert set(mine) == set(other)
    for key in set(other) - {"al"}:  # scratch
        ref.assert_close(mine[key], other[key], rtol=1e-6, atol=1e-9)
    p.data, q.data = ref.back(q), ref.into(p)
    theirs.load_state_dict(saved[0])
    ours.load_state_dict(saved[1])
    assert steps(p, ours, core.tensor) == pytest.approx(steps(q, theirs, ref.torch.tensor), rel=1e-8)


@pytest.mark.parametrize("settings", LBFGS, ids=str)
def test_lbfgs(ref, settings):
    # In double precision: where a line search ends depends on the last bits.
    def run(library, tensor):
        params = [tensor(start.astype(np.float64)).requires_grad_() for start in (STARTS[0], STARTS[2])]
        optimizer = library.LBFGS(params, **settings)
        x, y = tensor(X.astype(np.float64)), tensor(Y.astype(np.float64))

        def closure():
            optimizer.zero_grad()
            loss = ((x @ params[0].T * params[1] - y) ** 2).mean()
            loss.backward()
            return loss

        losses = [optimizer.step(closure).item() for _ in range(5)]
        return losses, params, optimizer.state[params[0]]["func_evals"], repr(optimizer)

    ours, theirs = run(optim, core.tensor), run(ref.optim, ref.torch.tensor)
    assert ours[0] == pytest.approx(theirs[0], rel=1e-9)
    ref.assert_close(ours[1], theirs[1], rtol=1e-7, atol=1e-8)
    assert ours[2:] == theirs[2:]
    assert ours[0][-1] < ours[0][0]


def test_groups_with_their_own_settings(ref):
    def run(library, tensor):
        params = parameters(tensor)
        optimizer = library.SGD([{"params": params[:2]}, {"params": params[2:], "lr": 0.2}], lr=0.01, momentum=0.5)
        train(optimizer, params, tensor, 3)
        return optimizer.state_dict(), params

    for ours, theirs in zip(run(optim, core.tensor), run(ref.optim, ref.torch.tensor), strict=True):
        ref.assert_close(ours, theirs)


def test_named_parameters(ref):
    def run(library, tensor):
        params = parameters(tensor)
        return library.Adam([("w", params[0]), ("b", params[1])]).state_dict()

    ref.assert_close(run(optim, core.tensor), run(ref.optim, ref.torch.tensor))


MISTAKES = {
    "tensor": lambda o, t: o.SGD(t.zeros(1), lr=1),
    "empty": lambda o, t: o.SGD([], lr=1),
    "number": lambda o, t: o.SGD([3], lr=1),
    "set": lambda o, t: o.SGD([{"params": {t.zeros(1)}}], lr=1),
    "non-leaf": lambda o, t: o.SGD([t.zeros(1, requires_grad=True) * 2], lr=1),
    "twice": lambda o, t: (lambda p: o.SGD([{"params": p}, {"params": p}], lr=1))(t.zeros(1)),
    "names": lambda o, t: o.SGD([("a", t.zeros(1)), t.zeros(1)], lr=1),
    "mixed names": lambda o, t: o.SGD([("a", t.zeros(1))], lr=1).add_param_group({"params": [t.zeros(1)]}),
    "group": lambda o, t: o.SGD([t.zeros(1)], lr=1).add_param_group([t.zeros(1)]),
    "lr": lambda o, t: o.SGD([t.zeros(1)], lr=-1),
    "momentum": lambda o, t: o.SGD([t.zeros(1)], momentum=-0.5),
    "weight decay": lambda o, t: o.SGD([t.zeros(1)], weight_decay=-1),
    "nesterov": lambda o, t: o.SGD([t.zeros(1)], nesterov=True),
    "tensor lr": lambda o, t: o.SGD([t.zeros(1)], lr=t.zeros(2)),
    "adam lr": lambda o, t: o.Adam([t.zeros(1)], lr=float("nan")),
    "adam eps": lambda o, t: o.Adam([t.zeros(1)], eps=-1),
    "adam beta": lambda o, t: o.Adam([t.zeros(1)], betas=(0.9, 1.0)),
    "adam decay": lambda o, t: o.AdamW([t.zeros(1)], weight_decay=-1),
    "alpha": lambda o, t: o.RMSprop([t.zeros(1)], alpha=-1),
    "rho": lambda o, t: o.Adadelta([t.zeros(1)], rho=2),
    "lr decay": lambda o, t: o.Adagrad([t.zeros(1)], lr_decay=-1),
    "accumulator": lambda o, t: o.Adagrad([t.zeros(1)], initial_accumulator_value=-1),
    "adamax beta": lambda o, t: o.Adamax([t.zeros(1)], betas=(0.9, 1.0)),
    "nadam decay": lambda o, t: o.NAdam([t.zeros(1)], momentum_decay=-1),
    "radam lr": lambda o, t: o.RAdam([t.zeros(1)], lr=-1),
    "asgd lr": lambda o, t: o.ASGD([t.zeros(1)], lr=t.zeros(2)),
    "etas": lambda o, t: o.Rprop([t.zeros(1)], etas=(0.5, 0.9)),
    "adafactor lr": lambda o, t: o.Adafactor([t.zeros(1)], lr=-1),
    "adafactor decay": lambda o, t: o.Adafactor([t.zeros(1)], beta2_decay=1),
    "adafactor eps1": lambda o, t: o.Adafactor([t.zeros(1)], eps=(-1, 1)),
    "adafactor eps2": lambda o, t: o.Adafactor([t.zeros(1)], eps=(None, -1)),
    "adafactor d": lambda o, t: o.Adafactor([t.zeros(1)], d=0.5),
    "adafactor weight decay": lambda o, t: o.Adafactor([t.zeros(1)], weight_decay=-1),
    "adafactor complex": lambda o, t: _complex(o.Adafactor, t),
    "muon lr": lambda o, t: o.Muon([t.zeros(1, 1)], lr=-1),
    "muon momentum": lambda o, t: o.Muon([t.zeros(1, 1)], momentum=-1),
    "muon weight decay": lambda o, t: o.Muon([t.zeros(1, 1)], weight_decay=-1),
    "muon adjustment": lambda o, t: o.Muon([t.zeros(1, 1)], adjust_lr_fn="x"),
    "muon vector": lambda o, t: o.Muon([t.zeros(3)]),
    "muon steps": lambda o, t: _complex(lambda p: o.Muon(p, ns_steps=100), t, t.float32),
    "muon coefficients": lambda o, t: _complex(lambda p: o.Muon(p, ns_coefficients=(1, 2)), t, t.float32),
    "muon complex": lambda o, t: _complex(o.Muon, t),
    "lbfgs groups": lambda o, t: o.LBFGS([{"params": [t.zeros(1)]}, {"params": [t.zeros(1)]}]),
    "search": lambda o, t: _search(o, t),
    "required": lambda o, t: _required(o, t),
    "step": lambda o, t: o.Optimizer([t.zeros(1)], {}).step(),
    "load groups": lambda o, t: o.SGD([t.zeros(1)]).load_state_dict({"state": {}, "param_groups": []}),
    "load sizes": lambda o, t: o.SGD([t.zeros(1)]).load_state_dict({"state": {}, "param_groups": [{"params": [0, 1]}]}),
    "step hook": lambda o, t: _bad_hook(o, t),
}


def _complex(make, t, dtype=None):
    p = t.ones(2, 2, dtype=dtype or t.complex64, requires_grad=True)
    optimizer = make([p])
    p.grad = t.ones_like(p)
    optimizer.step()


def _search(o, t):
    p = t.ones(1, requires_grad=True)

    def closure():
        loss = (p * p).sum()
        loss.backward()
        return loss

    o.LBFGS([p], line_search_fn="golden").step(closure)


def _required(o, t):
    module = __import__(f"{o.Optimizer.__module__}", fromlist=["required"])
    o.Optimizer([t.zeros(1)], {"lr": module.required})


def _bad_hook(o, t):
    optimizer = o.SGD([t.zeros(1)])
    optimizer.register_step_pre_hook(lambda *a: 3)
    try:
        optimizer.step()
    except RuntimeError as error:
        raise RuntimeError(str(error).partition(" must ")[2]) from None


@pytest.mark.parametrize("name", list(MISTAKES))
def test_mistakes(ref, name):
    outcomes = []
    for library, tensors in ((optim, core), (ref.optim, ref.torch)):
        with pytest.raises((TypeError, ValueError, RuntimeError, NotImplementedError)) as caught:
            MISTAKES[name](library, tensors)
        outcomes.append((caught.type, str(caught.value)))
    assert outcomes[0] == outcomes[1]


def test_differentiable_steps_are_refused():
    with pytest.raises(NotImplementedError, match="differentiable=True"):
        optim.Adam([core.zeros(1)], differentiable=True)


def test_duplicates_warn():
    p = core.zeros(1)
    with pytest.warns(UserWarning, match="duplicate parameters"):
        optim.SGD([p, p])


def with_grad(value=1.0):
    p = core.ones(2, requires_grad=True)
    p.grad = core.full((2,), value)
    return p


def test_closure_is_called_with_gradients_enabled():
    p = with_grad()
    seen = []

    def closure():
        seen.append((p * 2).requires_grad)
        return 5

    assert optim.SGD([p]).step(closure) == 5
    assert seen == [True]


def test_zero_grad():
    p = with_grad()
    optimizer = optim.SGD([p, core.zeros(1)])
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.tolist() == [0.0, 0.0]
    optimizer.zero_grad()
    assert p.grad is None


def test_step_hooks():
    p, log = with_grad(), []
    optimizer = optim.AdamW([p])
    handle = optimizer.register_step_pre_hook(lambda o, args, kwargs: log.append(("pre", args[0] is o)))
    optimizer.register_step_post_hook(lambda o, args, kwargs: log.append(("post", kwargs)))
    everywhere = optim.register_optimizer_step_post_hook(lambda o, args, kwargs: log.append("everywhere"))
    optimizer.step()
    handle.remove()
    everywhere.remove()
    optimizer.step()
    assert log == [("pre", True), ("post", {}), "everywhere", ("post", {})]


def test_step_hooks_run_once_in_subclasses():
    class Mine(optim.SGD):
        def step(self, closure=None):
            return super().step(closure)

    log = []
    optimizer = Mine([with_grad()])
    optimizer.register_step_post_hook(lambda *a: log.append(1))
    optimizer.step()
    assert log == [1]


def test_state_dict_hooks():
    optimizer = optim.SGD([with_grad()], momentum=0.5)
    optimizer.register_state_dict_post_hook(lambda o, sd: {**sd, "extra": 1})
    optimizer.register_load_state_dict_pre_hook(lambda o, sd: {**sd, "state": {}})
    log = []
    optimizer.register_state_dict_pre_hook(lambda o: log.append("save"))
    optimizer.register_load_state_dict_post_hook(lambda o: log.append("load"))
    optimizer.step()
    saved = optimizer.state_dict()
    assert saved["extra"] == 1
    optimizer.load_state_dict(saved)
    assert not optimizer.state
    assert log == ["save", "load"]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_copies_go_on_alone(copied):
    p = with_grad()
    optimizer = optim.Adam([p], lr=0.1)
    optimizer.step()
    twin = copied(optimizer)
    q = twin.param_groups[0]["params"][0]
    assert q is not p
    q.grad = core.ones(2)
    twin.step()
    assert twin.state[q]["step"].item() == 2
    assert optimizer.state[p]["step"].item() == 1
    assert repr(twin) == repr(optimizer)


def test_state_dict_holds_plain_dicts():
    p = with_grad()
    optimizer = optim.Adam([p])
    optimizer.step()
    assert type(optimizer.state_dict()["state"][0]) is dict
    assert type(optimizer.state[p]) is ParamState
    assert type(copy.deepcopy(optimizer.state[p])) is dict


def test_changes_of_the_state_are_noticed():
    p = with_grad()
    optimizer = optim.SGD([p], lr=1.0, momentum=0.5)
    optimizer.step()
    optimizer.step()
    before = p.detach().clone()
    optimizer.state[p]["momentum_buffer"] = core.zeros(2)
    optimizer.step()
    assert (before - p).tolist() == [1.0, 1.0]
    before = p.detach().clone()
    optimizer.state.clear()
    optimizer.step()
    assert (before - p).tolist() == [1.0, 1.0]
    before = p.detach().clone()
    optimizer.state[p].pop("momentum_buffer")
    optimizer.step()
    assert (before - p).tolist() == [1.0, 1.0]
    before = p.detach().clone()
    optimizer.state[p].update(momentum_buffer=core.full((2,), 4.0))
    optimizer.step()
    assert (before - p).tolist() == [3.0, 3.0]


def test_changes_of_the_groups_are_noticed():
    p, q = with_grad(), with_grad()
    optimizer = optim.SGD([p], lr=1.0, momentum=0.5)
    optimizer.step()
    optimizer.param_groups[0]["params"].append(q)
    optimizer.param_groups[0]["lr"] = 2.0
    optimizer.step()
    assert q.tolist() == [-1.0, -1.0]
    optimizer.param_groups[0]["params"][0] = r = with_grad()
    optimizer.step()
    assert r.tolist() == [-1.0, -1.0]
    assert p.tolist() == [-3.0, -3.0]


def test_tensor_learning_rate():
    p = with_grad()
    optim.SGD([p], lr=core.tensor(0.5)).step()
    assert p.tolist() == [0.5, 0.5]


def test_parameters_without_gradients_have_no_state():
    p, q = with_grad(), core.ones(1, requires_grad=True)
    optimizer = optim.Adam([p, q])
    optimizer.step()
    assert q not in optimizer.state
    q.grad = core.ones(1)
    optimizer.step()
    assert optimizer.state[q]["step"].item() == 1
    assert optimizer.state[p]["step"].item() == 2


def test_own_optimizer():
    class Sign(optim.Optimizer):
        def __init__(self, params, lr=0.1):
            super().__init__(params, {"lr": lr})

        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    state = self.state[p]
                    state["count"] = state.get("count", 0) + 1
                    p.data.add_(p.grad.sign(), alpha=-group["lr"])

    p = with_grad(3.0)
    optimizer = Sign([p], lr=1.0)
    optimizer.step()
    assert p.tolist() == [0.0, 0.0]
    assert optimizer.state_dict()["state"] == {0: {"count": 1}}


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta"])
def test_parameters_whose_elements_share_memory_are_refused(name: str) -> None:
    x = core.ones(1).expand(3).detach().requires_grad_()
    x.grad = core.ones(3)
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
        getattr(optim, name)([x], lr=0.1).step()
    assert x.tolist() == [1.0, 1.0, 1.0]


def test_groups_are_printed_apart(ref):
    texts = []
    for library, torch in ((optim, core), (ref.optim, ref.torch)):
        groups = [{"params": [torch.ones(1)]}, {"params": [torch.ones(1)], "lr": 2.0}]
        texts.append(repr(library.SGD(groups, lr=0.1)))
    assert texts[0] == texts[1]


def test_state_is_shown_as_pytorch_shows_it():
    optimizer = optim.SGD([core.ones(1, requires_grad=True)], lr=0.1)
    assert repr(optimizer.state) == "defaultdict(<class 'dict'>, {})"
