"""Reductions, scans, normalisations and orders."""

from typing import Any

from benchmarks.case import Names, add


def tensors(lib: Any) -> Names:
    lib.manual_seed(0)
    f = lib.nn.functional
    names = {"lib": lib, "f": f, "a": lib.rand(1000, 1000), "line": lib.rand(100_000), "weight": lib.rand(1000)}
    classes = {"logits": lib.randn(128, 1000), "labels": lib.randint(0, 1000, (128,))}
    images = {"image": lib.rand(8, 64, 56, 56), "mean": lib.rand(64), "variance": lib.rand(64) + 0.5}
    return {**names, **classes, **images}


for name in ("sum", "mean", "amax", "var", "argmax"):
    add(f"{name} 1e6", f"a.{name}()", tensors, "reductions", bytes=4e6)
for name in ("sum", "amax", "var", "argmax", "prod", "logsumexp"):
    for dim in (0, 1):
        add(f"{name} 1000x1000 dim {dim}", f"a.{name}({dim})", tensors, "reductions", bytes=4e6)
for dim in (0, 1):
    add(f"cumsum 1000x1000 dim {dim}", f"a.cumsum({dim})", tensors, "reductions", bytes=8e6)
    add(f"softmax 1000x1000 dim {dim}", f"a.softmax({dim})", tensors, "reductions", bytes=8e6)
add("log_softmax 1000x1000", "a.log_softmax(1)", tensors, "reductions", bytes=8e6)
add("norm 1e6", "a.norm()", tensors, "reductions", bytes=4e6)
add("cross_entropy 128x1000", "f.cross_entropy(logits, labels)", tensors, "reductions", bytes=512e3)
add("layer_norm 1000x1000", "f.layer_norm(a, (1000,), weight, weight)", tensors, "reductions", bytes=8e6)
NORM = "f.batch_norm(image, mean, variance, mean, mean, {})"
add("batch_norm 8x64x56x56, training", NORM.format("True, 0.0"), tensors, "reductions", bytes=12.8e6)
add("batch_norm 8x64x56x56, evaluation", NORM.format("False"), tensors, "reductions", bytes=12.8e6)
add("max_pool2d 3/2 8x64x56x56", "f.max_pool2d(image, 3, 2, 1)", tensors, "reductions", bytes=8e6)
add("avg_pool2d 2 8x64x56x56", "f.avg_pool2d(image, 2)", tensors, "reductions", bytes=8e6)
add("adaptive_avg_pool2d 8x64x56x56", "f.adaptive_avg_pool2d(image, 1)", tensors, "reductions", bytes=6.4e6)
add("topk 10 of 1000, 1000 rows", "a.topk(10)", tensors, "reductions", bytes=4e6)
add("sort 1000 rows of 1000", "a.sort()", tensors, "reductions", bytes=4e6)
add("sort 1e5", "line.sort()", tensors, "reductions", bytes=4e5)
