"""The examples run as a newcomer would run them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import corten

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name: str, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run an example with its results in `out`."""
    command = [sys.executable, EXAMPLES / f"{name}.py", "--out", out, *options]
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=300, env={**os.environ, "CORTEN_NUM_THREADS": "2"}
    )
    assert result.returncode == 0, result.stderr
    return result


def run_digits(out: Path, *options: str) -> str:
    """Return what the demo prints; it fails by itself where the weights read back predict otherwise."""
    result = run("digits", out, *options)
    for name in ("loss.png", "misclassified.png", "filters.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG"), name
    assert (out / "digits.safetensors").stat().st_size > 100_000
    assert "100%" in result.stderr, "the progress bar"
    return result.stdout


def test_digits_quick(tmp_path: Path) -> None:
    text = run_digits(tmp_path, "--quick")
    assert "true \\ predicted" in text
    assert "10 steps" in text


@pytest.mark.slow
def test_digits_learns(tmp_path: Path) -> None:
    found = re.search(r"in ([\d.]+) s; ([\d.]+)% of 450 held-out digits", run_digits(tmp_path))
    assert found
    seconds, accuracy = map(float, found.groups())
    assert accuracy >= 97
    assert seconds < 60


# Few steps of each, and a number that it prints with the range in which that has to be.
QUICK = [
    ("linear_regression", ["--steps", "100"], r"descent: ([\d.]+) x", (0.6, 0.8)),
    ("logistic_regression", ["--epochs", "3"], r"([\d.]+)% of 400", (80, 100)),
    ("polynomial", ["--steps", "500"], r"step 500: sum of squares ([\d.]+)", (0, 2000)),
    ("fine_tune", ["--epochs", "1", "--images", "96"], r"([\d.]+)% of 24 held-out", (0, 100)),
]


@pytest.mark.parametrize(("name", "options", "pattern", "limits"), QUICK, ids=[case[0] for case in QUICK])
def test_quick(name: str, options: list[str], pattern: str, limits: tuple[float, float], tmp_path: Path) -> None:
    found = re.search(pattern, run(name, tmp_path, *options).stdout)
    assert found
    assert limits[0] <= float(found[1]) <= limits[1]
    assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_fine_tune_reads_weights(tmp_path: Path) -> None:
    corten.manual_seed(0)
    corten.save(corten.nn.models.resnet18().state_dict(), tmp_path / "weights.pth")
    run("fine_tune", tmp_path, "--epochs", "1", "--images", "8", "--weights", str(tmp_path / "weights.pth"))


def test_all_are_run() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {"digits", *(case[0] for case in QUICK)}
