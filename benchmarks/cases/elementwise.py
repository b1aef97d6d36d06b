"""Operators of elements: how time grows with size, then one size in each function, dtype and layout."""

from typing import Any

from benchmarks.case import Names, add

MILLION = 1_000_000
FUNCTIONS = ["exp", "log", "tanh", "sigmoid", "erf", "sin", "cos", "sqrt", "rsqrt", "abs", "relu", "neg", "floor"]


def pair(n: int, dtype: str = "float32") -> Any:
    """Return a set-up of `a`, `b` and their library, of `n` numbers from 0.5 to 1.5."""

    def setup(lib: Any) -> Names:
        lib.manual_seed(0)
        return {"a": (lib.rand(n) + 0.5).to(getattr(lib, dtype)), "b": (lib.rand(n) + 0.5).to(getattr(lib, dtype))}

    return setup


def square(lib: Any) -> Names:
    lib.manual_seed(0)
    a = lib.rand(1000, 1000)
    image = lib.rand(8, 64, 56, 56)
    names = {"a": a, "b": lib.rand(1000, 1000), "row": lib.rand(1000), "column": lib.rand(1000, 1), "mask": a > 0.5}
    return {**names, "lib": lib, "image": image, "last": lib.channels_last, "f": lib.nn.functional}


for exponent in range(1, 8):
    size = 10**exponent
    add(f"add 1e{exponent}", "a + b", pair(size), "elementwise", bytes=12 * size)
for exponent in range(1, 8):
    size = 10**exponent
    add(f"exp 1e{exponent}", "a.exp()", pair(size), "elementwise", bytes=8 * size)
for name in FUNCTIONS:
    add(f"{name} 1e6", f"a.{name}()", pair(MILLION), "elementwise", bytes=8e6)
for name in ("gelu", "silu"):
    add(f"{name} 1e6", f"f.{name}(a)", square, "elementwise", bytes=8e6)
for name, sign in (("mul", "*"), ("div", "/"), ("pow", "**"), ("less", "<")):
    add(f"{name} 1e6", f"a {sign} b", pair(MILLION), "elementwise", bytes=9e6 if name == "less" else 12e6)
for dtype, width in (("float64", 8), ("bfloat16", 2), ("float16", 2), ("int64", 8), ("uint8", 1), ("complex64", 8)):
    add(f"mul 1e6 {dtype}", "a * b", pair(MILLION, dtype), "elementwise", bytes=3e6 * width)
add("cast 1e6 to float64", "a.double()", pair(MILLION), "elementwise", bytes=12e6)
add("cast 1e6 to bfloat16", "a.bfloat16()", pair(MILLION), "elementwise", bytes=6e6)
add("cast 1e6 to int64", "a.long()", pair(MILLION), "elementwise", bytes=12e6)
add("fill 1e6", "a.fill_(1.0)", pair(MILLION), "elementwise", bytes=4e6)
add("clone 1e6", "a.clone()", pair(MILLION), "elementwise", bytes=8e6)
add("add_ 1e6", "a.add_(b, alpha=0.1)", pair(MILLION), "elementwise", bytes=12e6)
add("where 1000x1000", "lib.where(mask, a, b)", square, "elementwise", bytes=13e6)
add("clamp 1000x1000", "a.clamp(0.25, 0.75)", square, "elementwise", bytes=8e6)
add("add a row 1000x1000", "a + row", square, "elementwise", bytes=8e6)
add("add a column 1000x1000", "a + column", square, "elementwise", bytes=8e6)
add("transposed copy 1000x1000", "a.t().contiguous()", square, "elementwise", bytes=8e6)
add("add transposed 1000x1000", "a + b.t()", square, "elementwise", bytes=12e6)
add("to channels_last 8x64x56x56", "image.contiguous(memory_format=last)", square, "elementwise", bytes=12.8e6)
