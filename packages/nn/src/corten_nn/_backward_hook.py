"""Full backward hooks: an identity node on each side of a module captures its gradients."""

from __future__ import annotations

from corten_nn._backend import Tensor, autograd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class BackwardHookFunction(autograd.Function):
    """The identity on several tensors, as one node."""

    @staticmethod
    def forward(ctx: Any, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Return views of `tensors`; those that cannot have a gradient stay so."""
        ctx.mark_non_differentiable(*[x for x in tensors if not x.requires_grad])
        return tuple(x.view_as(x) for x in tensors)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, ...]:
        """Pass the gradients on."""
        return grads


class BackwardHook:
    """The backward hooks of one call of a module.

    Gradients of the outputs are taken when they arrive at the output node, those of the inputs when they arrive at
    the input node; values that are not tensors count as None.
    """

    def __init__(self, module: Any, hooks: list[Callable[..., Any]], pre_hooks: list[Callable[..., Any]]) -> None:
        self.module, self.hooks, self.pre_hooks = module, hooks, pre_hooks
        self.grad_outputs: tuple[Tensor | None, ...] | None = None
        self.n_inputs = self.n_outputs = 0
        self.inputs_at: list[int] | None = None
        self.outputs_at: list[int] | None = None

    def watch_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return `args` with the tensors led through the input node."""
        self.n_inputs = len(args)
        args, self.inputs_at = self._through_node(args, self._on_inputs)
        return args

    def watch_outputs(self, result: Any) -> Any:
        """Return `result`, a tensor or tuple, with the tensors led through the output node."""
        if not isinstance(result, (Tensor, tuple)):
            import warnings

            warnings.warn(
                "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors "
                f"but received {type(result)}",
                stacklevel=2,
            )
        outputs = result if isinstance(result, tuple) else (result,)
        self.n_outputs = len(outputs)
        outputs, self.outputs_at = self._through_node(outputs, self._on_outputs)
        return outputs if isinstance(result, tuple) else outputs[0]

    def _through_node(self, values: Any, hook: Callable[..., Any]) -> tuple[Any, list[int] | None]:
        positions = [i for i, value in enumerate(values) if isinstance(value, Tensor)]
        if not (autograd.is_grad_enabled() and any(values[i].requires_grad for i in positions)):
            return values, None
        outputs = BackwardHookFunction.apply(*[values[i] for i in positions])
        node = next(x.grad_fn for x in outputs if x.grad_fn is not None)
        node.register_hook(hook)
        replaced = list(values)
        for i, output in zip(positions, outputs, strict=True):
            replaced[i] = output
        return (tuple(replaced) if type(values) is tuple else type(values)(*replaced)), positions

    @staticmethod
    def _spread(positions: list[int], grads: tuple[Any, ...], size: int) -> tuple[Any, ...]:
        spread: list[Any] = [None] * size
        for i, grad in zip(positions, grads, strict=True):
            spread[i] = grad
        return tuple(spread)

    def _on_outputs(self, _: Any, grad_outputs: tuple[Any, ...]) -> tuple[Any, ...]:
        assert self.outputs_at is not None
        grads = self._spread(self.outputs_at, grad_outputs, self.n_outputs)
        for hook in self.pre_hooks:
            changed = hook(self.module, grads)
            if changed is None:
                continue
            if len(changed) != len(grads):
                raise RuntimeError(
                    "Backward pre hook returned an invalid number of grad_output, "
                    f"got {len(changed)}, but expected {len(grads)}"
                )
            grads = changed
        self.grad_outputs = grads
        if self.inputs_at is None:
            self._call_without_input_gradients(grads)
        return tuple(grads[i] for i in self.outputs_at)

    def _call_without_input_gradients(self, grad_outputs: tuple[Any, ...]) -> None:
        import warnings

        warnings.warn(
            "Full backward hook is firing when gradients are computed with respect to module outputs since no inputs "
            "require gradients. See "
            "https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html"
            "#torch.nn.Module.register_full_backward_hook for more details.",
            stacklevel=5,
        )
        for hook in self.hooks:
            changed = hook(self.module, (None,) * self.n_inputs, grad_outputs)
            if changed is not None and not (isinstance(changed, tuple) and all(grad is None for grad in changed)):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always return None or None "
                    "for all gradients."
                )
        self.grad_outputs = None

    def _on_inputs(self, grad_inputs: tuple[Any, ...], _: Any) -> tuple[Any, ...] | None:
        # No gradient came through the output: the input's flowed past the module, as in double backward.
        if self.grad_outputs is None:
            return None
        assert self.inputs_at is not None
        grads = self._spread(self.inputs_at, grad_inputs, self.n_inputs)
        for hook in self.hooks:
            changed = hook(self.module, grads, self.grad_outputs)
            if changed is None:
                continue
            if len(changed) != len(grads):
                raise RuntimeError(
                    f"Backward hook returned an invalid number of grad_input, got {len(changed)}, "
                    f"but expected {len(grads)}"
                )
            grads = changed
        self.grad_outputs = None
        return tuple(grads[i] for i in self.inputs_at)
