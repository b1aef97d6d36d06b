"""The graph behind tensors: to look at (`draw`, `draw_module`), and hooks on what it saves and on gradients."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property

import corten_native._native as _native
from corten_autograd._drawing.layout import Layout, arrange
from corten_autograd._drawing.mermaid import mermaid
from corten_autograd._drawing.nodes import Box, Path, collect
from corten_autograd._drawing.svg import svg
from corten_autograd._saved import (
    disable_saved_tensors_hooks,
    increment_version,
    register_multi_grad_hook,
    save_on_cpu,
    saved_tensors_hooks,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from corten_native import Tensor

__all__ = [
    "Drawing",
    "Node",
    "disable_saved_tensors_hooks",
    "draw",
    "draw_module",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]

#: The class of all nodes; each kind of node has a class of its own below it.
Node = _native.Node


class Drawing:
    """A picture of a graph. Notebooks show it; `svg` and `mermaid` are its texts, and `save` writes a file."""

    def __init__(self, boxes: list[Box], kinds: Mapping[Path, str]) -> None:
        self._boxes = boxes
        self._kinds = kinds

    def _label(self, path: Path) -> str:
        return f"{path[-1]} {self._kinds.get(path, '')}".rstrip()

    @cached_property
    def layout(self) -> Layout:
        """Where everything stands, in pixels."""
        return arrange(self._boxes, self._label)

    @cached_property
    def svg(self) -> str:
        """The picture as the text of an SVG file."""
        return svg(self.layout, self._label)

    @cached_property
    def mermaid(self) -> str:
        """The graph as the text of a Mermaid flowchart."""
        return mermaid(self._boxes, self._label)

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write SVG to a path in `.svg`, Mermaid to one in `.mmd`; raise `ValueError` for others."""
        texts = {".svg": lambda: self.svg, ".mmd": lambda: self.mermaid}
        ending = os.path.splitext(path)[1]
        if ending not in texts:
            raise ValueError(f"a drawing is saved as .svg or .mmd, got {os.fspath(path)!r}")
        with open(path, "w", encoding="utf-8") as file:
            file.write(texts[ending]())

    def __repr__(self) -> str:
        count = sum(box.kind == "operation" for box in self._boxes)
        return f"<Drawing of {count} operations and {len(self._boxes) - count} tensors>"


def draw(tensors: Any, params: Any = None) -> Drawing:
    """Draw the graph behind a tensor, or behind several in lists, tuples and dicts.

    Each operation shows its name, the dtype and shape of its results, and what it saves for the backward pass.
    `params` names the leaves: a module, or a mapping or pairs of names and tensors. Dots in names are read as modules,
    and operations are put with the parameters that they use; `draw_module` knows better which module they belong to.

        >>> drawing = draw(model(x).sum(), model)
        >>> drawing.save("model.svg")

    Raises `ValueError` where nothing was recorded, or too much to be looked at.
    """
    names, kinds = _names(params)
    return _drawn(tensors, names, kinds, lambda number: None)


def draw_module(module: Any, *args: Any, **kwargs: Any) -> Drawing:
    """Run a module on the arguments and draw the graph of its results, each operation within the module that ran it."""
    if not _native.is_grad_enabled():
        raise ValueError("there is no graph to draw: nothing is recorded here, with gradients disabled")
    names, kinds = _names(module)
    runs = _Runs(kinds)
    handles = []
    for name, part in module.named_modules():
        handles += [
            part.register_forward_pre_hook(lambda *_, name=name: runs.begin(name)),
            part.register_forward_hook(lambda *_: runs.end(), prepend=True),
        ]
    try:
        outputs = module(*args, **kwargs)
    finally:
        for handle in handles:
            handle.remove()
    return _drawn(outputs, names, kinds, runs.module_of)


class _Runs:
    """Which module ran when. Each run is a box of its own, numbered from the second; `kinds` gets its type."""

    def __init__(self, kinds: dict[Path, str]) -> None:
        self._kinds = kinds
        self._running: list[tuple[int, str, Path]] = []
        self._ended: list[tuple[int, int, Path]] = []
        self._counts: Counter[Path] = Counter()

    def begin(self, name: str) -> None:
        """Enter a module; its box is within that of the module around it that is running."""
        around = ((outer, path) for _, outer, path in reversed(self._running) if f"{name}.".startswith(f"{outer}."))
        outer, path = next(around, ("", ()))
        if name:
            path = (*path, *name.removeprefix(f"{outer}.").split("."))
            self._counts[path] += 1
            if self._counts[path] > 1:
                path = (*path[:-1], f"{path[-1]} (run {self._counts[path]})")
            self._kinds[path] = self._kinds[tuple(name.split("."))]
        self._running.append((_now(), name, path))

    def end(self) -> None:
        """Leave the module entered last."""
        start, _, path = self._running.pop()
        self._ended.append((start, _now(), path))

    def module_of(self, number: int) -> Path | None:
        """Return the innermost module that ran when the node of this number was made: of several, it ended first."""
        return next((path for start, end, path in self._ended if start < number < end), None)


def _drawn(
    tensors: Any, names: Mapping[int, str], kinds: Mapping[Path, str], module_of: Callable[[int], Path | None]
) -> Drawing:
    recorded = [x for x in _tensors(tensors) if x.requires_grad]
    if not recorded:
        raise ValueError("there is no graph to draw: no tensor given requires grad")
    return Drawing(collect(recorded, names, module_of), kinds)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, _native.Tensor):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _tensors(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _tensors(item)


def _names(params: Any) -> tuple[dict[int, str], dict[Path, str]]:
    """Return the names of leaves by `id`, and the types of modules by path."""
    if params is None:
        return {}, {}
    kinds = {}
    if hasattr(params, "named_parameters"):
        kinds = {tuple(name.split(".")): type(part).__name__ for name, part in params.named_modules()}
        params = params.named_parameters(remove_duplicate=True)
    pairs: Iterable[tuple[str, Tensor]] = params.items() if isinstance(params, Mapping) else params
    return {id(x): name for name, x in pairs}, kinds


def _now() -> int:
    """Return a number above those of all nodes so far, and below those to come."""
    number: int = _native.zeros((), requires_grad=True).view(()).grad_fn._sequence_nr()
    return number
