"""The stub of the native runtime, which is committed so that wheels carry it, says what the op table says."""

import subprocess
import sys
from pathlib import Path

GENERATOR = Path(__file__).parents[1] / "rust" / "python" / "tools" / "stubs.py"


def test_stub_is_current() -> None:
    run = subprocess.run([sys.executable, GENERATOR, "--check"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr or f"run `python {GENERATOR.relative_to(GENERATOR.parents[3])}`"
