"""Random programs that change tensors through views have the values and gradients that they have in PyTorch."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import corten
from tests.programs import ended, name_of, near

torch: Any = pytest.importorskip("torch")

# A random program: tensors a, b (leaves) and what is made of them, changed through views.
VIEWS = {
    "row": lambda x: x[1],
    "column": lambda x: x[:, 0],
    "rows": lambda x: x[0:2],
    "steps": lambda x: x[::2],
    "t": lambda x: x.t(),
    "flat": lambda x: x.view(-1) if x.is_contiguous() else x.t(),
    "diagonal": lambda x: x.diagonal(),
    "narrow": lambda x: x.narrow(0, 1, 1),
    "expand": lambda x: x.unsqueeze(0),
}
CHANGES = {
    "mul_": lambda x, y: x.mul_(y),
    "add_": lambda x, y: x.add_(y),
    "copy_": lambda x, y: x.copy_(y),
    "sin_": lambda x, y: x.sin_(),
    "zero_": lambda x, y: x.zero_(),
    "sub a number": lambda x, y: x.sub_(0.5),
    "set": lambda x, y: x.__setitem__(0, y),
    "mask": lambda x, y: x.masked_fill_(x > 0.3, 0.7),
}
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["view", "change", "use", "detached"]),
        st.integers(0, 7),
        st.integers(0, 7),
        st.sampled_from(sorted(VIEWS)),
        st.sampled_from(sorted(CHANGES)),
    ),
    min_size=2,
    max_size=9,
)


def run_steps(lib: Any, steps: Any) -> Any:
    values = lib.linspace(-1, 1, 9, dtype=lib.float64)
    a = values.view(3, 3).clone().requires_grad_()
    b = (values * 0.5 + 0.1).view(3, 3).clone().requires_grad_()
    pool = [a * 1.5, b * 1]
    total = (a * b).sum() * 0
    for kind, i, j, view, change in steps:
        x, y = pool[i % len(pool)], pool[j % len(pool)]
        if kind == "view":
            pool.append(VIEWS[view](x) if x.dim() == 2 else x[:1])
        elif kind == "change":
            other = y.sum() * 0.25
            CHANGES[change](x, other)
        elif kind == "use":
            total = total + (x * 1.25).cos().sum()
        else:
            x.detach().mul_(0.5)
    for x in pool:
        total = total + (x * x).sum()
    gradients = lib.autograd.grad(total, (a, b), allow_unused=True)
    return [
        total.detach(),
        *gradients,
        *[x.detach() for x in pool],
        [name_of(x.grad_fn) for x in pool],
        [x._version for x in pool],
    ]


@settings(max_examples=300)
@given(STEPS)
def test_random_programs_of_views_and_changes(steps: Any) -> None:
    ours, theirs = (ended(lambda lib: run_steps(lib, steps), lib) for lib in (corten, torch))
    assert ours[0] == theirs[0], (ours, theirs)
    if ours[0] == "value":
        assert near(ours[1], theirs[1]), (ours[1], theirs[1])
