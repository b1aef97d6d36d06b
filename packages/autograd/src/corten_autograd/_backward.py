"""`backward` and `grad`: passes over the graph."""

from __future__ import annotations

import corten_native._native as _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from corten_native import Tensor

    Tensors = Tensor | Sequence[Tensor]
    Grads = Tensor | Sequence[Tensor | None] | None


def _tensors(value: Tensors) -> tuple[Tensor, ...]:
    return (value,) if isinstance(value, _native.Tensor) else tuple(value)


def _seeds(outputs: tuple[Tensor, ...], grads: Grads, batched: bool) -> list[Tensor | None]:
    """Give each output its gradient; ones are made for those with a single element."""
    given: list[Tensor | None]
    if grads is None:
        given = [None] * len(outputs)
    elif isinstance(grads, _native.Tensor):
        given = [grads]
    else:
        given = list(grads)
    if len(given) != len(outputs):
        raise RuntimeError(f"got {len(outputs)} tensors and {len(given)} gradients")
    return [_seed(output, grad, batched) for output, grad in zip(outputs, given, strict=True)]


def _seed(output: Tensor, grad: Tensor | None, batched: bool) -> Tensor | None:
    if grad is None:
        if not output.requires_grad:
            return None
        if output.numel() != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
        if not output.dtype.is_floating_point:
            raise RuntimeError(
                f"grad can be implicitly created only for real scalar outputs but got {output.dtype}",
            )
        return _native.ones_like(output)
    if not isinstance(grad, _native.Tensor):
        raise TypeError(f"gradients can be either Tensors or None, but got {type(grad).__name__}")
    shape = grad.shape[1:] if batched else grad.shape
    if shape != output.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[0] has a shape of {grad.shape} "
            f"and output[0] has a shape of {output.shape}."
        )
    if output.dtype.is_complex != grad.dtype.is_complex:
        raise RuntimeError(
            "For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in dtype: "
            f"grad_output[0] has a dtype of {grad.dtype} and output[0] has a dtype of {output.dtype}."
        )
    return grad


def backward(
    tensors: Tensors,
    grad_tensors: Grads = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Grads = None,
    inputs: Tensors | None = None,
) -> None:
    """Accumulate the gradients of `tensors` in the `grad` of the leaves (or of `inputs`) that they depend on.

    `grad_tensors` holds, for each tensor, the gradient of some scalar with respect to it, of its shape; it may be left
    out for tensors of one element. `retain_graph` keeps what nodes saved (default: as `create_graph`); `create_graph`
    records the pass itself. `grad_variables` is the old name of `grad_tensors`.

    Raises `RuntimeError` where a gradient cannot be made up, shapes differ, a saved tensor was changed in place, or
    the graph has been freed.
    """
    if grad_variables is not None:
        import warnings

        warnings.warn("`grad_variables` is deprecated. Use `grad_tensors` instead.", FutureWarning, stacklevel=2)
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to `backward()`. "
                "Please only use `grad_tensors`."
            )
        grad_tensors = grad_variables
    outputs = _tensors(tensors)
    targets = None if inputs is None else list(_tensors(inputs))
    if targets is not None and not targets:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    seeds = _seeds(outputs, grad_tensors, False)
    retain = create_graph if retain_graph is None else retain_graph
    _native._run_backward(list(outputs), seeds, bool(retain), bool(create_graph), targets, True)


def grad(
    outputs: Tensors,
    inputs: Tensors,
    grad_outputs: Grads = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor, ...]:
    """Return the gradients of `outputs` with respect to `inputs`, accumulating nothing.

    `grad_outputs` as `grad_tensors` of `backward`. An input that no output depends on is an error unless
    `allow_unused` (then its gradient is None, which the type passes over, as PyTorch's does) or `materialize_grads`
    (then zeros). With `is_grads_batched` the first dimension of each `grad_outputs` counts passes, and of each result
    too. `only_inputs` has had no effect since long, and a warning says so.

    >>> x = torch.tensor([3.0], requires_grad=True)
    >>> grad(x**2, x)
    (tensor([6.]),)
    """
    if not only_inputs:
        import warnings

        warnings.warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). "
            "To accumulate gradient for other parts of the graph, please use torch.autograd.backward.",
            FutureWarning,
            stacklevel=2,
        )
    if materialize_grads:
        if allow_unused is False:
            raise ValueError(
                "Expected allow_unused to be True or not passed when materialize_grads=True, "
                "but got: allow_unused=False."
            )
        allow_unused = True
    ends, targets = _tensors(outputs), list(_tensors(inputs))
    if not targets:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    seeds = _seeds(ends, grad_outputs, is_grads_batched)
    retain = create_graph if retain_graph is None else retain_graph
    if is_grads_batched:
        count = next(seed.shape[0] for seed in seeds if seed is not None)
        passes = [
            _native._run_backward(
                list(ends),
                [None if seed is None else seed[i] for seed in seeds],
                bool(retain) or i + 1 < count,
                bool(create_graph),
                targets,
                False,
            )
            for i in range(count)
        ]
        found = [None if column[0] is None else _native.stack(list(column)) for column in zip(*passes, strict=True)]
    else:
        found = _native._run_backward(list(ends), seeds, bool(retain), bool(create_graph), targets, False)
    unused = next((i for i, item in enumerate(found) if item is None), None)
    if unused is not None and not allow_unused:
        raise RuntimeError(
            f"The differentiated Tensor at index {unused} appears to not have been used in the graph. "
            "Set allow_unused=True if this is the desired behavior."
        )
    if materialize_grads:
        found = [
            _native.zeros_like(target) if item is None else item for item, target in zip(found, targets, strict=True)
        ]
    gradients: Any = tuple(found)
    return gradients
