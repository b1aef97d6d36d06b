//! Casts and copies.

use crate::device::{Device, MemoryFormat};
use crate::lazy::T;
use crate::pointwise::like;
use crate::rules::factory::formatted;
use crate::value::Value;
use crate::{DType, Result, Tensor};
use corten_tables::ops;
use smallvec::smallvec;

ops! { family = cast;

/// The values of `src`, broadcast and converted, written into `input`.
copy_(input: Tensor, src: Tensor, non_blocking: bool = false) -> Self { meta: { let _ = non_blocking; crate::pointwise::broadcast([input.sizes(), src.sizes()])?; check_copy(input, src)?; Ok(smallvec![like(input, input.dtype())]) }; kernel: crate::body::copy_values(&outs[0], src); forms: method }
/// The same of a number.
copy_.number(input: Tensor, src: Scalar, non_blocking: bool = false) -> Self { composite: { let _ = non_blocking; super::factory::fill_(input, src) }; forms: method }
/// A fresh tensor with the same values, dtype converted, on another device or in another memory format.
_to_copy(input: Tensor, *, dtype: DType?, device: Device?, memory_format: MemoryFormat = Preserve) -> Tensor { composite: to_copy(input, dtype, device, memory_format) }
/// The same values in fresh memory.
clone(input: Tensor, *, memory_format: MemoryFormat?) -> Tensor { meta: Ok(smallvec![formatted(input, memory_format.unwrap_or(MemoryFormat::Preserve))?]); kernel: crate::body::copy_values(&outs[0], input); forms: fn method }
/// The tensor itself where it is contiguous (in the given format), else a copy that is.
contiguous(input: Tensor, *, memory_format: MemoryFormat = Contiguous) -> Tensor { composite: if input.core().is_contiguous_in(memory_format) { T::from(input) } else { clone_with(input, memory_format) }; forms: method }
/// The values as another dtype, by truncation or rounding as the dtypes need.
_cast(input: Tensor, dtype: DType) -> Tensor { meta: Ok(smallvec![like(input, dtype)]); kernel: crate::body::copy_values(&outs[0], input) }
/// With another dtype or device; the tensor itself where nothing changes.
to(input: Tensor, dtype: DType, non_blocking: bool = false, copy: bool = false, *, memory_format: MemoryFormat = Preserve) -> Tensor { composite: { let _ = non_blocking; convert(input, Some(dtype), None, copy, memory_format) }; forms: method }
/// On another device, perhaps with another dtype.
to.device(input: Tensor, device: Device?, dtype: DType?, non_blocking: bool = false, copy: bool = false, *, memory_format: MemoryFormat = Preserve) -> Tensor { composite: { let _ = non_blocking; convert(input, dtype, device, copy, memory_format) }; forms: method }
/// With the dtype and on the device of another tensor.
to.other(input: Tensor, other: Tensor, non_blocking: bool = false, copy: bool = false, *, memory_format: MemoryFormat = Preserve) -> Tensor { composite: { let _ = non_blocking; convert(input, Some(other.dtype()), Some(other.device()), copy, memory_format) }; forms: method }
/// With the dtype of another tensor.
type_as(input: Tensor, other: Tensor) -> Tensor { composite: convert(input, Some(other.dtype()), Some(other.device()), false, MemoryFormat::Preserve); forms: method }
/// As float32.
float(input: Tensor, *, memory_format: MemoryFormat = Preserve) -> Tensor { composite: convert(input, Some(DType::F32), None, false, memory_format); forms: method }
/// As float64.
double(input: Tensor, *, memory_format: MemoryFormat = Preserve) -> Tensor { composite: convert(input, Some(DType::F64), None, false, memory_format); forms: method }
/// As float16.
half(input: Tensor, *, memory_format: MemoryFormat = Preserve) -> Tensor { composite: convert(input, Some(DType::F16), None, false, memory_format); forms: method }
/// As bfloat16.
bfloat16(input: Tensor, *, memory_format: MemoryFormat = Preserve) -> Tensor { composite: convert(input, Some(DType::BF16), None, false, memory_format); forms: method }
/// As int64.
long(input: Tensor, *, memory_format: MemoryFormat = Preserve) -> Tensor { composite: convert(input, Some(DType::I64), None, false, memory_format); forms: method }
/// As int32.
int(input: Tensor, *, memory_format: MemoryFormat = Preserve) -> Tensor { composite: convert(input, Some(DType::I32), None, false, memory_format); forms: method }
/// As int16.
short(input: Tensor, *, memory_format: MemoryFormat = Preserve) -> Tensor { composite: convert(input, Some(DType::I16), None, false, memory_format); forms: method }
/// As int8.
char(input: Tensor, *, memory_format: MemoryFormat = Preserve) -> Tensor { composite: convert(input, Some(DType::I8), None, false, memory_format); forms: method }
/// As uint8.
byte(input: Tensor, *, memory_format: MemoryFormat = Preserve) -> Tensor { composite: convert(input, Some(DType::U8), None, false, memory_format); forms: method }
/// As bool: whether it is not zero.
bool(input: Tensor, *, memory_format: MemoryFormat = Preserve) -> Tensor { composite: convert(input, Some(DType::Bool), None, false, memory_format); forms: method }
/// As complex64.
cfloat(input: Tensor, *, memory_format: MemoryFormat = Preserve) -> Tensor { composite: convert(input, Some(DType::C64), None, false, memory_format); forms: method }
/// As complex128.
cdouble(input: Tensor, *, memory_format: MemoryFormat = Preserve) -> Tensor { composite: convert(input, Some(DType::C128), None, false, memory_format); forms: method }
/// On the host.
cpu(input: Tensor, *, memory_format: MemoryFormat = Preserve) -> Tensor { composite: convert(input, None, Some(Device::CPU), false, memory_format); forms: method }
/// On a CUDA device.
cuda(input: Tensor, device: Device?, non_blocking: bool = false, memory_format: MemoryFormat = Preserve) -> Tensor { composite: { let _ = non_blocking; convert(input, None, Some(device.unwrap_or(Device { kind: crate::DeviceKind::Cuda, index: 0 })), false, memory_format) }; forms: method }

}

/// `copy_` broadcasts its source to the target, never the other way.
fn check_copy(input: &Tensor, src: &Tensor) -> Result<()> {
    let sizes = crate::pointwise::broadcast([input.sizes(), src.sizes()])?;
    if &sizes[..] != input.sizes() {
        crate::fail!(
            Runtime,
            "output with shape {} doesn't match the broadcast shape {}",
            crate::text::sizes(input.sizes()),
            crate::text::sizes(&sizes)
        );
    }
    Ok(())
}

fn convert(input: &Tensor, dtype: Option<DType>, device: Option<Device>, copy: bool, format: MemoryFormat) -> T {
    let same_dtype = dtype.is_none_or(|d| d == input.dtype());
    let same_device = device.is_none_or(|d| d.resolved() == input.device());
    let same_format = format == MemoryFormat::Preserve || input.core().is_contiguous_in(format);
    if same_dtype && same_device && same_format && !copy {
        T::from(input)
    } else {
        _to_copy_with(input, dtype, device, format)
    }
}

fn to_copy(input: &Tensor, dtype: Option<DType>, device: Option<Device>, format: MemoryFormat) -> Result<Value> {
    let mut spec = formatted(input, format)?;
    spec.dtype = dtype.unwrap_or(spec.dtype);
    spec.device = device.map_or(spec.device, Device::resolved);
    if spec.device.kind != crate::DeviceKind::Meta && input.device().kind == crate::DeviceKind::Meta {
        crate::fail!(NotImplemented, "Cannot copy out of meta tensor; no data!");
    }
    let out = crate::dispatch::allocate(&[spec])?.remove(0);
    copy_(&out, input).get()
}
