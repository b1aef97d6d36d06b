"""Fit a polynomial of degree three to the sine, with tensors and autograd alone.

python examples/polynomial.py [--steps 2000] [--out build/examples]
"""

import argparse
import math
from pathlib import Path

import matplotlib as mpl

import corten

mpl.use("Agg")
from matplotlib import pyplot as plt

LEARNING_RATE = 1e-6


def fit(x: corten.Tensor, y: corten.Tensor, steps: int) -> corten.Tensor:
    """Return the coefficients (4) of 1, x, x² and x³, after `steps` steps of gradient descent from random ones."""
    powers = x.unsqueeze(1) ** corten.arange(4)
    coefficients = corten.randn(4, requires_grad=True)
    for step in range(1, steps + 1):
        loss = (powers @ coefficients - y).square().sum()
        (slopes,) = corten.autograd.grad(loss, coefficients)
        with corten.no_grad():
            coefficients -= LEARNING_RATE * slopes
        if step % 500 == 0:
            print(f"step {step}: sum of squares {loss.item():.4f}")
    return coefficients.detach()


def draw(x: corten.Tensor, y: corten.Tensor, coefficients: corten.Tensor, path: Path) -> None:
    """Draw the sine and the polynomial."""
    figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
    axes.plot(x, y, label="sin(x)")
    axes.plot(x, x.unsqueeze(1) ** corten.arange(4) @ coefficients, "--", label="polynomial")
    axes.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2000, help="steps of gradient descent")
    parser.add_argument("--out", type=Path, default=Path("build/examples"), help="folder for the picture")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)

    corten.manual_seed(0)
    x = corten.linspace(-math.pi, math.pi, 2000)
    y = x.sin()
    coefficients = fit(x, y, args.steps)
    a, b, c, d = coefficients.tolist()
    print(f"y = {a:.4f} + {b:.4f} x + {c:.4f} x² + {d:.4f} x³")
    draw(x, y, coefficients, args.out / "polynomial.png")


if __name__ == "__main__":
    main()
