"""One optimizer step over a hundred small parameters."""

from typing import Any

from benchmarks.case import Names, case


def parameters(lib: Any) -> list[Any]:
    """Return a hundred parameters (8, 8), each with a gradient."""
    found = []
    for _ in range(100):
        parameter = lib.ones(8, 8, requires_grad=True)
        parameter.grad = lib.full((8, 8), 1e-3)
        found.append(parameter)
    return found


@case("SGD step, 100 parameters", "step()", "calls", threads=(1,), target=8)
def sgd(lib: Any) -> Names:
    return {"step": lib.optim.SGD(parameters(lib), lr=1e-3, momentum=0.9).step}


@case("Adam step, 100 parameters", "step()", "calls", threads=(1,), target=8)
def adam(lib: Any) -> Names:
    return {"step": lib.optim.Adam(parameters(lib), lr=1e-3).step}
