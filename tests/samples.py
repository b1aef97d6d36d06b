"""Samples for the rows of the op table that no domain hint describes: shapes that must fit, indices, factories.

`x(2, 3)` is a tensor of that shape whose dtype, layout and values the tests choose; `i(high, 2, 3)` one of indices
below `high`; `b(2, 3)` a mask. A sample is a tuple of arguments, with a dict at its end where there are keywords.
"""

from __future__ import annotations

from tests.samples_neural import NEURAL
from tests.sampling import ROWS_DIFFER, Name, Spec, Template, b, calls, i, x

_CAST = calls((x(2, 3),), (x(),), (x(0, 2),), (x(2, 1, 3),))
_SIZES = calls(((2, 3),), (2, 3), ((),), (0, 2), (3, {"dtype": Name("int64")}), ((2,), {"dtype": Name("complex64")}))
_LIKE = calls((x(2, 3),), (x(),), (x(3, 1, 2), {"dtype": Name("float64")}), (x(0, 2),))
_NEW = calls((x(2), (2, 3)), (x(), ()), (x(2), (0, 3)), (x(2), (3,), {"dtype": Name("int32")}))
_SCATTER = calls((x(3, 4), x(4), 0, 1), (x(3, 4), x(3), 1, -1))

_SPLIT = calls((x(2, 4, 6), 2), (x(4, 4, 3), [1, 3]), (x(4), 2), (x(4, 2), 3), (x(), 1))
_QUANTILE = calls(
    *((x(3, 5), 0.3, 1, {"interpolation": how}) for how in ("linear", "lower", "higher", "midpoint", "nearest")),
    (x(5), 0.5),
    (x(3, 4), 0.25, 0, True),
    (x(5), 1.5),
    (x(0), 0.5),
    (x(), 0.5),
)
_TALL = Spec((4, 3), kind=ROWS_DIFFER)
_SYMMETRIC = Spec((3, 3), kind="symmetric")
_TRIANGULAR, _SQUARE = Spec((3, 3), kind="triangular"), Spec((3, 3), kind="invertible")
_PIVOTS = Spec((3,), 3, 3, "int32")

EXPLICIT: dict[str, list[Template]] = {
    **NEURAL,
    # linear algebra
    "linalg_norm": calls(
        *((x(3, 4), p) for p in (None, "fro", "nuc", 1, -1, 2, -2, float("inf"), float("-inf"))),
        (x(4), 3),
        (x(2, 3, 4), 2, (0, 2), True),
        (x(2, 3, 4), None, 1),
        (x(0, 3),),
        (x(3, 4), "fro", {"dtype": Name("float64")}),
    ),
    "linalg_matrix_norm": calls(
        *((x(3, 4), p) for p in ("fro", "nuc", 1, -1, 2, -2, float("inf"), float("-inf"))),
        (x(2, 3, 4), 2, (0, 2), True),
        (x(4),),
        (x(3, 4), 3),
        (x(3, 4), "fro", (0, 0)),
    ),
    "norm.name": calls(
        (x(3, 4), "fro"), (x(3, 4), "nuc"), (x(2, 3, 4), "fro", (0, 2), True), (x(3), "nuc"), (x(2), "max")
    ),
    "linalg_pinv": calls(
        (_TALL,), (_SYMMETRIC, {"hermitian": True}), (_TALL, {"rtol": 0.3}), (_TALL, {"atol": 0.5}), (x(3),)
    ),
    "linalg_pinv.rcond": calls((_TALL, 0.3), (_SYMMETRIC, 1e-5, True)),
    "linalg_vander": calls((x(4),), (x(2, 3),), (x(3), {"N": 5}), (x(3), {"N": 1})),
    "linalg_vecdot": calls((x(2, 3), x(2, 3)), (x(2, 3), x(3)), (x(2, 3), x(2, 3), {"dim": 0}), (x(2), x(3))),
    "cholesky_inverse": calls((_TRIANGULAR,), (_TRIANGULAR, True)),
    "cholesky_solve": calls((x(3, 2), _TRIANGULAR), (x(3, 2), _TRIANGULAR, True)),
    "linalg_lu_solve": calls((_SQUARE, _PIVOTS, x(3, 2)), (_SQUARE, _PIVOTS, x(3, 2), {"adjoint": True})),
    "lu_solve": calls((x(3, 2), _SQUARE, _PIVOTS)),
    "linalg_tensorinv": calls((_SQUARE, 1), (_SQUARE, 0)),
    "linalg_tensorsolve": calls((_SQUARE, x(3)), (_SQUARE, x(4))),
    "triangular_solve": calls(
        (x(3, 2), _TRIANGULAR), (x(3, 2), _TRIANGULAR, False), (x(3, 2), _TRIANGULAR, True, True, True)
    ),
    "lu_unpack": calls(
        (_SQUARE, _PIVOTS), (x(3, 4), _PIVOTS), (_SQUARE, _PIVOTS, False), (_SQUARE, _PIVOTS, True, False)
    ),
    "linalg_householder_product": calls(
        (x(4, 3), x(3)), (x(4, 3), x(2)), (x(2, 4, 3), x(2, 3)), (x(3, 4), x(3)), (x(4, 3), x(4)), (x(4, 3), x(2, 3))
    ),
    "ormqr": calls(
        (x(4, 3), x(3), x(4, 2)),
        (x(4, 3), x(3), x(4, 2), True, True),
        (x(4, 3), x(3), x(2, 4), False),
        (x(4, 3), x(3), x(2, 4), False, True),
        (x(4, 3), x(3), x(2, 4)),
    ),
    "linalg_ldl_solve": calls(
        (_SQUARE, _PIVOTS, x(3, 2)),
        (Spec((2, 2), kind="invertible"), Spec((2,), -2, -2, "int32"), x(2, 3)),
        (_SQUARE, _PIVOTS, x(2, 3, 2), {"hermitian": True}),
        (_SQUARE, _PIVOTS, x(4, 2)),
    ),
    "fft_fftfreq": calls((5,), (4, 0.5), (6, {"dtype": Name("float64")})),
    "fft_rfftfreq": calls((5,), (4, 0.5), (6, {"dtype": Name("float64")})),
    # derived
    "unique_consecutive": calls(  # by keyword: PyTorch takes a positional flag for another
        (i(3, 9),),
        (i(2, 2, 5), {"return_inverse": True}),
        (i(2, 9), {"return_counts": True}),
        (i(2, 2, 5), {"return_inverse": True, "return_counts": True}),
        (i(2, 5, 1), {"return_inverse": True, "dim": 0}),
        (i(2, 1, 5), {"return_counts": True, "dim": -1}),
        (x(),),
        (x(0),),
        (x(2, 0), {"dim": 0}),
    ),
    "repeat_interleave": calls(
        (x(3), 2), (x(2, 3), 2, 0), (x(3), i(3, 3)), (x(2, 3), i(3, 3), -1), (x(2), -1), (x(2), i(3, 3))
    ),
    "bincount": calls((i(5, 6),), (i(5, 6), None, 8), (i(5, 4), x(4)), (i(5, 0),), (i(5, 4), x(3)), (i(5, 2, 2),)),
    "histc": calls((x(10),), (x(10), 5, -2, 2), (x(3), 4, 1, 1), (x(3), 0), (x(3), 2, 3, 1)),
    "histogram": calls(
        (x(10),),
        (x(2, 5), 4),
        (x(10), 5, {"range": (-2.0, 2.0)}),
        (x(10), 5, {"weight": x(10), "density": True}),
        (x(3), 0),
        (x(3), 2, {"range": (3.0, 1.0)}),
        (x(0), 3),
        (x(4), 3, {"weight": x(3)}),
    ),
    "histogramdd": calls(
        (x(10, 2), 3),
        (x(2, 5, 2), [2, 4]),
        (x(10, 2), 3, (-1.0, 1.0, -2.0, 2.0)),
        (x(10, 2), 3, None, x(10), True),
        (x(4, 2), [1, 2, 3]),
        (x(4), 2),
    ),
    "nonzero_static": calls((x(2, 3), {"size": 2}), (x(2, 3), {"size": 9, "fill_value": 7}), (x(), {"size": 2})),
    "sum_to_size": calls((x(2, 3), 1, 3), (x(2, 3), 3), (x(2, 3), (2, 1)), (x(2, 3), ()), (x(2, 3), 2), (x(3), 1, 3)),
    **dict.fromkeys(("dim_order", "is_conj", "is_neg"), calls((x(2, 3),), (x(),), (x(2, 3, 4),))),
    "quantile": _QUANTILE,
    "nanquantile": _QUANTILE,
    "tensor_split": calls(
        (x(5, 2), 3), (x(5, 2), [1, 3]), (x(2, 6), (2, 9), 1), (x(4), 0), (x(), 1), (x(2), 5), (x(3), [-1])
    ),
    **dict.fromkeys(("hsplit", "vsplit", "dsplit"), _SPLIT),
    # cast
    "copy_.number": calls((x(2, 3), 2), (x(2), 0.5), (x(), True)),
    "copy_": calls((x(2, 3), x(2, 3)), (x(2, 3), x(3)), (x(2, 3), x()), (x(2, 3), x(4)), (x(0), x(1))),
    "clone": [*_CAST, *calls((x(2, 3, 4, 5), {"memory_format": Name("channels_last")}))],
    "contiguous": [
        *_CAST,
        *calls((x(2, 3, 4, 5), {"memory_format": Name("channels_last")}), (x(2, 3), Name("float32"))),
    ],
    "to": calls(
        *((x(2, 3), Name(dtype)) for dtype in ("bool", "uint8", "int16", "int64", "float16", "bfloat16", "float32")),
        *((x(2), Name(dtype)) for dtype in ("float64", "complex64", "complex128", "uint64", "int8", "int32")),
        (x(2, 3), Name("float32"), False, True),
        (x(2, 3, 2, 2), Name("float32"), {"memory_format": Name("channels_last")}),
    ),
    "cuda": calls((x(2, 3),)),
    "softmax": calls((x(2, 3), 0), (x(2, 3), -1, {"dtype": Name("float64")}), (x(), 0), (x(0, 2), 1), (x(2), 1)),
    "log_softmax": calls((x(2, 3), 0), (x(2, 3), -1, {"dtype": Name("float64")}), (x(), 0), (x(0, 2), 1), (x(2), 1)),
    "softmin": calls((x(2, 3), 0), (x(2, 3), -1), (x(), 0)),
    "sort": calls(
        (x(5, 3),), (x(5, 3), 0), (x(5, 3), -1, True), (x(4), {"dim": 0, "stable": True}), (x(),), (x(0),), (x(2), 1)
    ),
    "argsort": calls(
        (x(5, 3),), (x(5, 3), 0), (x(5, 3), -1, True), (x(4), {"dim": 0, "stable": True}), (x(),), (x(0),), (x(2), 1)
    ),
    "im2col": calls((x(2, 3, 5, 5), (2, 2), (1, 1), (0, 0), (1, 1)), (x(3, 5, 5), (2, 3), (2, 1), (1, 0), (2, 1))),
    "col2im": calls(
        (x(2, 12, 4), (3, 3), (2, 2), (1, 1), (0, 0), (1, 1)), (x(2, 12, 4), (4, 3), (2, 2), (1, 1), (0, 0), (1, 1))
    ),
    "embedding_renorm_": calls((x(5, 3), i(5, 3), 1.0, 2.0)),
    "pow.base": calls((2, x(2, 3)), (0.5, x(2, 3)), (-2, x(3)), (0, x(4)), (1, x()), (True, x(2))),
    "pow": calls(*((x(2, 3), p) for p in (0, 1, 2, 3, -1, -2, 0.5, -0.5, 2.5, 3.0, True)), (x(), 2), (x(0), 2)),
    "to.device": calls(
        (x(2, 3), "cpu"), (x(2), "cpu", Name("float64")), (x(2), {"dtype": Name("int32")}), (x(2), {"copy": True})
    ),
    "to.other": calls((x(2, 3), x(2)), (x(2, 3), x(2), False, True)),
    "type_as": calls((x(2, 3), x(2))),
    **dict.fromkeys("float double half bfloat16 long int short char byte bool cfloat cdouble cpu".split(), _CAST),
    # view
    "view": calls(
        (x(2, 3), 3, 2), (x(2, 3), -1), (x(2, 3), (6,)), (x(0, 3), 3, 0), (x(2, 3), 4, 2), (x(2, 3), -1, -1), (x(), 1)
    ),
    "view.dtype": calls(
        (x(2, 4), Name("int32")), (x(2, 4), Name("uint8")), (x(2, 4), Name("float64")), (x(3), Name("int64"))
    ),
    "reshape": calls((x(2, 3), 3, 2), (x(2, 3), (-1,)), (x(2, 3, 4), 6, 4), (x(0, 3), 0, -1), (x(2, 3), 5), (x(1), ())),
    "flatten": calls((x(2, 3, 4),), (x(2, 3, 4), 1), (x(2, 3, 4), 0, 1), (x(),), (x(2, 3), 1, 0), (x(2, 3), 2)),
    "transpose": calls((x(2, 3), 0, 1), (x(2, 3, 4), -1, 0), (x(), 0, -1), (x(2, 3), 0, 2)),
    "t": calls((x(2, 3),), (x(3),), (x(),), (x(2, 3, 4),)),
    "permute": calls((x(2, 3, 4), 2, 0, 1), (x(2, 3), (1, 0)), (x(2, 3), 0, 0), (x(2, 3), 0), (x(2, 3, 4), (-1, 0, 1))),
    "numpy_T": calls((x(2, 3),), (x(2, 0),)),
    "mT": calls((x(2, 3),), (x(2, 3, 4),), (x(3),)),
    "expand": calls(
        (x(1, 3), 2, 3), (x(3), (2, -1)), (x(2, 1), -1, 4), (x(), 2), (x(2), 3), (x(2, 1), 0, 2, 4), (x(2, 3), 3)
    ),
    "expand_as": calls((x(1, 3), x(2, 3)), (x(3), x(2, 3)), (x(2), x(3))),
    "broadcast_to": calls((x(1, 3), (2, 3)), (x(), (2, 2)), (x(2), (3,))),
    "squeeze": calls((x(1, 3, 1),), (x(2),), (x(),)),
    "squeeze.dim": calls((x(1, 3, 1), 0), (x(1, 3, 1), (0, -1)), (x(2, 1), 0), (x(1), 1)),
    "unsqueeze": calls((x(2, 3), 0), (x(2, 3), -1), (x(2, 3), 2), (x(), 0), (x(2), 3)),
    "narrow": calls(
        (x(4, 3), 0, 1, 2), (x(4, 3), -1, -2, 2), (x(4), 0, 2, 3), (x(4), 0, 4, 0), (x(4), 1, 0, 1), (x(4), 0, 0, -1)
    ),
    "select": calls((x(4, 3), 0, 1), (x(4, 3), -1, -1), (x(4), 0, 4), (x(), 0, 0), (x(4), 0, -5)),
    "diagonal": calls(
        (x(3, 4),), (x(3, 4), 1), (x(3, 4), -2), (x(2, 3, 4), 0, 1, 2), (x(3, 3), 5), (x(3), 0), (x(3, 3), 0, 0, 0)
    ),
    "as_strided": calls(
        (x(6), (2, 2), (2, 1)), (x(6), (3,), (2,), 1), (x(6), (2, 3), (1, 1)), (x(6), (4,), (3,)), (x(6), (2,), (-1,))
    ),
    "unfold": calls(
        (x(5), 0, 2, 1), (x(2, 5), 1, 3, 2), (x(4), 0, 5, 1), (x(4), 0, 2, 0), (x(4), 0, 0, 1), (x(), 0, 1, 1)
    ),
    "split": calls((x(5, 2), 2), (x(4), 4), (x(2, 5), 3, 1), (x(4), 0), (x(4), -1), (x(0), 2), (x(), 1)),
    "split.sizes": calls((x(5, 2), [2, 3]), (x(2, 5), (1, 0, 4), 1), (x(4), [1, 1]), (x(4), [5, -1])),
    "chunk": calls((x(5, 2), 2), (x(4), 3), (x(2, 5), 4, 1), (x(4), 0), (x(0), 2)),
    "hsplit": calls((x(4, 4), 2), (x(6), (2, 3)), (x(),)),
    "vsplit": calls((x(4, 2), 2), (x(4, 2), (1,)), (x(4), 2)),
    "dsplit": calls((x(2, 2, 4), 2), (x(2, 2), 2)),
    "unbind": calls((x(3, 2),), (x(3, 2), 1), (x(0, 2),), (x(2), 0), (x(),)),
    "real": calls((x(2, 3),), (x(),)),
    "imag": calls((x(2, 3),), (x(),)),
    "view_as_real": calls((x(2, 3),), (x(),)),
    "view_as_complex": calls((x(3, 2),), (x(2),), (x(3),)),
    "view_as": calls((x(2, 3), x(3, 2)), (x(2, 3), x(4))),
    "reshape_as": calls((x(2, 3), x(3, 2)), (x(2, 3), x(4))),
    "numpy_H": calls((x(2, 3),), (x(3),)),
    "movedim": calls((x(2, 3, 4), 0, 2), (x(2, 3, 4), (0, 1), (1, 0)), (x(2, 3), 0, 2), (x(2, 3), (0, 0), (0, 1))),
    "unflatten": calls((x(6, 2), 0, (2, 3)), (x(2, 6), -1, (-1, 2)), (x(6), 0, (4,)), (x(6), 1, (6,))),
    # joining
    "cat": calls(
        ([x(2, 3), x(1, 3)],),
        ([x(2, 3), x(2, 1)], 1),
        ([x(2), x(2)], -1),
        ([x(0), x(2, 3)],),
        ([x(2), x(2, 2)],),
        ([x(), x()],),
    ),
    "stack": calls(([x(2, 3), x(2, 3)],), ([x(2), x(2)], -1), ([x(), x()],), ([x(2), x(3)],), ([x(2), x(2)], 2)),
    "repeat": calls((x(2, 3), 2, 1), (x(3), (2, 2)), (x(2), 0), (x(), 3), (x(2, 2), 2), (x(2), -1)),
    "tile": calls((x(2, 3), (2,)), (x(3), (2, 2)), (x(), (2,))),
    "flip": calls((x(2, 3), 0), (x(2, 3), (0, 1)), (x(2), (0, 0)), (x(2), 1)),
    "roll": calls((x(2, 3), 1), (x(2, 3), 1, 0), (x(3, 3), (1, -2), (0, 1)), (x(2, 3), (1, 2)), (x(0), 1)),
    "constant_pad_nd": calls(
        (x(2, 3), (1, 2)), (x(2, 3), (1, 0, 0, 2), 2), (x(4), (-1, -2)), (x(2), (1,)), (x(2), (1, 1, 1, 1))
    ),
    "diagflat": calls((x(3),), (x(2, 2), 1), (x(2), -1)),
    "select_scatter": _SCATTER,
    "slice_scatter": calls((x(4, 2), x(2, 2), 0, 1, 3), (x(4, 2), x(4, 1), 1, 1), (x(4), x(2), 0, None, None, 2)),
    "as_strided_scatter": calls(
        (x(6), x(2, 2), (2, 2), (2, 1)),
        (x(6), x(3), (3,), (2,), 1),
        (x(2, 3), x(2), (2,), (3,)),
        (x(6), x(3), (2,), (1,)),
    ),
    "diagonal_scatter": calls((x(3, 3), x(3)), (x(3, 4), x(2), 2), (x(3, 3), x(2))),
    "mvlgamma": calls((x(2, 3, low=5.0, high=10.0), 2), (x(3, low=5.0, high=9.0), 3), (x(2), 0)),
    "prelu": calls((x(2, 3, 2), x(3)), (x(2, 3), x(1)), (x(4), x(1)), (x(2, 3), x(2)), (x(), x(1))),
    "glu": calls((x(2, 4),), (x(4, 3), 0), (x(2, 3),)),
    "hardtanh": calls(
        (x(2, 3),), (x(2, 3), -2, 2), (x(), 0.5, 2.0), (x(3, 1, 2), -1.5, 0), (x(2, 3), 1, 3), (x(0, 2), 0)
    ),
    # factories
    "fill_": calls((x(2, 3), 2), (x(2), 0.5), (x(), True), (x(2), 1 + 2j)),
    "fill_.tensor": calls((x(2, 3), x()), (x(2), x(1)), (x(2), x(2))),
    "fill.tensor": calls((x(2, 3), x()), (x(2), x(2))),
    "fill_diagonal_": calls((x(3, 3), 2), (x(7, 3), 0.5, True), (x(2, 2, 2), 1), (x(3), 1), (x(2, 3, 2), 1)),
    "resize_": calls((x(4), 2), (x(2, 3), 3, 2)),
    "set_": calls((x(2), x(3)), (x(2),)),
    "resize_as_": calls((x(2, 3), x(3, 2)), (x(4), x(2)), (x(), x(1))),
    "stft": calls((x(16), 4, None, None, None, True, "reflect", False, None, True), (x(16), 32)),
    "istft": calls(
        (x(3, 5), 4),
    ),
    "is_conj": calls(
        (x(2),),
    ),
    "is_neg": calls(
        (x(2),),
    ),
    "zero_": _CAST,
    **dict.fromkeys(("empty", "zeros", "ones"), _SIZES),
    "empty_strided": calls(((2, 3), (1, 2)), ((2,), (3,)), ((2, 2), (1,)), ((2,), (-1,))),
    "new_empty_strided": calls((x(2), (2, 3), (1, 2)), (x(), (2,), (3,)), (x(2), (2, 2), (1,)), (x(2), (2,), (-1,))),
    "empty_permuted": calls(
        ((2, 3, 4), (0, 2, 1)), ((2, 3), (1, 0)), ((), ()), ((2, 0, 3), (2, 0, 1)), ((2, 3), (0,)), ((2, 3), (0, 0))
    ),
    "full": calls(((2, 3), 2), ((2,), 0.5), ((), True), ((2,), 1j), ((2,), 3, {"dtype": Name("float32")}), ((-1,), 0)),
    **dict.fromkeys(("empty_like", "zeros_like", "ones_like"), _LIKE),
    "full_like": calls((x(2, 3), 2), (x(2), 0.5), (x(2), 1, {"dtype": Name("bool")})),
    **dict.fromkeys(("new_empty", "new_zeros", "new_ones"), _NEW),
    "new_full": calls((x(2), (2, 3), 2), (x(2), (2,), 0.5), (x(2), (), 1, {"dtype": Name("float64")})),
    "arange": calls(
        (5,), (0,), (2.5,), (-1,), (5, {"dtype": Name("float32")}), (4, {"dtype": Name("uint8")}), (float("nan"),)
    ),
    "arange.start": calls(
        (1, 5), (0, 1, 0.1), (5, 1, -2), (1, 4, 0), (5, 1), (0, 10, 3, {"dtype": Name("int16")}), (0.5, 3)
    ),
    "linspace": calls(
        (0, 1, 5),
        (-1.5, 2.5, 4),
        (0, 1, 1),
        (0, 1, 0),
        (3, -3, 7, {"dtype": Name("float64")}),
        (0, 1, -1),
        (0, 10, 4, {"dtype": Name("int64")}),
    ),
    "logspace": calls((0, 1, 5), (-1, 2, 4, 2.0), (0, 1, 1), (0, 1, 3, {"dtype": Name("float64")}), (0, 1, -1)),
    "eye": calls((3,), (2, 3), (0,), (2, {"dtype": Name("int64")}), (-1,), (2, 0)),
    "scalar_tensor": calls((2,), (0.5,), (True,), (1, {"dtype": Name("int8")})),
    # queries
    "item": calls((x(),), (x(1, 1),), (x(2),), (x(0),)),
    "is_nonzero": calls((x(),), (x(1, 1),), (x(2),), (x(0),)),
    "equal": calls((x(2, 3), x(2, 3)), (x(0), x(0)), (x(2), x(3)), (x(1), x())),
    "allclose": calls((x(2, 3), x(2, 3)), (x(0), x(0)), (x(2), x(3)), (x(1), x(), {"rtol": 10.0})),
    "dist": calls((x(2, 3), x(2, 3)), (x(2, 3), x(3), 1), (x(4), x(4), float("inf")), (x(0), x(0))),
    "linalg_vector_norm": calls(
        *((x(2, 3), p) for p in (0, 1, 2, 3.0, 0.5, float("inf"), float("-inf"), -1)),
        (x(2, 3), 2, 1),
        (x(2, 3), 2, (0, 1), True),
        (x(2, 3), 1, {"dtype": Name("float64")}),
        (x(0),),
        (x(),),
    ),
    "norm": calls(
        (x(2, 3),),
        (x(2, 3), 1),
        (x(2, 3), 2, 0),
        (x(2, 3), float("inf"), 1, True),
        (x(2, 3), "fro"),
        (x(3, 3), "nuc"),
        (x(0),),
    ),
    # indexing
    "index_put_": calls((x(4), (i(4, 3),), x(3)), (x(3, 4), (i(3, 2), i(4, 2)), x(2)), (x(4), (b(4),), x())),
    "index_put": calls((x(4), (i(4, 3),), x(3)), (x(3, 4), (i(3, 2), i(4, 2)), x(2), True), (x(4), (b(4),), x())),
    "index_select": calls(
        (x(4, 3), 0, i(4, 2)),
        (x(2, 5), -1, i(5, 3)),
        (x(4), 0, i(4, 0)),
        (x(4), 0, i(9, 3)),
        (x(4), 1, i(4, 2)),
        (x(3), 0, i(3)),
    ),
    "index_add": calls(
        (x(4, 3), 0, i(4, 2), x(2, 3)), (x(4), 0, i(4, 5), x(5), {"alpha": 2}), (x(4), 0, i(4, 2), x(3))
    ),
    "index_reduce": calls(
        *((x(4, 3), 0, i(4, 3), x(3, 3), how) for how in ("prod", "mean", "amax", "amin")),
        (x(2, 5), -1, i(5, 3), x(2, 3), "amax", {"include_self": False}),
        (x(4), 0, i(4, 2), x(2), "sum"),
        (x(4), 0, i(9, 9), x(9), "prod"),
        (x(4), 0, i(4, 2), x(3), "mean"),
    ),
    "index_copy": calls(
        (x(4), 0, Spec((1,), 2, 2, "int64"), x(1)),
        (x(4, 2), 1, Spec((1,), 1, 1, "int64"), x(4, 1)),
        (x(4), 0, i(4, 2), x(3)),
    ),
    "index_fill": calls((x(4, 3), 0, i(4, 2), 2), (x(2, 5), -1, i(5, 3), 0.5), (x(4), 0, i(9, 9), 1)),
    "index_fill.tensor": calls((x(4, 3), 0, i(4, 2), x()), (x(2, 5), -1, i(5, 3), x(1))),
    "gather": calls(
        (x(4, 3), 0, i(4, 2, 3)),
        (x(2, 5), 1, i(5, 2, 4)),
        (x(4), -1, i(4, 6)),
        (x(4), 0, i(9, 9)),
        (x(4), 0, i(4, 2, 2)),
        (x(), 0, i(1)),
    ),
    **{
        f"scatter{kind}": calls(
            (x(4, 3), 0, Spec((1, 3), 2, 2, "int64"), value, *more), (x(5), 0, i(9, 9), value, *more)
        )
        for kind, value, more in (
            ("", x(4, 3), ()),
            (".value", 2, ()),
            (".joined", x(4, 3), ({"reduce": "add"},)),
            (".value_joined", 2, ({"reduce": "multiply"},)),
        )
    },
    "scatter_add": calls((x(4, 3), 0, i(4, 2, 3), x(2, 3)), (x(3), 0, i(3, 5), x(5)), (x(3), 0, i(3, 5), x(2))),
    "scatter_reduce": calls(
        *(
            (x(3, 2), 0, i(3, 4, 2), x(4, 2), how, {"include_self": own})
            for how in ("sum", "prod", "mean", "amax", "amin")
            for own in (True, False)
        ),
        (x(2), 0, i(2, 2), x(2), "max"),
    ),
    "masked_select": calls((x(2, 3), b(2, 3)), (x(2, 3), b(3)), (x(3), b(2, 3)), (x(), b()), (x(3), b(2))),
    "masked_scatter": calls((x(2, 3), b(2, 3), x(6)), (x(2, 3), b(3), x(6)), (x(4), b(4), x(0))),
    "take": calls((x(3, 4), i(12, 2, 2)), (x(3), i(3)), (x(3), i(9, 9))),
    "put": calls((x(3, 4), Spec((1,), 3, 3, "int64"), x(1)), (x(3, 4), i(12, 5), x(5), True), (x(3), i(3, 2), x(3))),
    "take_along_dim": calls(
        (x(3, 4), i(4, 3, 2), 1),
        (Spec((3, 4), layout="contiguous"), Spec((5,), 0, 11, "int64", "contiguous")),
        (x(3, 4), i(3, 1, 4), 0),
        (x(3), i(3, 2, 2), 0),
    ),
}
