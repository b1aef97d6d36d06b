"""The examples run as a newcomer would run them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def run_digits(out: Path, *options: str) -> str:
    """Return what the demo prints; it fails by itself where the weights read back predict otherwise."""
    command = [sys.executable, EXAMPLES / "digits.py", "--out", out, *options]
    run = subprocess.run(
        command, capture_output=True, text=True, timeout=300, env={**os.environ, "CORTEN_NUM_THREADS": "2"}
    )
    assert run.returncode == 0, run.stderr
    for name in ("loss.png", "misclassified.png", "filters.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG"), name
    assert (out / "digits.safetensors").stat().st_size > 100_000
    assert "100%" in run.stderr, "the progress bar"
    return run.stdout


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
