"""Build the wheels of all distributions into one folder, each only when its sources are newer than the wheel.

python tools/wheels.py [--out build/wheels]
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SKIPPED = {"target", "tests", "__pycache__"}

# Each distribution and its folder, every one after those that it depends on.
DISTRIBUTIONS = {
    "corten-native": "rust/python",
    "corten-tensor-core": "packages/tensor-core",
    "corten-autograd": "packages/autograd",
    "corten-nn": "packages/nn",
    "corten-optim": "packages/optim",
    "corten": "packages/corten",
}


def sources(folder: Path) -> Iterator[Path]:
    """Yield the files under `folder` that can end in a wheel."""
    for directory, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in SKIPPED and not name.startswith(".")]
        yield from (Path(directory, name) for name in files if not name.endswith((".pyc", ".so", ".pyd")))


def wheel_of(distribution: str, out: Path) -> Path | None:
    """Return the newest wheel of `distribution` in `out`, if there is one."""
    found = sorted(out.glob(f"{distribution.replace('-', '_')}-[0-9]*.whl"), key=lambda path: path.stat().st_mtime)
    return found[-1] if found else None


def build(distribution: str, out: Path) -> Path:
    """Return the wheel of `distribution` in `out`, built anew if a source has changed since."""
    folder = ROOT / DISTRIBUTIONS[distribution]
    watched = ROOT / "rust" if distribution == "corten-native" else folder
    wheel = wheel_of(distribution, out)
    if wheel and wheel.stat().st_mtime >= max(path.stat().st_mtime for path in sources(watched)):
        return wheel
    for old in out.glob(f"{distribution.replace('-', '_')}-[0-9]*.whl"):
        old.unlink()
    if distribution == "corten-native":
        maturin = shutil.which("maturin", path=Path(sys.executable).parent) or "maturin"
        command = [maturin, "build", "--release", f"--manifest-path={folder / 'Cargo.toml'}", f"--out={out}"]
        command.append(f"--interpreter={sys.executable}")
    else:
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
        command += [f"--wheel-dir={out}", str(folder)]
    subprocess.run(command, check=True)
    built = wheel_of(distribution, out)
    if built is None:
        raise SystemExit(f"no wheel of {distribution} in {out} after {command}")
    return built


def build_all(out: Path) -> dict[str, Path]:
    """Return the wheel of every distribution, built where it is missing or old."""
    out.mkdir(parents=True, exist_ok=True)
    return {distribution: build(distribution, out) for distribution in DISTRIBUTIONS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "wheels", help="folder for the wheels")
    for wheel in build_all(parser.parse_args().out).values():
        print(f"{wheel.stat().st_size / 1e6:7.2f} MB  {wheel.name}")


if __name__ == "__main__":
    main()
