"""Switches of recording: each is a context manager and a decorator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import corten_native._native as _native

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    AnyFunction = Callable[..., Any]


class _Mode:
    """A switch that is on inside a `with` block, or inside every call of a function that it decorates."""

    def __enter__(self) -> None:
        raise NotImplementedError

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        raise NotImplementedError

    def clone(self) -> _Mode:
        """Return a switch of the same setting for one more use."""
        return type(self)()

    def __call__(self, function: AnyFunction) -> Any:
        """Decorate a function, a generator function, or the methods of a class."""
        import functools
        import inspect

        if inspect.isclass(function):
            raise TypeError(f"{type(self).__name__} decorates functions, got the class {function.__name__}")
        if inspect.isgeneratorfunction(function):
            return self._wrap_generator(function)

        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                return function(*args, **kwargs)

        return inside

    def _wrap_generator(self, function: AnyFunction) -> AnyFunction:
        """Decorate a generator: the switch is on while its body runs, off while it is suspended."""
        import functools

        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            generator = function(*args, **kwargs)
            send, value = generator.send, None
            try:
                while True:
                    with self.clone():
                        item = send(value)
                    try:
                        value, send = (yield item), generator.send
                    except GeneratorExit:
                        with self.clone():
                            generator.close()
                        raise
                    except BaseException as error:  # the caller's exception belongs to the generator's body
                        value, send = error, generator.throw
            except StopIteration as stop:
                return stop.value

        return inside


class no_grad(_Mode):  # noqa: N801
    """Record nothing.

    >>> with no_grad():
    ...     y = x * 2  # y.requires_grad is False, whatever x is
    """

    def __new__(cls, function: AnyFunction | None = None) -> Any:
        """Make a switch; given a function, decorate it."""
        self = super().__new__(cls)
        return self if function is None else self(function)

    def __enter__(self) -> None:
        self._before = _native._set_grad_enabled(False)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _native._set_grad_enabled(self._before)


class enable_grad(_Mode):  # noqa: N801
    """Record again, inside `no_grad`."""

    def __new__(cls, function: AnyFunction | None = None) -> Any:
        """Make a switch; given a function, decorate it."""
        self = super().__new__(cls)
        return self if function is None else self(function)

    def __enter__(self) -> None:
        self._before = _native._set_grad_enabled(True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _native._set_grad_enabled(self._before)


class set_grad_enabled(_Mode):  # noqa: N801
    """Record or not, from the call on; as a context manager, until the block ends."""

    def __init__(self, mode: bool) -> None:
        self.mode = bool(mode)
        self._before = _native._set_grad_enabled(self.mode)

    def __call__(self, function: AnyFunction) -> Any:
        # The call that made the decorator was not meant for the code around it.
        _native._set_grad_enabled(self._before)
        return super().__call__(function)

    def __enter__(self) -> None:
        _native._set_grad_enabled(self.mode)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _native._set_grad_enabled(self._before)

    def clone(self) -> _Mode:
        """Return a switch of the same setting for one more use."""
        before = _native.is_grad_enabled()
        copy = type(self)(self.mode)
        copy._before = before
        return copy

    def __repr__(self) -> str:
        return f"{type(self).__name__}(mode={self.mode})"


class inference_mode(_Mode):  # noqa: N801
    """Record nothing, and make tensors that can never take part in a graph."""

    def __new__(cls, mode: bool | AnyFunction = True) -> Any:
        """Make a switch; given a function, decorate it."""
        self = super().__new__(cls)
        if callable(mode):
            self.mode = True
            return self(mode)
        return self

    def __init__(self, mode: bool = True) -> None:
        self.mode = mode

    def __enter__(self) -> None:
        self._before = _native._set_inference_mode(self.mode)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _native._set_mode(self._before)

    def clone(self) -> _Mode:
        """Return a switch of the same setting for one more use."""
        return type(self)(self.mode)


class set_detect_anomaly(_Mode):  # noqa: N801
    """Remember where each node was made, and refuse NaN gradients; from the call on, or until the block ends.

    An error in a backward pass then shows the lines of the forward pass that made the node. Slow: for debugging.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = _native._set_anomaly(bool(mode), bool(check_nan))
        self._mode = (bool(mode), bool(check_nan))

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _native._set_anomaly(*self._before)

    def clone(self) -> _Mode:
        """Return a switch of the same setting for one more use."""
        return type(self)(*self._mode)


class detect_anomaly(set_detect_anomaly):  # noqa: N801
    """`set_detect_anomaly(True)` for a block."""

    def __init__(self, check_nan: bool = True) -> None:
        import warnings

        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled "
            "for debugging.",
            stacklevel=2,
        )
        super().__init__(True, check_nan)

    def clone(self) -> _Mode:
        """Return a switch of the same setting for one more use."""
        return set_detect_anomaly(*self._mode)


is_anomaly_enabled = _native.is_anomaly_enabled
