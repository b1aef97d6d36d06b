"""Samples for the rows of the neural families, in the signatures of `nn.functional`, which both libraries share."""

from __future__ import annotations

from tests.sampling import Spec, Template, b, calls, i, x

N = Spec((4,), 0, 2, "int64")  # classes below 3
_LABELS = Spec((2, 3), 1, 3, "int64")
_STARTS = Spec((2,), 0, 0, "int64")
_BORDERS = ("reflect", "replicate", "circular")
_NEAREST = ("upsample_nearest", "_upsample_nearest_exact")
_PLANES = ("upsample_bilinear2d", "upsample_bicubic2d", "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa")


def _conv(dims: int) -> list[Template]:
    side = (5, 4, 3)[:dims]
    kernel = (3, 2, 2)[:dims]
    return calls(
        (x(2, 4, *side), x(6, 4, *kernel)),
        (x(4, *side), x(6, 4, *kernel), x(6)),
        (x(2, 4, *side), x(6, 2, *kernel), x(6), 2, 1, 1, 2),
        (x(1, 4, *side), x(4, 1, *kernel), {"groups": 4, "padding": 2, "dilation": 2}),
        (x(0, 4, *side), x(6, 4, *kernel)),
        (x(2, 3, *side), x(6, 4, *kernel)),
        (x(2, 4, *side), x(6, 4, *kernel), {"stride": 0}),
    )


def _same(dims: int) -> list[Template]:
    side, kernel = (5, 4, 3)[:dims], (3, 2, 2)[:dims]
    return calls(
        (x(2, 4, *side), x(6, 4, *kernel), None, 1, "same"),
        (x(2, 4, *side), x(6, 4, *kernel), None, 2, "valid"),
        (x(2, 4, *side), x(6, 4, *kernel), None, 2, "same"),
        (x(2, 4, *side), x(6, 4, *kernel), None, 1, "half"),
    )


def _transposed(dims: int) -> list[Template]:
    side, kernel = (4, 3, 2)[:dims], (3, 2, 2)[:dims]
    return calls(
        (x(2, 4, *side), x(4, 3, *kernel)),
        (x(2, 4, *side), x(4, 3, *kernel), x(3), 2, 1, 1),
        (x(2, 4, *side), x(4, 2, *kernel), x(4), {"groups": 2, "dilation": 2}),
        (x(2, 4, *side), x(4, 3, *kernel), {"output_padding": 1}),
    )


def _pool(dims: int, average: bool) -> list[Template]:
    shape = (2, 3, *(6, 5, 4)[:dims])
    own = {"count_include_pad": False} if average else {"dilation": 2}
    return calls(
        (x(*shape), 2),
        (x(*shape[1:]), 3, 1, 1),
        (x(*shape), 2, {"stride": 2, "ceil_mode": True}),
        (x(*shape), 2, {"padding": 1, **own}),
        (x(*shape), 2, {"padding": 2}),
        (x(*shape), 9),
        (x(*shape), 2, 0),
    )


def _adaptive(dims: int) -> list[Template]:
    shape = (2, 3, *(6, 5, 4)[:dims])
    return calls((x(*shape), 1), (x(*shape[1:]), (3, 2, 3)[:dims]), (x(*shape), 4), (x(*shape), 7), (x(*shape), -1))


def _resample(dims: int, lines: bool) -> list[Template]:
    shape, corners = (2, 3, *(6, 5, 4)[:dims]), (False,) if lines else ()
    out = calls(
        (x(*shape), (9, 3, 4)[:dims], *corners, None),
        (x(*shape), None, *corners, (1.7, 0.6, 2.0)[:dims]),
        (x(0, *shape[1:]), (4, 4, 4)[:dims], *corners, None),
        (x(*shape), (4, 4, 4)[:dims], *corners, (2.0, 2.0, 2.0)[:dims]),
        (x(*shape), None, *corners, None),
        (x(*shape), (0, 4, 4)[:dims], *corners, None),
        (x(2, 0, *shape[2:]), (4, 4, 4)[:dims], *corners, None),
        (x(*shape[1:]), (4, 4, 4)[:dims], *corners, None),
    )
    return [*out, *calls((x(*shape), (9, 3, 4)[:dims], True, None))] if lines else out


def _grid_sample(dims: int) -> list[Template]:
    # Of halves PyTorch computes the positions in halves too, and loses most digits.
    modes = (0, 1, 2) if dims == 2 else (0, 1)
    return calls(
        *(
            (
                Spec((2, 3, *(5, 4, 3)[:dims]), dtype="float64"),
                Spec((2, *(2, 3, 2)[:dims], dims), -1.5, 1.5, "float64"),
                mode,
                padding,
                mode != padding,
            )
            for mode in modes
            for padding in (0, 1, 2)
        ),
        (x(0, 3, *(5, 4, 3)[:dims]), x(0, *(2, 3, 2)[:dims], dims), 0, 0, True),
    )


_LOSS = calls(
    *((x(2, 3), x(2, 3), {"reduction": how}) for how in ("mean", "sum", "none")),
    (x(2, 3), x(2, 3), {"reduction": "average"}),
    (x(0), x(0)),
)
_UNIT = [
    Template((Spec((2, 3), 0.05, 0.95), Spec((2, 3), 0.0, 1.0)), {"reduction": how}) for how in ("mean", "sum", "none")
]
_CLASSES = calls(
    *((x(4, 3), N, {"reduction": how}) for how in ("mean", "sum", "none")),
    (x(4, 3), N, Spec((3,), 0.5, 2.0)),
    (x(4, 3), N, {"ignore_index": 1}),
    (x(3), Spec((), 0, 2, "int64")),
    (x(2, 3, 4), Spec((2, 4), 0, 2, "int64")),
    (x(4, 3), Spec((5,), 0, 2, "int64")),
)
_BATCH = calls(
    (x(4, 3), None, None, None, None, True),
    (x(4, 3, 2), x(3), Spec((3,), 0.5, 2.0), x(3), x(3), True),
    (x(4, 3), x(3), Spec((3,), 0.5, 2.0), None, None, False),
    (x(2, 3, 2, 2), x(3), Spec((3,), 0.5, 2.0), x(3), x(3), False, 0.2, 1e-3),
    (x(1, 3), None, None, None, None, True),
)

NEURAL: dict[str, list[Template]] = {
    **{f"conv{dims}d": _conv(dims) for dims in (1, 2, 3)},
    **{f"conv{dims}d.padding": _same(dims) for dims in (1, 2, 3)},
    **{f"conv_transpose{dims}d": _transposed(dims) for dims in (1, 2, 3)},
    "convolution": calls(
        (x(2, 4, 5), x(6, 4, 3), None, (1,), (0,), (1,), False, (0,), 1),
        (x(2, 4, 5, 4), x(4, 3, 2, 2), x(3), (2, 1), (1, 0), (1, 1), True, (1, 0), 1),
    ),
    **{f"max_pool{dims}d{kind}": _pool(dims, False) for dims in (1, 2, 3) for kind in ("", "_with_indices")},
    **{f"avg_pool{dims}d": _pool(dims, True) for dims in (1, 2, 3)},
    **{f"adaptive_{kind}_pool{dims}d": _adaptive(dims) for dims in (1, 2, 3) for kind in ("avg", "max")},
    **{f"{name}{dims}d": _resample(dims, False) for dims in (1, 2, 3) for name in _NEAREST},
    "upsample_linear1d": _resample(1, True),
    "upsample_trilinear3d": _resample(3, True),
    **dict.fromkeys(_PLANES, _resample(2, True)),
    "affine_grid_generator": calls(
        *((Spec((2, 2, 3), dtype="float64"), (2, 1, 3, 4), corners) for corners in (False, True)),
        *((Spec((1, 3, 4), dtype="float64"), (1, 2, 3, 1, 2), corners) for corners in (False, True)),
    ),
    "grid_sampler": [
        *_grid_sample(2),
        *_grid_sample(3),
        *calls(
            (x(2, 3, 5, 4), x(1, 2, 2, 2), 0, 0, False),
            (x(2, 3, 5, 4), x(2, 2, 2, 3), 0, 0, False),
            (x(2, 3, 0, 4), x(2, 2, 2, 2), 0, 0, False),
            (x(1, 1, 3, 3, 3), x(1, 2, 2, 2, 3), 2, 0, False),
        ),
    ],
    **{f"grid_sampler_{dims}d": _grid_sample(dims) for dims in (2, 3)},
    "layer_norm": calls((x(2, 3), (3,)), (x(2, 3, 4), (3, 4), x(3, 4), x(3, 4)), (x(2, 3), (2,)), (x(0, 3), (3,))),
    "native_layer_norm": calls((x(2, 3), (3,), None, None, 1e-5), (x(2, 3, 4), (3, 4), x(3, 4), x(3, 4), 1e-3)),
    "batch_norm": [
        Template((template.args[0], *template.args[3:5], *template.args[1:3], *template.args[5:]))
        for template in _BATCH
    ],
    "native_batch_norm": calls(
        (x(4, 3), None, None, None, None, True, 0.1, 1e-5),
        (x(4, 3), x(3), x(3), x(3), Spec((3,), 0.5, 2.0), False, 0.1, 1e-5),
    ),
    "group_norm": calls((x(2, 4, 3), 2), (x(2, 4), 4, x(4), x(4)), (x(2, 4, 3), 3)),
    "instance_norm": calls((x(2, 4, 3),), (x(2, 4, 3), None, None, x(4), x(4)), (x(4, 3),)),
    "rms_norm": calls((x(2, 3), (3,)), (x(2, 3, 4), (3, 4), x(3, 4), 1e-3), (x(2, 3), (2,))),
    **dict.fromkeys(("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"), _LOSS),
    "kl_div": calls(*((x(2, 3), Spec((2, 3), 0.1, 1.0), {"reduction": how}) for how in ("batchmean", "sum", "none"))),
    "binary_cross_entropy": _UNIT,
    "binary_cross_entropy_with_logits": [
        *_UNIT,
        *calls((x(2, 3), Spec((2, 3), 0.0, 1.0), {"pos_weight": Spec((3,), 0.5, 2.0)})),
    ],
    "nll_loss": _CLASSES,
    "ctc_loss": calls(
        *((x(6, 2, 4, high=0.0), _LABELS, (6, 5), (3, 1), {"reduction": how}) for how in ("mean", "sum", "none")),
        (x(6, 2, 4, high=0.0), Spec((4,), 0, 2, "int64", "contiguous"), (4, 6), (3, 1), 3),
        (x(6, 2, 4, high=0.0), _LABELS, (1, 0), (3, 0), {"reduction": "sum", "zero_infinity": True}),
        (x(6, 4, high=0.0), Spec((2,), 1, 3, "int64"), (5,), (2,)),
        (x(6, 2, 4), _LABELS, (7, 5), (3, 1)),
        (x(6, 2, 4), _LABELS, (6, 5), (4, 1)),
        (x(6, 2, 4), _LABELS, (6,), (3, 1)),
        (x(6, 2, 4), _LABELS, (6, 5), (3, 1), 4),
    ),
    "ctc_loss.tensor": calls(
        (x(6, 2, 4, high=0.0), _LABELS, Spec((2,), 6, 6, "int64"), Spec((2,), 2, 3, "int64")),
        (x(6, 2, 4, high=0.0), _LABELS, Spec((2,), 5, 5, "float32"), Spec((2,), 2, 2, "int64")),
    ),
    "cross_entropy_loss": [
        *_CLASSES,
        *calls((x(4, 3), N, {"label_smoothing": 0.1}), (x(4, 3), Spec((4, 3), 0.0, 1.0))),
    ],
    "embedding": calls(
        (i(5, 2, 3), x(5, 4)), (i(5), x(5, 4)), (i(5, 2), x(5, 4), 1), (i(9, 9), x(5, 4)), (x(2), x(5, 4))
    ),
    "embedding_bag": calls(
        *((i(5, 6), x(5, 4), _STARTS, {"mode": mode}) for mode in ("sum", "mean", "max")),
        *((i(5, 2, 3), x(5, 4), {"mode": mode, "padding_idx": 1}) for mode in ("sum", "mean", "max")),
        (i(5, 6), x(5, 4), _STARTS, {"mode": "sum", "per_sample_weights": x(6)}),
        (i(5, 0), x(5, 4), _STARTS, {"mode": "mean", "include_last_offset": True}),
        (i(5, 0), x(5, 4), Spec((2,), 0, 0, "int64")),
        (i(5, 6), x(5, 4), _STARTS, {"mode": "middle"}),
        (i(5, 6), x(5, 4), Spec((2,), 1, 1, "int64")),
        (Spec((3,), 7, 9, "int64"), x(5, 4), Spec((1,), 0, 0, "int64")),
    ),
    "one_hot": calls((i(4, 2, 3),), (i(4, 3), 6), (i(4, 9), 2), (i(4, 0),), (i(4),)),
    **{
        name: calls((x(2, 3, 4), 0.5, False), (x(2, 3, 4), 0.0, True), (x(2, 3, 4), 1.5, True))
        for name in ("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout")
    },
    # PyTorch's result is contiguous for no reason.
    "rrelu_with_noise": calls(
        (Spec((2, 3), layout="contiguous"), x(2, 3)), (Spec((2, 3), layout="contiguous"), x(2, 3), 0.2, 0.4)
    ),
    "rrelu": calls((x(2, 3),), (x(2, 3), 0.2, 0.4)),
    "scaled_dot_product_attention": calls(
        (x(2, 3, 4), x(2, 5, 4), x(2, 5, 6)),
        (x(2, 3, 4), x(2, 3, 4), x(2, 3, 4), {"is_causal": True}),
        (x(2, 3, 4), x(2, 3, 4), x(2, 3, 4), b(3, 3), {"scale": 0.3}),
        (x(2, 3, 4), x(2, 3, 4), x(2, 3, 4), x(3, 3)),
    ),
    "pixel_shuffle": calls((x(2, 4, 3, 3), 2), (x(2, 4, 3, 3), 3), (x(4, 2, 3), 2), (x(2, 4, 3, 3), 0)),
    "pixel_unshuffle": calls((x(2, 1, 4, 4), 2), (x(2, 1, 4, 4), 3), (x(2, 1, 4, 4), 0)),
    "channel_shuffle": calls((x(2, 4, 3, 3), 2), (x(2, 4, 3, 3), 3)),
    "pad": calls(
        *((x(2, 3, 4), (1, 2), mode) for mode in ("constant", *_BORDERS)),
        (x(2, 3, 4), (1, 2, 0, 1), "constant", 2.0),
        *((x(1, 2, 3, 4), (2, 1, -1, 2), mode) for mode in _BORDERS),
        (x(1, 2, 3, 4), (1, 0, 2, 1, 0, 1), "reflect"),
        (x(2, 3, 4), (4, 0), "reflect"),
        (x(2, 3, 4), (-1, 0)),
        (x(2, 3, 4), (1,)),
    ),
    "cosine_similarity": calls((x(2, 3), x(2, 3)), (x(2, 3), x(3), 1), (x(4), x(4), 0)),
    "pairwise_distance": calls((x(2, 3), x(2, 3)), (x(2, 3), x(3), 1.0), (x(2, 3), x(2, 3), 2.0, 1e-6, True)),
    "bilinear": calls(
        (x(2, 3), x(2, 4), x(5, 3, 4)), (x(2, 3), x(2, 4), x(5, 3, 4), x(5)), (x(2, 3), x(3, 4), x(5, 3, 4))
    ),
}
