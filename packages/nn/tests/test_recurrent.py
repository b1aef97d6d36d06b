"""Recurrent layers, their cells, and packed sequences, against PyTorch's."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import corten_nn as nn
import corten_tensor_core as core

# PyTorch has no fast implementation of projections, and says so.
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
RNG = np.random.default_rng(6)
SEQUENCES = [RNG.standard_normal((length, 4)).astype(np.float32) for length in (2, 5, 3)]
BATCH = RNG.standard_normal((5, 3, 4)).astype(np.float32)
LAYERS = [
    ("RNN", {}),
    ("RNN", {"nonlinearity": "relu", "num_layers": 2, "bias": False}),
    ("LSTM", {}),
    ("LSTM", {"num_layers": 2, "bidirectional": True, "batch_first": True}),
    ("LSTM", {"num_layers": 2, "proj_size": 3, "bidirectional": True}),
    ("LSTM", {"num_layers": 3, "dropout": 0.4, "bias": False}),
    ("GRU", {}),
    ("GRU", {"num_layers": 2, "bidirectional": True, "dropout": 0.5}),
    ("GRU", {"bias": False, "batch_first": True}),
]


def ids(case):
    return f"{case[0]}-{case[1]}".replace(" ", "")


def both(ref, case, hidden=6):
    name, settings = case
    ours, theirs = ref.seeded(3, lambda library: getattr(library, name)(4, hidden, **settings))
    return ours, theirs


def state_arrays(layer, batch=3):
    rows = layer.num_layers * (2 if layer.bidirectional else 1)
    shapes = [(rows, batch, layer.proj_size or layer.hidden_size)]
    if layer.mode == "LSTM":
        shapes.append((rows, batch, layer.hidden_size))
    return [np.random.default_rng(8).standard_normal(shape).astype(np.float32) for shape in shapes]


def as_state(layer, tensors):
    return tuple(tensors) if layer.mode == "LSTM" else tensors[0]


def flat(result):
    """Outputs and states in one list; packed sequences give their parts."""
    found = []
    for part in result if isinstance(result, tuple) else (result,):
        found += flat(part) if isinstance(part, tuple) else [] if part is None else [part]
    return found


def compare(ref, ours, theirs, run, tensors=(core, None)):
    """Compare outputs and gradients of `run(layer, library)` from the same seed."""
    core.manual_seed(1)
    out = flat(run(ours, core))
    ref.torch.manual_seed(1)
    expected = flat(run(theirs, ref.torch))
    ref.assert_close(out, expected, rtol=1e-5, atol=1e-5)
    sum((x * x).sum() for x in out if x.is_floating_point()).backward()
    sum((x * x).sum() for x in expected if x.is_floating_point()).backward()
    for (name, p), (_, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert p.grad is not None, name
        ref.assert_close(p.grad, q.grad, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("case", LAYERS, ids=ids)
def test_text_keys_and_initial_weights(ref, case):
    ours, theirs = both(ref, case)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for key, value in theirs.state_dict().items():
        ref.assert_close(ours.state_dict()[key], value)
    assert [[tuple(w.shape) for w in ws] for ws in ours.all_weights] == [
        [tuple(w.shape) for w in ws] for ws in theirs.all_weights
    ]


@pytest.mark.parametrize("with_state", [False, True])
@pytest.mark.parametrize("case", LAYERS, ids=ids)
def test_batches(ref, case, with_state):
    ours, theirs = both(ref, case)
    arrays = state_arrays(theirs)

    def run(layer, library):
        x = library.tensor(BATCH.transpose(1, 0, 2).copy() if layer.batch_first else BATCH)
        return layer(x, as_state(layer, [library.tensor(a) for a in arrays])) if with_state else layer(x)

    compare(ref, ours, theirs, run)


@pytest.mark.parametrize("case", LAYERS, ids=ids)
def test_one_sequence(ref, case):
    ours, theirs = both(ref, case)
    arrays = [array[:, 0] for array in state_arrays(theirs)]
    compare(
        ref,
        ours,
        theirs,
        lambda layer, library: layer(
            library.tensor(BATCH[:, 0]), as_state(layer, [library.tensor(a.copy()) for a in arrays])
        ),
    )


@pytest.mark.parametrize("with_state", [False, True])
@pytest.mark.parametrize("case", LAYERS, ids=ids)
def test_packed_sequences(ref, case, with_state):
    ours, theirs = both(ref, case)
    arrays = state_arrays(theirs)

    def run(layer, library):
        rnn = (nn if library is core else library.nn).utils.rnn
        packed = rnn.pack_sequence([library.tensor(s) for s in SEQUENCES], enforce_sorted=False)
        state = as_state(layer, [library.tensor(a) for a in arrays]) if with_state else None
        return layer(packed, state)

    compare(ref, ours, theirs, run)


@pytest.mark.parametrize("name", ["RNNCell", "LSTMCell", "GRUCell"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("with_state", [True, False])
def test_cells(ref, name, bias, batched, with_state):
    ours, theirs = ref.seeded(3, lambda library: getattr(library, name)(4, 6, bias=bias))
    assert repr(ours) == repr(theirs)
    h = RNG.standard_normal((3, 6)).astype(np.float32)

    def run(layer, library):
        x, state = library.tensor(BATCH[0]), library.tensor(h)
        x, state = (x, state) if batched else (x[0], state[0])
        state = (state, 2 * state) if name == "LSTMCell" else state
        return layer(x, state) if with_state else layer(x)

    core.manual_seed(1)
    out = flat(run(ours, core))
    expected = flat(run(theirs, ref.torch))
    ref.assert_close(out, expected)
    sum((x * x).sum() for x in out).backward()
    sum((x * x).sum() for x in expected).backward()
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        if q.grad is not None:
            ref.assert_close(p.grad, q.grad, rtol=1e-4)


def test_relu_cell(ref):
    ours, theirs = ref.seeded(3, lambda library: library.RNNCell(4, 6, nonlinearity="relu"))
    assert repr(ours) == repr(theirs)
    ref.assert_close(ours(core.tensor(BATCH[0])), theirs(ref.torch.tensor(BATCH[0])))


MISTAKES = {
    "dropout": lambda nn, t: nn.LSTM(4, 6, dropout=1.5),
    "dropout kind": lambda nn, t: nn.LSTM(4, 6, dropout=True),
    "bias": lambda nn, t: nn.LSTM(4, 6, bias=1),
    "batch_first": lambda nn, t: nn.LSTM(4, 6, batch_first=0),
    "input size": lambda nn, t: nn.GRU(0, 6),
    "input size kind": lambda nn, t: nn.GRU(4.0, 6),
    "hidden size": lambda nn, t: nn.GRU(4, 0),
    "layers": lambda nn, t: nn.GRU(4, 6, num_layers=0),
    "projection": lambda nn, t: nn.LSTM(4, 6, proj_size=-1),
    "wide projection": lambda nn, t: nn.LSTM(4, 6, proj_size=6),
    "nonlinearity": lambda nn, t: nn.RNN(4, 6, nonlinearity="sigmoid"),
    "mode": lambda nn, t: nn.RNNBase("RNN", 4, 6),
    "rnn dims": lambda nn, t: nn.RNN(4, 6)(t.zeros(4)),
    "lstm dims": lambda nn, t: nn.LSTM(4, 6)(t.zeros(4)),
    "width": lambda nn, t: nn.LSTM(4, 6)(t.zeros(2, 3, 5)),
    "dtype": lambda nn, t: nn.GRU(4, 6)(t.zeros(2, 3, 4, dtype=t.float64)),
    "state": lambda nn, t: nn.GRU(4, 6)(t.zeros(2, 3, 4), t.zeros(1, 2, 6)),
    "state dims": lambda nn, t: nn.GRU(4, 6)(t.zeros(2, 3, 4), t.zeros(1, 6)),
    "state dims of one": lambda nn, t: nn.RNN(4, 6)(t.zeros(2, 4), t.zeros(1, 1, 6)),
    "lstm state": lambda nn, t: nn.LSTM(4, 6)(t.zeros(2, 3, 4), (t.zeros(1, 3, 6), t.zeros(1, 3, 5))),
    "lstm state dims": lambda nn, t: nn.LSTM(4, 6)(t.zeros(2, 3, 4), (t.zeros(3, 6), t.zeros(1, 3, 6))),
    "lstm state dims of one": lambda nn, t: nn.LSTM(4, 6)(t.zeros(2, 4), (t.zeros(1, 1, 6), t.zeros(1, 6))),
    "no steps": lambda nn, t: nn.GRU(4, 6)(t.zeros(0, 3, 4)),
    "cell dims": lambda nn, t: nn.RNNCell(4, 6)(t.zeros(1, 1, 4)),
    "cell state dims": lambda nn, t: nn.GRUCell(4, 6)(t.zeros(1, 4), t.zeros(1, 1, 6)),
    "cell states dims": lambda nn, t: nn.LSTMCell(4, 6)(t.zeros(1, 4), (t.zeros(1, 6), t.zeros(1, 1, 6))),
    "cell width": lambda nn, t: nn.GRUCell(4, 6)(t.zeros(1, 5)),
    "cell batch": lambda nn, t: nn.GRUCell(4, 6)(t.zeros(1, 4), t.zeros(2, 6)),
    "cell state": lambda nn, t: nn.LSTMCell(4, 6)(t.zeros(1, 4), (t.zeros(1, 6), t.zeros(1, 5))),
    "cell state alone": lambda nn, t: nn.LSTMCell(4, 6)(t.zeros(1, 4), t.zeros(1, 6)),
    "cell nonlinearity": lambda nn, t: nn.RNNCell(4, 6, nonlinearity="x")(t.zeros(1, 4)),
    "pack lengths": lambda nn, t: nn.utils.rnn.pack_padded_sequence(t.zeros(3, 2, 1), [3]),
    "pack order": lambda nn, t: nn.utils.rnn.pack_padded_sequence(t.zeros(3, 2, 1), [2, 3]),
    "pack zero": lambda nn, t: nn.utils.rnn.pack_padded_sequence(t.zeros(3, 2, 1), [3, 0]),
    "pack nothing": lambda nn, t: nn.utils.rnn.pack_padded_sequence(t.zeros(0, 2, 1), [0, 0]),
    "pad length": lambda nn, t: nn.utils.rnn.pad_packed_sequence(
        nn.utils.rnn.pack_sequence([t.zeros(3)]), total_length=2
    ),
    "pad nothing": lambda nn, t: nn.utils.rnn.pad_sequence([]),
    "pad number": lambda nn, t: nn.utils.rnn.pad_sequence(3),
    "packed pair": lambda nn, t: nn.utils.rnn.PackedSequence(t.zeros(3)),
}


@pytest.mark.parametrize("name", list(MISTAKES))
def test_mistakes(ref, name):
    ref.same_behaviour(MISTAKES[name])


def test_length_beyond_the_padding():
    with pytest.raises(RuntimeError, match="lengths of at most 3, the padded length, but got 4"):
        nn.utils.rnn.pack_padded_sequence(core.zeros(3, 2, 1), [4, 1])


def test_dropout_of_one_layer_warns():
    with pytest.warns(UserWarning, match="dropout option adds dropout after all but last recurrent layer"):
        nn.LSTM(4, 6, dropout=0.5)


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("enforce_sorted", [True, False])
def test_packing_and_padding(ref, batch_first, enforce_sorted):
    def scenario(nn, torch):
        rnn = nn.utils.rnn
        lengths = [4, 2, 1] if enforce_sorted else [2, 4, 1]
        x = torch.arange(24.0).reshape(3, 4, 2) if batch_first else torch.arange(24.0).reshape(4, 3, 2)
        x.requires_grad_()
        packed = rnn.pack_padded_sequence(x, torch.tensor(lengths), batch_first, enforce_sorted)
        padded, counts = rnn.pad_packed_sequence(packed, batch_first, padding_value=-1.0, total_length=6)
        (padded * padded).sum().backward()
        return [*flat(packed), padded, counts, x.grad, str(counts.dtype)]

    ref.same_behaviour(scenario)


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_of_lists(ref, side):
    def scenario(nn, torch):
        rnn = nn.utils.rnn
        xs = [torch.tensor(s).requires_grad_() for s in SEQUENCES]
        padded = rnn.pad_sequence(xs, padding_value=0.5, padding_side=side)
        (padded * padded).sum().backward()
        parts = rnn.unpad_sequence(padded.detach().clone(), torch.tensor([2, 5, 3]))
        packed = rnn.pack_sequence(xs, enforce_sorted=False)
        numbers = rnn.pad_sequence((torch.tensor([1, 2]), torch.tensor([3])), True, -1, side)
        return [padded, [x.grad for x in xs], parts, rnn.unpack_sequence(packed), numbers]

    ref.same_behaviour(scenario)


def test_conversions_of_packed_sequences():
    packed = nn.utils.rnn.pack_sequence([core.tensor([1.0, 2.0]), core.tensor([3.0])])
    assert packed.to("cpu") is packed
    assert packed.double().data.dtype == core.float64
    assert packed.half().long().data.tolist() == [1, 3, 2]
    assert not packed.is_cuda
    assert isinstance(packed.cpu(), nn.utils.rnn.PackedSequence)


def test_copies_and_conversions_of_layers():
    layer = nn.LSTM(4, 6, num_layers=2)
    x = core.tensor(BATCH)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert twin(x)[0].tolist() == layer(x)[0].tolist()
        assert twin.weight_ih_l0 is not layer.weight_ih_l0
    assert layer.double()(x.double())[0].dtype == core.float64
    layer.flatten_parameters()
