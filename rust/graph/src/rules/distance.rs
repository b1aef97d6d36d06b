//! Gradients of distances between rows.

use corten_tensor::lazy::T;
use corten_tensor::ops::all as ops;
use corten_tensor::value::Value;

/// The gradient of the rows `x` from that of their Euclidean distances `out` to the rows `y`: two products, as in PyTorch.
pub fn slope(g: &T, x: &T, y: &T, out: &T) -> T {
    let ratio = ops::where_(ops::eq(out, 0), 0.0, g / out);
    let total = ops::sum_dim_with(&ratio, [-1], true, Value::None);
    total * x - ops::matmul(ratio, y)
}
