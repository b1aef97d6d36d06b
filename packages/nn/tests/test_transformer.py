"""Transformers against PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

import corten_autograd as autograd
import corten_nn as nn
import corten_tensor_core as core

# PyTorch tells why it cannot take its faster way.
pytestmark = pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")
RNG = np.random.default_rng(5)
SRC, TGT = RNG.standard_normal((4, 2, 8)).astype(np.float32), RNG.standard_normal((3, 2, 8)).astype(np.float32)
PADDING = np.array([[False, False, False, True], [False, False, False, False]])
UPPER = np.triu(np.ones((4, 4), dtype=bool), 1)
SHAPE = {"d_model": 8, "nhead": 2, "dim_feedforward": 12}
SETTINGS = [
    {},
    {"dropout": 0.0, "norm_first": True, "activation": "gelu"},
    {"batch_first": True, "bias": False, "dropout": 0.2, "layer_norm_eps": 1e-3},
]


def compare(ref, build, run, training=True):
    """Compare text, weights, outputs and gradients of what `build(nn)` makes."""
    ours, theirs = ref.seeded(2, lambda library: build(library).train(training))
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for key, value in theirs.state_dict().items():
        ref.assert_close(ours.state_dict()[key], value)
    core.manual_seed(4)
    out = run(ours, core)
    ref.torch.manual_seed(4)
    expected = run(theirs, ref.torch)
    ref.assert_close(out, expected, rtol=1e-4, atol=1e-5)
    (out * out * out).sum().backward()
    (expected * expected * expected).sum().backward()
    for (name, p), (_, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert p.grad is not None, name
        ref.assert_close(p.grad, q.grad, rtol=1e-3, atol=1e-4)


MASKS = {
    "none": {},
    "bool": {"src_mask": UPPER},
    "padding": {"src_key_padding_mask": PADDING},
    "both": {"src_mask": UPPER, "src_key_padding_mask": PADDING},
    "causal": {"src_mask": UPPER, "is_causal": True},
}


@pytest.mark.parametrize("masks", list(MASKS))
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_encoder_layer(ref, settings, masks):
    def run(layer, library):
        x = library.tensor(SRC.transpose(1, 0, 2).copy() if settings.get("batch_first") else SRC)
        given = {k: library.tensor(v) if isinstance(v, np.ndarray) else v for k, v in MASKS[masks].items()}
        return layer(x, **given)

    compare(ref, lambda library: library.TransformerEncoderLayer(**SHAPE, **settings), run)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_decoder_layer(ref, settings):
    def run(layer, library):
        order = (1, 0, 2) if settings.get("batch_first") else (0, 1, 2)
        x, memory = (library.tensor(a.transpose(order).copy()) for a in (TGT, SRC))
        mask = library.tensor(UPPER[:3, :3])
        return layer(x, memory, tgt_mask=mask, memory_key_padding_mask=library.tensor(PADDING), tgt_is_causal=True)

    compare(ref, lambda library: library.TransformerDecoderLayer(**SHAPE, **settings), run)


@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_fused_activation_gives_the_same_bits_and_steps_aside_for_hooks(activation):
    layer = nn.TransformerEncoderLayer(**SHAPE, activation=activation).eval()
    x, seen = core.tensor(SRC), []
    expected = layer(x)
    with autograd.no_grad():
        assert core.equal(layer(x), expected)
        handle = layer.linear1.register_forward_hook(lambda module, args, output: seen.append(output))
        assert core.equal(layer(x), expected)
        assert len(seen) == 1
        handle.remove()
        layer.linear1.forward = lambda x: seen.append(x) or nn.Linear.forward(layer.linear1, x)
        assert core.equal(layer(x), expected)
        assert len(seen) == 2


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("hint", [None, True, False])
def test_encoder(ref, training, hint):
    def build(library):
        layer = library.TransformerEncoderLayer(**SHAPE, activation=library.functional.silu)
        return library.TransformerEncoder(layer, 2, norm=library.LayerNorm(8), enable_nested_tensor=False)

    def run(model, library):
        nn_ = nn if library is core else library.nn
        return model(library.tensor(SRC), nn_.Transformer.generate_square_subsequent_mask(4), is_causal=hint)

    compare(ref, build, run, training)


@pytest.mark.parametrize("batch_first", [True, False])
def test_whole(ref, batch_first):
    def build(library):
        return library.Transformer(
            **SHAPE, num_encoder_layers=2, num_decoder_layers=2, batch_first=batch_first, dropout=0.1
        )

    def run(model, library):
        order = (1, 0, 2) if batch_first else (0, 1, 2)
        src, tgt = (library.tensor(a.transpose(order).copy()) for a in (SRC, TGT))
        return model(src, tgt, tgt_mask=library.tensor(UPPER[:3, :3]), src_key_padding_mask=library.tensor(PADDING))

    compare(ref, build, run)


def test_whole_without_batch(ref):
    compare(
        ref,
        lambda library: library.Transformer(**SHAPE, num_encoder_layers=1, num_decoder_layers=1),
        lambda model, library: model(library.tensor(SRC[:, 0].copy()), library.tensor(TGT[:, 0].copy())),
    )


def test_given_parts(ref):
    compare(
        ref,
        lambda library: library.Transformer(
            8,
            2,
            custom_encoder=library.TransformerEncoder(
                library.TransformerEncoderLayer(**SHAPE), 1, enable_nested_tensor=False
            ),
            custom_decoder=library.TransformerDecoder(library.TransformerDecoderLayer(**SHAPE), 1),
        ),
        lambda model, library: model(library.tensor(SRC), library.tensor(TGT)),
    )


def test_masks_of_two_kinds_warn(ref):
    for library, tensors in ((nn, core), (ref.nn, ref.torch)):
        layer = library.TransformerEncoderLayer(**SHAPE)
        with pytest.warns(UserWarning, match="Support for mismatched src_key_padding_mask and src_mask is deprecated"):
            layer(tensors.tensor(SRC), tensors.zeros(4, 4), tensors.tensor(PADDING))


@pytest.mark.parametrize(
    "build",
    [
        lambda nn, torch: nn.TransformerEncoderLayer(8, 2, activation="tanh"),
        lambda nn, torch: nn.TransformerDecoderLayer(8, 3),
        lambda nn, torch: nn.Transformer(**SHAPE)(torch.zeros(2, 1, 8), torch.zeros(2, 2, 8)),
        lambda nn, torch: nn.Transformer(**SHAPE)(torch.zeros(2, 1, 6), torch.zeros(2, 1, 8)),
        lambda nn, torch: nn.Transformer.generate_square_subsequent_mask(3, dtype=torch.float64).tolist(),
    ],
)
def test_errors(ref, build):
    ref.same_behaviour(build)
