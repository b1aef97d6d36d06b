"""Write golden.txt: what PyTorch draws, for golden.rs to compare with. Run: python golden.py > golden.txt."""

import torch

FLOATS = ["float32", "float64", "float16", "bfloat16"]
INTS = ["uint8", "int8", "int16", "int32", "int64"]
COMPLEX = ["complex64", "complex128"]


def emit(case: str, args: list[float], x: torch.Tensor) -> None:
    """One line: case, dtype, sizes, strides, arguments, values, and the next draw of the generator."""
    dtype = str(x.dtype).removeprefix("torch.")
    sizes, strides = (",".join(map(str, s)) for s in (x.shape, x.stride()))
    flat = torch.view_as_real(x) if x.is_complex() else x
    values = " ".join(repr(float(v)) if v.dtype.is_floating_point else str(int(v)) for v in flat.flatten())
    following = torch.empty((), dtype=torch.int64).random_().item()
    print(f"{case}|{dtype}|{sizes}|{strides}|{' '.join(map(repr, args))}|{values}|{following}")


def draw(method: str, dtypes: list[str], *args: float, sizes: tuple[int, ...] = (37,), transpose: bool = False) -> None:
    """The values of `x.method_(*args)` for each dtype, of a transposed `x` if so asked."""
    for dtype in dtypes:
        torch.manual_seed(42)
        x = torch.empty(sizes, dtype=getattr(torch, dtype))
        x = x.t() if transpose else x
        emit(method, list(args), getattr(x, method + "_")(*args))


draw("uniform", FLOATS + COMPLEX, 0.0, 1.0)
draw("uniform", FLOATS, -2.5, 3.7)
draw("uniform", ["float32"], -1.0, 1.0, sizes=(5, 7), transpose=True)
draw("normal", FLOATS + COMPLEX, 0.0, 1.0)
draw("normal", FLOATS, 1.5, 0.3, sizes=(32,))
draw("normal", FLOATS, 1.5, 0.3, sizes=(11,))
draw("normal", ["float32"], 0.0, 2.0, sizes=(5, 7), transpose=True)
draw("exponential", FLOATS, 1.5)
draw("cauchy", FLOATS, 0.5, 2.0, sizes=(9,))
draw("log_normal", FLOATS, 0.5, 0.25, sizes=(9,))
draw("geometric", FLOATS + INTS, 0.3, sizes=(9,))
draw("bernoulli", FLOATS + INTS + ["bool"], 0.3)
draw("random", FLOATS + INTS + ["bool"])
draw("random", FLOATS + INTS, 0, 100)
draw("random", ["int64", "int32", "int16"], -7, 10)
draw("random", ["int64", "float64"], -5, 1 << 40, sizes=(9,))
draw("random", ["int64", "int32"], 0, 1 << 28, sizes=(9,))
for count in (1, 2, 37, 700):
    for dtype in ["int64", "int32", "float32", "int16"]:
        torch.manual_seed(42)
        emit("randperm", [], torch.randperm(count, dtype=getattr(torch, dtype)))
for dtype in ["float32", "float64", "bfloat16"]:
    for replacement in (True, False):
        torch.manual_seed(42)
        weights = torch.arange(1, 25, dtype=getattr(torch, dtype)).reshape(2, 12)
        emit(f"multinomial_{dtype}", [float(replacement)], torch.multinomial(weights, 9, replacement))
for dtype in FLOATS:
    torch.manual_seed(42)
    rates = torch.tensor([0.0, 0.5, 1.0, 3.0, 9.0, 10.0, 11.5, 30.0, 200.0, 1000.0], dtype=getattr(torch, dtype))
    emit("poisson", rates.tolist(), torch.poisson(rates))
    torch.manual_seed(42)
    chances = torch.linspace(0, 1, 21, dtype=getattr(torch, dtype))
    emit("bernoulli_tensor", chances.tolist(), torch.bernoulli(chances))
torch.manual_seed(2**40 + 7)
torch.empty(5).normal_()
torch.rand(1000)
emit("state", [], torch.get_rng_state()[:48].clone())
emit("state_end", [], torch.get_rng_state()[-64:].clone())
