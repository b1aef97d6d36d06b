//! Where a kernel reads or writes: memory, dtype, sizes and strides, with every element checked to lie inside.

use crate::{DType, Element, Result, fail};
use std::marker::PhantomData;

/// A run of bytes that stays allocated for `'a`. Reads and writes through it go by raw pointers, so that tensors may
/// share it; what a kernel may assume is only that it stays allocated.
#[derive(Clone, Copy, Debug)]
pub struct Memory<'a> {
    ptr: *mut u8,
    bytes: usize,
    lifetime: PhantomData<&'a ()>,
}

// SAFETY: a Memory is an address and a length; kernels partition what they write between threads.
unsafe impl Send for Memory<'_> {}
// SAFETY: as above.
unsafe impl Sync for Memory<'_> {}

impl<'a> Memory<'a> {
    /// # Safety
    /// `ptr` must be valid for reads and writes of `bytes` bytes for `'a`, and no Rust reference to them may be live
    /// while a kernel writes.
    pub unsafe fn from_raw(ptr: *mut u8, bytes: usize) -> Self {
        Memory { ptr, bytes, lifetime: PhantomData }
    }

    /// The memory of a slice (tests and benchmarks).
    pub fn from_slice<T: Element>(slice: &'a mut [T]) -> Self {
        Memory { ptr: slice.as_mut_ptr().cast(), bytes: std::mem::size_of_val(slice), lifetime: PhantomData }
    }
}

/// Elements in a row, without gaps.
#[derive(Clone, Copy, Debug)]
pub struct Flat<'a> {
    ptr: *mut u8,
    dtype: DType,
    len: usize,
    lifetime: PhantomData<&'a ()>,
}

impl<'a> Flat<'a> {
    /// `len` elements from `offset` on; checks that all lie inside `memory` and are aligned.
    #[inline]
    pub fn new(memory: Memory<'a>, dtype: DType, offset: i64, len: usize) -> Result<Self> {
        let end = usize::try_from(offset).ok().and_then(|offset| offset.checked_add(len)?.checked_mul(dtype.size()));
        let ptr = memory.ptr.wrapping_offset(offset as isize * dtype.size() as isize);
        let aligned = (ptr as usize).is_multiple_of(dtype.size().min(8));
        if len > 0 && (end.is_none_or(|end| end > memory.bytes) || !aligned) {
            fail!(
                Runtime,
                "{len} elements of {dtype} at offset {offset} of {:?} do not lie in a storage of {} bytes, aligned",
                memory.ptr,
                memory.bytes
            );
        }
        Ok(Flat { ptr, dtype, len, lifetime: PhantomData })
    }

    /// The first element's address.
    #[inline]
    pub fn ptr(&self) -> *mut u8 {
        self.ptr
    }

    /// Element type.
    #[inline]
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// True if no byte belongs to both.
    #[inline]
    pub fn is_apart(&self, other: &Flat) -> bool {
        let range = |flat: &Flat| (flat.ptr as usize, flat.ptr as usize + flat.len * flat.dtype.size());
        let ((a, a_end), (b, b_end)) = (range(self), range(other));
        a_end <= b || b_end <= a
    }
}

/// A strided array in memory. Sizes and strides count elements; a stride may be zero or negative.
#[derive(Clone, Copy, Debug)]
pub struct Operand<'a> {
    ptr: *mut u8,
    dtype: DType,
    sizes: &'a [i64],
    strides: &'a [i64],
    lifetime: PhantomData<&'a ()>,
}

// SAFETY: an Operand is an address with a shape; kernels partition what they write between threads.
unsafe impl Send for Operand<'_> {}
// SAFETY: as above.
unsafe impl Sync for Operand<'_> {}

impl<'a> Operand<'a> {
    /// Checks that every element lies inside `memory` and is aligned; the kernels rely on it.
    #[inline]
    pub fn new(memory: Memory<'a>, dtype: DType, offset: i64, sizes: &'a [i64], strides: &'a [i64]) -> Result<Self> {
        if sizes.len() != strides.len() {
            fail!(Value, "an operand has {} sizes and {} strides", sizes.len(), strides.len());
        }
        let (mut low, mut high, mut empty) = (offset, Some(offset), false);
        for (&size, &stride) in sizes.iter().zip(strides) {
            if size < 0 {
                fail!(Value, "an operand has the negative size {size}");
            }
            empty |= size == 0;
            let reach = (size - 1).checked_mul(stride);
            if stride < 0 {
                low = reach.and_then(|reach| low.checked_add(reach)).unwrap_or(i64::MIN);
            } else {
                high = high.and_then(|high| high.checked_add(reach?));
            }
        }
        if empty {
            return Ok(Operand { ptr: memory.ptr, dtype, sizes, strides, lifetime: PhantomData });
        }
        let end = high.and_then(|high| high.checked_add(1)?.checked_mul(dtype.size() as i64));
        if low < 0 || end.is_none_or(|end| end as u64 > memory.bytes as u64) {
            fail!(
                Runtime,
                "sizes {sizes:?} and strides {strides:?} at offset {offset} reach beyond a storage of {} bytes",
                memory.bytes
            );
        }
        let ptr = memory.ptr.wrapping_offset(offset as isize * dtype.size() as isize);
        if !(ptr as usize).is_multiple_of(dtype.size().min(8)) {
            fail!(Runtime, "memory at {ptr:?} is not aligned for {dtype}");
        }
        Ok(Operand { ptr, dtype, sizes, strides, lifetime: PhantomData })
    }

    /// The first element's address.
    #[inline]
    pub fn ptr(&self) -> *mut u8 {
        self.ptr
    }

    /// Element type.
    #[inline]
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Sizes, in elements.
    #[inline]
    pub fn sizes(&self) -> &'a [i64] {
        self.sizes
    }

    /// Strides, in elements.
    #[inline]
    pub fn strides(&self) -> &'a [i64] {
        self.strides
    }

    /// Number of dimensions.
    #[inline]
    pub fn ndim(&self) -> usize {
        self.sizes.len()
    }

    /// Number of elements.
    #[inline]
    pub fn numel(&self) -> usize {
        self.sizes.iter().product::<i64>() as usize
    }

    /// True if the elements lie in row-major order without gaps.
    pub fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        for (&size, &stride) in self.sizes.iter().zip(self.strides).rev() {
            if size != 1 {
                if stride != expected {
                    return size == 0 || self.sizes.contains(&0);
                }
                expected *= size;
            }
        }
        true
    }
}
