//! How a view lies in its base, for the gradients of both.

use crate::rules::strided;
use corten_tensor::lazy::T;
use corten_tensor::ops::all as ops;
use corten_tensor::value::Value;
use corten_tensor::{DType, Dims, Result, Tensor};

/// Sizes, strides and element type.
struct Layout {
    sizes: Dims,
    strides: Dims,
    dtype: DType,
}

impl Layout {
    fn of(tensor: &Tensor) -> Layout {
        let core = tensor.core();
        Layout { sizes: core.sizes.clone(), strides: core.strides.clone(), dtype: core.dtype }
    }
}

/// The part of a base that a view shows.
pub struct Part {
    base: Layout,
    view: Layout,
    /// Of the view's first element, in elements of the base after the base's first.
    offset: i64,
}

impl Part {
    /// Of two tensors that share memory.
    pub fn of(base: &Tensor, view: &Tensor) -> Part {
        let (b, v) = (base.core(), view.core());
        let offset = match (b.dtype.is_complex(), v.dtype.is_complex()) {
            (false, true) => 2 * v.offset - b.offset,
            (true, false) => v.offset - 2 * b.offset,
            _ => v.offset - b.offset,
        };
        Part { base: Layout::of(base), view: Layout::of(view), offset }
    }

    /// Uninitialised memory laid out as the base.
    pub fn whole(&self, grad: &Tensor) -> Result<Tensor> {
        let (base, device) = (&self.base, grad.device());
        ops::empty_strided_with(&base.sizes, &base.strides, base.dtype, Value::None, device, false, false).tensor()
    }

    /// The part, in a tensor that is laid out as the base from its first element on.
    pub fn look(&self, whole: &T) -> T {
        let view = &self.view;
        match (self.base.dtype.is_complex(), view.dtype.is_complex()) {
            (true, false) => ops::as_strided_with(ops::view_as_real(whole), &view.sizes, &view.strides, self.offset),
            (false, true) => {
                let pairs = |dims: &Dims, step: i64, last: i64| -> Dims {
                    dims.iter().map(|d| d * step).chain([last]).collect()
                };
                let (sizes, strides) = (pairs(&view.sizes, 1, 2), pairs(&view.strides, 2, 1));
                ops::view_as_complex(ops::as_strided_with(whole, &sizes, &strides, self.offset))
            }
            _ => ops::as_strided_with(whole, &view.sizes, &view.strides, self.offset),
        }
    }

    /// The gradient of the base from the view's: zero where the view does not look.
    pub fn backward(&self, grad: &T) -> Result<T> {
        let (base, view) = (&self.base, &self.view);
        if base.dtype.is_complex() == view.dtype.is_complex() {
            return strided::as_strided(grad, &base.sizes, &base.strides, &view.sizes, &view.strides, self.offset);
        }
        let whole = T::from(self.whole(&grad.clone().tensor()?)?);
        ops::zero_(&whole).get()?;
        ops::copy_(self.look(&whole), grad).get()?;
        Ok(whole)
    }
}
