"""Functions of functions: gradients, products with Jacobians, Jacobians and Hessians, and `vmap`.

A function maps tensors, also in nested dicts, lists and tuples, to such. `argnums` says which of its arguments to
differentiate by: a number, or a tuple of numbers for a tuple of results. With `has_aux` it returns a pair, of which the
second is passed on. The functions returned nest, and what they return can be differentiated in the usual way too.
"""

from __future__ import annotations

import threading
from functools import wraps

import corten_native._native as _native
from corten_autograd import _backward
from corten_autograd._modes import enable_grad
from corten_autograd._nested import flatten, rebuild
from corten_autograd._vmap import vmap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from corten_native import Tensor

    Function = Callable[..., Any]
    Argnums = int | tuple[int, ...]

__all__ = ["grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "linearize", "vjp", "vmap"]


def grad(func: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """Return a function that gives the gradient of `func`, whose result is a tensor of one element.

    >>> grad(torch.sin)(torch.tensor(0.0))
    tensor(1.)
    """
    both = grad_and_value(func, argnums, has_aux)

    @wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        slope, value = both(*args, **kwargs)
        return (slope, value[1]) if has_aux else slope

    return gradient


def grad_and_value(func: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """Return a function that gives the gradient of `func`, as `grad`, and the result of `func`."""

    @wraps(func)
    def both(*args: Any, **kwargs: Any) -> Any:
        with _Level() as level:
            args, chosen, leaves = level.track(args, argnums)
            result, aux = _split(func(*args, **kwargs), has_aux, "grad_and_value(f)(*args)")
            if not isinstance(result, _native.Tensor):
                raise RuntimeError(
                    f"grad_and_value(f)(*args): Expected f(*args) to return a Tensor, got {type(result)}"
                )
            if result.dim():
                raise RuntimeError(
                    "grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with "
                    f"{result.dim()} dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
                )
            slopes = level.gradients(result, leaves)
            value = (result, aux) if has_aux else result
            return level.finish((rebuild(chosen, iter(slopes)), value))

    return both


def vjp(func: Function, *primals: Any, has_aux: bool = False) -> Any:
    """Return `func(*primals)`, and a function from vectors like that result to their products with the Jacobian.

    The products are a tuple, one for each of `primals`.
    """
    with _Level() as level:
        args, _, leaves = level.track(primals, tuple(range(len(primals))))
        result, aux = _split(func(*args), has_aux, "vjp(f, *primals)")
    outputs = _tensors(result, "vjp(f, *primals): expected f(*primals)")

    def products(*cotangents: Any) -> Any:
        vectors = flatten(cotangents)
        if len(vectors) != len(outputs):
            raise RuntimeError(f"vjp: expected {len(outputs)} cotangents, as many as outputs, but got {len(vectors)}")
        with enable_grad():
            slopes = level.gradients(outputs, leaves, vectors)
        return level.finish(rebuild(primals, iter(slopes)))

    return (level.finish(result), products, level.finish(aux)) if has_aux else (level.finish(result), products)


def jvp(func: Function, primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> Any:
    """Return `func(*primals)`, and the product of its Jacobian with `tangents`, which are like `primals`.

    It takes two backward passes: the first is linear in its own seeds, and the second differentiates it by them. With
    `strict`, a result that does not depend on an input is a `RuntimeError`.
    """
    if not isinstance(primals, tuple):
        raise RuntimeError(
            "jvp(f, primals, tangents): Expected primals to be a tuple. E.g. it should be valid to call f(*primals)."
        )
    directions = flatten(tangents)
    if [getattr(x, "shape", None) for x in flatten(primals)] != [getattr(x, "shape", None) for x in directions]:
        raise RuntimeError("jvp(f, primals, tangents): Expected primals and tangents to have the same shapes")
    with _Level() as level:
        args, _, leaves = level.track(primals, tuple(range(len(primals))))
        result, aux = _split(func(*args), has_aux, "jvp(f, primals, tangents)")
        outputs = flatten(result)
        if strict and not all(x.requires_grad for x in outputs):
            raise RuntimeError("jvp(f, primals, tangents): an output does not depend on the inputs, with strict=True")
        seeds = [level.fresh(_native.zeros_like(x)) for x in outputs]
        transposed = level.gradients(outputs, leaves, seeds)
        products = level.gradients(transposed, seeds, directions)
        return level.finish((result, rebuild(result, iter(products)), *([aux] if has_aux else [])))


def linearize(func: Function, *primals: Any) -> tuple[Any, Function]:
    """Return `func(*primals)`, and a function from tangents, which are like `primals`, to their products with the
    Jacobian there: what `jvp` gives, evaluated anew at each call.
    """

    def products(*tangents: Any) -> Any:
        return jvp(func, primals, tangents)[1]

    with _Level() as level:
        args, _, _ = level.track(primals, tuple(range(len(primals))))
        return level.finish(func(*args)), products


def jacrev(func: Function, argnums: Argnums = 0, has_aux: bool = False, *, chunk_size: int | None = None) -> Function:
    """Return a function that gives the Jacobian of `func`: for each result and argument a tensor of both shapes.

    One backward pass for each element of the results, one after the other for any `chunk_size`.
    """
    if chunk_size is not None and chunk_size < 1:
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        with _Level() as level:
            args, chosen, leaves = level.track(args, argnums)
            result, aux = _split(func(*args, **kwargs), has_aux, "jacrev(f)(*args)")
            matrices = []
            for output in _tensors(result, "jacrev(f)(*args): expected f(*args)"):
                rows = [level.gradients(x, leaves) for x in output.reshape(-1).unbind()]
                columns = zip(*rows, strict=True) if rows else [()] * len(leaves)
                parts = [
                    (_native.stack(list(column)) if column else x.new_zeros(0)).reshape(output.shape + x.shape)
                    for column, x in zip(columns, leaves, strict=True)
                ]
                matrices.append(rebuild(chosen, iter(parts)))
            whole = rebuild(result, iter(matrices))
            return level.finish((whole, aux) if has_aux else whole)

    return jacobian


def jacfwd(func: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """Return a function that gives the Jacobian of `func`, as `jacrev` does: there is no forward mode."""
    return jacrev(func, argnums, has_aux)


def hessian(func: Function, argnums: Argnums = 0) -> Function:
    """Return a function that gives the second derivatives of `func`: the Jacobian of its Jacobian."""
    return jacrev(jacrev(func, argnums), argnums)


class _Active(threading.local):
    """The differentiations that are running in a thread, each within the one before."""

    def __init__(self) -> None:
        self.levels: list[_Level] = []


_active = _Active()


class _Level:
    """One differentiation: the leaves made for it and within it, and whether there may be a graph around it."""

    def __init__(self) -> None:
        self._own: dict[int, Tensor] = {}
        self._outer = _native.is_grad_enabled()
        self._mode = enable_grad()

    def __enter__(self) -> _Level:
        self._mode.__enter__()
        _active.levels.append(self)
        return self

    def __exit__(self, *error: Any) -> None:
        _active.levels.pop()
        if _active.levels:
            _active.levels[-1]._own |= self._own
        self._mode.__exit__(*error)

    def fresh(self, x: Any) -> Any:
        """Return `x` as a tensor to differentiate by: a leaf of this level, or a part of the graph around it."""
        if not isinstance(x, _native.Tensor):
            raise ValueError(f"Thing passed to transform API must be Tensor, got {type(x)}")
        if x.requires_grad and self._outer:
            return x.view_as(x)
        leaf = x.detach().requires_grad_()
        self._own[id(leaf)] = leaf
        return leaf

    def track(self, args: tuple[Any, ...], argnums: Argnums) -> tuple[tuple[Any, ...], Any, list[Any]]:
        """Return the arguments, with fresh tensors in those of `argnums`; these arguments; and the fresh tensors."""
        numbers = (argnums,) if isinstance(argnums, int) else argnums
        if not numbers:
            if isinstance(argnums, tuple) and args:
                raise RuntimeError("argnums must be non-empty")
            return args, (), []
        for number in numbers:
            if not -len(args) <= number < len(args):
                raise RuntimeError(f"Got argnum={number}, but only {len(args)} positional inputs")
        places = [number % len(args) for number in numbers]
        new = list(args)
        for place in places:
            new[place] = rebuild(args[place], iter([self.fresh(x) for x in flatten(args[place])]))
        chosen = new[places[0]] if isinstance(argnums, int) else tuple(new[place] for place in places)
        return tuple(new), chosen, flatten(chosen)

    @staticmethod
    def gradients(outputs: Any, inputs: list[Any], seeds: Any = None) -> list[Tensor]:
        """Return the gradients of `inputs`, zero where no output depends on one."""
        outputs = [outputs] if isinstance(outputs, _native.Tensor) else outputs
        seeds = [None] * len(outputs) if seeds is None else seeds
        pairs = [(x, seed) for x, seed in zip(outputs, seeds, strict=True) if x.requires_grad]
        if not pairs or not inputs:
            return [_native.zeros_like(x) for x in inputs]
        ends, vectors = zip(*pairs, strict=True)
        return list(_backward.grad(ends, inputs, vectors, retain_graph=True, create_graph=True, materialize_grads=True))

    def finish(self, results: Any) -> Any:
        """Return the results, cut off from the graph where that leads only to leaves of this level."""
        leaves = [
            x.detach() if isinstance(x, _native.Tensor) and x.requires_grad and not self._leads_out(x) else x
            for x in flatten(results)
        ]
        return rebuild(results, iter(leaves))

    def _leads_out(self, x: Tensor) -> bool:
        if not self._outer:
            return False
        if x.grad_fn is None:
            return id(x) not in self._own
        pending, seen = [x.grad_fn], {x.grad_fn}
        while pending:
            node = pending.pop()
            if node.name() == "AccumulateGrad" and id(node.variable) not in self._own:
                return True
            new = {source for source, _ in node.next_functions if source is not None} - seen
            seen |= new
            pending += new
        return False


def _split(result: Any, has_aux: bool, where: str) -> tuple[Any, Any]:
    """Return the result and what is passed on beside it."""
    if not has_aux:
        return result, None
    if not isinstance(result, tuple) or len(result) != 2:
        raise RuntimeError(f"{where}: output of function f should be a tuple: (output, aux) if has_aux is True")
    return result


def _tensors(result: Any, expected: str) -> list[Any]:
    """Return the tensors within a result of a user's function; anything else in it is a `RuntimeError`."""
    outputs = flatten(result)
    for output in outputs:
        if not isinstance(output, _native.Tensor):
            raise RuntimeError(f"{expected} to return only tensors, got unsupported type {type(output)}")
    return outputs
