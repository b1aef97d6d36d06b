"""Recurrent layers and attention, forward and with gradients."""

from typing import Any

from benchmarks.case import Names, add


def recurrent(kind: str) -> Any:
    def setup(lib: Any) -> Names:
        lib.manual_seed(0)
        return {"layer": getattr(lib.nn, kind)(128, 128), "x": lib.rand(20, 32, 128)}

    return setup


def attention(lib: Any) -> Names:
    lib.manual_seed(0)
    q, k, v = (lib.rand(2, 8, 256, 64, requires_grad=True) for _ in range(3))
    attend = lib.nn.functional.scaled_dot_product_attention
    return {"attend": attend, "q": q.detach(), "k": k.detach(), "v": v.detach(), "leaves": (q, k, v)}


for kind in ("LSTM", "GRU"):
    add(f"{kind} 128, 20 steps of 32", "layer(x)[0].sum().backward()", recurrent(kind), "sequences")
ATTENTION = 4 * 2 * 8 * 256 * 256 * 64
add("attention 2x8x256x64", "attend(q, k, v)", attention, "sequences", flops=ATTENTION)
add("attention 2x8x256x64, causal", "attend(q, k, v, is_causal=True)", attention, "sequences")
add(
    "attention 2x8x256x64, gradients", "attend(*leaves).sum().backward()", attention, "sequences", flops=3.5 * ATTENTION
)
