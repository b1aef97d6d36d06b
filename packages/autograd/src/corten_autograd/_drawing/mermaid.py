"""Boxes as the text of a Mermaid flowchart, which many sites and editors show as a picture."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .nodes import Box, Path

_SHAPES = {"operation": ("[", "]"), "leaf": ("([", "])"), "output": ("[[", "]]")}


def mermaid(boxes: Sequence[Box], label: Callable[[Path], str]) -> str:
    """Return the flowchart: modules as subgraphs within each other, and an arrow for each input of a node."""
    numbers = {box: number for number, box in enumerate(boxes)}
    lines = ["flowchart TD"]
    opened: Path = ()
    subgraphs = 0
    # A subgraph stands in one place, so that boxes come module by module.
    first: dict[Path, int] = {}
    for box in boxes:
        for depth in range(len(box.group) + 1):
            first.setdefault(box.group[:depth], numbers[box])
    for box in sorted(
        boxes, key=lambda box: [first[box.group[: d + 1]] for d in range(len(box.group))] + [numbers[box]]
    ):
        common = 0
        while common < min(len(opened), len(box.group)) and opened[common] == box.group[common]:
            common += 1
        lines += ["    " * depth + "end" for depth in range(len(opened), common, -1)]
        for depth in range(common, len(box.group)):
            lines.append("    " * (depth + 1) + f'subgraph g{subgraphs}["{_text(label(box.group[: depth + 1]))}"]')
            subgraphs += 1
        opened = box.group
        start, end = _SHAPES[box.kind]
        content = "<br/>".join(map(_text, box.lines))
        lines.append("    " * (len(opened) + 1) + f'n{numbers[box]}{start}"{content}"{end}')
    lines += ["    " * depth + "end" for depth in range(len(opened), 0, -1)]
    lines += [f"    n{numbers[x]} --> n{numbers[box]}" for box in boxes for x in dict.fromkeys(box.inputs)]
    return "\n".join(lines) + "\n"


def _text(text: str) -> str:
    """Write what has a meaning in Mermaid by its number."""
    return "".join(f"#{ord(c)};" if c in '"#<>&' else c for c in text)
