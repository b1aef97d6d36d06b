"""Training loops of the sizes that tutorials use; the time is that of one step."""

import math
from typing import Any

from benchmarks.case import Names, case

STEPS = 10


@case("MLP 64x1000x100x10 by hand, step", "train()", "tutorials", threads=(1,), target=3, units=STEPS)
def manual_mlp(lib: Any) -> Names:
    lib.manual_seed(0)
    x, y = lib.randn(64, 1000), lib.randn(64, 10)
    w1 = lib.randn(1000, 100, requires_grad=True)
    w2 = lib.randn(100, 10, requires_grad=True)

    def train() -> None:
        for _ in range(STEPS):
            loss = (x.mm(w1).clamp(min=0).mm(w2) - y).pow(2).sum()
            loss.item()
            loss.backward()
            with lib.no_grad():
                w1.sub_(1e-6 * w1.grad)
                w2.sub_(1e-6 * w2.grad)
                w1.grad.zero_()
                w2.grad.zero_()

    return {"train": train}


@case("MLP 64x1000x100x10 with nn and Adam, step", "train()", "tutorials", threads=(1,), target=3, units=STEPS)
def module_mlp(lib: Any) -> Names:
    lib.manual_seed(0)
    x, y = lib.randn(64, 1000), lib.randn(64, 10)
    model = lib.nn.Sequential(lib.nn.Linear(1000, 100), lib.nn.ReLU(), lib.nn.Linear(100, 10))
    loss_of = lib.nn.MSELoss(reduction="sum")
    optimizer = lib.optim.Adam(model.parameters(), lr=1e-4)

    def train() -> None:
        for _ in range(STEPS):
            loss = loss_of(model(x), y)
            loss.item()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return {"train": train}


@case("cubic through 2000 points, step", "train()", "tutorials", threads=(1,), target=3, units=STEPS)
def polynomial(lib: Any) -> Names:
    lib.manual_seed(0)
    x = lib.linspace(-math.pi, math.pi, 2000)
    y = lib.sin(x)
    a, b, c, d = weights = [lib.randn((), requires_grad=True) for _ in range(4)]

    def train() -> None:
        for _ in range(STEPS):
            loss = (a + b * x + c * x**2 + d * x**3 - y).pow(2).sum()
            loss.backward()
            with lib.no_grad():
                for weight in weights:
                    weight.sub_(1e-6 * weight.grad)
                    weight.grad = None

    return {"train": train}


@case("line through 20 points, step", "train()", "tutorials", threads=(1,), target=3, units=STEPS)
def line(lib: Any) -> Names:
    lib.manual_seed(10)
    x = lib.rand(20, 1) * 10
    y = 2 * x + (5 + lib.randn(20, 1))
    w, b = lib.randn(1, requires_grad=True), lib.zeros(1, requires_grad=True)

    def train() -> None:
        for _ in range(STEPS):
            loss = (0.5 * (y - lib.add(lib.mul(w, x), b)) ** 2).mean()
            loss.backward()
            b.data.sub_(0.01 * b.grad)
            w.data.sub_(0.01 * w.grad)
            w.grad.zero_()
            b.grad.zero_()

    return {"train": train}


@case("logistic regression, 200 points, step", "train()", "tutorials", threads=(1,), target=3, units=STEPS)
def logistic(lib: Any) -> Names:
    lib.manual_seed(10)
    x = lib.cat((lib.randn(100, 2) + 2.7, lib.randn(100, 2) - 0.7))
    y = lib.cat((lib.zeros(100), lib.ones(100)))
    model = lib.nn.Sequential(lib.nn.Linear(2, 1), lib.nn.Sigmoid())
    loss_of = lib.nn.BCELoss()
    optimizer = lib.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

    def train() -> None:
        for _ in range(STEPS):
            loss = loss_of(model(x).squeeze(), y)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()

    return {"train": train}
