//! Gradients of views: the gradient put back where the view looked.

use corten_tensor::core::{Core, contiguous_strides, extent};
use corten_tensor::lazy::T;
use corten_tensor::ops::all as ops;
use corten_tensor::value::Value;
use corten_tensor::{Dims, Result, fail};

/// Zeros of `shape` with the dtype and on the device of `g`.
pub fn zeros(g: &T, shape: &Dims) -> T {
    ops::new_zeros(g, shape)
}

/// Zeros of `shape` with `g` where `view` looks.
pub fn place(g: &T, shape: &Dims, view: impl FnOnce(&T) -> T) -> Result<T> {
    let whole = T::from(zeros(g, shape).tensor()?);
    ops::copy_(view(&whole), g).get()?;
    Ok(whole)
}

/// The permutation that undoes `dims`.
pub fn inverse(dims: &[i64]) -> Dims {
    let n = dims.len() as i64;
    let mut out: Dims = smallvec::smallvec![0; dims.len()];
    for (i, &d) in dims.iter().enumerate() {
        out[if d < 0 { d + n } else { d } as usize] = i as i64;
    }
    out
}

/// The gradient of `as_strided`: each place of the view adds to its place in memory, from which the input's own places
/// are read. The input has sizes `shape` and strides `own`; `offset` is relative to its first element.
pub fn as_strided(g: &T, shape: &[i64], own: &[i64], size: &[i64], stride: &[i64], offset: i64) -> Result<T> {
    let grad = g.clone().tensor()?;
    let reach = (offset.max(0) as usize + extent(size, stride)?).max(extent(shape, own)?);
    if offset < 0 {
        fail!(Runtime, "as_strided: the gradient of a view that starts before its base is not defined");
    }
    let memory = T::from(zeros(g, &smallvec::smallvec![reach as i64]).tensor()?);
    if overlaps(size, stride) {
        // Places that share memory add up, one by one in row-major order.
        let places = ops::as_strided_with(ops::arange(reach).get()?, size, stride, offset);
        let flat = ops::reshape(places, [-1i64]);
        ops::index_add_(&memory, 0i64, flat, ops::reshape(T::from(grad), [-1i64]), 1i64).get()?;
    } else {
        ops::copy_(ops::as_strided_with(&memory, size, stride, offset), grad).get()?;
    }
    Ok(ops::as_strided_with(memory, shape, own, 0i64))
}

/// The same for an input that is contiguous memory of its shape.
pub fn dense_as_strided(g: &T, shape: &Dims, size: &[i64], stride: &[i64], offset: Option<i64>) -> Result<T> {
    as_strided(g, shape, &contiguous_strides(shape), size, stride, offset.unwrap_or(0))
}

/// True if two places of the view may share memory.
fn overlaps(size: &[i64], stride: &[i64]) -> bool {
    let mut dims: Vec<(i64, i64)> = size.iter().zip(stride).filter(|(s, _)| **s > 1).map(|(&s, &t)| (t, s)).collect();
    dims.sort();
    let mut reach = 0;
    for (stride, size) in dims {
        if stride <= reach {
            return true;
        }
        reach += stride * (size - 1);
    }
    false
}

/// The gradient of `unfold`: windows overlap, so their places add up.
pub fn unfold(g: &T, shape: &Dims, dim: i64, size: i64, step: i64) -> Result<T> {
    let core = Core::empty(shape, corten_tensor::DType::Bool, corten_tensor::Device::META)?;
    let model = corten_tensor::Tensor::new(core);
    let corten_tensor::op::Views::One(windows) = corten_tensor::rules::view::unfold(&model, dim, size, step)? else {
        fail!(Runtime, "unfold gives one view");
    };
    as_strided(g, shape, &contiguous_strides(shape), &windows.sizes, &windows.strides, 0)
}

/// No gradient.
pub fn none() -> T {
    T::value(Value::None)
}
