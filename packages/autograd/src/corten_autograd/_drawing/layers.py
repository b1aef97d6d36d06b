"""The items of one module in layers, each below all that it comes from.

Layers follow from the longest paths, the order in a layer from the mean places of neighbours (the barycenter method of
Sugiyama, Tagawa and Toda, 1981), and lines that pass layers have points of their own there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .nodes import Box, Path

GAP = 18.0
LAYER_GAP = 26.0
HEADING = 22.0
_BEND = 6.0  # what a line that passes a layer takes of its width
_STRAIGHT = 8.0  # how much more a bend's place counts than a box's
_SWEEPS = 8


@dataclass(eq=False)
class Item:
    """Something with a place: a box, a module with its items, or a point where a line passes a layer or an edge."""

    box: Box | None = None
    path: Path = ()
    items: list[Item] = field(default_factory=list)
    #: Where lines enter and leave, of a module.
    entries: list[Item] = field(default_factory=list)
    exits: list[Item] = field(default_factory=list)
    width: float = _BEND
    height: float = 0.0
    #: The centre and the upper edge, in the coordinates of the module around it and, when all is done, of the picture.
    x: float = 0.0
    y: float = 0.0
    order: float = float("inf")
    #: The room to the left and right, and the height, that leaves beside a box take.
    left: float = 0.0
    right: float = 0.0
    room_height: float = 0.0
    #: The space to the edges of its layer, above and below.
    space: float = 0.0

    @property
    def top(self) -> float:
        """The upper edge of its layer."""
        return self.y - self.space

    @property
    def bottom(self) -> float:
        """The lower edge of its layer."""
        return self.y + self.height + self.space

    @property
    def is_point(self) -> bool:
        """True of bends and ports."""
        return self.box is None and not self.items


@dataclass(eq=False)
class Link:
    """Two items to be joined, modules at one of their ports, and the points in the layers between."""

    source: Item
    target: Item
    leave: Item | None = None
    enter: Item | None = None
    bends: list[Item] = field(default_factory=list)


@dataclass
class _Step:
    """A part of a link, from one layer to the next, with where on the items it starts and ends."""

    source: Item
    target: Item
    start: float = 0.0
    end: float = 0.0


def arrange_group(group: Item, links: Sequence[Link], top: float, least_width: float) -> None:
    """Place the items of a module, whose own sizes are known, around x = 0 and below y = 0, and give it its size."""
    group.order = min((item.order for item in group.items), default=0.0)
    # A module that runs twice may both come before and after another; then what ran first stands above.
    group.items.sort(key=lambda item: item.order)
    rank = {item: number for number, item in enumerate([*group.entries, *group.items, *group.exits])}
    layers, steps = _layers(group, [link for link in links if rank[link.source] < rank[link.target]])
    # Ports take part, above and below all layers, but have no height.
    rows = [group.entries, *layers, group.exits]
    _order(rows, steps)
    _spread(rows, steps)
    y = top
    for number, layer in enumerate(layers):
        height = max(max(item.height, item.room_height) for item in layer)
        for item in layer:
            if item.is_point:
                item.height = height
            item.space = (height - item.height) / 2
            item.y = y + item.space
        y += height + (LAYER_GAP if number < len(layers) - 1 else 0)
    everything = [item for row in rows for item in row]
    left = min(item.x - item.width / 2 - item.left for item in everything)
    right = max(item.x + item.width / 2 + item.right for item in everything)
    group.width = max(right - left + 2 * GAP, least_width)
    group.height = y + GAP
    for item in group.exits:
        item.y = group.height
    shift = (0.0 if group.path else group.width / 2) - (left + right) / 2
    for item in everything:
        item.x += shift
    group.items = everything


def _layers(group: Item, links: Sequence[Link]) -> tuple[list[list[Item]], list[_Step]]:
    """Return the layers, with the points where links pass them but without ports, and the steps between layers."""
    before: dict[Item, list[Item]] = {item: [] for item in group.items}
    after: dict[Item, list[Item]] = {item: [] for item in group.items}
    entries, exits = set(group.entries), set(group.exits)
    for link in links:
        if link.source not in entries and link.target not in exits:
            before[link.target].append(link.source)
            after[link.source].append(link.target)
    depth: dict[Item, int] = {}
    for item in group.items:
        depth[item] = max((depth[x] + 1 for x in before[item]), default=0)
    entered = {link.target for link in links if link.source in entries}
    for item in reversed(group.items):
        # What comes from nowhere, a parameter, stands right above what uses it.
        if not before[item] and after[item] and item not in entered:
            depth[item] = min(depth[x] for x in after[item]) - 1
    last = max(depth.values(), default=0)
    depth |= dict.fromkeys(entries, -1) | dict.fromkeys(exits, last + 1)
    layers: list[list[Item]] = [[] for _ in range(last + 1)]
    for item in group.items:
        layers[depth[item]].append(item)
    steps = []
    for link in links:
        between = range(depth[link.source] + 1, depth[link.target])
        link.bends = [Item() for _ in between]
        for number, bend in zip(between, link.bends, strict=True):
            layers[number].append(bend)
        steps += [_Step(a, b) for a, b in pairwise([link.source, *link.bends, link.target])]
        steps[-1].end = link.enter.x if link.enter else 0.0
        steps[-1 - len(link.bends)].start = link.leave.x if link.leave else 0.0
    return layers, steps


def _neighbours(steps: Iterable[_Step], up: bool) -> dict[Item, list[tuple[Item, float]]]:
    """Return what each item is joined to above or below, and how far right of it a straight line puts it."""
    found: dict[Item, list[tuple[Item, float]]] = {}
    for step in steps:
        if up:
            found.setdefault(step.target, []).append((step.source, step.start - step.end))
        else:
            found.setdefault(step.source, []).append((step.target, step.end - step.start))
    return found


def _order(layers: list[list[Item]], steps: list[_Step]) -> None:
    """Order each layer by the mean places of its neighbours above and below, in turn."""
    above, below = _neighbours(steps, up=True), _neighbours(steps, up=False)
    place = {item: float(number) for layer in layers for number, item in enumerate(layer)}
    for sweep in range(_SWEEPS):
        neighbours = below if sweep % 2 else above
        for layer in reversed(layers) if sweep % 2 else layers:
            means = {item: _mean([place[x] for x, _ in neighbours.get(item, [(item, 0.0)])]) for item in layer}
            layer.sort(key=means.__getitem__)
            place.update({item: float(number) for number, item in enumerate(layer)})


def _spread(layers: list[list[Item]], steps: list[_Step]) -> None:
    """Give all items their x: near their neighbours, in their order, and apart from each other."""
    above, below = _neighbours(steps, up=True), _neighbours(steps, up=False)
    for layer in layers:
        _apart(layer, [0.0] * len(layer))
    for sweep in range(_SWEEPS + 1):
        # Following one side only, chains become straight at once; the last sweep goes down.
        neighbours = below if sweep % 2 else above
        for layer in reversed(layers) if sweep % 2 else layers:
            _apart(layer, [_mean([x.x + d for x, d in neighbours.get(item, [(item, 0.0)])]) for item in layer])


def _apart(layer: list[Item], wanted: list[float]) -> None:
    """Place a layer as near to the wanted places as its widths allow, in this order.

    Least squares with a least distance between neighbours is isotonic regression, which pooling those that are too near
    solves (Ayer et al., 1955).
    """
    offsets = [0.0]
    for left, right in pairwise(layer):
        gap = _BEND if left.is_point and right.is_point else GAP
        offsets.append(offsets[-1] + left.width / 2 + left.right + gap + right.left + right.width / 2)
    pools: list[tuple[float, float, int]] = []  # the weighted sum of places, the weight, and the number of items
    for item, x, offset in zip(layer, wanted, offsets, strict=False):
        weight = _STRAIGHT if item.is_point else 1.0
        total, count = weight * (x - offset), 1
        while pools and pools[-1][0] / pools[-1][1] >= total / weight:
            last = pools.pop()
            total, weight, count = total + last[0], weight + last[1], count + last[2]
        pools.append((total, weight, count))
    places = [total / weight for total, weight, count in pools for _ in range(count)]
    for item, place, offset in zip(layer, places, offsets, strict=False):
        item.x = place + offset


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
