"""Calls every form of every row with hostile arguments; run by test_hostile.py as a process of its own.

Each call is printed before it is made, so that the last line names the one that ended the process or hung.
"""

from __future__ import annotations

import os
import random
import sys
import time
import warnings
from typing import Any

import corten
from tests.sampling import ROWS, Row, function

NAN, INF = float("nan"), float("inf")
HUGE = 2**62
SECONDS = 3.0


class Index:
    """Pretends to be an integer, and is none."""

    def __index__(self) -> int:
        raise ValueError("no index")


class Liar(list):  # type: ignore[type-arg]
    """Tells a length that it has not."""

    def __len__(self) -> int:
        return 5


def tensors() -> list[Any]:
    t = corten
    return [
        t.ones(2, 3),
        t.zeros(()),
        t.empty(0),
        t.empty(3, 0, 2),
        t.empty(2**40, 0),
        t.empty(0, 2**40),
        t.full((2, 3), NAN),
        t.full((3,), INF),
        t.ones(3).expand(4, 3),
        t.ones(6).as_strided((2, 3), (1, 1)),
        t.ones(4, 6)[::2, ::3],
        t.ones(3, 2).t(),
        t.ones(2, 3, dtype=t.int64).mul_(-(2**63)),
        t.tensor([0, -1, 2**40]),
        t.tensor([3, 1, 0], dtype=t.uint8),
        t.tensor([True, False]),
        t.ones(2, 3, dtype=t.float16),
        t.ones(2, 3, dtype=t.bfloat16),
        t.ones(2, 3, dtype=t.complex64),
        t.ones(2, 3, dtype=t.float64, requires_grad=True),
        t.ones(3, 3),
        t.ones(2, 3, 4, 4),
        t.empty(2, 3, device="meta"),
        t.ones([1] * 60),
        t.ones(2, 3, dtype=t.uint64),
    ]


def others() -> list[Any]:
    loop: list[Any] = []
    loop.append(loop)
    deep: Any = []
    for _ in range(2000):
        deep = [deep]
    return [
        *(None, True, 0, 1, -1, 2, 3, -7, 2**31, -(2**31), 2**63 - 1, -(2**63), 2**64, 10**30, HUGE),
        *(0.5, -0.0, NAN, INF, -INF, 1e308, 1j, complex(NAN, INF)),
        *("", "mean", "same", "cuda", "\0", "é" * 100, b"x", "cpu", "meta", "cuda:0", "cpu:99999999999"),
        *((), [], (0,), [2, 3], (-1,), (HUGE, HUGE), (2**32, 2**32), [2**63], (0, HUGE, HUGE), (1,) * 65, (2,) * 70),
        *([0, 0], [None], ["a"], [0.5], [NAN], (True, False), loop, deep, Liar([1, 2]), Index()),
        *(object(), {}, {"a": 1}, {1, 2}, range(3), iter([1]), int, len, memoryview(b"ab"), Ellipsis),
        *(slice(None), slice(0, 2, 0), slice(HUGE, -HUGE, -1)),
        *(corten.float32, corten.int64, corten.bool, corten.complex64, corten.channels_last, corten.strided),
        *(corten.Size([2, 3]), corten.Generator()),
    ]


def calls(row: Row) -> list[tuple[str, Any]]:
    """Return the forms of a row: a name and what to call with all arguments, the tensor first."""
    found: list[tuple[str, Any]] = []
    for name in [row.name, *row.aliases]:
        if row.forms["function"] and (f := function(corten, row, name)) is not None:
            found.append((name, f))
        if row.forms["method"] and hasattr(corten.Tensor, name):
            found.append((f"Tensor.{name}", getattr(corten.Tensor, name)))
    if row.forms["inplace"] and hasattr(corten.Tensor, f"{row.name}_"):
        found.append((f"Tensor.{row.name}_", getattr(corten.Tensor, f"{row.name}_")))
    return found


def arguments(row: Row, rng: random.Random) -> tuple[list[Any], dict[str, Any]]:
    """Choose arguments: of the right kind mostly, and hostile ones in some places."""
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    values, pool = tensors(), others()
    for param in row.params:
        if not param["required"] and rng.random() < 0.4:
            break
        kind = param["type"]
        if rng.random() < 0.15:
            value = rng.choice(pool + values)
        elif kind in ("Tensor", "TensorOrScalar"):
            value = rng.choice(values)
        elif kind == "Tensors":
            value = [rng.choice(values) for _ in range(rng.randint(0, 3))]
        elif kind in ("Int", "Dim"):
            value = rng.choice([0, 1, -1, 2, 3, 5, -4, 2**31, 2**63 - 1, -(2**63), HUGE])
        elif kind in ("Scalar", "Float"):
            value = rng.choice([0, 1, -1, 0.5, NAN, INF, -INF, 1e300, 1j, 2**63, -(2**63), True])
        elif kind == "Bool":
            value = rng.choice([True, False])
        elif kind in ("Sizes", "Dims") or kind.startswith("Ints"):
            sides = [0, 1, 2, 3, -1, -2, 2**45 + 3, 2**62, 2**63 - 1, -(2**63)]
            value = [rng.choice(sides) for _ in range(rng.randint(0, 4))]
        else:
            value = rng.choice(pool)
        if param["keyword"]:
            kwargs[param["name"]] = value
        else:
            args.append(value)
    if rng.random() < 0.15:
        kwargs[rng.choice(["out", "dim", "dtype", "keepdim", "nonsense", "input"])] = rng.choice(values + pool)
    if rng.random() < 0.2 and row.forms["out"]:
        kwargs["out"] = rng.choice([*values, None, [values[0]], (values[0], values[0]), 3])
    return args, kwargs


def shown(x: Any) -> str:
    if isinstance(x, corten.Tensor):
        return f"tensor<{tuple(x.shape)[:6]} {tuple(x.stride())[:6]} {x.dtype} {x.device}>"
    if isinstance(x, dict):
        return "{" + ", ".join(f"{k!r}: {shown(v)}" for k, v in x.items()) + "}"
    if isinstance(x, (list, tuple)) and type(x) in (list, tuple) and len(x) < 8:
        return "[" + ", ".join("..." if isinstance(v, list) else shown(v) for v in x) + "]"
    return repr(x)[:80] if not isinstance(x, (list, Index)) else type(x).__name__


def too_large(x: Any) -> bool:
    """Tell whether a value, where it is a size, asks for much memory that yet could be had."""
    if isinstance(x, (list, tuple)):
        product = 1
        for side in x:
            product *= side if isinstance(side, int) and side > 0 else 1
        return 2**24 < product < 2**44 or any(isinstance(side, int) and too_large(side) for side in x)
    return isinstance(x, int) and 2**24 < x < 2**44


def main(rows: list[Row], count: int, seed: int) -> int:
    """Make `count` calls of each form; print those that end in any other way than a value or an ordinary exception."""
    warnings.simplefilter("ignore")
    sys.setrecursionlimit(1000)
    last = os.open(os.environ["HOSTILE_LAST"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    bad = 0
    for row in rows:
        for name, form in calls(row):
            rng = random.Random(f"{seed} {row.id} {name}")
            for _ in range(count):
                args, kwargs = arguments(row, rng)
                if any(too_large(x) for x in [*args, *kwargs.values()]):
                    continue
                text = f"{name}({', '.join([*map(shown, args), *(f'{k}={shown(v)}' for k, v in kwargs.items())])})"
                os.lseek(last, 0, os.SEEK_SET)
                os.write(last, f"{text[:2000]:<2000}\n".encode(errors="replace"))
                begun = time.perf_counter()
                problem = ""
                try:
                    form(*args, **kwargs)
                except (SystemError, KeyboardInterrupt) as error:
                    problem = repr(error)
                except Exception as error:
                    message = str(error)
                    if "internal error" in message or "panicked" in message or type(error).__name__ == "PanicException":
                        problem = repr(error)
                except BaseException as error:  # PyO3's PanicException is none of `Exception`
                    problem = repr(error)
                if (seconds := time.perf_counter() - begun) > SECONDS:
                    problem = f"took {seconds:.1f} s"
                if problem:
                    bad += 1
                    print(f"{text[:600]}: {problem[:300]}", flush=True)
    return bad


if __name__ == "__main__":
    part, parts, count, seed = map(int, sys.argv[1:])
    sys.exit(1 if main(ROWS[part::parts], count, seed) else 0)
