"""Between tensors, NumPy and Python: each expression gives what it gives in PyTorch, or the same error."""

import copy
import pickle
import warnings

import numpy as np
import pytest

import corten
from tests.programs import assert_like_pytorch

torch = pytest.importorskip("torch")

TO_NUMPY = """
lib.arange(6.0).view(2, 3).t().numpy()
lib.ones(2, requires_grad=True).numpy()
lib.ones(2, requires_grad=True).numpy(force=True)
lib.no_grad()(lambda: lib.ones(2, requires_grad=True).numpy())()
lib.no_grad()(lambda: np.array(lib.ones(2, requires_grad=True)[:1]))()
lib.inference_mode()(lambda: np.add(lib.ones(2, requires_grad=True), 1))()
lib.no_grad()(lambda: np.asarray([lib.ones((), requires_grad=True)] * 2))()
lib.ones(2, dtype=lib.bfloat16).numpy()
lib.ones(2, device="meta").numpy()
lib.tensor(3).numpy()
lib.tensor([1 + 2j]).numpy()
lib.ones(3).expand(2, 3).numpy()
np.asarray(lib.ones(2, requires_grad=True))
np.asarray(lib.arange(3), dtype=np.float32)
np.array([lib.tensor(1.0), lib.tensor(2.0)])
np.array([lib.ones(2), lib.zeros(2)])
lib.ones(3).__array_priority__
lib.ones(2).__array_interface__
lib.arange(3).numpy().base is None
(x := lib.ones(2)).data_ptr() == x.numpy().__array_interface__["data"][0]
np.array(lib.arange(3))
np.array(lib.arange(3), dtype="f4", copy=False)
"""

THROUGH_NUMPY = """
np.arange(3.0) + lib.arange(3.0)
np.arange(3.0) * lib.arange(3.0)
np.float64(2) * lib.arange(3.0)
np.float32(2) * lib.arange(3)
lib.arange(3.0) * np.float64(2)
lib.arange(3) * np.float64(2)
lib.arange(3) * np.int64(2)
lib.arange(3) + np.int32(2)
lib.arange(3.0) < np.float64(1)
np.float64(1) < lib.arange(3.0)
np.arange(3.0) < lib.arange(3.0)
lib.arange(3.0) == np.arange(3.0)
np.max(lib.arange(3.0))
np.concatenate([lib.ones(2), lib.zeros(1)])
np.stack([lib.ones(2), lib.zeros(2)])
np.ones((2, 2)) @ lib.ones(2, 2)
np.allclose(lib.ones(2), lib.ones(2))
np.testing.assert_allclose(lib.ones(2), lib.ones(2))
np.where(lib.tensor([True, False]), 1, 2)
np.histogram(lib.arange(3.0), bins=2)
np.shape(lib.ones(2, 3))
np.ndim(lib.ones(2, 3))
np.squeeze(lib.ones(1, 3))
np.arange(5)[lib.tensor([1, 2])]
np.arange(5)[lib.tensor(2)]
lib.ones(3)[np.array([0, 1])]
lib.ones(3)[np.array([True, False, True])]
lib.arange(3)[np.int64(1)]
lib.arange(6).view(2, 3)[:, np.array([0, 2])]
(x := lib.zeros(3), x.__setitem__(slice(0, 2), np.array([1.0, 2])))[0]
np.sin(lib.arange(3.0))
np.add(np.arange(3.0), lib.arange(3.0))
lib.arange(3.0) + np.arange(3.0)
np.argmax(lib.arange(3.0))
np.isnan(lib.arange(3.0))
np.linspace(0, lib.tensor(1.0), 3)
np.dot(lib.ones(2), lib.ones(2))
np.matmul(np.ones((2, 2)), lib.ones(2, 2))
np.round(lib.tensor([1.26]), 1)
np.clip(lib.arange(3.0), 0, 1)
np.transpose(lib.ones(2, 3))
np.reshape(lib.ones(2, 3), (3, 2))
"""

TO_PYTHON = """
[10, 20, 30][lib.tensor(1)]
list(range(lib.tensor(3)))
math.sqrt(lib.tensor(4.0))
math.floor(lib.tensor(4.5))
round(lib.tensor(4.567), 1)
round(lib.tensor(4.567))
int(lib.tensor(4.5))
float(lib.tensor([4]))
complex(lib.tensor(2 + 1j))
int(lib.tensor([1, 2]))
float(lib.tensor([]))
lib.tensor(1.5).__index__()
lib.tensor([3]).__index__()
lib.tensor(True).__index__()
hex(lib.tensor(255))
bool(lib.tensor([1, 2]))
bool(lib.tensor([]))
bool(lib.tensor([0.0]))
bool(lib.tensor(float("nan")))
bool(lib.ones(1, device="meta"))
lib.ones(1, device="meta").item()
lib.ones(2).item()
lib.tensor([[5]]).item()
lib.tensor(2.5, dtype=lib.bfloat16).item()
lib.tensor(True).item()
lib.tensor(1 + 1j).item()
lib.tensor(2**64 - 1, dtype=lib.uint64).item()
lib.arange(6).view(2, 3).tolist()
lib.tensor(5).tolist()
lib.empty(2, 0).tolist()
lib.tensor([True]).tolist()
list(lib.arange(3))
list(lib.ones(2, 2))
list(lib.tensor(3))
len(lib.tensor(3))
len(lib.ones(4, 2))
3 in lib.arange(4)
lib.tensor(3) in lib.arange(4)
"a" in lib.arange(3)
[1] in lib.arange(3)
format(lib.tensor(3.14159), ".2f")
format(lib.tensor(3), "5d")
format(lib.ones(2), ".2f")
f"{lib.ones(2)}"
"%d" % lib.tensor(3)
"%.1f" % lib.tensor(3.25)
sorted([lib.tensor(3), lib.tensor(1)])
max(lib.tensor([1, 5, 2]))
sum(lib.arange(4))
sum([lib.ones(2), lib.ones(2)])
divmod(lib.tensor(7.0), lib.tensor(2.0))
abs(lib.tensor(-1))
lib.tensor(lib.ones(2))
lib.ones(2).__cuda_array_interface__
lib.can_cast(lib.float64, lib.int32)
lib.is_tensor(lib.ones(1))
(x := lib.zeros(3), x.__setitem__(slice(0, 2), [1.0, 2]))[0]
lib.zeros(2, dtype=int)
lib.ones(2) * [1, 2]
[1, 2] * lib.ones(2)
lib.ones(2) == [1, 1]
lib.ones(2) == None
lib.ones(2) != None
lib.ones(2) + None
lib.ones(2) + "a"
lib.ones(2) < "a"
lib.ones(2).to(float)
lib.ones(2, device="meta").tolist()
lib.tensor([1, 2]).apply_(lambda x: x + 1)
lib.tensor([1.0, 2]).map_(lib.tensor([3.0, 4]), lambda x, y: x * y)
"""

FROM_ARRAYS = """
lib.from_numpy(np.arange(3))
lib.from_numpy(np.arange(3)[::-1])
lib.from_numpy(np.arange(6).reshape(2, 3).T)
lib.from_numpy(np.array(3.5))
lib.from_numpy(np.float64(3))
lib.from_numpy([1, 2])
lib.from_numpy(np.array(["a"]))
lib.from_numpy(np.array([object()]))
lib.from_numpy(np.arange(3, dtype=">i4"))
lib.from_numpy(np.zeros((0, 2)))
lib.from_numpy(np.broadcast_to(np.arange(3), (2, 3)))
lib.from_numpy(np.zeros(3, dtype=[("a", "f4"), ("b", "i2")]))
lib.from_numpy(np.zeros(3, dtype=[("a", "f4"), ("b", "i2")])["a"])
lib.from_numpy(np.zeros(3, dtype="datetime64[s]"))
lib.from_numpy(np.zeros(3, dtype="longdouble"))
lib.tensor(np.arange(3)[::-1])
lib.tensor(np.float32(2))
lib.tensor(np.int16(2))
lib.tensor(np.bool_(True))
lib.tensor(np.array("a"))
lib.as_tensor(np.arange(3)[::-1])
lib.as_tensor(np.arange(3), dtype=lib.float32)
lib.as_tensor([1, 2])
lib.as_tensor(np.broadcast_to(np.arange(3), (2, 3)))
lib.as_tensor(lib.ones(2, requires_grad=True))
lib.asarray(np.arange(3)[::-1])
lib.asarray(np.arange(3), copy=True)
lib.asarray([1, 2], copy=False)
lib.asarray(3)
lib.asarray(lib.ones(2, requires_grad=True), requires_grad=True)
lib.asarray(lib.ones(2), requires_grad=True)
lib.asarray(np.float32(3))
lib.asarray([np.float32(3)])
lib.asarray(np.arange(3), dtype=lib.float32, copy=False)
"""

FROM_DATA = """
lib.tensor(2.0) + np.float32(1)
lib.tensor([np.float32(1), 2])
lib.tensor([np.bool_(True)])
lib.tensor([lib.tensor(1), lib.tensor(2)])
lib.tensor([[1, 2], [3]])
lib.tensor(None)
lib.tensor([None])
lib.tensor({1})
lib.tensor(range(3))
lib.tensor(b"ab")
lib.tensor("")
lib.tensor([1, 2.5, True])
lib.tensor([1, 2 + 1j])
lib.tensor([np.float64(1), np.float64(2)])
lib.tensor([lib.tensor([1]), lib.tensor([2])])
lib.tensor(["a"])
lib.tensor({1: 2})
lib.tensor(2**70)
lib.tensor([2**64, 1.0])
lib.tensor([1.0, -(2**70)])
lib.tensor([2**64, 1j])
lib.tensor([2**64, 3])
lib.tensor([2**64, True])
lib.tensor(2**64, dtype=lib.float32)
lib.tensor([1, 2], dtype=float)
"""

BUFFERS = """
lib.tensor(bytearray(b"ab"))
lib.tensor(memoryview(b"ab"))
lib.asarray(b"abcd", dtype=lib.uint8)
lib.asarray(bytearray(b"abcd"), dtype=lib.int16)
lib.asarray(bytearray(b"abcd"))
lib.frombuffer(bytearray(b"abcdefgh"), dtype=lib.int16)
lib.frombuffer(bytearray(b"abcdefgh"), dtype=lib.int16, count=2, offset=2)
lib.frombuffer(bytearray(b"abcdefgh"), dtype=lib.int16, offset=1)
lib.frombuffer(b"", dtype=lib.int16)
lib.frombuffer(b"abc", dtype=lib.int16)
lib.frombuffer(b"abc", dtype=lib.uint8, offset=5)
lib.frombuffer(b"abc", dtype=lib.uint8, offset=-1)
lib.frombuffer(b"abc", dtype=lib.uint8, count=5)
lib.frombuffer(b"abc", dtype=lib.uint8, count=0)
lib.frombuffer(bytearray(b"abcd"), dtype=lib.float32, requires_grad=True)
lib.frombuffer(bytearray(b"abcd"), dtype=lib.int32, requires_grad=True)
lib.frombuffer([1], dtype=lib.uint8)
lib.frombuffer(np.arange(4.0), dtype=lib.float64)
lib.from_dlpack(np.arange(3.0))
lib.from_dlpack(np.arange(6.0).reshape(2, 3).T)
np.from_dlpack(lib.arange(3.0))
np.from_dlpack(lib.arange(6.0).view(2, 3).t())
np.from_dlpack(lib.ones(2, requires_grad=True))
np.from_dlpack(lib.ones(2, dtype=lib.bfloat16))
np.from_dlpack(lib.tensor(1 + 1j))
np.from_dlpack(lib.tensor([True]))
lib.from_dlpack(lib.ones(2).__dlpack__())
lib.ones(3).untyped_storage().nbytes()
memoryview(lib.ones(2))
lib.ones(2).tobytes()
bytes(lib.ones(2))
lib.from_dlpack(3)
[lib.utils.dlpack.from_dlpack(c) for c in [lib.utils.dlpack.to_dlpack(lib.ones(2))] * 2]
lib.ones(2, device="meta").tolist()
"""

COPIES = """
copy.copy(lib.ones(2, requires_grad=True))
copy.deepcopy(lib.ones(2, requires_grad=True))
copy.deepcopy(lib.ones(2, requires_grad=True) * 2)
copy.deepcopy(lib.arange(6).view(2, 3).t())
copy.deepcopy(lib.arange(6)[2:4])
copy.deepcopy([x := lib.ones(3), x[1:]])
(lambda r: r[0].data_ptr() + 4 == r[1].data_ptr())(copy.deepcopy([x := lib.ones(3), x[1:]]))
(lambda r: r[0] is r[1])(copy.deepcopy([x := lib.ones(3), x]))
copy.copy(lib.ones(2) * 2)
pickle.loads(pickle.dumps(lib.arange(6).view(2, 3).t()))
pickle.loads(pickle.dumps(lib.ones(2, requires_grad=True)))
pickle.loads(pickle.dumps(lib.ones(2, requires_grad=True) * 2))
pickle.loads(pickle.dumps(lib.ones(2, dtype=lib.bfloat16)))
pickle.loads(pickle.dumps(lib.ones(3).expand(2, 3)))
pickle.loads(pickle.dumps(lib.empty(0, 2)))
pickle.loads(pickle.dumps(lib.ones(2, device="meta"))).device
pickle.loads(pickle.dumps(lib.float32))
pickle.loads(pickle.dumps(lib.device("cpu")))
pickle.loads(pickle.dumps(lib.Size([1, 2])))
copy.deepcopy(lib.float32)
copy.deepcopy(lib.Size([1]))
copy.copy(lib.device("cpu"))
"""

PROGRAMS = """
a = np.ones(3); x = t.from_numpy(a); a[0] = 5; x[1] = 7; (x, a)
a = np.ones(3); a.flags.writeable = False; x = t.from_numpy(a); (x, x + 1)
a = np.ones(3); a.flags.writeable = False; t.as_tensor(a)
a = np.ones(3); a.flags.writeable = False; t.asarray(a)
a = np.ones(3); a.flags.writeable = False; t.tensor(a)
a = np.ones(3); a.flags.writeable = False; t.from_dlpack(a)
t.frombuffer(b'abcd', dtype=t.uint8)
x = t.ones(3); a = x.numpy(); a[0] = 9; x
x = t.ones(3); a = np.asarray(x); a[0] = 9; x
t.ones(2, requires_grad=True).numpy()
x = t.arange(6.0).view(2, 3); y = t.from_dlpack(x); (y.data_ptr() == x.data_ptr(), y)
x = t.arange(6.0).view(2, 3); y = t.utils.dlpack.from_dlpack(t.utils.dlpack.to_dlpack(x)); (y.data_ptr() == x.data_ptr(), y)
x = t.arange(6.0); type(x.__dlpack__()).__name__
t.ones(2, requires_grad=True).__dlpack__()
t.from_dlpack(t.ones(2), copy=True)
t.from_dlpack(t.ones(2), device='cpu')
t.ones(2).__dlpack__(max_version=(1, 0)) is not None
t.ones(2).__dlpack__(copy=True) is not None
x = np.arange(3.0); y = t.from_dlpack(x); x[0] = 7; y
t.ones(2, dtype=t.bool).__dlpack__() is not None
copy.deepcopy(nn.Linear(2, 2)).weight.is_leaf
copy.copy(nn.Linear(2, 2)).weight.shape
copy.deepcopy(t.optim.Adam([t.ones(1, requires_grad=True)])).defaults['lr']
x = t.ones(2, requires_grad=True); (x * 2).sum().backward(); copy.deepcopy(x).grad
x = t.ones(2, requires_grad=True); x.foo = 3; copy.deepcopy(x).foo
copy.deepcopy(nn.Parameter(t.ones(2), requires_grad=False))
type(copy.deepcopy(nn.Parameter(t.ones(2)))).__name__
type(pickle.loads(pickle.dumps(nn.Parameter(t.ones(2))))).__name__
pickle.loads(pickle.dumps(nn.Linear(2, 2))).weight.requires_grad
(copy.deepcopy(t.strided), copy.copy(t.float32) is t.float32)
copy.deepcopy(t.ones(3).untyped_storage()).nbytes()
copy.deepcopy(t.ones(2).double())
copy.deepcopy((t.ones(2), t.ones(2)))
copy.deepcopy(t.nn.utils.rnn.pack_padded_sequence(t.ones(3, 2, 1), t.tensor([3, 2])))
copy.deepcopy(nn.MultiheadAttention(4, 2)).embed_dim
copy.deepcopy(t.optim.lr_scheduler.StepLR(t.optim.SGD([t.ones(1, requires_grad=True)], lr=0.1), 2)).last_epoch
copy.deepcopy(t.utils.data.TensorDataset(t.ones(3)))[0]
pickle.loads(pickle.dumps(t.utils.data.TensorDataset(t.ones(3))))[0]
pickle.loads(pickle.dumps(t.optim.SGD([t.ones(1, requires_grad=True)], lr=0.1))).defaults['lr']
x = t.ones(2, requires_grad=True); copy.deepcopy(x * 2)
bool(t.tensor([1, 2]))
bool(t.empty(0))
bool(t.tensor([0.0]))
if_ = 1 if t.tensor([True]) else 0; if_
[x for x in t.ones(2, 2)]
iter(t.tensor(1))
len(t.tensor(1))
list(zip(t.arange(2), t.arange(2)))
t.tensor([[1, 2]]).tolist()
(t.tensor(1.5).item(), t.tensor(1).item(), t.tensor(True).item())
t.ones(2).item()
(np.add(t.ones(2), 1), np.multiply(np.ones(2), t.ones(2)))
t.ones(2) + np.ones(2)
np.ones(2) + t.ones(2)
hash(t.ones(1)) is not None
{t.ones(1): 1} is not None
x = t.ones(1); x in [x]
x = t.ones(2); y = t.ones(2); x in [y]
(t.ones(2).__len__(), t.ones(2).__contains__(1))
(int(t.tensor(3.7)), float(t.tensor(3)), complex(t.tensor(3.0)), t.tensor(3).__index__())
x = t.ones(3); x.apply_(lambda v: v + 1)
t.ones(2).pin_memory()
t.ones(2).is_pinned()
t.ones(2).is_shared()
(t.ones(2).to(t.float64).dtype, t.ones(2).to('cpu', t.int32).dtype, t.ones(2).to(t.ones(1, dtype=t.int8)).dtype, t.ones(2).to(device='cpu', dtype=t.float16, non_blocking=True, copy=True).dtype)
x = t.ones(2); x.to('cpu') is x
x = t.ones(2); x.float() is x
(t.ones(2).double(), t.ones(2).half(), t.ones(2).int(), t.ones(2).long(), t.ones(2).short(), t.ones(2).byte(), t.ones(2).char(), t.ones(2).bool(), t.ones(2).bfloat16(), t.ones(2).cfloat(), t.ones(2).cdouble())
"""

ARGUMENTS = """
lib.is_tensor(np.ones(1))
lib.zeros(np.int64(2), np.int32(3))
lib.zeros((np.int64(2),))
lib.zeros(lib.tensor(2))
lib.ones(2, 3).reshape(np.int64(3), 2)
lib.ones(3).sum(np.int64(0))
lib.arange(np.float64(3))
lib.arange(lib.tensor(3))
lib.full((2,), np.float32(2))
lib.full((2,), lib.tensor(2))
lib.linspace(0, np.float64(1), 3)
"""

# Errors of the same type whose words differ.
OWN_WORDS = (
    'np.array(lib.arange(3), dtype="f4", copy=False)',
    "lib.asarray(np.arange(3), dtype=lib.float32, copy=False)",
)

GROUPS = (TO_NUMPY, THROUGH_NUMPY, TO_PYTHON, FROM_ARRAYS, FROM_DATA, BUFFERS, COPIES, PROGRAMS, ARGUMENTS)


@pytest.mark.parametrize("expression", [line for group in GROUPS for line in group.strip().split("\n")], ids=str)
def test_like_pytorch(expression):
    assert_like_pytorch(expression, words=expression not in OWN_WORDS)


def test_memory_is_shared():
    array = np.arange(6.0).reshape(2, 3)
    for x in (
        corten.from_numpy(array),
        corten.as_tensor(array),
        corten.asarray(array),
        corten.from_dlpack(array),
        corten.from_dlpack(torch.from_numpy(array)),
        corten.utils.dlpack.from_dlpack(torch.utils.dlpack.to_dlpack(torch.from_numpy(array))),
    ):
        assert x.data_ptr() == array.ctypes.data
        x[1, 2] += 1
    assert array[1, 2] == 11
    x = corten.ones(2, 3)
    x.t().numpy()[1, 0] = 4
    np.asarray(x)[0, 0] = 5
    np.from_dlpack(x)[0, 2] = 6
    torch.from_dlpack(x)[1, 0] = 7
    torch.utils.dlpack.from_dlpack(corten.utils.dlpack.to_dlpack(x))[1, 1] = 8
    assert x.tolist() == [[5, 4, 6], [7, 8, 1]]


@pytest.mark.parametrize("lib", [corten, torch], ids=lambda lib: lib.__name__)
def test_owners_stay_alive(lib):
    """What shares memory keeps it, in whatever order the names go."""
    view = lib.arange(1000.0)[10:].numpy()
    assert view.sum() == sum(range(10, 1000))
    x = lib.from_numpy(np.arange(1000.0)).reshape(10, 100)[3]
    y = lib.from_dlpack(np.arange(1000))
    z = lib.frombuffer(bytearray(range(200)), dtype=lib.uint8)[50:]
    [bytearray(8000) for _ in range(20)]
    assert x.sum().item() == sum(range(300, 400))
    assert y.sum().item() == sum(range(1000))
    assert z.tolist() == list(range(50, 200))


def test_capsules_are_taken_once():
    capsule = corten.ones(2).__dlpack__()
    corten.from_dlpack(capsule)
    with pytest.raises((RuntimeError, TypeError), match="capsule"):
        corten.from_dlpack(capsule)
    corten.ones(3).__dlpack__()  # never taken: freed with its capsule
    with pytest.raises(BufferError):
        corten.ones(2, device="meta").__dlpack__()


def test_read_only_memory():
    array = np.arange(3.0)
    array.flags.writeable = False
    for lib in (corten, torch):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            assert lib.from_numpy(array).tolist() == [0, 1, 2]
        assert lib is torch or "not writable" in str(seen[0].message)
    with pytest.warns(UserWarning, match="buffer is not writable"):
        assert corten.frombuffer(b"ab", dtype=corten.uint8).tolist() == [97, 98]


def test_backwards_views_of_arrays():
    for function in (corten.from_numpy, corten.tensor, corten.as_tensor, corten.asarray):
        with pytest.raises(ValueError, match="At least one stride in the given numpy array is negative"):
            function(np.arange(3)[::-1])
        assert function(np.arange(3)[::-1].copy()).tolist() == [2, 1, 0]


def test_copies_share_what_the_originals_share():
    base = corten.arange(6.0).view(2, 3)
    first, second, again = copy.deepcopy([base[1], base.t(), base])
    first[0] = 30
    assert second[0, 1].item() == 30
    assert again[1, 0].item() == 30
    assert base[1, 0].item() == 3
    x = corten.ones(2, requires_grad=True)
    x.grad = corten.zeros(2)
    x.note = ["kept"]
    made = copy.deepcopy(x)
    assert (made.grad.tolist(), made.note, made.requires_grad) == ([0, 0], ["kept"], True)
    assert made.note is not x.note
    assert pickle.loads(pickle.dumps(x)).note == ["kept"]


def test_matplotlib_draws_tensors():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots()
    x = corten.linspace(0, 1, 5)
    (line,) = axes.plot(x, x**2)
    axes.scatter(x, x, c=x)
    axes.bar(corten.arange(3), corten.ones(3))
    axes.hist(x, bins=2)
    axes.fill_between(x, x, x + 1)
    axes.errorbar(x, x, yerr=x)
    axes.axhline(corten.tensor(0.5))
    image = axes.imshow(corten.rand(4, 4, 3))
    axes.contour(x, x, x * x.unsqueeze(1))
    axes.set_xlim(corten.tensor(0.0), corten.tensor(1.0))
    figure.canvas.draw()
    plt.close(figure)
    assert line.get_ydata().tolist() == (x**2).tolist()
    assert image.get_array().shape == (4, 4, 3)
