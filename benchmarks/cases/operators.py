"""The cost of calling one operator on small tensors, without and with a graph to record."""

from typing import Any

from benchmarks.case import Names, case


@case("a + b, 4 elements", "a + b", "calls", threads=(1,), target=6)
def add(lib: Any) -> Names:
    return {"a": lib.ones(4), "b": lib.ones(4)}


@case("a + b, 4 elements, recorded", "a + b", "calls", threads=(1,), target=6)
def add_recorded(lib: Any) -> Names:
    return {"a": lib.ones(4, requires_grad=True), "b": lib.ones(4)}


@case("a + 1.0", "a + 1.0", "calls", threads=(1,), target=8)
def add_scalar(lib: Any) -> Names:
    return {"a": lib.ones(4)}


@case("a.sum(dim=1, keepdim=True)", "a.sum(dim=1, keepdim=True)", "calls", threads=(1,), target=4)
def sum_dim(lib: Any) -> Names:
    return {"a": lib.ones(2, 2)}


@case("a.view(2, 2)", "a.view(2, 2)", "calls", threads=(1,), target=4)
def view(lib: Any) -> Names:
    return {"a": lib.ones(4)}


@case("a[1:3]", "a[1:3]", "calls", threads=(1,), target=4)
def index_slice(lib: Any) -> Names:
    return {"a": lib.ones(4)}


@case("a[0]", "a[0]", "calls", threads=(1,), target=4)
def index_integer(lib: Any) -> Names:
    return {"a": lib.ones(4)}


@case("nn.Linear(4, 4) on 4 elements", "layer(a)", "calls", threads=(1,), target=4)
def linear(lib: Any) -> Names:
    return {"layer": lib.nn.Linear(4, 4), "a": lib.ones(4)}
