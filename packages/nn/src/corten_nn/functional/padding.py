"""Enlarging a tensor at its edges."""

from __future__ import annotations

from corten_nn._backend import Tensor, core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Enlarge dimensions from the last one on by pairs of amounts before and after; negative amounts cut.

    `mode` is "constant" (with `value`, 0 by default), "reflect", "replicate" or "circular".
    """
    if len(pad) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(pad) > 2 * input.dim():
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(pad)} and input of dimension {input.dim()}"
        )
    return core.pad(input, pad, mode, value)
