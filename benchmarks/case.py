"""What a benchmark is: a statement timed in a namespace that a function of the library builds."""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

Setup = Callable[[Any], dict[str, Any]]
CASES: list["Case"] = []


@dataclass(frozen=True)
class Case:
    """A statement whose free names `setup(lib)` provides; one execution counts as `units` (steps, nodes)."""

    name: str
    statement: str
    setup: Setup
    target: float  # PyTorch's time over Corten's, at least
    units: int = 1


def case(name: str, statement: str, *, target: float, units: int = 1) -> Callable[[Setup], Setup]:
    """Register the decorated function as the set-up of a benchmark; it is called once with each library."""

    def register(setup: Setup) -> Setup:
        CASES.append(Case(name, statement, setup, target, units))
        return setup

    return register


def library(name: str, threads: int) -> ModuleType | None:
    """Import the library `name`, limited to `threads` threads, or return None where it is not installed."""
    try:
        lib = __import__(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None
    lib.set_num_threads(threads)
    return lib
