"""The umbrella re-exports the siblings: the same objects under shorter names, and nothing else."""

import importlib
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import corten
import corten_autograd
import corten_nn
import corten_optim
import corten_tensor_core

STUBS = Path(corten.__file__).parent


@pytest.mark.parametrize(
    ("alias", "real"),
    [
        ("corten.nn", "corten_nn"),
        ("corten.nn.functional", "corten_nn.functional"),
        ("corten.nn.init", "corten_nn.init"),
        ("corten.hub", "corten_nn.hub"),
        ("corten.optim", "corten_optim"),
        ("corten.optim.lr_scheduler", "corten_optim.lr_scheduler"),
        ("corten.autograd", "corten_autograd"),
        ("corten.linalg", "corten_tensor_core.linalg"),
        ("corten.fft", "corten_tensor_core.fft"),
    ],
)
def test_alias_is_the_module(alias: str, real: str) -> None:
    module = importlib.import_module(alias)
    assert module is importlib.import_module(real)
    assert module.__name__ == real
    assert module.__spec__ is not None
    assert module.__spec__.name == real


@pytest.mark.parametrize("alias_first", [True, False])
def test_order_of_imports_does_not_matter(alias_first: bool) -> None:
    names = ["corten.nn.functional", "corten_nn.functional"]
    first, second = names if alias_first else reversed(names)
    code = f"import sys, {first}, {second}; assert sys.modules[{first!r}] is sys.modules[{second!r}]"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_submodules_need_no_import_of_their_own() -> None:
    code = "import corten; corten.nn.functional.relu; corten.optim.Adam; corten.linalg.inv; corten.autograd.grad"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_name_is_the_siblings() -> None:
    for name in corten_tensor_core.__all__:
        assert getattr(corten, name) is getattr(corten_tensor_core, name), name
    assert corten.no_grad is corten_autograd.no_grad
    assert {"nn", "optim", "autograd", "no_grad", *corten_tensor_core.__all__} <= set(dir(corten))
    assert {"no_grad", "Tensor"} <= set(corten.__all__)
    assert not {"sys", "corten_tensor_core"} & set(corten.__all__)


def test_pickle_names_the_real_class() -> None:
    for item in (corten.nn.Linear, corten.optim.SGD):
        assert pickle.loads(pickle.dumps(item)) is item
    assert corten.nn.Linear is corten_nn.Linear
    assert corten.optim.SGD is corten_optim.SGD


def test_unknown_names() -> None:
    with pytest.raises(AttributeError, match="module 'corten' has no attribute 'nonsense'"):
        corten.nonsense  # noqa: B018
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'corten\.nonsense'"):
        importlib.import_module("corten.nonsense")
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'corten\.nn\.nonsense'"):
        importlib.import_module("corten.nn.nonsense")


@pytest.mark.parametrize("stub", sorted(STUBS.rglob("*.pyi")), ids=lambda path: str(path.relative_to(STUBS)))
def test_every_stub_stands_for_a_module(stub: Path) -> None:
    parts = stub.relative_to(STUBS.parent).with_suffix("").parts
    importlib.import_module(".".join(part for part in parts if part != "__init__"))


def test_import_is_quick_because_it_imports_little() -> None:
    code = "import sys, corten; print([name for name in ('numpy', 'corten_nn', 'corten_optim') if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "[]"
