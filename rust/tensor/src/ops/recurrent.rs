//! Recurrent layers and their cells.
//!
//! Layers over float32 and float64 in the host's memory are one row each, with a row for the gradient; others, and
//! gradients that are recorded themselves, go step by step.

use super::all::*;
use crate::lazy::T;
use crate::rules::recurrent::{self, Cell, Gradient, Layer};
use crate::{Result, Tensor};
use corten_tables::ops;

ops! { family = neural;

/// A step of LSTM from the sum of its gates' parts and the old c: `c' = σ(f) c + σ(i) tanh(g)`, `h' = σ(o) tanh(c')`.
_lstm_cell(gates: Tensor, c: Tensor) -> (_h: Tensor, _c: Tensor) { composite: lstm_cell(&T::from(gates), &T::from(c))?; forms: fn; check: none }
/// A step of GRU from both parts of its gates and the old state: `h' = n + z (h - n)`, `n = tanh(x_n + r hidden_n)`.
_gru_cell(x: Tensor, hidden: Tensor, h: Tensor) -> Tensor { composite: gru_cell(&T::from(x), &T::from(hidden), &T::from(h)); forms: fn; check: none }
/// All steps of a layer of LSTM from the input's part of its gates: (T, B, 4 H), or (N, 4 H) in steps of `sizes` rows.
_lstm(gates: Tensor, weight: Tensor, bias: Tensor?, h: Tensor, c: Tensor, sizes: Sizes, reverse: bool) -> (_output: Tensor, _h: Tensor, _c: Tensor) { composite: lstm(&Layer { gates, weight, bias, state: &[h, c], sizes, reverse })?; forms: fn; check: none }
/// All steps of a layer of GRU from the input's part of its gates: (T, B, 3 H), or (N, 3 H) in steps of `sizes` rows.
_gru(gates: Tensor, weight: Tensor, bias: Tensor?, h: Tensor, sizes: Sizes, reverse: bool) -> (_output: Tensor, _h: Tensor) { composite: gru(&Layer { gates, weight, bias, state: &[h], sizes, reverse })?; forms: fn; check: none }
/// `_lstm` by its kernel, with what the gradient needs.
_lstm_layer(gates: Tensor, weight: Tensor, bias: Tensor?, h: Tensor, c: Tensor, sizes: Sizes, reverse: bool) -> (_output: Tensor, _h: Tensor, _c: Tensor, _saved: Tensor, _hs: Tensor, _cs: Tensor) { meta: recurrent::meta(Cell::Lstm, &Layer { gates, weight, bias, state: &[h, c], sizes, reverse }); kernel: recurrent::steps(Cell::Lstm, &Layer { gates, weight, bias, state: &[h, c], sizes, reverse }, outs); check: none }
/// The gradients of `_lstm_layer`: of the gates and of the first state.
_lstm_layer_backward(grad: Tensor?, grad_h: Tensor?, grad_c: Tensor?, saved: Tensor, cs: Tensor, weight: Tensor, batch: int, sizes: Sizes, reverse: bool) -> (_gates: Tensor, _h: Tensor, _c: Tensor) { meta: recurrent::gradient_meta(Cell::Lstm, &Gradient { g: grad, state: &[grad_h, grad_c], saved, before: cs, weight, sizes, reverse }, batch); kernel: { let _rows = batch; recurrent::gradient(Cell::Lstm, &Gradient { g: grad, state: &[grad_h, grad_c], saved, before: cs, weight, sizes, reverse }, outs) }; check: none }
/// `_gru` by its kernel, with what the gradient needs.
_gru_layer(gates: Tensor, weight: Tensor, bias: Tensor?, h: Tensor, sizes: Sizes, reverse: bool) -> (_output: Tensor, _h: Tensor, _saved: Tensor, _hs: Tensor) { meta: recurrent::meta(Cell::Gru, &Layer { gates, weight, bias, state: &[h], sizes, reverse }); kernel: recurrent::steps(Cell::Gru, &Layer { gates, weight, bias, state: &[h], sizes, reverse }, outs); check: none }
/// The gradients of `_gru_layer`: of both parts of the gates and of the first state.
_gru_layer_backward(grad: Tensor?, grad_h: Tensor?, saved: Tensor, hs: Tensor, weight: Tensor, batch: int, sizes: Sizes, reverse: bool) -> (_gates: Tensor, _hidden: Tensor, _h: Tensor) { meta: recurrent::gradient_meta(Cell::Gru, &Gradient { g: grad, state: &[grad_h], saved, before: hs, weight, sizes, reverse }, batch); kernel: { let _rows = batch; recurrent::gradient(Cell::Gru, &Gradient { g: grad, state: &[grad_h], saved, before: hs, weight, sizes, reverse }, outs) }; check: none }

}

fn lstm_cell(gates: &T, c: &T) -> Result<Vec<Tensor>> {
    let parts: Vec<T> = chunk_with(gates, 4, 1).tensors()?.into_iter().map(T::from).collect();
    let [i, f, g, o] = &parts[..] else { crate::fail!(Runtime, "an LSTM has four gates, not {}", parts.len()) };
    let c = sigmoid(f) * c + sigmoid(i) * tanh(g);
    Ok(vec![(sigmoid(o) * tanh(&c)).tensor()?, c.tensor()?])
}

fn gru_cell(x: &T, hidden: &T, h: &T) -> Result<T> {
    let parts =
        |gates: &T| -> Result<Vec<T>> { Ok(chunk_with(gates, 3, 1).tensors()?.into_iter().map(T::from).collect()) };
    let (x, hidden) = (parts(x)?, parts(hidden)?);
    let ([x_r, x_z, x_n], [h_r, h_z, h_n]) = (&x[..], &hidden[..]) else {
        crate::fail!(Runtime, "a GRU has three gates, not {}", x.len().min(hidden.len()))
    };
    let (r, z) = (sigmoid(x_r + h_r), sigmoid(x_z + h_z));
    let n = tanh(x_n + &(r * h_n));
    Ok(&n + &(z * (h - &n)))
}

fn lstm(layer: &Layer) -> Result<Vec<Tensor>> {
    if !layer.is_fused() {
        return stepwise(Cell::Lstm, layer);
    }
    let &[h, c] = layer.state else { crate::fail!(Runtime, "an LSTM has two states") };
    let found = _lstm_layer_with(layer.gates, layer.weight, layer.bias, h, c, layer.sizes, layer.reverse);
    Ok(found.tensors()?.into_iter().take(3).collect())
}

fn gru(layer: &Layer) -> Result<Vec<Tensor>> {
    if !layer.is_fused() {
        return stepwise(Cell::Gru, layer);
    }
    let &[h] = layer.state else { crate::fail!(Runtime, "a GRU has one state") };
    let found = _gru_layer_with(layer.gates, layer.weight, layer.bias, h, layer.sizes, layer.reverse);
    Ok(found.tensors()?.into_iter().take(2).collect())
}

/// The outputs and the last state of a layer, from the cells' rows.
pub fn stepwise(cell: Cell, layer: &Layer) -> Result<Vec<Tensor>> {
    recurrent::check(cell, layer)?;
    let width = layer.weight.sizes()[1];
    let flat = reshape(layer.gates, [-1, layer.weight.sizes()[0]]);
    let mut state: Vec<T> = layer.state.iter().map(|&state| T::from(state)).collect();
    let mut outputs = Vec::new();
    for (start, count) in recurrent::order(layer.gates, layer.sizes, layer.reverse)? {
        let x = narrow(&flat, 0, start, count);
        let before: Vec<T> = state.iter().map(|state| narrow(state, 0, 0, count)).collect();
        let hidden = linear_with(&before[0], layer.weight, layer.bias);
        let after: Vec<T> = match cell {
            Cell::Lstm => lstm_cell(&(x + hidden), &before[1])?.into_iter().map(T::from).collect(),
            Cell::Gru => vec![gru_cell(&x, &hidden, &before[0])?],
        };
        outputs.push(after[0].clone());
        // Sequences that take no part keep their state.
        let joined = |(before, after): (&T, T)| -> Result<T> {
            let batch = before.clone().tensor()?.sizes()[0];
            let rest = || narrow(before, 0, count, batch - count);
            Ok(if count == batch { after } else { cat_with(&[after, rest()][..], 0) })
        };
        state = state.iter().zip(after).map(joined).collect::<Result<_>>()?;
    }
    if layer.reverse {
        outputs.reverse();
    }
    let mut sizes = layer.gates.dims();
    sizes.pop();
    sizes.push(width);
    let output = match outputs.is_empty() {
        true => narrow(layer.gates, -1, 0, width),
        false => reshape(cat_with(&outputs, 0), sizes),
    };
    std::iter::once(output).chain(state).map(T::tensor).collect()
}
