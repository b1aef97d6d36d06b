"""Recurrent layers as one row each: the bits and gradients of their cells, repeated step by step."""

from __future__ import annotations

import pytest

import corten_autograd as autograd
import corten_nn as nn
import corten_tensor_core as core
from corten_nn.modules._recurrence import LAYERS, STEPS, run, run_back

GATES = {"LSTM": 4, "GRU": 3}
# Rows of each step: of a padded batch, and of sequences that end at different steps. A product with one row has sums of
# its own, so that there only two and more have the same bits.
SIZES = {"padded": (3, 3, 3, 3, 3), "packed": (5, 3, 3, 2)}
CASES = [
    (mode, kind, reverse, bias) for mode in GATES for kind in SIZES for reverse, bias in ((False, True), (True, False))
]
cases = pytest.mark.parametrize(("mode", "kind", "reverse", "bias"), CASES)


def inputs(mode, sizes, bias, width, dtype):
    core.manual_seed(5)
    gates, batch = GATES[mode] * width, sizes[0]
    shapes = [(sum(sizes), gates), (gates, width), (gates,), *[(batch, width)] * (2 if mode == "LSTM" else 1)]
    tensors = [core.randn(shape, dtype=dtype, requires_grad=True) for shape in shapes]
    return [tensor if bias or i != 2 else None for i, tensor in enumerate(tensors)]


def at_once(mode, kind, reverse, tensors):
    gates, *rest = tensors
    if kind == "packed":
        return LAYERS[mode](gates, *rest, SIZES[kind], reverse)
    output, *state = LAYERS[mode](gates.unflatten(0, (-1, SIZES[kind][0])), *rest, (), reverse)
    return output.flatten(0, 1), *state


def step_by_step(mode, kind, reverse, tensors):
    gates, weight, bias, *state = tensors
    sizes = SIZES[kind]
    walk = run_back if reverse else run
    parts = gates.split(list(sizes))
    outputs, end = walk(lambda x, state: STEPS[mode](x, state, weight, bias), parts, sizes, tuple(state))
    return core.cat(outputs), *end


def gradients(results, tensors, which, **options):
    leaves = [tensor for tensor in tensors if tensor is not None]
    total = sum((result * result.detach().cos()).sum() for i, result in enumerate(results) if i in which)
    return autograd.grad(total, leaves, **options)


@cases
@pytest.mark.parametrize("dtype", [core.float32, core.float64, core.bfloat16])
def test_values_and_gradients(mode, kind, reverse, bias, dtype):
    tensors = inputs(mode, SIZES[kind], bias, 19, dtype)
    found, expected = (f(mode, kind, reverse, tensors) for f in (at_once, step_by_step))
    for ours, theirs in zip(found, expected, strict=True):
        assert core.equal(ours, theirs)
    close = {"rtol": 1e-5, "atol": 1e-6} if dtype != core.bfloat16 else {"rtol": 0.1, "atol": 0.5}
    for which in ((0, 1, 2), (0,), (1,)):
        ours, theirs = (gradients(results, tensors, which, retain_graph=True) for results in (found, expected))
        for x, y in zip(ours, theirs, strict=True):
            assert core.allclose(x, y, **close)


@cases
def test_gradients_of_both_orders(mode, kind, reverse, bias):
    tensors = inputs(mode, SIZES[kind], bias, 2, core.float64)
    present = [tensor for tensor in tensors if tensor is not None]

    def function(*args):
        values = iter(args)
        given = [None if tensor is None else next(values) for tensor in tensors]
        return at_once(mode, kind, reverse, given)

    assert autograd.gradcheck(function, present)
    assert autograd.gradgradcheck(function, present)


@cases
def test_recorded_gradients_are_those_of_the_kernel(mode, kind, reverse, bias):
    tensors = inputs(mode, SIZES[kind], bias, 6, core.float64)
    plain = gradients(at_once(mode, kind, reverse, tensors), tensors, (0, 1, 2))
    recorded = gradients(at_once(mode, kind, reverse, tensors), tensors, (0, 1, 2), create_graph=True)
    assert all(core.allclose(x, y) and y.requires_grad for x, y in zip(plain, recorded, strict=True))


def test_only_what_needs_gradients_gets_them():
    gates, weight, bias, h, c = inputs("LSTM", SIZES["padded"], True, 4, core.float32)
    frozen = [weight.detach(), bias.detach(), h, c.detach()]
    at_once("LSTM", "padded", False, [gates.detach(), *frozen])[0].sum().backward()
    assert h.grad is not None and weight.grad is None and c.grad is None
    assert not at_once("LSTM", "padded", False, [x.detach() for x in (gates, weight, bias, h, c)])[0].requires_grad


def test_empty_batches_and_the_meta_device():
    for mode, layer in (("LSTM", nn.LSTM(3, 5)), ("GRU", nn.GRU(3, 5, bidirectional=True))):
        output = layer(core.zeros(4, 0, 3))[0]
        assert output.shape[:2] == (4, 0)
        output.sum().backward()
        output = layer.to("meta")(core.zeros(4, 2, 3, device="meta"))[0]
        assert output.shape == (4, 2, 5 if mode == "LSTM" else 10)


@pytest.mark.parametrize("mode", GATES)
@pytest.mark.parametrize(
    ("shape", "sizes"),
    [((5, 3, 8), ()), ((5, 2, 1), ()), ((9, 1), (3, 3)), ((9, 1), (3, 5, 1)), ((9, 1), (5, 4)), ((3, 1), (4, -1))],
)
def test_sizes_that_do_not_fit(mode, shape, sizes):
    gates, weight, bias, *state = inputs(mode, (3, 3, 3), True, 2, core.float32)
    x = core.zeros(*shape[:-1], shape[-1] * gates.size(1))
    for dtype in (core.float32, core.bfloat16):
        tensors = [t.to(dtype) for t in (x, weight, bias, *state)]
        with pytest.raises(RuntimeError, match="a recurrent layer"):
            LAYERS[mode](*tensors, sizes, False)
