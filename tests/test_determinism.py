"""The same bits for any number of threads and for each instruction set, of every row and of a step of training."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.digests import GOLDEN, HASHED, summary
from tests.programs_large import PROGRAMS

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = {
    "one thread": {"CORTEN_NUM_THREADS": "1"},
    "two threads": {"CORTEN_NUM_THREADS": "2"},
    "seven threads": {"CORTEN_NUM_THREADS": "7"},
    "AVX2, three threads": {"CORTEN_ISA": "avx2", "CORTEN_NUM_THREADS": "3"},
    "portable, seven threads": {"CORTEN_ISA": "portable", "CORTEN_NUM_THREADS": "7"},
}


@cache
def digests(setting: str) -> dict[str, str]:
    """Return the hash of each row's results under a setting, from a process of its own."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("CORTEN_")}
    environment |= SETTINGS[setting]
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    program = [sys.executable, "-m", "tests.digests"]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=300)
    if "which this machine lacks" in done.stderr:
        pytest.skip(done.stderr.splitlines()[-1])
    assert done.returncode == 0, f"{setting}: {done.returncode}\n{done.stderr[-3000:]}"
    return dict(json.loads(done.stdout))


@pytest.mark.xdist_group("determinism")
@pytest.mark.parametrize("setting", [setting for setting in SETTINGS if setting != "one thread"])
def test_same_bits(setting: str) -> None:
    expected, found = digests("one thread"), digests(setting)
    different = [name for name in expected if found.get(name) != expected[name]]
    assert not different, f"other bits with {setting}: {different}"


@pytest.mark.xdist_group("determinism")
def test_every_row_is_hashed() -> None:
    """By a call of its own or a program, which gives a value and not an error."""
    found = {name: value for name, value in digests("one thread").items() if not value.endswith("Error")}
    named = {name.removeprefix("program: ").split(" ")[0].rstrip(",") for name in found}
    assert {row.id for row in HASHED} - named == {"cuda"}, "`cuda` wants a device"
    assert {f"program: {name}" for name in PROGRAMS} <= found.keys()


@pytest.mark.xdist_group("determinism")
def test_same_bits_as_on_other_machines() -> None:
    """The hashes of golden.json; `python -m tests.digests --golden` writes them after a change of results is meant."""
    expected, found = json.loads(GOLDEN.read_text(encoding="utf-8")), summary(digests("one thread"))
    different = [name for name in expected if found.get(name) != expected[name]]
    assert not different, f"other bits than in {GOLDEN.name}: {different}"
    assert expected.keys() == found.keys()
