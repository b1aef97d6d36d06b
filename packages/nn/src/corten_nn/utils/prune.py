"""Pruning: the parameter `name` becomes `name_orig`, and `name` is that times the buffer `name_mask`, at each call."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from numbers import Integral, Real
from typing import Any

from corten_nn._backend import Tensor, core
from corten_nn.utils.convert_parameters import parameters_to_vector


def _same_shape(scores: Tensor | None, tensor: Tensor, what: str) -> Tensor:
    """Return the scores of importance of a tensor's elements: by default, the tensor itself."""
    if scores is None:
        return tensor
    if scores.shape != tensor.shape:
        raise AssertionError(
            f"importance_scores should have the same shape as {what}, got {scores.shape} vs {tensor.shape}"
        )
    return scores


class BasePruningMethod(ABC):
    """Base of the methods; a subclass says which elements stay with `compute_mask`, and what it decides about.

    `PRUNING_TYPE` is "unstructured" (single elements), "structured" (slices along `dim`) or "global" (all at once).
    """

    PRUNING_TYPE: str
    _tensor_name: str

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return a mask of the shape of `t`, the scores of importance, that is 0 wherever `default_mask` is."""

    def apply_mask(self, module: Any) -> Tensor:
        """Return the pruned tensor of a module."""
        orig = getattr(module, self._tensor_name + "_orig")
        return getattr(module, self._tensor_name + "_mask").to(dtype=orig.dtype) * orig

    @classmethod
    def apply(
        cls, module: Any, name: str, *args: Any, importance_scores: Tensor | None = None, **kwargs: Any
    ) -> BasePruningMethod:
        """Prune the parameter `name` of `module`, once more where it is pruned already; return the hook that does it.

        Further arguments are those of the constructor.
        """
        keys = [key for key, hook in module._forward_pre_hooks.items() if _prunes(hook, name)]
        if len(keys) > 1:
            raise AssertionError(
                f"Avoid adding multiple pruning hooks to the same tensor {name} of module {module}. "
                "Use a PruningContainer."
            )
        method = cls(*args, **kwargs)
        method._tensor_name = name
        param = getattr(module, name)
        scores = _same_shape(importance_scores, param, f"parameter {name} of {module}")
        if not keys:
            mask = method.compute_mask(scores, core.ones_like(param))
            del module._parameters[name]
            module.register_parameter(name + "_orig", param)
        else:
            former = module._forward_pre_hooks[keys[0]]
            container = former if isinstance(former, PruningContainer) else PruningContainer(former)
            container.add_pruning_method(method)
            method = container
            mask = method.compute_mask(scores, getattr(module, name + "_mask").detach().clone())
            del module._forward_pre_hooks[keys[0]]
        module.register_buffer(name + "_mask", mask)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def prune(self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None) -> Tensor:
        """Return `t` with pruned elements 0."""
        scores = _same_shape(importance_scores, t, "tensor t")
        return t * self.compute_mask(scores, core.ones_like(t) if default_mask is None else default_mask)

    def remove(self, module: Any) -> None:
        """Make the pruned tensor a parameter; the hook stays."""
        name = self._tensor_name
        weight = self.apply_mask(module)
        delattr(module, name)
        orig = module._parameters.pop(name + "_orig")
        orig.data = weight.data
        del module._buffers[name + "_mask"]
        setattr(module, name, orig)


def _prunes(hook: Any, name: str) -> bool:
    return isinstance(hook, BasePruningMethod) and hook._tensor_name == name


class PruningContainer(BasePruningMethod):
    """Several methods on one tensor, each pruning what the former left."""

    def __init__(self, *args: BasePruningMethod) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        if len(args) == 1:
            self._tensor_name = args[0]._tensor_name
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod) -> None:
        """Add a method for the same tensor."""
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if self._tensor_name != method._tensor_name:
            raise ValueError(
                "Can only add pruning methods acting on the parameter named "
                f"'{self._tensor_name}' to PruningContainer {self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: Any) -> Any:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return `default_mask` with what the last method prunes of the rest."""
        method = self._pruning_methods[-1]
        rest: Any
        if method.PRUNING_TYPE == "unstructured":
            rest = default_mask == 1
        elif method.PRUNING_TYPE == "structured":
            if not hasattr(method, "dim"):
                raise AttributeError(
                    'Pruning methods of PRUNING_TYPE "structured" need to have the attribute `dim` defined.'
                )
            dim = method.dim + t.dim() if method.dim < 0 else method.dim
            if dim < 0:
                raise IndexError(f"Index is out of bounds for tensor with dimensions {t.dim()}")
            kept = default_mask.sum(dim=[d for d in range(t.dim()) if d != dim]) != 0
            rest = (*[slice(None)] * dim, kept)
        elif method.PRUNING_TYPE == "global":
            rest = ...
        else:
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        mask = default_mask.to(dtype=t.dtype, copy=True)
        mask[rest] = method.compute_mask(t[rest], default_mask[rest]).to(dtype=t.dtype)
        return mask


class Identity(BasePruningMethod):
    """Prune nothing, but set up mask and hook."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return `default_mask`."""
        return default_mask


class _ByAmount(BasePruningMethod):
    """Base of the methods that prune a fraction (a float) or a number (an integer) of elements or slices."""

    amount: float

    def __init__(self, amount: float) -> None:
        if not isinstance(amount, Real):
            raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
        if amount < 0 or (amount > 1 and not isinstance(amount, Integral)):
            raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer")
        self.amount = amount

    def _count(self, size: int) -> int:
        """Return how many of `size` are pruned."""
        if not isinstance(self.amount, Integral):
            return round(self.amount * size)
        if self.amount > size:
            raise ValueError(f"amount={self.amount} should be smaller than the number of parameters to prune={size}")
        return int(self.amount)


def _without(default_mask: Tensor, places: Tensor) -> Tensor:
    """Return the mask with the elements at places of its flat order 0."""
    mask = default_mask.clone(memory_format=core.contiguous_format)
    mask.view(-1)[places] = 0
    return mask


class RandomUnstructured(_ByAmount):
    """Prune elements by chance."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return `default_mask` less the chosen elements."""
        count = self._count(t.numel())
        return _without(default_mask, core.rand_like(t).view(-1).topk(count)[1]) if count else default_mask


class L1Unstructured(_ByAmount):
    """Prune the elements next to 0."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return `default_mask` less the smallest elements."""
        return _without(default_mask, t.abs().flatten().topk(self._count(t.numel()), largest=False)[1])


class _ByChannel(_ByAmount):
    """Base of the methods that prune slices along `dim`."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def _slices(self, t: Tensor) -> int:
        if t.dim() <= 1:
            raise ValueError(
                "Structured pruning can only be applied to multidimensional tensors. "
                f"Found tensor of shape {t.shape} with {t.dim()} dims"
            )
        if self.dim >= t.dim():
            raise IndexError(f"Invalid index {self.dim} for tensor of size {t.shape}")
        return t.size(self.dim)

    def _only(self, t: Tensor, default_mask: Tensor, kept: Tensor) -> Tensor:
        """Return the mask with 0 outside some slices of `t`."""
        mask = core.zeros_like(t).transpose(0, self.dim)
        mask[kept] = 1
        return mask.transpose(0, self.dim) * default_mask.to(dtype=t.dtype)


class RandomStructured(_ByChannel):
    """Prune slices along `dim` by chance."""

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return `default_mask` less the chosen slices."""
        size = self._slices(t)
        count = self._count(size)
        if count == 0:
            return default_mask
        chances = core.rand(size)
        return self._only(t, default_mask, chances > chances.kthvalue(count)[0])


class LnStructured(_ByChannel):
    """Prune the slices along `dim` with the smallest norm of order `n`."""

    def __init__(self, amount: float, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return `default_mask` less the smallest slices."""
        size = self._slices(t)
        count = self._count(size)
        if count == 0:
            return default_mask
        others = [d for d in range(t.dim()) if d != self.dim % t.dim()]
        return self._only(t, default_mask, core.norm(t, p=self.n, dim=others).topk(size - count)[1])


class CustomFromMask(BasePruningMethod):
    """Prune what a given mask tells."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return the product of both masks."""
        if default_mask.shape != self.mask.shape:
            raise AssertionError(
                f"default_mask shape {default_mask.shape} must match self.mask shape {self.mask.shape}"
            )
        return default_mask * self.mask.to(dtype=default_mask.dtype)


def identity(module: Any, name: str) -> Any:
    """Set up mask and hook of the parameter `name`, and prune nothing; return `module`, as all of these do."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Any, name: str, amount: float) -> Any:
    """Prune a fraction or number of elements by chance."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module: Any, name: str, amount: float, importance_scores: Tensor | None = None) -> Any:
    """Prune the fraction or number of elements whose absolute value, or score, is smallest."""
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


def random_structured(module: Any, name: str, amount: float, dim: int) -> Any:
    """Prune a fraction or number of slices along `dim` by chance."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: Any, name: str, amount: float, n: Any, dim: int, importance_scores: Tensor | None = None
) -> Any:
    """Prune the fraction or number of slices along `dim` whose norm of order `n` is smallest."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def global_unstructured(
    parameters: Any,
    pruning_method: type[BasePruningMethod],
    importance_scores: dict[tuple[Any, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune several `parameters`, pairs of a module and a name, as if they were one vector."""
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    given = {} if importance_scores is None else importance_scores
    if not isinstance(given, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    places = list(parameters)
    tensors = [getattr(module, name) for module, name in places]
    masks = [
        getattr(module, f"{name}_mask", core.ones_like(x)) for (module, name), x in zip(places, tensors, strict=True)
    ]
    method = pruning_method(**kwargs)
    method._tensor_name = "temp"
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. '
            f"Found method {pruning_method} of type {method.PRUNING_TYPE}"
        )
    scores = parameters_to_vector([given.get(place, x) for place, x in zip(places, tensors, strict=True)])
    mask = PruningContainer(method).compute_mask(scores, parameters_to_vector(masks))
    for (module, name), x, part in zip(places, tensors, mask.split([x.numel() for x in tensors]), strict=True):
        custom_from_mask(module, name, part.view_as(x))


def custom_from_mask(module: Any, name: str, mask: Tensor) -> Any:
    """Prune what a mask tells."""
    CustomFromMask.apply(module, name, mask)
    return module


def remove(module: Any, name: str) -> Any:
    """Make the pruned tensor a plain parameter again, with its zeros."""
    for key, hook in module._forward_pre_hooks.items():
        if _prunes(hook, name):
            hook.remove(module)
            del module._forward_pre_hooks[key]
            return module
    raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")


def is_pruned(module: Any) -> bool:
    """Tell whether anything in a module is pruned."""
    return any(
        isinstance(hook, BasePruningMethod) for part in module.modules() for hook in part._forward_pre_hooks.values()
    )
