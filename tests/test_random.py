"""Random numbers are PyTorch's: a seed gives the same stream, so that whole training runs can be compared."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import corten
from tests.sampling import to_numpy

torch: Any = pytest.importorskip("torch")

F = ("float32", "float64")
# Name: (function of the library, dtypes or none, bit for bit?)
STREAMS: dict[str, tuple[Any, bool]] = {
    **{f"rand {n} {d}": (lambda t, n=n, d=d: t.rand(n, dtype=getattr(t, d)), True) for n in (1, 7, 16, 700) for d in F},
    "rand 2-d": (lambda t: t.rand(3, 5), True),
    "rand float16": (lambda t: t.rand(20, dtype=t.float16), True),
    "rand bfloat16": (lambda t: t.rand(20, dtype=t.bfloat16), True),
    "rand_like": (lambda t: t.rand_like(t.empty(4, 3)), True),
    **{
        f"randn {n} {d}": (lambda t, n=n, d=d: t.randn(n, dtype=getattr(t, d)), False)
        for n in (1, 3, 15, 16, 17, 40, 700)
        for d in F
    },
    "randn after an odd one": (lambda t: (t.randn(1), t.randn(3))[1], False),
    "randn after rand": (lambda t: (t.randn(1), t.rand(2), t.randn(1))[2], False),
    "randn complex": (lambda t: t.randn(8, dtype=t.complex64), False),
    "randn_like": (lambda t: t.randn_like(t.empty(4, 5)), False),
    **{f"randint {n}": (lambda t, n=n: t.randint(n, (50,)), True) for n in (2, 10, 1000, 2**31, 2**40)},
    "randint low": (lambda t: t.randint(-5, 5, (4, 4)), True),
    "randint int32": (lambda t: t.randint(0, 100, (9,), dtype=t.int32), True),
    "randint float": (lambda t: t.randint(0, 100, (9,), dtype=t.float32), True),
    **{f"randperm {n}": (lambda t, n=n: t.randperm(n), True) for n in (0, 1, 2, 10, 1000)},
    "randperm int32": (lambda t: t.randperm(30, dtype=t.int32), True),
    "uniform_": (lambda t: t.empty(30).uniform_(-2, 3), True),
    "uniform_ float64": (lambda t: t.empty(30, dtype=t.float64).uniform_(-2, 3), True),
    "uniform_ transposed": (lambda t: t.empty(5, 6).t().uniform_(), True),
    "normal_": (lambda t: t.empty(30).normal_(1, 2), False),
    "normal_ few": (lambda t: t.empty(5).normal_(1, 2), False),
    "normal_ transposed": (lambda t: t.empty(5, 6).t().normal_(), False),
    "normal of sizes": (lambda t: t.normal(1.0, 2.0, (4, 5)), False),
    "normal of tensors": (lambda t: t.normal(t.arange(20.0), t.ones(20)), False),
    "normal of a mean": (lambda t: t.normal(t.arange(20.0), 0.5), False),
    "normal of a std": (lambda t: t.normal(0.5, t.arange(1.0, 21.0)), False),
    "bernoulli": (lambda t: t.bernoulli(t.full((50,), 0.3)), True),
    "bernoulli with p": (lambda t: t.bernoulli(t.empty(50), 0.3), True),
    "bernoulli_ float": (lambda t: t.empty(50).bernoulli_(0.6), True),
    "bernoulli_ tensor": (lambda t: t.empty(50).bernoulli_(t.linspace(0, 1, 50)), True),
    "random_": (lambda t: t.empty(20).random_(), True),
    "random_ int64": (lambda t: t.empty(20, dtype=t.int64).random_(), True),
    "random_ to": (lambda t: t.empty(20, dtype=t.int64).random_(9), True),
    "random_ from to": (lambda t: t.empty(20, dtype=t.uint8).random_(3, 9), True),
    "exponential_": (lambda t: t.empty(40).exponential_(2.0), False),
    "cauchy_": (lambda t: t.empty(40).cauchy_(1.0, 2.0), False),
    "geometric_": (lambda t: t.empty(40).geometric_(0.3), False),
    "log_normal_": (lambda t: t.empty(40).log_normal_(0.1, 0.5), False),
    "multinomial": (lambda t: t.multinomial(t.arange(1.0, 9.0), 5), True),
    "multinomial with replacement": (lambda t: t.multinomial(t.arange(1.0, 9.0), 20, True), True),
    "multinomial of rows": (lambda t: t.multinomial(t.ones(3, 6), 2), True),
    "binomial": (lambda t: t.binomial(t.linspace(0, 60, 30), t.linspace(0, 1, 30)), True),
    "poisson": (lambda t: t.poisson(t.linspace(0, 20, 30)), True),
    "dropout": (lambda t: t.nn.functional.dropout(t.ones(50), 0.4), True),
    "kaiming_uniform_": (lambda t: t.nn.init.kaiming_uniform_(t.empty(5, 7)), True),
    "xavier_normal_": (lambda t: t.nn.init.xavier_normal_(t.empty(5, 7)), False),
    "trunc_normal_": (lambda t: t.nn.init.trunc_normal_(t.empty(5, 7)), False),
    "Linear": (lambda t: t.nn.Linear(6, 5).weight, True),
    "Conv2d": (lambda t: t.nn.Conv2d(2, 3, 3).bias, True),
    "Embedding": (lambda t: t.nn.Embedding(5, 4).weight, False),
}


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("seed", [0, 10, 2**63 - 1])
def test_streams_are_those_of_pytorch(name: str, seed: int) -> None:
    function, exact = STREAMS[name]
    found = []
    for lib in (corten, torch):
        lib.manual_seed(seed)
        x = function(lib)
        # What follows shows that both drew equally often.
        found.append((to_numpy(x), str(x.dtype), to_numpy(lib.rand(3))))
    (ours, dtype, after), (theirs, their_dtype, their_after) = found
    assert dtype == their_dtype
    if exact:
        np.testing.assert_array_equal(ours, theirs)
    else:
        np.testing.assert_allclose(ours, theirs, rtol=2e-6, atol=1e-6)
    np.testing.assert_array_equal(after, their_after)


def test_generators() -> None:
    """A generator is a stream of its own; its state can be kept and put back, also between two normals of a pair."""
    results = []
    for lib in (corten, torch):
        lib.manual_seed(0)
        g = lib.Generator().manual_seed(7)
        a = lib.rand(3, generator=g)
        lib.randn(1, generator=g)
        state = g.get_state()
        b = lib.randn(3, generator=g)
        g.set_state(state)
        again = lib.randn(3, generator=g)
        assert np.array_equal(to_numpy(b), to_numpy(again))
        assert g.initial_seed() == 7
        results.append([to_numpy(x) for x in (a, b, lib.rand(2), lib.randperm(5, generator=g))])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-6, atol=1e-6)


def test_state_of_the_default_generator() -> None:
    corten.manual_seed(3)
    state = corten.get_rng_state()
    first = [corten.rand(5), corten.randn(20), corten.randperm(9)]
    corten.set_rng_state(state)
    for a, b in zip(first, [corten.rand(5), corten.randn(20), corten.randperm(9)], strict=True):
        assert corten.equal(a, b)
    assert corten.initial_seed() == 3


def test_states_are_exchanged_with_pytorch() -> None:
    torch.manual_seed(5)
    torch.rand(1000)
    corten.set_rng_state(corten.from_numpy(torch.get_rng_state().numpy().copy()))
    np.testing.assert_array_equal(to_numpy(corten.rand(700)), torch.rand(700).numpy())


def losses(lib: Any, net: Any, optimizer: str, shape: tuple[int, ...], steps: int = 20) -> list[float]:
    """Train a network on random data for some steps, all from one seed."""
    lib.manual_seed(42)
    model = net(lib)
    step = getattr(lib.optim, optimizer)(model.parameters(), lr=0.05)
    x, y = lib.randn(*shape), lib.randint(0, 4, (shape[0],))
    found = []
    for _ in range(steps):
        step.zero_grad()
        loss = lib.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        step.step()
        found.append(loss.item())
    return found


def mlp(lib: Any) -> Any:
    nn = lib.nn
    return nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 32), nn.Tanh(), nn.Dropout(0.1), nn.Linear(32, 4))


def cnn(lib: Any) -> Any:
    nn = lib.nn
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 8, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(8 * 2 * 2, 4),
    )


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "AdamW"])
@pytest.mark.parametrize(("net", "shape"), [(mlp, (16, 10)), (cnn, (8, 1, 8, 8))], ids=["mlp", "cnn"])
def test_training_follows_pytorch(net: Any, shape: tuple[int, ...], optimizer: str) -> None:
    ours, theirs = (losses(lib, net, optimizer, shape) for lib in (corten, torch))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
