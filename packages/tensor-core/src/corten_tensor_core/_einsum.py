"""Einstein summation as permutations, reshapes and batched products, so that gradients come with them."""

from __future__ import annotations

import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from corten_native import Tensor

    # A label is a letter, or for a dimension under an ellipsis its negative position, counted from the right.
    Label = str | int

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def einsum(equation: Any, *operands: Any) -> Tensor:
    """Sum products of the operands over the labels that the output lacks, contracting from left to right.

    Takes `einsum("ij,jk->ik", x, y)`, with a list of operands too, or `einsum(x, [0, 1], y, [1, 2], [0, 2])`. Raises
    `RuntimeError` where equation and shapes do not fit.
    """
    if isinstance(equation, str):
        if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
            operands = tuple(operands[0])
        terms, output = _parse(equation)
    else:
        terms, output, operands = _from_sublists((equation, *operands))
    if not operands:
        raise RuntimeError("einsum(): must provide at least one operand")
    if len(terms) != len(operands):
        less = "fewer" if len(operands) < len(terms) else "more"
        raise RuntimeError(f"einsum(): {less} operands were provided than specified in the equation")
    pairs = [_labelled(x, term, i) for i, (x, term) in enumerate(zip(operands, terms, strict=True))]
    target = _output_labels(output, terms, [labels for _, labels in pairs])
    return _contract(pairs, target)


def _parse(equation: str) -> tuple[list[list[str]], list[str] | None]:
    """Split an equation into the labels of each operand and, where there is an arrow, of the output."""
    left, arrow, right = equation.partition("->")
    terms = [_tokens(term, f"operand {i}", equation) for i, term in enumerate(left.split(","))]
    return terms, _tokens(right, "the output", equation) if arrow else None


def _tokens(term: str, owner: str, equation: str) -> list[str]:
    tokens, text = [], term.replace(" ", "")
    while text:
        if text.startswith("..."):
            if "..." in tokens:
                raise RuntimeError(f"einsum(): found '.' for {owner} for which an ellipsis was already found")
            tokens.append("...")
            text = text[3:]
        elif text[0] == ".":
            raise RuntimeError(f"einsum(): found '.' for {owner} that is not part of any ellipsis")
        elif text[0] not in _LETTERS:
            index = equation.index(text[0])
            raise RuntimeError(
                f"einsum(): invalid subscript given at index {index} in the equation string, "
                f"subscripts must be in [a-zA-Z], got {text[0]!r}"
            )
        else:
            tokens.append(text[0])
            text = text[1:]
    return tokens


def _from_sublists(arguments: tuple[Any, ...]) -> tuple[list[list[str]], list[str] | None, tuple[Any, ...]]:
    paired = len(arguments) // 2 * 2
    output = _from_sublist(arguments[-1]) if len(arguments) % 2 else None
    return [_from_sublist(term) for term in arguments[1:paired:2]], output, arguments[:paired:2]


def _from_sublist(sublist: Any) -> list[str]:
    tokens = []
    for item in sublist:
        if item is not Ellipsis and not (isinstance(item, int) and 0 <= item < len(_LETTERS)):
            raise ValueError(f"einsum(): expected subscripts to be `...` or integers in [0, 52), got {item!r}")
        tokens.append("..." if item is Ellipsis else _LETTERS[item])
    return tokens


def _labelled(x: Tensor, term: list[str], number: int) -> tuple[Tensor, list[Label]]:
    """Return the operand with one label per dimension; a label that is repeated becomes a diagonal."""
    under = x.dim() - len(term) + 1 if "..." in term else 0
    named = len(term) - ("..." in term)
    if under < 0 or (under == 0 and "..." not in term and named != x.dim()):
        hint = "is more than" if "..." in term else "does not match"
        tail = "" if "..." in term else " and no ellipsis was given"
        raise RuntimeError(
            f"einsum(): the number of subscripts in the equation ({named}) {hint} the number of dimensions "
            f"({x.dim()}) for operand {number}{tail}"
        )
    at = term.index("...") if "..." in term else len(term)
    labels: list[Label] = [*term[:at], *range(-under, 0), *term[at + 1 :]]
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            if x.shape[first] != x.shape[second]:
                raise RuntimeError(
                    f"einsum(): subscript {label} is repeated for operand {number} but the sizes don't match, "
                    f"{x.shape[second]} != {x.shape[first]}"
                )
            x = x.diagonal(0, first, second)
            labels = [*labels[:first], *labels[first + 1 : second], *labels[second + 1 :], label]
    return x, labels


def _output_labels(output: list[str] | None, terms: list[list[str]], all_labels: list[list[Label]]) -> list[Label]:
    deepest = min((x for labels in all_labels for x in labels if isinstance(x, int)), default=0)
    under = list(range(deepest, 0))
    if output is None:
        named = [x for term in terms for x in term if x != "..."]
        return [*under, *sorted(x for x in set(named) if named.count(x) == 1)]
    result: list[Label] = []
    for label in output:
        if label == "...":
            result += under
        elif label in result:
            raise RuntimeError(f"einsum(): output subscript {label} appears more than once in the output")
        elif not any(label in labels for labels in all_labels):
            raise RuntimeError(
                f"einsum(): output subscript {label} does not appear in the equation for any input operand"
            )
        else:
            result.append(label)
    return result


def _contract(pairs: list[tuple[Tensor, list[Label]]], target: list[Label]) -> Tensor:
    sizes: dict[Label, int] = {}
    for number, (x, labels) in enumerate(pairs):
        for label, size in zip(labels, x.shape, strict=True):
            seen = sizes.get(label, 1)
            if seen not in (1, size) and size != 1:
                raise RuntimeError(
                    f"einsum(): subscript {label} has size {size} for operand {number} which does not broadcast with "
                    f"previously seen size {seen}"
                )
            sizes[label] = size if seen == 1 else seen
    pairs = [_without_ones(x, labels, sizes) for x, labels in pairs]
    x, labels = pairs[0]
    for i, (y, others) in enumerate(pairs[1:], 2):
        rest = [label for _, later in pairs[i:] for label in later]
        kept = dict.fromkeys([*target, *rest])
        x, labels = _product(*_summed(x, labels, {*kept, *others}), *_summed(y, others, {*kept, *labels}), list(kept))
    gone = [label for label in labels if label not in target]
    made = len(pairs) > 1 or bool(gone)
    # An operand that is returned as it was is a view of it.
    x = x if made and labels == target else x.permute([labels.index(label) for label in [*target, *gone]])
    return x.sum(list(range(len(target), x.dim()))) if gone else x


def _without_ones(x: Tensor, labels: list[Label], sizes: dict[Label, int]) -> tuple[Tensor, list[Label]]:
    """Drop dimensions of size 1 that another operand stretches."""
    stretched = [i for i, label in enumerate(labels) if x.shape[i] == 1 != sizes[label]]
    for i in reversed(stretched):
        x = x.squeeze(i)
    return x, [label for i, label in enumerate(labels) if i not in stretched]


def _summed(x: Tensor, labels: list[Label], kept: Iterable[Label]) -> tuple[Tensor, list[Label]]:
    gone = [i for i, label in enumerate(labels) if label not in kept]
    return (x.sum(gone), [label for label in labels if label in kept]) if gone else (x, labels)


def _product(
    x: Tensor, left: list[Label], y: Tensor, right: list[Label], kept: list[Label]
) -> tuple[Tensor, list[Label]]:
    """Multiply two operands and sum over what they share and is not kept; dimensions come in the order of `kept`."""
    inner = [label for label in left if label in right and label not in kept]
    if not inner:
        labels = [label for label in kept if label in left or label in right]
        return _spread(x, left, labels) * _spread(y, right, labels), labels
    batch = [label for label in kept if label in left and label in right]
    rows = [label for label in kept if label in left and label not in right]
    columns = [label for label in kept if label in right and label not in left]
    if rows and columns and kept.index(columns[0]) < kept.index(rows[0]):
        (x, left, rows), (y, right, columns) = (y, right, columns), (x, left, rows)
    x = x.permute([left.index(label) for label in batch + rows + inner])
    y = y.permute([right.index(label) for label in batch + inner + columns])
    b, r, k = len(batch), len(rows), len(inner)
    outer, shape_x, shape_y = list(x.shape[:b]), list(x.shape[b : b + r]), list(y.shape[b + k :])
    count, depth = math.prod(outer), math.prod(x.shape[b + r :])
    result = x.reshape(count, math.prod(shape_x), depth).bmm(y.reshape(count, depth, math.prod(shape_y)))
    return result.reshape(outer + shape_x + shape_y), batch + rows + columns


def _spread(x: Tensor, own: list[Label], labels: list[Label]) -> Tensor:
    """Return `x` with a dimension for each of `labels`, of size 1 where it has none."""
    x = x.permute([own.index(label) for label in labels if label in own])
    for place, label in enumerate(labels):
        if label not in own:
            x = x.unsqueeze(place)
    return x
