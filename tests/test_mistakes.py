"""Where programs meet PyTorch's ways unasked: words of the commonest mistakes, names of nodes, views taken without
recording, layouts and draws of transposed tensors."""

import pytest

import corten
from tests.programs import assert_like_pytorch

torch = pytest.importorskip("torch")

MISTAKES = """
t.ones(2, 3) + t.ones(4, 5)
t.ones(2, 3, 4) * t.ones(3, 3, 5)
t.where(t.ones(2, 3) > 0, t.ones(2, 3), t.ones(4, 5))
t.ones(2, 3).masked_select(t.tensor([True, False]))
nn.Conv2d(3, 4, 3)(t.ones(1, 3, 5, 5).double())
nn.Conv2d(3, 4, 3)(t.ones(1, 3, 5, 5, dtype=t.uint8))
nn.Conv2d(3, 4, 3, bias=False)(t.ones(1, 3, 5, 5).double())
t.softmax(t.tensor([1, 2]), 0)
t.softmax(t.ones(2, 3).long(), 0)
t.log_softmax(t.ones(2, 3).long(), 1)
t.tensor([t.ones(2), 1])
t.tensor([1, t.ones(2)])
t.tensor([t.ones(2), t.ones(2)])
t.tensor([[1], t.ones(2)])
t.tensor([t.ones(1), t.tensor(2.0), 3])
F.cross_entropy(t.ones(2, 3), t.zeros(2, 4).long())
F.cross_entropy(t.ones(2, 3), t.zeros(2, 1).long())
F.cross_entropy(t.ones(2, 3, 4), t.zeros(2).long())
F.cross_entropy(t.ones(2, 3, 4), t.zeros(2, 4, 4).long())
F.cross_entropy(t.ones(2, 3, 4, 4), t.zeros(2, 4).long())
F.cross_entropy(t.ones(2, 3, 4, 4), t.zeros(2, 4, 5).long())
F.cross_entropy(t.ones(3), t.zeros(2).long())
F.cross_entropy(t.ones(3), t.zeros(3, 1).long())
F.cross_entropy(t.ones(2, 3), t.zeros(()).long())
F.nll_loss(t.tensor(1.0), t.tensor([0]))
F.nll_loss(t.ones(3), t.tensor(0))
F.binary_cross_entropy(t.ones(2), t.ones(2).long())
F.binary_cross_entropy(t.ones(2), t.ones(2).double())
F.binary_cross_entropy(t.ones(2).long(), t.ones(2).long())
F.binary_cross_entropy_with_logits(t.ones(2), t.ones(2).long())
F.binary_cross_entropy_with_logits(t.ones(2), t.ones(2).double())
F.mse_loss(t.ones(2).long(), t.ones(2).long())
F.mse_loss(t.ones(2), t.ones(2).long())
F.smooth_l1_loss(t.ones(2).long(), t.ones(2).long())
F.huber_loss(t.ones(2).long(), t.ones(2).long())
F.pad(t.ones(2, 3), (1,))
F.pad(t.ones(2, 3), (1, 1, 1, 1, 1, 1))
F.pad(t.ones(2, 3, 4), (1, 1, 1), mode="circular")
F.max_pool2d(t.arange(16.0).view(1, 1, 4, 4), 2, return_indices=True)
t.equal(t.ones(2, 3), t.tensor([0, 1])), t.equal(t.ones(2), t.tensor([1, 1])), t.equal(t.ones(2), t.tensor([1, 2]))
"""

#: Of `x` (2, 3), `X` (2, 4, 3), `W` (4, 3) and `b` (4), which require grad.
NODES = """
F.linear(x, W), F.linear(x, W, b), F.linear(X, W), F.linear(X, W, b), F.linear(x[0], W), F.linear(x[0], W, b)
F.linear(X, W.detach(), b.detach()), F.linear(X, W.detach())
x @ W.t(), X @ W.t(), X @ X.mT, X @ x[0], x @ x[0], x[0] @ x[0]
(X @ X.mT).div_(2), (X @ X.mT)._base is None
t.log1p(x), t.deg2rad(x), t.rad2deg(x), F.unfold(X[None], 2)
t.normal(x, 1.0), t.normal(x, x + 1), t.normal(1.0, x + 1), t.bernoulli(x), t.poisson(x)
t.autograd.grad(t.normal(x, x + 1).sum(), x)
t.einsum("bij,bkj->bik", X, X), t.einsum("bij,bkj->bki", X, X), t.einsum("ij->i", x), t.einsum("ij->ji", x)
t.einsum("i,j->ji", b, b), t.einsum("ij,j->ij", W, W[0]), t.einsum("ii->i", x[:, :2]), t.einsum("ij->ij", x)
"""


#: Views taken where nothing is recorded: of `w` (2, 3), which requires grad, and of `y`, made from it. `quiet(f)` is
#: `f()` without recording.
UNRECORDED = """
quiet(lambda: w[0]), quiet(lambda: y[0]), quiet(lambda: w.t()), quiet(lambda: w.view(-1)[:2].view(2, 1))
quiet(lambda: repr(w[0])), quiet(lambda: repr(list(w))), quiet(lambda: repr(nn.Parameter(w).view(-1)))
quiet(lambda: w.split(1)), quiet(lambda: w.unbind(1)), quiet(lambda: t.tensor_split(w, 2)), quiet(lambda: w.chunk(2))
quiet(lambda: w.detach()[0]), quiet(lambda: w.data[0]), quiet(lambda: w[t.tensor([0])]), quiet(lambda: w[0] * 2)
quiet(lambda: w.view(t.int32)), quiet(lambda: w.reshape(-1)), quiet(lambda: w.t().reshape(-1)), quiet(lambda: w.clone())
t.inference_mode()(lambda: w[0])(), t.inference_mode()(lambda: w[0] * 2)()
repr((quiet(lambda: w[0]) * 2).sum()), repr(quiet(lambda: w[0])[1:])
quiet(lambda: w[0]).mul_(2)
quiet(lambda: y[0]).mul_(2)
quiet(lambda: w[0].fill_(3)); w
v = quiet(lambda: w[0]); quiet(lambda: w.mul_(2)); repr(v), v.requires_grad
v = quiet(lambda: y[0]); y.mul_(2); repr(v), v.requires_grad
v = quiet(lambda: y[0]); y.mul_(2); v * 1
w.split(1)[0].mul_(2)
w.unbind()[0].add_(1)
y.split(1)[0].mul_(2)
"""


#: Of the transposed `x` (5, 8): results lie row by row, and are drawn in that order.
TRANSPOSED = """
x.softmax(0), x.log_softmax(1), x.cumsum(0), x.cumprod(1), x.logcumsumexp(1), x.softmax(1).view(-1)
x.cummax(0).values, x.cummin(0).indices, x.roll(1, 0), x.masked_fill(x > 0.5, 0.0), x.masked_scatter(x > 0.5, x)
x.scatter(0, t.zeros(1, 8).long(), 1.0), x.scatter_add(0, t.zeros(1, 8).long(), x)
x.bernoulli()
x.bernoulli(0.5)
t.poisson(x * 9)
t.binomial(x.round() * 9, x)
t.normal(x, 1.0)
t.normal(0.0, x)
t.normal(x, x)
F.gumbel_softmax(x)
x.contiguous().view(1, 2, 4, 5).contiguous(memory_format=t.channels_last).bernoulli()
"""


@pytest.mark.parametrize("program", TRANSPOSED.strip().split("\n"))
def test_transposed(program):
    assert_like_pytorch("x = t.linspace(0, 1, 40).view(8, 5).t(); " + program)


@pytest.mark.parametrize("program", MISTAKES.strip().split("\n"))
def test_mistakes(program):
    assert_like_pytorch(program)


def test_a_changed_leaf_is_told_without_a_node():
    w = corten.ones(2, requires_grad=True)
    y = (w * w).sum()
    w.detach().add_(1)
    with pytest.raises(RuntimeError, match=r"\[torch.FloatTensor \[2\]\] is at version 1; expected version 0 instead"):
        y.backward()


@pytest.mark.parametrize("lib", [corten, torch])
def test_gradients_that_are_not_kept_are_warned_of(lib):
    w = lib.ones(2, requires_grad=True)
    y = w * 2
    with pytest.warns(UserWarning, match="The .grad attribute of a Tensor that is not a leaf Tensor is being accessed"):
        assert y.grad is None
    y.retain_grad()
    y.sum().backward()
    assert y.grad.tolist() == [1, 1]
    assert w.detach().grad is None


@pytest.mark.parametrize("program", NODES.strip().split("\n"))
def test_nodes(program):
    leaves = "x, X, W, b = (t.full(size, 0.5, requires_grad=True) for size in ((2, 3), (2, 4, 3), (4, 3), (4,))); "
    assert_like_pytorch(leaves + program)
    described = f"[repr(y.grad_fn).split(' ')[0] for y in (({program},)) if hasattr(y, 'grad_fn')]"
    assert_like_pytorch(leaves + described)


@pytest.mark.parametrize("program", UNRECORDED.strip().split("\n"))
def test_views_without_history(program):
    given = "w = t.full((2, 3), 0.5, requires_grad=True); y = w * 1; quiet = lambda f: t.no_grad()(f)(); "
    assert_like_pytorch(given + program)
