"""`vmap`: a function of single samples as a function of batches."""

from __future__ import annotations

from functools import wraps

import corten_native._native as _native
from corten_autograd._nested import flatten, rebuild, spread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Return a function that calls `func` for each index of a dimension of its arguments and stacks the results.

    `in_dims` says which dimension that is, for all arguments, or in a tuple like the arguments; None leaves one whole.
    `out_dims` says where it is in the results. Random numbers are refused with `randomness="error"`, drawn anew for
    each index with "different", and the same for all with "same". The calls come one after the other, for any
    `chunk_size`: this is for the sake of how a program reads, and not faster than a loop.

    >>> dot = vmap(lambda x, y: (x * y).sum())
    >>> dot(torch.ones(3, 5), torch.ones(3, 5))
    tensor([5., 5., 5.])
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if chunk_size is not None and chunk_size < 1:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")
    name = getattr(func, "__name__", repr(func))

    @wraps(func)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        leaves = flatten(args)
        dims, size = _dimensions(name, in_dims, args, leaves)
        generator = _native.default_generator
        start = generator.get_state()
        results = []
        for index in range(size):
            if randomness == "same":
                generator.set_state(start)
            picked = (x if dim is None else x.select(dim, index) for x, dim in zip(leaves, dims, strict=True))
            results.append(func(*rebuild(args, picked), **kwargs))
            if randomness == "error" and not _native.equal(generator.get_state(), start):
                raise RuntimeError(
                    "vmap: called random operation while in randomness error mode. Please either use the 'same' or "
                    "'different' randomness flags on vmap or perform the randomness operation out of vmap"
                )
        return _stacked(name, results, out_dims)

    return mapped


def _dimensions(name: str, in_dims: Any, args: tuple[Any, ...], leaves: list[Any]) -> tuple[list[int | None], int]:
    """Return the dimension of each leaf, or None, and how long they are."""
    if not leaves:
        raise ValueError(
            f"vmap({name})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap over a "
            "function with no inputs. The latter is unsupported."
        )
    where = f"vmap({name}, in_dims={in_dims}, ...)(<inputs>)"
    if not isinstance(in_dims, (int, tuple, list)):
        raise ValueError(
            f"{where}: expected `in_dims` to be int or a (potentially nested) tuple matching the structure of inputs, "
            f"got: {type(in_dims)}."
        )
    try:
        dims = spread(in_dims, args)
    except ValueError:
        raise ValueError(f"{where}: in_dims is not compatible with the structure of `inputs`.") from None
    sizes = []
    for x, dim in zip(leaves, dims, strict=True):
        if dim is None:
            continue
        if not isinstance(x, _native.Tensor):
            raise ValueError(
                f"{where}: Got in_dim={dim} for an input but the input is of type {type(x)}. We cannot vmap over "
                "non-Tensor arguments, please use None as the respective in_dim"
            )
        if not -x.dim() <= dim < x.dim():
            raise ValueError(
                f"{where}: Got in_dim={dim} for some input, but that input is a Tensor of dimensionality {x.dim()} so "
                f"expected in_dim to satisfy -{x.dim()} <= in_dim < {x.dim()}."
            )
        sizes.append(x.shape[dim])
    if len(set(sizes)) > 1:
        raise ValueError(
            "vmap: Expected all tensors to have the same size in the mapped dimension, "
            f"got sizes {sizes} for the mapped dimension"
        )
    if not sizes or sizes[0] == 0:
        raise ValueError(f"{where}: at least one input must have a mapped dimension, and of a size above 0")
    return dims, sizes[0]


def _stacked(name: str, results: list[Any], out_dims: Any) -> Any:
    """Return a result like each of `results`, with a dimension more for their index."""
    try:
        dims = spread(out_dims, results[0])
    except ValueError:
        raise ValueError(
            f"vmap({name}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the structure of "
            "`outputs`."
        ) from None
    outputs = []
    for dim, values in zip(dims, zip(*map(flatten, results), strict=True), strict=True):
        if dim is not None and not isinstance(values[0], _native.Tensor):
            raise ValueError(
                f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(values[0])}. Did you mean to "
                "set out_dims= to None for output?"
            )
        outputs.append(values[0] if dim is None else _native.stack(list(values), dim))
    return rebuild(results[0], iter(outputs))
