"""The benchmark runner times every case with whatever is installed, and its report says what it found."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import benchmarks.cases  # noqa: F401 (registers them)
import corten
from benchmarks.case import CASES

ROOT = Path(__file__).parents[1]


def run_benchmarks(out: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks", "--rounds=1", "--seconds=0.0005", f"--out={out}", *arguments]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=300, env={**os.environ, "PYTHONUTF8": "1"})
    assert run.returncode == 0, run.stderr.decode()
    return run.stdout.decode()


def test_report(tmp_path: Path) -> None:
    text = run_benchmarks(tmp_path, "calls", "add 1e", "--threads", "1", "2")
    results = json.loads((tmp_path / "bench.json").read_text(encoding="utf-8"))["results"]
    assert len(results) > 20
    assert all(seconds > 0 for result in results for seconds in result["seconds"].values())
    assert (tmp_path / "bench.md").read_text(encoding="utf-8").split("\n\n")[1] in text
    if "torch" in results[0]["seconds"]:
        assert (tmp_path / "ratios.png").stat().st_size > 10_000
        assert (tmp_path / "growth.png").stat().st_size > 10_000


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted({case.family for case in CASES}))
def test_every_case_runs(family: str) -> None:
    for case in CASES:
        if case.family == family:
            exec(case.statement, case.setup(corten))


def test_choice_of_cases(tmp_path: Path) -> None:
    run_benchmarks(tmp_path, "a.view")
    (result,) = json.loads((tmp_path / "bench.json").read_text(encoding="utf-8"))["results"]
    assert result["case"] == "a.view(2, 2)"


def test_rows_of_the_table(tmp_path: Path) -> None:
    run_benchmarks(tmp_path, "atan", "cumsum", "--rows", "float32", "--threads", "1")
    results = json.loads((tmp_path / "bench.json").read_text(encoding="utf-8"))["results"]
    assert {result["case"] for result in results} >= {"atan float32", "atan2 float32", "cumsum float32"}
