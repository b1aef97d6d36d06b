"""Where boxes stand: in layers, each box below all that it comes from, and modules as boxes around their parts.

Each module is laid out by itself and then is one box for the module around it. Within a module, layers follow from the
longest paths, the order in a layer from the mean positions of neighbours (the barycenter method of Sugiyama, Tagawa and
Toda, 1981), and lines that pass layers go through points of their own there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from .nodes import Box, Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CHARACTER = 7.3  # the width of a letter of the font, for which there is no measure without a browser
LINE = 15.0
PADDING = 9.0
GAP = 18.0
LAYER_GAP = 30.0
HEADING = 20.0
_BEND = 8.0  # what a line that passes a layer takes of its width
_SWEEPS = 6


@dataclass(eq=False)
class Item:
    """Something with a place: a box, a module with its items, or a point where a line passes a layer."""

    box: Box | None = None
    path: Path = ()
    items: list[Item] = field(default_factory=list)
    width: float = _BEND
    height: float = 0.0
    #: The centre and the upper edge, in the coordinates of the module around it and, when all is done, of the picture.
    x: float = 0.0
    y: float = 0.0
    order: float = float("inf")


@dataclass
class Layout:
    """Boxes and modules with their places in a picture of `width` and `height`, and the corners of each line."""

    width: float
    height: float
    boxes: dict[Box, Item]
    groups: list[Item]
    lines: list[list[tuple[float, float]]]


def arrange(boxes: Sequence[Box], label: Callable[[Path], str]) -> Layout:
    """Give boxes their places. `label` is the heading of a module, which it has to be wide enough for."""
    groups: dict[Path, Item] = {(): Item()}
    places: dict[Box, Item] = {}
    for box in boxes:
        for depth in range(1, len(box.group) + 1):
            path = box.group[:depth]
            if path not in groups:
                groups[path] = Item(path=path)
                groups[path[:-1]].items.append(groups[path])
        item = Item(box, box.group, order=box.order)
        item.width = max(map(len, box.lines)) * CHARACTER + 2 * PADDING
        item.height = len(box.lines) * LINE + PADDING
        places[box] = item
        groups[box.group].items.append(item)
    routes = _routes(boxes, places, groups)
    bends: dict[tuple[Item, Item], list[Item]] = {}
    for path in sorted(groups, key=len, reverse=True):
        _arrange_group(groups[path], routes.get(path, {}), label(path) if path else "", bends)
    for path in sorted(groups, key=len):
        group = groups[path]
        for item in group.items:
            item.x += group.x
            item.y += group.y
    lines = [
        [(source.x, source.y + source.height), *_passed(bends.get(ends, [])), (target.x, target.y)]
        for group in routes.values()
        for ends, pairs in group.items()
        for source, target in pairs
    ]
    whole = groups.pop(())
    return Layout(whole.width, whole.height, places, list(groups.values()), lines)


_Routes = dict[tuple[Item, Item], list[tuple[Item, Item]]]


def _routes(boxes: Sequence[Box], places: dict[Box, Item], groups: dict[Path, Item]) -> dict[Path, _Routes]:
    """Return by module which of its items are joined, and for which boxes in them."""
    routes: dict[Path, _Routes] = {}
    for target in boxes:
        for source in dict.fromkeys(target.inputs):
            common = 0
            while source.group[: common + 1] == target.group[: common + 1] and common < len(source.group):
                common += 1
            ends = [
                groups[box.group[: common + 1]] if len(box.group) > common else places[box] for box in (source, target)
            ]
            group = routes.setdefault(target.group[:common], {})
            group.setdefault((ends[0], ends[1]), []).append((places[source], places[target]))
    return routes


def _passed(bends: list[Item]) -> list[tuple[float, float]]:
    return [(bend.x, y) for bend in bends for y in (bend.y, bend.y + bend.height)]


def _arrange_group(group: Item, routes: _Routes, heading: str, bends: dict[tuple[Item, Item], list[Item]]) -> None:
    """Place the items of one module, whose own sizes are known, around x = 0 and below y = 0, and give it its size."""
    group.order = min((item.order for item in group.items), default=0.0)
    # A module that runs twice may both come before and after another; then what ran first stands above.
    group.items.sort(key=lambda item: item.order)
    rank = {item: number for number, item in enumerate(group.items)}
    forward = [ends for ends in routes if rank[ends[0]] < rank[ends[1]]]
    layers, links = _layers(group.items, forward, bends)
    _order(layers, links)
    _spread(layers, links)
    top = HEADING if heading else GAP
    for number, layer in enumerate(layers):
        height = max(item.height for item in layer)
        for item in layer:
            if item.box is None and not item.items:
                item.y, item.height = top, height
            else:
                item.y = top + (height - item.height) / 2
        top += height + (LAYER_GAP if number < len(layers) - 1 else 0)
    everything = [item for layer in layers for item in layer]
    left = min(item.x - item.width / 2 for item in everything)
    right = max(item.x + item.width / 2 for item in everything)
    group.width = max(right - left, len(heading) * CHARACTER) + 2 * GAP
    group.height = top + GAP
    shift = -(left + right) / 2 if group.path else group.width / 2 - (left + right) / 2
    for item in everything:
        item.x += shift
    group.items = everything


def _layers(
    items: list[Item], forward: list[tuple[Item, Item]], bends: dict[tuple[Item, Item], list[Item]]
) -> tuple[list[list[Item]], list[tuple[Item, Item]]]:
    """Return the layers, with the points where lines pass them, and the links between neighbouring layers."""
    before: dict[Item, list[Item]] = {item: [] for item in items}
    after: dict[Item, list[Item]] = {item: [] for item in items}
    for source, target in forward:
        before[target].append(source)
        after[source].append(target)
    depth: dict[Item, int] = {}
    for item in items:
        depth[item] = max((depth[x] + 1 for x in before[item]), default=0)
    for item in reversed(items):
        # What comes from nowhere, a parameter, stands right above what uses it.
        if not before[item] and after[item]:
            depth[item] = min(depth[x] for x in after[item]) - 1
    layers: list[list[Item]] = [[] for _ in range(max(depth.values(), default=0) + 1)]
    for item in items:
        layers[depth[item]].append(item)
    links: list[tuple[Item, Item]] = []
    for source, target in forward:
        passed = [Item() for _ in range(depth[source] + 1, depth[target])]
        for number, bend in enumerate(passed, depth[source] + 1):
            layers[number].append(bend)
        bends[source, target] = passed
        links += pairwise([source, *passed, target])
    return [layer for layer in layers if layer], links


def _order(layers: list[list[Item]], links: list[tuple[Item, Item]]) -> None:
    """Order each layer by the mean places of its neighbours above and below, in turn."""
    above: dict[Item, list[Item]] = {}
    below: dict[Item, list[Item]] = {}
    for source, target in links:
        above.setdefault(target, []).append(source)
        below.setdefault(source, []).append(target)
    place = {item: float(number) for layer in layers for number, item in enumerate(layer)}
    for sweep in range(_SWEEPS):
        neighbours = below if sweep % 2 else above
        for layer in reversed(layers) if sweep % 2 else layers:
            means = {item: _mean([place[x] for x in neighbours.get(item, [item])]) for item in layer}
            layer.sort(key=means.__getitem__)
            place.update({item: float(number) for number, item in enumerate(layer)})


def _spread(layers: list[list[Item]], links: list[tuple[Item, Item]]) -> None:
    """Give all items their x: near their neighbours, in their order, and apart from each other."""
    joined: dict[Item, list[Item]] = {}
    for source, target in links:
        joined.setdefault(source, []).append(target)
        joined.setdefault(target, []).append(source)
    for layer in layers:
        _apart(layer, [0.0] * len(layer))
    for sweep in range(_SWEEPS):
        for layer in reversed(layers) if sweep % 2 else layers:
            _apart(layer, [_mean([x.x for x in joined.get(item, [item])]) for item in layer])


def _apart(layer: list[Item], wanted: list[float]) -> None:
    """Place a layer as near to the wanted places as its widths allow, in this order."""
    edges = []
    least = float("-inf")
    for item, x in zip(layer, wanted, strict=True):
        x = max(x, least + item.width / 2)
        edges.append(x)
        least = x + item.width / 2 + GAP
    # Pushed to the right only, they would all lean that way.
    lean = _mean([x - y for x, y in zip(edges, wanted, strict=True)])
    for item, x in zip(layer, edges, strict=True):
        item.x = x - lean


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
