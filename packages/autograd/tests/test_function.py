"""`Function`, and the checks of derivatives: right ones pass, wrong ones are found."""

import pytest

import corten_autograd as autograd
import corten_tensor_core as core
from corten_autograd import Function, gradcheck, gradgradcheck


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3 * x * x * g


class WrongCube(Cube):
    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 * x * x * g


def leaf(*values):
    return core.tensor(values, dtype=core.float64, requires_grad=True)


def test_derivatives_of_first_and_second_order():
    x = leaf(1.0, 2.0)
    assert gradcheck(Cube.apply, (x,))
    assert gradgradcheck(Cube.apply, (x,))
    (g,) = autograd.grad(Cube.apply(x).sum(), x)
    assert g.tolist() == [3.0, 12.0]


def test_wrong_derivatives_are_found():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="Jacobian mismatch"):
        gradcheck(WrongCube.apply, (x,))
    assert not gradcheck(WrongCube.apply, (x,), raise_exception=False)

    class WrongSecond(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 3 * x.detach() * x * g

    assert gradcheck(WrongSecond.apply, (x,))
    with pytest.raises(RuntimeError, match="Jacobian mismatch"):
        gradgradcheck(WrongSecond.apply, (x,))


def test_options_of_checks():
    x = core.tensor([0.5, -2.0], dtype=core.float64, requires_grad=True)
    assert gradcheck(Cube.apply, x, check_batched_grad=True, fast_mode=True, check_grad_dtypes=True, masked=False)
    assert gradgradcheck(Cube.apply, x, gen_non_contig_grad_outputs=True, check_batched_grad=True, fast_mode=True)
    for check, option in (
        (gradcheck, {"check_forward_ad": True}),
        (gradcheck, {"check_batched_forward_grad": True}),
        (gradcheck, {"check_backward_ad": False}),
        (gradcheck, {"masked": True}),
        (gradgradcheck, {"check_fwd_over_rev": True}),
        (gradgradcheck, {"check_rev_over_rev": False}),
    ):
        with pytest.raises(NotImplementedError, match="dense tensors in reverse mode alone"):
            check(Cube.apply, x, **option)


def test_saved_tensors_are_the_same_objects():
    seen = []

    class Identity(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.clone()

        @staticmethod
        def backward(ctx, g):
            seen.append(ctx.saved_tensors[0])
            return g

    x = leaf(1.0)
    Identity.apply(x).backward()
    assert seen[0] is x


def test_needs_input_grad_and_several_results():
    seen = []

    class Both(Function):
        @staticmethod
        def forward(ctx, x, y, factor):
            ctx.factor = factor
            return x * factor, y * factor

        @staticmethod
        def backward(ctx, gx, gy):
            seen.append(ctx.needs_input_grad)
            return gx * ctx.factor, None, None

    x, y = leaf(1.0), core.tensor([2.0], dtype=core.float64)
    a, b = Both.apply(x, y, 3.0)
    (a + b).sum().backward()
    assert seen == [(True, False, False)]
    assert x.grad.tolist() == [3.0]
    assert a.grad_fn.name() == "BothBackward"


def test_setup_context():
    class Scaled(Function):
        @staticmethod
        def forward(x, factor=3.0):
            return x * factor

        @staticmethod
        def setup_context(ctx, inputs, output):
            _, ctx.factor = inputs

        @staticmethod
        def backward(ctx, g):
            return g * ctx.factor, None

    x = leaf(1.0)
    for args, kwargs, expected in (((5.0,), {}, 5.0), ((), {}, 8.0), ((), {"factor": 2.0}, 10.0)):
        Scaled.apply(x, *args, **kwargs).backward()
        assert x.grad.tolist() == [expected]
    with pytest.raises(TypeError, match="unexpected keyword argument 'factory'"):
        Scaled.apply(x, factory=2.0)


def test_once_differentiable():
    class Once(Cube):
        @staticmethod
        @autograd.function.once_differentiable
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 3 * x * x * g

    x = leaf(2.0)
    (g,) = autograd.grad(Once.apply(x), x, leaf(1.0), create_graph=True)
    assert g.tolist() == [12.0]
    with pytest.raises(RuntimeError, match="once_differentiable"):
        g.sum().backward()


def test_mark_dirty():
    class Doubled(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x.mul_(2)

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = leaf(1.0)
    y = x * 3
    z = Doubled.apply(y)
    assert z is y
    assert y._version == 1
    y.backward()
    assert x.grad.tolist() == [6.0]
    with pytest.raises(RuntimeError, match="leaf"):
        Doubled.apply(leaf(1.0))


def test_mark_non_differentiable_and_materialized_gradients():
    seen = []

    class Sorted(Function):
        @staticmethod
        def forward(ctx, x):
            values, indices = x.sort()
            ctx.mark_non_differentiable(indices)
            ctx.set_materialize_grads(False)
            ctx.save_for_backward(indices)
            return values, indices, x * 2

        @staticmethod
        def backward(ctx, g, _, unused):
            seen.append(unused)
            (indices,) = ctx.saved_tensors
            return core.zeros_like(g).scatter(0, indices, g)

    x = leaf(3.0, 1.0, 2.0)
    values, indices, _ = Sorted.apply(x)
    assert values.requires_grad
    assert not indices.requires_grad
    (values * core.tensor([1.0, 10.0, 100.0], dtype=core.float64)).sum().backward()
    assert x.grad.tolist() == [100.0, 1.0, 10.0]
    assert seen == [None]


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (lambda g: (g, g), "returned an incorrect number of gradients"),
        (lambda g: core.ones(7, dtype=core.float64), "invalid gradient"),
        (lambda g: "text", "expected"),
    ],
)
def test_wrong_results_of_backward(result, message):
    class Bad(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return result(g)

    with pytest.raises(RuntimeError, match=message):
        Bad.apply(leaf(1.0, 2.0)).sum().backward()


def test_errors_pass_and_functions_are_not_called():
    class Raises(Cube):
        @staticmethod
        def backward(ctx, g):
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        Raises.apply(leaf(1.0)).backward()
    with pytest.raises(RuntimeError):
        Cube()(leaf(1.0))


def test_without_grad_nothing_is_recorded():
    x = leaf(1.0)
    with autograd.no_grad():
        assert not Cube.apply(x).requires_grad
    assert not Cube.apply(x.detach()).requires_grad
