"""`import corten` costs milliseconds: NumPy and the slower parts of the standard library wait until they are used."""

import json
import os
import platform
import subprocess
import sys

BUDGET = 0.040


def cost() -> float:
    """Return what the import adds to the interpreter's own start, in seconds of CPU, which other programs do not take."""
    code = "import time; start = time.process_time(); import corten; print(time.process_time() - start)"
    return float(subprocess.run([sys.executable, "-I", "-c", code], check=True, capture_output=True).stdout)


def test_imports_nothing_heavy() -> None:
    code = "import corten, json, sys; print(json.dumps([*sys.modules]))"
    run = subprocess.run([sys.executable, "-I", "-c", code], check=True, capture_output=True, text=True)
    loaded = set(json.loads(run.stdout))
    assert not loaded & {"numpy", "cupy", "torch", "typing", "inspect", "dataclasses", "ctypes", "logging", "pickle"}
    assert not loaded & {"corten_nn", "corten_optim"}, "loaded when first used"


def test_import_takes_milliseconds() -> None:
    least = min(cost() for _ in range(10))
    assert least <= BUDGET, f"{1e3 * least:.1f} ms"


def test_unknown_instruction_set_is_refused() -> None:
    """By a sentence that names the variable, what it is and what it may be; never another path in silence."""
    missing = "avx2" if platform.machine() in ("arm64", "aarch64") else "neon"
    for value, names in (("AVX-2", "expected one of portable, avx2, avx512, neon"), (missing, "this machine lacks")):
        environment = {**os.environ, "CORTEN_ISA": value}
        run = subprocess.run([sys.executable, "-c", "import corten"], env=environment, capture_output=True, text=True)
        assert run.returncode == 1
        assert f'CORTEN_ISA is "{value}"' in run.stderr and names in run.stderr
