"""Function: an operation whose backward is written in Python."""

from __future__ import annotations

import corten_native._native as _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from corten_native import Tensor


class FunctionCtx:
    """What `forward` keeps for `backward`: saved tensors, and marks on results and inputs."""

    needs_input_grad: tuple[bool, ...]

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep inputs and results of `forward` for `backward`, which reads them as `ctx.saved_tensors`.

        They are checked for in-place changes, and results are kept without a cycle; other objects may be stored as
        attributes of `ctx`.
        """
        for tensor in tensors:
            if tensor is not None and not isinstance(tensor, _native.Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument is of type {type(tensor).__name__}"
                )
        self._to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for `jvp`; forward mode is not supported, so this only checks its arguments."""
        for tensor in tensors:
            if tensor is not None and not isinstance(tensor, _native.Tensor):
                raise TypeError(
                    f"save_for_forward can only save variables, but argument is of type {type(tensor).__name__}"
                )

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Declare inputs that `forward` changes in place; each must be among its results."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Declare results that no gradient flows through."""
        self._non_differentiable = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Choose whether gradients that did not arrive are zeros (the default) or None in `backward`."""
        self._materialize = value

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What `save_for_backward` kept; an error if it was freed or has been changed in place."""
        return self._unpack_saved()

    _to_save: tuple[Tensor | None, ...] = ()
    _dirty: tuple[Tensor, ...] = ()
    _non_differentiable: tuple[Tensor, ...] = ()
    _materialize: bool = True

    def _unpack_saved(self) -> tuple[Tensor | None, ...]:
        return self._to_save


class _Context(FunctionCtx):
    """The context of one call; the node that it belongs to holds it."""

    _saved: list[Any] | None = None
    _node: Any = None

    def _unpack_saved(self) -> tuple[Tensor | None, ...]:
        if self._node is None:
            return self._to_save
        if self._saved is None:
            raise RuntimeError(_native._FREED)
        return tuple(None if item is None else item.unpack() for item in self._saved)

    def _finish(self, node: Any, outputs: tuple[Any, ...]) -> None:
        """Turn what is to be saved into snapshots, so that results do not keep their own node alive."""
        self._saved = [None if t is None else _native._snapshot(t, node, _index_of(t, outputs)) for t in self._to_save]
        self._to_save, self._node = (), node

    def _release(self) -> None:
        self._saved = None


def _index_of(tensor: Tensor, outputs: tuple[Any, ...]) -> int:
    """Return the position of `tensor` itself among the results, or -1."""
    return next((i for i, output in enumerate(outputs) if output is tensor), -1)


class Function:
    """An operation with a backward of its own.

    >>> class Exp(Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         out = x.exp()
    ...         ctx.save_for_backward(out)
    ...         return out
    ...
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         (out,) = ctx.saved_tensors
    ...         return g * out
    >>> y = Exp.apply(x)
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should "
            "invoke them on the class itself. Instantiating an autograd function will raise an error in a future "
            "version."
        )

    @staticmethod
    def forward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        """Compute the results; `ctx` keeps what `backward` needs. Without `ctx` where `setup_context` is defined."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Keep in `ctx` what `backward` needs, for a `forward` that does not take `ctx`."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Return one gradient (or None) for each argument of `forward`, from those of its results."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run `forward` without recording its steps, and record this function as one node."""
        setup = cls.setup_context is not Function.setup_context
        if setup:
            args, kwargs = _bound(cls.forward, args, kwargs), {}
        ctx = _Context()
        inputs = [arg if isinstance(arg, _native.Tensor) else None for arg in args]
        ctx.needs_input_grad = tuple(t is not None and t.requires_grad for t in inputs)
        recording = _native.is_grad_enabled() and any(ctx.needs_input_grad)
        before = _native._set_grad_enabled(False)
        try:
            if setup:
                result = cls.forward(*args)
                cls.setup_context(ctx, args, result)
            else:
                result = cls.forward(ctx, *args, **kwargs)
        finally:
            _native._set_grad_enabled(before)
        outputs = result if isinstance(result, tuple) else (result,)
        tensors = [isinstance(item, _native.Tensor) for item in outputs]
        outputs = tuple(
            _own(item, ctx, inputs) if is_tensor else item for item, is_tensor in zip(outputs, tensors, strict=True)
        )
        if recording:
            _record(cls, ctx, inputs, outputs)
        return outputs if isinstance(result, tuple) else outputs[0]


def _bound(forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """Return all arguments by position, those that were named or left out included, as `setup_context` takes them."""
    import inspect

    bound = inspect.signature(forward).bind(*args, **kwargs)
    bound.apply_defaults()
    return bound.args


def _own(output: Tensor, ctx: _Context, inputs: list[Tensor | None]) -> Tensor:
    """Give the result an identity of its own if it is an input that was not changed."""
    is_input = any(output is t for t in inputs)
    is_dirty = any(output is t for t in ctx._dirty)
    return output.view_as(output) if is_input and not is_dirty else output


def _record(cls: type[Function], ctx: _Context, inputs: list[Tensor | None], outputs: tuple[Any, ...]) -> None:
    for tensor in ctx._dirty:
        if not any(tensor is output for output in outputs):
            raise RuntimeError(
                "Some elements marked as dirty during the forward method were not returned as output. "
                "The inputs that are modified inplace must all be outputs of the Function."
            )
    blocked = ctx._non_differentiable
    tracked = [
        isinstance(output, _native.Tensor)
        and (output.dtype.is_floating_point or output.dtype.is_complex)
        and not any(output is t for t in blocked)
        for output in outputs
    ]

    def run(*grads: Tensor | None) -> list[Tensor | None]:
        return _call_backward(cls, ctx, inputs_given, grads)

    inputs_given = [t is not None for t in inputs]
    node = _native._custom_node(f"{cls.__name__}Backward", run, ctx._release, ctx, inputs)
    dirty = [any(output is t for t in ctx._dirty) for output in outputs]
    _native._attach_custom(node, list(outputs), tracked, dirty)
    ctx._finish(node, outputs)


def _call_backward(
    cls: type[Function], ctx: _Context, given: list[bool], grads: tuple[Tensor | None, ...]
) -> list[Tensor | None]:
    if ctx._materialize:
        metas = _native._node_outputs(ctx._node)
        grads = tuple(
            _native.zeros(shape, dtype=dtype, device=device) if grad is None and shape is not None else grad
            for grad, (shape, dtype, device) in zip(grads, metas, strict=True)
        )
    result = cls.backward(ctx, *grads)
    results = list(result) if isinstance(result, (tuple, list)) else [result]
    while len(results) > len(given) and results[-1] is None:
        results.pop()
    if len(results) != len(given):
        raise RuntimeError(
            f"function {cls.__name__}Backward returned an incorrect number of gradients "
            f"(expected {len(given)}, got {len(results)})"
        )
    for position, (item, is_tensor) in enumerate(zip(results, given, strict=True)):
        if item is not None and not is_tensor:
            raise RuntimeError(
                f"function {cls.__name__}Backward returned a gradient different from None at position {position + 1}, "
                "but the corresponding forward input was not a Variable"
            )
        if item is not None and not isinstance(item, _native.Tensor):
            raise RuntimeError(
                f"expected Variable or None (got {type(item).__name__}) from {cls.__name__}.backward "
                f"at position {position + 1}"
            )
    return [item for item, is_tensor in zip(results, given, strict=True) if is_tensor]


def once_differentiable(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a `backward` that computes without recordable operations, so that differentiating it is an error."""
    import functools

    @functools.wraps(function)
    def inside(ctx: Any, *args: Any) -> Any:
        recorded = [a for a in args if isinstance(a, _native.Tensor) and a.requires_grad]
        recording = _native.is_grad_enabled() and recorded
        before = _native._set_grad_enabled(False)
        try:
            result = function(ctx, *args)
        finally:
            _native._set_grad_enabled(before)
        if not recording:
            return result
        results = result if isinstance(result, tuple) else (result,)
        marked = tuple(_refuse(item, recorded) if isinstance(item, _native.Tensor) else item for item in results)
        return marked if isinstance(result, tuple) else marked[0]

    return inside


def _refuse(tensor: Tensor, origins: list[Tensor]) -> Tensor:
    """Return the values with a node that refuses to be differentiated by what they come from."""
    out = tensor.detach()
    node = _native._custom_node("Error", _once, lambda: None, None, origins)
    _native._attach_custom(node, [out], [True], [False])
    return out


def _once(*grads: Any) -> Any:
    raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")
