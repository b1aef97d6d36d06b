"""Train a small convolutional network on scikit-learn's handwritten digits, look at it, save it and read it back.

python examples/digits.py [--epochs 20] [--out build/demo] [--quick]

The data ship with scikit-learn: 1,797 pictures of 8 x 8 pixels, of which a quarter is held out for the test.
"""

import argparse
import time
from pathlib import Path

import matplotlib as mpl
import numpy as np
from safetensors.numpy import load_file, save_file
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tqdm import tqdm

import corten
from corten import nn
from corten.nn import functional as F

mpl.use("Agg")
from matplotlib import pyplot as plt

BATCH = 64


def digits() -> tuple[corten.Tensor, corten.Tensor, corten.Tensor, corten.Tensor]:
    """Return training and test images (N, 1, 8, 8), scaled to 0..1, and the digits (N) that they show."""
    data = load_digits()
    images = (data.images / 16).astype(np.float32)[:, None]
    labels = data.target.astype(np.int64)
    parts = train_test_split(images, labels, test_size=0.25, random_state=0, stratify=labels)
    train_x, test_x, train_y, test_y = (corten.from_numpy(part) for part in parts)
    return train_x, train_y, test_x, test_y


def classifier() -> nn.Sequential:
    """Two convolutions and two linear layers, from images (N, 1, 8, 8) to ten scores each."""
    return nn.Sequential(
        nn.Conv2d(1, 16, kernel_size=3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 32, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 4 * 4, 64),
        nn.ReLU(),
        nn.Dropout(0.25),
        nn.Linear(64, 10),
    )


def train(model: nn.Module, x: corten.Tensor, y: corten.Tensor, epochs: int, steps: int | None) -> list[float]:
    """Fit `model` to images `x` and digits `y`, at most `steps` batches an epoch; return the loss of every step."""
    optimizer = corten.optim.Adam(model.parameters(), lr=2e-3)
    scheduler = corten.optim.lr_scheduler.StepLR(optimizer, step_size=max(1, epochs // 3), gamma=0.3)
    losses = []
    model.train()
    progress = tqdm(range(epochs), desc="training", unit="epoch")
    for _ in progress:
        for batch in corten.randperm(len(x)).split(BATCH)[:steps]:
            loss = F.cross_entropy(model(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        progress.set_postfix(loss=f"{losses[-1]:.4f}")
    return losses


def predict(model: nn.Module, x: corten.Tensor) -> corten.Tensor:
    """Return the scores (N, 10) of images `x` (N, 1, 8, 8)."""
    model.eval()
    with corten.no_grad():
        scores: corten.Tensor = model(x)
    return scores


def print_confusion(truth: np.ndarray, guess: np.ndarray) -> None:
    """Print how often each digit (row) was taken for each (column), with the hits of each row."""
    table = np.zeros((10, 10), dtype=int)
    np.add.at(table, (truth, guess), 1)
    print("\ntrue \\ predicted" + "".join(f"{digit:5}" for digit in range(10)) + "  correct")
    for digit, row in enumerate(table):
        cells = "".join(f"{count:5}" if count else "    ." for count in row)
        print(f"{digit:16}{cells}{row[digit] / row.sum():9.1%}")


def draw_losses(losses: list[float], path: Path) -> None:
    """Draw the loss of every step on a logarithmic scale."""
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    axes.semilogy(losses, linewidth=0.8)
    axes.set(title="Loss while training", xlabel="step", ylabel="cross-entropy")
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def draw_pictures(pictures: np.ndarray, titles: list[str], heading: str, path: Path, colours: str) -> None:
    """Draw `pictures` (N, height, width) in rows of eight, each under its title."""
    rows = max(1, -(-len(pictures) // 8))
    figure, grid = plt.subplots(rows, 8, figsize=(8, 1.3 * rows + 0.4), squeeze=False, layout="constrained")
    figure.suptitle(heading)
    for axes in grid.flat:
        axes.axis("off")
    for axes, picture, title in zip(grid.flat, pictures, titles, strict=False):
        axes.imshow(picture, cmap=colours)
        axes.set_title(title, fontsize=8)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def save_and_check(model: nn.Module, scores: corten.Tensor, x: corten.Tensor, path: Path) -> None:
    """Write the weights of `model`, read them into a fresh one, and require the same `scores` bit for bit."""
    save_file({name: value.numpy() for name, value in model.state_dict().items()}, path)
    restored = classifier()
    restored.load_state_dict({name: corten.from_numpy(value) for name, value in load_file(path).items()})
    again = predict(restored, x)
    if again.numpy().tobytes() != scores.numpy().tobytes():
        raise SystemExit("the weights read back give other predictions")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=20, help="passes over the training images")
    parser.add_argument("--out", type=Path, default=Path("build/demo"), help="folder for pictures and weights")
    parser.add_argument("--seed", type=int, default=0, help="for the weights and the order of the images")
    parser.add_argument("--quick", action="store_true", help="two epochs of five steps, to see that all works")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)

    train_x, train_y, test_x, test_y = digits()
    corten.manual_seed(args.seed)
    model = classifier()
    print(model)
    start = time.perf_counter()
    losses = train(model, train_x, train_y, 2 if args.quick else args.epochs, 5 if args.quick else None)
    seconds = time.perf_counter() - start

    scores = predict(model, test_x)
    truth, guess = test_y.numpy(), scores.argmax(dim=1).numpy()
    print_confusion(truth, guess)
    wrong = np.flatnonzero(truth != guess)
    print(
        f"\n{len(losses)} steps in {seconds:.1f} s; {1 - len(wrong) / len(truth):.2%} of {len(truth)} held-out digits"
    )

    draw_losses(losses, args.out / "loss.png")
    titles = [f"{truth[i]} taken for {guess[i]}" for i in wrong]
    draw_pictures(test_x[:, 0].numpy()[wrong][:64], titles, "Misclassified", args.out / "misclassified.png", "gray_r")
    filters = model[0].weight.detach()[:, 0].numpy()
    draw_pictures(filters, [str(i) for i in range(len(filters))], "First layer", args.out / "filters.png", "coolwarm")
    save_and_check(model, scores, test_x, args.out / "digits.safetensors")
    print(f"pictures and weights, read back to the same predictions bit for bit, are in {args.out}")


if __name__ == "__main__":
    main()
