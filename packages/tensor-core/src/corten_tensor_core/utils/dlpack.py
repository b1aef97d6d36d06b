"""Tensors without copies to and from other libraries, through DLPack."""

from __future__ import annotations

from .. import _creation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from corten_native import Tensor

from_dlpack = _creation.from_dlpack


def to_dlpack(tensor: Tensor) -> Any:
    """Return a capsule that shares the tensor's memory; it can be taken once."""
    return tensor.__dlpack__()
