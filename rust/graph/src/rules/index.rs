//! Gradients of indexed reads and writes.

use super::strided::zeros;
use corten_tensor::lazy::T;
use corten_tensor::ops::all as ops;
use corten_tensor::value::Value;
use corten_tensor::{Dims, Result, Tensor, fail};

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
                let shared = g / &ops::clamp_min(count, 1);
                [own(shared.clone()), ops::gather(shared, dim, index)]
            }
            "amax" | "amin" => {
                let mine = own(ops::_cast(ops::eq(x, out), x.clone().tensor()?.dtype()));
                let theirs = ops::_cast(ops::eq(src, ops::gather(out, dim, index)), src.clone().tensor()?.dtype());
                let count = ops::scatter_add(&mine, dim, index, &theirs);
                let shared = g / &ops::clamp_min(count, 1);
                [mine * &shared, theirs * ops::gather(shared, dim, index)]
            }
            other => fail!(NotImplemented, "the derivative of scatter_reduce with reduce='{other}' is not implemented"),
        })
    }
}
