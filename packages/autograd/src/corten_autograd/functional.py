"""Products with Jacobians and Hessians of functions of tensors, and the matrices themselves.

Each function takes `func`, which maps one or several tensors to one or several tensors, and `inputs`, a tensor or a
tuple of tensors. With `create_graph` the results can be differentiated again, also with respect to `inputs`. With
`strict` a result that does not depend on an input is a `RuntimeError`; without, its derivative is zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import corten_native._native as _native
from corten_autograd._backward import grad
from corten_autograd._modes import enable_grad

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from corten_native import Tensor

    Function = Callable[..., Any]
    Tuple = tuple[Tensor, ...]

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def vjp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return `func(*inputs)` and the product of `v`, shaped as the output, with the Jacobian: shaped as `inputs`.

    `v` may be left out for an output of one element.
    """
    with enable_grad():
        call = _Call("vjp", func, inputs, create_graph, strict)
        if v is None:
            _require_single(call.outputs, call.one_output, "the user-provided function returns")
        seeds = _vectors(v, call.outputs, call.one_output)
        products = call.gradients(call.outputs, call.inputs, seeds, create_graph)
    return call.result(), _finished(products, call.one_input, create_graph)


def jvp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return `func(*inputs)` and the product of the Jacobian with `v`, shaped as `inputs`: shaped as the output.

    It takes two backward passes: the first is linear in its own seeds, and the second differentiates it by them. `v`
    may be left out for an input of one element.
    """
    with enable_grad():
        call = _Call("jvp", func, inputs, create_graph, strict)
        if v is None:
            _require_single(call.inputs, call.one_input, "the input to the user-provided function is")
        directions = _vectors(v, call.inputs, call.one_input)
        seeds = tuple(_native.zeros_like(out).requires_grad_() for out in call.outputs)
        transposed = call.gradients(call.outputs, call.inputs, seeds, True)
        products = call.gradients(transposed, seeds, directions, create_graph, check=False)
    return call.result(), _finished(products, call.one_output, create_graph)


def jacobian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """Return the Jacobian: for each output and each input a tensor of both shapes, one after the other.

    One backward pass for each element of the outputs, also with `vectorize` and the `strategy` "forward-mode", whose
    results are the same.
    """
    if _is_forward(strategy, vectorize):
        for option, name in ((create_graph, "create_graph"), (strict, "strict")):
            if option:
                raise (NotImplementedError if name == "create_graph" else RuntimeError)(
                    f'torch.autograd.functional.jacobian: `{name}=True` and `strategy="forward-mode"` are not '
                    f'supported together (yet). Please either set `{name}=False` or `strategy="reverse-mode"`.'
                )
    if vectorize and strict:
        raise RuntimeError(
            "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not supported together. "
            "Please either set `strict=False` or `vectorize=False`."
        )
    with enable_grad():
        call = _Call("jacobian", func, inputs, create_graph, strict)
        rows = [
            [call.gradients([element], call.inputs, None, create_graph) for element in out.reshape(-1)]
            for out in call.outputs
        ]
        blocks = tuple(
            tuple(
                _stack([row[i] for row in of_output], x).reshape((*out.shape, *x.shape))
                for i, x in enumerate(call.inputs)
            )
            for out, of_output in zip(call.outputs, rows, strict=True)
        )
    found = tuple(_finished(row, call.one_input, create_graph) for row in blocks)
    return found[0] if call.one_output else found


def hessian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """Return the second derivatives of a `func` whose output has one element: a tensor for each pair of inputs."""
    _is_forward(outer_jacobian_strategy, vectorize)
    values, one_input = _tuple(inputs, "inputs", "hessian")

    def first(*args: Tensor) -> Tuple:
        with enable_grad():
            out = _scalar(func(*args), "hessian")
            return _Call.of(args, strict).gradients([out], args, None, True)

    found = jacobian(first, values, create_graph, strict, vectorize)
    return found[0][0] if one_input else found


def vhp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return `func(*inputs)`, of one element, and the product of `v`, shaped as `inputs`, with the Hessian."""
    with enable_grad():
        call = _Call("vhp", func, inputs, create_graph, strict)
        _scalar(call.result(), "vhp")
        if v is None:
            _require_single(call.inputs, call.one_input, "the input to the user-provided function is")
        seeds = _vectors(v, call.inputs, call.one_input)
        slopes = call.gradients(call.outputs, call.inputs, None, True)
        products = call.gradients(slopes, call.inputs, seeds, create_graph)
    return call.result(), _finished(products, call.one_input, create_graph)


def hvp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return `func(*inputs)`, of one element, and the product of the Hessian with `v`, shaped as `inputs`.

    The Hessian of a function with continuous second derivatives is symmetric, and `vhp`, with one backward pass less,
    gives the same.
    """
    with enable_grad():
        call = _Call("hvp", func, inputs, create_graph, strict)
        _scalar(call.result(), "hvp")
        if v is None:
            _require_single(call.inputs, call.one_input, "the input to the user-provided function is")
        directions = _vectors(v, call.inputs, call.one_input)
        slopes = call.gradients(call.outputs, call.inputs, None, True)
        seeds = tuple(_native.zeros_like(x).requires_grad_() for x in call.inputs)
        transposed = call.gradients(slopes, call.inputs, seeds, True)
        products = call.gradients(transposed, seeds, directions, create_graph, check=False)
    return call.result(), _finished(products, call.one_input, create_graph)


class _Call:
    """One call of the user's function on inputs that record, with its outputs as a tuple."""

    def __init__(self, name: str, func: Function, inputs: Any, create_graph: bool, strict: bool) -> None:
        self.create_graph, self.strict = create_graph, strict
        given, self.one_input = _tuple(inputs, "inputs", name)
        # A view keeps the way back to what was given; without a graph to create there is none.
        self.inputs = tuple(
            x.view_as(x) if create_graph and x.requires_grad else x.detach().requires_grad_() for x in given
        )
        self.outputs, self.one_output = _tuple(func(*self.inputs), "outputs of the user-provided function", name)
        if strict:
            self._check_outputs()

    @classmethod
    def of(cls, inputs: Tuple, strict: bool) -> _Call:
        """Return a call that only differentiates what was computed elsewhere."""
        call = cls.__new__(cls)
        call.inputs, call.strict = inputs, strict
        return call

    def _check_outputs(self) -> None:
        for i, out in enumerate(self.outputs):
            if not out.requires_grad:
                raise RuntimeError(
                    f"Output {i} of the user-provided function does not require gradients. The outputs must be "
                    "computed in a differentiable manner from the input when running in strict mode."
                )

    def result(self) -> Any:
        """Return what the function returned, without its history unless that is wanted."""
        return _finished(self.outputs, self.one_output, self.create_graph)

    def gradients(
        self, outputs: Sequence[Tensor], inputs: Tuple, seeds: Tuple | None, create_graph: bool, check: bool = True
    ) -> Tuple:
        """Return the gradients with respect to `inputs`: zeros, or an error in strict mode, where there are none."""
        recorded = [i for i, out in enumerate(outputs) if out.requires_grad]
        found: Sequence[Tensor | None] = [None] * len(inputs)
        if recorded:
            found = grad(
                [outputs[i] for i in recorded],
                inputs,
                None if seeds is None else [seeds[i] for i in recorded],
                retain_graph=True,
                create_graph=create_graph,
                allow_unused=True,
            )
        for i, item in enumerate(found):
            if item is None and self.strict and check:
                raise RuntimeError(
                    f"The output of the user-provided function is independent of input {i}. This is not allowed in "
                    "strict mode."
                )
        return tuple(_native.zeros_like(x) if item is None else item for x, item in zip(inputs, found, strict=True))


def _tuple(value: Any, name: str, function: str) -> tuple[Tuple, bool]:
    """Return `value` as a tuple of tensors, and whether it was a single tensor."""
    if isinstance(value, _native.Tensor):
        return (value,), True
    if not isinstance(value, tuple):
        raise TypeError(
            f"The {name} given to {function} must be either a Tensor or a tuple of Tensors but the given {name} has "
            f"type {type(value)}."
        )
    for i, item in enumerate(value):
        if not isinstance(item, _native.Tensor):
            raise TypeError(
                f"The {name} given to {function} must be either a Tensor or a tuple of Tensors but the value at index "
                f"{i} has type {type(item)}."
            )
    return value, False


def _vectors(v: Any, like: Tuple, single: bool) -> Tuple:
    """Return `v` as a tuple of the shapes of `like`; ones where it was left out."""
    if v is None:
        return tuple(_native.ones_like(x) for x in like)
    vectors, _ = _tuple(v, "v", "the product")
    if len(vectors) != len(like):
        if single:
            raise RuntimeError("The given v should contain a single Tensor.")
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(vectors)}.")
    for i, (item, x) in enumerate(zip(vectors, like, strict=True)):
        if item.shape != x.shape:
            place = f"Entry {i} in " if len(like) > 1 else ""
            raise RuntimeError(f"{place}v has invalid size: should be {x.shape} but got {item.shape}.")
    return vectors


def _require_single(tensors: Tuple, single: bool, where: str) -> None:
    if not single or tensors[0].numel() != 1:
        raise RuntimeError(f"The vector v can only be None if {where} a single Tensor with a single element.")


def _scalar(out: Any, name: str) -> Tensor:
    if not isinstance(out, _native.Tensor):
        raise RuntimeError(f"The function given to {name} should return a single Tensor")
    if out.numel() != 1:
        raise RuntimeError(f"The Tensor returned by the function given to {name} should contain a single element")
    return out.reshape(())


def _is_forward(strategy: str, vectorize: bool) -> bool:
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')
    if strategy == "forward-mode" and not vectorize:
        raise NotImplementedError(
            "Computing Jacobian using forward-AD or forward-over-reverse Hessian is"
            "only implemented for `vectorize=True`."
        )
    return strategy == "forward-mode"


def _stack(rows: list[Tensor], like: Tensor) -> Tensor:
    return _native.stack(rows) if rows else like.new_zeros((0, *like.shape))


def _finished(values: Tuple, single: bool, create_graph: bool) -> Any:
    found = values if create_graph else tuple(x.detach() for x in values)
    return found[0] if single else found
