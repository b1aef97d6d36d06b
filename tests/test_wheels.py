"""Each wheel, installed alone with what it declares into a fresh environment, runs the example of its README."""

import json
import os
import re
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest

from tools.wheels import DISTRIBUTIONS, build_all

ROOT = Path(__file__).parents[1]
MAX_INSTALLED = 15_000_000

# All that an environment may hold after the installation of one distribution.
BROUGHT = {
    "corten-native": {"corten-native"},
    "corten-tensor-core": {"corten-native", "corten-tensor-core", "numpy"},
    "corten-autograd": {"corten-native", "corten-tensor-core", "corten-autograd", "numpy"},
    "corten-nn": {"corten-native", "corten-tensor-core", "corten-autograd", "corten-nn", "numpy"},
    "corten-optim": {"corten-native", "corten-tensor-core", "corten-autograd", "corten-optim", "numpy"},
    "corten": {*DISTRIBUTIONS, "numpy"},
}

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("wheels")]


@dataclass(frozen=True)
class Environment:
    """A fresh environment into which one distribution has been installed."""

    distribution: str
    python: Path
    packages: dict[str, Distribution]

    @property
    def installed(self) -> Distribution:
        return self.packages[self.distribution]


@pytest.fixture(scope="module")
def constraints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that makes pip take every sibling from the wheels built here."""
    wheels = build_all(ROOT / "build" / "wheels")
    path = tmp_path_factory.mktemp("constraints") / "constraints.txt"
    path.write_text("".join(f"{name} @ {wheel.as_uri()}\n" for name, wheel in wheels.items()), encoding="utf-8")
    return path


@pytest.fixture(scope="module", params=DISTRIBUTIONS)
def environment(
    request: pytest.FixtureRequest, constraints: Path, tmp_path_factory: pytest.TempPathFactory
) -> Environment:
    folder = tmp_path_factory.mktemp(request.param)
    venv.create(folder, symlinks=os.name != "nt")
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = [sys.executable, "-m", "pip", "--python", python, "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--constraint", constraints, request.param], check=True)
    subprocess.run([*pip, "check"], check=True)
    code = "import json, sysconfig; print(json.dumps(sysconfig.get_path('platlib')))"
    site = json.loads(subprocess.run([python, "-Ic", code], check=True, capture_output=True).stdout)
    return Environment(request.param, python, {found.name: found for found in distributions(path=[site])})


def test_brings_only_what_it_declares(environment: Environment) -> None:
    assert environment.packages.keys() == BROUGHT[environment.distribution]


def test_readme_example_runs(environment: Environment) -> None:
    readme = environment.installed.metadata.json["description"]
    examples = re.findall(r"^```python\n(.*?)^```", readme, flags=re.DOTALL | re.MULTILINE)
    assert examples, "a README shows how to use its package"
    for example in examples:
        command = [environment.python, "-I", "-W", "error", "-c", example]
        run = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert run.returncode == 0, f"{example}\n{run.stderr}"


def test_metadata(environment: Environment) -> None:
    metadata = environment.installed.metadata
    version = metadata["Version"]
    assert metadata["Name"] == environment.distribution
    assert metadata["License-Expression"] == "Apache-2.0 OR MIT"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Summary"]
    for requirement in environment.installed.requires or []:
        assert requirement.startswith("numpy>=") or requirement.endswith(f"=={version}"), "siblings move in lock-step"
    assert {found.version for name, found in environment.packages.items() if name in DISTRIBUTIONS} == {version}


def test_licences(environment: Environment) -> None:
    files = environment.installed.files or []
    for name in ("LICENSE-APACHE", "LICENSE-MIT"):
        (found,) = [file for file in files if file.name == name and ".dist-info" in str(file)]
        assert found.read_text(encoding="utf-8") == (ROOT / name).read_text(encoding="utf-8")
        assert name in environment.installed.metadata.get_all("License-File", [])


def test_is_typed(environment: Environment) -> None:
    package = environment.distribution.replace("-", "_")
    assert f"{package}/py.typed" in map(str, environment.installed.files or [])


def test_contains_the_package_alone(environment: Environment) -> None:
    package = environment.distribution.replace("-", "_")
    tops = {file.parts[0] for file in environment.installed.files or []}
    # Libraries that a repaired wheel carries stand in a `.libs` folder beside the package.
    assert {top for top in tops if not top.endswith((".dist-info", ".libs"))} == {package}


def test_wheel_serves_many_interpreters(environment: Environment) -> None:
    tags = re.findall(r"^Tag: (.*)$", environment.installed.read_text("WHEEL") or "", flags=re.MULTILINE)
    if environment.distribution != "corten-native":
        assert tags == ["py3-none-any"]
    elif "free-threading" not in sys.version:
        assert all(tag.startswith("cp311-abi3-") for tag in tags)


@pytest.mark.parametrize("environment", ["corten"], indirect=True)
def test_installed_size(environment: Environment, record_property: Callable[[str, object], None]) -> None:
    sizes = {
        # Without the bytecode that the interpreter keeps beside the modules.
        name: sum(Path(str(file.locate())).stat().st_size for file in found.files or [] if file.suffix != ".pyc")
        for name, found in environment.packages.items()
    }
    corten = sum(size for name, size in sizes.items() if name != "numpy")
    record_property("note", f"installed: corten {corten / 1e6:.1f} MB, numpy {sizes['numpy'] / 1e6:.1f} MB")
    assert corten <= MAX_INSTALLED, sizes
