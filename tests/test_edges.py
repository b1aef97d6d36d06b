"""Gradients at NaN, at infinities, at borders and of expanded results, beside PyTorch."""

import pytest

from tests.programs import assert_like_pytorch

pytest.importorskip("torch")

NAN = "x = t.tensor([1.0, float('nan'), 2.0], requires_grad=True)"
INFINITE = "x = t.tensor([1.0, float('inf'), -float('inf')], requires_grad=True)"
IMAGE = "F = t.nn.functional; x = t.arange(32.0).view(1, 2, 4, 4).requires_grad_()"
BORDER = "F = t.nn.functional; x = t.arange(7.0).reshape(1, 1, 7, 1).requires_grad_()"
LINE = "F = t.nn.functional; x = t.arange(4.0).view(1, 1, 4).requires_grad_()"
PROGRAMS = [
    *(f"{NAN}; x.{name}().backward(); x.grad" for name in ("max", "min", "median", "amax", "amin")),
    *(f"{NAN}; t.{name}(x, t.ones(3)).sum().backward(); x.grad" for name in ("maximum", "minimum", "logaddexp")),
    f"{NAN}; t.nn.functional.softplus(x).sum().backward(); x.grad",
    f"{INFINITE}; t.logaddexp(x, t.ones(3)).sum().backward(); x.grad",
    *(
        f"{IMAGE}; F.{call}.sum().backward(); x.grad"
        for call in (
            "avg_pool2d(x, 2)",
            "avg_pool1d(x[0], 2)",
            "avg_pool3d(x, 2)",
            "adaptive_avg_pool2d(x, 3)",
            "interpolate(x, 3, mode='area')",
            "max_pool2d(x, 2)",
        )
    ),
    f"{BORDER}; F.max_pool2d(x, (4, 2), (2, 1), (2, 1), (1, 2), return_indices=True)[1]",
    f"{BORDER}; F.max_pool2d(x, (4, 2), (2, 1), (2, 1), (1, 2)).sum().backward(); x.grad",
    f"{LINE}; F.conv_transpose1d(x, t.ones(1, 1, 3), dilation=3, output_padding=2).pow(2).sum().backward(); x.grad",
    "x = t.arange(3.0).view(1, 1, 3).requires_grad_(); "
    "t.nn.functional.conv_transpose1d(t.ones(1, 1, 4), x, dilation=3, output_padding=2).pow(2).sum().backward(); x.grad",
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_like_pytorch(program):
    assert_like_pytorch(program)
