//! Elements of a tensor as bytes.

use corten_base::{DType, Result, fail};
use corten_tensor::{Device, Tensor};

/// A row-major tensor on the host with these bytes.
pub fn from_bytes(bytes: &[u8], sizes: &[i64], dtype: DType) -> Result<Tensor> {
    let tensor = Tensor::empty(sizes, dtype, Device::CPU)?;
    if tensor.numel() * dtype.size() != bytes.len() {
        fail!(Value, "{} bytes do not make a {dtype} tensor of shape {sizes:?}", bytes.len());
    }
    // SAFETY: the fresh storage holds exactly as many bytes.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), tensor.core().storage.ptr(), bytes.len()) };
    Ok(tensor)
}

/// The bytes of a contiguous tensor on the host.
pub fn to_bytes(tensor: &Tensor) -> Result<Vec<u8>> {
    let core = tensor.core();
    if !core.is_contiguous() {
        fail!(Runtime, "the bytes of a tensor can be read only where it is contiguous");
    }
    let operand = core.operand()?;
    // SAFETY: a contiguous operand's elements follow one another inside its memory.
    Ok(unsafe { std::slice::from_raw_parts(operand.ptr(), core.numel() * core.dtype.size()) }.to_vec())
}
