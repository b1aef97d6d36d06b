"""Every layer against PyTorch's: text, keys, initial weights, outputs and gradients."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import corten_autograd as autograd
import corten_nn as nn
import corten_tensor_core as core

# name, arguments, keyword arguments, shapes of the inputs
LAYERS = [
    ("Identity", (), {}, [(2, 3)]),
    ("Linear", (4, 5), {}, [(3, 4)]),
    ("Linear", (4, 5), {"bias": False}, [(2, 3, 4)]),
    ("Bilinear", (3, 4, 5), {}, [(2, 3), (2, 4)]),
    ("Conv1d", (4, 6, 3), {"stride": 2, "padding": 1}, [(2, 4, 9)]),
    ("Conv1d", (4, 6, 3), {"padding": "same", "padding_mode": "circular"}, [(2, 4, 9)]),
    ("Conv2d", (4, 6, 3), {}, [(2, 4, 7, 8)]),
    ("Conv2d", (4, 6, (3, 5)), {"stride": (2, 1), "padding": (4, 2), "dilation": (3, 1)}, [(2, 4, 9, 8)]),
    ("Conv2d", (4, 6, 3), {"groups": 2, "bias": False, "padding": "same"}, [(2, 4, 7, 8)]),
    ("Conv2d", (4, 6, (2, 3)), {"padding": "same", "padding_mode": "reflect"}, [(4, 7, 8)]),
    ("Conv2d", (4, 6, 3), {"padding": 1, "padding_mode": "replicate"}, [(2, 4, 7, 8)]),
    ("Conv2d", (4, 6, 3), {"padding": "valid"}, [(2, 4, 7, 8)]),
    ("Conv3d", (2, 3, 2), {"padding": 1}, [(2, 2, 4, 5, 4)]),
    ("ConvTranspose1d", (4, 6, 3), {"stride": 2, "output_padding": 1}, [(2, 4, 5)]),
    ("ConvTranspose2d", (4, 6, 3), {"stride": 2, "padding": 1, "groups": 2, "dilation": 2}, [(2, 4, 5, 4)]),
    ("ConvTranspose3d", (2, 3, 2), {"bias": False}, [(2, 2, 3, 4, 3)]),
    ("BatchNorm1d", (4,), {}, [(5, 4)]),
    ("BatchNorm1d", (4,), {"momentum": None}, [(5, 4, 3)]),
    ("BatchNorm2d", (4,), {"affine": False}, [(2, 4, 3, 3)]),
    ("BatchNorm2d", (4,), {"track_running_stats": False, "eps": 1e-3, "bias": False}, [(2, 4, 3, 3)]),
    ("BatchNorm3d", (4,), {"momentum": 0.3}, [(2, 4, 3, 3, 2)]),
    ("InstanceNorm1d", (4,), {"affine": True}, [(2, 4, 5)]),
    ("InstanceNorm2d", (4,), {"track_running_stats": True}, [(2, 4, 5, 3)]),
    ("InstanceNorm3d", (4,), {}, [(4, 5, 3, 2)]),
    ("LayerNorm", (5,), {}, [(2, 4, 5)]),
    ("LayerNorm", ((4, 5),), {"bias": False}, [(2, 4, 5)]),
    ("LayerNorm", ([4, 5],), {"elementwise_affine": False}, [(2, 4, 5)]),
    ("RMSNorm", (5,), {}, [(2, 4, 5)]),
    ("GroupNorm", (2, 4), {}, [(2, 4, 5)]),
    ("GroupNorm", (2, 4), {"affine": False}, [(2, 4, 5, 3)]),
    ("LocalResponseNorm", (3,), {}, [(2, 6, 4)]),
    ("LocalResponseNorm", (2,), {"alpha": 0.1, "k": 2.0}, [(2, 6, 4, 3)]),
    ("CrossMapLRN2d", (5,), {"alpha": 0.5, "k": 2}, []),
    ("SyncBatchNorm", (4,), {}, [(5, 4)]),
    ("SyncBatchNorm", (4,), {"momentum": None, "bias": False}, [(2, 4, 3, 3)]),
    ("MaxPool1d", (3,), {"stride": 2}, [(2, 4, 9)]),
    ("MaxPool2d", (3,), {"stride": 2, "padding": 1}, [(2, 4, 9, 8)]),
    ("MaxPool2d", ((2, 3),), {"ceil_mode": True, "return_indices": True}, [(2, 4, 9, 8)]),
    ("MaxPool3d", (2,), {}, [(2, 2, 4, 4, 5)]),
    ("AvgPool1d", (3,), {"padding": 1, "count_include_pad": False}, [(2, 4, 9)]),
    ("AvgPool2d", (3,), {"stride": (2, 1), "padding": 1}, [(2, 4, 9, 8)]),
    ("AvgPool2d", (2,), {"divisor_override": 3}, [(4, 9, 8)]),
    ("AvgPool3d", (2,), {}, [(2, 2, 4, 4, 5)]),
    ("AdaptiveAvgPool1d", (3,), {}, [(2, 4, 8)]),
    ("AdaptiveAvgPool2d", ((3, None),), {}, [(2, 4, 8, 5)]),
    ("AdaptiveAvgPool2d", (1,), {}, [(2, 4, 8, 5)]),
    ("AdaptiveAvgPool3d", (2,), {}, [(2, 2, 4, 4, 5)]),
    ("AdaptiveMaxPool1d", (3,), {"return_indices": True}, [(2, 4, 8)]),
    ("AdaptiveMaxPool2d", ((3, 2),), {}, [(2, 4, 8, 5)]),
    ("AdaptiveMaxPool3d", (2,), {}, [(2, 2, 4, 4, 5)]),
    ("Flatten", (), {}, [(2, 3, 4)]),
    ("Flatten", (0, 1), {}, [(2, 3, 4)]),
    ("Unflatten", (1, (2, 3)), {}, [(4, 6)]),
    ("ReLU", (), {}, [(3, 4)]),
    ("ReLU", (True,), {}, []),
    ("ReLU6", (), {}, [(3, 4)]),
    ("RReLU", (), {"inplace": True}, []),
    ("ELU", (), {"alpha": 0.5}, [(3, 4)]),
    ("CELU", (), {"alpha": 0.5}, [(3, 4)]),
    ("SELU", (), {}, [(3, 4)]),
    ("GELU", (), {}, [(3, 4)]),
    ("GELU", ("tanh",), {}, [(3, 4)]),
    ("GLU", (), {}, [(3, 4)]),
    ("Hardshrink", (), {}, [(3, 4)]),
    ("Hardsigmoid", (), {}, [(3, 4)]),
    ("Hardswish", (True,), {}, []),
    ("Hardswish", (), {}, [(3, 4)]),
    ("Hardtanh", (-0.5, 0.7), {}, [(3, 4)]),
    ("LeakyReLU", (0.2,), {}, [(3, 4)]),
    ("LeakyReLU", (0.2, True), {}, []),
    ("LogSigmoid", (), {}, [(3, 4)]),
    ("LogSoftmax", (1,), {}, [(3, 4)]),
    ("Mish", (), {}, [(3, 4)]),
    ("PReLU", (), {}, [(3, 4)]),
    ("PReLU", (4, 0.1), {}, [(3, 4, 2)]),
    ("SiLU", (), {}, [(3, 4)]),
    ("Sigmoid", (), {}, [(3, 4)]),
    ("Softmax", (), {"dim": 1}, [(3, 4)]),
    ("Softmax2d", (), {}, [(2, 3, 4, 2)]),
    ("Softmin", (), {"dim": -1}, [(3, 4)]),
    ("Softplus", (2, 1.5), {}, [(3, 4)]),
    ("Softshrink", (), {}, [(3, 4)]),
    ("Softsign", (), {}, [(3, 4)]),
    ("Tanh", (), {}, [(3, 4)]),
    ("Tanhshrink", (), {}, [(3, 4)]),
    ("Threshold", (0.1, 20), {}, [(3, 4)]),
    ("Threshold", (0.1, 20, True), {}, []),
    ("Dropout", (0.0,), {}, [(3, 4)]),
    ("Dropout1d", (), {"inplace": True}, []),
    ("Dropout2d", (0.3,), {}, []),
    ("Dropout3d", (), {}, []),
    ("AlphaDropout", (), {}, []),
    ("FeatureAlphaDropout", (), {}, []),
    ("Embedding", (10, 3), {}, []),
    ("Embedding", (10, 3), {"padding_idx": -1, "max_norm": 1.0, "norm_type": 1.0, "sparse": True}, []),
    ("EmbeddingBag", (10, 3), {"mode": "sum", "padding_idx": 2, "max_norm": 1.0}, []),
    ("ConstantPad1d", (2, 3.5), {}, [(2, 3, 4)]),
    ("ConstantPad2d", ((1, 2, 0, -1), 3.5), {}, [(2, 3, 4, 5)]),
    ("ConstantPad3d", (1, 0.5), {}, [(2, 3, 4, 5, 2)]),
    ("ZeroPad1d", (1,), {}, [(2, 3, 4)]),
    ("ZeroPad2d", ((1, 2, 0, 1),), {}, [(2, 3, 4, 5)]),
    ("ZeroPad3d", (1,), {}, [(2, 3, 4, 5, 2)]),
    ("ReflectionPad1d", (2,), {}, [(2, 3, 4)]),
    ("ReflectionPad2d", ((1, 2, 0, 1),), {}, [(2, 3, 4, 5)]),
    ("ReflectionPad3d", (1,), {}, [(2, 3, 4, 5, 2)]),
    ("ReplicationPad1d", ((2, 1),), {}, [(2, 3, 4)]),
    ("ReplicationPad2d", (2,), {}, [(2, 3, 4, 5)]),
    ("ReplicationPad3d", (1,), {}, [(2, 3, 4, 5, 2)]),
    ("CircularPad1d", ((2, 1),), {}, [(2, 3, 4)]),
    ("CircularPad2d", (2,), {}, [(2, 3, 4, 5)]),
    ("CircularPad3d", (1,), {}, [(2, 3, 4, 5, 2)]),
    ("Upsample", (), {"scale_factor": 2}, [(2, 3, 4)]),
    ("Upsample", ((5, 3),), {"mode": "bilinear"}, [(2, 3, 4, 2)]),
    ("Upsample", (), {"scale_factor": (1.5, 2), "mode": "bicubic", "align_corners": True}, [(2, 3, 4, 2)]),
    ("Upsample", (3,), {"mode": "trilinear"}, [(1, 2, 2, 4, 2)]),
    ("Upsample", (), {"scale_factor": 1.5, "mode": "linear", "recompute_scale_factor": True}, [(1, 2, 5)]),
    ("Upsample", (3,), {"mode": "area"}, [(1, 2, 5, 4)]),
    ("Upsample", (3,), {"mode": "nearest-exact"}, [(1, 2, 5, 4)]),
    ("UpsamplingNearest2d", (), {"scale_factor": 2}, [(2, 3, 4, 2)]),
    ("UpsamplingBilinear2d", (5,), {}, [(2, 3, 4, 2)]),
    ("PixelShuffle", (2,), {}, [(2, 8, 3, 4)]),
    ("PixelUnshuffle", (2,), {}, [(2, 3, 4, 6)]),
    ("ChannelShuffle", (2,), {}, [(2, 6, 4, 2)]),
    ("Unfold", (2,), {"padding": 1, "stride": 2}, [(2, 3, 4, 5)]),
    ("Fold", ((4, 5), (2, 2)), {}, [(2, 12, 12)]),
    ("LPPool1d", (2, 3), {}, [(2, 3, 9)]),
    ("LPPool2d", (2.0, (2, 3)), {"stride": 2}, [(2, 3, 9, 7)]),
    ("LPPool3d", (2, 2), {}, [(2, 3, 4, 4, 4)]),
    ("LPPool2d", (float("inf"), 2), {}, [(2, 3, 9, 7)]),
    ("FractionalMaxPool2d", (3,), {"output_ratio": (0.5, 0.6)}, []),
    ("FractionalMaxPool3d", ((2, 1, 2), (3, 2, 2)), {"return_indices": True}, []),
    ("AdaptiveLogSoftmaxWithLoss", (8, 20, [4, 10]), {"head_bias": True, "div_value": 2.0}, []),
    ("MaxUnpool1d", (2,), {}, []),
    ("MaxUnpool2d", ((2, 3),), {"stride": 2, "padding": 1}, []),
    ("MaxUnpool3d", (2,), {}, []),
    ("MultiheadAttention", (8, 2), {}, [(3, 2, 8)] * 3),
    ("MultiheadAttention", (8, 2), {"batch_first": True, "bias": False}, [(3, 2, 8)] * 3),
    ("MultiheadAttention", (8, 2), {"kdim": 4, "vdim": 6, "add_bias_kv": True}, [(3, 2, 8), (5, 2, 4), (5, 2, 6)]),
    ("MultiheadAttention", (8, 2), {"add_zero_attn": True}, [(3, 8), (4, 8), (4, 8)]),
    ("CosineSimilarity", (), {"dim": 1}, [(3, 4), (3, 4)]),
    ("PairwiseDistance", (1.0,), {"keepdim": True}, [(3, 4), (3, 4)]),
]


def _ids(case):
    name, args, kwargs = case[:3]
    return f"{name}-{args}-{kwargs}".replace(" ", "")


def _inputs(shapes):
    rng = np.random.default_rng(3)
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


@pytest.mark.parametrize("case", LAYERS, ids=_ids)
def test_text_keys_and_initial_weights(ref, case):
    name, args, kwargs, _ = case
    ours, theirs = ref.seeded(7, lambda library: getattr(library, name)(*args, **kwargs))
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert ours.state_dict()._metadata == theirs.state_dict()._metadata
    for key, value in theirs.state_dict().items():
        ref.assert_close(ours.state_dict()[key], value, rtol=2e-6)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("case", [case for case in LAYERS if case[3]], ids=_ids)
def test_outputs_and_gradients(ref, case, training):
    name, args, kwargs, shapes = case
    ours, theirs = ref.seeded(7, lambda library: getattr(library, name)(*args, **kwargs).train(training))
    ref.copy_weights(ours, theirs)
    arrays = _inputs(shapes)
    xs = [core.from_numpy(array.copy()).requires_grad_() for array in arrays]
    ys = [ref.torch.from_numpy(array.copy()).requires_grad_() for array in arrays]
    # Twice, for layers that keep statistics.
    for _ in range(2):
        out, expected = ours(*xs), theirs(*ys)
    ref.assert_close(out, expected, rtol=1e-4, atol=1e-5)
    out, expected = (out[0], expected[0]) if isinstance(expected, tuple) else (out, expected)
    (out * out).sum().backward()
    (expected * expected).sum().backward()
    for x, y in zip(xs, ys, strict=True):
        ref.assert_close(x.grad, y.grad, rtol=1e-3, atol=1e-4)
    for (_, p), (_, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        ref.assert_close(p.grad, q.grad, rtol=1e-3, atol=1e-4)
    for key, value in theirs.state_dict().items():
        ref.assert_close(ours.state_dict()[key], value)


def test_padding_mode_keeps_the_same_padding_argument(ref):
    def scenario(nn, torch):
        layer = nn.Conv2d(1, 1, (2, 3), padding="same", dilation=(3, 2))
        return layer._reversed_padding_repeated_twice, layer.padding

    ref.same_behaviour(scenario)


@pytest.mark.parametrize(
    "build",
    [
        lambda nn, torch: nn.Conv2d(3, 4, 3, groups=2),
        lambda nn, torch: nn.Conv2d(4, 3, 3, groups=2),
        lambda nn, torch: nn.Conv2d(4, 4, 3, groups=0),
        lambda nn, torch: nn.Conv2d(4, 4, 3, padding="same", stride=2),
        lambda nn, torch: nn.ConvTranspose2d(4, 4, 3, padding_mode="reflect"),
        lambda nn, torch: nn.ConvTranspose2d(4, 4, 3, stride=2)(torch.zeros(1, 4, 5, 5), output_size=(20, 20)),
        lambda nn, torch: nn.ConvTranspose2d(4, 4, 3, stride=2)(torch.zeros(1, 4, 5, 5), output_size=(20,)),
        lambda nn, torch: nn.ConvTranspose2d(4, 4, 3, stride=2)(torch.zeros(1, 4, 5, 5), output_size=[12, 11]).shape,
        lambda nn, torch: nn.GroupNorm(3, 4),
        lambda nn, torch: nn.BatchNorm1d(4)(torch.zeros(2, 4, 3, 3)),
        lambda nn, torch: nn.BatchNorm2d(4)(torch.zeros(2, 4)),
        lambda nn, torch: nn.BatchNorm1d(4)(torch.zeros(1, 4)),
        lambda nn, torch: nn.SyncBatchNorm(4)(torch.zeros(4)),
        lambda nn, torch: nn.SyncBatchNorm(4)(torch.zeros(2, 0)),
        lambda nn, torch: nn.CrossMapLRN2d(3)(torch.zeros(2, 3, 4)),
        lambda nn, torch: nn.InstanceNorm2d(4, affine=True)(torch.zeros(2, 3, 4, 4)),
        lambda nn, torch: nn.InstanceNorm1d(4)(torch.zeros(2, 4, 1)),
        lambda nn, torch: nn.Dropout(1.5),
        lambda nn, torch: nn.Dropout1d()(torch.zeros(3)),
        lambda nn, torch: nn.Unflatten(1, 3),
        lambda nn, torch: nn.Unflatten(1, (2, 1.5)),
        lambda nn, torch: nn.Softmax2d()(torch.zeros(3)),
        lambda nn, torch: nn.Hardtanh(1.0, 0.0),
        lambda nn, torch: nn.Bilinear(0, 1, 2),
        lambda nn, torch: nn.Embedding(3, 2, padding_idx=3),
        lambda nn, torch: nn.Embedding(3, 2, _weight=torch.zeros(2, 2)),
        lambda nn, torch: nn.EmbeddingBag(3, 2)(torch.tensor([1, 2])),
        lambda nn, torch: nn.GLU()(torch.tensor(1.0)),
        lambda nn, torch: nn.Upsample()(torch.zeros(1, 1, 2)),
        lambda nn, torch: nn.Upsample(2, 3)(torch.zeros(1, 1, 2)),
        lambda nn, torch: nn.Upsample((2, 3))(torch.zeros(1, 1, 2)),
        lambda nn, torch: nn.Upsample(scale_factor=(2, 3))(torch.zeros(1, 1, 2)),
        lambda nn, torch: nn.Upsample(2, mode="bilinear")(torch.zeros(1, 1, 2)),
        lambda nn, torch: nn.Upsample(2, mode="cubic")(torch.zeros(1, 1, 2)),
        lambda nn, torch: nn.Upsample(2, mode="nearest", align_corners=True)(torch.zeros(1, 1, 2)),
        lambda nn, torch: nn.functional.grid_sample(torch.zeros(1), torch.zeros(1), mode="x"),
        lambda nn, torch: nn.functional.affine_grid(torch.zeros(1, 2, 3), (1, 1, 2), False),
        lambda nn, torch: nn.MaxUnpool2d(2)(*[torch.zeros(1, 1, 2, 2)] * 2, output_size=[9, 9]),
        lambda nn, torch: nn.FractionalMaxPool2d(2),
        lambda nn, torch: nn.FractionalMaxPool2d(2, 3, 0.5),
        lambda nn, torch: nn.FractionalMaxPool3d(2, output_ratio=1.5),
        lambda nn, torch: nn.FractionalMaxPool3d(0, 2),
        lambda nn, torch: nn.functional.fractional_max_pool2d(torch.zeros(1, 4, 4), 2),
        lambda nn, torch: nn.AdaptiveLogSoftmaxWithLoss(4, 9, []),
        lambda nn, torch: nn.AdaptiveLogSoftmaxWithLoss(4, 9, [3, 3]),
        lambda nn, torch: nn.AdaptiveLogSoftmaxWithLoss(4, 9, [3, 9]),
        lambda nn, torch: nn.AdaptiveLogSoftmaxWithLoss(4, 9, [3])(torch.zeros(2, 4), torch.tensor([1])),
        lambda nn, torch: nn.AdaptiveLogSoftmaxWithLoss(4, 9, [3])(torch.zeros(1), torch.tensor([1])),
        lambda nn, torch: nn.AdaptiveLogSoftmaxWithLoss(4, 9, [3])(torch.zeros(1, 4), torch.tensor(1)),
        lambda nn, torch: nn.AdaptiveLogSoftmaxWithLoss(4, 9, [3])(torch.zeros(1, 4), torch.tensor([[1]])),
        lambda nn, torch: nn.AdaptiveLogSoftmaxWithLoss(4, 9, [3])(torch.zeros(2, 4), torch.tensor([1, 9])),
        lambda nn, torch: nn.MultiheadAttention(5, 2),
        lambda nn, torch: nn.MultiheadAttention(0, 2),
        lambda nn, torch: nn.MultiheadAttention(4, 2)(*[torch.zeros(2, 1, 6)] * 3),
        lambda nn, torch: nn.MultiheadAttention(4, 2)(torch.zeros(2, 1, 4), torch.zeros(2, 4), torch.zeros(2, 4)),
        lambda nn, torch: nn.MultiheadAttention(4, 2)(*[torch.zeros(2, 1, 4)] * 3, attn_mask=torch.zeros(3, 2)),
        lambda nn, torch: nn.MultiheadAttention(4, 2)(*[torch.zeros(2, 1, 4)] * 3, is_causal=True),
    ],
)
def test_errors(ref, build):
    ref.same_behaviour(build)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_normalisation_over_many_channels(ref, size):
    x = np.random.default_rng(2).standard_normal((2, 9, 2, 3)).astype(np.float32)
    ours, theirs = (lib.CrossMapLRN2d(size, alpha=0.7, beta=0.5) for lib in (nn, ref.nn))
    ref.assert_close(ours(core.from_numpy(x)), theirs(ref.torch.from_numpy(x)))
    # PyTorch's gradient counts the neighbours from one channel further.
    assert autograd.gradcheck(ours, core.from_numpy(x).double().requires_grad_())


def test_conversion_to_synchronised_batch_norm(ref):
    def scenario(nn, torch):
        net = nn.Sequential(
            nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3, eps=0.1), nn.Sequential(nn.BatchNorm1d(2, affine=False))
        )
        norm = net[1].eval()
        weight, mean = norm.weight, norm.running_mean
        mean.add_(1)
        made = nn.SyncBatchNorm.convert_sync_batchnorm(net)
        same = made is net, made[1].weight is weight, made[1].running_mean is mean, made[1].training
        alone = nn.SyncBatchNorm.convert_sync_batchnorm(nn.BatchNorm1d(2))
        x = torch.arange(12.0).reshape(1, 3, 2, 2)
        return (
            repr(made),
            list(made.state_dict()),
            same,
            [round(v, 4) for v in made[1](x).flatten().tolist()],
            repr(alone),
        )

    ref.same_behaviour(scenario)
    with pytest.raises(NotImplementedError, match="'process_group' must be None"):
        nn.SyncBatchNorm(3, process_group=1)


def test_memory_format_of_weights(ref):
    def scenario(nn, torch):
        nets = (
            nn.Sequential(nn.Conv2d(2, 3, 2), nn.ModuleList([nn.ConvTranspose2d(2, 3, 2), nn.Linear(2, 3)])),
            nn.Conv3d(2, 3, 2),
        )
        nn.utils.convert_conv2d_weight_memory_format(nets[0], torch.channels_last)
        nn.utils.convert_conv3d_weight_memory_format(nets[1], torch.channels_last_3d)
        return [p.stride() for net in nets for p in net.parameters()]

    ref.same_behaviour(scenario)


def test_invalid_choices_are_named():
    with pytest.raises(ValueError, match=r"Invalid padding string 'all', should be one of \{'same', 'valid'\}"):
        nn.Conv2d(1, 1, 3, padding="all")
    with pytest.raises(ValueError, match="but got padding_mode='mirror'"):
        nn.Conv2d(1, 1, 3, padding_mode="mirror")


@pytest.mark.parametrize("kwargs", [{}, {"padding_idx": 1}, {"max_norm": 0.5}])
def test_embedding(ref, kwargs):
    ours, theirs = ref.seeded(1, lambda library: library.Embedding(6, 3, **kwargs))
    ref.copy_weights(ours, theirs)
    indices = [[1, 2, 5], [0, 1, 1]]
    out, expected = ours(core.tensor(indices)), theirs(ref.torch.tensor(indices))
    ref.assert_close(out, expected)
    out.sum().backward()
    expected.sum().backward()
    ref.assert_close(ours.weight.grad, theirs.weight.grad)
    ref.assert_close(ours.weight, theirs.weight)


def test_embedding_from_pretrained():
    table = core.tensor([[1.0, 2.0], [3.0, 4.0]])
    layer = nn.Embedding.from_pretrained(table)
    assert not layer.weight.requires_grad
    assert layer(core.tensor([1])).tolist() == [[3.0, 4.0]]
    assert nn.Embedding.from_pretrained(table, freeze=False).weight.requires_grad


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_embedding_bag(ref, mode):
    ours, theirs = ref.seeded(1, lambda library: library.EmbeddingBag(6, 3, mode=mode))
    ref.copy_weights(ours, theirs)
    args = [[1, 2, 5, 0], [0, 3]]
    ref.assert_close(
        ours(*[core.tensor(a) for a in args]),
        theirs(*[ref.torch.tensor(a) for a in args]),
    )
    ref.assert_close(ours(core.tensor([args[0]])), theirs(ref.torch.tensor([args[0]])))


@pytest.mark.parametrize("name", ["Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout"])
def test_dropout_draws_as_the_reference(ref, name):
    shape = {"Dropout1d": (4, 5, 3), "Dropout2d": (4, 5, 2, 2), "Dropout3d": (4, 5, 2, 2, 2)}.get(name, (4, 5))
    ours, theirs = getattr(nn, name)(0.4), getattr(ref.nn, name)(0.4)
    core.manual_seed(5)
    out = ours(core.ones(shape))
    ref.torch.manual_seed(5)
    ref.assert_close(out, theirs(ref.torch.ones(shape)))
    ref.assert_close(ours.eval()(core.ones(shape)), theirs.eval()(ref.torch.ones(shape)))


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("masks", ["none", "bool", "float", "padding", "both", "causal"])
def test_attention_masks(ref, masks, need_weights):
    rng = np.random.default_rng(1)
    x, noise = rng.standard_normal((3, 2, 8)).astype(np.float32), rng.standard_normal((3, 3)).astype(np.float32)
    upper, padding = np.triu(np.ones((3, 3), dtype=bool), 1), np.array([[False, False, True], [False, False, False]])
    given = {
        "none": {},
        "bool": {"attn_mask": upper},
        "float": {"attn_mask": noise},
        "padding": {"key_padding_mask": padding},
        "both": {"attn_mask": upper, "key_padding_mask": padding},
        "causal": {"attn_mask": upper},
    }[masks]
    ours, theirs = ref.seeded(1, lambda library: library.MultiheadAttention(8, 2))
    ref.copy_weights(ours, theirs)

    def run(layer, tensor):
        arguments = {key: tensor(value) for key, value in given.items()}
        if masks == "causal":
            arguments["is_causal"] = True
        return layer(*[tensor(x)] * 3, need_weights=need_weights, average_attn_weights=False, **arguments)

    (out, weights), (expected, expected_weights) = run(ours, core.tensor), run(theirs, ref.torch.tensor)
    ref.assert_close(out, expected, rtol=1e-4, atol=1e-5)
    assert (weights is None) == (expected_weights is None) == (not need_weights)
    if need_weights:
        ref.assert_close(weights, expected_weights)


@pytest.mark.parametrize(("dims", "output_size"), [(1, None), (2, None), (2, [9, 8]), (3, None)])
def test_unpooling(ref, dims, output_size):
    x = np.random.default_rng(1).standard_normal((2, 3, *[8, 8, 4][:dims])).astype(np.float32)

    def run(library, tensor):
        pool = getattr(library, f"MaxPool{dims}d")(2, return_indices=True)
        return getattr(library, f"MaxUnpool{dims}d")(2)(*pool(tensor(x)), output_size=output_size)

    ref.assert_close(run(nn, core.tensor), run(ref.nn, ref.torch.tensor))


@pytest.mark.parametrize(
    ("dims", "settings"),
    [
        (2, {"kernel_size": 2, "output_size": (4, 3)}),
        (2, {"kernel_size": (3, 2), "output_ratio": 0.5}),
        (2, {"kernel_size": 2, "output_size": 1}),
        (3, {"kernel_size": 2, "output_ratio": (0.5, 0.4, 0.6)}),
    ],
)
def test_fractional_pooling(ref, dims, settings):
    array = np.random.default_rng(1).standard_normal((2, 3, *[9, 8, 7][:dims])).astype(np.float32)

    def run(library, tensors):
        tensors.manual_seed(5)
        x = tensors.tensor(array).requires_grad_()
        out, indices = getattr(library, f"FractionalMaxPool{dims}d")(return_indices=True, **settings)(x)
        (out * out).sum().backward()
        return out, indices, x.grad, getattr(library, f"FractionalMaxPool{dims}d")(**settings)(x[0]).shape[0]

    ref.assert_close(run(nn, core), run(ref.nn, ref.torch))


@pytest.mark.parametrize("targets", [[0, 3, 4, 9, 10, 19], [2, 0, 1, 3, 1, 2], 7])
def test_adaptive_softmax(ref, targets):
    ours, theirs = ref.seeded(1, lambda library: library.AdaptiveLogSoftmaxWithLoss(8, 20, [4, 10], div_value=2.0))
    array = 3 * np.random.default_rng(1).standard_normal((6, 8)).astype(np.float32)

    def run(layer, tensors):
        x = tensors.tensor(array if isinstance(targets, list) else array[0]).requires_grad_()
        output, loss = layer(x, tensors.tensor(targets))
        loss.backward()
        batch = tensors.tensor(array)
        return output, loss, x.grad, layer.head.weight.grad, layer.log_prob(batch), layer.predict(batch)

    ref.assert_close(run(ours, core), run(theirs, ref.torch), rtol=1e-4, atol=1e-5)
    ours.reset_parameters()


def test_every_module_is_tested(ref):
    """All of PyTorch's modules are here, but for those of several processes, and each has its place in these tests."""
    elsewhere = {"DataParallel", "Container", "NLLLoss2d", "Module", "RNNBase", "RNNCellBase"}
    theirs = [name for name, x in vars(ref.nn).items() if isinstance(x, type) and issubclass(x, ref.nn.Module)]
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    for name in set(theirs) - elsewhere:
        assert hasattr(nn, name), name
        assert re.search(rf"\b{name.removeprefix('Lazy')}\b", tests), name
