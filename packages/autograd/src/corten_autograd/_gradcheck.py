"""Checks of derivatives against finite differences (central, of second order)."""

from __future__ import annotations

from itertools import product

import corten_native._native as _native
from corten_autograd._backward import grad

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from corten_native import Tensor

    AnyFunction = Callable[..., Any]


class GradcheckError(RuntimeError):
    """The analytical derivative differs from the numerical one."""


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _differentiable(values: Sequence[Any]) -> list[Tensor]:
    return [v for v in values if isinstance(v, _native.Tensor) and v.requires_grad]


def _outputs(function: AnyFunction, inputs: tuple[Any, ...]) -> list[Tensor]:
    results = _as_tuple(function(*inputs))
    return [r for r in results if isinstance(r, _native.Tensor) and (r.dtype.is_floating_point or r.dtype.is_complex)]


def _parts(x: Tensor) -> list[complex]:
    """Unit steps in which an element can move: along the real axis and, for complex tensors, the imaginary one."""
    return [1.0, 1j] if x.dtype.is_complex else [1.0]


def _numerical(function: AnyFunction, inputs: tuple[Any, ...], x: Tensor, eps: float) -> list[list[list[complex]]]:
    """Derivatives of each output's elements, by each element of `x` and each unit step."""
    values = x.data
    columns: list[list[list[complex]]] = []
    with_grad = _native._set_grad_enabled(False)
    try:
        for at in product(*map(range, x.shape)):
            original = values[at].item()
            for unit in _parts(x):
                values[at] = original + eps * unit
                plus = [r.detach().clone().reshape(-1) for r in _outputs(function, inputs)]
                values[at] = original - eps * unit
                minus = [r.detach().clone().reshape(-1) for r in _outputs(function, inputs)]
                values[at] = original
                columns.append([((a - b) / (2 * eps)).tolist() for a, b in zip(plus, minus, strict=True)])
    finally:
        _native._set_grad_enabled(with_grad)
    return columns


def _analytical(output: Tensor, inputs: list[Tensor]) -> list[list[list[complex]]]:
    """Gradients of each input for each element of `output` and each unit gradient."""
    rows: list[list[list[complex]]] = [[] for _ in inputs]
    for i in range(output.numel()):
        for unit in _parts(output):
            seed = _native.zeros_like(output, memory_format=_native.contiguous_format)
            seed.view(-1)[i] = unit
            found = grad(output, inputs, seed, retain_graph=True, allow_unused=True)
            for row, item, x in zip(rows, found, inputs, strict=True):
                row.append([0.0] * x.numel() if item is None else item.detach().reshape(-1).tolist())
    return rows


def gradcheck(
    func: AnyFunction,
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Tell whether the gradients of `func` at `inputs` agree with finite differences of step `eps`.

    `inputs` are tensors, those that require grad in float64 or complex128; `func` returns a tensor or a tuple of them.
    Agreement is `|analytical - numerical| <= atol + rtol * |numerical|` for each entry of the Jacobian. With
    `raise_exception` a difference raises `GradcheckError`, which names the input, the output and both Jacobians.
    Whole Jacobians are compared in `fast_mode` too. There is no forward mode, nor sparse tensors: the options that ask
    for a check of those must have their defaults, or `NotImplementedError` is raised.
    """
    _refuse("gradcheck", check_batched_forward_grad, check_forward_ad, not check_backward_ad, masked)
    values = _as_tuple(inputs)
    targets = _differentiable(values)
    try:
        if not targets:
            raise ValueError(
                "gradcheck expects at least one input tensor to require gradient, "
                "but none of them has requires_grad=True."
            )
        for i, x in enumerate(values):
            if isinstance(x, _native.Tensor) and x.requires_grad and _shares_memory(x):
                raise RuntimeError(
                    f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs that are "
                    "non-overlapping to be able to compute the numerical gradients correctly. You should call "
                    ".contiguous on the input before passing it to gradcheck."
                )
        results = [r for r in _outputs(func, values) if r.requires_grad]
        numericals = [_numerical(func, values, x, eps) for x in targets]
        tracked = [i for i, r in enumerate(_outputs(func, values)) if r.requires_grad]
        for which, output in zip(tracked, results, strict=True):
            first = _analytical(output, targets)
            if check_batched_grad:
                _check_batched(output, targets)
            if _distance(first, _analytical(output, targets)) > nondet_tol:
                raise GradcheckError(
                    f"Backward is not reentrant: it gives other gradients for output {which} when run again."
                )
            for j, (x, analytical) in enumerate(zip(targets, first, strict=True)):
                numerical = [column[which] for column in numericals[j]]
                _compare(x, output, numerical, analytical, (j, which), atol, rtol)
            if check_grad_dtypes:
                for x, item in zip(
                    targets, grad(output.sum(), targets, retain_graph=True, allow_unused=True), strict=True
                ):
                    if item is not None and item.dtype != x.dtype:
                        raise GradcheckError(f"the gradient has dtype {item.dtype}, its input {x.dtype}")
            if check_undefined_grad:
                grad(output, targets, _native.zeros_like(output), retain_graph=True, allow_unused=True)
    except (GradcheckError, ValueError):
        if raise_exception:
            raise
        return False
    return True


def _refuse(name: str, *options: bool | None) -> None:
    if any(options):
        raise NotImplementedError(f"{name}() checks gradients of dense tensors in reverse mode alone")


def _check_batched(output: Tensor, targets: list[Tensor]) -> None:
    """Compare the gradients for two seeds in one batch with those for each of them."""
    seeds = _native.randn((2, *output.shape), dtype=output.dtype, device=output.device)
    batch = grad(output, targets, seeds, retain_graph=True, allow_unused=True, is_grads_batched=True)
    for i, seed in enumerate(seeds):
        single = grad(output, targets, seed, retain_graph=True, allow_unused=True)
        for of_batch, alone in zip(batch, single, strict=True):
            if alone is not None and not _native.allclose(of_batch[i], alone):
                raise GradcheckError("the gradients of a batch of seeds differ from those of its single seeds")


def _shares_memory(x: Tensor) -> bool:
    """Tell whether several elements lie at one place, so that none of them can be moved alone."""
    return any(size > 1 and stride == 0 for size, stride in zip(x.shape, x.stride(), strict=True))


def _distance(first: list[list[list[complex]]], again: list[list[list[complex]]]) -> float:
    """The largest difference between Jacobians; what is not a number in both does not differ."""
    numbers = zip(_flat(first), _flat(again), strict=True)
    return max((abs(a - b) for a, b in numbers if a != b and not (a != a and b != b)), default=0.0)


def _flat(jacobians: list[list[list[complex]]]) -> Iterator[complex]:
    return (value for rows in jacobians for row in rows for value in row)


def _compare(
    x: Tensor,
    output: Tensor,
    numerical: list[list[complex]],
    analytical: list[list[complex]],
    position: tuple[int, int],
    atol: float,
    rtol: float,
) -> None:
    """Compare Jacobians; for complex numbers through the real parts of both, one real direction at a time."""
    x_units, out_units = _parts(x), _parts(output)
    for i in range(x.numel()):
        for a, x_unit in enumerate(x_units):
            for k in range(output.numel()):
                slope = complex(numerical[i * len(x_units) + a][k])
                for b, out_unit in enumerate(out_units):
                    found = complex(analytical[k * len(out_units) + b][i])
                    # <out_unit, d out> along x_unit, against <gradient, x_unit>: both are real directional derivatives.
                    expected = (complex(out_unit).conjugate() * slope).real
                    given = (found.conjugate() * x_unit).real
                    if not abs(given - expected) <= atol + rtol * abs(expected):
                        raise GradcheckError(
                            f"Jacobian mismatch for output {position[1]} with respect to input {position[0]},\n"
                            f"numerical: {expected} at element {i} of the input and {k} of the output,\n"
                            f"analytical: {given}\nnumerical Jacobian (a row an element of the input): {numerical}\n"
                            f"analytical Jacobian (a row an element of the output): {analytical}"
                        )


def gradgradcheck(
    func: AnyFunction,
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    gen_non_contig_grad_outputs: bool = False,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Tell whether the second derivatives of `func` agree with finite differences of its first ones.

    `grad_outputs` are the gradients of the outputs (default: normal random numbers that require grad, with gaps between
    them in memory for `gen_non_contig_grad_outputs`). The other options are those of `gradcheck`.
    """
    _refuse("gradgradcheck", check_fwd_over_rev, not check_rev_over_rev, masked)
    values = _as_tuple(inputs)
    outputs = [r for r in _outputs(func, values) if r.requires_grad]
    if grad_outputs is None:
        seeds = tuple(_native.randn_like(r) for r in outputs)
        if gen_non_contig_grad_outputs:
            seeds = tuple(_native.stack([x, x], -1)[..., 0] for x in seeds)
        seeds = tuple(x.requires_grad_() for x in seeds)
    else:
        seeds = _as_tuple(grad_outputs)
    count = len(values)

    def first_order(*args: Any) -> tuple[Tensor, ...]:
        now, gradients = args[:count], args[count:]
        ends = [r for r in _outputs(func, now) if r.requires_grad]
        found = grad(ends, _differentiable(now), gradients, create_graph=True, allow_unused=True)
        return tuple(item for item in found if item is not None and item.requires_grad)

    def checked(*args: Any) -> tuple[Tensor, ...]:
        before = _native._set_grad_enabled(True)
        try:
            return first_order(*args)
        finally:
            _native._set_grad_enabled(before)

    return gradcheck(
        checked,
        values + seeds,
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        fast_mode=fast_mode,
    )
