//! Gradients of reductions: the gradient spread again over the dimensions that were reduced.

use super::complex::c;
use corten_tensor::lazy::T;
use corten_tensor::ops::all as ops;
use corten_tensor::rules::dims;
use corten_tensor::rules::read::item;
use corten_tensor::value::Value;
use corten_tensor::{DeviceKind, Dims, Result, Scalar, Tensor, mode};

/// `g` with the reduced dimensions back, of size one.
pub fn restore(g: &T, shape: &Dims, dim: Option<&[i64]>, keepdim: bool) -> Result<T> {
    if keepdim || shape.is_empty() {
        return Ok(g.clone());
    }
    let reduced = dims::reduced(dim, shape.len())?;
    Ok(ops::reshape(g, dims::reduced_sizes(shape, reduced, true)))
}

/// `g` over all places that were reduced into it.
pub fn spread(g: &T, shape: &Dims, dim: Option<&[i64]>, keepdim: bool) -> Result<T> {
    Ok(ops::expand(restore(g, shape, dim, keepdim)?, shape))
}

/// How many elements were reduced into each.
pub fn count(shape: &Dims, dim: Option<&[i64]>) -> Result<f64> {
    Ok(dims::reduced(dim, shape.len())?.iter().map(|d| shape[d] as f64).product())
}

/// True for one number that is NaN; on the meta device there is none.
fn is_nan(x: &Tensor) -> Result<bool> {
    Ok(x.device().kind != DeviceKind::Meta && item(x)?.to_f64().is_nan())
}

/// Of an extreme: shared by all places that reach it. Of a single one that is NaN by those that are NaN; of NaN along
/// dimensions it is NaN.
pub fn at_extreme(g: &T, x: &T, out: &T, shape: &Dims, dim: Option<&[i64]>, keepdim: bool) -> Result<T> {
    let nan = dim.is_none() && is_nan(&out.clone().tensor()?)?;
    let (g, out) = (restore(g, shape, dim, keepdim)?, restore(out, shape, dim, keepdim)?);
    let reached = if nan { ops::isnan(x) } else { ops::eq(x, out) };
    let all = dims::reduced(dim, shape.len())?.to_dims();
    let many = ops::sum_dim_with(&reached, all, true, Value::None);
    Ok(g / many * reached)
}

/// Of the variance.
pub fn var(g: &T, x: &T, shape: &Dims, dim: Option<&[i64]>, correction: Option<Scalar>, keepdim: bool) -> Result<T> {
    let free = (count(shape, dim)? - correction.map_or(1.0, Scalar::to_f64)).max(0.0);
    let mean = ops::mean_dim_with(x, dim, true, Value::None);
    Ok(restore(g, shape, dim, keepdim)? * (x - &mean) * (2.0 / free))
}

/// Of the standard deviation; zero where the deviation is.
pub fn std(
    g: &T,
    x: &T,
    out: &T,
    shape: &Dims,
    dim: Option<&[i64]>,
    correction: Option<Scalar>,
    keepdim: bool,
) -> Result<T> {
    let g = ops::where_(ops::eq(out, 0), 0.0, g / &(out * 2.0));
    var(&g, x, shape, dim, correction, keepdim)
}

/// Of the product: the product of the others, also where one of them is zero.
pub fn prod(g: &T, x: &T, out: &T, shape: &Dims, dim: Option<&[i64]>, keepdim: bool) -> Result<T> {
    let x = &ops::to(x, out.clone().tensor()?.dtype());
    let (g, out) = (restore(g, shape, dim, keepdim)?, restore(out, shape, dim, keepdim)?);
    let zero = ops::eq(x, 0);
    let any = ops::any(&zero).tensor()?;
    if any.device().kind != corten_tensor::DeviceKind::Meta && corten_tensor::rules::read::item(&any)?.is_zero() {
        return Ok(g * c(&(out / x)));
    }
    let all = dims::reduced(dim, shape.len())?.to_dims();
    if mode::grad_enabled() {
        return Ok(g * c(&others(x, shape, &all)?));
    }
    let zeros = ops::sum_dim_with(&zero, all.clone(), true, Value::None);
    let filled = ops::where_(&zero, 1.0, x);
    let mut others = filled.clone();
    for &d in &all {
        others = ops::prod_dim_with(others, d, true, Value::None);
    }
    let at_zero = ops::where_(ops::eq(&zeros, 1), &others, 0.0);
    let elsewhere = ops::where_(ops::eq(&zeros, 0), others / filled, 0.0);
    Ok(g * c(&ops::where_(zero, at_zero, elsewhere)))
}

/// The product of the other elements along `dims`, as products from both ends: without a division, so that its own
/// gradient is right at zeros.
pub fn others(x: &T, shape: &Dims, dims: &[i64]) -> Result<T> {
    let order: Dims = (0..shape.len() as i64).filter(|d| !dims.contains(d)).chain(dims.iter().copied()).collect();
    let turned: Dims = order.iter().map(|&d| shape[d as usize]).collect();
    let (kept, reduced) = turned.split_at(shape.len() - dims.len());
    let n: i64 = reduced.iter().product();
    if n == 0 {
        return Ok(x.clone());
    }
    let with = |n: i64| -> Dims { kept.iter().copied().chain([n]).collect() };
    let flat = ops::reshape(ops::permute(x, &order), with(n));
    let one = ops::new_full(x, with(1), 1);
    let before =
        |x: &T| ops::cumprod(ops::cat_with(&[one.clone(), ops::narrow(x, -1i64, 0i64, n - 1)][..], -1i64), -1i64);
    let left = before(&flat);
    let right = ops::flip(before(&ops::flip(&flat, [-1i64])), [-1i64]);
    Ok(ops::permute(ops::reshape(left * right, turned), super::strided::inverse(&order)))
}

/// Of a vector norm of any order.
pub fn norm(g: &T, x: &T, out: &T, shape: &Dims, (ord, dim, keepdim): (Scalar, Option<&[i64]>, bool)) -> Result<T> {
    let (g, out) = (restore(g, shape, dim, keepdim)?, restore(out, shape, dim, keepdim)?);
    let p = ord.to_f64();
    let over_norm = |power: T| ops::where_(ops::eq(&out, 0), 0.0, &g / &power);
    Ok(match p {
        0.0 => ops::zeros_like(x),
        1.0 => ops::sgn(x) * g,
        2.0 => x * &over_norm(out.clone()),
        p if p.is_infinite() => {
            let reached = ops::eq(ops::abs(x), &out);
            let all = dims::reduced(dim, shape.len())?.to_dims();
            let many = ops::sum_dim_with(&reached, all, true, Value::None);
            ops::sgn(x) * ops::where_(reached, g / many, 0.0)
        }
        p if p < 1.0 => {
            let size = ops::abs(x);
            let power = ops::where_(ops::eq(&size, 0), 0.0, ops::pow(&size, p - 1.0));
            ops::sgn(x) * power * over_norm(ops::pow(&out, p - 1.0))
        }
        p if p < 2.0 => ops::sgn(x) * ops::pow(ops::abs(x), p - 1.0) * over_norm(ops::pow(&out, p - 1.0)),
        p => x * &ops::pow(ops::abs(x), p - 2.0) * over_norm(ops::pow(&out, p - 1.0)),
    })
}

/// All dimensions but the last as one: a matrix of rows.
pub fn rows(x: &T) -> T {
    match x.clone().tensor() {
        Ok(x) => {
            let (width, lead) = x.sizes().split_last().map_or((1, &[][..]), |(&width, lead)| (width, lead));
            ops::reshape(&x, [lead.iter().product(), width])
        }
        Err(error) => error.into(),
    }
}

/// `g` summed over all but its last dimension.
pub fn sum_to_last(g: &T) -> Result<T> {
    let lead: Dims = (0..g.clone().tensor()?.ndim() as i64 - 1).collect();
    Ok(if lead.is_empty() { g.clone() } else { ops::sum_dim_with(g, lead, false, Value::None) })
}
