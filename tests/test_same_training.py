"""The same seed gives the same training: initial weights, and the loss of every step, follow PyTorch's."""

import math

import pytest

import corten

torch = pytest.importorskip("torch")

STEPS = 30
OPTIMIZERS = {
    "SGD": {"lr": 0.01, "momentum": 0.9},
    "Adam": {"lr": 1e-3},
    "AdamW": {"lr": 1e-3, "weight_decay": 0.05},
}


def run(lib, network, optimizer, steps=STEPS):
    """Train from seed 0; return the initial weights by name and the losses.

    `network(lib)` draws model and data, and returns the model and a function that computes the loss.
    """
    lib.manual_seed(0)
    model, loss_of = network(lib)
    start = {name: value.detach().clone().numpy() for name, value in model.state_dict().items()}
    stepper = getattr(lib.optim, optimizer)(model.parameters(), **OPTIMIZERS[optimizer])
    losses = []
    for _ in range(steps):
        stepper.zero_grad()
        loss = loss_of()
        loss.backward()
        stepper.step()
        losses.append(loss.item())
    return start, losses


def mlp(lib):
    """The two-layer network of the tutorials, with a mean loss so that every optimizer's step suits it."""
    x, y = lib.randn(64, 1000), lib.randn(64, 10)
    model = lib.nn.Sequential(lib.nn.Linear(1000, 100), lib.nn.ReLU(), lib.nn.Linear(100, 10))
    loss = lib.nn.MSELoss()
    return model, lambda: loss(model(x), y)


def line(lib):
    """One linear layer on three samples."""
    x, y = lib.tensor([[1.0], [2.0], [3.0]]), lib.tensor([[2.0], [4.0], [6.0]])
    model = lib.nn.Linear(1, 1)
    loss = lib.nn.MSELoss()
    return model, lambda: loss(model(x), y)


def clouds(lib):
    """Logistic regression on two Gaussian clouds."""
    centre = 1.7 * lib.ones(100, 2)
    x = lib.cat((lib.normal(centre, 1) + 1, lib.normal(-centre, 1) + 1), 0)
    y = lib.cat((lib.zeros(100), lib.ones(100)))
    model = lib.nn.Sequential(lib.nn.Linear(2, 1), lib.nn.Sigmoid())
    loss = lib.nn.BCELoss()
    return model, lambda: loss(model(x).squeeze(), y)


def cnn(lib):
    """Convolutions, batch norm, both kinds of pooling, cross entropy."""
    nn = lib.nn
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, stride=2, bias=False),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d((2, 2)),
        nn.Flatten(),
        nn.Linear(64, 10),
    )
    x, y = lib.rand(16, 1, 16, 16), lib.randint(0, 10, (16,))
    return model, lambda: nn.functional.cross_entropy(model(x), y)


def assert_same(ours, theirs, tolerance=1e-4):
    """Compare what `run` returned for both libraries."""
    assert list(ours[0]) == list(theirs[0])
    for name, value in ours[0].items():
        assert value.dtype == theirs[0][name].dtype
        assert (value == theirs[0][name]).all(), name
    for step, (a, b) in enumerate(zip(ours[1], theirs[1], strict=True)):
        assert math.isclose(a, b, rel_tol=tolerance), f"step {step}: {a} and {b}"


@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
@pytest.mark.parametrize("network", [mlp, line, clouds, cnn], ids=lambda f: f.__name__)
def test_small_networks(network, optimizer):
    assert_same(run(corten, network, optimizer), run(torch, network, optimizer))


def test_weights_tracked_by_hand():
    def losses(lib):
        lib.manual_seed(0)
        x, y = lib.randn(64, 1000), lib.randn(64, 10)
        w1, w2 = lib.randn(1000, 100, requires_grad=True), lib.randn(100, 10, requires_grad=True)
        seen = []
        for _ in range(STEPS):
            loss = (x.mm(w1).clamp(min=0).mm(w2) - y).pow(2).sum()
            seen.append(loss.item())
            loss.backward()
            with lib.no_grad():
                for w in (w1, w2):
                    w -= 1e-6 * w.grad
                    w.grad.zero_()
        return seen

    assert losses(corten) == pytest.approx(losses(torch), rel=1e-4)


def test_cubic_with_scalar_weights():
    def losses(lib):
        lib.manual_seed(0)
        x = lib.linspace(-math.pi, math.pi, 2000)
        y = x.sin()
        weights = [lib.randn((), requires_grad=True) for _ in range(4)]
        seen = []
        for _ in range(STEPS):
            a, b, c, d = weights
            loss = (a + b * x + c * x**2 + d * x**3 - y).pow(2).sum()
            seen.append(loss.item())
            loss.backward()
            with lib.no_grad():
                for w in weights:
                    w -= 1e-6 * w.grad
                    w.grad = None
        return seen

    assert losses(corten) == pytest.approx(losses(torch), rel=1e-4)
