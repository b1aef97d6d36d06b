"""What holds the six distributions together: one version, pins in lock-step, one licence; and what make asks for."""

import os
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tools.wheels import DISTRIBUTIONS

ROOT = Path(__file__).parents[1]
VERSION = tomllib.loads((ROOT / "rust" / "Cargo.toml").read_text(encoding="utf-8"))["workspace"]["package"]["version"]

each_distribution = pytest.mark.parametrize("distribution", DISTRIBUTIONS)


def project(distribution: str) -> dict[str, Any]:
    path = ROOT / DISTRIBUTIONS[distribution] / "pyproject.toml"
    return dict(tomllib.loads(path.read_text(encoding="utf-8"))["project"])


@each_distribution
def test_one_version_and_pinned_siblings(distribution: str) -> None:
    declared = project(distribution)
    assert declared["name"] == distribution
    if "version" not in declared.get("dynamic", ()):
        assert declared["version"] == VERSION
    siblings = [requirement for requirement in declared.get("dependencies", ()) if requirement.startswith("corten")]
    assert all(requirement.endswith(f"=={VERSION}") for requirement in siblings), siblings


@each_distribution
def test_same_licences_everywhere(distribution: str) -> None:
    for name in ("LICENSE-APACHE", "LICENSE-MIT"):
        copy = ROOT / DISTRIBUTIONS[distribution] / name
        assert copy.read_bytes() == (ROOT / name).read_bytes(), copy


def run_prerequisites(python: str, path: str) -> subprocess.CompletedProcess[str]:
    command = [shutil.which("sh") or "sh", ROOT / "tools" / "prerequisites.sh", python]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "PATH": path})


@pytest.mark.skipif(os.name == "nt", reason="make and sh are for Unix")
def test_missing_tools_are_named_with_how_to_get_them(tmp_path: Path) -> None:
    run = run_prerequisites("python3", str(tmp_path))
    assert run.returncode == 1
    for tool, remedy in {
        "git": "apt install git",
        "(cc)": "build-essential",
        "Python": "3.11",
        "cargo": "rustup.rs",
    }.items():
        assert tool in run.stderr
        assert remedy in run.stderr


@pytest.mark.skipif(os.name == "nt", reason="make and sh are for Unix")
def test_old_python_is_named_with_its_version(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\ncase "$2" in *platform*) echo 3.9.2 ;; *) exit 1 ;; esac\n', encoding="utf-8")
    old.chmod(0o755)
    run = run_prerequisites(str(old), os.environ["PATH"])
    assert run.returncode == 1
    assert "is 3.9.2" in run.stderr
    assert "PYTHON=" in run.stderr
