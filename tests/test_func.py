"""`func` beside PyTorch: values, structure of results, nesting, what the results belong to, and errors."""

import numpy as np
import pytest

import corten

torch = pytest.importorskip("torch")

# Of PyTorch, which compiles its rules of forward differentiation and traces what it linearizes.
pytestmark = [
    pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr Node:UserWarning"),
]


def compare(got, want):
    if isinstance(want, torch.Tensor):
        assert tuple(got.shape) == tuple(want.shape)
        assert got.requires_grad == want.requires_grad
        np.testing.assert_allclose(got.detach().numpy(), want.detach().numpy(), rtol=1e-9, atol=1e-12)
    elif isinstance(want, dict):
        assert list(got) == list(want)
        for key in want:
            compare(got[key], want[key])
    elif isinstance(want, (tuple, list)):
        assert type(got) is type(want)
        assert len(got) == len(want)
        for one, other in zip(got, want, strict=True):
            compare(one, other)
    else:
        assert got == want


def tensor(lib, *shape, grad=False):
    x = np.random.default_rng(sum(shape)).standard_normal(shape)
    return lib.from_numpy(x).requires_grad_(grad)


def model(lib):
    net = lib.nn.Sequential(lib.nn.Linear(3, 4), lib.nn.Tanh(), lib.nn.Linear(4, 2)).double()
    for number, p in enumerate(net.parameters()):
        p.data = tensor(lib, *p.shape) + number
    return net


def per_sample(lib):
    net = model(lib)
    weights = {name: p.detach() for name, p in net.named_parameters()}

    def loss(weights, x, y):
        return lib.nn.functional.mse_loss(lib.func.functional_call(net, weights, (x,)), y)

    return lib.func.vmap(lib.func.grad(loss), in_dims=(None, 0, 0))(weights, tensor(lib, 5, 3), tensor(lib, 5, 2))


def products(lib):
    value, product = lib.func.vjp(lambda x: {"a": x.sin(), "b": (x**2).sum()}, tensor(lib, 3))
    return value, product({"a": lib.ones(3, dtype=lib.float64), "b": lib.ones((), dtype=lib.float64)})


def ensemble(lib):
    nets = [model(lib), model(lib)]
    weights, buffers = lib.func.stack_module_state(nets)

    def call(weights, buffers, x):
        return lib.func.functional_call(nets[0], (weights, buffers), (x,))

    return weights, lib.vmap(call, in_dims=(0, 0, None))(weights, buffers, tensor(lib, 4, 3))


CASES = {
    "grad": lambda lib: lib.func.grad(lambda x: (x**3).sum())(tensor(lib, 3)),
    "grad of a function alone": lambda lib: lib.func.grad(lib.sin)(lib.tensor(0.5)),
    "grad argnums": lambda lib: lib.func.grad(lambda x, y: (x * y).sum(), argnums=(1, 0))(tensor(lib, 3), tensor(lib, 3)),
    "grad one argnum": lambda lib: lib.func.grad(lambda x, y: (x * y).sum(), argnums=-1)(tensor(lib, 3), tensor(lib, 3)),
    "grad aux": lambda lib: lib.func.grad(lambda x: ((x**2).sum(), {"y": x * 2}), has_aux=True)(tensor(lib, 3)),
    "grad and value": lambda lib: lib.func.grad_and_value(lambda x: (x**2).sum())(tensor(lib, 3)),
    "grad and value aux": lambda lib: lib.func.grad_and_value(lambda x: (x.sum(), [x * 2]), has_aux=True)(tensor(lib, 3)),
    "grad of a dict": lambda lib: lib.func.grad(lambda d: (d["a"] * d["b"][0]).sum())({"a": tensor(lib, 2), "b": [tensor(lib, 2)]}),
    "grad unused": lambda lib: lib.func.grad(lambda x, y: y.sum(), argnums=(0, 1))(tensor(lib, 3), tensor(lib, 2)),
    "grad of a constant": lambda lib: lib.func.grad(lambda x: lib.ones(()))(tensor(lib, 3)),
    "grad of grad": lambda lib: lib.func.grad(lib.func.grad(lambda x: x**4))(lib.tensor(2.0)),
    "nested by a closure": lambda lib: lib.func.grad(lambda x: lib.func.grad(lambda y: x * y * y)(lib.tensor(3.0)))(lib.tensor(2.0)),
    "grad of what requires grad": lambda lib: lib.func.grad(lambda x: (x**2).sum())(tensor(lib, 3, grad=True)),
    "grad with a captured parameter": lambda lib: (lambda w: lib.func.grad(lambda x: (x * x * w).sum())(tensor(lib, 3)))(tensor(lib, 3, grad=True)),
    "vjp": products,
    "vjp of two": lambda lib: lib.func.vjp(lambda x, y: x @ y, tensor(lib, 2, 3), tensor(lib, 3))[1](tensor(lib, 2)),
    "vjp aux": lambda lib: lib.func.vjp(lambda x: (x * 2, x + 1), tensor(lib, 3), has_aux=True)[2],
    "jvp": lambda lib: lib.func.jvp(lambda x: x.sin() * x.sum(), (tensor(lib, 3),), (tensor(lib, 3) + 1,)),
    "jvp of two": lambda lib: lib.func.jvp(lambda x, y: (x @ y, y), (tensor(lib, 2, 3), tensor(lib, 3)), (tensor(lib, 2, 3), tensor(lib, 3))),
    "linearize": lambda lib: (lambda out, f: (out, f(tensor(lib, 3) + 1), f(tensor(lib, 3))))(*lib.func.linearize(lambda x: x.sin() * x.sum(), tensor(lib, 3))),
    "linearize of two": lambda lib: (lambda out, f: (out, f(tensor(lib, 2, 3), tensor(lib, 3))))(*lib.func.linearize(lambda x, y: {"a": x @ y}, tensor(lib, 2, 3), tensor(lib, 3))),
    "jacrev": lambda lib: lib.func.jacrev(lambda x: x.sin())(tensor(lib, 3)),
    "jacrev structure": lambda lib: lib.func.jacrev(lambda x, y: {"a": x @ y, "b": y.sum()}, argnums=(0, 1))(tensor(lib, 2, 3), tensor(lib, 3)),
    "jacrev aux": lambda lib: lib.func.jacrev(lambda x: (x**2, x.sum()), has_aux=True)(tensor(lib, 3)),
    "jacfwd": lambda lib: lib.func.jacfwd(lambda x: x.cumsum(0) ** 2)(tensor(lib, 3)),
    "hessian": lambda lib: lib.func.hessian(lambda x: (x**3).prod())(tensor(lib, 3)),
    "vmap": lambda lib: lib.vmap(lambda x, y: (x * y).sum())(tensor(lib, 4, 3), tensor(lib, 4, 3)),
    "vmap dims": lambda lib: lib.vmap(lambda x, y: (x @ y, y), in_dims=(1, None), out_dims=(1, 0))(tensor(lib, 2, 4, 3), tensor(lib, 3)),
    "vmap nested arguments": lambda lib: lib.vmap(lambda d: {"c": d["a"] + d["b"]}, in_dims=({"a": 0, "b": None},))({"a": tensor(lib, 4), "b": tensor(lib, 2)}),
    "vmap twice": lambda lib: lib.vmap(lib.vmap(lambda x, y: x * y, (0, None)), (None, 0))(tensor(lib, 3), tensor(lib, 4)),
    "vmap of jacrev": lambda lib: lib.vmap(lib.func.jacrev(lambda x: x**2))(tensor(lib, 4, 3)),
    "vmap of what requires grad": lambda lib: lib.vmap(lambda x: x**2)(tensor(lib, 4, grad=True)),
    "per-sample gradients": per_sample,
    "ensemble": ensemble,
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_like_pytorch(name):
    compare(CASES[name](corten), CASES[name](torch))
    with corten.no_grad():
        got = CASES[name](corten)
    with torch.no_grad():
        compare(got, CASES[name](torch))


def test_randomness():
    x = corten.zeros(3, 2)
    same = corten.vmap(lambda x: x + corten.rand(2), randomness="same")(x)
    assert (same == same[0]).all()
    different = corten.vmap(lambda x: x + corten.rand(2), randomness="different")(x)
    assert not (different[1:] == different[0]).any()


def two(lib):
    return tensor(lib, 3, 2)


ERRORS = {
    "random": (lambda lib: lib.vmap(lambda x: lib.rand(2))(two(lib)), "called random operation while in randomness error mode"),
    "randomness": (lambda lib: lib.vmap(lambda x: x, randomness="x")(two(lib)), "Only allowed values for randomness are"),
    "dimension": (lambda lib: lib.vmap(lambda x: x, in_dims=2)(two(lib)), "Got in_dim=2 for some input"),
    "structure": (lambda lib: lib.vmap(lambda x: x, in_dims=(0, 0))(two(lib)), "in_dims is not compatible with the structure"),
    "no dimension": (lambda lib: lib.vmap(lambda x: x, in_dims=None)(two(lib)), "expected `in_dims` to be int"),
    "sizes": (lambda lib: lib.vmap(lambda x, y: x)(two(lib), tensor(lib, 4)), r"same size in the mapped dimension, got sizes \[3, 4\]"),
    "number": (lambda lib: lib.vmap(lambda x, y: x)(two(lib), 2.0), "the input is of type <class 'float'>"),
    "no inputs": (lambda lib: lib.vmap(lambda: 1)(), "got no inputs"),
    "result": (lambda lib: lib.vmap(lambda x: 3)(two(lib)), "must only return Tensors, got type <class 'int'>"),
    "out_dims": (lambda lib: lib.vmap(lambda x: x, out_dims=(0, 1))(two(lib)), "out_dims is not compatible"),
    "no scalar": (lambda lib: lib.func.grad(lambda x: x)(two(lib)), "return a scalar Tensor, got tensor with 2 dims"),
    "no tensor": (lambda lib: lib.func.grad(lambda x: 3)(two(lib)), "to return a Tensor, got <class 'int'>"),
    "argument": (lambda lib: lib.func.grad(lambda x: x)(3.0), "must be Tensor, got <class 'float'>"),
    "argnums": (lambda lib: lib.func.grad(lambda x: x, argnums=2)(two(lib)), "Got argnum=2, but only 1 positional inputs"),
    "no argnums": (lambda lib: lib.func.grad(lambda x: x, argnums=())(two(lib)), "argnums must be non-empty"),
    "aux": (lambda lib: lib.func.grad(lambda x: x.sum(), has_aux=True)(two(lib)), "should be a tuple: .output, aux. if has_aux is True"),
    "cotangent": (lambda lib: lib.func.vjp(lambda x: x, two(lib))[1](tensor(lib, 3)), "Mismatch in shape"),
    "primals": (lambda lib: lib.func.jvp(lambda x: x, two(lib), two(lib)), "Expected primals to be a tuple"),
    "tangents": (lambda lib: lib.func.jvp(lambda x: x, (two(lib),), (tensor(lib, 3),)), "different size|same shapes"),
    "vjp of a number": (lambda lib: lib.func.vjp(lambda x: 3, two(lib)), "to return only tensors, got unsupported type <class 'int'>"),
    "jacrev of a number": (lambda lib: lib.func.jacrev(lambda x: 3)(two(lib)), "to return only tensors, got unsupported type <class 'int'>"),
    "integers": (lambda lib: lib.func.grad(lambda x: x.sum())(two(lib).long()), "floating point"),
    "no models": (lambda lib: lib.func.stack_module_state([]), "Expected at least one model, got 0."),
    "mixed models": (lambda lib: lib.func.stack_module_state([model(lib), lib.nn.Linear(1, 1)]), "of the same class"),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, text = ERRORS[name]
    with pytest.raises(Exception, match=text) as want:
        call(torch)
    with pytest.raises(want.type, match=text):
        call(corten)


def test_batch_norm_without_running_statistics():
    net = corten.nn.Sequential(corten.nn.Linear(2, 3), corten.nn.BatchNorm1d(3))
    assert corten.func.replace_all_batch_norm_modules_(net) is net
    assert net[1].running_mean is None
    before = net.eval()(corten.ones(4, 2)).detach()
    assert before.abs().max() < 1e-2
