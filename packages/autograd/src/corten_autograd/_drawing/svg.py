"""A layout as SVG."""

from __future__ import annotations

from html import escape

from .layout import LINE, PADDING, Line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .layers import Item
    from .layout import Layout
    from .nodes import Path

_STYLE = """
    text { font: 12px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #1c2733; }
    .title { font-weight: bold; }
    .heading { fill: #5b6b7b; }
    .operation rect { fill: #dcebfa; stroke: #5b8db8; }
    .leaf rect { fill: #e3f3dd; stroke: #6ba05a; }
    .output rect { fill: #fbe9cf; stroke: #c8913f; }
    .module { fill: #5b6b7b; fill-opacity: 0.06; stroke: #a9b5c0; }
    .line { fill: none; stroke: #5b6b7b; }
"""


def svg(layout: Layout, label: Callable[[Path], str]) -> str:
    """Return the picture as the text of an SVG file; it needs no fonts or scripts from elsewhere."""
    width, height = f"{layout.width:.0f}", f"{layout.height:.0f}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f"<style>{_STYLE}</style>",
        '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#5b6b7b"/></marker></defs>',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        *(_module(item, label(item.path)) for item in sorted(layout.groups, key=lambda item: len(item.path))),
        *map(_line, layout.lines),
        *(_box(item) for item in layout.boxes.values()),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _rectangle(item: Item, rounding: int, attributes: str = "") -> str:
    return (
        f'<rect{attributes} x="{item.x - item.width / 2:.1f}" y="{item.y:.1f}" width="{item.width:.1f}" '
        f'height="{item.height:.1f}" rx="{rounding}"/>'
    )


def _module(item: Item, heading: str) -> str:
    text = f'<text class="heading" x="{item.x - item.width / 2 + 8:.1f}" y="{item.y + 14:.1f}">{escape(heading)}</text>'
    return _rectangle(item, 8, ' class="module"') + text


def _box(item: Item) -> str:
    assert item.box is not None
    texts = []
    for number, line in enumerate(item.box.lines):
        weight = ' class="title"' if number == 0 else ""
        y = item.y + PADDING / 2 + LINE * (number + 0.8)
        texts.append(f'<text{weight} x="{item.x:.1f}" y="{y:.1f}" text-anchor="middle">{escape(line)}</text>')
    return f'<g class="{item.box.kind}">{_rectangle(item, 4)}{"".join(texts)}</g>'


def _line(line: Line) -> str:
    """Join the corners by curves that leave and arrive vertically, or sideways."""
    (x, y), *rest = line.corners
    path = [f"M{x:.1f} {y:.1f}"]
    for to_x, to_y in rest:
        if to_x == x or to_y == y:
            path.append(f"L{to_x:.1f} {to_y:.1f}")
        elif line.sideways:
            middle = (x + to_x) / 2
            path.append(f"C{middle:.1f} {y:.1f} {middle:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}")
        else:
            middle = (y + to_y) / 2
            path.append(f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}")
        x, y = to_x, to_y
    head = ' marker-end="url(#head)"' if line.arrow else ""
    return f'<path class="line" d="{"".join(path)}"{head}/>'
