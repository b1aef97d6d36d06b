"""The boxes of a picture: the nodes behind some tensors, what is written in them, and the modules they belong to."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import corten_native._native as _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from corten_native import Tensor

#: More than this many nodes can neither be looked at nor laid out in reasonable time.
LIMIT = 5000

Path = tuple[str, ...]


@dataclass(eq=False)
class Box:
    """A node: its lines, the first its title; the boxes that it comes from; the path of the module it is part of."""

    kind: str  # "operation", "leaf" or "output"
    lines: list[str]
    order: float
    inputs: list[Box] = field(default_factory=list)
    group: Path = ()


def collect(outputs: Sequence[Tensor], names: Mapping[int, str], module_of: Callable[[int], Path | None]) -> list[Box]:
    """Return the boxes of all nodes behind `outputs`, and of the outputs themselves, in the order of computation.

    `names` are the names of leaves by `id`. `module_of` gives the module in which the node of a sequence number was
    made; where it gives None, a node counts to the module of its parameters, else to what holds that of its inputs.
    Raises `ValueError` for a graph of more than `LIMIT` nodes.
    """
    boxes: dict[Any, Box] = {}
    finals = [Box("output", ["output", described(x.shape, x.dtype)], float("inf")) for x in outputs]
    pending = deque((final, _node(x)) for final, x in zip(finals, outputs, strict=True))
    while pending:
        target, node = pending.popleft()
        box = boxes.get(node)
        if box is None:
            if len(boxes) == LIMIT:
                raise ValueError(f"the graph has more than {LIMIT} nodes; draw what is behind an earlier tensor")
            box = boxes[node] = _leaf(node, names) if node.name() == "AccumulateGrad" else _operation(node, module_of)
            pending.extend((box, source) for source, _ in node.next_functions if source is not None)
        if box.kind == "leaf":
            # A leaf stands before the first that uses it.
            box.order = min(box.order, target.order - 0.5)
        target.inputs.append(box)
    ordered = sorted(boxes.values(), key=lambda box: box.order)
    known = {box for node, box in boxes.items() if box.kind == "leaf" or module_of(node._sequence_nr()) is not None}
    for box in ordered:
        if box not in known:
            box.group = _guessed(box)
    return [*ordered, *finals]


def described(shape: Any, dtype: Any) -> str:
    """Return how a tensor of this shape and dtype is written: `float32 (2, 3)`."""
    sizes = ", ".join(map(str, shape))
    return f"{str(dtype).removeprefix('torch.')} ({sizes})"


def _node(x: Tensor) -> Any:
    """Return the node of a tensor; that of a leaf is what a view of it comes from."""
    return x.grad_fn or x.view_as(x).grad_fn.next_functions[0][0]


def _leaf(node: Any, names: Mapping[int, str]) -> Box:
    x = node.variable
    if x is None:
        return Box("leaf", ["leaf", "no longer there"], float("inf"))
    name = names.get(id(x), "leaf")
    module = name.rpartition(".")[0]
    return Box(
        "leaf", [name, described(x.shape, x.dtype)], float("inf"), group=tuple(module.split(".")) if module else ()
    )


def _operation(node: Any, module_of: Callable[[int], Path | None]) -> Box:
    outputs = [described(shape, dtype) for shape, dtype, _ in _native._node_outputs(node) if shape is not None]
    saves = [f"saves {text}" for text in _saved(node)]
    number = node._sequence_nr()
    return Box("operation", [node.name(), *outputs, *saves], number, group=module_of(number) or ())


def _saved(node: Any) -> list[str]:
    """Return what a node keeps for its backward, as `name: what`; of a custom function, the tensors are not named."""
    try:
        context = _native._node_context(node)
    except TypeError:
        context = None
    try:
        if context is not None:
            return [_value(x) for x in context.saved_tensors]
        names = [name for name in dir(node) if name.startswith("_saved_")]
        return [f"{name.removeprefix('_saved_')}: {_value(getattr(node, name))}" for name in names]
    except RuntimeError:
        return ["nothing any more: a backward pass freed it"]


def _value(x: Any) -> str:
    if isinstance(x, _native.Tensor):
        return described(x.shape, x.dtype)
    text = repr(x)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _guessed(box: Box) -> Path:
    """Return the module that an operation belongs to by its parameters, or by the last computed of its inputs."""
    parameters = [x.group for x in box.inputs if x.kind == "leaf" and x.group]
    if parameters:
        return parameters[0]
    sources = [x for x in box.inputs if x.kind == "operation"]
    if not sources:
        return ()
    last = max(sources, key=lambda x: x.order)
    owns = any(x.kind == "leaf" and x.group == last.group for x in last.inputs)
    return last.group[:-1] if owns else last.group
