"""Products with derivatives beside PyTorch's: values, shapes, graphs through them, messages."""

import pytest

import corten_autograd as autograd
import corten_tensor_core as core
from corten_autograd import functional

torch = pytest.importorskip("torch")


def both(compute):
    """Run `compute(lib, functional)` with both libraries and compare what comes out."""
    ours = plain(outcome(compute, core, functional))
    theirs = plain(outcome(compute, torch, torch.autograd.functional))
    assert same(ours, theirs), f"{ours} and {theirs}"


def outcome(compute, lib, place):
    try:
        return compute(lib, place)
    except (AssertionError, RuntimeError, TypeError) as error:
        return type(error).__name__, str(error)


def plain(value):
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value if isinstance(value, (str, bool)) else value.tolist()


def same(a, b):
    if isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return a == b if isinstance(b, (str, bool)) else a == pytest.approx(b, rel=1e-9, abs=1e-12)


def x_of(lib):
    return lib.tensor([0.5, -1.25, 2.0], dtype=lib.float64)


def y_of(lib):
    return lib.tensor([[1.5, 0.25, -2.0], [0.125, 3.0, 1.0]], dtype=lib.float64)


def wave(x):
    return x.sin() * x[0]


def pair(x, y):
    return (y @ x).exp(), y * x


def energy(x, y):
    return (y @ x).pow(3).sum() + x.cos().sum()


CASES = {
    "vjp": lambda t, f: f.vjp(wave, x_of(t), x_of(t) + 1),
    "vjp of a scalar": lambda t, f: f.vjp(lambda x: x.pow(2).sum(), x_of(t)),
    "vjp of several": lambda t, f: f.vjp(pair, (x_of(t), y_of(t)), (x_of(t)[:2], y_of(t))),
    "jvp": lambda t, f: f.jvp(wave, x_of(t), x_of(t) + 1),
    "jvp of a scalar": lambda t, f: f.jvp(lambda x: x * x_of(t), t.tensor(2.0, dtype=t.float64)),
    "jvp of several": lambda t, f: f.jvp(pair, (x_of(t), y_of(t)), (x_of(t) - 1, y_of(t) * 2)),
    "jvp of a line": lambda t, f: f.jvp(lambda x: 3 * x, x_of(t), x_of(t)),
    "jacobian": lambda t, f: f.jacobian(wave, x_of(t)),
    "jacobian of several": lambda t, f: f.jacobian(pair, (x_of(t), y_of(t))),
    "jacobian of a matrix": lambda t, f: f.jacobian(lambda y: y.exp().sum(1), y_of(t)),
    "jacobian of a scalar": lambda t, f: f.jacobian(lambda y: y.sum(), y_of(t)),
    "jacobian of a constant": lambda t, f: f.jacobian(lambda x: x_of(t), x_of(t)),
    "jacobian without a way": lambda t, f: f.jacobian(lambda x, y: x.exp(), (x_of(t), y_of(t))),
    "hessian": lambda t, f: f.hessian(lambda x: wave(x).sum(), x_of(t)),
    "hessian of several": lambda t, f: f.hessian(energy, (x_of(t), y_of(t))),
    "hessian of a line": lambda t, f: f.hessian(lambda x: x.sum(), x_of(t)),
    "vhp": lambda t, f: f.vhp(energy, (x_of(t), y_of(t)), (x_of(t) + 1, y_of(t) - 1)),
    "hvp": lambda t, f: f.hvp(energy, (x_of(t), y_of(t)), (x_of(t) + 1, y_of(t) - 1)),
    "hvp of one": lambda t, f: f.hvp(lambda x: wave(x).sum(), x_of(t), x_of(t)),
}


@pytest.mark.parametrize("name", list(CASES))
def test_values(name):
    both(CASES[name])


@pytest.mark.parametrize("product", ["vjp", "jvp", "vhp", "hvp", "jacobian", "hessian"])
def test_graphs_lead_through(product):
    def compute(lib, place):
        x = x_of(lib).requires_grad_()
        function = wave if product in ("vjp", "jvp", "jacobian") else (lambda x: wave(x).pow(2).sum())
        args = () if product in ("jacobian", "hessian") else (x_of(lib) + 1,)
        out = getattr(place, product)(function, x, *args, create_graph=True)
        last = out[1] if isinstance(out, tuple) else out
        last.pow(2).sum().backward()
        return last, x.grad, last.requires_grad

    both(compute)


def test_results_have_no_history_by_default():
    x = x_of(core).requires_grad_()
    out, product = functional.vjp(wave, x, x_of(core))
    assert not out.requires_grad
    assert not product.requires_grad
    assert x.grad is None
    with autograd.no_grad():
        assert functional.jacobian(wave, x).tolist() == functional.jacobian(wave, x.detach()).tolist()


MISTAKES = {
    "length": lambda t, f: f.vjp(wave, x_of(t), (x_of(t), x_of(t))),
    "size": lambda t, f: f.vjp(wave, x_of(t), x_of(t)[:2]),
    "size of one": lambda t, f: f.jvp(pair, (x_of(t), y_of(t)), (x_of(t), x_of(t))),
    "no v for vjp": lambda t, f: f.vjp(wave, x_of(t)),
    "no v for jvp": lambda t, f: f.jvp(wave, x_of(t)),
    "no v for hvp": lambda t, f: f.hvp(lambda x: x.sum(), x_of(t)),
    "no scalar": lambda t, f: f.vhp(wave, x_of(t), x_of(t)),
    "several": lambda t, f: f.hvp(pair, (x_of(t), y_of(t)), (x_of(t), y_of(t))),
    "strict": lambda t, f: f.vjp(lambda x: x_of(t), x_of(t), x_of(t), strict=True),
    "both modes": lambda t, f: f.jacobian(wave, x_of(t), strict=True, vectorize=True),
    "forward": lambda t, f: f.jacobian(wave, x_of(t), strategy="forward-mode"),
    "forward, graph": lambda t, f: f.jacobian(wave, x_of(t), True, vectorize=True, strategy="forward-mode"),
    "forward, strict": lambda t, f: f.jacobian(wave, x_of(t), False, True, vectorize=True, strategy="forward-mode"),
    "forward, hessian": lambda t, f: f.hessian(wave, x_of(t), outer_jacobian_strategy="forward-mode"),
    "unknown strategy": lambda t, f: f.hessian(wave, x_of(t), outer_jacobian_strategy="x"),
}


@pytest.mark.parametrize("name", list(MISTAKES))
def test_messages(name):
    both(MISTAKES[name])


@pytest.mark.filterwarnings("ignore:.torch.jit.script")  # PyTorch's forward mode scripts its formulas
def test_strategies_give_the_same():
    def forward(t, f):
        options = {"vectorize": True, "strategy": "forward-mode"}
        return f.jacobian(wave, x_of(t), **options), f.jacobian(pair, (x_of(t), y_of(t)), **options)

    both(forward)
    both(
        lambda t, f: f.hessian(lambda x: wave(x).sum(), x_of(t), vectorize=True, outer_jacobian_strategy="forward-mode")
    )


def test_refusals():
    with pytest.raises(TypeError, match="must be either a Tensor or a tuple of Tensors"):
        functional.vjp(wave, [1.0])
    with pytest.raises(RuntimeError, match="independent of input 1"):
        functional.jacobian(lambda x, y: x.exp(), (x_of(core), y_of(core)), strict=True)
