"""Recurrent layers: RNN, LSTM and GRU."""

from __future__ import annotations

import math
from numbers import Number

from corten_nn import init
from corten_nn._backend import Tensor, core
from corten_nn._module import Module
from corten_nn._warnings import warn
from corten_nn.modules._recurrence import LAYERS, STEPS, run, run_back
from corten_nn.parameter import Parameter
from corten_nn.utils.rnn import PackedSequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from corten_nn.modules._recurrence import State

_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


def _check_settings(settings: dict[str, Any]) -> None:
    dropout, num_layers = settings["dropout"], settings["num_layers"]
    if not isinstance(dropout, Number) or isinstance(dropout, bool) or not 0 <= dropout <= 1:  # type: ignore[operator]
        raise ValueError(
            "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
        )
    if dropout > 0 and num_layers == 1:  # type: ignore[operator]
        warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers "
            f"greater than 1, but got dropout={dropout} and num_layers={num_layers}",
            stacklevel=4,
        )
    for name, kind in (("bias", bool), ("batch_first", bool), ("input_size", int), ("hidden_size", int)):
        value = settings[name]
        if not isinstance(value, kind):
            raise TypeError(f"{name} should be of type {kind.__name__}, got: {type(value).__name__}")
        if kind is int and value <= 0:
            raise ValueError(f"{name} must be greater than zero")
    if num_layers <= 0:
        raise ValueError("num_layers must be greater than zero")
    if settings["proj_size"] < 0:
        raise ValueError("proj_size should be a positive integer or zero to disable projections")
    if settings["proj_size"] >= settings["hidden_size"]:
        raise ValueError("proj_size has to be smaller than hidden_size")


def _refuse_projection(settings: dict[str, Any]) -> None:
    if "proj_size" in settings:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")


class RNNBase(Module):
    """Base of the recurrent layers: settings, weights, and the recurrence.

    `mode` is "RNN_TANH", "RNN_RELU", "LSTM" or "GRU". Weights are `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`,
    `bias_hh_l0`, with `_reverse` at the end for the backward direction and `weight_hr_l0` for projections, numbered
    by layer; all start from U(-k, k), k = 1 / √hidden_size.
    """

    # How many tensors the state has.
    _states = 1

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        settings = {
            "input_size": input_size,
            "hidden_size": hidden_size,
            "num_layers": num_layers,
            "bias": bias,
            "batch_first": batch_first,
            "dropout": dropout,
            "bidirectional": bidirectional,
            "proj_size": proj_size,
        }
        _check_settings(settings)
        if mode not in _GATES:
            raise ValueError("Unrecognized RNN mode: " + mode)
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        gates = _GATES[mode] * hidden_size
        output_size = proj_size or hidden_size
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            width = input_size if layer == 0 else output_size * (1 + bidirectional)
            for suffix in ("", "_reverse")[: 1 + bidirectional]:
                shapes: dict[str, tuple[int, ...]] = {"weight_ih": (gates, width), "weight_hh": (gates, output_size)}
                if bias:
                    shapes |= {"bias_ih": (gates,), "bias_hh": (gates,)}
                if proj_size:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                names = [f"{name}_l{layer}{suffix}" for name in shapes]
                for name, shape in zip(names, shapes.values(), strict=True):
                    setattr(self, name, Parameter(core.empty(shape, device=device, dtype=dtype)))
                self._all_weights.append(names)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights."""
        bound = 1.0 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def flatten_parameters(self) -> None:
        """Do nothing: there is no faster layout of the weights."""

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The weights of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def extra_repr(self) -> str:
        """All settings that differ from the defaults."""
        text = f"{self.input_size}, {self.hidden_size}"
        defaults = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0}
        for name, default in {**defaults, "bidirectional": False}.items():
            value = getattr(self, name)
            if value != default:
                text += f", {name}={value}"
        return text

    def _check_input(self, input: Tensor, packed: bool) -> None:
        dtype = self.all_weights[0][0].dtype
        if input.dtype != dtype:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({dtype}). "
                f"Convert input: input.to({dtype}), or convert model: model.to({input.dtype})"
            )
        dims = 2 if packed else 3
        if input.dim() != dims:
            raise RuntimeError(f"input must have {dims} dimensions, got {input.dim()}")
        if self.input_size != input.size(-1):
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.size(-1)}"
            )

    def _sizes(self) -> tuple[int, ...]:
        return (self.proj_size or self.hidden_size, self.hidden_size)[: self._states]

    def _check_state(self, state: State, batch: int) -> None:
        rows = self.num_layers * (1 + self.bidirectional)
        for i, (tensor, size) in enumerate(zip(state, self._sizes(), strict=True)):
            expected = (rows, batch, size)
            if tuple(tensor.shape) != expected:
                name = f"hidden[{i}]" if self._states == 2 else "hidden"
                raise RuntimeError(f"Expected {name} size {expected}, got {list(tensor.shape)}")

    def _check_state_dims(self, state: State, batched: bool) -> None:
        dims, kind = (3, "batched 3-D") if batched else (2, "unbatched 2-D")
        if all(tensor.dim() == dims for tensor in state):
            return
        if self._states == 2:
            given = ", ".join(f"{tensor.dim()}-D" for tensor in state)
            raise RuntimeError(f"For {kind} input, hx and cx should also be {dims}-D but got ({given}) tensors")
        raise RuntimeError(f"For {kind} input, hx should also be {dims}-D but got {state[0].dim()}-D tensor")

    def _first_state(self, input: Tensor, batch: int) -> State:
        rows = self.num_layers * (1 + self.bidirectional)
        return tuple(core.zeros(rows, batch, size, dtype=input.dtype, device=input.device) for size in self._sizes())

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """Return the outputs of the last layer at all steps, and the last state of all layers."""
        given = None if hx is None else tuple(hx) if self._states == 2 else (hx,)
        if isinstance(input, PackedSequence):
            result: tuple[Any, State] = self._forward_packed(input, given)
        else:
            result = self._forward_padded(input, given)
        output, state = result
        return output, (state if self._states == 2 else state[0])

    def _forward_packed(self, input: PackedSequence, state: State | None) -> tuple[PackedSequence, State]:
        data, batch_sizes, order, order_back = input
        sizes = batch_sizes.tolist()
        if state is None:
            state = self._first_state(data, sizes[0])
        elif order is not None:
            state = tuple(tensor.index_select(1, order) for tensor in state)
        self._check_input(data, packed=True)
        self._check_state(state, sizes[0])
        output, state = self._layers(data, state, sizes, packed=True)
        if order_back is not None:
            state = tuple(tensor.index_select(1, order_back) for tensor in state)
        return PackedSequence(output, batch_sizes, order, order_back), state

    def _forward_padded(self, input: Tensor, state: State | None) -> tuple[Tensor, State]:
        if input.dim() not in (2, 3):
            kind = "RNN" if self.mode.startswith("RNN") else self.mode
            end = " tensor instead" if kind == "RNN" else " instead"
            raise ValueError(f"{kind}: Expected input to be 2D or 3D, got {input.dim()}D{end}")
        batched = input.dim() == 3
        batch_dim = 0 if self.batch_first else 1
        if not batched:
            input = input.unsqueeze(batch_dim)
        batch = input.size(batch_dim)
        if state is None:
            state = self._first_state(input, batch)
        else:
            self._check_state_dims(state, batched)
            if not batched:
                state = tuple(tensor.unsqueeze(1) for tensor in state)
        self._check_input(input, packed=False)
        self._check_state(state, batch)
        steps = input.transpose(0, 1) if self.batch_first else input
        if steps.size(0) == 0:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        output, state = self._layers(steps, state, [batch] * steps.size(0), packed=False)
        if self.batch_first:
            output = output.transpose(0, 1)
        if not batched:
            output, state = output.squeeze(batch_dim), tuple(tensor.squeeze(1) for tensor in state)
        return output, state

    def _layers(self, x: Tensor, state: State, sizes: Sequence[int], packed: bool) -> tuple[Tensor, State]:
        directions = 1 + self.bidirectional
        last: list[State] = []
        for layer in range(self.num_layers):
            outputs = []
            for direction in range(directions):
                row = layer * directions + direction
                start = tuple(tensor[row] for tensor in state)
                output, end = self._direction(x, start, sizes, packed, row, backward=direction == 1)
                outputs.append(output)
                last.append(end)
            x = core.cat(outputs, -1) if self.bidirectional else outputs[0]
            if self.dropout and self.training and layer < self.num_layers - 1:
                x = core.dropout(x, self.dropout, True)
        return x, tuple(core.stack(ends) for ends in zip(*last, strict=True))

    def _direction(
        self, x: Tensor, start: State, sizes: Sequence[int], packed: bool, row: int, backward: bool
    ) -> tuple[Tensor, State]:
        weights: list[Any] = [getattr(self, name) for name in self._all_weights[row]]
        projection = weights.pop() if self.proj_size else None
        w_ih, w_hh, b_ih, b_hh = weights if self.bias else (*weights, None, None)
        # The input's part of all steps is one product.
        gates = core.linear(x, w_ih, b_ih)
        if self.mode in LAYERS and projection is None:
            output, *end = LAYERS[self.mode](gates, w_hh, b_hh, *start, sizes if packed else (), backward)
            return output, tuple(end)
        step = STEPS[self.mode]

        def advance(x: Tensor, state: State) -> State:
            state = step(x, state, w_hh, b_hh)
            return state if projection is None else (core.linear(state[0], projection), *state[1:])

        inputs = gates.split(list(sizes)) if packed else gates.unbind(0)
        outputs, end = (run_back if backward else run)(advance, inputs, sizes, start)
        return (core.cat(outputs) if packed else core.stack(outputs)), end


class RNN(RNNBase):
    """h' = tanh(W x + b + V h + c) at every step, or with `nonlinearity="relu"` relu of the same (Elman, 1990).

    Inputs are (L, N, input_size), or (N, L, input_size) with `batch_first`, or (L, input_size), or a
    `PackedSequence`; the state is (num_layers · directions, N, hidden_size), zeros by default. `dropout` works
    between layers.

    >>> output, h_n = nn.RNN(10, 20, num_layers=2)(torch.randn(5, 3, 10))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        **settings: Any,
    ) -> None:
        _refuse_projection(settings)
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__(
            f"RNN_{nonlinearity.upper()}",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            device=device,
            dtype=dtype,
            **settings,
        )
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997), with a forget gate and without peepholes.

    Input as for `RNN`; the state is a pair (h, c). With `proj_size` h is a projection of that size (Sak et al.,
    2014).

    >>> output, (h_n, c_n) = nn.LSTM(10, 20, num_layers=2)(torch.randn(5, 3, 10))
    """

    _states = 2

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            "LSTM",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size,
            device,
            dtype,
        )


class GRU(RNNBase):
    """Gated recurrent units (Cho et al., 2014), the reset gate being applied after the product.

    Input and state as for `RNN`.

    >>> output, h_n = nn.GRU(10, 20, num_layers=2)(torch.randn(5, 3, 10))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        **settings: Any,
    ) -> None:
        _refuse_projection(settings)
        super().__init__(
            "GRU",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            device=device,
            dtype=dtype,
            **settings,
        )
