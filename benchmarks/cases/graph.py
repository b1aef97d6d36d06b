"""The cost of the graph: one node of a long chain, in the backward pass alone and with its recording."""

from typing import Any

from benchmarks.case import Names, case

NODES = 1000


def chain(x: Any) -> Any:
    """Return `x` (4) after NODES products with a constant, summed by the caller's gradient."""
    for _ in range(NODES):
        x = x * 1.0
    return x


@case("backward, per node", "end.backward(g, retain_graph=True)", "calls", threads=(1,), target=8, units=NODES)
def backward(lib: Any) -> Names:
    return {"end": chain(lib.ones(4, requires_grad=True)), "g": lib.ones(4)}


@case("record and backward, per node", "chain(x).backward(g)", "calls", threads=(1,), target=6, units=NODES)
def record_and_backward(lib: Any) -> Names:
    return {"chain": chain, "x": lib.ones(4, requires_grad=True), "g": lib.ones(4)}
