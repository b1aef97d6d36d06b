"""Drawings of graphs: all names and shapes are there, as well-formed texts, and no box covers another."""

import itertools
import re
from xml.etree import ElementTree

import pytest

import corten as torch
from corten import nn
from corten.autograd import graph


class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    def backward(ctx, grad):
        return grad * 2


def texts(drawing):
    """Return all texts of the picture, after parsing it as XML."""
    root = ElementTree.fromstring(drawing.svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    return [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]


def edges(item):
    return item.x - item.width / 2, item.y, item.x + item.width / 2, item.y + item.height


def within(inner, outer):
    a, b = edges(inner), edges(outer)
    return b[0] <= a[0] and b[1] <= a[1] and a[2] <= b[2] and a[3] <= b[3]


def apart(one, other):
    a, b = edges(one), edges(other)
    return a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def crosses(start, end, box):
    """True if a vertical part of a line runs over the box."""
    left, top, right, bottom = edges(box)
    return start[0] == end[0] and left < start[0] < right and max(start[1], top) < min(end[1], bottom)


def check_layout(drawing):
    """Boxes and modules cover nothing that is no part of them, lines cover no boxes, and all lies in the picture."""
    layout = drawing.layout
    boxes = list(layout.boxes.values())
    assert all(apart(a, b) for a, b in itertools.combinations(boxes, 2))
    for a, b in itertools.combinations(layout.groups, 2):
        inner, outer = (a, b) if len(a.path) > len(b.path) else (b, a)
        assert within(inner, outer) if inner.path[: len(outer.path)] == outer.path else apart(a, b)
    for box, group in itertools.product(boxes, layout.groups):
        assert within(box, group) if box.path[: len(group.path)] == group.path else apart(box, group)
    for line in layout.lines:
        parts = list(itertools.pairwise(line.corners))
        assert not any(crosses(*part, box) for part in parts for box in boxes)
    for item in boxes + layout.groups:
        left, top, right, bottom = edges(item)
        assert min(left, top) >= 0
        assert right <= layout.width
        assert bottom <= layout.height


def test_names_shapes_and_saved():
    w = torch.ones(3, 2, requires_grad=True)
    x = torch.ones(2, requires_grad=True)
    y = Double.apply(w @ x).sum()
    drawing = graph.draw(y, {"weight": w})
    assert repr(drawing) == "<Drawing of 3 operations and 3 tensors>"
    shown = texts(drawing)
    for text in (
        "weight",
        "float32 (3, 2)",
        "leaf",
        "float32 (2)",
        "MvBackward0",
        "DoubleBackward",
        "saves float32 (3)",
    ):
        assert text in shown
    assert shown[-2:] == ["output", "float32 ()"]
    check_layout(drawing)
    lines = drawing.mermaid.splitlines()
    assert lines[0] == "flowchart TD"
    assert '    n5[["output<br/>float32 ()"]]' in lines
    assert sum("-->" in line for line in lines) == 5
    assert drawing._repr_svg_() == drawing.svg
    y.backward()
    assert "saves nothing any more: a backward pass freed it" in texts(graph.draw(y))


def test_what_rows_save():
    x = torch.ones(2, 3, requires_grad=True)
    assert "saves result: float32 (2, 3)" in texts(graph.draw(x.exp()))


def test_special_characters():
    drawing = graph.draw(torch.ones(1, requires_grad=True) * 2, {'<a> & "b" é': (x := torch.ones(1))})
    assert x is not None
    assert "leaf" in texts(drawing)
    w = torch.ones(1, requires_grad=True)
    drawing = graph.draw(w * 2, [('<a> & "b" é', w)])
    assert '<a> & "b" é' in texts(drawing)
    assert "#60;a#62; #38; #34;b#34; é" in drawing.mermaid


def test_several_tensors_and_leaves():
    x = torch.ones(2, requires_grad=True)
    drawing = graph.draw({"a": [x * 2, torch.ones(1)], "b": (x,)})
    assert texts(drawing).count("output") == 2
    check_layout(drawing)
    with pytest.raises(ValueError, match="no tensor given requires grad"):
        graph.draw(torch.ones(2))
    y = x
    for _ in range(6000):
        y = y + 1
    with pytest.raises(ValueError, match="more than 5000 nodes"):
        graph.draw(y)
    with torch.no_grad(), pytest.raises(ValueError, match="with gradients disabled"):
        graph.draw_module(nn.Linear(2, 2), x)


def test_saving(tmp_path):
    drawing = graph.draw(torch.ones(2, requires_grad=True).exp())
    drawing.save(tmp_path / "x.svg")
    drawing.save(str(tmp_path / "x.mmd"))
    assert (tmp_path / "x.svg").read_text(encoding="utf-8") == drawing.svg
    assert (tmp_path / "x.mmd").read_text(encoding="utf-8") == drawing.mermaid
    with pytest.raises(ValueError, match="saved as .svg or .mmd"):
        drawing.save("x.png")


def groups_of(drawing):
    """Return the nodes of each module by its name."""
    found = {}
    for box in drawing.layout.boxes:
        found.setdefault(".".join(box.group), set()).add(box.lines[0])
    return found


def test_resnet18():
    model = nn.models.resnet18()
    x = torch.ones(1, 3, 64, 64)
    drawing = graph.draw_module(model, x)
    check_layout(drawing)
    found = groups_of(drawing)
    assert found["layer1.0.conv1"] == {"ConvolutionBackward0", "layer1.0.conv1.weight"}
    assert found["layer1.0"] == {"AddBackward0"}
    assert found["layer1.0.relu"] == found["layer1.0.relu (run 2)"] == {"ReluBackward0"}
    assert {"layer4.1.bn2", "layer2.0.downsample.1", "fc", "maxpool", "avgpool"} <= set(found)
    shown = texts(drawing)
    assert {"layer2 Sequential", "1 BasicBlock", "fc Linear", "float32 (1, 512, 1, 1)"} <= set(shown)
    assert all(name in shown for name, _ in model.named_parameters())
    text = drawing.mermaid
    depth = 0
    for line in text.splitlines():
        depth += line.strip().startswith("subgraph") - (line.strip() == "end")
        assert depth >= 0
    assert depth == 0
    assert len(set(re.findall(r"subgraph (\w+)", text))) == text.count("subgraph")
    assert not model._forward_hooks

    guessed = graph.draw(model(x), model)
    check_layout(guessed)
    assert groups_of(guessed)["layer1.0.conv1"] == found["layer1.0.conv1"]
    assert groups_of(guessed)["layer3.1"] == {"AddBackward0", "ReluBackward0"}


def test_modules_that_run_twice():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, x):
            return self.first(self.second(self.first(x)).relu())

    drawing = graph.draw_module(Net(), torch.ones(1, 2))
    check_layout(drawing)
    titles = [(".".join(box.group), box.lines[0]) for box in drawing.layout.boxes]
    assert titles.count(("first", "AddmmBackward0")) == 1
    assert titles.count(("first (run 2)", "AddmmBackward0")) == 1
    assert titles.count(("first", "first.weight")) == 1
    assert {"first Linear", "first (run 2) Linear"} <= set(texts(drawing))


def test_nested_modules_that_run_twice():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = nn.Sequential(nn.Linear(2, 2), nn.ReLU())

        def forward(self, x):
            return self.block(self.block(x)) + x

    drawing = graph.draw_module(Net(), torch.ones(1, 2, requires_grad=True))
    check_layout(drawing)
    assert {"block.0", "block.1", "block (run 2).0", "block (run 2).1", ""} == set(groups_of(drawing))
