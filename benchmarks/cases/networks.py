"""Whole steps of training: forward, backward and optimizer."""

from typing import Any

from benchmarks.case import Names, add
from benchmarks.cases.resnet import ResNet18


def digits(lib: Any) -> Any:
    nn = lib.nn
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 64, 3, padding=1),
        nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(1024, 10),
    )  # fmt: skip


def perceptron(lib: Any) -> Any:
    nn = lib.nn
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))


def classifier(model: Any, *shape: int, classes: int = 10, optimizer: str = "SGD") -> Any:
    """Return a set-up of a training step of `model(lib)` on random inputs of `shape`."""

    def setup(lib: Any) -> Names:
        lib.manual_seed(0)
        network = model(lib)
        x, y = lib.randn(*shape), lib.randint(0, classes, (shape[0],))
        loss_of = lib.nn.CrossEntropyLoss()
        update = getattr(lib.optim, optimizer)(network.parameters(), lr=1e-3)

        def step() -> None:
            update.zero_grad()
            loss_of(network(x), y).backward()
            update.step()

        return {"step": step}

    return setup


def sequence(model: Any, *shape: int) -> Any:
    """Return a set-up of a training step that brings the outputs of `model(lib)` to zero."""

    def setup(lib: Any) -> Names:
        lib.manual_seed(0)
        network, x = model(lib), lib.randn(*shape)
        update = lib.optim.Adam(network.parameters(), lr=1e-3)

        def step() -> None:
            update.zero_grad()
            out = network(x)
            (out[0] if isinstance(out, tuple) else out).square().mean().backward()
            update.step()

        return {"step": step}

    return setup


def optimizer(kind: str) -> Any:
    """Return a set-up of one update of 11.7 million parameters, as many as ResNet-18 has."""

    def setup(lib: Any) -> Names:
        parameters = [lib.ones(n, requires_grad=True) for n in (9408, *[36864] * 4, *[590_000] * 8, *[2_300_000] * 3)]
        for parameter in parameters:
            parameter.grad = lib.full_like(parameter, 1e-3)
        return {"step": getattr(lib.optim, kind)(parameters, lr=1e-3).step}

    return setup


def block(lib: Any) -> Any:
    return lib.nn.TransformerEncoderLayer(128, 8, 512, dropout=0.0, batch_first=True)


add("MLP 784x512x512x10, batch 64", "step()", classifier(perceptron, 64, 784, optimizer="Adam"), "steps")
add("digits CNN, batch 64", "step()", classifier(digits, 64, 1, 8, 8, optimizer="Adam"), "steps")
add("ResNet-18 at 64, batch 8", "step()", classifier(ResNet18, 8, 3, 64, 64), "steps")
add("ResNet-18 at 224, batch 2", "step()", classifier(ResNet18, 2, 3, 224, 224), "steps", target=1.2)
add("LSTM 128, 20 steps of 32", "step()", sequence(lambda lib: lib.nn.LSTM(128, 128), 20, 32, 128), "steps")
add("transformer layer 128, 8x64", "step()", sequence(block, 8, 64, 128), "steps")
add("Adam, 11.7 M parameters", "step()", optimizer("Adam"), "steps", bytes=28 * 11.8e6)
add("SGD, 11.7 M parameters", "step()", optimizer("SGD"), "steps", bytes=12 * 11.8e6)
