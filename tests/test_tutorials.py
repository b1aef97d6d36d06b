"""The tutorial scripts run unchanged with `torch` meaning Corten, where their folder stands beside the checkout."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TUTORIALS = Path(os.environ.get("CORTEN_TUTORIALS", ROOT.parent / "shared" / "tutorials"))
SCRIPTS = sorted(TUTORIALS.glob("[0-9]*.py"))


@pytest.mark.skipif(not SCRIPTS, reason=f"no tutorials in {TUTORIALS}; CORTEN_TUTORIALS names another folder")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_tutorial(script: Path) -> None:
    command = [sys.executable, TUTORIALS / "run.py", "--lib", "corten", "--only", script.name]
    run = subprocess.run(command, capture_output=True, text=True, timeout=330)
    assert run.returncode == 0, run.stdout + run.stderr
