"""Autograd beside PyTorch: accumulation, modes, versions, hooks, the names of nodes and the messages of errors.

Most tests run one program with either library, and compare what it returns.
"""

from __future__ import annotations

import os
import re
from typing import Any

import pytest

import corten
from tests.programs import ended, name_of, near, plain

torch: Any = pytest.importorskip("torch")
PROGRAMS: list[Any] = []


def program(function: Any) -> Any:
    """Mark a function of the library whose result, or error, is to be the same in both."""
    PROGRAMS.append(function)
    return function


@program
def the_first_input_of_a_linear_layer_is_its_bias(t):
    x, w, b = (t.ones(size, requires_grad=True) for size in ((1, 2), (3, 2), (3,)))
    first = t.nn.functional.linear(x * 2, w, b).grad_fn.next_functions
    return first[0][0].variable.shape, first[1][0].name()


@program
def new_data_of_a_leaf_have_gradients_of_their_own_kind(t):
    found = []
    for data in (t.ones(2, dtype=t.float64), t.ones(5), t.ones(2, 3)):
        x = t.ones(2, requires_grad=True)
        (x * 2).sum().backward()
        x.grad = None
        x.data = data
        (x * 3).sum().backward()
        found.append((x.grad.shape, x.grad.element_size()))
    layer = t.nn.Linear(2, 2)
    layer(t.ones(1, 2)).sum().backward()
    layer.double()(t.ones(1, 2, dtype=t.float64)).sum().backward()
    x = t.ones(4, 2, requires_grad=True)
    (x * 2).sum().backward()
    with t.no_grad():
        x.grad = None
        x.t_()
    (x * 3).sum().backward()
    return found, layer.weight.grad.element_size(), plain(layer.weight.grad), x.grad.shape


@program
def a_leaf_that_is_a_view_is_not_changed_through_its_views(t):
    x = t.arange(4.0).view(2, 2).requires_grad_()
    messages = []
    for change in (lambda: x[0].add_(1), lambda: x.fill_(1), lambda: x.__setitem__(0, 3), lambda: x.view(-1).zero_()):
        try:
            change()
        except RuntimeError as error:
            messages.append(str(error))
    return messages, x.is_leaf, plain(x)


@program
def comparisons_in_place_have_no_gradient(t):
    found = []
    for change in ("eq_", "ne_", "lt_", "le_", "gt_", "ge_"):
        for other in (2, t.full((3,), 2.0)):
            x = t.tensor([1.0, 2.0, 3.0], requires_grad=True)
            y = x * 2
            getattr(y, change)(other)
            y.sum().backward()
            found.append((plain(y), plain(x.grad)))
    return found


@program
def clamp_is_named_after_the_kind_of_its_bounds(t):
    x = t.ones(2, requires_grad=True)
    return [name_of(y.grad_fn) for y in (x.clamp(0), x.clamp(max=1), x.clip(0, 1), x.clamp(t.zeros(2)))]


@program
def probabilities_to_learn_are_between_zero_and_one(t):
    t.nn.functional.binary_cross_entropy(t.tensor([0.5]), t.tensor([2.0]))


@program
def a_changed_result_is_named_after_its_operation(t):
    y = t.ones(2, requires_grad=True).exp()
    y += 1
    try:
        y.sum().backward()
    except RuntimeError as error:
        return str(error).split(";")[0]


@program
def nodes_of_functions_have_their_module(t):
    class Twice(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        def backward(ctx, g):
            return 2 * g

    return repr(Twice.apply(t.ones(1, requires_grad=True)).grad_fn).split(" object")[0]


@program
def variables_are_tensors(t):
    x = t.ones(2)
    v = t.autograd.Variable(x, requires_grad=True)
    (v * v).sum().backward()
    x[0] = 7
    kind = t.autograd.Variable
    return v.detach(), v.grad, isinstance(v, kind), isinstance(x, kind), isinstance(3, kind), x.requires_grad


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
    t.ones(2, dtype=t.int64, requires_grad=True)


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
    "AddmmBackward0": lambda t, x: t.addmm(x, x, x),
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
        edges = [(node and name_of(node), number) for node, number in y.grad_fn.next_functions]
        return name_of(y.grad_fn), edges, y.output_nr, re.sub(" at 0x.*", "", repr(y.grad_fn))

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
def a_hook_that_changes_the_dtype(t):
    x = t.ones(2, requires_grad=True)
    x.register_hook(lambda g: g.double())
    (x * 2).sum().backward()


@program
def a_hook_that_changes_the_size(t):
    x = t.ones(2, requires_grad=True)
    x.register_hook(lambda g: g[:1])
    (x * 2).sum().backward()


@program
def a_hook_of_a_node_that_changes_the_dtype(t):
    x = t.ones(2, requires_grad=True)
    y = x * 2
    y.grad_fn.register_prehook(lambda g: (g[0].double(),))
    y.sum().backward()


@program
def a_hook_of_a_node_that_changes_the_size(t):
    x = t.ones(2, requires_grad=True)
    y = x * 2
    y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0][:1], *inputs[1:]))
    y.sum().backward()


@program
def attributes_live_as_long_as_the_tensor(t):
    x = t.ones(2, requires_grad=True)
    x.mark = "mine"
    p = t.nn.Parameter(t.ones(2))
    p.tag = [1]
    y = x * p
    del x, p
    (x, _), (p, _) = y.grad_fn.next_functions
    x, p = x.variable, p.variable
    return x.mark, p.tag, isinstance(p, t.nn.Parameter), isinstance(x, t.nn.Parameter)


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
        assert near(ours[1], theirs[1]), (ours[1], theirs[1])
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
    assert "output 0 of Exp," in text
    assert "version 1; expected version 0" in text
    assert "add_" in text
    line = test_changed_tensors_are_named_with_the_line.__code__.co_firstlineno + 4
    assert re.search(rf"{re.escape(os.path.basename(__file__))}\W+(line )?{line}\b", text), text


def test_formulas_see_plain_tensors_where_a_subclass_takes_calls_over() -> None:
    seen = []

    class Noted(corten.Tensor):
        @classmethod
        def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            seen.append(func.__name__)
            return super().__torch_function__(func, types, args, kwargs or {})

    x = corten.randn(4, 3).as_subclass(Noted).requires_grad_()
    y = corten.nn.functional.batch_norm(x, None, None, training=True)
    loss = corten.nn.functional.layer_norm(y, (3,)).square().sum()
    seen.clear()
    loss.backward()
    assert set(seen) <= {"backward", "ones_like"}
    assert type(x.grad) is corten.Tensor


def test_a_leaf_is_not_changed_through_a_view_taken_without_recording() -> None:
    x = corten.ones(3, requires_grad=True)
    with corten.no_grad():
        v = x[:2]
    with pytest.raises(RuntimeError, match="A view was created in no_grad mode and is being modified inplace"):
        v.mul_(2)
    assert x.tolist() == [1.0, 1.0, 1.0]


def test_linear_layers_without_inputs_have_gradients() -> None:
    x = corten.ones(2, 4, 0, requires_grad=True)
    weight, bias = corten.ones(3, 0, requires_grad=True), corten.ones(3, requires_grad=True)
    corten.nn.functional.linear(x, weight, bias).sum().backward()
    assert (x.grad.shape, weight.grad.shape, bias.grad.tolist()) == ((2, 4, 0), (3, 0), [8.0, 8.0, 8.0])


def made_in_inference_mode() -> Any:
    with corten.inference_mode():
        return corten.ones(3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: corten.autograd.grad(x.sum(), []), "`inputs` argument to `grad\\(\\)` cannot be empty"),
        (lambda x: setattr(x, "data", corten.ones(3, dtype=corten.int64)), "must be floating point or complex"),
        (lambda x: made_in_inference_mode().requires_grad_(), "on inference tensor outside InferenceMode"),
    ],
)
def test_what_autograd_refuses(call: Any, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        call(corten.ones(3, requires_grad=True))
