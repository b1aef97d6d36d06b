"""Distributions beside PyTorch's: draws of one seed, densities, moments, texts, errors."""

import pytest

import corten_tensor_core as native
from corten_nn import distributions

torch = pytest.importorskip("torch")

LIBS = ((native, distributions), (torch, torch.distributions))

CASES = {
    "Bernoulli": lambda t, d: d.Bernoulli(t.tensor([0.3, 0.5, 1.0])),
    "Bernoulli of logits": lambda t, d: d.Bernoulli(logits=t.tensor([-1.0, 2.0])),
    "Beta": lambda t, d: d.Beta(t.tensor([0.5, 2.0]), t.tensor([0.5, 3.0])),
    "Binomial": lambda t, d: d.Binomial(5, t.tensor([0.1, 0.5])),
    "Categorical": lambda t, d: d.Categorical(t.tensor([[1.0, 2.0, 3.0], [0.0, 1.0, 1.0]])),
    "Categorical of logits": lambda t, d: d.Categorical(logits=t.tensor([0.1, -2.0, 1.0])),
    "Cauchy": lambda t, d: d.Cauchy(t.tensor([0.0, 1.0]), 2.0),
    "Chi2": lambda t, d: d.Chi2(t.tensor([1.0, 3.0])),
    "Dirichlet": lambda t, d: d.Dirichlet(t.tensor([[0.5, 1.0, 2.0], [0.1, 0.1, 0.1]])),
    "Exponential": lambda t, d: d.Exponential(t.tensor([0.5, 2.0])),
    "FisherSnedecor": lambda t, d: d.FisherSnedecor(t.tensor([1.0, 3.0]), t.tensor([5.0, 2.0])),
    "Gamma": lambda t, d: d.Gamma(t.tensor([0.2, 2.0, 50.0]), 3.0),
    "Gamma of doubles": lambda t, d: d.Gamma(t.linspace(0.1, 9.0, 20, dtype=t.float64), 1.0),
    "Geometric": lambda t, d: d.Geometric(t.tensor([0.3, 0.9])),
    "Gumbel": lambda t, d: d.Gumbel(t.tensor([0.0, 1.0]), t.tensor([1.0, 2.0])),
    "HalfCauchy": lambda t, d: d.HalfCauchy(t.tensor([1.0, 2.0])),
    "HalfNormal": lambda t, d: d.HalfNormal(t.tensor([1.0, 2.0])),
    "Independent": lambda t, d: d.Independent(d.Normal(t.zeros(2, 3), t.ones(2, 3)), 1),
    "InverseGamma": lambda t, d: d.InverseGamma(t.tensor([3.0, 0.5]), t.tensor([1.0, 2.0])),
    "Kumaraswamy": lambda t, d: d.Kumaraswamy(t.tensor([2.0, 1.0]), t.tensor([3.0, 0.5])),
    "Laplace": lambda t, d: d.Laplace(t.tensor([0.0, 1.0]), 2.0),
    "LogNormal": lambda t, d: d.LogNormal(t.tensor([0.0, 1.0]), 0.5),
    "LogisticNormal": lambda t, d: d.LogisticNormal(t.tensor([0.0, 1.0]), t.ones(2)),
    "LowRankMultivariateNormal": lambda t, d: d.LowRankMultivariateNormal(t.ones(3), t.ones(3, 1), t.ones(3)),
    "MixtureSameFamily": lambda t, d: d.MixtureSameFamily(
        d.Categorical(t.tensor([0.2, 0.8])), d.Normal(t.tensor([0.0, 5.0]), t.tensor([1.0, 2.0]))
    ),
    "MixtureSameFamily of vectors": lambda t, d: d.MixtureSameFamily(
        d.Categorical(t.ones(2)), d.Independent(d.Normal(t.arange(6.0).view(2, 3), t.ones(2, 3)), 1)
    ),
    "Multinomial": lambda t, d: d.Multinomial(4, t.tensor([0.2, 0.3, 0.5])),
    "MultivariateNormal": lambda t, d: d.MultivariateNormal(t.zeros(4, 2), t.tensor([[2.0, 0.5], [0.5, 1.0]])),
    "MultivariateNormal of a factor": lambda t, d: d.MultivariateNormal(t.zeros(2), scale_tril=t.eye(2)),
    "MultivariateNormal of a precision": lambda t, d: d.MultivariateNormal(
        t.zeros(2), precision_matrix=t.tensor([[2.0, 0.5], [0.5, 1.0]])
    ),
    "NegativeBinomial": lambda t, d: d.NegativeBinomial(3.0, t.tensor([0.4, 0.1])),
    "Normal": lambda t, d: d.Normal(t.tensor([0.0, 1.0]), t.tensor([1.0, 2.0])),
    "Normal of numbers": lambda t, d: d.Normal(0.0, 1.0),
    "OneHotCategorical": lambda t, d: d.OneHotCategorical(t.tensor([0.2, 0.8])),
    "OneHotCategoricalStraightThrough": lambda t, d: d.OneHotCategoricalStraightThrough(t.tensor([0.2, 0.8])),
    "Pareto": lambda t, d: d.Pareto(t.tensor([1.0, 2.0]), t.tensor([3.0, 0.5])),
    "Poisson": lambda t, d: d.Poisson(t.tensor([0.5, 30.0])),
    "RelaxedBernoulli": lambda t, d: d.RelaxedBernoulli(t.tensor(0.5), t.tensor([0.3, 0.9])),
    "RelaxedOneHotCategorical": lambda t, d: d.RelaxedOneHotCategorical(t.tensor(0.5), t.tensor([0.3, 0.7])),
    "StudentT": lambda t, d: d.StudentT(t.tensor([0.5, 1.5, 5.0]), 1.0, 2.0),
    "TransformedDistribution": lambda t, d: d.TransformedDistribution(
        d.Normal(0.0, 1.0), [d.ExpTransform(), d.AffineTransform(1.0, 2.0)]
    ),
    "TransformedDistribution, falling": lambda t, d: d.TransformedDistribution(
        d.Uniform(t.zeros(2), t.ones(2)), [d.SigmoidTransform().inv, d.AffineTransform(t.ones(2), -2.0)]
    ),
    "Uniform": lambda t, d: d.Uniform(t.tensor([0.0, 1.0]), 2.0),
    "VonMises": lambda t, d: d.VonMises(t.tensor([0.0, 1.0]), t.tensor([2.0, 0.1])),
    "Weibull": lambda t, d: d.Weibull(t.tensor([1.0, 2.0]), t.tensor([2.0, 1.0])),
}


def equal(ours, theirs, tolerance=2e-5):
    if not isinstance(theirs, torch.Tensor):
        assert ours == theirs
        return
    assert str(ours.dtype) == str(theirs.dtype)
    theirs = native.from_numpy(theirs.detach().numpy())
    native.testing.assert_close(ours.detach(), theirs, rtol=tolerance, atol=tolerance, equal_nan=True)


def outcome(function, *arguments):
    """The result of a call, or the class of its error."""
    try:
        return function(*arguments)
    except Exception as error:
        return type(error).__name__


@pytest.mark.parametrize("name", CASES)
def test_draws_densities_and_moments(name):
    (t, d), (torch_t, torch_d) = LIBS
    ours, theirs = CASES[name](t, d), CASES[name](torch_t, torch_d)
    assert repr(ours) == repr(theirs)
    assert repr(ours.support).splitlines()[0].split("(")[0] == repr(theirs.support).splitlines()[0].split("(")[0]
    for what in ("batch_shape", "event_shape", "has_rsample", "has_enumerate_support"):
        assert getattr(ours, what) == getattr(theirs, what), what
    for lib in (t, torch_t):
        lib.manual_seed(3)
    for shape in ((), (5,), (2, 3)):
        drawn = ours.sample(shape), theirs.sample(shape)
        equal(*drawn, tolerance=1e-3 if name == "VonMises" else 2e-5)
        value = native.from_numpy(drawn[1].numpy()) if drawn[1].dim() else native.tensor(drawn[1].item())
        equal(ours.log_prob(value), theirs.log_prob(drawn[1]), tolerance=1e-4)
        for what in ("cdf", "icdf"):
            equal(outcome(getattr(ours, what), value), outcome(getattr(theirs, what), drawn[1]))
    equal(t.rand(2), torch_t.rand(2))
    for what in ("mean", "variance", "stddev", "mode"):
        if (name, what) != ("Kumaraswamy", "mode"):  # PyTorch's is NaN where a power is above 1
            equal(outcome(getattr, ours, what), outcome(getattr, theirs, what))
    for what in ("entropy", "enumerate_support"):
        if name not in {"Poisson", "NegativeBinomial"}:
            equal(outcome(getattr(ours, what)), outcome(getattr(theirs, what)))
    wide = [x.expand((3, *x.batch_shape)) for x in (ours, theirs)]
    assert wide[0].batch_shape == wide[1].batch_shape
    for lib in (t, torch_t):
        lib.manual_seed(5)
    equal(wide[0].sample(), wide[1].sample(), tolerance=1e-3 if name == "VonMises" else 2e-5)


DIFFERENTIABLE = {
    "Normal": ([0.5, 2.0], lambda t, d, x: d.Normal(x, x.exp())),
    "Gamma": ([0.5, 2.0, 20.0], lambda t, d, x: d.Gamma(x, x)),
    "StudentT": ([1.5, 2.0], lambda t, d, x: d.StudentT(x, x, x)),
    "MultivariateNormal": ([1.5, 2.0], lambda t, d, x: d.MultivariateNormal(x, t.diag(x))),
    "Laplace": ([1.5, 2.0], lambda t, d, x: d.Laplace(x, x)),
    "Weibull": ([1.5, 2.0], lambda t, d, x: d.Weibull(x, x)),
    "RelaxedOneHotCategorical": (
        [1.5, 2.0],
        lambda t, d, x: d.RelaxedOneHotCategorical(t.ones(()), logits=x),
    ),
}


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradients_of_draws_and_densities(name):
    values, make = DIFFERENTIABLE[name]
    grads = []
    for t, d in LIBS:
        t.manual_seed(0)
        x = t.tensor(values, dtype=t.float64, requires_grad=True)
        p = make(t, d, x)
        draw = p.rsample((3,))
        (draw * t.arange(1.0, len(values) + 1)).sum().backward(retain_graph=True)
        first = x.grad.clone()
        p.log_prob(draw.detach()).sum().backward()
        assert not p.sample().requires_grad
        grads.append((first, x.grad))
    for ours, theirs in zip(*grads, strict=True):
        equal(ours, theirs, tolerance=2e-3)


def test_gradients_of_dirichlet():
    """Draws are quotients of gamma-distributed numbers: the gradient of each sum over a draw vanishes."""
    x = native.tensor([0.5, 2.0, 3.0], dtype=native.float64, requires_grad=True)
    distributions.Dirichlet(x).rsample((100,)).sum().backward()
    assert x.grad.abs().max() < 1e-10
    x.grad = None
    native.manual_seed(0)
    distributions.Dirichlet(x).rsample((40000,))[:, 0].mean().backward()
    # The mean is x / sum(x).
    native.testing.assert_close(
        x.grad, native.tensor([5.0, -0.5, -0.5], dtype=native.float64) / 5.5**2, rtol=0.05, atol=0
    )


PAIRS = [
    (lambda t, d: d.Bernoulli(t.tensor([0.0, 0.3])), lambda t, d: d.Bernoulli(t.tensor([0.5, 0.4]))),
    (lambda t, d: d.Beta(1.0, 2.0), lambda t, d: d.Beta(3.0, 0.5)),
    (lambda t, d: d.Beta(1.0, 2.0), lambda t, d: d.Normal(0.3, 0.5)),
    (lambda t, d: d.Binomial(3, t.tensor(0.2)), lambda t, d: d.Binomial(3, t.tensor(0.6))),
    (lambda t, d: d.Categorical(t.tensor([0.0, 1.0])), lambda t, d: d.Categorical(t.tensor([0.4, 0.6]))),
    (lambda t, d: d.Categorical(t.tensor([0.2, 0.8])), lambda t, d: d.Categorical(t.tensor([0.0, 1.0]))),
    (lambda t, d: d.OneHotCategorical(t.tensor([0.2, 0.8])), lambda t, d: d.OneHotCategorical(t.tensor([0.5, 0.5]))),
    (lambda t, d: d.Cauchy(0.0, 1.0), lambda t, d: d.Cauchy(1.0, 2.0)),
    (lambda t, d: d.Dirichlet(t.tensor([1.0, 2.0])), lambda t, d: d.Dirichlet(t.tensor([0.5, 3.0]))),
    (lambda t, d: d.Exponential(1.0), lambda t, d: d.Exponential(3.0)),
    (lambda t, d: d.Exponential(1.0), lambda t, d: d.Gamma(2.0, 3.0)),
    (lambda t, d: d.Exponential(1.0), lambda t, d: d.Normal(2.0, 3.0)),
    (lambda t, d: d.Exponential(1.0), lambda t, d: d.Uniform(0.0, 3.0)),
    (lambda t, d: d.Gamma(1.0, 2.0), lambda t, d: d.Gamma(2.0, 3.0)),
    (lambda t, d: d.Gamma(1.5, 2.0), lambda t, d: d.Exponential(2.0)),
    (lambda t, d: d.Gamma(1.5, 2.0), lambda t, d: d.Normal(2.0, 3.0)),
    (lambda t, d: d.Chi2(2.0), lambda t, d: d.Gamma(2.0, 3.0)),
    (lambda t, d: d.Geometric(0.3), lambda t, d: d.Geometric(0.6)),
    (lambda t, d: d.Gumbel(0.0, 1.0), lambda t, d: d.Gumbel(1.0, 2.0)),
    (lambda t, d: d.HalfNormal(1.0), lambda t, d: d.HalfNormal(2.0)),
    (lambda t, d: d.Laplace(0.0, 1.0), lambda t, d: d.Laplace(1.0, 2.0)),
    (lambda t, d: d.Laplace(0.0, 1.0), lambda t, d: d.Normal(1.0, 2.0)),
    (lambda t, d: d.LogNormal(0.0, 1.0), lambda t, d: d.LogNormal(1.0, 2.0)),
    (lambda t, d: d.Normal(0.0, 1.0), lambda t, d: d.Normal(t.tensor([1.0, 0.0]), 2.0)),
    (lambda t, d: d.Normal(0.0, 1.0), lambda t, d: d.Laplace(1.0, 2.0)),
    (lambda t, d: d.Normal(0.0, 1.0), lambda t, d: d.Gumbel(1.0, 2.0)),
    (lambda t, d: d.Normal(0.0, 1.0), lambda t, d: d.Uniform(1.0, 2.0)),
    (lambda t, d: d.Pareto(2.0, 1.0), lambda t, d: d.Pareto(1.0, 2.0)),
    (lambda t, d: d.Poisson(2.0), lambda t, d: d.Poisson(3.0)),
    (lambda t, d: d.Uniform(0.0, 1.0), lambda t, d: d.Uniform(-1.0, 2.0)),
    (lambda t, d: d.Uniform(0.0, 1.0), lambda t, d: d.Uniform(0.5, 2.0)),
    (lambda t, d: d.Uniform(0.0, 1.0), lambda t, d: d.Normal(0.5, 2.0)),
    (
        lambda t, d: d.MultivariateNormal(t.zeros(2), t.eye(2)),
        lambda t, d: d.MultivariateNormal(t.ones(2), t.tensor([[2.0, 0.5], [0.5, 1.0]])),
    ),
    (
        lambda t, d: d.LowRankMultivariateNormal(t.zeros(2), t.ones(2, 1), t.ones(2)),
        lambda t, d: d.MultivariateNormal(t.ones(2), t.tensor([[2.0, 0.5], [0.5, 1.0]])),
    ),
    (
        lambda t, d: d.Independent(d.Normal(t.zeros(2), t.ones(2)), 1),
        lambda t, d: d.Independent(d.Normal(t.ones(2), t.ones(2)), 1),
    ),
]


@pytest.mark.parametrize("number", range(len(PAIRS)))
def test_divergences(number):
    ours, theirs = (d.kl_divergence(*(make(t, d) for make in PAIRS[number])) for t, d in LIBS)
    equal(ours, theirs)


TRANSFORMS = {
    "Exp": lambda t, d: d.ExpTransform(),
    "Power": lambda t, d: d.ComposeTransform([d.ExpTransform(), d.transforms.PowerTransform(t.tensor(2.0))]),
    "Sigmoid": lambda t, d: d.SigmoidTransform(),
    "Softplus": lambda t, d: d.transforms.SoftplusTransform(),
    "Tanh": lambda t, d: d.TanhTransform(),
    "Affine": lambda t, d: d.AffineTransform(t.tensor(1.0), t.tensor(-2.0)),
    "Affine of vectors": lambda t, d: d.AffineTransform(1.0, -2.0, event_dim=1),
    "StickBreaking": lambda t, d: d.StickBreakingTransform(),
    "Compose": lambda t, d: d.ComposeTransform([d.SigmoidTransform(), d.AffineTransform(0.0, 2.0)]),
    "Independent": lambda t, d: d.transforms.IndependentTransform(d.ExpTransform(), 1),
    "Reshape": lambda t, d: d.transforms.ReshapeTransform((3,), (3, 1)),
    "CorrCholesky": lambda t, d: d.CorrCholeskyTransform(),
    "Stack": lambda t, d: d.StackTransform([d.ExpTransform(), d.AffineTransform(1.0, 2.0), d.TanhTransform()], dim=1),
    "Cat": lambda t, d: d.CatTransform([d.ExpTransform(), d.TanhTransform()], dim=1, lengths=[1, 2]),
    "CumulativeDistribution": lambda t, d: d.CumulativeDistributionTransform(d.Normal(0.0, 1.0)),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms(name):
    found = []
    for t, d in LIBS:
        transform = TRANSFORMS[name](t, d)
        x = t.tensor([[0.1, -0.5, 1.0], [2.0, 0.3, -1.0]])
        y = transform(x)
        shapes = transform.forward_shape(x.shape), transform.inverse_shape(y.shape)
        found.append(
            (repr(transform), repr(transform.inv), shapes, y, transform.inv(y), transform.log_abs_det_jacobian(x, y))
        )
        assert transform.inv.inv is transform
        assert transform.bijective
    for ours, theirs in zip(*found, strict=True):
        equal(ours, theirs, tolerance=1e-4)


@pytest.mark.parametrize(
    "name", "real positive unit_interval simplex real_vector lower_cholesky corr_cholesky boolean".split()
)
def test_registries(name):
    for registry in ("biject_to", "transform_to"):
        ours, theirs = (outcome(getattr(d, registry), getattr(d.constraints, name)) for _, d in LIBS)
        assert repr(ours) == repr(theirs)


@pytest.mark.parametrize(
    "call",
    [
        lambda t, d: d.Normal(0.0, -1.0),
        lambda t, d: d.Normal(t.zeros(2), -t.ones(2)),
        lambda t, d: d.Normal(t.zeros(2), t.ones(3)),
        lambda t, d: d.Normal("a", 1.0),
        lambda t, d: d.Categorical(t.tensor([-1.0, 2.0])),
        lambda t, d: d.Categorical(),
        lambda t, d: d.Categorical(t.tensor(1.0)),
        lambda t, d: d.Categorical(t.tensor([0.3, 0.7])).log_prob(t.tensor(5)),
        lambda t, d: d.Bernoulli(),
        lambda t, d: d.Bernoulli(1.5),
        lambda t, d: d.Bernoulli(0.5).log_prob(t.tensor(0.3)),
        lambda t, d: d.Geometric(0.0),
        lambda t, d: d.Uniform(2.0, 1.0),
        lambda t, d: d.Uniform(0.0, 1.0).log_prob(t.tensor(3.0)),
        lambda t, d: d.Normal(0.0, 1.0).log_prob("a"),
        lambda t, d: d.Normal(t.zeros(3), 1.0).log_prob(t.zeros(2)),
        lambda t, d: d.MultivariateNormal(t.zeros(2)),
        lambda t, d: d.MultivariateNormal(t.tensor(0.0), t.eye(2)),
        lambda t, d: d.MultivariateNormal(t.zeros(2), -t.eye(2)),
        lambda t, d: d.Independent(d.Normal(0.0, 1.0), 1),
        lambda t, d: d.TransformedDistribution(d.Normal(0.0, 1.0), 3),
        lambda t, d: d.kl_divergence(d.Normal(0.0, 1.0), d.Categorical(t.ones(2))),
        lambda t, d: d.Normal(t.zeros(2), 1.0).expand([3]),
        lambda t, d: d.Normal(0.0, 1.0).sample(3),
        lambda t, d: d.Multinomial(2, t.ones(3)).log_prob(t.tensor([1.0, 2.0, 3.0])),
        lambda t, d: d.Bernoulli(0.5).rsample(),
    ],
)
def test_errors(call):
    told = []
    for t, d in LIBS:
        try:
            call(t, d)
        except Exception as error:
            told.append((type(error), str(error)))
    assert told[0] == told[1]


def test_unchecked_arguments():
    assert distributions.Normal(0.0, 1.0, validate_args=False).log_prob(3.0) < -5
    distributions.Distribution.set_default_validate_args(False)
    try:
        distributions.Normal(0.0, -1.0)
    finally:
        distributions.Distribution.set_default_validate_args(True)
