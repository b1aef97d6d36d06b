"""Fit a line to noisy points by gradient descent, and compare with least squares.

python examples/linear_regression.py [--steps 200] [--out build/examples]
"""

import argparse
from pathlib import Path

import matplotlib as mpl

import corten
from corten import nn
from corten.nn import functional as F

mpl.use("Agg")
from matplotlib import pyplot as plt


def points(count: int) -> tuple[corten.Tensor, corten.Tensor]:
    """Return places x (N, 1) and values y (N, 1) around the line 0.7 x + 0.3."""
    x = corten.rand(count, 1)
    return x, 0.7 * x + 0.3 + 0.05 * corten.randn(count, 1)


def fit(model: nn.Module, x: corten.Tensor, y: corten.Tensor, steps: int) -> list[float]:
    """Take `steps` steps of gradient descent on all points at once; return the loss of each."""
    optimizer = corten.optim.SGD(model.parameters(), lr=0.3, momentum=0.5)
    losses = []
    for _ in range(steps):
        loss = F.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def least_squares(x: corten.Tensor, y: corten.Tensor) -> tuple[float, float]:
    """Return slope and offset of the best line, solved at once."""
    slope, offset = corten.linalg.lstsq(corten.cat([x, corten.ones_like(x)], dim=1), y).solution[:, 0].tolist()
    return slope, offset


def draw(model: nn.Module, x: corten.Tensor, y: corten.Tensor, losses: list[float], path: Path) -> None:
    """Draw the points with the line found, and how the loss fell."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    places = corten.linspace(0, 1, 2).unsqueeze(1)
    left.scatter(x, y, s=12, label="points")
    left.plot(places, model(places).detach(), color="C1", label="fitted line")
    left.legend()
    right.semilogy(losses)
    right.set(xlabel="step", ylabel="mean squared error")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200, help="steps of gradient descent")
    parser.add_argument("--out", type=Path, default=Path("build/examples"), help="folder for the picture")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)

    corten.manual_seed(0)
    x, y = points(100)
    model = nn.Linear(1, 1)
    losses = fit(model, x, y, args.steps)
    slope, offset = (parameter.item() for parameter in model.parameters())
    print(f"gradient descent: {slope:.4f} x + {offset:.4f}, loss {losses[-1]:.6f}")
    slope, offset = least_squares(x, y)
    print(f"least squares:    {slope:.4f} x + {offset:.4f}")
    draw(model, x, y, losses, args.out / "linear_regression.png")


if __name__ == "__main__":
    main()
