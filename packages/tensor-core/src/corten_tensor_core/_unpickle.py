"""A reader of pickles that executes nothing: it builds plain values, and calls only what it is given by name.

Pickle is a small stack language (see `pickletools`). Names of classes and functions are looked up in the table of the
caller and nowhere else; a name that is not there is refused, and the error says which.
"""

from __future__ import annotations

import collections
import pickle
import pickletools
import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any


class Global:
    """A name that the pickle may call or mention: `call` builds its value, `value` is what it means uncalled."""

    __slots__ = ("call", "value")

    def __init__(self, call: Callable[..., Any] | None = None, value: Any = None) -> None:
        self.call = call
        self.value = value

    @property
    def is_class(self) -> bool:
        """Whether this is a class whose instances the pickle may make and give their state."""
        return isinstance(self.value, type) and self.call is self.value


def _encode(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"_codecs.encode is allowed with latin1 only, got {encoding!r}")
    return text.encode("latin1")


_DEEPEST_KEY = 20


def _check_keys(keys: Iterable[Any], depth: int = 0) -> None:
    """Raise for tuples nested so deep that hashing them would overflow the interpreter's stack."""
    for key in keys:
        if isinstance(key, tuple):
            if depth == _DEEPEST_KEY:
                raise pickle.UnpicklingError(f"refused: a key is nested deeper than {_DEEPEST_KEY} tuples")
            _check_keys(key, depth + 1)


def _hashing(kind: Callable[..., Any]) -> Global:
    """Allow a container that hashes what it is given: one iterable of keys, or for mappings of pairs."""

    def build(*arguments: Any) -> Any:
        for items in arguments:
            _check_keys(items)
        return kind(*arguments)

    return Global(build)


def _empty_bytes() -> bytes:
    """Protocol 2 calls `bytes` for an empty value only; with a number it would fill the memory."""
    return b""


def _bytearray(content: Any = b"", encoding: str = "latin-1") -> bytearray:
    """Protocol 2 gives a text; a number would fill the memory."""
    if isinstance(content, str):
        content = _encode(content, encoding.replace("-", ""))
    if not isinstance(content, bytes):
        raise pickle.UnpicklingError(f"refused: bytearray is allowed with bytes only, got {type(content).__name__}")
    return bytearray(content)


# The module's name in protocol 2, and after.
_BUILTINS = ("__builtin__", "builtins")
PLAIN: dict[str, Global] = {
    "collections.OrderedDict": _hashing(collections.OrderedDict),
    "collections.Counter": _hashing(collections.Counter),
    "_codecs.encode": Global(_encode),
    "__builtin__.bytes": Global(_empty_bytes),
    **{f"{module}.bytearray": Global(_bytearray) for module in _BUILTINS},
    **{f"{module}.complex": Global(complex) for module in _BUILTINS},
    **{f"{module}.{kind.__name__}": _hashing(kind) for module in _BUILTINS for kind in (set, frozenset)},
}
_MARK = object()


class Reader:
    """Reads one pickle of protocol 2 to 5 from bytes.

    `names` maps `module.name` to what it stands for; `persistent` resolves the ids of things stored outside.
    """

    def __init__(self, data: bytes, names: Mapping[str, Global], persistent: Callable[[Any], Any]) -> None:
        self._data = data
        self._at = 0
        self._names = names
        self._persistent = persistent
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def load(self) -> Any:
        """Return the value; raise `pickle.UnpicklingError` for what is refused or damaged."""
        try:
            while True:
                code = self._take(1)
                if code == b".":
                    return _plain(self._stack.pop())
                step = _STEPS.get(code)
                if step is None:
                    raise pickle.UnpicklingError(f"refused: operation {code!r} at byte {self._at - 1} of the pickle")
                step(self)
        except (IndexError, KeyError, TypeError, ValueError, struct.error, RecursionError, OverflowError) as error:
            raise pickle.UnpicklingError(
                f"the pickle is damaged near byte {self._at}: {type(error).__name__}: {error}"
            ) from error

    def _take(self, count: int) -> bytes:
        if count < 0 or self._at + count > len(self._data):
            raise pickle.UnpicklingError(f"the pickle is cut off at byte {len(self._data)}")
        self._at += count
        return self._data[self._at - count : self._at]

    def _number(self, form: str) -> Any:
        return struct.unpack("<" + form, self._take(struct.calcsize("<" + form)))[0]

    def _line(self) -> str:
        end = self._data.index(b"\n", self._at)
        return self._take(end - self._at + 1)[:-1].decode()

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _popped(self, count: int) -> list[Any]:
        if count > len(self._stack):
            raise pickle.UnpicklingError("the pickle takes more values than it made")
        values = [_plain(x) for x in self._stack[len(self._stack) - count :]]
        del self._stack[len(self._stack) - count :]
        return values

    def _to_mark(self) -> list[Any]:
        at = len(self._stack) - 1
        while at >= 0 and self._stack[at] is not _MARK:
            at -= 1
        if at < 0:
            raise pickle.UnpicklingError("the pickle closes a group that it did not open")
        values = self._popped(len(self._stack) - at - 1)
        self._stack.pop()
        return values

    def _named(self, module: str, name: str) -> None:
        full = f"{module}.{name}"
        if full not in self._names:
            raise pickle.UnpicklingError(
                f"refused: the file wants to use {full}, which is not on the list of things that a file may name. If "
                "you trust it, allow the class with add_safe_globals or safe_globals"
            )
        self._push(self._names[full])

    def _called(self) -> None:
        (arguments,) = self._popped(1)
        target = self._stack.pop()
        if not isinstance(target, Global) or target.call is None:
            raise pickle.UnpicklingError(f"refused: the pickle calls {_described(target)}, which is not callable here")
        self._push(target.call(*arguments))

    def _made(self) -> None:
        """Make an instance without initialising it; what follows sets its state."""
        (arguments,) = self._popped(1)
        target = self._stack.pop()
        if not (isinstance(target, Global) and target.is_class):
            raise pickle.UnpicklingError(f"refused: the pickle makes an instance of {_described(target)}")
        self._push(target.value.__new__(target.value, *arguments))

    def _built(self) -> None:
        (state,) = self._popped(1)
        target = self._stack[-1]
        if isinstance(target, collections.OrderedDict) and isinstance(state, dict):
            target.__dict__.update(state)
        elif any(type(target) is allowed.value for allowed in self._names.values() if allowed.is_class):
            _set_state(target, state)
        else:
            raise pickle.UnpicklingError(f"refused: the pickle sets attributes of {_described(target)}")

    def _append(self, values: list[Any]) -> None:
        target = self._stack[-1]
        if type(target) is not list:
            raise pickle.UnpicklingError(f"refused: the pickle appends to {_described(target)}")
        target.extend(values)

    def _set_items(self, values: list[Any]) -> None:
        target = self._stack[-1]
        if not isinstance(target, dict):
            raise pickle.UnpicklingError(f"refused: the pickle sets items of {_described(target)}")
        _check_keys(values[::2])
        target.update(zip(values[::2], values[1::2], strict=True))

    def _add_items(self, values: list[Any]) -> None:
        target = self._stack[-1]
        if type(target) is not set:
            raise pickle.UnpicklingError(f"refused: the pickle adds to {_described(target)}")
        _check_keys(values)
        target.update(values)

    def _resolved(self) -> None:
        (identity,) = self._popped(1)
        self._push(self._persistent(identity))


def _plain(value: Any) -> Any:
    if value is _MARK:
        raise pickle.UnpicklingError("the pickle leaves a group open")
    if isinstance(value, Global):
        if value.value is None:
            raise pickle.UnpicklingError("refused: the pickle keeps a function, which may only be called")
        return value.value
    return value


def _described(value: Any) -> str:
    return "a name" if isinstance(value, Global) else f"a value of type {type(value).__name__}"


def _set_state(target: Any, state: Any) -> None:
    """Give an instance of a class that the user allowed its state, as `copyreg` describes it."""
    if hasattr(target, "__setstate__"):
        target.__setstate__(state)
        return
    attributes, slots = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
    target.__dict__.update({sys.intern(name): value for name, value in (attributes or {}).items()})
    for name, value in (slots or {}).items():
        setattr(target, name, value)


def _text(reader: Reader, form: str) -> str:
    return reader._take(reader._number(form)).decode("utf-8", "surrogatepass")


def _long(reader: Reader, form: str) -> int:
    return int.from_bytes(reader._take(reader._number(form)), "little", signed=True)


def _frozen(values: list[Any]) -> frozenset[Any]:
    _check_keys(values)
    return frozenset(values)


def _stack_global(reader: Reader) -> None:
    module, name = reader._popped(2)
    reader._named(module, name)


def _memoize(reader: Reader, index: int) -> None:
    reader._memo[index] = reader._stack[-1]


_STEPS: dict[bytes, Callable[[Reader], object]] = {
    pickle.PROTO: lambda r: r._take(1),
    pickle.FRAME: lambda r: r._take(8),
    pickle.MARK: lambda r: r._push(_MARK),
    pickle.POP: lambda r: r._stack.pop(),
    pickle.POP_MARK: lambda r: r._to_mark(),
    pickle.NONE: lambda r: r._push(None),
    pickle.NEWTRUE: lambda r: r._push(True),
    pickle.NEWFALSE: lambda r: r._push(False),
    pickle.BININT: lambda r: r._push(r._number("i")),
    pickle.BININT1: lambda r: r._push(r._number("B")),
    pickle.BININT2: lambda r: r._push(r._number("H")),
    pickle.LONG1: lambda r: r._push(_long(r, "B")),
    pickle.LONG4: lambda r: r._push(_long(r, "i")),
    pickle.BINFLOAT: lambda r: r._push(struct.unpack(">d", r._take(8))[0]),
    pickle.SHORT_BINUNICODE: lambda r: r._push(_text(r, "B")),
    pickle.BINUNICODE: lambda r: r._push(_text(r, "I")),
    pickle.BINUNICODE8: lambda r: r._push(_text(r, "Q")),
    pickle.SHORT_BINSTRING: lambda r: r._push(r._take(r._number("B")).decode("ascii")),
    pickle.BINSTRING: lambda r: r._push(r._take(r._number("i")).decode("ascii")),
    pickle.SHORT_BINBYTES: lambda r: r._push(r._take(r._number("B"))),
    pickle.BINBYTES: lambda r: r._push(r._take(r._number("I"))),
    pickle.BINBYTES8: lambda r: r._push(r._take(r._number("Q"))),
    pickle.BYTEARRAY8: lambda r: r._push(bytearray(r._take(r._number("Q")))),
    pickle.EMPTY_LIST: lambda r: r._push([]),
    pickle.EMPTY_TUPLE: lambda r: r._push(()),
    pickle.EMPTY_DICT: lambda r: r._push({}),
    pickle.EMPTY_SET: lambda r: r._push(set()),
    pickle.TUPLE: lambda r: r._push(tuple(r._to_mark())),
    pickle.TUPLE1: lambda r: r._push(tuple(r._popped(1))),
    pickle.TUPLE2: lambda r: r._push(tuple(r._popped(2))),
    pickle.TUPLE3: lambda r: r._push(tuple(r._popped(3))),
    pickle.FROZENSET: lambda r: r._push(_frozen(r._to_mark())),
    pickle.APPEND: lambda r: r._append(r._popped(1)),
    pickle.APPENDS: lambda r: r._append(r._to_mark()),
    pickle.SETITEM: lambda r: r._set_items(r._popped(2)),
    pickle.SETITEMS: lambda r: r._set_items(r._to_mark()),
    pickle.ADDITEMS: lambda r: r._add_items(r._to_mark()),
    pickle.BINPUT: lambda r: _memoize(r, r._number("B")),
    pickle.LONG_BINPUT: lambda r: _memoize(r, r._number("I")),
    pickle.MEMOIZE: lambda r: _memoize(r, len(r._memo)),
    pickle.BINGET: lambda r: r._push(r._memo[r._number("B")]),
    pickle.LONG_BINGET: lambda r: r._push(r._memo[r._number("I")]),
    pickle.GLOBAL: lambda r: r._named(r._line(), r._line()),
    pickle.STACK_GLOBAL: _stack_global,
    pickle.REDUCE: lambda r: r._called(),
    pickle.NEWOBJ: lambda r: r._made(),
    pickle.BUILD: lambda r: r._built(),
    pickle.BINPERSID: lambda r: r._resolved(),
}


def named_in(data: bytes) -> set[str]:
    """Return all names, as `module.name`, that a pickle looks up, without reading it further."""
    found: set[str] = set()
    texts: list[str | None] = [None, None]
    memo: dict[int, str | None] = {}
    argument: Any  # what it is follows from the operation
    for operation, argument, _ in pickletools.genops(data):
        pushed = argument if isinstance(argument, str) and "UNICODE" in operation.name else None
        if operation.name == "GLOBAL":
            found.add(argument.replace(" ", "."))
        elif operation.name == "STACK_GLOBAL":
            found.add(f"{texts[-2]}.{texts[-1]}")
        elif operation.name == "MEMOIZE":
            memo[len(memo)] = texts[-1]
            continue
        elif operation.name in ("BINPUT", "LONG_BINPUT"):
            memo[argument] = texts[-1]
            continue
        elif operation.name in ("BINGET", "LONG_BINGET"):
            pushed = memo.get(argument)
        texts.append(pushed)
    return found
