"""`compile` runs things as they are, under PyTorch's names."""

import pytest

import corten_tensor_core as core
from corten_nn import Linear, compiler


def test_functions_and_modules():
    def double(x):
        return 2 * x

    assert compiler.compile(double, fullgraph=True, dynamic=True, backend="eager") is double
    assert (
        compiler.compile(mode="max-autotune")(double)
        is compiler.disable(double)
        is compiler.disable()(double)
        is double
    )
    assert not compiler.is_compiling()
    linear = Linear(2, 3)
    module = compiler.compile(linear)
    assert repr(module) == "OptimizedModule(\n  (_orig_mod): Linear(in_features=2, out_features=3, bias=True)\n)"
    assert list(module.state_dict()) == ["_orig_mod.weight", "_orig_mod.bias"]
    assert module.in_features == 2
    assert module.weight is linear.weight
    assert core.equal(module(core.ones(2)), linear(core.ones(2)))
    assert not module.eval()._orig_mod.training
    assert compiler.compile(linear, disable=True) is linear
    assert linear.compile(fullgraph=True, mode="max-autotune") is None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = module.nothing


def test_errors():
    with pytest.raises(AssertionError, match="A callable function is expected, but <class 'int'> is provided"):
        compiler.compile(3)
    with pytest.raises(RuntimeError, match="Unrecognized mode=fast, should be one of: default, lite"):
        compiler.compile(abs, mode="fast")
    with pytest.raises(RuntimeError, match="Unrecognized mode=fast"):
        Linear(2, 3).compile(mode="fast")
    with pytest.raises(RuntimeError, match="Either mode or options can be specified"):
        compiler.compile(abs, mode="default", options={})
