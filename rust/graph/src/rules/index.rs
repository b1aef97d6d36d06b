//! Gradients of indexed reads and writes.

use super::complex::c;
use super::strided::zeros;
use corten_tensor::lazy::T;
use corten_tensor::ops::all as ops;
use corten_tensor::value::Value;
use corten_tensor::{Dims, Result, Tensor};

/// Of a read at `indices`: `g` added up at those places.
pub fn read(g: &T, shape: &Dims, indices: &Value) -> T {
    ops::index_put_tensors_with(zeros(g, shape), indices, g, true)
}

/// Of a write at `indices`, by what was there before.
pub fn overwritten(g: &T, indices: &Value, accumulate: bool) -> T {
    if accumulate { g.clone() } else { ops::index_put_tensors(g, indices, ops::new_zeros(g, [0i64; 0])) }
}

/// Of `masked_select`: `g` at the chosen places of the broadcast shape.
pub fn selected(g: &T, shape: &Dims, mask: &Tensor) -> Result<T> {
    let sizes = corten_tensor::pointwise::broadcast([&shape[..], mask.sizes()])?;
    Ok(ops::masked_scatter(zeros(g, &sizes), mask, g))
}

/// Of `masked_scatter`, by the source: what was read of it, the rest zero.
pub fn scattered_source(g: &T, mask: &Tensor, shape: &Dims) -> Result<T> {
    let read = ops::masked_select(g, mask).tensor()?;
    let total: i64 = shape.iter().product();
    let rest = ops::new_zeros(g, [(total - read.numel() as i64).max(0)]);
    Ok(ops::reshape(ops::cat(&[T::from(read), rest][..]), shape))
}

/// What `scatter_reduce` was called with.
pub struct Scattered<'a> {
    /// The dimension.
    pub dim: i64,
    /// The places.
    pub index: &'a Tensor,
    /// `sum`, `mean`, `amax`, `amin` or `prod`.
    pub reduce: &'a str,
    /// Whether what was there counts.
    pub include_self: bool,
}

impl Scattered<'_> {
    /// The gradients of the input and of the source.
    pub fn backward(&self, g: &T, x: &T, src: &T, out: &T) -> Result<[T; 2]> {
        let (dim, index) = (self.dim, self.index);
        let own = |g: T| if self.include_self { g } else { ops::scatter_value(g, dim, index, 0) };
        Ok(match self.reduce {
            "sum" => [own(g.clone()), ops::gather(g, dim, index)],
            "mean" => {
                let mut count = own(ops::ones_like(g));
                count = ops::scatter_add(count, dim, index, ops::ones_like(src));
                let shared = g / &at_least_one(&count);
                [own(shared.clone()), ops::gather(shared, dim, index)]
            }
            "amax" | "amin" => {
                let mine = own(ops::_cast(ops::eq(x, out), x.clone().tensor()?.dtype()));
                let theirs = ops::_cast(ops::eq(src, ops::gather(out, dim, index)), src.clone().tensor()?.dtype());
                let count = ops::scatter_add(&mine, dim, index, &theirs);
                let shared = g / &at_least_one(&count);
                [mine * &shared, theirs * ops::gather(shared, dim, index)]
            }
            _ => self.of_product(g, x, src, out)?,
        })
    }

    /// Of products: what is joined without the element itself.
    fn of_product(&self, g: &T, x: &T, src: &T, out: &T) -> Result<[T; 2]> {
        let (dim, index) = (self.dim, self.index);
        let joined = |x: &T, src: &T| ops::scatter_reduce_with(x, dim, index, src, self.reduce, self.include_self);
        let own_zero = ops::eq(x, 0);
        let filled = ops::where_(own_zero, 1.0, x);
        let mut mine = g * c(&(joined(&filled, src) / &filled));
        if !self.include_self {
            mine = ops::scatter_value(mine, dim, index, 0);
        }
        let zero = ops::eq(src, 0);
        let zeros = ops::scatter_add(ops::zeros_like(x), dim, index, ops::_cast(&zero, x.clone().tensor()?.dtype()));
        let zeros = ops::gather(zeros, dim, index);
        let only = ops::logical_and(&zero, ops::eq(&zeros, 1));
        let without = joined(x, &ops::where_(&only, 1.0, src));
        let at_zero = ops::gather(g * c(&without), dim, index);
        let elsewhere = ops::gather(g * c(out), dim, index) / c(&ops::where_(&zero, 1.0, src));
        Ok([mine, ops::where_(only, at_zero, elsewhere)])
    }
}

/// Counts, with one where nothing is counted.
fn at_least_one(count: &T) -> T {
    ops::where_(ops::eq(count, 0), 1.0, count)
}

/// Of one number written into slices, by that number: the sum over the slices, each once.
pub fn filled(g: &T, dim: i64, index: &Tensor, shape: &Dims) -> T {
    let kept = ops::index_fill(ops::ones_like(g), dim, index, 0);
    ops::reshape(ops::sum(ops::where_(ops::eq(kept, 0), g, 0.0)), shape)
}
