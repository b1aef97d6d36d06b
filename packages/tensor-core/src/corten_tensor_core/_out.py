"""`out=` of operators that are written in Python."""

from __future__ import annotations

from corten_native import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from corten_native import Tensor


def written(name: str, result: Tensor, out: Tensor | None) -> Tensor:
    """Return `result`, or `out` with its values: resized, and of its own dtype, which must be able to hold them."""
    if out is None:
        return result
    if out.requires_grad or result.requires_grad:
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, "
            "but one of the arguments requires grad."
        )
    if not _native.can_cast(result.dtype, out.dtype):
        raise RuntimeError(f"result type {result.dtype} can't be cast to the desired output type {out.dtype}")
    if out.shape != result.shape:
        out.resize_(result.shape)
    return out.copy_(result)
