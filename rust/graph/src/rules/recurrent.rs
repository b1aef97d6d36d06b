//! Gradients of recurrent layers: the steps backward by a kernel, then the weights by one product over all steps.

use super::replay::replay;
use corten_tensor::lazy::T;
use corten_tensor::ops::{all as ops, recurrent::stepwise};
use corten_tensor::rules::recurrent::{Cell, Layer};
use corten_tensor::value::Value;
use corten_tensor::{Result, Tensor, mode};

/// Of LSTM: gates, weight, bias and the first state.
pub fn lstm(
    gradients: [&T; 3],
    arrived: &[bool],
    need: &[bool],
    inputs: [&T; 5],
    [saved, hs, cs]: [&T; 3],
    sizes: &[i64],
    reverse: bool,
) -> Result<Vec<T>> {
    if mode::grad_enabled() {
        return replay(&inputs, &gradients, arrived, |from| steps(Cell::Lstm, from, sizes, reverse));
    }
    let [.., w, _, h0, _] = inputs;
    let [g, gh, gc] = [0, 1, 2].map(|j| given(gradients[j], arrived[j]));
    let batch = h0.clone().tensor()?.sizes()[0];
    let found = ops::_lstm_layer_backward_with(g, gh, gc, saved, cs, w, batch, sizes, reverse).tensors()?;
    let [gates, h, c] = &found[..] else { return Ok(Vec::new()) };
    let [weight, bias] = of_weights(gates, hs, need)?;
    Ok(vec![T::from(gates), weight, bias, T::from(h), T::from(c)])
}

/// Of GRU: gates, weight, bias and the first state.
pub fn gru(
    gradients: [&T; 2],
    arrived: &[bool],
    need: &[bool],
    inputs: [&T; 4],
    [saved, hs]: [&T; 2],
    sizes: &[i64],
    reverse: bool,
) -> Result<Vec<T>> {
    if mode::grad_enabled() {
        return replay(&inputs, &gradients, arrived, |from| steps(Cell::Gru, from, sizes, reverse));
    }
    let [_, w, _, h0] = inputs;
    let [g, gh] = [0, 1].map(|j| given(gradients[j], arrived[j]));
    let batch = h0.clone().tensor()?.sizes()[0];
    let found = ops::_gru_layer_backward_with(g, gh, saved, hs, w, batch, sizes, reverse).tensors()?;
    let [gates, hidden, h] = &found[..] else { return Ok(Vec::new()) };
    let [weight, bias] = of_weights(hidden, hs, need)?;
    Ok(vec![T::from(gates), weight, bias, T::from(h)])
}

/// A gradient, if it arrived.
fn given(gradient: &T, arrived: bool) -> T {
    if arrived { gradient.clone() } else { T::value(Value::None) }
}

/// Of weight and bias: from the gradient of the state's part of the gates, and the states that the steps began with.
fn of_weights(g: &Tensor, hs: &T, need: &[bool]) -> Result<[T; 2]> {
    let none = || T::value(Value::None);
    let rows =
        |x: T| -> Result<T> { Ok(ops::reshape(&x, [-1, x.clone().tensor()?.sizes().last().copied().unwrap_or(0)])) };
    let g = rows(T::from(g))?;
    let weight = if need[1] { ops::mm(ops::t(&g), rows(hs.clone())?) } else { none() };
    let bias = if need[2] { ops::sum_dim_with(&g, [0], false, Value::None) } else { none() };
    Ok([weight, bias])
}

/// The layer step by step, from gates, weight, bias and state.
fn steps(cell: Cell, from: &[T], sizes: &[i64], reverse: bool) -> Result<Vec<T>> {
    let tensors: Vec<Option<Tensor>> = from
        .iter()
        .map(|x| if x.is_none() { Ok(None) } else { x.clone().tensor().map(Some) })
        .collect::<Result<_>>()?;
    let state: Vec<&Tensor> = tensors[3..].iter().flatten().collect();
    let (Some(gates), Some(weight)) = (&tensors[0], &tensors[1]) else { return Ok(Vec::new()) };
    let layer = Layer { gates, weight, bias: tensors[2].as_ref(), state: &state, sizes, reverse };
    Ok(stepwise(cell, &layer)?.into_iter().map(T::from).collect())
}
