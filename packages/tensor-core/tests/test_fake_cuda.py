"""What a CUDA device does, on a fake one: rows give the host's values, and nothing crosses over unasked."""

import pytest

import corten_tensor_core as core
from corten_native import _native
from corten_tensor_core import _device, cuda
from corten_tensor_core.testing.fake_cuda import fake_cuda


@pytest.fixture
def fake():
    with fake_cuda():
        yield


def sample(*shape, low=-2.0, high=2.0, seed=5, dtype=None):
    x = core.rand(*shape, generator=core.Generator().manual_seed(seed)) * (high - low) + low
    return x if dtype is None else x.to(dtype)


X, Y, P = sample(3, 4), sample(3, 4, seed=6), sample(3, 4, low=0.1, high=0.9)
N, M = sample(3, 4, low=-5, high=5, dtype=core.int64), sample(3, 4, low=1, high=5, dtype=core.int64, seed=8)
B, H = X > 0, X.to(core.bfloat16)
S = core.eye(3) * 3 + sample(3, 3)
IMAGES, FILTERS = sample(2, 4, 6, 6), sample(6, 2, 3, 3)
UNARY = (
    "abs ceil cos erf exp expm1 floor isfinite isnan neg reciprocal relu round sigmoid sign sin sinh "
    "tan tanh trunc logical_not cosh atan asinh exp2 erfc softmax_last"
).split()
POSITIVE = "log log2 log10 log1p rsqrt sqrt asin acos atanh digamma lgamma".split()
BINARY = "add sub mul div maximum minimum pow_positive eq ne lt le gt ge atan2 fmod remainder logical_and hypot".split()

CASES = {
    **{name: lambda d, name=name: getattr(d(X), name)() for name in UNARY if name != "softmax_last"},
    **{name: lambda d, name=name: getattr(d(P), name)() for name in POSITIVE},
    **{name: lambda d, name=name: getattr(d(X), name)(d(Y)) for name in BINARY if name != "pow_positive"},
    **{
        f"{name} of ints": lambda d, name=name: getattr(d(N), name)(d(M))
        for name in ("add", "mul", "eq", "floor_divide", "bitwise_and", "div")
    },
    "special_ndtr": lambda d: core.special.ndtr(d(X)),
    "pow": lambda d: d(P) ** d(X),
    "pow number": lambda d: d(X) ** 2,
    "number pow": lambda d: 2 ** d(X),
    "mixed": lambda d: d(X) + d(N),
    "bfloat16": lambda d: d(H) * d(H) + 1,
    "bfloat16 and float32": lambda d: d(H) * d(X),
    "half": lambda d: d(X).half() / 3,
    "sin of ints": lambda d: d(N).sin(),
    "broadcast": lambda d: d(X)[0] + d(Y)[:, :1],
    "number": lambda d: 3 - d(X) * 2.5,
    "int and float": lambda d: d(N) * 2.5,
    "host number": lambda d: d(X) * core.tensor(2.0),
    "where": lambda d: core.where(d(B), d(X), d(Y)),
    "clamp": lambda d: d(X).clamp(-1, 1),
    "lerp": lambda d: d(X).lerp(d(Y), 0.3),
    "addcmul": lambda d: core.addcmul(d(X), d(Y), d(Y), value=2),
    "in place": lambda d: d(X).clone().add_(d(Y)).mul_(2).relu_(),
    "view in place": lambda d: _changed(d(X).clone()),
    "fill": lambda d: core.fill(d(X), 3),
    "fill in place": lambda d: d(X).clone().fill_(3),
    "zeros_like": lambda d: core.zeros_like(d(X)),
    "cast": lambda d: d(X).to(core.int32),
    "to complex": lambda d: d(X).to(core.complex64).exp(),
    "sum": lambda d: d(X).sum(),
    "sum dim": lambda d: d(X).sum(1, keepdim=True),
    "mean": lambda d: d(X).mean(0),
    "prod": lambda d: d(X).prod(1),
    "var": lambda d: d(X).var(1),
    "std": lambda d: d(X).std(),
    "var_mean": lambda d: core.var_mean(d(X), 0),
    "norm": lambda d: d(X).norm(),
    "logsumexp": lambda d: d(X).logsumexp(1),
    "any": lambda d: d(B).any(1),
    "all": lambda d: d(B).all(),
    "max": lambda d: d(X).max(),
    "max dim": lambda d: d(X).max(1),
    "min dim": lambda d: d(X).min(0),
    "argmax": lambda d: d(X).argmax(1),
    "sort": lambda d: d(X).sort(1, descending=True),
    "topk": lambda d: d(X).topk(2),
    "cumsum": lambda d: d(X).cumsum(0),
    "softmax": lambda d: d(X).softmax(1),
    "log_softmax": lambda d: d(X).log_softmax(1),
    "median": lambda d: d(X).median(1),
    "matmul": lambda d: d(X) @ d(Y).t(),
    "vector product": lambda d: d(X) @ d(Y)[0],
    "bmm": lambda d: core.bmm(d(X)[None], d(Y).mT[None]),
    "_addmm_activation": lambda d: core._addmm_activation(d(S), d(X), d(Y).t(), use_gelu=True),
    "addmm": lambda d: core.addmm(d(S), d(X), d(Y).t()),
    "cat": lambda d: core.cat([d(X), d(Y)], 1),
    "stack": lambda d: core.stack([d(X), d(Y)]),
    "flip": lambda d: d(X).flip(1),
    "roll": lambda d: d(X).roll(1, 0),
    "tril": lambda d: d(S).tril(),
    "repeat": lambda d: d(X).repeat(2, 1),
    "transposed": lambda d: d(X).t().contiguous(),
    "arange": lambda d: core.arange(5, device=d(X).device),
    "linspace": lambda d: core.linspace(0, 1, 5, device=d(X).device),
    "eye": lambda d: core.eye(3, device=d(X).device),
    "full": lambda d: core.full((2, 2), 7, device=d(X).device),
    "index": lambda d: d(X)[d(core.tensor([0, 2]))],
    "index two": lambda d: d(X)[d(core.tensor([0, 2])), d(core.tensor([1, 3]))],
    "index_select": lambda d: d(X).index_select(1, d(core.tensor([3, 0]))),
    "gather": lambda d: d(X).gather(1, d(core.tensor([[0], [1], [2]]))),
    "scatter": lambda d: d(X).scatter(1, d(core.tensor([[0], [1], [2]])), 9.0),
    "scatter_add": lambda d: d(X).scatter_add(1, d(core.tensor([[0], [1], [2]])), d(Y)),
    "masked_fill": lambda d: d(X).masked_fill(d(B), 0.5),
    "set item": lambda d: _set(d(X).clone()),
    "conv2d": lambda d: core.conv2d(d(IMAGES), d(FILTERS), None, 2, 1, 1, 2),
    "conv_transpose2d": lambda d: core.conv_transpose2d(d(IMAGES), d(sample(4, 3, 3, 3)), None, 2, 1, 1),
    "max_pool2d": lambda d: core.max_pool2d(d(IMAGES), 2),
    "avg_pool2d": lambda d: core.avg_pool2d(d(IMAGES), 3, 2, 1) if hasattr(core, "avg_pool2d") else d(X),
    "layer_norm": lambda d: core.layer_norm(d(X), (4,)),
    "pad": lambda d: core.constant_pad_nd(d(X), (1, -1, 0, 2), 3.0),
    **{
        f"pad {mode}": lambda d, mode=mode: core.pad(d(IMAGES), (1, 2, -1, 3), mode)
        for mode in ("reflect", "replicate", "circular")
    },
    "svdvals": lambda d: core.linalg.svdvals(d(X)),
    "inv": lambda d: core.linalg.inv(d(S)),
    "solve": lambda d: core.linalg.solve(d(S), d(X)),
    "det": lambda d: d(S).det(),
    "fft": lambda d: core.fft.fft(d(X)),
    "rfft": lambda d: core.fft.rfft(d(X)),
    "nonzero": lambda d: d(B).nonzero(),
    "masked_select": lambda d: d(X)[d(B)],
    "unique": lambda d: d(N).unique(),
    "searchsorted": lambda d: core.searchsorted(d(core.tensor([-1.0, 0.0, 1.0])), d(X)),
    "bincount": lambda d: d(core.tensor([3, 0, 3])).bincount(),
    "cdist": lambda d: core.cdist(d(X), d(Y)),
    "nan_to_num": lambda d: (d(X) / (d(X) > 0)).nan_to_num(1.0, 2.0, -3.0),
    "threshold": lambda d: _native.threshold(d(X), 0.1, 7.0),
    "huber_loss": lambda d: _native.huber_loss(d(X), d(Y)),
    "smooth_l1_loss": lambda d: _native.smooth_l1_loss(d(X), d(Y)),
    "elu": lambda d: _native.elu(d(X)),
    "selu": lambda d: _native.selu(d(X)),
    "softplus": lambda d: _native.softplus(d(X)),
    "softshrink": lambda d: _native.softshrink(d(X)),
    "hardshrink": lambda d: _native.hardshrink(d(X)),
}


def _changed(x):
    x[1:, ::2].mul_(3)
    return x


def _set(x):
    x[0] = 5
    x[1, 2] = -1
    return x


@pytest.mark.parametrize("name", CASES)
def test_same_values_as_on_the_host(name, fake):
    expected = CASES[name](lambda x: x)
    got = CASES[name](lambda x: x.to("cuda"))
    pairs = zip(got, expected, strict=True) if isinstance(expected, tuple) else [(got, expected)]
    for ours, host in pairs:
        assert str(ours.device) == "cuda:0"
        assert ours.dtype == host.dtype
        assert ours.shape == host.shape
        core.testing.assert_close(
            ours.cpu(), host, rtol=1e-2 if host.dtype == core.bfloat16 else 1e-5, atol=1e-5, equal_nan=True
        )


def test_there_and_back(fake):
    for dtype in (core.float32, core.bfloat16, core.int8, core.bool, core.complex128):
        x = sample(2, 3).to(dtype)
        there = x.cuda()
        assert there.is_cuda
        assert there.to("cuda:0") is there
        assert there.cpu().tolist() == x.tolist()
        assert there.t().cpu().tolist() == x.t().tolist()
    assert sample(2).to("cuda:1").device.index == 1
    host = core.zeros(2, 3)
    host.copy_(X[:2, :3].cuda())
    assert host.tolist() == X[:2, :3].tolist()
    device = core.zeros(2, 3, device="cuda", dtype=core.float64)
    device.copy_(X[:2, :3])
    assert device.cpu().tolist() == X[:2, :3].double().tolist()


def test_reading(fake):
    x = core.tensor([1.5, -2.0]).cuda()
    assert x[0].item() == 1.5
    assert x.tolist() == [1.5, -2.0]
    assert bool(x[0] > 1)
    assert float(x[1]) == -2.0
    assert repr(x) == "tensor([ 1.5000, -2.0000], device='cuda:0')"
    assert core.equal(x, x.clone())


def test_nothing_crosses_unasked(fake):
    x = X.cuda()
    with pytest.raises(TypeError, match="can't convert cuda:0 device type tensor to numpy"):
        x.numpy()
    with pytest.raises(RuntimeError, match="same device"):
        x + Y
    with pytest.raises(RuntimeError):
        core.add(X, Y, out=x)


def test_random(fake):
    core.manual_seed(3)
    first = core.rand(100, device="cuda")
    core.manual_seed(3)
    assert core.rand(100, device="cuda").tolist() == first.tolist()
    assert first.min().item() >= 0
    assert first.max().item() < 1
    assert abs(core.randn(4000, device="cuda").std().item() - 1) < 0.1
    assert sorted(core.randperm(9, device="cuda").tolist()) == list(range(9))
    assert set(core.randint(2, 5, (99,), device="cuda").tolist()) == {2, 3, 4}
    whole = core.empty(99, dtype=core.uint8, device="cuda").random_()
    assert whole.max().item() > 127
    assert 0.4 < core.bernoulli(core.full((2000,), 0.5, device="cuda")).mean().item() < 0.6


def test_settings(fake):
    assert cuda.is_available()
    assert cuda.device_count() == 2
    assert cuda.current_device() == 0
    assert cuda.get_device_name() == "Fake device"
    with cuda.device(1):
        assert cuda.current_device() == 1
    assert cuda.current_device() == 0
    cuda.synchronize()
    cuda.empty_cache()
    with pytest.raises(RuntimeError, match="invalid device ordinal"):
        core.zeros(2, device="cuda:7")


def test_without_a_device():
    before = _device.set_backend(None)
    try:
        if cuda.is_available():
            pytest.skip("there is a device")
        assert cuda.device_count() == 0
        cuda.manual_seed(1)
        cuda.empty_cache()
        for use in (lambda: core.zeros(2, device="cuda"), lambda: X.cuda(), lambda: X.to("cuda"), cuda.synchronize):
            with pytest.raises(RuntimeError, match=r"CuPy|driver"):
                use()
    finally:
        _device.set_backend(before)
