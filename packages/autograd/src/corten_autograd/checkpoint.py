"""Checkpoints (`torch.utils.checkpoint`): less memory for more work, by computing intermediate results twice."""

from __future__ import annotations

import contextlib
import weakref

import corten_native._native as _native
from corten_autograd._backward import backward as _backward
from corten_autograd._function import Function
from corten_autograd._modes import enable_grad
from corten_autograd._saved import saved_tensors_hooks
from corten_tensor_core import get_rng_state, set_rng_state
from corten_tensor_core.random import fork_rng

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from typing import Any

    from corten_native import Tensor

    Contexts = tuple[AbstractContextManager[Any], AbstractContextManager[Any]]

__all__ = [
    "CheckpointError",
    "CheckpointFunction",
    "check_backward_validity",
    "checkpoint",
    "checkpoint_sequential",
    "detach_variable",
    "noop_context_fn",
    "set_checkpoint_early_stop",
]


class CheckpointError(RuntimeError):
    """The second run of a function saved other tensors than the first."""


class _EnoughError(Exception):
    """All that is needed has been computed again."""


_early_stop: bool | None = None


@contextlib.contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """Choose for checkpoints made within the block whether their second run ends as soon as all is there."""
    global _early_stop
    before, _early_stop = _early_stop, enable
    try:
        yield
    finally:
        _early_stop = before


def noop_context_fn() -> Contexts:
    """Return two contexts that do nothing."""
    return contextlib.nullcontext(), contextlib.nullcontext()


def check_backward_validity(inputs: Iterable[Any]) -> None:
    """Warn where no input requires grad, so that no gradient would flow."""
    if not any(x.requires_grad for x in inputs if isinstance(x, _native.Tensor)):
        import warnings

        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2)


def detach_variable(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the inputs, each tensor as a leaf of its own with the same values."""
    if not isinstance(inputs, tuple):
        raise RuntimeError(
            f"Only tuple of tensors is supported. Got Unsupported input type: {type(inputs).__name__}",
        )
    return tuple(x.detach().requires_grad_(x.requires_grad) if isinstance(x, _native.Tensor) else x for x in inputs)


class CheckpointFunction(Function):
    """The reentrant checkpoint: `forward` records nothing, `backward` runs the function again and through it."""

    @staticmethod
    def forward(ctx: Any, run_function: Callable[..., Any], preserve_rng_state: bool, *args: Any) -> Any:
        """Run the function, keeping its arguments and the state of the random numbers."""
        check_backward_validity(args)
        ctx.run_function = run_function
        ctx.rng_state = get_rng_state() if preserve_rng_state else None
        ctx.inputs = [None if isinstance(x, _native.Tensor) else x for x in args]
        ctx.places = [i for i, x in enumerate(args) if isinstance(x, _native.Tensor)]
        ctx.save_for_backward(*(args[i] for i in ctx.places))
        return run_function(*args)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Run the function again, and a backward pass of its own through it."""
        _, accumulates = _native._running_pass()
        if not accumulates:
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or passing an `inputs` "
                "parameter to .backward(). To resolve this error, you can either set use_reentrant=False, or call "
                ".backward() without passing the `inputs` argument."
            )
        inputs = list(ctx.inputs)
        for place, x in zip(ctx.places, ctx.saved_tensors, strict=True):
            inputs[place] = x
        detached = detach_variable(tuple(inputs))
        with _random(ctx.rng_state), enable_grad():
            outputs = ctx.run_function(*detached)
        if isinstance(outputs, _native.Tensor):
            outputs = (outputs,)
        pairs = [
            (x, g) for x, g in zip(outputs, grads, strict=True) if isinstance(x, _native.Tensor) and x.requires_grad
        ]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        _backward([x for x, _ in pairs], [g for _, g in pairs])
        return (None, None, *(x.grad if isinstance(x, _native.Tensor) else None for x in detached))


@contextlib.contextmanager
def _random(state: Tensor | None) -> Iterator[None]:
    """Draw random numbers from a state within the block, and as before after it."""
    if state is None:
        yield
        return
    with fork_rng():
        set_rng_state(state)
        yield


class _Holder:
    """Stands for a tensor that was not kept; while a backward pass needs it, it has the tensor."""

    __slots__ = ("__weakref__", "number", "tensor")

    def __init__(self) -> None:
        self.tensor: Tensor | None = None
        self.number: int | None = None


class _Frame:
    """One run of a checkpointed function: what stands for the tensors it saved, in order, and how to run it again."""

    def __init__(self, run_again: Callable[[], None], early_stop: bool, describe: Callable[[Tensor], Any]) -> None:
        self._run_again, self._early_stop, self._describe = run_again, early_stop, describe
        self._holders: list[weakref.ref[_Holder]] = []
        self._descriptions: list[Any] = []
        self.complete = False

    def pack(self, x: Tensor) -> _Holder:
        """Keep a holder instead of the tensor."""
        holder = _Holder()
        self._holders.append(weakref.ref(holder))
        self._descriptions.append(self._describe(x))
        return holder

    def unpack(self, holder: _Holder) -> Tensor:
        """Return the tensor, after a second run where this backward pass has not had one."""
        number = (_native._running_pass() or (None,))[0]
        if holder.tensor is None or holder.number != number:
            self._compute(number)
        if holder.tensor is None:
            raise CheckpointError("torch.utils.checkpoint: the second run did not save a tensor that the first saved")
        return holder.tensor

    def _compute(self, number: int | None) -> None:
        """Run the function again and give each holder that is still needed its tensor."""
        found: list[Any] = []

        def keep(x: Tensor) -> Tensor:
            place = len(found)
            found.append(self._describe(x))
            if place < len(self._holders):
                holder = self._holders[place]()
                if holder is not None:
                    holder.tensor, holder.number = x.detach(), number
            if self._early_stop and len(found) == len(self._holders):
                raise _EnoughError
            return x.detach()

        with contextlib.suppress(_EnoughError), saved_tensors_hooks(keep, lambda x: x), enable_grad():
            self._run_again()
        if self.complete:
            self._check(found)

    def _check(self, found: list[Any]) -> None:
        if len(found) != len(self._descriptions):
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the original forward and "
                f"recomputation.\nNumber of tensors saved during forward: {len(self._descriptions)}\n"
                f"Number of tensors saved during recomputation: {len(found)}.\n"
            )
        wrong = [
            f"tensor at position {i}:\nsaved metadata: {before}\nrecomputed metadata: {now}\n"
            for i, (before, now) in enumerate(zip(self._descriptions, found, strict=True))
            if before != now and self._holders[i]() is not None
        ]
        if wrong:
            raise CheckpointError(
                "torch.utils.checkpoint: Recomputed values for the following tensors have different metadata than "
                f"during the forward pass.\n{''.join(wrong)}"
            )


#: What is compared of a tensor of the first run and its like of the second.
_CHECKS: dict[str, Callable[[Tensor], Any]] = {
    "default": lambda x: {"shape": x.shape, "dtype": x.dtype, "device": x.device},
    "none": lambda x: None,
}


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], Contexts] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """Return `function(*args, **kwargs)`, keeping none of its intermediate results: a backward pass runs it again.

    With `preserve_rng_state` the second run draws the same random numbers. `context_fn` gives two context managers,
    one for each run. By `determinism_check="default"` the tensors of both runs are compared in shape, dtype and device
    (`CheckpointError`); "none" leaves that out. `early_stop` ends the second run when all that is needed is there.

    With `use_reentrant=True`, an older way, the second run happens in a backward pass within the backward pass: at
    least one of `args` must require grad, only tensors among `args` themselves get gradients, not those in lists, and
    `grad()` and `backward(inputs=...)` are errors. Left out, it is True, with a warning.
    """
    if use_reentrant is None:
        import warnings

        warnings.warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. Starting in PyTorch "
            "2.9, calling checkpoint without use_reentrant will raise an exception. use_reentrant=False is "
            "recommended, but if you need to preserve the current default behavior, you can pass use_reentrant=True. "
            "Refer to docs for more details on the differences between the two variants.",
            stacklevel=2,
        )
        use_reentrant = True
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not noop_context_fn or debug is not False:
            raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
        return CheckpointFunction.apply(function, preserve_rng_state, *args)
    if debug:
        raise ValueError("checkpoint(): argument 'debug' must be False: no operators are logged")
    if determinism_check not in _CHECKS:
        raise ValueError(f"determinism_check should be one of {list(_CHECKS)} but got {determinism_check}")
    first, second = context_fn()
    if not _native.is_grad_enabled():
        return function(*args, **kwargs)
    state = get_rng_state() if preserve_rng_state else None

    def run_again() -> None:
        with _random(state), second:
            function(*args, **kwargs)

    stop = early_stop if _early_stop is None else _early_stop
    frame = _Frame(run_again, stop, _CHECKS[determinism_check])
    with saved_tensors_hooks(frame.pack, frame.unpack), first:
        result = function(*args, **kwargs)
    frame.complete = True
    return result


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, preserve_rng_state: bool = True
) -> Any:
    """Apply functions (or the layers of a `Sequential`) one after the other, in `segments`, all but the last
    checkpointed.
    """
    if use_reentrant is None:
        import warnings

        warnings.warn(
            "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be passed explicitly. "
            "In version 2.9 we will raise an exception if use_reentrant is not passed. use_reentrant=False is "
            "recommended, but if you need to preserve the current default behavior, you can pass use_reentrant=True. "
            "Refer to docs for more details on the differences between the two variants.",
            stacklevel=2,
        )
        use_reentrant = True
    steps = list(functions.children() if hasattr(functions, "children") else functions)
    length = len(steps) // segments

    def segment(start: int, end: int) -> Callable[[Any], Any]:
        def run(x: Any) -> Any:
            for step in steps[start:end]:
                x = step(x)
            return x

        return run

    last = length * (segments - 1)
    for start in range(0, last, length or 1):
        input = checkpoint(
            segment(start, start + length),
            input,
            use_reentrant=use_reentrant,
            preserve_rng_state=preserve_rng_state,
        )
    return segment(last, len(steps))(input)
