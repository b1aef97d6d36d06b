"""The cases, by family; importing this package registers them."""

from benchmarks.cases import graph, operators, optimizers, training

__all__ = ["graph", "operators", "optimizers", "training"]
