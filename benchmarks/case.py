"""What a benchmark is: a statement timed in a namespace that a function of the library builds."""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

Names = dict[str, Any]
Setup = Callable[[Any], Names]
CASES: list["Case"] = []
BOTH = (1, 2)


@dataclass(frozen=True)
class Case:
    """A statement whose free names `setup(lib)` provides; one execution counts as `units` (steps, nodes)."""

    name: str
    statement: str
    setup: Setup
    family: str
    target: float  # PyTorch's time over Corten's, at least
    units: int = 1
    threads: tuple[int, ...] = BOTH
    flops: float = 0  # what an execution computes, counting an addition and a product as two
    bytes: float = 0  # what an execution reads and writes at least


def case(name: str, statement: str, family: str, **fields: Any) -> Callable[[Setup], Setup]:
    """Register the decorated function as the set-up of a benchmark; it is called once with each library."""

    def register(setup: Setup) -> Setup:
        add(name, statement, setup, family, **fields)
        return setup

    return register


def add(name: str, statement: str, setup: Setup, family: str, **fields: Any) -> None:
    """Register one of many cases that share a set-up."""
    CASES.append(Case(name, statement, setup, family, **{"target": 1.0, **fields}))


def library(name: str) -> ModuleType | None:
    """Import the library `name`, or return None where it is not installed."""
    try:
        return __import__(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None
