"""The benchmark runner times every case with whatever is installed, and its report says what it found."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run_benchmarks(out: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks", "--rounds=1", "--seconds=0.0005", f"--out={out}", *arguments]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=300, env={**os.environ, "PYTHONUTF8": "1"})
    assert run.returncode == 0, run.stderr.decode()
    return run.stdout.decode()


@pytest.mark.slow
def test_every_case_runs(tmp_path: Path) -> None:
    text = run_benchmarks(tmp_path)
    results = json.loads((tmp_path / "bench.json").read_text(encoding="utf-8"))["results"]
    assert len(results) > 15
    assert all(seconds > 0 for result in results for seconds in result["seconds"].values())
    assert text.rstrip().endswith((tmp_path / "bench.md").read_text(encoding="utf-8").split("\n\n")[1].rstrip())


def test_choice_of_cases(tmp_path: Path) -> None:
    run_benchmarks(tmp_path, "a.view")
    (result,) = json.loads((tmp_path / "bench.json").read_text(encoding="utf-8"))["results"]
    assert result["case"] == "a.view(2, 2)"
