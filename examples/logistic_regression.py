"""Tell two clouds of points apart by logistic regression, with a DataLoader, and draw the boundary.

python examples/logistic_regression.py [--epochs 30] [--out build/examples]
"""

import argparse
from pathlib import Path

import matplotlib as mpl

import corten
from corten import nn
from corten.utils.data import DataLoader, TensorDataset

mpl.use("Agg")
from matplotlib import pyplot as plt


def clouds(count: int) -> TensorDataset:
    """Return points (2 N, 2) in two overlapping clouds, and the cloud of each, 0.0 or 1.0."""
    first = corten.randn(count, 2) + corten.tensor([-1.5, 0.0])
    second = corten.randn(count, 2) + corten.tensor([1.0, 1.5])
    return TensorDataset(corten.cat([first, second]), corten.cat([corten.zeros(count), corten.ones(count)]))


def fit(model: nn.Module, data: TensorDataset, epochs: int) -> None:
    """Minimise the cross-entropy of the scores that `model` gives to points."""
    optimizer = corten.optim.Adam(model.parameters(), lr=0.05)
    criterion = nn.BCEWithLogitsLoss()
    for _ in range(epochs):
        for x, y in DataLoader(data, batch_size=32, shuffle=True):
            loss = criterion(model(x).squeeze(1), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def draw(model: nn.Module, x: corten.Tensor, y: corten.Tensor, path: Path) -> None:
    """Draw the points over the probability of the second cloud, with the boundary where it is one half."""
    across, up = corten.linspace(-5, 5, 101), corten.linspace(-4, 5, 91)
    grid = corten.cartesian_prod(across, up)
    with corten.no_grad():
        chance = model(grid).sigmoid().view(101, 91).T
    figure, axes = plt.subplots(figsize=(5, 4), layout="constrained")
    shades = axes.contourf(across, up, chance, levels=20, cmap="coolwarm", alpha=0.5)
    axes.contour(across, up, chance, levels=[0.5], colors="black")
    axes.scatter(x[:, 0], x[:, 1], c=y, cmap="coolwarm", s=10, edgecolors="white", linewidths=0.3)
    figure.colorbar(shades, label="probability")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=30, help="passes over the points")
    parser.add_argument("--out", type=Path, default=Path("build/examples"), help="folder for the picture")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)

    corten.manual_seed(0)
    data = clouds(200)
    model = nn.Linear(2, 1)
    fit(model, data, args.epochs)
    x, y = data.tensors
    correct = ((model(x).squeeze(1) > 0) == y.bool()).float().mean().item()
    print(f"{correct:.1%} of {len(x)} points are on the right side")
    draw(model, x, y, args.out / "logistic_regression.png")


if __name__ == "__main__":
    main()
