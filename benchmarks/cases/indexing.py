"""Gathering and scattering, joining, and random fills."""

from typing import Any

from benchmarks.case import Names, add


def tensors(lib: Any) -> Names:
    lib.manual_seed(0)
    a = lib.rand(1000, 1000)
    table = lib.rand(10_000, 128, requires_grad=True)
    words = lib.randint(0, 10_000, (32, 64))
    found = lib.nn.functional.embedding(words, table)
    return {
        "lib": lib,
        "f": lib.nn.functional,
        "a": a,
        "out": lib.zeros(1000, 1000),
        "mask": a > 0.5,
        "places": lib.randint(0, 1000, (1000, 1000)),
        "rows": lib.randint(0, 1000, (1000,)),
        "table": table,
        "words": words,
        "found": found,
        "ones": lib.ones_like(found),
    }


add("gather 1000x1000", "a.gather(1, places)", tensors, "indexing", bytes=16e6)
add("scatter_add 1000x1000", "out.scatter_add_(1, places, a)", tensors, "indexing", bytes=20e6)
add("index_select 1000 rows", "a.index_select(0, rows)", tensors, "indexing", bytes=8e6)
add("a[rows]", "a[rows]", tensors, "indexing", bytes=8e6)
add("index_add 1000 rows", "out.index_add_(0, rows, a)", tensors, "indexing", bytes=12e6)
add("masked_select 1000x1000", "a[mask]", tensors, "indexing", bytes=7e6)
add("masked_fill 1000x1000", "a.masked_fill(mask, 0.0)", tensors, "indexing", bytes=9e6)
add("nonzero 1000x1000", "mask.nonzero()", tensors, "indexing", bytes=9e6)
add("embedding 32x64 of 10000x128", "f.embedding(words, table)", tensors, "indexing", bytes=2e6)
BACKWARD = "lib.autograd.grad(found, table, ones, retain_graph=True)"
add("embedding backward 32x64 of 10000x128", BACKWARD, tensors, "indexing", bytes=6e6)
add("cat 2 of 1000x1000", "lib.cat((a, out), 1)", tensors, "indexing", bytes=16e6)
add("stack 2 of 1000x1000", "lib.stack((a, out))", tensors, "indexing", bytes=16e6)
add("dropout 1e6", "f.dropout(a, 0.5, True)", tensors, "indexing", bytes=9e6)
add("rand 1e6", "lib.rand(1000000)", tensors, "indexing", bytes=4e6)
add("randn 1e6", "lib.randn(1000000)", tensors, "indexing", bytes=4e6)
add("randint 1e6", "lib.randint(0, 10, (1000000,))", tensors, "indexing", bytes=8e6)
add("randperm 1e5", "lib.randperm(100000)", tensors, "indexing", bytes=8e5)
