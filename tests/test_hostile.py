"""No argument ends the process: every call ends in a value or in an ordinary exception, in bounded time and memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import corten

ROOT = Path(__file__).resolve().parent.parent
PARTS = 8


@pytest.mark.parametrize("part", range(PARTS))
def test_every_form_survives_hostile_arguments(part: int, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    nightly = request.config.getoption("--hypothesis-profile") == "nightly"
    last = tmp_path / "last"
    environment = {**os.environ, "HOSTILE_LAST": str(last), "PYTHONPATH": str(ROOT)}
    count, seed = ("500", str(os.getpid())) if nightly else ("25", "0")
    # A limit on address space, so that a wrong size fails here and does not take the machine's memory.
    limit = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30)); " if os.name == "posix" else ""
    )
    program = f"{limit}import runpy, sys; sys.argv = {['hostile', str(part), str(PARTS), count, seed]!r}; " + (
        "runpy.run_module('tests.hostile', run_name='__main__')"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            capture_output=True,
            text=True,
            timeout=3600 if nightly else 120,
        )
    except subprocess.TimeoutExpired:
        pytest.fail(f"hangs: {last.read_text().strip()}")
    if done.returncode not in (0, 1) or "Traceback" in done.stderr:
        pytest.fail(
            f"ended with {done.returncode} in {last.read_text().strip()}\n{done.stdout[-3000:]}\n{done.stderr[-2000:]}"
        )
    assert not done.stdout, done.stdout


HUGE = [
    "empty(2**40)",
    "zeros(2**41)",
    "ones((2**20, 2**21))",
    "full((2**42,), 1.0)",
    "empty((2**62, 4))",
    "empty((2**32, 2**32))",
    "empty(2**63 - 1)",
    "arange(2**42)",
    "linspace(0, 1, 2**42)",
    "eye(2**21)",
    "randn(2**42)",
    "randperm(2**42)",
    "rand(2**61, 8)",
    "ones(1).repeat(2**42)",
    "ones(2).repeat(2**62, 2)",
    "ones(3).expand(2**40, 3).clone()",
    "ones(3).expand(2**40, 3) + 1",
    "ones(3).expand(2**40, 3).contiguous()",
    "empty_strided((2**20, 2**20), (2**30, 1))",
    "ones(1).tile((2**42,))",
    "nn.functional.pad(ones(3), (0, 2**42))",
    "nn.functional.one_hot(tensor([2**42]))",
    "ones(2).new_empty((2**42,))",
    "bincount(tensor([2**42]))",
    "cat([ones(1).expand(2**41), ones(1).expand(2**41)])",
    "stack([ones(1).expand(2**42)] * 2)",
    "outer(ones(1).expand(2**21), ones(1).expand(2**21))",
    "diag_embed(ones(1).expand(2**21))",
    "ones(4).unfold(0, 2, 1).repeat(2**40, 1)",
    "nn.functional.interpolate(ones(1, 1, 2), 2**42)",
    "multinomial(ones(2), 2**42, True)",
    "ones(1).repeat_interleave(2**42)",
]


# Ended the process, hung, or were internal errors.
FOUND = [
    "empty(2**40, 0).unbind()",
    "empty(2**40, 0).split(1)",
    "empty(0, 2**40).chunk(2**62)",
    "empty(2**40, 0).tolist()",
    "ones(3).tensor_split(2**62)",
    "ones(3).tensor_split(empty(2**40, 0))",
    "empty(3, 0, 2).hsplit(2**62)",
    "mvlgamma(ones(3), 2**63 - 1)",
    "max_pool1d(ones(2, 3, 4, 4), [1, 1])",
    "max_pool1d(ones(2, 3, 4), 1, 1, [])",
    "max_pool2d(ones(2, 3, 4, 4), [1, 1, 1])",
    "constant_pad_nd(ones(3), [2**63 - 1, 2**63 - 1])",
    "group_norm(empty(3, 0, 2), 2**62)",
    "nn.functional.nll_loss(empty(0, 2**40), empty(0, dtype=int64), ones(1).expand(2**40))",
]
# The same, of calls that have a value.
EMPTY = [
    "empty(0, 2**40).cummax(1)",
    "empty(2**40, 0).tile(2**62)",
    "empty(2**40, 0).mean()",
    "empty(2**40, 0).nonzero()",
    "empty(2**40, 0).tril()",
    "linalg.svdvals(empty(0, 2**40))",
    "constant_pad_nd(ones(2), [-(2**63), 2**63 - 1])",
    "nn.functional.layer_norm(empty(0, 2**40), (2**40,), ones(1).expand(2**40))",
]


@pytest.mark.parametrize("call", EMPTY)
def test_dimensions_without_elements_cost_nothing(call: str) -> None:
    eval(call, dict(vars(corten), nn=corten.nn, linalg=corten.linalg))


@pytest.mark.parametrize("call", HUGE + FOUND)
def test_memory_that_cannot_be_had_is_an_ordinary_error(call: str) -> None:
    with pytest.raises((MemoryError, RuntimeError, ValueError, OverflowError, TypeError)) as caught:
        eval(call, dict(vars(corten), nn=corten.nn))
    assert "internal error" not in str(caught.value)


def test_a_sequence_that_tells_a_wrong_length_is_an_ordinary_error() -> None:
    class Endless:
        def __len__(self) -> int:
            return 2**62

        def __getitem__(self, i: int) -> float:
            return 1.0

    with pytest.raises(MemoryError, match="too long"):
        corten.tensor(Endless())
