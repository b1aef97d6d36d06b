"""Einstein summation beside PyTorch's: values, gradients, messages."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import corten_tensor_core
from corten_tensor_core._einsum import einsum

torch = pytest.importorskip("torch")


def both(shape, seed=0, dtype="float64"):
    x = np.asarray(np.random.default_rng(seed).standard_normal(shape)).astype(dtype)
    return corten_tensor_core.from_numpy(x.copy()), torch.from_numpy(x)


def compare(got, want):
    assert tuple(got.shape) == tuple(want.shape)
    assert str(got.dtype) == str(want.dtype)
    np.testing.assert_allclose(got.detach().numpy(), want.detach().numpy(), rtol=1e-9, atol=1e-9)


CASES = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("ba,bc", (2, 3), (2, 4)),
    ("ii", (3, 3)),
    ("ii->i", (3, 3)),
    ("iij->j", (3, 3, 2)),
    ("ijij->ji", (3, 2, 3, 2)),
    ("ij->", (2, 3)),
    ("ij->ji", (2, 3)),
    ("i,j", (2,), (3,)),
    ("i,i", (3,), (3,)),
    ("i,i->i", (3,), (3,)),
    ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
    ("...ij,...jk->...ik", (2, 1, 3, 4), (5, 4, 2)),
    ("...ij,...jk", (2, 3, 4), (4, 5)),
    ("i...,i...", (2, 3), (2, 3)),
    ("...->", (2, 3)),
    ("b...->b", (2, 3, 4)),
    ("i...j->j...", (2, 3, 4)),
    ("...i,ij", (3,), (3, 4)),
    ("bn,anm,bm->ba", (2, 5), (3, 5, 4), (2, 4)),
    ("a,b,c->cab", (2,), (3,), (4,)),
    ("ij,jk,kl,lm->im", (2, 3), (3, 4), (4, 5), (5, 2)),
    ("ij,ij->ij", (1, 3), (2, 3)),
    ("ij,jk->ik", (2, 1), (3, 4)),
    ("ij,k->", (2, 3), (4,)),
    ("ij,jk->ik", (2, 0), (0, 4)),
    ("ij,jk->ik", (0, 3), (3, 4)),
    (" i j , j k -> i k ", (2, 3), (3, 4)),
    (",->", (), ()),
    ("Ab,bA->bA", (2, 3), (3, 2)),
    ("aB", (2, 3)),
    ("bij,bkj->bki", (2, 4, 3), (2, 5, 3)),
    ("ijk,jl->lik", (2, 4, 3), (4, 2)),
    ("bijk->bkj", (1, 2, 3, 4)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_cases(case):
    equation, *shapes = case
    mine, theirs = zip(*(both(shape, i) for i, shape in enumerate(shapes)), strict=True)
    compare(einsum(equation, *mine), torch.einsum(equation, *theirs))
    compare(einsum(equation, list(mine)), torch.einsum(equation, *theirs))


@st.composite
def equations(draw):
    sizes = {label: draw(st.integers(0, 3)) for label in "abcde"}
    terms = draw(st.lists(st.text("abcde", max_size=4), min_size=1, max_size=3))
    used = sorted(set("".join(terms)))
    shapes = [tuple(sizes[label] for label in term) for term in terms]
    output = draw(st.permutations(used))[: draw(st.integers(0, len(used)))] if used else []
    return ",".join(terms) + draw(st.sampled_from(["", "->" + "".join(output)])), shapes


@settings(max_examples=300, deadline=None)
@given(equations())
def test_any_equation(case):
    equation, shapes = case
    mine, theirs = zip(*(both(shape, i) for i, shape in enumerate(shapes)), strict=True)
    compare(einsum(equation, *mine), torch.einsum(equation, *theirs))


def test_sublists():
    (x, tx), (y, ty) = both((2, 3)), both((3, 4), 1)
    compare(einsum(x, [0, 1], y, [1, 2], [0, 2]), torch.einsum(tx, [0, 1], ty, [1, 2], [0, 2]))
    compare(einsum(x, [30, 1], y, [1, 2]), torch.einsum(tx, [30, 1], ty, [1, 2]))
    compare(einsum(x, [..., 1], y, [1, 2]), torch.einsum(tx, [..., 1], ty, [1, 2]))


def test_gradients():
    (x, tx), (y, ty) = both((2, 3, 3)), both((3, 4), 1)
    for leaf in (x, y, tx, ty):
        leaf.requires_grad_()
    einsum("bii,ij->bj", x, y).sum().backward()
    torch.einsum("bii,ij->bj", tx, ty).sum().backward()
    compare(x.grad, tx.grad)
    compare(y.grad, ty.grad)


@pytest.mark.parametrize(
    ("equation", "shapes", "message"),
    [
        ("ij,jk->ik", [(2, 3)], "fewer operands"),
        ("ij", [(2, 3), (2, 3)], "more operands"),
        ("ij->k", [(2, 3)], "output subscript k does not appear"),
        ("ij->ii", [(2, 3)], "output subscript i appears more than once"),
        ("ij,jk", [(2, 3), (2, 4)], "subscript j has size 2 for operand 1 which does not broadcast with previously"),
        ("ii", [(2, 3)], "subscript i is repeated for operand 0 but the sizes don't match, 3 != 2"),
        ("i.j", [(2, 3)], "found '.' for operand 0 that is not part of any ellipsis"),
        (
            "i$",
            [(2, 3)],
            r"invalid subscript given at index 1 in the equation string, subscripts must be in \[a-zA-Z\]",
        ),
        ("ijk", [(2, 3)], "the number of subscripts in the equation"),
        ("...ijk", [(2, 3)], "the number of subscripts in the equation"),
        ("i", [], "at least one operand"),
    ],
)
def test_messages(equation, shapes, message):
    with pytest.raises(RuntimeError, match=message):
        einsum(equation, *(both(shape)[0] for shape in shapes))
    with pytest.raises((RuntimeError, ValueError)):
        torch.einsum(equation, *(both(shape)[1] for shape in shapes))
