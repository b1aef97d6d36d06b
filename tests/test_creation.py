"""Every way to make a tensor, with all its arguments, beside PyTorch: values, dtypes, layout, or the same error."""

import pytest

import corten
from tests.programs import assert_like_pytorch

pytest.importorskip("torch")

# `out` is the object that comes back, resized and of its own dtype.
OUT = """
x = t.empty(0); r = t.zeros(2, 3, out=x); (r is x, x)
x = t.empty(0); r = t.ones(2, 3, out=x); (r is x, x)
x = t.empty(0, dtype=t.int64); r = t.zeros(2, 3, out=x); (r is x, x)
x = t.empty(0, dtype=t.float64); r = t.ones((2,), out=x); (r is x, x)
x = t.empty(0); r = t.empty(2, 3, out=x); (r is x, x.shape)
x = t.empty(0, dtype=t.float64); r = t.full((2,), 3, out=x); (r is x, x)
x = t.empty(0, dtype=t.int64); r = t.full((2,), 3.5, out=x); (r is x, x)
x = t.empty(0); r = t.eye(3, out=x); (r is x, x)
x = t.empty(0, dtype=t.int64); r = t.eye(3, 2, out=x); (r is x, x)
x = t.empty(0, dtype=t.int64); r = t.arange(5, out=x); (r is x, x)
x = t.empty(0, dtype=t.float64); r = t.arange(5, out=x); (r is x, x)
x = t.empty(0, dtype=t.int64); r = t.arange(0.5, 3.5, out=x); (r is x, x)
x = t.empty(0, dtype=t.float64); r = t.linspace(0, 1, 5, out=x); (r is x, x)
x = t.empty(0, dtype=t.int64); r = t.linspace(0, 10, 5, out=x); (r is x, x)
x = t.empty(0, dtype=t.float64); r = t.logspace(0, 1, 5, out=x); (r is x, x)
x = t.empty(0, dtype=t.float64); r = t.rand(3, out=x); (r is x, x)
x = t.empty(0, dtype=t.float64); r = t.randn(3, out=x); (r is x, x)
x = t.empty(0, dtype=t.int64); r = t.randint(0, 10, (3,), out=x); (r is x, x)
x = t.empty(0, dtype=t.float32); r = t.randint(0, 10, (3,), out=x); (r is x, x)
x = t.empty(0, dtype=t.int64); r = t.randperm(5, out=x); (r is x, x)
x = t.empty(0, dtype=t.float32); r = t.randperm(5, out=x); (r is x, x)
x = t.empty(0, dtype=t.int32); r = t.randperm(5, out=x); (r is x, x)
x = t.empty(0); r = t.normal(t.zeros(3), t.ones(3), out=x); (r is x, x)
x = t.empty(0); r = t.normal(0.0, t.ones(3), out=x); (r is x, x)
x = t.empty(0); r = t.normal(0.0, 1.0, (3,), out=x); (r is x, x)
x = t.empty(0); r = t.bernoulli(t.full((5,), 0.5), out=x); (r is x, x)
x = t.empty(0, dtype=t.int64); r = t.multinomial(t.ones(5), 3, out=x); (r is x, x)
x = t.empty(0, dtype=t.complex64); r = t.complex(t.ones(2), t.zeros(2), out=x); (r is x, x)
x = t.empty(0, dtype=t.complex64); r = t.polar(t.ones(2), t.zeros(2), out=x); (r is x, x)
x = t.empty(4); r = t.zeros(2, 3, out=x); (r is x, x)
x = t.ones(6)[::2]; r = t.zeros(3, out=x); (r is x, x)
x = t.ones(3); r = t.zeros(3, out=x, device='meta')
t.zeros(2, 3, layout=t.strided)
t.zeros(2, 3, layout=t.strided, pin_memory=False, device='cpu', requires_grad=True)
t.triu_indices(4, 3, 1, device='cpu', layout=t.strided)
"""

FACTORIES = """
t.empty(2, 3, memory_format=t.contiguous_format).shape
t.empty(2, 3, 4, 5, memory_format=t.channels_last).stride()
t.empty((2, 3), dtype=None).dtype
t.zeros([2, 3])
t.zeros(size=(2, 3))
t.zeros(t.Size([2]))
t.zeros(())
t.zeros()
t.zeros(2, 3, dtype=t.bool)
t.zeros(2.0)
t.ones(2, dtype='float')
t.full((2, 2), True)
t.full((2, 2), 2)
t.full((2, 2), 2.5)
t.full((2, 2), 1j)
t.full((2,), 2, dtype=t.float64, requires_grad=True)
t.full((2, 2), fill_value=3)
t.full(2, 3)
t.eye(2, dtype=t.complex64)
t.eye(0)
t.eye(-1)
t.eye(3, m=2)
t.eye(3, requires_grad=True)
t.arange(5)
t.arange(5.0)
t.arange(1, 5)
t.arange(1, 5, 2)
t.arange(start=1, end=5)
t.arange(end=5)
t.arange(5, 1, -1)
t.arange(5, 1)
t.arange(0, 1, 0)
t.arange(0, 1, 0.1)
t.arange(3, dtype=t.float16)
t.arange(1, 2.5, requires_grad=True)
t.arange(float('inf'))
t.arange(True)
t.linspace(0, 1, 1)
t.linspace(0, 1, 0)
t.linspace(0, 1, -1)
t.linspace(3, 10, steps=5)
t.linspace(start=-10, end=10, steps=5, dtype=t.int64)
t.linspace(t.tensor(0.0), t.tensor(1.0), 3)
t.logspace(-10, 10, 5)
t.logspace(0.1, 1.0, steps=5, base=2)
t.logspace(start=2, end=2, steps=1, base=2)
t.complex(t.tensor([1.0, 2.0]), t.tensor([3.0, 4.0]))
t.complex(t.tensor([1, 2]), t.tensor([3, 4]))
t.complex(t.tensor([1.0]), t.tensor([3.0]).double())
t.polar(t.tensor([1.0, 2.0], dtype=t.float64), t.tensor([np.pi / 2, 5 * np.pi / 4], dtype=t.float64))
t.tril_indices(3, 3)
t.tril_indices(4, 3, -1)
t.tril_indices(4, 3, offset=1, dtype=t.int32)
t.triu_indices(3, 3)
t.triu_indices(4, 3, -1)
t.meshgrid(t.tensor([1, 2, 3]), t.tensor([4, 5, 6]), indexing='ij')
t.meshgrid([t.tensor([1, 2, 3]), t.tensor([4, 5, 6])], indexing='xy')
t.meshgrid(t.tensor([1, 2, 3]), t.tensor([4, 5, 6]))
t.meshgrid(t.tensor([1]), indexing='zz')
t.meshgrid()
t.zeros_like(t.ones(2, dtype=t.int32))
t.zeros_like(t.ones(2), dtype=t.float64, requires_grad=True)
t.ones_like(t.ones(2, 3).t())
t.ones_like(t.ones(2, 3).t(), memory_format=t.contiguous_format)
t.ones_like(t.ones(2, 3), device='meta')
t.full_like(t.ones(2), 3)
t.full_like(t.ones(2, dtype=t.int64), 3.5)
t.full_like(t.ones(2, dtype=t.int64), 3.5, dtype=t.float32)
t.empty_like(t.ones(2, 3)).shape
t.empty_like(t.ones(1, 2, 3, 4), memory_format=t.channels_last).stride()
t.ones(2, dtype=t.float64).new_zeros(3)
t.ones(2, dtype=t.float64).new_zeros((3, 2), dtype=t.int32)
t.ones(2).new_ones(2, requires_grad=True)
t.ones(2).new_full((2,), 3)
t.ones(2, dtype=t.int32).new_full((2,), 3.5)
t.ones(2, dtype=t.int32).new_empty(2).dtype
t.ones(2).new_empty_strided((2, 2), (1, 2)).stride()
t.empty_strided((2, 2), (1, 2)).stride()
t.empty_permuted((2, 3, 4), (2, 0, 1)).stride()
t.ones(2).new_tensor([1, 2])
t.scalar_tensor(3)
t.scalar_tensor(3, dtype=t.int32)
t.heaviside(t.tensor([-1.5, 0, 2]), t.tensor([0.5]))
t.tensor([1, 2], dtype=t.float32, requires_grad=True)
t.tensor([1, 2], requires_grad=True)
t.tensor(data=[1, 2])
t.tensor([1, 2], device='cpu')
t.tensor([1, 2], [3])
t.as_tensor([1, 2], dtype=t.float32, device='cpu')
t.as_tensor(3.5)
x = t.ones(2); t.as_tensor(x) is x
x = t.ones(2); t.asarray(x) is x
t.vander(t.tensor([1, 2, 3]))
t.ones(2, device='cpu:0').device
t.zeros(2, device='meta') + 1
"""

RANDOM = """
t.rand(2, 3, generator=t.Generator().manual_seed(3))
t.rand((2,), dtype=t.float64, requires_grad=True)
t.rand(2, dtype=t.int64)
t.rand(2, dtype=t.complex64)
t.randn(2, dtype=t.complex64)
t.randn(2, dtype=t.bfloat16)
t.randint(10, (2,))
t.randint(3, 5, (3,))
t.randint(3, 5, size=(3,), dtype=t.float32)
t.randint(low=0, high=3, size=(4,))
t.randint(high=3, size=(4,))
t.randint(5, 5, (3,))
t.randint(0, 300, (3,), dtype=t.uint8)
t.randint(0, 2, (3,), dtype=t.bool)
t.randint(10, (2,), requires_grad=True)
t.randint(10, (2,), dtype=t.float32, requires_grad=True)
t.randint(0, 2 ** 40, (3,))
t.randperm(5)
t.randperm(5, dtype=t.int32)
t.randperm(0)
t.randperm(-1)
t.randperm(4, generator=t.Generator().manual_seed(1))
t.randperm(n=4)
t.normal(0, 1, (2,))
t.normal(0.0, 1.0, size=(2,))
t.normal(mean=0.0, std=1.0, size=(2,), dtype=t.float64)
t.normal(2, 3, size=(1, 4))
t.normal(mean=t.arange(1.0, 11.0), std=t.arange(1, 0, -0.1))
t.normal(mean=0.5, std=t.arange(1.0, 6.0))
t.normal(mean=t.arange(1.0, 6.0))
t.normal(t.arange(1.0, 6.0), 2)
t.normal(t.zeros(2, 1), t.ones(3))
t.normal(0.0, -1.0, (2,))
t.normal(t.zeros(2), -1.0)
t.normal(t.zeros(2), -t.ones(2))
t.normal(0.0, 1.0)
t.normal(0.0, 1.0, (2,), requires_grad=True)
t.normal(0.0, 1.0, (2,), generator=t.Generator().manual_seed(1))
t.normal(t.zeros(2), 1.0, generator=t.Generator().manual_seed(1))
t.normal(t.zeros(2, dtype=t.int64), 1.0)
t.normal(t.zeros(2, dtype=t.complex64), 1.0)
t.normal(0.0, t.ones(2, dtype=t.float64))
t.normal(t.zeros(2), t.ones(2, dtype=t.float64))
t.bernoulli(t.tensor([0.0, 1.0, 0.5]))
t.bernoulli(t.ones(3), 0.5)
t.bernoulli(t.ones(3), p=0.0)
t.bernoulli(t.ones(3, dtype=t.int64))
t.poisson(t.tensor([1.0, 5.0, 100.0]))
t.poisson(t.tensor([-1.0]))
t.poisson(t.rand(4) * 5, generator=t.Generator().manual_seed(2))
t.multinomial(t.tensor([0.0, 10.0, 3.0, 0.0]), 2)
t.multinomial(t.tensor([0.0, 10.0, 3.0, 0.0]), 4, replacement=True)
t.multinomial(t.tensor([0.0, 10.0, 3.0, 0.0]), 4)
t.multinomial(t.tensor([-1.0, 10.0]), 1)
t.multinomial(t.tensor([[1.0, 10.0], [2.0, 1.0]]), 5, True)
t.multinomial(t.zeros(3), 1)
t.multinomial(t.ones(3), 0)
t.multinomial(t.ones(3, dtype=t.int64), 1)
t.rand_like(t.ones(3))
t.rand_like(t.ones(3, dtype=t.int64))
t.rand_like(t.ones(3, dtype=t.int64), dtype=t.float32)
t.randn_like(t.ones(3), dtype=t.float64)
t.randn_like(t.ones(3, 2).t())
t.randint_like(t.ones(3), 10)
t.randint_like(t.ones(3), 3, 10)
t.randint_like(t.ones(3), low=3, high=10, dtype=t.int64)
t.rand_like(t.ones(3), generator=t.Generator().manual_seed(1))
t.set_default_device('meta'); x = [t.ones(2), t.tensor([1.0]), t.arange(2), t.rand(2), t.zeros_like(t.ones(2, device='cpu')), t.as_tensor([1])]; t.set_default_device('cpu'); x
g = t.Generator(); (g.device, g.initial_seed(), g.get_state().shape, g.get_state().dtype)
g = t.Generator(device='cpu'); g.manual_seed(5) is g
g = t.Generator().manual_seed(5); s = g.get_state(); a = t.rand(2, generator=g); g.set_state(s); (a, t.rand(2, generator=g))
g = t.Generator().manual_seed(5); h = g.clone_state(); (t.rand(2, generator=g), t.rand(2, generator=h))
g = t.Generator(); type(g.seed())
t.default_generator.initial_seed()
s = t.get_rng_state(); a = t.rand(2); t.set_rng_state(s); (a, t.rand(2))
t.set_rng_state(t.zeros(3, dtype=t.uint8))
t.set_rng_state(t.zeros(3))
t.initial_seed()
type(t.seed())
t.manual_seed(2 ** 64)
t.manual_seed(2.5).initial_seed()
t.manual_seed('a')
t.manual_seed(3) is t.default_generator
t.random.manual_seed(4).initial_seed()
t.random.get_rng_state().shape
pickle.loads(pickle.dumps(t.Generator().manual_seed(3))).initial_seed()
copy.deepcopy(t.Generator().manual_seed(3)).initial_seed()
"""

LEGACY = """
t.Tensor(t.ones(2, dtype=t.float64))
t.Tensor(t.ones(2, dtype=t.int64))
t.Tensor(x).data_ptr() == x.data_ptr()
t.ones(2).new([1, 2])
t.ones(2).new(2, 3).shape
t.ones(2).new()
t.ones(2, dtype=t.int64).new([1.5, 2])
t.ones(2).new(t.ones(3))
t.ones(2).new(t.Size([2])).shape
x = t.ones(3); r = t.zeros(3, out=x, requires_grad=True); (r is x, x)
x = t.empty(0); r = t.rand(3, out=x, requires_grad=True); (r is x, x)
t.linspace(0, 1j, 3)
t.linspace(1 + 2j, 3, 1)
t.linspace(1j, 3, 4, dtype=t.complex128)
t.linspace(0, 1j, 3, requires_grad=True)
t.Tensor([1, 2, 3])
t.Tensor(2, 3).shape
t.Tensor()
t.Tensor((2, 3))
t.Tensor(t.Size([2, 3])).shape
t.Tensor(t.ones(2))
t.Tensor(np.ones(2, dtype=np.float32))
t.Tensor(np.ones(2))
t.Tensor(5).shape
t.Tensor([5])
t.Tensor(5.5)
t.Tensor([[1, 2], [3, 4]])
t.Tensor([1, 2], device='cpu')
t.Tensor([True])
t.Tensor(range(3))
t.Tensor('ab')
t.Tensor(None)
t.FloatTensor([1, 2, 3])
t.FloatTensor(2, 3).shape
t.FloatTensor()
t.FloatTensor(np.ones(2, dtype=np.float32))
t.DoubleTensor([1, 2])
t.LongTensor([1, 2])
t.LongTensor([1.7, 2])
t.LongTensor(3).shape
t.LongTensor(np.array([1, 2]))
t.LongTensor(t.tensor([1, 2]))
t.IntTensor([1, 2])
t.ShortTensor([1])
t.CharTensor([1])
t.ByteTensor([1, 255])
t.BoolTensor([True, False])
t.BoolTensor([0, 2])
t.HalfTensor([1.5])
t.BFloat16Tensor([1.5])
isinstance(t.ones(2), t.FloatTensor)
isinstance(t.ones(2), t.LongTensor)
isinstance(t.ones(2, dtype=t.int64), t.LongTensor)
isinstance(t.ones(2), t.Tensor)
t.FloatTensor.dtype
str(t.FloatTensor)
t.ones(2).type()
t.ones(2).type('torch.DoubleTensor')
t.ones(2).type(t.DoubleTensor)
t.ones(2).type(t.int32)
t.ones(2).type(t.FloatTensor)
t.ones(2).type('torch.FooTensor')
t.ones(2).type_as(t.ones(1, dtype=t.int64))
t.set_default_tensor_type(t.DoubleTensor); x = t.ones(2); t.set_default_tensor_type('torch.FloatTensor'); x
t.set_default_tensor_type(t.LongTensor)
t.autograd.Variable(t.ones(2), requires_grad=True)
t.autograd.Variable(t.ones(2))
t.autograd.Variable(t.ones(2), volatile=True)
t.autograd.Variable([1, 2])
isinstance(t.ones(2), t.autograd.Variable)
x = t.autograd.Variable(t.ones(2), requires_grad=True); x.data
t.set_default_dtype(t.float64); x = [t.ones(2), t.tensor([1.0]), t.arange(2.0), t.tensor([1j]), t.rand(2), t.Tensor([1]), t.linspace(0, 1, 2), t.get_default_dtype(), t.eye(2), t.full((2,), 1.0)]; t.set_default_dtype(t.float32); x
"""

DEFAULTS = """
t.set_default_dtype(t.int64)
t.set_default_dtype('float')
t.set_default_dtype(t.float16); x = t.ones(2); t.set_default_dtype(t.float32); x
t.set_default_device(None); t.get_default_device()
t.set_default_device('cuda:99x')
t.device('cpu', 0)
t.device('cuda:1')
t.device('cuda', 1).index
t.device(type='cpu')
t.device(t.device('cpu'))
t.device('cpu') == t.device('cpu', 0)
hash(t.device('cpu')) == hash(t.device('cpu'))
t.device('cpu') == 'cpu'
t.ones(2, device=t.device('cpu')).device
"""

# Errors of the same type whose words differ.
OWN_WORDS = """
t.ones(2).new(t.ones(3).double())
t.linspace(0, 1j, 3, dtype=t.float32)
x = t.empty(0, dtype=t.int64); r = t.zeros(2, 3, out=x, dtype=t.float32); (r is x, x)
x = t.ones(3, requires_grad=True); r = t.zeros(3, out=x); (r is x, x)
t.ones(2, pin_memory=True)
t.empty(2, pin_memory=True)
t.tensor([1.0], pin_memory=True)
t.zeros(-1)
t.arange(float('nan'))
t.linspace(0, 1)
t.randperm(300, dtype=t.uint8).shape
t.bernoulli(t.tensor([2.0]))
t.tril_indices(4, 3, offset=1, dtype=t.float32)
t.LongTensor(t.tensor([1.0, 2]))
t.device('foo')
t.Generator('meta')
t.Generator('foo')
"""

OPTIONS = (
    "layout=t.strided, pin_memory=False, device='cpu'",
    "layout=None, device=None, dtype=None",
    "dtype=t.int32",
    "device='meta'",
    "requires_grad=True",
    "pin_memory=True",
    "nothing=1",
)
CALLS = """
zeros(2
ones((2, 3)
full((2,), 3
eye(2
arange(3
linspace(0, 1, 3
logspace(0, 1, 3
rand(2
randn(2
randint(3, (2,)
randperm(3
normal(0.0, 1.0, (2,)
zeros_like(t.ones(2)
ones_like(t.ones(2)
full_like(t.ones(2), 3
rand_like(t.ones(2)
randn_like(t.ones(2)
randint_like(t.ones(2), 3
scalar_tensor(3
tril_indices(2, 2
triu_indices(2, 2
hann_window(3
hamming_window(3
bartlett_window(3
kaiser_window(3
ones(2).new_zeros(2
ones(2).new_ones(2
ones(2).new_full((2,), 3
tensor([1.0]
"""


@pytest.mark.parametrize(
    "program", [line for group in (OUT, FACTORIES, RANDOM, LEGACY, DEFAULTS) for line in group.strip().split("\n")]
)
def test_like_pytorch(program):
    assert_like_pytorch(program)


@pytest.mark.parametrize("program", OWN_WORDS.strip().split("\n"))
def test_errors_in_own_words(program):
    assert_like_pytorch(program, words=False)


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("call", CALLS.strip().split("\n"))
def test_options(call, option):
    assert_like_pytorch(f"t.{call}, {option})", words=False)


@pytest.mark.parametrize("call", CALLS.strip().split("\n")[:-1])
def test_sparse_layouts_are_refused(call):
    with pytest.raises(NotImplementedError, match="torch.sparse_coo is not supported"):
        eval(f"t.{call}, layout=t.sparse_coo)", {"t": corten})
