"""The GitHub workflows cannot run here, so a schema and a linter read them, and their promises are looked up."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PLATFORMS = {"ubuntu-24.04", "ubuntu-24.04-arm", "macos-15", "windows-2025"}
DISTRIBUTIONS = {"corten-native", "corten-tensor-core", "corten-autograd", "corten-nn", "corten-optim", "corten"}


def tool(name: str) -> str:
    """Return the path of a command that the development requirements install beside this Python."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    assert found, f"{name} is missing: pip install -r dev-requirements.txt"
    return found


def load(name: str) -> dict[str, Any]:
    return dict(YAML(typ="safe").load(ROOT / ".github" / "workflows" / name))


@pytest.mark.parametrize(
    ("schema", "files"),
    [("vendor.github-workflows", WORKFLOWS), ("vendor.dependabot", [ROOT / ".github" / "dependabot.yml"])],
    ids=["workflows", "dependabot"],
)
def test_schema(schema: str, files: list[Path]) -> None:
    command = [tool("check-jsonschema"), "--builtin-schema", schema, *files]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_linter() -> None:
    """zizmor: actions pinned by commit, least permissions, no injection through templates, no kept credentials."""
    config = ROOT / ".github" / "zizmor.yml"
    command = [
        tool("zizmor"),
        "--offline",
        "--no-progress",
        "--strict-collection",
        "--config",
        config,
        ROOT / ".github",
    ]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_tests_run_on_every_platform_and_python() -> None:
    matrix = load("test.yml")["jobs"]["python"]["strategy"]["matrix"]
    assert set(matrix["os"]) == PLATFORMS
    assert set(matrix["python"]) == {"3.11", "3.12", "3.13", "3.14", "3.14t"}


def test_wheels_are_built_for_every_platform() -> None:
    jobs = load("wheels.yml")["jobs"]
    matrix = jobs["native"]["strategy"]["matrix"]
    assert set(matrix["os"]) == PLATFORMS
    assert set(matrix["python"]) == {"3.11", "3.14t"}, "abi3 from 3.11, and free-threaded"
    pure = {row["distribution"]: ROOT / row["folder"] for row in jobs["pure"]["strategy"]["matrix"]["include"]}
    assert {"corten-native", *pure} == DISTRIBUTIONS
    for distribution, folder in pure.items():
        assert f'name = "{distribution}"' in (folder / "pyproject.toml").read_text(encoding="utf-8")


def test_each_distribution_has_its_tag_and_no_secret_is_used() -> None:
    workflow = load("publish.yml")
    # YAML 1.1 reads the key `on` as true; the loader of YAML 1.2 does not.
    assert {tag.removesuffix("-v*") for tag in workflow["on"]["push"]["tags"]} == DISTRIBUTIONS
    upload = workflow["jobs"]["upload"]
    assert upload["permissions"] == {"id-token": "write"}
    assert upload["environment"]["name"] == "pypi"
    assert all("secrets." not in path.read_text(encoding="utf-8") for path in WORKFLOWS)
