"""The steps of recurrent layers, and their repetition over the time of a batch.

A step takes what the input contributes to the gates, for all of a batch, and the state: a tuple of which the first
tensor is the output. Sequences of one batch may end at different steps: `sizes` says how many still run at each.
"""

from __future__ import annotations

from corten_nn._backend import Tensor, core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    State = tuple[Tensor, ...]
    Step = Callable[[Tensor, State, Tensor, Tensor | None], State]


def tanh_step(x: Tensor, state: State, weight: Tensor, bias: Tensor | None) -> State:
    """h' = tanh(x + W h + b)."""
    return ((x + core.linear(state[0], weight, bias)).tanh(),)


def relu_step(x: Tensor, state: State, weight: Tensor, bias: Tensor | None) -> State:
    """h' = relu(x + W h + b)."""
    return ((x + core.linear(state[0], weight, bias)).relu(),)


def lstm_step(x: Tensor, state: State, weight: Tensor, bias: Tensor | None) -> State:
    """c' = σ(f) c + σ(i) tanh(g), h' = σ(o) tanh(c'), with i, f, g, o the quarters of x + W h + b."""
    h, c = state
    return core._lstm_cell(x + core.linear(h, weight, bias), c)


def gru_step(x: Tensor, state: State, weight: Tensor, bias: Tensor | None) -> State:
    """h' = (1 - z) n + z h, n = tanh(xₙ + r (Wₙ h + bₙ)), r and z the sigmoids of the first parts of x + W h + b."""
    (h,) = state
    return (core._gru_cell(x, core.linear(h, weight, bias), h),)


STEPS: dict[str, Step] = {"LSTM": lstm_step, "GRU": gru_step, "RNN_TANH": tanh_step, "RNN_RELU": relu_step}
# All steps at once, from the input's part of the gates, the weight and bias of the state's part, and the state.
LAYERS: dict[str, Callable[..., Any]] = {"LSTM": core._lstm, "GRU": core._gru}


def run(
    step: Callable[[Tensor, State], State], inputs: Sequence[Tensor], sizes: Sequence[int], state: State
) -> tuple[list[Tensor], State]:
    """Return the outputs of all steps and the last state of each sequence; `sizes` fall."""
    outputs, ended = [], []
    running = sizes[0] if sizes else 0
    for x, size in zip(inputs, sizes, strict=True):
        if size < running:
            ended.append(tuple(s[size:] for s in state))
            state = tuple(s[:size] for s in state)
            running = size
        state = step(x, state)
        outputs.append(state[0])
    if ended:
        state = tuple(core.cat(parts) for parts in zip(state, *reversed(ended), strict=True))
    return outputs, state


def run_back(
    step: Callable[[Tensor, State], State], inputs: Sequence[Tensor], sizes: Sequence[int], start: State
) -> tuple[list[Tensor], State]:
    """The same from the last step to the first: sequences join where they end."""
    outputs = []
    running = sizes[-1] if sizes else 0
    state = tuple(s[:running] for s in start)
    for x, size in zip(reversed(inputs), reversed(sizes), strict=True):
        if size > running:
            state = tuple(core.cat([s, s0[running:size]]) for s, s0 in zip(state, start, strict=True))
            running = size
        state = step(x, state)
        outputs.append(state[0])
    return outputs[::-1], state
