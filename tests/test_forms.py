"""Forms of operators that programs use besides the plain ones: in-place functions, `out=`, and changes of memory."""

from __future__ import annotations

from typing import Any

import pytest

import corten
from tests.programs import ended, near

torch: Any = pytest.importorskip("torch")

CALLS = """
t.detach(t.ones(2, requires_grad=True)).requires_grad
t.detach_(t.ones(2, requires_grad=True) * 2).is_leaf
t.detach(3)
t.fill(t.zeros(2), 3)
t.fill(t.zeros(2, requires_grad=True), 3).grad_fn.name()
t.fill(t.arange(3), 1.5)
t.fill(t.zeros(2), t.ones(2))
t.fill_(t.zeros(2), 3)
t.zero_(t.ones(2))
t.addmv_(t.ones(2), t.ones(2, 3), t.ones(3), beta=2, alpha=3)
t.xlogy_(t.ones(2), 2)
t.xlogy_(2, t.ones(2))
t.ldexp_(t.ones(2), t.tensor([1, 2]))
t.gcd_(t.tensor([12, 18]), t.tensor([8, 12]))
t.lcm_(t.tensor([12, 18]), t.tensor([8, 12]))
t.index_put_(t.zeros(3), (t.tensor([0, 2]),), t.tensor([1.0, 2.0]))
t.index_put_(t.zeros(3), (t.tensor([0, 0]),), t.tensor(1.0), accumulate=True)
t.as_strided_(t.arange(6.0), (2, 2), (2, 1), 1)
t.arange(6.0).as_strided_((2, 2), (2, 1))
t.arange(2.0).as_strided_((2, 2), (2, 1))
(lambda x: (x.as_strided_((2,), (2,)), x.is_leaf))(t.arange(6.0, requires_grad=True) * 1)
t.zeros(7, 3).fill_diagonal_(1, wrap=True)
t.zeros(3, 7).fill_diagonal_(1, wrap=True)
t.zeros(7, 3).fill_diagonal_(1)
t.zeros(3, 3, 3).fill_diagonal_(2)
t.zeros(0, 3).fill_diagonal_(2)
t.zeros(3).fill_diagonal_(2)
t.zeros(2, 3, 2).fill_diagonal_(2)
t.zeros(2, 2, requires_grad=True).fill_diagonal_(2)
(lambda x: t.autograd.grad(((x * 3).fill_diagonal_(2) * 5).sum(), x))(t.ones(3, 2, requires_grad=True))
(lambda x: t.autograd.grad(((x * 3).fill_diagonal_(2) * 5).sum(), x))(t.ones(2, 2, 2, requires_grad=True))
(lambda x: t.autograd.grad(((x * 3).as_strided_((2, 2), (2, 1), 1) ** 2).sum(), x))(t.arange(6.0, requires_grad=True))
(lambda x, v: t.autograd.grad((t.fill(x, v) * 2).sum(), (x, v)))(*(t.tensor(3.0, requires_grad=True) for _ in range(2)))
t.ones(2).is_conj(), t.ones(2).is_neg()
t.ones(2, 2).resize_(3).shape
t.arange(4.0).resize_(2)
t.arange(4.0).resize_(2, 2)
t.arange(4.0).resize_((3, 2))[:2]
t.arange(6.0).view(2, 3).t().resize_(8)[:6]
t.arange(6.0)[2:].resize_(6)[:4]
t.arange(6.0)[2:].resize_(6).storage_offset()
t.ones(2).resize_(1, 3, 2, 2, memory_format=t.channels_last).stride()
t.ones(2).resize_(3, memory_format=t.channels_last)
t.ones(2, requires_grad=True).resize_(3)
t.ones(2, 3).resize_as_(t.ones(3, 1)).shape
t.resize_as_(t.ones(4), t.ones(2, 2))
t.ones(2).set_(t.zeros(3))
t.ones(2).set_(t.arange(5.0), 1, (2,), (2,))
t.ones(2).set_(t.arange(5.0), 1, (2, 2))
t.ones(2).set_()
t.ones(2).set_(t.arange(5.0).untyped_storage())
t.ones(2).set_(t.arange(5.0).untyped_storage(), 1, (2, 2), (2, 1))
t.ones(2).set_(t.zeros(3).double())
t.ones(2).set_(3)
t.ones(2, requires_grad=True).set_(t.zeros(3))
(lambda x, y: (x.set_(y).add_(1), y, x._version, y.data_ptr() == x.data_ptr()))(t.ones(2), t.zeros(3))
t.softmax(t.arange(3.0), 0, out=t.empty(3))
t.log_softmax(t.arange(3.0), 0, out=t.empty(0))
t.arange(32.0).stft(8, return_complex=True).abs()
t.arange(32.0).stft(8, window=t.ones(8), return_complex=True).istft(8, window=t.ones(8))
t.arange(32.0).stft(8)
"""


@pytest.mark.parametrize("call", CALLS.strip().splitlines())
@pytest.mark.filterwarnings("ignore")
def test_call(call: str) -> None:
    def run(t: Any) -> Any:
        return eval(call, {"t": t})

    ours, theirs = ended(run, corten), ended(run, torch)
    assert ours[0] == theirs[0], (ours, theirs)
    if ours[0] == "value":
        assert near(ours[1], theirs[1]), (ours[1], theirs[1])


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("mask", ["bool", "uint8"])
@pytest.mark.filterwarnings("ignore:indexing with dtype torch.uint8")
def test_a_mask_of_all_dimensions_chooses_elements(mask: str, recorded: bool) -> None:
    def chosen(t: Any) -> list[Any]:
        x = t.arange(24.0).reshape(2, 3, 4).transpose(0, 2).requires_grad_(recorded)
        seen = (x.detach() % 3 == 1).to(getattr(t, mask))
        found = x[seen]
        if recorded:
            (found * found).sum().backward(inputs=[x])
        gradient = x.grad.tolist() if recorded else None
        with pytest.raises(IndexError) as error:
            x[seen[:2]]
        return [found.tolist(), found.shape, type(found.grad_fn).__name__, gradient, str(error.value)]

    assert chosen(corten) == chosen(torch)
