//! Gradients of searches, sorts and scans.

use super::complex::c;
use super::reduce::restore;
use super::strided::zeros;
use corten_tensor::lazy::T;
use corten_tensor::ops::all as ops;
use corten_tensor::rules::read;
use corten_tensor::value::Value;
use corten_tensor::{Dims, Result};

/// Of values chosen along `dim`: `g` at the places they came from.
pub fn chosen(g: &T, shape: &Dims, dim: i64, keepdim: bool, index: &T) -> Result<T> {
    if shape.is_empty() {
        return Ok(g.clone());
    }
    let (g, index) = (restore(g, shape, Some(&[dim]), keepdim)?, restore(index, shape, Some(&[dim]), keepdim)?);
    Ok(ops::scatter(zeros(&g, shape), dim, index, g))
}

/// The sum of `g` from each place to the end.
pub fn from_end(g: &T, dim: i64) -> T {
    ops::flip(ops::cumsum(ops::flip(g, [dim]), dim), [dim])
}

/// Of the cumulative product, also past zeros.
pub fn cumprod(g: &T, x: &T, out: &T, shape: &Dims, dim: i64) -> Result<T> {
    if shape.is_empty() {
        return Ok(g.clone());
    }
    let zero = ops::eq(x, 0);
    if read::item(&ops::any(&zero).tensor()?)?.is_zero() {
        return Ok(from_end(&(g * &c(out)), dim) / c(x));
    }
    // Up to the first zero as usual; at it, the products without it; behind it nothing.
    let seen = ops::cumsum(&zero, dim);
    let first = ops::logical_and(&zero, ops::eq(&seen, 1));
    let without = ops::cumprod(ops::where_(&first, 1.0, x), dim);
    let before = from_end(&(g * &c(out)), dim) / c(&ops::where_(&zero, 1.0, x));
    let rest = ops::where_(ops::eq(&seen, 0), before, 0.0);
    Ok(ops::where_(first, from_end(&(g * &c(&without)), dim), rest))
}

/// Of the logarithm of cumulative sums of exponentials, in logarithms so that nothing overflows.
pub fn logcumsumexp(g: &T, x: &T, out: &T, dim: i64) -> T {
    let part = |g: T| {
        let shifted = ops::flip(ops::log(ops::relu(g)) - out, [dim]);
        ops::exp(ops::flip(ops::logcumsumexp(shifted, dim), [dim]) + x)
    };
    part(g.clone()) - part(-g)
}

/// Of cumulative extremes: `g` added up at the places they came from.
pub fn cumulated(g: &T, shape: &Dims, dim: i64, index: &T) -> T {
    if shape.is_empty() { g.clone() } else { ops::scatter_add(zeros(g, shape), dim, index, g) }
}

/// The sum along `dim`, kept.
pub fn sum(x: &T, dim: i64) -> T {
    ops::sum_dim_with(x, [dim], true, Value::None)
}
