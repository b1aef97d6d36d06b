//! Values of a tensor as numbers.

use crate::device::{Device, DeviceKind};
use crate::tensor::Tensor;
use corten_base::{Element, Result, Scalar, fail, with_dtype};

/// The tensor itself where the host can read it, else a copy on the host.
fn on_host(x: &Tensor) -> Result<Tensor> {
    match x.device().kind {
        DeviceKind::Cpu => Ok(x.clone()),
        DeviceKind::Cuda => crate::ops::cast::to_device_with(
            x,
            Device::CPU,
            None::<bool>,
            false,
            false,
            crate::device::MemoryFormat::Preserve,
        )
        .tensor(),
        DeviceKind::Meta => fail!(Runtime, "Tensor.item() cannot be called on meta tensors"),
    }
}

/// The one number that a tensor holds.
pub fn item(x: &Tensor) -> Result<Scalar> {
    if x.numel() != 1 {
        fail!(Runtime, "a Tensor with {} elements cannot be converted to Scalar", x.numel());
    }
    let _below = crate::mode::no_grad();
    let x = on_host(x)?;
    let operand = x.core().operand()?;
    // SAFETY: the operand holds exactly one element, which lies in its memory.
    Ok(with_dtype!(operand.dtype(), E => unsafe { operand.ptr().cast::<E>().read() }.to_scalar()))
}

/// Refuses tensors without data.
pub fn need_data(x: &Tensor) -> Result<()> {
    if x.device().kind == DeviceKind::Meta {
        fail!(NotImplemented, "Cannot copy out of meta tensor; no data!");
    }
    Ok(())
}

/// Every number, in row-major order.
pub fn scalars(x: &Tensor) -> Result<Vec<Scalar>> {
    need_data(x)?;
    let _below = crate::mode::no_grad();
    let x = crate::ops::cast::contiguous(on_host(x)?).tensor()?;
    let operand = x.core().operand()?;
    let numel = operand.numel();
    with_dtype!(operand.dtype(), E => {
        let ptr = operand.ptr().cast::<E>();
        // SAFETY: the operand is contiguous, so its `numel` elements follow one another in its memory.
        Ok((0..numel).map(|i| unsafe { ptr.add(i).read() }.to_scalar()).collect())
    })
}

/// Every integer, in row-major order.
pub fn integers(x: &Tensor) -> Result<Vec<i64>> {
    Ok(scalars(x)?.into_iter().map(Scalar::to_i64).collect())
}
