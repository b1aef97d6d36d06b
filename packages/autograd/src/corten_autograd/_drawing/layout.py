"""Where boxes stand: modules as boxes around their parts, and the lines between all.

Each module is laid out by itself (`layers`) and then is one box for the module around it. A line that enters or leaves
a module passes a port on its edge, so that within each module too it goes around what it does not belong to. A leaf
that only one operation of its module uses stands beside that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain

from .layers import GAP, HEADING, Item, Link, arrange_group
from .nodes import Box, Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CHARACTER = 7.3  # the width of a letter of the font, for which there is no measure without a browser
_BOLD = 8.0
LINE = 15.0
PADDING = 9.0
_BETWEEN_LEAVES = 8.0


@dataclass
class Line:
    """The corners of a line, which curves join; with an arrow where it ends at a box."""

    corners: list[tuple[float, float]]
    arrow: bool
    sideways: bool = False


@dataclass
class Layout:
    """Boxes and modules with their places in a picture of `width` and `height`, and the lines between them."""

    width: float
    height: float
    boxes: dict[Box, Item]
    groups: list[Item]
    lines: list[Line]


@dataclass
class _Plan:
    """Boxes and modules on their way to places: the links of each module, and leaves beside what uses them."""

    places: dict[Box, Item] = field(default_factory=dict)
    groups: dict[Path, Item] = field(default_factory=lambda: {(): Item()})
    links: dict[Path, dict[object, Link]] = field(default_factory=dict)
    ports: dict[tuple[Path, Box, bool], Item] = field(default_factory=dict)
    beside: dict[Box, list[Box]] = field(default_factory=dict)

    def group(self, path: Path) -> Item:
        """Return the module of this path, within the modules around it."""
        if path not in self.groups:
            self.groups[path] = Item(path=path)
            self.group(path[:-1]).items.append(self.groups[path])
        return self.groups[path]

    def link(
        self, path: Path, source: Item, target: Item, leave: Item | None = None, enter: Item | None = None
    ) -> None:
        """Join two items of a module, where they are modules at their ports."""
        self.links.setdefault(path, {}).setdefault((source, target, leave, enter), Link(source, target, leave, enter))

    def port(self, path: Path, box: Box, entry: bool) -> Item:
        """Return the place on the edge of a module where lines from a box enter or leave."""
        key = path, box, entry
        if key not in self.ports:
            self.ports[key] = Item(path=path)
            group = self.group(path)
            (group.entries if entry else group.exits).append(self.ports[key])
        return self.ports[key]

    def route(self, source: Box, target: Box) -> None:
        """Join two boxes, through all modules that one of them is part of and the other is not."""
        common = 0
        while source.group[: common + 1] == target.group[: common + 1] and common < len(source.group):
            common += 1
        here, leave = self.places[source], None
        for depth in range(len(source.group), common, -1):
            path = source.group[:depth]
            port = self.port(path, source, entry=False)
            self.link(path, here, port, leave)
            here, leave = self.groups[path], port
        for depth in range(common, len(target.group)):
            path = target.group[: depth + 1]
            port = self.port(path, source, entry=True)
            self.link(path[:-1], here, self.groups[path], leave, port)
            here, leave = port, None
        self.link(target.group, here, self.places[target], leave)


def arrange(boxes: Sequence[Box], label: Callable[[Path], str]) -> Layout:
    """Give boxes their places. `label` is the heading of a module, which it has to be wide enough for."""
    plan = _Plan()
    users: dict[Box, list[Box]] = {}
    for box in boxes:
        for source in dict.fromkeys(box.inputs):
            users.setdefault(source, []).append(box)
    for box in boxes:
        width = max(len(box.lines[0]) * _BOLD, max(map(len, box.lines)) * CHARACTER) + 2 * PADDING
        height = len(box.lines) * LINE + PADDING
        plan.places[box] = Item(box, box.group, width=width, height=height, order=box.order)
        user = users.get(box, [])
        if box.kind == "leaf" and len(user) == 1 and user[0].group == box.group and user[0].kind == "operation":
            plan.beside.setdefault(user[0], []).append(box)
        else:
            plan.group(box.group).items.append(plan.places[box])
    beside = set(chain.from_iterable(plan.beside.values()))
    for box, leaves in plan.beside.items():
        _make_room(plan.places[box], [plan.places[leaf] for leaf in leaves])
    for target in boxes:
        for source in dict.fromkeys(target.inputs):
            if source not in beside:
                plan.route(source, target)
    for path in sorted(plan.groups, key=len, reverse=True):
        heading = label(path) if path else ""
        width = len(heading) * CHARACTER + 2 * GAP
        arrange_group(plan.groups[path], list(plan.links.get(path, {}).values()), HEADING if heading else GAP, width)
    for path in sorted(plan.groups, key=len):
        group = plan.groups[path]
        for item in group.items:
            item.x += group.x
            item.y += group.y
    sides = [side for box, leaves in plan.beside.items() for side in _put_beside(plan.places, box, leaves)]
    lines = [_line(link) for links in plan.links.values() for link in links.values()]
    whole = plan.groups.pop(())
    return Layout(whole.width, whole.height, plan.places, list(plan.groups.values()), [*sides, *lines])


def _make_room(item: Item, leaves: list[Item]) -> None:
    """Widen the room of an operation for leaves on its left and right."""
    item.left, item.right = (
        max((leaf.width + GAP for leaf in side), default=0.0) for side in (leaves[::2], leaves[1::2])
    )
    item.room_height = _height(leaves[::2])


def _height(stack: list[Item]) -> float:
    return sum(leaf.height for leaf in stack) + _BETWEEN_LEAVES * (len(stack) - 1)


def _put_beside(places: dict[Box, Item], box: Box, leaves: list[Box]) -> list[Line]:
    """Place the leaves around their operation, and return the lines that join them."""
    item = places[box]
    middle = item.y + item.height / 2
    lines = []
    for sign, side in ((-1, leaves[::2]), (1, leaves[1::2])):
        stack = [places[leaf] for leaf in side]
        y = middle - _height(stack) / 2
        for leaf in stack:
            leaf.x = item.x + sign * ((item.width + leaf.width) / 2 + GAP)
            leaf.y = y
            y += leaf.height + _BETWEEN_LEAVES
            start = (leaf.x - sign * leaf.width / 2, leaf.y + leaf.height / 2)
            lines.append(Line([start, (item.x + sign * item.width / 2, middle)], arrow=True, sideways=True))
    return lines


def _line(link: Link) -> Line:
    """Return a link as a line: to the end of its layer, through the layers between, and on from its edge."""
    source, target = link.leave or link.source, link.enter or link.target
    corners = [(source.x, source.y + source.height), (source.x, link.source.bottom)]
    corners += [(bend.x, y) for bend in link.bends for y in (bend.y, bend.y + bend.height)]
    corners += [(target.x, link.target.top), (target.x, target.y)]
    return Line(list(dict.fromkeys(corners)), arrow=target.box is not None)
