"""Autocast and GradScaler beside PyTorch's."""

import warnings

import pytest

import corten_autograd
import corten_tensor_core as native

torch = pytest.importorskip("torch")

CALLS = {
    "matmul": lambda t, x, b: x @ x,
    "matmul of mixed dtypes": lambda t, x, b: x.bfloat16() @ x,
    "matmul of float64": lambda t, x, b: x.double() @ x.double(),
    "matmul of ints": lambda t, x, b: x.long() @ x.long(),
    "mm with out": lambda t, x, b: t.mm(x, x, out=t.empty(4, 4)),
    "bmm": lambda t, x, b: b.bmm(b),
    "addmm": lambda t, x, b: t.addmm(x, x, x),
    "einsum": lambda t, x, b: t.einsum("ij,jk->ik", x, x),
    "mv": lambda t, x, b: x.mv(x[0]),
    "outer": lambda t, x, b: t.outer(x[0], x[0]),
    "conv1d": lambda t, x, b: t.conv1d(b, b[:, :, :2]),
    "in place": lambda t, x, b: x.clone().addmm_(x, x),
    "softmax": lambda t, x, b: x.bfloat16().softmax(1),
    "prod": lambda t, x, b: x.bfloat16().prod(),
    "quantile": lambda t, x, b: t.quantile(x.bfloat16(), 0.5),
    "trace": lambda t, x, b: x.bfloat16().trace(),
    "cat": lambda t, x, b: t.cat([x.bfloat16(), x]),
    "stack": lambda t, x, b: t.stack([x.bfloat16(), x]),
    "inverse": lambda t, x, b: t.inverse(t.eye(3).bfloat16()),
    "fft": lambda t, x, b: t.fft.fft(x.bfloat16()),
    "sum": lambda t, x, b: x.bfloat16().sum(),
    "add": lambda t, x, b: x.bfloat16() + x,
}


@pytest.mark.parametrize("name", CALLS)
def test_dtypes_under_autocast(name):
    found = []
    for lib in (native, torch):
        x = lib.arange(16.0).reshape(4, 4) / 16
        with lib.autocast("cpu"):
            found.append(CALLS[name](lib, x, x.expand(4, 4, 4)))
    ours, theirs = found
    assert str(ours.dtype) == str(theirs.dtype)
    native.testing.assert_close(ours.cfloat(), native.from_numpy(theirs.cfloat().numpy()), rtol=1e-2, atol=1e-2)


def test_gradients_have_the_dtype_of_the_parameters():
    w = native.ones(2, 2, requires_grad=True)
    with native.autocast("cpu"):
        y = w @ native.ones(2, 2)
        assert y.dtype == native.bfloat16
        with native.autocast("cpu", enabled=False):
            assert (w @ w).dtype == native.float32
        with native.autocast("cpu", dtype=native.float16):
            assert (w @ w).dtype == native.float16
        assert native.is_autocast_enabled("cpu")
        assert not native.is_autocast_enabled()
    assert not native.is_autocast_enabled("cpu")
    y.sum().backward()
    assert w.grad.dtype == native.float32


def test_decorators():
    @native.autocast("cpu")
    def product(x):
        return x @ x

    assert product(native.ones(2, 2)).dtype == native.bfloat16

    class Square(corten_autograd.Function):
        @staticmethod
        @native.amp.custom_fwd(device_type="cpu", cast_inputs=native.float32)
        def forward(ctx, x):
            return x @ x

        @staticmethod
        @native.amp.custom_bwd(device_type="cpu")
        def backward(ctx, g):
            return g @ g

    x = native.ones(2, 2, requires_grad=True)
    with native.autocast("cpu"):
        y = Square.apply(x)
    assert y.dtype == native.float32
    y.sum().backward()
    assert x.grad.dtype == native.float32


@pytest.mark.parametrize(
    "call",
    [
        lambda t: t.autocast(3),
        lambda t: t.autocast("cpu", dtype=t.float32),
        lambda t: t.autocast("cuda"),
        lambda t: t.amp.GradScaler(),
        lambda t: t.cpu.amp.autocast(),
        lambda t: t.cuda.amp.GradScaler(),
        lambda t: t.amp.GradScaler("cpu", growth_factor=0.5),
        lambda t: t.amp.GradScaler("cpu", backoff_factor=1.5),
        lambda t: t.amp.GradScaler("cpu").update(),
        lambda t: t.amp.GradScaler("cpu").load_state_dict({}),
        lambda t: t.amp.GradScaler("cpu").scale(3),
    ],
)
def test_errors_and_warnings(call):
    told = []
    for lib in (native, torch):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            try:
                call(lib)
            except Exception as error:
                told.append((type(error), str(error)))
            else:
                told.append([str(w.message) for w in seen])
    assert told[0] == told[1]


def test_steps_of_a_scaler():
    """Scales, gradients and steps through growth, an infinite gradient and an early unscaling."""
    from corten_optim import SGD

    logs = []
    for lib, sgd in ((native, SGD), (torch, torch.optim.SGD)):
        scaler = lib.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
        p = lib.ones(2, requires_grad=True)
        optimizer = sgd([p], lr=0.1)
        log = []
        for i in range(5):
            optimizer.zero_grad()
            scaler.scale((p * (float("inf") if i == 3 else 1.0)).sum()).backward()
            if i == 1:
                scaler.unscale_(optimizer)
                with pytest.raises(RuntimeError, match="has already been called on this optimizer"):
                    scaler.unscale_(optimizer)
            log.append(p.grad.tolist())
            scaler.step(optimizer)
            with pytest.raises(RuntimeError, match=r"step\(\) has already been called"):
                scaler.step(optimizer)
            scaler.update()
            log += [p.tolist(), scaler.get_scale(), scaler.state_dict()]
        logs.append(log)
    assert logs[0] == logs[1]
