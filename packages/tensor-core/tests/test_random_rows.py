"""Random rows draw the numbers that PyTorch draws from the same seed, and refuse what it refuses."""

import pytest

import corten_tensor_core as core

torch = pytest.importorskip("torch")
# PyTorch warns of ranges that halves cannot hold.
pytestmark = pytest.mark.filterwarnings("ignore:.*is out of bounds")


def same(run, tolerance=0.0):
    """Run on both from one seed and compare; then one more draw, which tells that both streams stand at one place."""
    results = []
    for lib in (core, torch):
        lib.manual_seed(20)
        value = run(lib)
        values = value if isinstance(value, tuple) else (value,)
        results.append(([(v.tolist(), str(v.dtype), tuple(v.shape)) for v in values], lib.rand(2).tolist()))
    (ours, after), (theirs, expected_after) = results
    assert after == expected_after
    for (a, dtype, shape), (b, other_dtype, other_shape) in zip(ours, theirs, strict=True):
        assert (dtype, shape) == (other_dtype, other_shape)
        a, b = (torch.tensor(x, dtype=torch.complex128 if "complex" in dtype else torch.float64) for x in (a, b))
        assert torch.equal(a, b) if tolerance == 0 else torch.allclose(a, b, rtol=tolerance, atol=tolerance)


EXACT = {
    "rand": lambda t: t.rand(3, 5),
    "rand of a tuple": lambda t: t.rand((2, 3), dtype=t.float64),
    "rand complex": lambda t: t.rand(5, dtype=t.complex64),
    "rand half": lambda t: t.rand(40, dtype=t.float16),
    "randint": lambda t: t.randint(10, (30,)),
    "randint low": lambda t: t.randint(-5, 300, (3, 4), dtype=t.int32),
    "randint wide": lambda t: t.randint(0, 2**40, (9,)),
    "randint float": lambda t: t.randint(3, (9,), dtype=t.float32),
    "randint half": lambda t: t.randint(-3000, 3001, (99,), dtype=t.float16),
    "randint bfloat16": lambda t: t.randint(0, 1001, (99,), dtype=t.bfloat16),
    "randperm": lambda t: t.randperm(50),
    "randperm float": lambda t: t.randperm(20, dtype=t.float32),
    "rand_like": lambda t: t.rand_like(t.zeros(4, 3).t()),
    "randint_like": lambda t: t.randint_like(t.zeros(7), 4),
    "randint_like low": lambda t: t.randint_like(t.zeros(7, dtype=t.int64), 2, 40),
    "bernoulli": lambda t: t.bernoulli(t.full((50,), 0.3)),
    "bernoulli method": lambda t: t.full((50,), 0.7, dtype=t.float64).bernoulli(),
    "bernoulli p": lambda t: t.bernoulli(t.zeros(50), 0.3),
    "bernoulli_": lambda t: t.zeros(5, 7, dtype=t.int64).bernoulli_(),
    "bernoulli_ tensor": lambda t: t.zeros(5, 7).bernoulli_(t.tensor([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])),
    "uniform_": lambda t: t.empty(70).uniform_(-3, 5),
    "uniform_ strided": lambda t: t.zeros(6, 8)[:, ::2].uniform_(),
    "random_": lambda t: t.empty(9, dtype=t.int64).random_(),
    "random_ bytes": lambda t: t.empty(9, dtype=t.uint8).random_(),
    "random_ to": lambda t: t.empty(9).random_(17),
    "random_ from": lambda t: t.empty(9, dtype=t.int16).random_(-7, 17),
    "random_ open": lambda t: t.empty(9, dtype=t.int32).random_(100, None),
    "multinomial": lambda t: t.multinomial(t.tensor([[1.0, 2.0, 3.0, 0.0], [4.0, 1.0, 1.0, 2.0]]), 3),
    "multinomial one": lambda t: t.multinomial(t.tensor([1.0, 2.0, 3.0, 0.5]), 1, replacement=True),
    "multinomial replaced": lambda t: t.multinomial(t.tensor([1.0, 2.0, 3.0, 0.5]), 20, True),
    "poisson": lambda t: t.poisson(t.tensor([0.5, 3.0, 20.0, 100.0]).repeat(5)),
    "native_dropout": lambda t: t.native_dropout(t.arange(40.0), 0.3, True),
    "dropout": lambda t: t.dropout(t.arange(40.0), 0.3, True),
    "dropout of all": lambda t: t.dropout(t.arange(4.0), 1.0, True),
    "dropout outside training": lambda t: t.dropout(t.arange(4.0), 0.5, False),
    "dropout_": lambda t: t.dropout_(t.arange(40.0), 0.3, True),
    "feature_dropout": lambda t: t.feature_dropout(t.ones(4, 6, 2), 0.4, True),
    "seeded generator": lambda t: t.rand(4, generator=t.Generator().manual_seed(3)),
    "shuffled by a generator": lambda t: t.randperm(9, generator=t.Generator().manual_seed(3)),
}
CLOSE = {
    "randn": lambda t: t.randn(3, 50),
    "randn few": lambda t: t.randn(5),
    "randn double": lambda t: t.randn(40, dtype=t.float64),
    "randn complex": lambda t: t.randn(20, dtype=t.complex64),
    "randn_like": lambda t: t.randn_like(t.zeros(4, 30)),
    "normal_": lambda t: t.empty(100).normal_(2, 3),
    "normal of tensors": lambda t: t.normal(t.arange(20.0), t.arange(1.0, 21.0)),
    "normal broadcast": lambda t: t.normal(t.zeros(5, 1), t.ones(4)),
    "normal of means": lambda t: t.normal(t.arange(20.0)),
    "normal of means and one deviation": lambda t: t.normal(t.arange(20.0), 0.5),
    "normal of deviations": lambda t: t.normal(1.0, t.arange(20.0)),
    "normal of numbers": lambda t: t.normal(1.0, 2.0, (4, 5)),
    "exponential_": lambda t: t.empty(20, dtype=t.float64).exponential_(2.0),
    "geometric_": lambda t: t.empty(20).geometric_(0.2),
    "cauchy_": lambda t: t.empty(20, dtype=t.float64).cauchy_(1, 2),
    "log_normal_": lambda t: t.empty(20, dtype=t.float64).log_normal_(0.5, 0.7),
    "alpha_dropout": lambda t: t.alpha_dropout(t.arange(40.0), 0.3, True),
    "feature_alpha_dropout": lambda t: t.feature_alpha_dropout(t.ones(4, 6, 2), 0.4, True),
    "alpha_dropout_": lambda t: t.alpha_dropout_(t.arange(40.0), 0.3, True),
}


@pytest.mark.parametrize("name", EXACT)
def test_same_numbers(name):
    same(EXACT[name])


@pytest.mark.parametrize("name", CLOSE)
def test_same_numbers_but_for_rounding(name):
    same(CLOSE[name], 2e-6)


REFUSED = {
    "empty range": lambda t: t.randint(5, 5, (2,)),
    "range beyond the dtype": lambda t: t.randint(0, 300, (2,), dtype=t.uint8),
    "start beyond the dtype": lambda t: t.empty(2, dtype=t.int8).random_(-300, 10),
    "negative deviation": lambda t: t.normal(0.0, -1.0, (2,)),
    "negative deviations": lambda t: t.normal(t.zeros(2), -t.ones(2)),
    "integers as normals": lambda t: t.randn(2, dtype=t.int64),
    "integers as uniforms": lambda t: t.rand(2, dtype=t.int64),
    "reversed bounds": lambda t: t.empty(2).uniform_(2, 1),
    "probability of bernoulli_": lambda t: t.empty(2).bernoulli_(2.0),
    "integers as probabilities": lambda t: t.bernoulli(t.ones(2, dtype=t.int64)),
    "probability of dropout": lambda t: t.dropout(t.ones(2), 1.5, True),
    "dropout of integers": lambda t: t.dropout(t.ones(3, dtype=t.int64), 0.5, True),
    "features of a vector": lambda t: t.feature_dropout(t.ones(2), 0.5, True),
    "too many samples": lambda t: t.multinomial(t.ones(2), 3),
    "no samples": lambda t: t.multinomial(t.ones(2), 0),
    "weights of three dimensions": lambda t: t.multinomial(t.ones(2, 2, 2), 1),
    "integer weights": lambda t: t.multinomial(t.ones(2, dtype=t.int64), 1),
    "negative weights": lambda t: t.multinomial(-t.ones(2), 1),
    "no weight": lambda t: t.multinomial(t.zeros(2), 1),
    "negative rate": lambda t: t.poisson(t.tensor([-1.0])),
    "negative length": lambda t: t.randperm(-1),
    "rate of exponential_": lambda t: t.empty(2).exponential_(-1),
    "probability of geometric_": lambda t: t.empty(2).geometric_(2.0),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name):
    with pytest.raises(Exception) as theirs:
        REFUSED[name](torch)
    with pytest.raises(type(theirs.value)) as ours:
        REFUSED[name](core)
    assert str(ours.value).splitlines()[0] == str(theirs.value).splitlines()[0]


def test_out():
    core.manual_seed(1)
    expected = core.rand(4)
    core.manual_seed(1)
    out = core.empty(4)
    assert core.rand(4, out=out) is out
    assert out.tolist() == expected.tolist()


def test_nothing_is_drawn_on_the_meta_device():
    core.manual_seed(1)
    before = core.get_rng_state().tolist()
    assert core.rand(4, device="meta").shape == (4,)
    assert core.get_rng_state().tolist() == before
