"""Fine-tune a ResNet-18 on handwritten digits: its weights are frozen, and only a new last layer learns.

python examples/fine_tune.py [--weights resnet18-f37072fd.pth] [--epochs 5] [--images 1797] [--out build/examples]

Without a file of weights the frozen network is random, which already makes features that tell most digits apart.
"""

import argparse
from pathlib import Path

import matplotlib as mpl
from sklearn.datasets import load_digits

import corten
from corten import nn
from corten.utils.data import DataLoader, TensorDataset, random_split

mpl.use("Agg")
from matplotlib import pyplot as plt


def digits(count: int) -> TensorDataset:
    """Return `count` pictures (N, 3, 32, 32), whose mean is about 0, and the digits (N) that they show."""
    data = load_digits()
    pictures = corten.from_numpy(data.images[:count]).float() / 16 * 2 - 0.6
    large = pictures.repeat_interleave(4, dim=1).repeat_interleave(4, dim=2)
    return TensorDataset(large.unsqueeze(1).expand(-1, 3, -1, -1), corten.from_numpy(data.target[:count]))


def network(weights: Path | None) -> nn.Module:
    """Return a frozen ResNet-18 with a last layer for ten classes that is not."""
    model = nn.models.resnet18(weights=weights)
    model.requires_grad_(False)
    model.fc = nn.Linear(model.fc.in_features, 10)
    return model.eval()  # so that the statistics of batch normalisation are frozen too


def train(model: nn.Module, batches: DataLoader, epochs: int) -> list[float]:
    """Train what is not frozen; return the loss of each step."""
    optimizer = corten.optim.Adam((p for p in model.parameters() if p.requires_grad), lr=0.01)
    criterion = nn.CrossEntropyLoss()
    losses = []
    for epoch in range(1, epochs + 1):
        for x, y in batches:
            loss = criterion(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(f"epoch {epoch}: loss {losses[-1]:.4f}")
    return losses


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, help="trained weights, as torchvision saves them")
    parser.add_argument("--epochs", type=int, default=5, help="passes over the training images")
    parser.add_argument("--images", type=int, default=1797, help="how many images to use, a quarter of them to test")
    parser.add_argument("--out", type=Path, default=Path("build/examples"), help="folder for the picture")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)

    corten.manual_seed(0)
    training, test = random_split(digits(args.images), [0.75, 0.25])
    model = network(args.weights)
    losses = train(model, DataLoader(training, batch_size=64, shuffle=True), args.epochs)
    with corten.no_grad():
        correct = sum((model(x).argmax(dim=1) == y).sum().item() for x, y in DataLoader(test, batch_size=64))
    print(f"{correct / len(test):.1%} of {len(test)} held-out digits")

    figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
    axes.semilogy(losses)
    axes.set(xlabel="step", ylabel="cross-entropy")
    figure.savefig(args.out / "fine_tune.png", dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    main()
