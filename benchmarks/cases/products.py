"""Products of matrices: squares, the shapes of layers, transpositions, vectors and batches."""

from typing import Any

from benchmarks.case import Names, add

SHAPES = [(n, n, n) for n in (16, 32, 64, 128, 256, 512, 1024)]
SHAPES += [(64, 1000, 100), (128, 768, 3072), (512, 4608, 49), (1, 1024, 1024), (1024, 1024, 1)]


def matrices(m: int, k: int, n: int, dtype: str = "float32", turned: str = "NN") -> Any:
    """Return a set-up of `a` (m, k) and `b` (k, n), of which those marked `T` lie in memory as their transposes."""

    def matrix(lib: Any, rows: int, columns: int, mark: str) -> Any:
        shape = (columns, rows) if mark == "T" else (rows, columns)
        made = lib.rand(*shape).to(getattr(lib, dtype))
        return made.t() if mark == "T" else made

    def setup(lib: Any) -> Names:
        lib.manual_seed(0)
        return {"a": matrix(lib, m, k, turned[0]), "b": matrix(lib, k, n, turned[1]), "bias": lib.rand(n), "lib": lib}

    return setup


def square(lib: Any) -> Names:
    lib.manual_seed(0)
    return {"a": lib.rand(4096, 4096), "v": lib.rand(4096)}


def batches(lib: Any) -> Names:
    lib.manual_seed(0)
    return {
        "a": lib.rand(64, 32, 64),
        "b": lib.rand(64, 64, 32),
        "c": lib.rand(16, 128, 64),
        "d": lib.rand(16, 64, 128),
    }


for m, k, n in SHAPES:
    moved = 4 * (m * k + k * n + m * n)
    add(f"mm {m}x{k}x{n}", "a @ b", matrices(m, k, n), "products", flops=2 * m * k * n, bytes=moved)
for name, statement in (("mv", "a.mv(v)"), ("row times", "v @ a")):
    add(f"{name} 4096x4096", statement, square, "products", flops=2 * 4096**2, bytes=4 * 4096 * 4098)
for turned in ("NT", "TN", "TT"):
    add(f"mm 256x256x256 {turned}", "a @ b", matrices(256, 256, 256, turned=turned), "products", flops=2 * 256**3)
add("mm 512x512x512 float64", "a @ b", matrices(512, 512, 512, "float64"), "products", flops=4 * 512**3)
add("mm 256x256x256 bfloat16", "a @ b", matrices(256, 256, 256, "bfloat16"), "products", flops=2 * 256**3)
add("mm 128x128x128 int64", "a @ b", matrices(128, 128, 128, "int64"), "products")
add("mm 128x128x128 complex64", "a @ b", matrices(128, 128, 128, "complex64"), "products", flops=8 * 128**3)
LINEAR = "lib.nn.functional.linear(a, b.t(), bias)"
add("linear 128x512x512", LINEAR, matrices(128, 512, 512, turned="NT"), "products", flops=2 * 128 * 512**2)
ACTIVATED = "lib._addmm_activation(bias, a, b)"
add(
    "linear with relu 2048x64x256",
    ACTIVATED,
    matrices(2048, 64, 256, turned="NT"),
    "products",
    flops=2 * 2048 * 64 * 256,
)
add("bmm 64 of 32x64x32", "a @ b", batches, "products", flops=2 * 64 * 32 * 64 * 32)
add("bmm 16 of 128x64x128", "c @ d", batches, "products", flops=2 * 16 * 128 * 64 * 128)
