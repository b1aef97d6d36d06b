"""Convolution, pooling, normalisation, losses and random fills of the array backend beside PyTorch."""

import itertools

import numpy as np
import pytest

from corten_tensor_core import _array

torch = pytest.importorskip("torch")
F = torch.nn.functional


def sample(shape, seed=0, dtype="float64"):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def run(name, *args):
    return _array.call(name, np, *args)


def close(got, want, tolerance=1e-9):
    want = want.detach().numpy()
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)


def leaf(x):
    return torch.from_numpy(x.copy()).requires_grad_()


SPATIAL = {1: (9,), 2: (7, 8), 3: (5, 6, 4)}


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize(
    ("stride", "padding", "dilation", "groups"), list(itertools.product([1, 2], [0, 1], [1, 2], [1, 2]))
)
def test_convolution(n, stride, padding, dilation, groups):
    x, weight, bias = sample((2, 4, *SPATIAL[n])), sample((6, 4 // groups, *(3, 2, 2)[:n]), 1), sample(6, 2)
    tx, tw, tb = leaf(x), leaf(weight), leaf(bias)
    want = getattr(F, f"conv{n}d")(tx, tw, tb, stride, padding, dilation, groups)
    options = ([stride] * n, padding, dilation, groups)
    close(run(f"conv{n}d", x, weight, bias, *options), want)
    close(run(f"conv{n}d", x[0], weight, bias, *options), want[0])
    grad = sample(want.shape, 3)
    want.backward(torch.from_numpy(grad))
    close(run("conv_backward_input", grad, weight, x.shape, *options), tx.grad)
    close(run("conv_backward_weight", grad, x, weight.shape, *options), tw.grad)
    close(run("conv_backward_bias", grad, n), tb.grad)
    turned = sample((4, 6 // groups, *(3, 2, 2)[:n]), 4)
    for extra in (0, 1) if max(stride, dilation) > 1 else (0,):
        transposed = getattr(F, f"conv_transpose{n}d")
        arguments = (stride, padding, extra, groups, dilation)
        want = transposed(torch.from_numpy(x), torch.from_numpy(turned), tb, *arguments)
        close(run(f"conv_transpose{n}d", x, turned, bias, *arguments), want)
        close(run(f"conv_transpose{n}d", x[0], turned, None, *arguments), want[0] - tb.view(-1, *(1,) * n))


@pytest.mark.filterwarnings("ignore:Using padding='same'")
def test_convolution_padding_names_and_half():
    x, weight = sample((2, 4, 7, 8)), sample((6, 4, 4, 3), 1)
    for padding in ("same", "valid"):
        want = F.conv2d(torch.from_numpy(x), torch.from_numpy(weight), padding=padding)
        close(run("conv2d", x, weight, None, 1, padding), want)
    x, weight = x.astype("float16"), weight.astype("float16")
    close(run("conv2d", x, weight), F.conv2d(torch.from_numpy(x), torch.from_numpy(weight)), 0.02)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "ceil_mode"),
    [(2, None, 0, False), (3, 2, 1, False), (3, 2, 1, True), (2, 3, 1, True)],
)
def test_pooling(n, kernel, stride, padding, ceil_mode):
    x = sample((2, 3, *SPATIAL[n]))
    for dilation in (1, 2):
        tx = leaf(x)
        pool = getattr(F, f"max_pool{n}d")
        if dilation == 2 and ceil_mode:
            continue
        want, index = pool(tx, kernel, stride, padding, dilation, ceil_mode, return_indices=True)
        values, places = run(f"max_pool{n}d", x, kernel, stride, padding, dilation, ceil_mode)
        close(values, want)
        close(places, index)
        grad = sample(want.shape, 1)
        want.backward(torch.from_numpy(grad))
        close(run(f"max_pool{n}d_backward", grad, places, x.shape), tx.grad)
    for include in (True, False):
        for divisor in (None, 5) if n > 1 else (None,):
            tx, options = leaf(x), (kernel, stride, padding, ceil_mode, include)
            extra = () if n == 1 else (divisor,)
            want = getattr(F, f"avg_pool{n}d")(tx, *options, *extra)
            close(run(f"avg_pool{n}d", x, *options, divisor), want)
            close(run(f"avg_pool{n}d", x[0], *options, divisor), want[0])
            grad = sample(want.shape, 1)
            want.backward(torch.from_numpy(grad))
            close(run(f"avg_pool{n}d_backward", grad, x.shape, *options, divisor), tx.grad)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_adaptive_pooling(n):
    x, size = sample((2, 3, *SPATIAL[n])), (4, 3, 4)[:n]
    tx = leaf(x)
    want = getattr(F, f"adaptive_avg_pool{n}d")(tx, size)
    close(run(f"adaptive_avg_pool{n}d", x, size), want)
    grad = sample(want.shape, 1)
    want.backward(torch.from_numpy(grad))
    close(run(f"adaptive_avg_pool{n}d_backward", grad, x.shape), tx.grad)
    want, index = getattr(F, f"adaptive_max_pool{n}d")(tx, size, return_indices=True)
    values, places = run(f"adaptive_max_pool{n}d", x, size)
    close(values, want)
    close(places, index)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_borders(n, mode):
    x, pad = sample((2, 3, *SPATIAL[n])), (1, 2, 3, -1, -2, 1)[: 2 * n]
    tx = leaf(x)
    want = F.pad(tx, pad, mode)
    close(run("_pad_border", x, pad, mode), want)
    grad = sample(want.shape, 1)
    want.backward(torch.from_numpy(grad))
    close(run("_pad_border_backward", grad, x.shape, pad, mode), tx.grad)


def test_unfolding():
    x = sample((2, 3, 7, 8))
    options = {"kernel_size": (2, 3), "dilation": 2, "padding": 1, "stride": (1, 2)}
    columns = F.unfold(torch.from_numpy(x), **options)
    close(run("im2col", x, (2, 3), 2, 1, (1, 2)), columns)
    close(run("col2im", columns.numpy(), (7, 8), (2, 3), 2, 1, (1, 2)), F.fold(columns, (7, 8), **options))


@pytest.mark.parametrize("shape", [(5, 3), (4, 3, 6), (2, 3, 4, 5)])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("affine", [True, False])
def test_batch_norm(shape, training, affine):
    x, grad = sample(shape), sample(shape, 1)
    weight, bias = (sample(3, 2), sample(3, 3)) if affine else (None, None)
    means, spreads = sample(3, 4), np.abs(sample(3, 5))
    tx, tw, tb = (None if v is None else leaf(v) for v in (x, weight, bias))
    t_means, t_spreads = torch.from_numpy(means.copy()), torch.from_numpy(spreads.copy())
    want = F.batch_norm(tx, t_means, t_spreads, tw, tb, training, 0.3, 1e-4)
    want.backward(torch.from_numpy(grad))
    out, mean, rstd = run("batch_norm", x, weight, bias, means, spreads, training, 0.3, 1e-4)
    close(out, want)
    close(means, t_means)
    close(spreads, t_spreads)
    got = run("batch_norm_backward", grad, x, weight, mean, rstd, training)
    close(got[0], tx.grad)
    if affine:
        close(got[1], tw.grad)
        close(got[2], tb.grad)


def test_layer_and_group_norm():
    x, grad = sample((2, 6, 4, 5)), sample((2, 6, 4, 5), 1)
    weight, bias = sample((4, 5), 2), sample((4, 5), 3)
    tx, tw, tb = map(leaf, (x, weight, bias))
    want = F.layer_norm(tx, (4, 5), tw, tb)
    want.backward(torch.from_numpy(grad))
    out, mean, rstd = run("layer_norm", x, (4, 5), weight, bias)
    close(out, want)
    for got, t in zip(run("layer_norm_backward", grad, x, (4, 5), weight, mean, rstd), (tx, tw, tb), strict=True):
        close(got, t.grad)
    weight, bias = sample(6, 2), sample(6, 3)
    want = F.group_norm(torch.from_numpy(x), 3, torch.from_numpy(weight), torch.from_numpy(bias))
    close(run("group_norm", x, 3, weight, bias)[0], want)


def test_half_batch_norm_keeps_its_running_arrays():
    x, means, spreads = sample((4, 3), 0, "float16"), np.zeros(3, "float32"), np.ones(3, "float32")
    t_means, t_spreads = torch.zeros(3), torch.ones(3)
    want = F.batch_norm(torch.from_numpy(x), t_means, t_spreads, training=True)
    close(run("batch_norm", x, None, None, means, spreads, True, 0.1, 1e-5)[0], want, 2e-3)
    close(means, t_means, 1e-3)
    close(spreads, t_spreads, 1e-3)


@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax(name, dim):
    x, grad = sample((3, 4, 5)) * 10, sample((3, 4, 5), 1)
    tx = leaf(x)
    want = getattr(torch, name)(tx, dim)
    want.backward(torch.from_numpy(grad))
    out = run(name, x, dim)
    close(out, want)
    close(run(f"{name}_backward", grad, out, dim), tx.grad)
    close(
        run(name, x.astype("float32"), dim, "float64"),
        getattr(torch, name)(torch.from_numpy(x).float(), dim).double(),
        1e-5,
    )
    close(run(name, np.float64([2.0])[0:1].reshape(()), 0), getattr(torch, name)(torch.tensor(2.0).double(), 0))


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("shape", [(4,), (5, 4), (5, 4, 3), (2, 4, 3, 2)])
def test_nll_loss(shape, reduction):
    x = sample(shape)
    target = np.random.default_rng(1).integers(0, 4, shape[:1] + shape[2:] if len(shape) > 1 else ())
    target = np.asarray(target)
    if target.size > 1:
        target.flat[0] = -100
    for weight in (None, np.abs(sample(4, 2))):
        tx = leaf(x)
        t_weight = None if weight is None else torch.from_numpy(weight)
        want = F.nll_loss(tx, torch.from_numpy(target), t_weight, reduction=reduction)
        loss, total = run("nll_loss", x, target, weight, reduction)
        close(loss, want)
        grad = np.asarray(sample(want.shape, 3))
        want.backward(torch.from_numpy(grad))
        close(run("nll_loss_backward", grad, x, target, weight, reduction, -100, total), tx.grad)


@pytest.mark.parametrize("padding_idx", [None, 3])
@pytest.mark.parametrize("by_frequency", [True, False])
def test_embedding(padding_idx, by_frequency):
    weight, indices = sample((7, 4)), np.array([[3, 1, 1], [0, 6, 3]])
    tw = leaf(weight)
    want = F.embedding(torch.from_numpy(indices), tw, padding_idx, scale_grad_by_freq=by_frequency)
    close(run("embedding", indices, weight, padding_idx), want)
    grad = sample(want.shape, 1)
    want.backward(torch.from_numpy(grad))
    close(run("embedding_backward", grad, indices, 7, padding_idx, by_frequency), tw.grad)


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_backward(approximate):
    x, grad = sample((3, 4)), sample((3, 4), 1)
    tx = leaf(x)
    F.gelu(tx, approximate=approximate).backward(torch.from_numpy(grad))
    close(run("gelu_backward", grad, x, approximate), tx.grad)
    close(run("threshold_backward", grad, x, 0.0), torch.from_numpy(np.where(x <= 0, 0, grad)))


def test_random_fills():
    n = 20000
    x = run("uniform", (n,), -2.0, 4.0, "float32", 7)
    assert x.dtype == np.float32
    assert -2 <= x.min() < -1.9 < 3.9 < x.max() <= 4
    assert abs(x.mean() - 1) < 0.05
    assert np.array_equal(x, run("uniform", (n,), -2.0, 4.0, "float32", 7))
    x = run("normal", (n,), 3.0, 2.0, "torch.float64", 7)
    assert abs(x.mean() - 3) < 0.06
    assert abs(x.std() - 2) < 0.06
    assert abs(np.abs(run("normal", (n,), 0.0, 1.0, "complex64", 7)).var() + np.pi / 4 - 1) < 0.03
    assert abs(run("bernoulli", (n,), 0.3, "float32", 7).mean() - 0.3) < 0.02
    assert set(run("randint", 2, 5, (n,), "int32", 7).tolist()) == {2, 3, 4}
    assert sorted(run("randperm", 50, "int64", 7).tolist()) == list(range(50))
    assert abs(run("exponential", (n,), 2.0, "float32", 7).mean() - 0.5) < 0.02
    weights = np.array([[0.0, 1.0, 3.0]])
    assert abs(run("multinomial", weights, n, True, 7).mean() - 1.75) < 0.02
    assert sorted(run("multinomial", weights[0], 2, False, 7).tolist()) == [1, 2]
    x, kept = run("dropout", np.ones(n), 0.25, 7)
    assert abs(x.mean() - 1) < 0.03
    assert np.array_equal(x != 0, kept)
