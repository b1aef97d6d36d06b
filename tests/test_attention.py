"""Attention in blocks: beside PyTorch's, beside the formula, twice differentiated, and in little memory."""

import subprocess
import sys

import numpy as np
import pytest

import corten
from tests.programs import assert_like_pytorch

attend = corten.nn.functional.scaled_dot_product_attention

#: B, H, L, S and E: within a block, at its edge, over several, and one query or key.
SIZES = [
    (2, 3, 5, 7, 4),
    (1, 2, 64, 64, 16),
    (1, 1, 130, 600, 8),
    (2, 1, 300, 300, 32),
    (1, 1, 1, 40, 8),
    (1, 1, 200, 1, 8),
]


def mask_of(kind, sizes, rng):
    batch, _, queries, keys, _ = sizes
    if kind == "seen":
        seen = rng.random((queries, keys)) > 0.4
        seen[:, 0] = True
        return seen
    return rng.standard_normal((batch, 1, queries, keys)) if kind == "added" else None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["all", "causal", "seen", "added"])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_values_and_gradients_are_pytorchs(sizes, kind, dtype):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    batch, heads, queries, keys, width = sizes
    shapes = [(batch, heads, n, width) for n in (queries, keys, keys, queries)]
    arrays = [rng.standard_normal(shape) for shape in shapes]
    mask = mask_of(kind, sizes, rng)
    results = []
    for lib in (corten, torch):
        real = getattr(lib, dtype)
        *leaves, g = (lib.tensor(array, dtype=real) for array in arrays)
        for leaf in leaves:
            leaf.requires_grad_()
        seen = None if mask is None else lib.tensor(mask, dtype=lib.bool if kind == "seen" else real)
        out = lib.nn.functional.scaled_dot_product_attention(*leaves, attn_mask=seen, is_causal=kind == "causal")
        out.backward(g)
        results.append((type(out.grad_fn).__name__, out.stride(), [out.detach(), *(leaf.grad for leaf in leaves)]))
    (name, strides, ours), (their_name, their_strides, theirs) = results
    assert name == their_name
    assert strides == their_strides
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(
            mine.numpy(),
            other.numpy(),
            **({"rtol": 1e-9, "atol": 1e-10} if dtype == "float64" else {"rtol": 1e-4, "atol": 2e-5}),
        )


@pytest.mark.parametrize("kind", ["all", "causal", "seen", "added"])
def test_second_derivatives(kind):
    sizes = (1, 2, 3, 4, 2)
    mask = mask_of(kind, sizes, np.random.default_rng(0))
    corten.manual_seed(0)
    leaves = [corten.rand(1, 2, n, 2, dtype=corten.float64, requires_grad=True) for n in (3, 4, 4)]
    seen = None if mask is None else corten.tensor(mask)

    def attended(q, k, v):
        return attend(q, k, v, attn_mask=seen, is_causal=kind == "causal")

    assert corten.autograd.gradcheck(attended, leaves)
    assert corten.autograd.gradgradcheck(attended, leaves)


def test_strides_and_what_sees_nothing():
    corten.manual_seed(0)
    packed = corten.rand(2, 9, 3, 4, 6)
    q, k, v = (packed[:, :, i].transpose(1, 2) for i in range(3))
    seen = corten.ones(9, 9, dtype=corten.bool)
    seen[4] = False
    out = attend(q, k, v, attn_mask=seen)
    assert out.stride() == (216, 6, 24, 1)
    assert corten.equal(out, attend(*(x.contiguous() for x in (q, k, v)), attn_mask=seen))
    assert out[:, :, 4].eq(0).all()
    leaf = q.detach().requires_grad_()
    attend(leaf, k, v, attn_mask=seen).sum().backward()
    assert leaf.grad[:, :, 4].eq(0).all()
    assert leaf.grad.isfinite().all()


@pytest.mark.parametrize(("heads", "threads"), [(1, 2), (1, 7), (3, 2), (3, 7)])
def test_bits_do_not_depend_on_threads(heads, threads):
    corten.manual_seed(0)
    leaves = [corten.rand(2, heads, 150, 16, requires_grad=True) for _ in range(3)]
    before = corten.get_num_threads()
    results = []
    try:
        for count in (1, threads):
            corten.set_num_threads(count)
            out = attend(*leaves, is_causal=True)
            results.append([out, *corten.autograd.grad(out.sum(), leaves)])
    finally:
        corten.set_num_threads(before)
    assert all(corten.equal(a, b) for a, b in zip(*results, strict=True))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("kind", ["all", "causal", "seen", "added", "added in float32", "dropout"])
@pytest.mark.parametrize("dims", [3, 4])
def test_halves_are_rounded_once(dtype, kind, dims):
    corten.manual_seed(0)
    half = getattr(corten, dtype)
    leaves = [
        (20 * corten.randn(2, 3, n, 16)[-1 if dims == 3 else ...]).to(half).requires_grad_() for n in (70, 80, 80)
    ]
    mask = {"seen": corten.rand(70, 80) < 0.9, "added": corten.randn(70, 80).to(half)}.get(kind)
    mask = corten.randn(70, 80) if kind == "added in float32" else mask
    dropout = 0.5 if kind == "dropout" else 0.0
    results = []
    wide = mask.float() if kind == "added" else mask
    for inputs, seen in (leaves, mask), ([x.float() for x in leaves], wide):
        corten.manual_seed(1)
        out = attend(*inputs, seen, dropout, kind == "causal")
        results.append([out, *corten.autograd.grad(out.to(half).float().square().sum(), leaves)])
    assert results[0][0].dtype is half
    assert all(corten.equal(a, b.to(half)) for a, b in zip(*results, strict=True))


def test_large_halves_do_not_overflow():
    x = corten.full((1, 1, 2, 64), 40.0, dtype=corten.float16)
    assert corten.equal(attend(x, x, x), x)


MISFITS = [
    "x = t.ones(1, 1, 4, 8).half(); F.scaled_dot_product_attention(x, x, x, attn_mask=t.ones(4, 4, dtype=t.int64))",
    "x = t.ones(1, 4, 8).half(); F.scaled_dot_product_attention(x, x, x, attn_mask=t.ones(4, 4, dtype=t.float64))",
    "x = t.ones(1, 1, 4, 8); F.scaled_dot_product_attention(x, x, x, attn_mask=t.ones(4, 4, dtype=t.bfloat16))",
    "x = t.ones(1, 1, 4, 8).half(); F.scaled_dot_product_attention(x, x.float(), x.float())",
    "x = t.ones(1, 1, 4, 8).half(); F.scaled_dot_product_attention(x, x, x, attn_mask=t.zeros(1, 1, 4, 4))",
    "x = t.ones(1, 4, 8).double(); F.scaled_dot_product_attention(x, x, x, attn_mask=t.zeros(1, 4, 4))",
]


@pytest.mark.parametrize("program", MISFITS)
def test_dtypes(program):
    pytest.importorskip("torch")
    assert_like_pytorch(program)


PROGRAM = """
import sys
import resource
import corten
corten.set_num_threads(1)
q = corten.rand(1, 1, 8192, 8, dtype=getattr(corten, sys.argv[1]), requires_grad=True)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
corten.nn.functional.scaled_dot_product_attention(q, q, q).sum().backward()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is counted in other units")
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_memory_does_not_grow_with_the_square_of_the_length(dtype):
    # The scores of all pairs would take 256 MiB.
    kib = subprocess.run([sys.executable, "-c", PROGRAM, dtype], check=True, capture_output=True, text=True).stdout
    assert int(kib) < 32 * 1024
