"""Every row of the op table gives what PyTorch gives: values, dtypes, shapes, strides and the types of errors."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import corten
from tests.drawing import is_tensor, templates
from tests.parity import (
    LACKING,
    MISTAKEN,
    TOLERANCES,
    agree,
    assert_same,
    compare,
    determined,
    leaves,
    outcome,
    strides_of,
)
from tests.samples import EXPLICIT
from tests.sampling import (
    BY_ID,
    COMPLEX,
    DTYPES,
    ELEMENTWISE,
    FLOATS,
    LAYOUTS,
    OWN_TESTS,
    ROWS,
    Call,
    Row,
    Spec,
    Template,
    applied,
    function,
    main_form,
    run,
    to_numpy,
)

torch: Any = pytest.importorskip("torch")

# Where PyTorch depends on what the machine has, or is not a model to follow.
ODD = {
    "cuda": "both say what is missing, in their own words",
    "native_batch_norm": "Corten keeps the statistics, which only the gradient sees, in float32, and gives them always",
    "native_layer_norm": "likewise",
}
# `none`: not compared by value; here the rows that only carry out what public ones ask for have no form at all.
PUBLIC = [row for row in ROWS if row.public and row.family != "random" and row.id not in {*ODD, *OWN_TESTS}]
OPERANDS = [row for row in PUBLIC if row.family in ELEMENTWISE and sum(map(is_tensor, row.params)) > 1]
FORMS = [(row, form) for row in PUBLIC for form in ("function", "method") if row.forms[form]]


def rows(which: list[Row]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", which, ids=lambda row: row.id)


def examples(count: int) -> settings:
    """Draw so many examples in the default profile, and as many times more as a profile has more than it."""
    return settings(max_examples=max(2, count * settings.default.max_examples // 50))


def drawn(data: st.DataObject, row: Row) -> Template:
    return data.draw(templates(row))


@rows([row for row in PUBLIC if row.id in EXPLICIT])
def test_every_sample(row: Row) -> None:
    for template in EXPLICIT[row.id]:
        for dtype in DTYPES if template.specs else DTYPES[:1]:
            compare(row, main_form(row), template.fill(dtype))


@rows([row for row in PUBLIC if row.id not in EXPLICIT])
@examples(6)
@given(data=st.data())
def test_every_dtype(row: Row, data: st.DataObject) -> None:
    template, seed = drawn(data, row), data.draw(st.integers(0, 99))
    for dtype in DTYPES if template.specs else DTYPES[:1]:
        compare(row, main_form(row), template.fill(dtype, seed=seed))


@rows([row for row in PUBLIC if any(map(is_tensor, row.params))])
@examples(12)
@given(data=st.data())
def test_every_layout(row: Row, data: st.DataObject) -> None:
    template = drawn(data, row)
    writable = LAYOUTS[:-1] if row.name.endswith("_") else LAYOUTS
    layouts = data.draw(st.lists(st.sampled_from(writable), min_size=1, max_size=3))
    dtype = data.draw(st.sampled_from(("float32", "float64", "int64", "complex64", "bool", "bfloat16")))
    compare(row, main_form(row), template.fill(dtype, layouts, data.draw(st.integers(0, 99))))


@rows(OPERANDS)
@examples(2)
@given(data=st.data())
def test_mixed_dtypes(row: Row, data: st.DataObject) -> None:
    template = drawn(data, row)
    for first in DTYPES:
        for second in DTYPES:
            compare(row, main_form(row), template.fill((first, second)))


@rows(OPERANDS)
@examples(2)
@given(data=st.data())
def test_numbers_and_zero_dimensional_operands(row: Row, data: st.DataObject) -> None:
    template = drawn(data, row)
    which = data.draw(st.integers(0, 1))
    for dtype in DTYPES:
        for other in ("bool", "int64", "float32", "float64", "complex64"):
            args = list(template.args)
            if isinstance(args[which], Spec):
                args[which] = Spec((), args[which].low, args[which].high)
                pair = (other, dtype) if which == 0 else (dtype, other)
                compare(row, main_form(row), Template(tuple(args), template.kwargs).fill(pair))
        for number in (True, 2, 1.5, -1, 2j):
            args = list(template.args)
            if row.params[which]["type"] == "TensorOrScalar":
                args[which] = number
                compare(row, main_form(row), Template(tuple(args), template.kwargs).fill(dtype))


# Written in several rows, as in PyTorch, or summed in the order of the indices; each step is rounded.
ROUNDED_OFTEN = set(
    """mvlgamma ldexp softsign tanhshrink dist linalg_vecdot index_reduce put
    convolution conv_transpose1d conv_transpose2d conv_transpose3d mse_loss l1_loss smooth_l1_loss huber_loss
    binary_cross_entropy binary_cross_entropy_with_logits kl_div cross_entropy_loss col2im pairwise_distance pdist
    linalg_matrix_power matrix_power linalg_cross cross cov corrcoef renorm _addmm_activation""".split()
)


@rows([row for row in PUBLIC if row.differentiable and row.check != "none" and row.id not in ROUNDED_OFTEN])
@examples(4)
@given(data=st.data())
def test_halves_are_rounded_once(row: Row, data: st.DataObject) -> None:
    """In half precision: what float32 gives, rounded."""
    template, seed = drawn(data, row), data.draw(st.integers(0, 99))
    for dtype in ("float16", "bfloat16"):
        call = template.fill(dtype, seed=seed)
        ours, wide = (
            outcome(lambda lib, make=make: applied(lib, row, main_form(row), *make(lib)), corten)
            for make in (call.build, lambda lib, call=call: singles(call.build(lib)))
        )
        if isinstance(ours, Exception) or isinstance(wide, Exception):
            continue
        for x, y in zip(leaves(ours), leaves(wide), strict=True):
            if str(getattr(x, "dtype", "")) == f"torch.{dtype}":
                np.testing.assert_array_equal(to_numpy(x), to_numpy(y.to(x.dtype)), err_msg=f"{row.id}({call!r})")


def singles(x: Any) -> Any:
    """Halves as float32, everything else as it is."""
    if isinstance(x, (list, tuple)):
        return type(x)(map(singles, x))
    return x.float() if str(getattr(x, "dtype", "")) in ("torch.float16", "torch.bfloat16") else x


SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 1e-40, 1e-30, 1e30, 100.0, -100.0, float("inf"), float("-inf"), float("nan")]


@rows([row for row in PUBLIC if row.family in ELEMENTWISE and row.differentiable])
def test_special_values(row: Row) -> None:
    """Zeros of both signs, infinities, NaN, very small and very large numbers, in all pairs."""
    numbers = [param["type"] in ("Scalar", "Int") and param["required"] for param in row.params]
    if any(numbers) or row.id in ("where", "where.method", "clamp", "prelu"):
        pytest.skip("its other operands are numbers, masks or weights")
    values = np.array([x for x in SPECIAL if x in NARROWED.get(row.id, SPECIAL)])
    for dtype in ("float32", "float64"):
        first, second = (a.ravel().astype(dtype) for a in np.meshgrid(values, values))
        specs = [first, second, np.ones_like(first)]
        count = sum(1 for param in row.params if is_tensor(param))
        tolerance = TOLERANCES[dtype] if row.id not in ROUGH else (1e-4, 1e-6)

        def once(lib: Any, arrays: list[Any] = specs[:count]) -> Any:
            tensors = [lib.from_numpy(a.copy()) for a in arrays]
            return (
                function(lib, row)(*tensors) if row.forms["function"] else getattr(tensors[0], row.name)(*tensors[1:])
            )

        assert_same(once(corten), once(torch), tolerance, f"{row.id} of {dtype} special values")


# Where PyTorch gives NaN: its series of Bessel functions end in 0 * inf, its vectorised rest of a division overflows.
NARROWED = dict.fromkeys(("i0", "special_i1"), SPECIAL[:-3]) | dict.fromkeys(("fmod", "remainder"), SPECIAL[:6])
NARROWED["special_zeta"] = SPECIAL[:8]
# Its incomplete gamma functions miss nine digits at (100, 100), and the smallest numbers of float32.
NARROWED |= {name: [x for x in SPECIAL if x not in (1e-40, 100.0)] for name in ("igamma", "igammac")}
# Sums of large terms of both signs: the last digits differ between any two implementations.
ROUGH = {"logaddexp", "logaddexp2", "sinc", "lgamma", "digamma"}


# PyTorch refuses these in place; Corten stores the result, a real number or a narrower one, as any other operator's.
UNCHANGED = {("abs", dtype) for dtype in COMPLEX} | {("float_power", dtype) for dtype in DTYPES}


@rows([row for row in PUBLIC if row.forms["inplace"] and row.params[0]["name"] != "condition"])
@examples(4)
@given(data=st.data())
def test_inplace_forms(row: Row, data: st.DataObject) -> None:
    template, layout = drawn(data, row), data.draw(st.sampled_from(LAYOUTS[:4]))
    if not isinstance(template.args[0], Spec) or "dtype" in template.kwargs:  # of a sum; in place there is no other
        return
    for dtype in DTYPES:
        if (row.id, dtype) in UNCHANGED:
            continue
        for second in {dtype, "float32", "int64"}:
            call = template.fill((dtype, second), (layout, "contiguous"), data.draw(st.just(1)))
            compare(row, "inplace", call, view=row.family == "view")
    counts = []
    for lib in (corten, torch):
        args, kwargs = template.fill("float32").build(lib)
        before = args[0]._version
        result = outcome(lambda lib, args=args, kwargs=kwargs: applied(lib, row, "inplace", args, kwargs), lib)
        if isinstance(result, Exception):
            return
        assert result is args[0]
        counts.append(result._version > before)
    if row.id != "conj_physical":  # of real numbers, which stay as they are
        assert counts[0] == counts[1], "a change is counted where PyTorch counts one"


@rows([row for row in PUBLIC if row.forms["out"] and row.forms["function"]])
@examples(4)
@given(data=st.data())
def test_out_forms(row: Row, data: st.DataObject) -> None:
    template = drawn(data, row)
    for dtype in ("float32", "int64", "complex64", "bool"):
        for target in ("float64", "float32", "int64", "bool", "complex128"):
            for shape in ((0,), (2, 3)):
                compare_out(row, template.fill(dtype), target, shape)


def compare_out(row: Row, call: Call, target: str, shape: tuple[int, ...]) -> None:
    """Compare `out=` of a dtype and a shape: what it holds afterwards, or the type of the error."""

    def once(lib: Any) -> Any:
        args, kwargs = call.build(lib)
        outs = [lib.zeros(shape, dtype=getattr(lib, target)) for _ in row.returns]
        given = tuple(outs) if len(outs) > 1 else outs[0]
        with warnings.catch_warnings():  # PyTorch warns where it resizes an `out=` that has elements
            warnings.simplefilter("ignore")
            result = function(lib, row)(*args, out=given, **kwargs)
        for out, returned in zip(outs, result if len(outs) > 1 else [result], strict=True):
            assert returned is out
        return outs

    text = f"{row.id}({call!r}, out={target} {shape})"
    ours, theirs = outcome(once, corten), outcome(once, torch)
    fresh = outcome(lambda lib: run(lib, row, "function", call), torch)
    if isinstance(theirs, Exception) and MISTAKEN.get(row.id, "\n") in str(theirs):
        return
    if isinstance(fresh, Exception) and any(word in str(fresh) for word in LACKING):
        return
    if isinstance(theirs, Exception) and not isinstance(ours, Exception):
        # Many of PyTorch's operators want exactly their result's dtype; Corten converts, as the others do.
        theirs = outcome(lambda lib: [x.to(getattr(lib, target)) for x in leaves(fresh)], torch)
    if isinstance(fresh, Exception) and type(ours) is type(fresh):  # of two mistakes either may be told
        return
    if row.id in RANGES and isinstance(theirs, list) and isinstance(ours, list):
        theirs = [x.reshape(y.shape) for x, y in zip(theirs, ours, strict=True)]
    agree(ours, theirs, (2e-2, 1e-2), text, False, strides=False)
    if row.check not in ("none", "shape") and isinstance(ours, list):
        ours, theirs = (determined(row, call, x) for x in (ours, theirs))
        assert_same(ours, theirs, (2e-2, 1e-2), text, strides=False)


# PyTorch leaves an `out=` its shape where that has as many elements as the range.
RANGES = {"arange", "arange.start", "linspace", "logspace", "fft_fftfreq", "fft_rfftfreq"}


@rows([row for row in PUBLIC if row.forms["function"] and (row.forms["method"] or row.aliases)])
@examples(3)
@given(data=st.data())
def test_methods_and_aliases_give_the_same(row: Row, data: st.DataObject) -> None:
    call = drawn(data, row).fill("float32")
    expected = outcome(lambda lib: run(lib, row, "function", call), corten)
    for form in ("function", "method"):
        for name in [row.name, *row.aliases] if row.forms[form] else []:
            if isinstance(call.args[0], (int, float)) and form == "method":
                continue
            if name.startswith("__") and form == "function":
                continue
            if isinstance(expected, TypeError):  # methods take sizes and dims one by one, functions do not
                continue
            again = outcome(lambda lib, form=form, name=name: run(lib, row, form, call, name), corten)
            assert type(again) is type(expected), f"{name} as {form}: {again!r}, not {expected!r}"
            if not isinstance(expected, Exception):
                assert_same(again, expected, (0.0, 0.0), f"{name} as {form} of {call!r}")


# Their results, or what they compute next, depend on values; or they leave the device.
DYNAMIC = set(
    """nonzero argwhere where.indices masked_select masked_scatter item is_nonzero equal allclose unique unique_consecutive
    histc bincount quantile nanquantile one_hot repeat_interleave matrix_exp linalg_matrix_exp linalg_cond linalg_inv_ex
    linalg_lstsq linalg_lu_solve lu_solve cpu to.device histogram histogramdd nonzero_static lu_unpack linalg_lu_factor_ex
    linalg_solve_ex linalg_ldl_factor linalg_ldl_factor_ex linalg_ldl_solve is_conj is_neg dim_order""".split()
)


@rows([row for row in PUBLIC if any(map(is_tensor, row.params)) and row.id not in DYNAMIC and not row.array])
@examples(5)
@given(data=st.data())
def test_meta_device(row: Row, data: st.DataObject) -> None:
    """Without memory: the same shapes, dtypes and errors."""
    template = drawn(data, row)
    for dtype in ("float32", "int64", "bool", "complex64", "bfloat16", "uint8"):
        call = template.fill(dtype)
        if needs_values(call):
            return
        real = outcome(lambda lib, call=call: run(lib, row, main_form(row), call), corten)
        meta = outcome(lambda lib, call=call: on_meta(row, call), corten)
        text = f"{row.id}({call!r}): {meta!r} on meta, {real!r} on the CPU"
        if isinstance(real, Exception):
            assert type(meta) is type(real), text
        else:
            assert not isinstance(meta, Exception), text
            for a, b in zip(listed(meta), listed(real), strict=True):
                assert a.device.type == "meta", text
                assert (a.dtype, a.shape, strides_of(a)) == (b.dtype, b.shape, strides_of(b)), text


def needs_values(call: Call) -> bool:
    """Tell whether an index may be out of range, or a mask select: that takes the values."""
    return any(getattr(x, "dtype", "") in ("int64", "bool") and x.base.size and x.base.max() > 3 for x in call.args)


def on_meta(row: Row, call: Call) -> Any:
    def moved(x: Any) -> Any:
        if isinstance(x, (list, tuple)):
            return type(x)(moved(y) for y in x)
        return x.to("meta") if isinstance(x, corten.Tensor) else x

    args, kwargs = call.build(corten)
    return applied(corten, row, main_form(row), moved(args), kwargs)


def listed(x: Any) -> list[Any]:
    return list(x) if isinstance(x, (list, tuple)) else [x]


def test_the_table_is_sampled_in_full() -> None:
    unknown = [row.id for row in PUBLIC if not row.domain and row.id not in EXPLICIT]
    assert not unknown, f"neither a domain hint nor samples: {unknown}"
    stale = [name for name in EXPLICIT if name not in BY_ID]
    assert not stale, f"samples of rows that are not there: {stale}"


NUMPY = "abs exp log sqrt sin cos tanh floor ceil add multiply subtract maximum minimum sum prod cumsum".split()


@pytest.mark.parametrize("name", NUMPY)
def test_numpy_agrees(name: str) -> None:
    """A basic subset beside NumPy, which needs no PyTorch."""
    rng = np.random.default_rng(0)
    for dtype in (*FLOATS[2:], *COMPLEX) if name not in ("floor", "ceil", "maximum", "minimum") else FLOATS[2:]:
        x, y = (Spec((3, 4), 0.1, 4.0).fill(rng, dtype) for _ in range(2))
        both = name in ("add", "multiply", "subtract", "maximum", "minimum")
        extra = {"dim": 1} if name == "cumsum" else {}
        ours = getattr(corten, name)(*(a.build(corten) for a in ([x, y] if both else [x])), **extra)
        theirs = getattr(np, name)(*(a.base for a in ([x, y] if both else [x])), **({"axis": 1} if extra else {}))
        np.testing.assert_allclose(to_numpy(ours), theirs, rtol=2e-6)
