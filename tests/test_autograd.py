"""Autograd beside PyTorch: accumulation, modes, versions, views and in-place changes, hooks, functions of one's own.

Most tests run one program with either library, and compare what it returns.
"""

from __future__ import annotations

import gc
import os
import re
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import corten
from tests.sampling import to_numpy

torch: Any = pytest.importorskip("torch")
PROGRAMS: list[Any] = []


def program(function: Any) -> Any:
    """Mark a function of the library whose result, or error, is to be the same in both."""
    PROGRAMS.append(function)
    return function


def plain(x: Any) -> Any:
    """Tensors as lists, dtypes and nodes as text, containers of them likewise."""
    if isinstance(x, (corten.Tensor, torch.Tensor)):
        return np.round(to_numpy(x), 6).tolist()
    if isinstance(x, (list, tuple)):
        return [plain(item) for item in x]
    if isinstance(x, dict):
        return {key: plain(item) for key, item in x.items()}
    return x if isinstance(x, (int, float, str, bool, type(None))) else str(x)


def ended(function: Any, lib: Any) -> tuple[Any, str]:
    """Return what a program returns, or the type of its error and its message without places and numbers of versions."""
    try:
        return "value", plain(function(lib))
    except Exception as error:
        return type(error).__name__, str(error)


@program
def gradients_accumulate(t):
    x = t.ones(3, requires_grad=True)
    (x * 2).sum().backward()
    first = x.grad
    (x * 3).sum().backward()
    return x.grad, first is x.grad, x.grad.requires_grad


@program
def a_gradient_is_needed_for_several_elements(t):
    t.ones(3, requires_grad=True).mul(2).backward()


@program
def backward_of_what_does_not_require_grad(t):
    t.ones(3).sum().backward()


@program
def a_second_backward(t):
    x = t.ones(3, requires_grad=True)
    y = (x * x).sum()
    y.backward()
    y.backward()


@program
def retained_graph(t):
    x = t.ones(3, requires_grad=True)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    return x.grad


@program
def create_graph(t):
    x = t.tensor([2.0, 3.0], requires_grad=True)
    (g,) = t.autograd.grad((x**3).sum(), x, create_graph=True)
    (h,) = t.autograd.grad(g.sum(), x, create_graph=True)
    (k,) = t.autograd.grad(h.sum(), x)
    return g, g.requires_grad, h, k


@program
def chosen_inputs(t):
    x, w = t.ones(2, requires_grad=True), t.ones(2, requires_grad=True)
    (x * w).sum().backward(inputs=[w])
    return x.grad, w.grad


@program
def unused_inputs(t):
    x, w = t.ones(2, requires_grad=True), t.ones(2, requires_grad=True)
    y = (x * 2).sum()
    allowed = t.autograd.grad(y, (x, w), allow_unused=True, retain_graph=True)
    zeros = t.autograd.grad(y, (x, w), materialize_grads=True, retain_graph=True)
    t.autograd.grad(y, (x, w))
    return allowed, zeros


@program
def unused_inputs_allowed(t):
    x, w = t.ones(2, requires_grad=True), t.ones(2, requires_grad=True)
    return t.autograd.grad((x * 2).sum(), (x, w), allow_unused=True)


@program
def grad_outputs(t):
    x = t.ones(2, requires_grad=True)
    return t.autograd.grad([x * 2, x * 3], x, [t.tensor([1.0, 2.0]), t.ones(2)]), x.grad


@program
def wrong_shape_of_a_gradient(t):
    t.ones(2, requires_grad=True).mul(2).backward(t.ones(3))


@program
def intermediate_gradients(t):
    x = t.ones(2, requires_grad=True)
    y = x * 2
    y.retain_grad()
    (y * y).sum().backward()
    return y.grad, x.grad, y.retains_grad, x.is_leaf, y.is_leaf


@program
def flags(t):
    x = t.ones(2)
    before = x.requires_grad, x.is_leaf, x.grad_fn
    x.requires_grad_()
    y = x + 1
    return before, x.requires_grad, y.requires_grad, y.is_leaf, y.detach().requires_grad, x.data.requires_grad, x.grad


@program
def integers_cannot_require_grad(t):
    t.ones(2, dtype=t.int64).requires_grad_()


@program
def only_leaves_change_requires_grad(t):
    (t.ones(2, requires_grad=True) * 2).requires_grad_(False)


NODES = {
    "AddBackward0": lambda t, x: x + x,
    "MulBackward0": lambda t, x: x * 2,
    "SubBackward0": lambda t, x: x - x,
    "DivBackward0": lambda t, x: x / 2,
    "PowBackward0": lambda t, x: x**2,
    "PowBackward1": lambda t, x: x**x,
    "NegBackward0": lambda t, x: -x,
    "ExpBackward0": lambda t, x: x.exp(),
    "SumBackward0": lambda t, x: x.sum(),
    "SumBackward1": lambda t, x: x.sum(0),
    "MeanBackward0": lambda t, x: x.mean(),
    "MeanBackward1": lambda t, x: x.mean(0),
    "MmBackward0": lambda t, x: x @ x,
    "TBackward0": lambda t, x: x.t(),
    "TransposeBackward0": lambda t, x: x.transpose(0, 1),
    "ViewBackward0": lambda t, x: x.view(4),
    "ReshapeAliasBackward0 or ViewBackward0": lambda t, x: x.reshape(4),
    "PermuteBackward0": lambda t, x: x.permute(1, 0),
    "UnsqueezeBackward0": lambda t, x: x.unsqueeze(0),
    "SelectBackward0": lambda t, x: x[0],
    "SliceBackward0": lambda t, x: x[0:1],
    "IndexBackward0": lambda t, x: x[t.tensor([0])],
    "CloneBackward0": lambda t, x: x.clone(),
    "CatBackward0": lambda t, x: t.cat([x, x]),
    "StackBackward0": lambda t, x: t.stack([x, x]),
    "MaxBackward0": lambda t, x: x.max(0)[0],
    "MaxBackward1": lambda t, x: x.max(),
    "ReluBackward0": lambda t, x: x.relu(),
    "SigmoidBackward0": lambda t, x: x.sigmoid(),
    "TanhBackward0": lambda t, x: x.tanh(),
    "SoftmaxBackward0": lambda t, x: x.softmax(0),
    "LogSoftmaxBackward0": lambda t, x: x.log_softmax(0),
    "AddmmBackward0": lambda t, x: t.nn.functional.linear(x, x, x[0]),
    "MseLossBackward0": lambda t, x: t.nn.functional.mse_loss(x, x.detach()),
    "WhereBackward0": lambda t, x: t.where(x > 0, x, x),
    "ToCopyBackward0": lambda t, x: x.double(),
    "UnbindBackward0": lambda t, x: x.unbind()[0],
    "SplitBackward0": lambda t, x: x.split(1)[1],
    "CopySlices": lambda t, x: set_first(x.clone()),
    "ExpandBackward0": lambda t, x: x.expand(3, 2, 2),
    "AccumulateGrad": lambda t, x: x + 1,
}


def set_first(x: Any) -> Any:
    x[0] = x[1] * 2
    return x


@pytest.mark.parametrize("name", NODES)
def test_nodes_have_the_names_of_pytorch(name: str) -> None:
    def described(lib: Any) -> Any:
        y = NODES[name](lib, lib.ones(2, 2, requires_grad=True))
        edges = [(None if node is None else node.name(), number) for node, number in y.grad_fn.next_functions]
        return y.grad_fn.name(), edges, y.output_nr, re.sub(" at 0x.*", "", repr(y.grad_fn))

    assert described(corten) == described(torch)


@program
def modes(t):
    x = t.ones(2, requires_grad=True)
    found = []
    with t.no_grad():
        found += [(x * 2).requires_grad, t.is_grad_enabled()]
        with t.enable_grad():
            found += [(x * 2).requires_grad]
        with t.set_grad_enabled(False):
            found += [(x * 2).requires_grad]
        found += [(x * 2).requires_grad]
    t.set_grad_enabled(False)
    found += [(x * 2).requires_grad]
    t.set_grad_enabled(True)
    with t.inference_mode():
        y = x * 2
        found += [y.requires_grad, y.is_inference(), t.is_inference_mode_enabled()]
    return found, x.requires_grad


@program
def modes_as_decorators(t):
    x = t.ones(2, requires_grad=True)

    @t.no_grad()
    def off():
        return (x * 2).requires_grad

    @t.no_grad
    def plain_off():
        return (x * 2).requires_grad

    @t.enable_grad()
    def on():
        return (x * 2).requires_grad

    @t.inference_mode()
    def inference():
        return (x * 2).is_inference()

    with t.no_grad():
        inside = on()
    return off(), plain_off(), on(), inside, inference(), (x * 2).requires_grad, off.__name__


@program
def modes_around_generators(t):
    x = t.ones(2, requires_grad=True)

    @t.no_grad()
    def items():
        for _ in range(2):
            yield (x * 2).requires_grad

    found = []
    for item in items():
        found += [item, (x * 2).requires_grad]
    return found


@program
def a_mode_ends_with_an_error(t):
    try:
        with t.no_grad():
            raise ValueError
    except ValueError:
        return t.is_grad_enabled()


@program
def inference_tensors_are_not_saved(t):
    with t.inference_mode():
        x = t.ones(2)
    (t.ones(2, requires_grad=True) * x).sum().backward()


@program
def inference_tensors_are_not_changed_outside(t):
    with t.inference_mode():
        x = t.ones(2)
    x.add_(1)


@program
def leaves_are_not_changed(t):
    t.ones(2, requires_grad=True).add_(1)


@program
def views_of_leaves_are_not_changed(t):
    t.ones(2, requires_grad=True)[0].add_(1)


@program
def leaves_are_changed_without_grad(t):
    x = t.ones(2, requires_grad=True)
    with t.no_grad():
        x.add_(1)
    return x, x._version


@program
def versions(t):
    x = t.ones(2, 2)
    view, alias, copy = x[0], x.detach(), x.data
    view.add_(1)
    x.mul_(2)
    copy.add_(1)
    return x._version, view._version, alias._version, copy._version, x


@program
def results_of_several_views_are_not_changed(t):
    x = t.ones(3, 2, requires_grad=True) * 1
    x.unbind()[0].add_(1)


@program
def data_is_assigned(t):
    x = t.ones(2, requires_grad=True)
    y = x * 2
    x.data = t.zeros(3)
    return x, x.shape, x.requires_grad, x.is_leaf, y


@program
def gradients_are_assigned(t):
    x = t.ones(2, requires_grad=True)
    x.grad = t.ones(2)
    (x * 2).sum().backward()
    first = x.grad
    x.grad = None
    return first, x.grad


@program
def gradients_of_wrong_shape_are_not_assigned(t):
    t.ones(2, requires_grad=True).grad = t.ones(3)


@program
def tensor_hooks(t):
    x = t.ones(2, requires_grad=True)
    seen = []
    y = x * 2
    y.register_hook(lambda g: seen.append(plain(g)))
    kept = y.register_hook(lambda g: g * 10)
    removed = y.register_hook(lambda g: g * 100)
    removed.remove()
    x.register_hook(lambda g: g + 1)
    (y * y).sum().backward()
    kept.remove()
    return x.grad, seen


@program
def hooks_after_accumulation(t):
    x = t.ones(2, requires_grad=True)
    seen = []
    handle = x.register_post_accumulate_grad_hook(lambda p: seen.append(plain(p.grad)))
    (x * 2 + x * 3).sum().backward()
    handle.remove()
    (x * 2).sum().backward()
    return seen, x.grad


@program
def hooks_of_nodes(t):
    x = t.ones(2, requires_grad=True)
    y = x * 2
    seen = []
    y.grad_fn.register_hook(lambda inputs, outputs: seen.append(("after", len(inputs), plain(outputs[0]))))
    y.grad_fn.register_prehook(lambda outputs: (outputs[0] * 3,))
    y.sum().backward()
    return x.grad, seen


@program
def a_hook_on_what_does_not_require_grad(t):
    t.ones(2).register_hook(print)


@program
def hooks_may_run_backward(t):
    x = t.ones(2, requires_grad=True)
    w = t.ones(2, requires_grad=True)
    x.register_hook(lambda g: (w * g.detach()).sum().backward())
    (x * 2).sum().backward()
    return w.grad


@program
def errors_of_hooks_pass(t):
    x = t.ones(2, requires_grad=True)

    def hook(_):
        raise KeyError("mine")

    x.register_hook(hook)
    x.sum().backward()


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_program(program: Any) -> None:
    ours, theirs = ended(program, corten), ended(program, torch)
    assert ours[0] == theirs[0], (ours, theirs)
    if ours[0] == "value":
        assert ours[1] == theirs[1]
    else:
        # The telling part: the first sentence, less addresses and quotes.
        first = re.split(r"[.:\n]", theirs[1])[0].strip().lower()
        assert first in ours[1].lower(), (ours, theirs)


def test_identity_of_gradients_and_saved_tensors() -> None:
    x = corten.ones(2, requires_grad=True)
    x.sum().backward()
    assert x.grad is x.grad
    y = x * 2
    assert y.grad_fn is y.grad_fn


def test_changed_tensors_are_named_with_the_line() -> None:
    x = corten.ones(3, requires_grad=True)
    y = x.exp()
    z = y * 2
    y.add_(1)  # the line
    with pytest.raises(RuntimeError, match="modified by an inplace operation") as caught:
        z.sum().backward()
    text = str(caught.value) + "".join(getattr(caught.value, "__notes__", ()))
    assert "ExpBackward0" in text
    assert "version 1; expected version 0" in text
    assert "add_" in text
    assert f"{os.path.basename(__file__)}" in text
    assert f"line {test_changed_tensors_are_named_with_the_line.__code__.co_firstlineno + 4}" in text or ":" in text


# A random program: tensors a, b (leaves) and what is made of them, changed through views.
VIEWS = {
    "row": lambda x: x[1],
    "column": lambda x: x[:, 0],
    "rows": lambda x: x[0:2],
    "steps": lambda x: x[::2],
    "t": lambda x: x.t(),
    "flat": lambda x: x.view(-1) if x.is_contiguous() else x.t(),
    "diagonal": lambda x: x.diagonal(),
    "narrow": lambda x: x.narrow(0, 1, 1),
    "expand": lambda x: x.unsqueeze(0),
}
CHANGES = {
    "mul_": lambda x, y: x.mul_(y),
    "add_": lambda x, y: x.add_(y),
    "copy_": lambda x, y: x.copy_(y),
    "sin_": lambda x, y: x.sin_(),
    "zero_": lambda x, y: x.zero_(),
    "sub a number": lambda x, y: x.sub_(0.5),
    "set": lambda x, y: x.__setitem__(0, y),
    "mask": lambda x, y: x.masked_fill_(x > 0.3, 0.7),
}
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["view", "change", "use", "detached"]),
        st.integers(0, 7),
        st.integers(0, 7),
        st.sampled_from(sorted(VIEWS)),
        st.sampled_from(sorted(CHANGES)),
    ),
    min_size=2,
    max_size=9,
)


def run_steps(lib: Any, steps: Any) -> Any:
    values = lib.linspace(-1, 1, 9, dtype=lib.float64)
    a = values.view(3, 3).clone().requires_grad_()
    b = (values * 0.5 + 0.1).view(3, 3).clone().requires_grad_()
    pool = [a * 1.5, b * 1]
    total = (a * b).sum() * 0
    for kind, i, j, view, change in steps:
        x, y = pool[i % len(pool)], pool[j % len(pool)]
        if kind == "view":
            pool.append(VIEWS[view](x) if x.dim() == 2 else x[:1])
        elif kind == "change":
            other = y.sum() * 0.25
            CHANGES[change](x, other)
        elif kind == "use":
            total = total + (x * 1.25).cos().sum()
        else:
            x.detach().mul_(0.5)
    for x in pool:
        total = total + (x * x).sum()
    gradients = lib.autograd.grad(total, (a, b), allow_unused=True)
    return [
        total.detach(),
        *gradients,
        *[x.detach() for x in pool],
        [x.grad_fn.name() for x in pool],
        [x._version for x in pool],
    ]


@settings(max_examples=300)
@given(STEPS)
def test_random_programs_of_views_and_changes(steps: Any) -> None:
    ours, theirs = (ended(lambda lib: run_steps(lib, steps), lib) for lib in (corten, torch))
    assert ours[0] == theirs[0], (ours, theirs)
    if ours[0] == "value":
        assert ours[1] == theirs[1]


def test_long_chains_need_no_stack() -> None:
    x = corten.ones(1, requires_grad=True)
    y = x
    for _ in range(1_000_000):
        y = y + 1.0
    y.backward()
    assert x.grad.item() == 1.0
    del y
    y = x
    for _ in range(1_000_000):
        y = y * 1.0
    del y  # freed without having run
    gc.collect()


def resident() -> int:
    """Bytes of memory in use."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="reads Linux's /proc")
def test_nothing_leaks() -> None:
    model = corten.nn.Sequential(corten.nn.Linear(20, 20), corten.nn.ReLU(), corten.nn.Linear(20, 1))
    optimizer = corten.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    x = corten.randn(8, 20)

    def step() -> None:
        h = x.clone()
        h[0] = h[1] * 2  # in-place on a view
        loss = model(h).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        (g,) = corten.autograd.grad(model[0].weight.pow(3).sum(), model[0].weight, create_graph=True)
        g.sum().backward()

    for _ in range(500):
        step()
    gc.collect()
    before = resident()
    for _ in range(10_000):
        step()
    gc.collect()
    assert resident() - before < 8 << 20


def test_threads_run_backward_at_once() -> None:
    x = corten.ones(1000, requires_grad=True)
    failed: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(50):
                own = corten.ones(1000, requires_grad=True)
                (own * 2 + x.detach()).sum().backward()
                assert own.grad.sum().item() == 2000
                (x * 3).sum().backward()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert x.grad.eq(6 * 50 * 3).all()
