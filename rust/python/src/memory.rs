//! Elements of a tensor as bytes and as numbers.

use corten_base::element::{bf16, f16};
use corten_base::{DType, Result, Scalar, fail};
use corten_tensor::{Device, Tensor};

/// One element at `ptr`.
///
/// # Safety
/// `ptr` must be valid for reads of one element of `dtype`.
pub unsafe fn read(ptr: *const u8, dtype: DType) -> Scalar {
    macro_rules! at {
        ($t:ty) => {
            // SAFETY: the caller vouches for the address; the read needs no alignment.
            unsafe { ptr.cast::<$t>().read_unaligned() }
        };
    }
    match dtype {
        DType::Bool => Scalar::Bool(at!(u8) != 0),
        DType::U8 => Scalar::Int(at!(u8) as i64),
        DType::I8 => Scalar::Int(at!(i8) as i64),
        DType::U16 => Scalar::Int(at!(u16) as i64),
        DType::I16 => Scalar::Int(at!(i16) as i64),
        DType::U32 => Scalar::Int(at!(u32) as i64),
        DType::I32 => Scalar::Int(at!(i32) as i64),
        DType::U64 => match at!(u64) {
            x if x <= i64::MAX as u64 => Scalar::Int(x as i64),
            x => Scalar::UInt(x),
        },
        DType::I64 => Scalar::Int(at!(i64)),
        DType::F16 => Scalar::Float(f16(at!(u16)).to_f32() as f64),
        DType::BF16 => Scalar::Float(bf16(at!(u16)).to_f32() as f64),
        DType::F32 => Scalar::Float(at!(f32) as f64),
        DType::F64 => Scalar::Float(at!(f64)),
        DType::C64 => {
            let [re, im] = at!([f32; 2]);
            Scalar::Complex(re as f64, im as f64)
        }
        DType::C128 => {
            let [re, im] = at!([f64; 2]);
            Scalar::Complex(re, im)
        }
    }
}

/// The value of a tensor of one element on the host.
pub fn item(tensor: &Tensor) -> Result<Scalar> {
    let numel = tensor.numel();
    if numel != 1 {
        fail!(Runtime, "a Tensor with {numel} elements cannot be converted to Scalar");
    }
    let operand = tensor.core().operand()?;
    // SAFETY: the operand's first element lies inside its memory, as was checked when it was made.
    Ok(unsafe { read(operand.ptr(), tensor.dtype()) })
}

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
