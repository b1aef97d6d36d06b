//! Gradients of joins, repetitions and paddings.

use corten_tensor::lazy::T;
use corten_tensor::ops::all as ops;
use corten_tensor::rules::dims::wrap;
use corten_tensor::value::Value;
use corten_tensor::{Dims, Result};

/// Of `cat`: each input's piece. Empty one-dimensional inputs, which `cat` skips, get zeros.
pub fn pieces(g: &T, shapes: &[Dims], dim: i64) -> Result<Vec<T>> {
    let whole = g.clone().tensor()?;
    let d = wrap(dim, whole.ndim())?;
    let mut start = 0;
    shapes
        .iter()
        .map(|shape| {
            if shape.len() != whole.ndim() {
                return Ok(ops::new_zeros(g, shape));
            }
            let piece = ops::narrow(g, d, start, shape[d]);
            start += shape[d];
            Ok(piece)
        })
        .collect()
}

/// Of `stack`: the slices.
pub fn slices(g: &T, dim: i64) -> Result<Vec<T>> {
    Ok(ops::unbind_with(g, dim).tensors()?.into_iter().map(T::from).collect())
}

/// Of `repeat`: the sum over copies.
pub fn repeat(g: &T, shape: &Dims, repeats: &[i64]) -> T {
    let lead = repeats.len() - shape.len();
    let (mut split, mut copies) = (Dims::new(), Dims::new());
    for (i, &times) in repeats.iter().enumerate() {
        copies.push(split.len() as i64);
        split.push(times);
        if i >= lead {
            split.push(shape[i - lead]);
        }
    }
    if copies.is_empty() {
        return g.clone();
    }
    ops::sum_dim_with(ops::reshape(g, split), copies, false, Value::None)
}

/// Each number negated.
pub fn negated(numbers: &[i64]) -> Vec<i64> {
    numbers.iter().map(|n| -n).collect()
}
