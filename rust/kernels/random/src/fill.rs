//! Drawn values into operands of any dtype and strides, in the order in which PyTorch's iterator visits them.

use corten_base::element::Cast;
use corten_base::element::b8;
use corten_base::{DType, Operand, Result, bf16, c64, c128, f16, fail, with_dtype};
use corten_strided::{Dim, Dims, dims_of};

/// Values drawn at a time.
pub(crate) const BLOCK: usize = 512;

/// A type in which values are drawn, before they become elements.
pub(crate) trait Drawn:
    Copy
    + Default
    + Cast<b8>
    + Cast<u8>
    + Cast<i8>
    + Cast<u16>
    + Cast<i16>
    + Cast<u32>
    + Cast<i32>
    + Cast<u64>
    + Cast<i64>
    + Cast<f16>
    + Cast<bf16>
    + Cast<f32>
    + Cast<f64>
    + Cast<c64>
    + Cast<c128>
{
}
impl Drawn for i64 {}
impl Drawn for f32 {}
impl Drawn for f64 {}

/// The real numbers of an operand in PyTorch's order: that of memory. A complex operand is its parts.
pub(crate) struct Target {
    ptr: *mut u8,
    dtype: DType,
    dims: Dims<1>,
}

impl Target {
    pub(crate) fn new(out: &Operand) -> Target {
        let mut dims = dims_of(out);
        if out.dtype().is_complex() {
            let parts = Dim { size: 2, strides: [1] };
            let doubled = dims.as_slice().iter().map(|d| Dim { size: d.size, strides: [2 * d.strides[0]] });
            dims = Dims::from_dims(doubled.chain([parts]));
        }
        Target { ptr: out.ptr(), dtype: out.dtype().to_real(), dims: dims.sorted().coalesced() }
    }

    /// Number of real numbers.
    pub(crate) fn len(&self) -> usize {
        self.dims.numel()
    }

    /// Fills it from `draw`, which is asked for consecutive blocks.
    pub(crate) fn fill<S: Drawn>(&self, mut draw: impl FnMut(&mut [S])) {
        let mut block = [S::default(); BLOCK];
        let mut start = 0;
        while start < self.len() {
            let end = self.len().min(start + BLOCK);
            let values = &mut block[..end - start];
            draw(values);
            self.store(start, values);
            start = end;
        }
    }

    /// Writes the numbers from the `start`th on.
    pub(crate) fn store<S: Drawn>(&self, start: usize, values: &[S]) {
        assert!(start + values.len() <= self.len());
        let stride = match self.dims.as_slice() {
            [] => Some(1),
            [dim] => Some(dim.strides[0]),
            _ => None,
        };
        with_dtype!(self.dtype, T => {
            let ptr = self.ptr.cast::<T>();
            if stride == Some(1) {
                for (i, &value) in values.iter().enumerate() {
                    // SAFETY: `dims` covers the operand, whose elements were checked to lie in its memory.
                    unsafe { ptr.add(start + i).write(value.cast()) }
                }
            } else if let Some(stride) = stride {
                for (i, &value) in values.iter().enumerate() {
                    // SAFETY: as above.
                    unsafe { ptr.offset((start + i) as isize * stride).write(value.cast()) }
                }
            } else {
                let mut values = values.iter();
                self.dims.walk(start..start + values.len(), |[offset]| {
                    if let Some(&value) = values.next() {
                        // SAFETY: as above.
                        unsafe { ptr.offset(offset).write(value.cast()) }
                    }
                });
            }
        });
    }
}

/// Calls `draw` with each element of `x` as a double, and puts what it answers into `out`, in the order of memory.
pub(crate) fn map(out: &Operand, x: &Operand, mut draw: impl FnMut(f64) -> Result<f64>) -> Result<()> {
    if out.sizes() != x.sizes() {
        fail!(Runtime, "the result has sizes {:?} but the parameter has {:?}", out.sizes(), x.sizes());
    }
    let dims = Dims::new(out.sizes(), [out.strides(), x.strides()]).sorted().coalesced();
    let mut result = Ok(());
    dims.walk(0..dims.numel(), |[to, from]| {
        if result.is_err() {
            return;
        }
        let parameter = with_dtype!(x.dtype(), T => {
            // SAFETY: the offsets lie inside both operands.
            let element = unsafe { x.ptr().cast::<T>().offset(from).read() };
            Cast::<f64>::cast(element)
        });
        match draw(parameter) {
            // SAFETY: as above.
            Ok(value) => with_dtype!(out.dtype(), T => unsafe { out.ptr().cast::<T>().offset(to).write(value.cast()) }),
            Err(error) => result = Err(error),
        }
    });
    result
}

/// Refuses dtypes that are not floating point.
pub(crate) fn check_float(name: &str, dtype: DType) -> Result<()> {
    if dtype.is_float() {
        return Ok(());
    }
    dtype.unsupported(name)
}
