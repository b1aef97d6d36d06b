"""Hooks on what nodes save, hooks on several gradients, and checkpoints, beside PyTorch."""

from __future__ import annotations

import gc
import importlib
import weakref
from typing import Any

import pytest

import corten
from tests.programs import ended, near, plain

torch: Any = pytest.importorskip("torch")
PROGRAMS: list[Any] = []


def program(function: Any) -> Any:
    """Mark a function of the library whose result, or error, is to be the same in both."""
    PROGRAMS.append(function)
    return function


def graph(t: Any) -> Any:
    return importlib.import_module(f"{t.__name__}.autograd.graph")


def checkpoints(t: Any) -> Any:
    return importlib.import_module(f"{t.__name__}.utils.checkpoint")


@program
def packed_and_unpacked(t):
    x, seen = t.ones(3, requires_grad=True), []

    def pack(y):
        seen.append((plain(y), y is x))
        return y.detach().numpy().copy()

    def unpack(kept):
        seen.append("unpacked")
        return t.from_numpy(kept) * 10

    with graph(t).saved_tensors_hooks(pack, unpack):
        y = (x * x).exp()
    (y * y).sum().backward()
    return x.grad, seen


@program
def nested_hooks(t):
    x, seen = t.ones(3, requires_grad=True), []
    hooks = graph(t).saved_tensors_hooks
    with hooks(lambda y: seen.append("outer") or y, lambda y: y):
        y = x.exp()
        with hooks(lambda y: seen.append("inner") or y, lambda y: y):
            y = y.sin()
        y = y.exp()
    y.exp().sum().backward()
    return x.grad, seen


@program
def higher_orders_through_packed_tensors(t):
    x = t.tensor([0.5, 1.5], dtype=t.float64, requires_grad=True)
    with graph(t).saved_tensors_hooks(lambda y: y.detach().clone(), lambda y: y):
        y = (x.exp() * x).sum()
        (first,) = t.autograd.grad(y, x, create_graph=True)
    return t.autograd.grad(first.sum(), x)


@program
def hooks_and_functions(t):
    seen = []

    class Square(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            return 2 * ctx.saved_tensors[0] * g

    x = t.ones(2, requires_grad=True)
    with graph(t).saved_tensors_hooks(lambda y: seen.append(plain(y)) or y * 1, lambda y: y * 5):
        y = Square.apply(x)
    y.sum().backward()
    return x.grad, seen


@program
def nothing_notices_changes_of_packed_tensors(t):
    x = t.ones(2, requires_grad=True)
    y = x * 1
    with graph(t).saved_tensors_hooks(lambda y: y.detach(), lambda y: y):
        z = (y * y).sum()
    y.detach().zero_()
    z.backward()
    return x.grad


@program
def unpacking_what_is_no_tensor(t):
    x = t.ones(2, requires_grad=True)
    with graph(t).saved_tensors_hooks(lambda y: y, lambda y: 3):
        y = x * x
    y.sum().backward()


@program
def packing_with_a_change(t):
    x = t.ones(2, requires_grad=True)
    with graph(t).saved_tensors_hooks(lambda y: y.detach().add_(1), lambda y: y):
        x.sin()


@program
def errors_of_packing_pass(t):
    def pack(_):
        raise KeyError("lost")

    x = t.ones(2, requires_grad=True)
    with graph(t).saved_tensors_hooks(pack, lambda y: y):
        x.sin()


@program
def disabled_hooks(t):
    with graph(t).disable_saved_tensors_hooks("not here"), graph(t).saved_tensors_hooks(lambda y: y, lambda y: y):
        pass


@program
def hooks_that_are_in_force_are_refused_too(t):
    with graph(t).saved_tensors_hooks(lambda y: y, lambda y: y), graph(t).disable_saved_tensors_hooks("not here"):
        pass


@program
def saved_on_the_host(t):
    x = t.ones(3, requires_grad=True)
    with graph(t).save_on_cpu(pin_memory=False):
        y = (x * x).exp()
    y.sum().backward()
    return x.grad


@program
def several_gradients_at_once(t):
    x, y, z = (t.ones(2, requires_grad=True) for _ in range(3))
    seen = []
    handle = graph(t).register_multi_grad_hook((x, y, z), lambda grads: seen.append(plain(grads)))
    (x * 2 + (y * 3).exp()).sum().backward()
    seen.append("next")
    (x * 2).sum().backward()
    handle.remove()
    (x * 2).sum().backward()
    return seen


@program
def the_first_of_several_gradients(t):
    x, y = t.ones(2, requires_grad=True), t.ones(2)
    seen = []
    graph(t).register_multi_grad_hook((x * 1, x, y), lambda grad: seen.append(plain(grad)), mode="any")
    (x * 2).sum().backward()
    (x * 3).sum().backward()
    return seen


@program
def an_unknown_mode(t):
    graph(t).register_multi_grad_hook((t.ones(2, requires_grad=True),), print, mode="most")


@program
def versions_counted_by_hand(t):
    x = t.ones(2)
    graph(t).increment_version(x)
    graph(t).increment_version([x, x])
    return x._version


@pytest.fixture(params=[False, True], ids=["saved", "reentrant"])
def reentrant(request):
    return request.param


def layers(t: Any, runs: list[int] | None = None) -> Any:
    def run(x, weight):
        if runs is not None:
            runs.append(1)
        h = t.nn.functional.dropout((x @ weight).tanh(), 0.5)
        return (h @ weight).sigmoid(), h.sin()

    return run


def test_checkpoint(reentrant: bool) -> None:
    def train(t, wrap):
        t.manual_seed(3)
        x, weight = (t.randn(4, 4, dtype=t.float64, requires_grad=True) for _ in range(2))
        runs: list[int] = []
        if wrap:
            a, b = checkpoints(t).checkpoint(layers(t, runs), x, weight, use_reentrant=reentrant)
        else:
            a, b = layers(t, runs)(x, weight)
        (a * b).sum().backward()
        return plain((a, x.grad, weight.grad, t.rand(2))), len(runs)

    (plainly, _), (ours, runs), (theirs, their_runs) = train(corten, False), train(corten, True), train(torch, True)
    assert ours == plainly
    assert near(ours, theirs)
    assert runs == their_runs == 2


def test_sequential_checkpoints(reentrant: bool) -> None:
    def train(t):
        t.manual_seed(0)
        model = t.nn.Sequential(*(t.nn.Sequential(t.nn.Linear(3, 3), t.nn.Tanh()) for _ in range(5))).double()
        x = t.ones(2, 3, dtype=t.float64, requires_grad=True)
        checkpoints(t).checkpoint_sequential(model, 2, x, use_reentrant=reentrant).sum().backward()
        return plain([x.grad, *(p.grad for p in model.parameters())])

    assert near(train(corten), train(torch))


@program
def nested_checkpoints(t):
    check = checkpoints(t).checkpoint
    x = t.tensor([0.5, 2.0], dtype=t.float64, requires_grad=True)

    def inner(y):
        return y.exp().sin()

    def outer(y):
        return check(inner, y * y, use_reentrant=False).exp() * y

    check(outer, x, use_reentrant=False).sum().backward()
    return x.grad


@program
def checkpoints_and_higher_orders(t):
    x = t.tensor([0.5, 2.0], dtype=t.float64, requires_grad=True)
    y = checkpoints(t).checkpoint(lambda y: (y * y).exp(), x, use_reentrant=False)
    (first,) = t.autograd.grad(y.sum(), x, create_graph=True)
    return first, t.autograd.grad(first.sum(), x)


@program
def checkpoints_stop_early(t):
    seen = []

    def run(x):
        x = x.exp()
        seen.append("first")
        x = x.sin()
        seen.append("second")
        return x

    for stop in (True, False):
        x = t.ones(2, requires_grad=True)
        with checkpoints(t).set_checkpoint_early_stop(stop):
            y = checkpoints(t).checkpoint(run, x, use_reentrant=False)
        y.sum().backward()
    return seen


@program
def checkpoints_take_names_and_contexts(t):
    seen = []

    class Context:
        def __init__(self, name):
            self.name = name

        def __enter__(self):
            seen.append(self.name)

        def __exit__(self, *error):
            seen.append("end of " + self.name)

    x = t.ones(2, requires_grad=True)
    y = checkpoints(t).checkpoint(
        lambda y, scale: (y * scale).exp(),
        x,
        use_reentrant=False,
        scale=3,
        context_fn=lambda: (Context("first"), Context("second")),
    )
    y.sum().backward()
    return x.grad, seen


@program
def a_second_run_with_other_shapes(t):
    sizes = iter([2, 3, 3])
    x = t.ones(1, requires_grad=True)
    checkpoints(t).checkpoint(lambda y: y.expand(next(sizes)).exp().sin(), x, use_reentrant=False).sum().backward()


@program
def a_second_run_with_fewer_tensors(t):
    deep = iter([True, False, False])
    x = t.ones(1, requires_grad=True)
    run = checkpoints(t).checkpoint(lambda y: y.exp().sin() if next(deep) else y.exp(), x, use_reentrant=False)
    run.sum().backward()


@program
def reentrant_checkpoints_and_grad(t):
    x = t.ones(2, requires_grad=True)
    t.autograd.grad(checkpoints(t).checkpoint(t.exp, x, use_reentrant=True).sum(), x)


@program
def reentrant_checkpoints_and_names(t):
    checkpoints(t).checkpoint(t.exp, t.ones(2, requires_grad=True), use_reentrant=True, out=None)


@program
def checkpoints_where_nothing_is_recorded(t):
    with t.no_grad():
        y = checkpoints(t).checkpoint(t.exp, t.ones(2, requires_grad=True), use_reentrant=False)
    return y, y.requires_grad


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_program(program: Any) -> None:
    ours, theirs = ended(program, corten), ended(program, torch)
    assert ours[0] == theirs[0], (ours, theirs)
    if ours[0] == "value":
        assert near(ours[1], theirs[1]), (ours[1], theirs[1])
    else:
        assert theirs[1].split("\n")[0].split(".")[0] in ours[1], (ours, theirs)


def test_checkpoints_keep_nothing() -> None:
    seen = []

    def run(x):
        y = x.exp()
        seen.append(weakref.ref(y))
        return y.sin()

    x = corten.ones(2, requires_grad=True)
    z = checkpoints(corten).checkpoint(run, x, use_reentrant=False)
    gc.collect()
    assert seen[0]() is None
    z.sum().backward()
    assert seen[1]() is None


def test_results_of_packing_live_as_long_as_the_node() -> None:
    class Kept:
        def __init__(self, x: Any) -> None:
            self.x = x

    seen = []

    def pack(x: Any) -> Kept:
        kept = Kept(x)
        seen.append(weakref.ref(kept))
        return kept

    x = corten.ones(2, requires_grad=True)
    with graph(corten).saved_tensors_hooks(pack, lambda kept: kept.x):
        y, z = x.exp(), x.sin()
    y.sum().backward()
    z.sum().backward()
    assert [kept() for kept in seen] == [None, None]


def test_the_argument_use_reentrant_should_be_given() -> None:
    for t in (corten, torch):
        with pytest.warns(UserWarning, match="the use_reentrant parameter should be passed explicitly"):
            checkpoints(t).checkpoint(t.exp, t.ones(2, requires_grad=True))
        with pytest.warns(UserWarning, match="None of the inputs have requires_grad=True"):
            checkpoints(t).checkpoint(t.exp, t.ones(2), use_reentrant=True)


def test_checkpoints_refuse_what_means_nothing() -> None:
    with pytest.raises(ValueError, match="debug"):
        checkpoints(corten).checkpoint(corten.exp, corten.ones(2), use_reentrant=False, debug=True)
    with pytest.raises(ValueError, match="determinism_check should be one of"):
        checkpoints(corten).checkpoint(corten.exp, corten.ones(2), use_reentrant=False, determinism_check="some")
