"""The cases, by family; importing this package registers them."""

from benchmarks.cases import (  # noqa: I001 (the order of the report)
    operators,
    graph,
    optimizers,
    training,
    elementwise,
    reductions,
    indexing,
    products,
    convolution,
    sequences,
    networks,
)

__all__ = [
    "convolution",
    "elementwise",
    "graph",
    "indexing",
    "networks",
    "operators",
    "optimizers",
    "products",
    "reductions",
    "sequences",
    "training",
]
