//! Moving elements by their width alone, and the checks that every mover makes.

use corten_base::pool::parallel_for;
use corten_base::{DType, Operand, Result, fail};
use corten_strided::{Dim, Dims};

/// Elements a task should have at least.
pub(crate) const GRAIN: usize = 16_384;

/// Evaluates an expression with `T` as an unsigned type as wide as the dtype.
macro_rules! by_width {
    ($dtype:expr, $t:ident => $body:expr) => {
        match $dtype.size() {
            1 => {
                type $t = u8;
                $body
            }
            2 => {
                type $t = u16;
                $body
            }
            4 => {
                type $t = u32;
                $body
            }
            8 => {
                type $t = u64;
                $body
            }
            _ => {
                // Two words: complex numbers of float64 are aligned to 8 bytes.
                type $t = [u64; 2];
                $body
            }
        }
    };
}
pub(crate) use by_width;

pub(crate) fn same_dtype(a: &Operand, b: &Operand) -> Result<()> {
    if a.dtype() == b.dtype() {
        return Ok(());
    }
    fail!(Runtime, "expected elements of {}, but got {}", a.dtype(), b.dtype())
}

pub(crate) fn same_sizes(a: &Operand, b: &Operand) -> Result<()> {
    if a.sizes() == b.sizes() {
        return Ok(());
    }
    fail!(Runtime, "sizes {:?} and {:?} differ", a.sizes(), b.sizes())
}

pub(crate) fn int64(index: &Operand) -> Result<()> {
    if index.dtype() == DType::I64 {
        return Ok(());
    }
    fail!(Index, "indices must be int64, but are {}", index.dtype())
}

pub(crate) fn check_mask(mask: &Operand) -> Result<()> {
    if mask.dtype() == DType::Bool {
        return Ok(());
    }
    fail!(Runtime, "expected a mask of torch.bool, but got {}", mask.dtype())
}

pub(crate) fn check_dim(x: &Operand, dim: usize) -> Result<()> {
    if dim < x.ndim() {
        return Ok(());
    }
    fail!(Index, "Dimension out of range: there are {} dimensions, but got {dim}", x.ndim())
}

/// What is wrong with an index that names nothing along a dimension.
pub(crate) fn out_of_bounds(index: i64, size: i64, dim: usize) -> String {
    format!("index {index} is out of bounds for dimension {dim} with size {size}")
}

/// The index itself, counted from the end if negative; an error where it is outside.
pub(crate) fn wrapped(index: i64, size: i64, dim: usize) -> Result<i64> {
    let from_start = if index < 0 { index.wrapping_add(size) } else { index };
    if (0..size).contains(&from_start) {
        return Ok(from_start);
    }
    fail!(Index, "{}", out_of_bounds(index, size, dim))
}

/// Reads an int64 operand's element.
///
/// # Safety
/// `offset` must be that of an element of the int64 `index`.
#[inline]
pub(crate) unsafe fn read_index(index: &Operand, offset: isize) -> i64 {
    // SAFETY: the caller's promise.
    unsafe { index.ptr().cast::<i64>().offset(offset).read() }
}

/// An address that tasks share; each writes elements of its own.
#[derive(Clone, Copy)]
pub(crate) struct Base<T>(pub(crate) *mut T);
// SAFETY: tasks write disjoint elements.
unsafe impl<T> Send for Base<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Base<T> {}

impl<T: Copy> Base<T> {
    pub(crate) fn of(x: &Operand) -> Self {
        Base(x.ptr().cast())
    }

    /// # Safety
    /// `offset` must be that of an element.
    #[inline(always)]
    pub(crate) unsafe fn read(self, offset: isize) -> T {
        // SAFETY: the caller's promise.
        unsafe { self.0.offset(offset).read() }
    }

    /// # Safety
    /// `offset` must be that of an element that no other task touches.
    #[inline(always)]
    pub(crate) unsafe fn write(self, offset: isize, value: T) {
        // SAFETY: the caller's promise.
        unsafe { self.0.offset(offset).write(value) }
    }
}

/// Copies rows along `inner` (of the output, then of the input), one at each step along `outer`, from `from` to `to`.
///
/// # Safety
/// All offsets along the dimensions must be those of elements of T at `to` and at `from`.
#[inline]
pub(crate) unsafe fn copy_rows<T: Copy>(outer: &Dims<2>, inner: Dim<2>, to: *mut T, from: *const T) {
    outer.walk(0..outer.numel(), |[t, f]| {
        // SAFETY: the caller's promise.
        unsafe {
            if inner.strides == [1, 1] {
                std::ptr::copy(from.offset(f), to.offset(t), inner.size);
                return;
            }
            for i in 0..inner.size as isize {
                to.offset(t + i * inner.strides[0]).write(from.offset(f + i * inner.strides[1]).read());
            }
        }
    });
}

/// Copies the elements along `dims`, of a dtype, on several threads.
///
/// # Safety
/// As [`copy_rows`], with elements of `dtype`; the output's must be distinct.
pub(crate) unsafe fn copy(dtype: DType, dims: &Dims<2>, to: *mut u8, from: *const u8) {
    let (outer, inner) = dims.clone().sorted().coalesced().split_inner();
    by_width!(dtype, T => {
        let (to, from) = (Base(to.cast::<T>()), Base(from.cast_mut().cast::<T>()));
        parallel_for(outer.numel(), (GRAIN / inner.size.max(1)).max(1), &|range| {
            let (to, from, row) = (to, from, Dims::from_dims([]));
            outer.walk(range, |[t, f]| {
                // SAFETY: the caller's promise.
                unsafe { copy_rows(&row, inner, to.0.offset(t), from.0.offset(f)) }
            });
        });
    });
}
