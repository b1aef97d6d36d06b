//! The keyword arguments of factories, and how filled tensors come to be.

use crate::core::{channels_last_strides, contiguous_strides};
use crate::device::{Device, Layout, MemoryFormat};
use crate::dispatch::HOOKS;
use crate::lazy::T;
use crate::mode;
use crate::op::OutSpec;
use crate::pointwise::like;
use crate::promote;
use crate::tensor::{Tensor, key};
use corten_base::{DType, Result, Scalar, fail};
use std::cell::Cell;

thread_local! {
    static DEVICE: Cell<Option<Device>> = const { Cell::new(None) };
}

/// The device of factories that are given none (`set_default_device`).
pub fn default_device() -> Device {
    DEVICE.get().unwrap_or(Device::CPU)
}

/// Sets the device of factories that are given none; returns the one before.
pub fn set_default_device(device: Option<Device>) -> Option<Device> {
    DEVICE.replace(device)
}

/// `dtype`, `layout`, `device`, `pin_memory`, `requires_grad`.
pub struct Options {
    dtype: Option<DType>,
    device: Option<Device>,
    requires_grad: bool,
}

impl Options {
    /// Checks what can be checked: dense layout, no pinned memory.
    pub fn new(
        dtype: Option<DType>,
        layout: Option<Layout>,
        device: Option<Device>,
        pin_memory: bool,
        requires_grad: bool,
    ) -> Result<Options> {
        match layout {
            None | Some(Layout::Strided) => {}
            Some(other) => {
                fail!(
                    NotImplemented,
                    "argument 'layout' must be torch.strided, torch.{} is not supported",
                    other.name()
                )
            }
        }
        if pin_memory {
            fail!(
                Runtime,
                "Cannot access accelerator device when none is available: argument 'pin_memory' must be False"
            );
        }
        Ok(Options { dtype, device, requires_grad })
    }

    /// The dtype asked for, or this one.
    pub fn dtype_or(&self, dtype: DType) -> DType {
        self.dtype.unwrap_or(dtype)
    }

    /// The dtype asked for, or the default float.
    pub fn float(&self) -> DType {
        self.dtype_or(promote::default_float())
    }

    /// The same options where what is not given comes from `input`.
    pub fn or_like(mut self, input: &Tensor) -> Options {
        self.dtype = self.dtype.or(Some(input.dtype()));
        self.device = self.device.or(Some(input.device()));
        self
    }

    /// The device asked for, or the default.
    pub fn device(&self) -> Device {
        self.device.unwrap_or_else(default_device).resolved()
    }

    /// Uninitialised memory.
    pub fn empty(&self, sizes: &[i64], dtype: DType) -> Result<Tensor> {
        Tensor::empty(sizes, dtype, self.device())
    }

    /// A tensor full of one value.
    pub fn full(&self, sizes: &[i64], value: Scalar, dtype: DType) -> Result<Tensor> {
        let out = self.empty(sizes, dtype)?;
        crate::ops::factory::fill_(&out, value).get()?;
        self.finish(out)
    }

    /// Sets `requires_grad` on what was made; filling it was no change.
    pub fn finish(&self, out: Tensor) -> Result<Tensor> {
        out.core().storage.set_version(0);
        if self.requires_grad {
            require_grad(&out, true)?;
        }
        Ok(out)
    }

    /// `finish` for a lazy result.
    pub fn finished(&self, out: T) -> Result<Tensor> {
        self.finish(out.tensor()?)
    }
}

/// Sets the `requires_grad` of a leaf, with PyTorch's checks.
pub fn require_grad(tensor: &Tensor, on: bool) -> Result<()> {
    if on && !tensor.dtype().is_differentiable() {
        fail!(Runtime, "Only Tensors of floating point and complex dtype can require gradients");
    }
    if on && tensor.keys() & key::INFERENCE != 0 && mode::get() & mode::flag::INFERENCE == 0 {
        fail!(
            Runtime,
            "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed. Clone it to get a normal tensor."
        );
    }
    if on && HOOKS.grad.get().is_none() {
        fail!(Import, "requires_grad needs corten-autograd: pip install corten-autograd");
    }
    if !on && tensor.grad_fn_slot().is_some() {
        fail!(
            Runtime,
            "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
        );
    }
    if tensor.grad_fn_slot().is_none() {
        tensor.set_leaf_requires_grad(on);
    }
    Ok(())
}

/// A spec with the sizes of `input` in a memory format.
pub fn formatted(input: &Tensor, format: MemoryFormat) -> Result<OutSpec> {
    let mut spec = like(input, input.dtype());
    let need = |ndim: usize| {
        if input.ndim() != ndim {
            fail!(Runtime, "required rank {ndim} tensor to use {} format", format.name());
        }
        Ok(())
    };
    match format {
        MemoryFormat::Preserve => {}
        MemoryFormat::Contiguous => spec.strides = Some(contiguous_strides(&spec.sizes)),
        MemoryFormat::ChannelsLast => {
            need(4)?;
            spec.strides = Some(channels_last_strides(&spec.sizes));
        }
        MemoryFormat::ChannelsLast3d => {
            need(5)?;
            spec.strides = Some(channels_last_strides(&spec.sizes));
        }
    }
    Ok(spec)
}

/// How many numbers `arange(start, end, step)` gives, with PyTorch's checks.
pub fn arange_count(start: f64, end: f64, step: f64) -> Result<i64> {
    if step == 0.0 || step.is_nan() {
        fail!(Runtime, "step must be nonzero");
    }
    if !start.is_finite() || !end.is_finite() {
        fail!(Runtime, "unsupported range: {start} -> {end}");
    }
    if (step > 0.0 && start > end) || (step < 0.0 && start < end) {
        fail!(Runtime, "upper bound and lower bound inconsistent with step sign");
    }
    let count = ((end - start) / step).ceil();
    if count >= i64::MAX as f64 {
        fail!(Runtime, "invalid size, possible overflow?");
    }
    Ok(count as i64)
}
