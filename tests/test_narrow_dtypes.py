"""Results in halves and narrow integers: what is computed wider, and rounds or wraps once."""

import pytest

from tests.programs import assert_like_pytorch

pytest.importorskip("torch")

PROGRAMS = """
u = t.tensor([250], dtype=t.uint8); t.add(u, u, out=t.zeros(1, dtype=t.int64))
u = t.tensor([250], dtype=t.uint8); t.mul(u, u, out=t.zeros(1))
h = t.tensor([1.001], dtype=t.float16); t.mul(h, 3, out=t.zeros(1))
t.ones(2, dtype=t.float16).index_add(0, t.zeros(0, dtype=t.int64), t.ones(0, dtype=t.float16))
t.zeros(1, 2, dtype=t.bfloat16).index_add(0, t.zeros(5000, dtype=t.int64), t.ones(5000, 2, dtype=t.bfloat16))
t.zeros(1, dtype=t.bfloat16).scatter_add(0, t.zeros(5000, dtype=t.int64), t.ones(5000, dtype=t.bfloat16))
t.zeros(1, dtype=t.float16).scatter_reduce(0, t.zeros(5000, dtype=t.int64), t.ones(5000, dtype=t.float16), 'mean')
x = t.ones(3, 2, dtype=t.float16, requires_grad=True); x.index_select(0, t.zeros(5000, dtype=t.int64)).sum().backward(); x.grad
x = t.ones(3, dtype=t.float16, requires_grad=True); x.gather(0, t.zeros(5000, dtype=t.int64)).sum().backward(); x.grad
""".strip().splitlines()


@pytest.mark.parametrize("program", PROGRAMS)
def test_like_pytorch(program):
    assert_like_pytorch(program)
