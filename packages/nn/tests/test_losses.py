"""Losses against PyTorch's, as functions and modules, with every reduction."""

from __future__ import annotations

import numpy as np
import pytest

import corten_nn as nn
import corten_tensor_core as core

RNG = np.random.default_rng(11)
SCORES = RNG.standard_normal((4, 5)).astype(np.float32)
OTHER = RNG.standard_normal((4, 5)).astype(np.float32)
THIRD = RNG.standard_normal((4, 5)).astype(np.float32)
PROBS = RNG.uniform(0.05, 0.95, (4, 5)).astype(np.float32)
DIST = PROBS / PROBS.sum(1, keepdims=True)
CLASSES = np.array([1, 0, 4, 2])
SOME_CLASSES = np.array([1, -100, 4, 2])
SIGNS = np.array([1, -1, -1, 1], dtype=np.float32)
SIGN_MATRIX = np.sign(OTHER)
WEIGHT = RNG.uniform(0.5, 1.5, 5).astype(np.float32)
POSITIVE = np.abs(THIRD) + 0.1
LABELS = np.array([[1, 3, -1, 0, 2], [0, -1, 1, 2, 3], [-1, 0, 0, 0, 0], [4, 3, 2, 1, 0]])
IMAGE_SCORES = RNG.standard_normal((2, 3, 4, 4)).astype(np.float32)
IMAGE_CLASSES = RNG.integers(0, 3, (2, 4, 4))

# name, settings, inputs, constant arguments by name
LOSSES = [
    ("mse_loss", {}, (SCORES, OTHER), {}),
    ("mse_loss", {}, (SCORES, OTHER), {"weight": POSITIVE}),
    ("l1_loss", {}, (SCORES, OTHER), {}),
    ("l1_loss", {}, (SCORES, OTHER), {"weight": POSITIVE}),
    ("smooth_l1_loss", {"beta": 0.5}, (SCORES, OTHER), {}),
    ("smooth_l1_loss", {"beta": 0.0}, (SCORES, OTHER), {}),
    ("huber_loss", {"delta": 0.5}, (SCORES, OTHER), {}),
    ("huber_loss", {"delta": 0.5}, (SCORES, OTHER), {"weight": POSITIVE}),
    ("cross_entropy", {}, (SCORES, CLASSES), {}),
    ("cross_entropy", {}, (SCORES[0], CLASSES[0]), {}),
    ("cross_entropy", {}, (SCORES, SOME_CLASSES), {"weight": WEIGHT}),
    ("cross_entropy", {"ignore_index": 4}, (SCORES, CLASSES), {}),
    ("cross_entropy", {"label_smoothing": 0.1}, (SCORES, SOME_CLASSES), {"weight": WEIGHT}),
    ("cross_entropy", {"label_smoothing": 0.1}, (SCORES, DIST), {"weight": WEIGHT}),
    ("cross_entropy", {}, (SCORES, DIST), {}),
    ("cross_entropy", {}, (IMAGE_SCORES, IMAGE_CLASSES), {}),
    ("nll_loss", {}, (np.log(DIST), CLASSES), {}),
    ("nll_loss", {"ignore_index": 2}, (np.log(DIST), CLASSES), {"weight": WEIGHT}),
    ("nll_loss", {}, (IMAGE_SCORES, IMAGE_CLASSES), {}),
    ("binary_cross_entropy", {}, (PROBS, DIST), {}),
    ("binary_cross_entropy", {}, (PROBS, DIST), {"weight": WEIGHT}),
    ("binary_cross_entropy_with_logits", {}, (SCORES, DIST), {}),
    ("binary_cross_entropy_with_logits", {}, (SCORES, DIST), {"weight": WEIGHT, "pos_weight": WEIGHT}),
    ("kl_div", {}, (np.log(DIST), DIST), {}),
    ("kl_div", {"log_target": True}, (np.log(DIST), np.log(DIST[::-1].copy())), {}),
    ("poisson_nll_loss", {}, (SCORES, POSITIVE), {}),
    ("poisson_nll_loss", {"log_input": False, "full": True}, (PROBS, POSITIVE * 3), {}),
    ("gaussian_nll_loss", {}, (SCORES, OTHER, POSITIVE), {}),
    ("gaussian_nll_loss", {"full": True}, (SCORES, OTHER, POSITIVE[:, :1].copy()), {}),
    ("gaussian_nll_loss", {"full": True}, (SCORES, OTHER, POSITIVE[:, 0].copy()), {}),
    ("hinge_embedding_loss", {"margin": 0.7}, (SCORES, SIGN_MATRIX), {}),
    ("cosine_embedding_loss", {"margin": 0.1}, (SCORES, OTHER, SIGNS), {}),
    ("margin_ranking_loss", {"margin": 0.1}, (SCORES[:, 0].copy(), OTHER[:, 0].copy(), SIGNS), {}),
    ("soft_margin_loss", {}, (SCORES, SIGN_MATRIX), {}),
    ("multi_margin_loss", {}, (SCORES, CLASSES), {}),
    ("multi_margin_loss", {"p": 2, "margin": 0.5}, (SCORES, CLASSES), {"weight": WEIGHT}),
    ("multi_margin_loss", {}, (SCORES[0], CLASSES[0]), {}),
    ("multilabel_margin_loss", {}, (SCORES, LABELS), {}),
    ("multilabel_margin_loss", {}, (SCORES[0], LABELS[0]), {}),
    ("multilabel_soft_margin_loss", {}, (SCORES, (OTHER > 0).astype(np.float32)), {"weight": WEIGHT}),
    ("triplet_margin_loss", {"swap": True}, (SCORES, OTHER, THIRD), {}),
    ("triplet_margin_loss", {"p": 1, "margin": 2.0}, (SCORES, OTHER, THIRD), {}),
    ("triplet_margin_with_distance_loss", {"margin": 0.5}, (SCORES, OTHER, THIRD), {}),
]


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("case", LOSSES, ids=lambda case: f"{case[0]}-{case[1]}-{','.join(case[3])}")
def test_function(ref, case, reduction):
    name, settings, inputs, constants = case

    def run(library, tensor):
        xs = [tensor(x) for x in inputs]
        xs[0].requires_grad_()
        extra = {key: tensor(value) for key, value in constants.items()}
        loss = getattr(library.functional, name)(*xs, reduction=reduction, **settings, **extra)
        loss.sum().backward()
        return loss, xs[0].grad

    ours = run(nn, lambda x: core.tensor(x))
    theirs = run(ref.nn, lambda x: ref.torch.tensor(x))
    ref.assert_close(ours, theirs, rtol=2e-5, atol=1e-6)


MODULES = [
    ("L1Loss", {}, (SCORES, OTHER)),
    ("MSELoss", {"reduction": "sum"}, (SCORES, OTHER)),
    ("SmoothL1Loss", {"beta": 0.3}, (SCORES, OTHER)),
    ("HuberLoss", {"delta": 0.3}, (SCORES, OTHER)),
    ("CrossEntropyLoss", {"label_smoothing": 0.2, "ignore_index": 1}, (SCORES, CLASSES)),
    ("NLLLoss", {}, (SCORES, CLASSES)),
    ("BCELoss", {}, (PROBS, DIST)),
    ("BCEWithLogitsLoss", {}, (SCORES, DIST)),
    ("KLDivLoss", {"reduction": "batchmean"}, (np.log(DIST), DIST)),
    ("PoissonNLLLoss", {}, (SCORES, POSITIVE)),
    ("GaussianNLLLoss", {"full": True}, (SCORES, OTHER, POSITIVE)),
    ("HingeEmbeddingLoss", {}, (SCORES, SIGN_MATRIX)),
    ("CosineEmbeddingLoss", {}, (SCORES, OTHER, SIGNS)),
    ("MarginRankingLoss", {}, (SCORES[:, 0].copy(), OTHER[:, 0].copy(), SIGNS)),
    ("SoftMarginLoss", {}, (SCORES, SIGN_MATRIX)),
    ("MultiMarginLoss", {"p": 2}, (SCORES, CLASSES)),
    ("MultiLabelMarginLoss", {}, (SCORES, LABELS)),
    ("MultiLabelSoftMarginLoss", {}, (SCORES, (OTHER > 0).astype(np.float32))),
    ("TripletMarginLoss", {"margin": 0.8}, (SCORES, OTHER, THIRD)),
    ("TripletMarginWithDistanceLoss", {}, (SCORES, OTHER, THIRD)),
]


@pytest.mark.parametrize("case", MODULES, ids=lambda case: case[0])
def test_module(ref, case):
    name, settings, inputs = case
    ours, theirs = getattr(nn, name)(**settings), getattr(ref.nn, name)(**settings)
    assert repr(ours) == repr(theirs)
    ref.assert_close(ours(*map(core.tensor, inputs)), theirs(*map(ref.torch.tensor, inputs)), rtol=2e-5)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("out_features", [(), (2,)])
@pytest.mark.parametrize("settings", [{}, {"ignore_index": 1, "reduction": "sum"}, {"label_smoothing": 0.2}], ids=str)
def test_cross_entropy_of_a_linear_layer(ref, settings, out_features, bias):
    ours, theirs = ref.seeded(
        3, lambda nn: nn.LinearCrossEntropyLoss(SCORES.shape[1], 5, out_features=out_features, bias=bias, **settings)
    )
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    classes = np.random.default_rng(1).integers(0, 5, (len(SCORES), *out_features))
    probabilities = np.random.default_rng(1).random((len(SCORES), 5, *out_features)).astype(np.float32)
    for target in (classes, probabilities):
        if target is probabilities and "ignore_index" in settings:
            continue
        x, y = core.tensor(SCORES, requires_grad=True), ref.torch.tensor(SCORES, requires_grad=True)
        losses = ours(x, core.tensor(target)), theirs(y, ref.torch.tensor(target))
        ref.assert_close(*losses, rtol=2e-5)
        for loss in losses:
            loss.backward()
        ref.assert_close(x.grad, y.grad, rtol=2e-5)
    ref.assert_close(ours.linear.weight.grad, theirs.linear.weight.grad, rtol=2e-5)


def test_weights_are_buffers(ref):
    def scenario(nn, torch):
        loss = nn.BCEWithLogitsLoss(torch.ones(3), pos_weight=torch.ones(3))
        return list(loss.state_dict()), list(nn.CrossEntropyLoss().state_dict()), nn.NLLLoss().weight

    ref.same_behaviour(scenario)


def test_ctc_loss(ref):
    rng = np.random.default_rng(0)
    scores = rng.standard_normal((6, 2, 4)).astype(np.float32)

    def run(library, tensor):
        x = tensor(scores).requires_grad_()
        log_probs = library.functional.log_softmax(x, 2)
        loss = library.CTCLoss()(log_probs, tensor(np.array([[1, 2], [3, 1]])), (6, 5), (2, 1))
        loss.backward()
        return loss, x.grad

    ref.assert_close(run(nn, core.tensor), run(ref.nn, ref.torch.tensor), rtol=1e-4)


@pytest.mark.parametrize(
    "scenario",
    [
        lambda nn, torch: nn.functional.mse_loss(torch.zeros(2), torch.zeros(2), reduction="avg"),
        lambda nn, torch: nn.functional.mse_loss(torch.zeros(2), torch.zeros(2), weight=torch.zeros(3)),
        lambda nn, torch: nn.functional.binary_cross_entropy(torch.zeros(2), torch.zeros(3)),
        lambda nn, torch: nn.functional.binary_cross_entropy_with_logits(torch.zeros(2), torch.zeros(3)),
        lambda nn, torch: nn.functional.gaussian_nll_loss(torch.zeros(2), torch.zeros(2), -1.0),
        lambda nn, torch: nn.functional.gaussian_nll_loss(torch.zeros(2), torch.zeros(2), torch.ones(3)),
        lambda nn, torch: nn.functional.triplet_margin_loss(*[torch.zeros(2, 2)] * 3, margin=0),
        lambda nn, torch: nn.functional.triplet_margin_loss(torch.zeros(2, 2), torch.zeros(2), torch.zeros(2)),
        lambda nn, torch: nn.functional.margin_ranking_loss(torch.zeros(2, 2), torch.zeros(2), torch.zeros(2)),
        lambda nn, torch: nn.functional.multi_margin_loss(torch.zeros(2, 2), torch.tensor([0, 1]), p=3),
        lambda nn, torch: nn.MultiMarginLoss(weight=torch.zeros(2, 2)),
        lambda nn, torch: nn.TripletMarginLoss(margin=-1),
        lambda nn, torch: nn.functional.linear_cross_entropy(*[torch.zeros(2, 2, 2)] * 3),
        lambda nn, torch: nn.functional.linear_cross_entropy(torch.zeros(2, 2), torch.zeros(2), torch.zeros(2)),
        lambda nn, torch: nn.functional.linear_cross_entropy(torch.zeros(2, 2), torch.zeros(3, 4), torch.zeros(2)),
        lambda nn, torch: nn.functional.linear_cross_entropy(torch.zeros(2), torch.zeros(3, 4, 2), torch.zeros(2)),
        lambda nn, torch: nn.functional.linear_cross_entropy(
            torch.zeros(2, 2), torch.zeros(3, 2), torch.zeros(2, 3), ignore_index=1
        ),
        lambda nn, torch: nn.functional.linear_cross_entropy(
            torch.zeros(2, 2), torch.zeros(3, 2), torch.zeros(2, 3), linear_bias=torch.zeros(2)
        ),
        lambda nn, torch: nn.LinearCrossEntropyLoss(2, 3, weight=torch.zeros(2)),
        lambda nn, torch: nn.LinearCrossEntropyLoss(2, 3, label_smoothing=2.0),
    ],
)
def test_errors(ref, scenario):
    ref.same_behaviour(scenario)


def test_sizes_that_broadcast_warn():
    with pytest.warns(UserWarning, match="Using a target size"):
        nn.MSELoss()(core.zeros(2, 1), core.zeros(2))


@pytest.mark.parametrize(("size_average", "reduce", "expected"), [(False, None, "sum"), (None, False, "none")])
def test_deprecated_flags(size_average, reduce, expected):
    with pytest.warns(UserWarning, match=f"reduction='{expected}'"):
        assert nn.L1Loss(size_average, reduce).reduction == expected
