"""One module under two names: `corten.nn.functional` is the object `corten_nn.functional`.

Without this, `import corten.nn.functional` would find the file through `corten_nn.__path__` and run it a second time,
so that every class in it existed twice.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

PACKAGES = {
    "autograd": "corten_autograd",
    "compiler": "corten_nn.compiler",
    "distributions": "corten_nn.distributions",
    "func": "corten_nn.func",
    "hub": "corten_nn.hub",
    "nn": "corten_nn",
    "optim": "corten_optim",
}

#: Modules below others' packages.
MODULES = {"utils.checkpoint": "corten_autograd.checkpoint"}


#: What names of PyTorch that are not here begin with, and what they are about.
ABSENT = {
    "sparse": "sparse tensors",
    "quantize": "quantised tensors",
    "nested": "nested tensors",
    "autocast": "mixed precision",
    "amp": "mixed precision",
    "jit": "a compiler",
    "compile": "a compiler",
    "export": "a compiler",
    "fx": "a compiler",
    "distributed": "several processes",
    "multiprocessing": "several processes",
}


def reason(name: str) -> str:
    """Say why a name of PyTorch is not here, where there is something to say."""
    about = next((about for start, about in ABSENT.items() if name.startswith(start)), None)
    return f": there is no support for {about}" if about else ""


def real_name(alias: str) -> str:
    """Return the name of the module that `alias`, a name below `corten.`, stands for."""
    name = alias.removeprefix("corten.")
    if name in MODULES:
        return MODULES[name]
    head, *rest = name.split(".")
    return ".".join([PACKAGES[head], *rest] if head in PACKAGES else ["corten_tensor_core", head, *rest])


class SameModule:
    """Finder and loader in one, for names below `corten.`: it imports the real module and registers that."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if not name.startswith("corten."):
            return None
        from importlib.util import find_spec  # it costs milliseconds, which `import corten` alone need not pay

        real = real_name(name)
        known = real in sys.modules or find_spec(real) is not None
        return ModuleSpec(name, SameModule) if known else None  # type: ignore[arg-type]  # a class serves as well

    @staticmethod
    def create_module(spec: ModuleSpec) -> None:
        """Leave it to the import system to make the placeholder that `exec_module` replaces."""

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        # A module may replace itself while it is loaded: the import system then uses what stands in `sys.modules`.
        sys.modules[module.__name__] = import_module(real_name(module.__name__))
