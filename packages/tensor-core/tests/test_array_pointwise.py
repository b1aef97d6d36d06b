"""Pointwise rows of the array backend beside PyTorch: values and dtypes."""

import functools

import numpy as np
import pytest

from corten_tensor_core import _array

torch = pytest.importorskip("torch")
F = torch.nn.functional

FLOATS = ["float16", "float32", "float64"]
COMPLEX = ["complex64", "complex128"]
WHOLE = ["uint8", "int8", "int16", "int32", "int64"]
TOLERANCE = {"float16": 2e-3, "float32": 3e-6, "complex64": 3e-6, "float64": 1e-12, "complex128": 1e-12}


@functools.cache
def sample(dtype, shape=(4, 7), low=-3.0, high=3.0, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(low, high, shape)
    if dtype in COMPLEX:
        x = x + 1j * rng.uniform(low, high, shape)
    elif dtype in FLOATS and low < -1:
        x = np.where(rng.random(shape) < 0.1, rng.choice([0.0, -0.0, np.inf, -np.inf, np.nan], shape), x)
    if dtype == "bool":
        return x > 0
    return (np.abs(x * 3) if dtype == "uint8" else x if dtype in FLOATS + COMPLEX else x * 3).astype(dtype)


def compare(got, want, dtype="float64"):
    if isinstance(want, (tuple, list)):
        assert len(got) == len(want)
        for x, y in zip(got, want, strict=True):
            compare(x, y, dtype)
        return
    want = want.resolve_conj().numpy()
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    tolerance = TOLERANCE.get(dtype, 3e-6)
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)


def check(name, function, *args):
    dtype = next(x.dtype.name for x in args if isinstance(x, np.ndarray))
    want = function(*(torch.from_numpy(x.copy()) if isinstance(x, np.ndarray) else x for x in args))
    compare(_array.call(name, np, *args), want, dtype)


REAL_UNARY = (
    "abs neg positive sign sgn floor ceil trunc round frac square relu silu sigmoid softplus elu selu celu mish "
    "softsign tanhshrink hardshrink softshrink hardswish hardsigmoid hardtanh relu6 leaky_relu gelu exp exp2 expm1 "
    "sin cos tan tanh sinh cosh asinh atan erf erfc isnan isinf isfinite isposinf isneginf signbit logical_not "
    "sinc deg2rad rad2deg reciprocal i0 digamma"
).split()
POSITIVE = "sqrt rsqrt log log2 log10 log1p lgamma digamma".split()
UNIT = "asin acos atanh erfinv logit".split()
COMPLEX_UNARY = (
    "abs neg exp log sqrt rsqrt sin cos tanh sgn angle conj_physical real imag reciprocal sigmoid square".split()
)
WHOLE_UNARY = "abs neg sign floor ceil trunc round bitwise_not logical_not square isnan isfinite".split()


def reference(name):
    return getattr(torch, name, None) or getattr(F, name)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", REAL_UNARY)
def test_real(name, dtype):
    if name == "digamma":
        check(name, reference(name), sample(dtype, low=-0.9, high=3.0))
    else:
        check(name, reference(name), sample(dtype))
        check(name, reference(name), sample(dtype, ()))
        check(name, reference(name), sample(dtype, (0, 2)))


def test_nan_to_num():
    x = np.array([np.nan, np.inf, -np.inf, 1.5], np.float32)
    check("_nan_to_num", torch.nan_to_num, x, 1.0, 2.0, -3.0)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", POSITIVE + UNIT)
def test_limited(name, dtype):
    low = 0.01 if name in POSITIVE else -0.99
    low = 0.01 if name == "logit" else low
    check(name, reference(name), sample(dtype, low=low, high=20.0 if name in POSITIVE else 0.99))


@pytest.mark.parametrize("dtype", COMPLEX)
@pytest.mark.parametrize("name", COMPLEX_UNARY)
def test_complex(name, dtype):
    check(name, reference(name), sample(dtype))


@pytest.mark.parametrize("dtype", WHOLE)
@pytest.mark.parametrize("name", WHOLE_UNARY)
def test_whole(name, dtype):
    check(name, reference(name), sample(dtype))


BINARY = "add sub rsub mul div floor_divide remainder fmod pow maximum minimum eq ne lt le gt ge".split()
FLOAT_BINARY = (
    "fmax fmin hypot copysign nextafter logaddexp logaddexp2 heaviside xlogy atan2 "
    "logical_and logical_or logical_xor isclose"
).split()
WHOLE_BINARY = "bitwise_and bitwise_or bitwise_xor gcd lcm logical_and logical_or logical_xor isclose".split()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", BINARY + FLOAT_BINARY)
def test_float_binary(name, dtype):
    if dtype == "float16" and name in ("nextafter", "hypot", "logaddexp", "logaddexp2"):
        pytest.skip("PyTorch has no half kernel, or rounds between the steps")
    check(name, reference(name), sample(dtype), sample(dtype, seed=1))
    check(name, reference(name), sample(dtype, (3, 1)), sample(dtype, (1, 4), low=1.0, high=3.0))
    check(name, reference(name), sample(dtype, (2, 3)), sample(dtype, (), low=1.0, high=3.0))


@pytest.mark.parametrize("dtype", WHOLE)
@pytest.mark.parametrize("name", BINARY + WHOLE_BINARY)
def test_whole_binary(name, dtype):
    x, y = sample(dtype), sample(dtype, seed=1)
    if name in ("floor_divide", "remainder", "fmod"):
        y = np.where(y == 0, 1, y).astype(dtype)
        with pytest.raises(RuntimeError, match="ZeroDivisionError"):
            _array.call(name, np, x, y * 0)
    if name == "div":
        with pytest.raises(RuntimeError, match="ZeroDivisionError"):
            _array.call(name, np, x, y * 0, "trunc")
        y = np.where(y == 0, 1, y).astype(dtype)
        for mode in ("trunc", "floor"):
            check(name, lambda x, y, mode: torch.div(x, y, rounding_mode=mode), x, y, mode)
    elif name == "isclose" and dtype == "uint8":
        check(name, torch.isclose, x, x, 0.0, 0.0)
    else:
        check(name, reference(name), x, y)


def test_scalars_and_keywords():
    x, y, z = (sample("float32", seed=n, low=0.5) for n in range(3))
    check("add", lambda x, y, a: torch.add(x, y, alpha=a), x, y, 3)
    check("sub", lambda x, y, a: torch.sub(x, y, alpha=a), x, 2.5, 3)
    check("pow", torch.pow, x, 2)
    check("pow", torch.pow, 2.0, x)
    check("clamp", torch.clamp, x, 0.7, 1.5)
    check("clamp", torch.clamp, x, None, y)
    check("clamp_min", torch.clamp_min, x, 1.0)
    check("clamp_max", torch.clamp_max, x, 1.0)
    check("where", torch.where, x > 1, y, z)
    check("where", torch.where, x > 1, y, 0.0)
    check("addcmul", lambda x, y, z, v: torch.addcmul(x, y, z, value=v), x, y, z, 0.5)
    check("addcdiv", lambda x, y, z, v: torch.addcdiv(x, y, z, value=v), x, y, z, 0.5)
    for weight in (0.2, 0.8, z):
        check("lerp", torch.lerp, x, y, weight)
    check("round", lambda x, d: torch.round(x, decimals=d), x, 1)
    check("threshold", F.threshold, x, 1.0, 7.0)
    check("gelu", lambda x, a: F.gelu(x, approximate=a), x, "tanh")
    check("log_sigmoid", F.logsigmoid, sample("float32"))
    check("complex", torch.complex, x, y)
    check("polar", torch.polar, x, y)
    check("ldexp", torch.ldexp, x, np.array([1, 2, 3, 0, -1, -2, 5]))
    with pytest.raises(RuntimeError, match="negative integer powers"):
        _array.call("pow", np, np.arange(3), -1)


@pytest.mark.filterwarnings("ignore:Casting complex values")
@pytest.mark.parametrize("target", [*FLOATS, *COMPLEX, *WHOLE, "bool"])
@pytest.mark.parametrize("dtype", [*FLOATS, *COMPLEX, *WHOLE, "bool"])
def test_cast(dtype, target):
    x = sample(dtype, low=0.0 if target == "uint8" else -1.0)
    compare(_array.call("to", np, x, f"torch.{target}"), torch.from_numpy(x).to(getattr(torch, target)), target)
