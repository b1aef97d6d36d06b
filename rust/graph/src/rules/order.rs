//! Gradients of searches, sorts and scans.

use super::complex::c;
use super::reduce::restore;
use super::strided::zeros;
use corten_tensor::lazy::T;
use corten_tensor::ops::all as ops;
use corten_tensor::rules::read;
use corten_tensor::value::Value;
use corten_tensor::{DType, Dims, Result, mode};

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
    let x = &ops::to(x, out.clone().tensor()?.dtype());
    let zero = ops::eq(x, 0);
    if read::item(&ops::any(&zero).tensor()?)?.is_zero() {
        return Ok(from_end(&(g * &c(out)), dim) / c(x));
    }
    if mode::grad_enabled() {
        return Ok(cumprod_without_division(g, x, shape, dim));
    }
    // Up to the first zero as usual; at it, the products without it; behind it nothing.
    let seen = ops::cumsum(&zero, dim);
    let first = ops::logical_and(&zero, ops::eq(&seen, 1));
    let without = ops::cumprod(ops::where_(&first, 1.0, x), dim);
    let before = from_end(&(g * &c(out)), dim) / c(&ops::where_(&zero, 1.0, x));
    let rest = ops::where_(ops::eq(&seen, 0), before, 0.0);
    Ok(ops::where_(first, from_end(&(g * &c(&without)), dim), rest))
}

/// Of the cumulative product, each element's from the products that leave it out: its own gradient is right at zeros.
fn cumprod_without_division(g: &T, x: &T, shape: &Dims, dim: i64) -> T {
    let n = shape[if dim < 0 { dim + shape.len() as i64 } else { dim } as usize];
    let each: Vec<T> = (0..n)
        .map(|k| {
            let before = ops::prod_dim_with(ops::narrow(x, dim, 0i64, k), dim, true, Value::None);
            let behind = ops::cumprod(ops::narrow(x, dim, k + 1, n - k - 1), dim);
            let products = ops::cat_with(&[before.clone(), before * behind][..], dim);
            sum(&(ops::narrow(g, dim, k, n - k) * c(&products)), dim)
        })
        .collect();
    ops::cat_with(&each[..], dim)
}

/// Of the logarithm of cumulative sums of exponentials, in logarithms so that nothing overflows; real gradients in two
/// parts, the positive ones and the negative ones.
pub fn logcumsumexp(g: &T, x: &T, out: &T, dim: i64) -> Result<T> {
    let dtype = g.clone().tensor()?.dtype();
    // In halves there is no room for the logarithm of almost zero.
    let [g, x, out] = [g, x, out].map(|x| ops::to(x, dtype.compute()));
    let part = |log: T| {
        let shifted = ops::flip(log - &out, [dim]);
        ops::exp(ops::flip(ops::logcumsumexp(shifted, dim), [dim]) + &x)
    };
    if dtype.is_complex() {
        return Ok(c(&part(ops::log(c(&g)))));
    }
    // Not the logarithm of zero: the gradients of -inf are not numbers.
    let lowest = if dtype == DType::F64 { f64::MIN } else { f32::MIN as f64 };
    let logs = |chosen: T| {
        let size = ops::log(ops::where_(&chosen, ops::abs(&g), 1.0));
        ops::where_(chosen, size, lowest)
    };
    Ok(ops::to(part(logs(ops::gt(&g, 0))) - part(logs(ops::lt(&g, 0))), dtype))
}

/// Of cumulative extremes: `g` added up at the places they came from.
pub fn cumulated(g: &T, shape: &Dims, dim: i64, index: &T) -> T {
    if shape.is_empty() { g.clone() } else { ops::scatter_add(zeros(g, shape), dim, index, g) }
}

/// The sum along `dim`, kept.
pub fn sum(x: &T, dim: i64) -> T {
    ops::sum_dim_with(x, [dim], true, Value::None)
}
