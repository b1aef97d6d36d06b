//! In-place changes of what a tensor is: its sizes, or all of its memory.

use super::factory::formatted;
use crate::core::Core;
use crate::device::MemoryFormat;
use crate::lazy::T;
use crate::tensor::Tensor;
use crate::{Result, dispatch, fail};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// `resize_`: other sizes, row-major or in the format; elements keep their place in memory, further ones are
/// uninitialised.
pub fn resize(input: &Tensor, sizes: &[i64], format: Option<MemoryFormat>) -> Result<T> {
    if input.requires_grad() {
        fail!(Runtime, "cannot resize variables that require grad");
    }
    let before = input.core().storage.clone();
    if input.sizes() != sizes {
        dispatch::resize(input, sizes)?;
    }
    if let Some(format) = format
        && let Some(strides) = formatted(input, format)?.strides
    {
        let core = input.core();
        input.set_core(core.with_geometry(core.sizes.clone(), strides, core.offset));
    }
    if !Arc::ptr_eq(&before, &input.core().storage) {
        input.set_base(None);
    }
    input.core().bump_version();
    Ok(T::from(input))
}

/// `set_`: the memory, sizes and strides of `source`, of which `input` becomes another name.
pub fn set(input: &Tensor, source: &Tensor) -> Result<T> {
    if input.requires_grad() {
        fail!(Runtime, "a leaf Variable that requires grad is being used in an in-place operation.");
    }
    if input.dtype() != source.dtype() {
        fail!(
            Runtime,
            "Could not set tensor of type {} to a tensor of type {}",
            source.dtype().scalar_name().to_lowercase(),
            input.dtype().scalar_name().to_lowercase()
        );
    }
    if input.device() != source.device() {
        fail!(
            Runtime,
            "Attempted to set the storage of a tensor on device \"{}\" to a storage on different device \"{}\".  This is no longer allowed; the devices must match.",
            input.device(),
            source.device()
        );
    }
    let changes = input.core().version() + 1;
    input.set_base(None);
    // Its own changes are counted on: those of the source are another's.
    input.set_core(Core { own_version: Some(Arc::new(AtomicU64::new(changes))), ..source.core().clone() });
    Ok(T::from(input))
}
