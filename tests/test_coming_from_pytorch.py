"""The page for those who come from PyTorch says what the comparison with PyTorch finds."""

import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[1] / "tools" / "compare_names.py"


def test_page_is_current() -> None:
    torch = pytest.importorskip("torch")
    if not torch.__version__.startswith("2.13."):
        pytest.skip("the page compares with PyTorch 2.13")
    run = subprocess.run([sys.executable, TOOL, "--check"], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
