//! Writing where a mask is true.

use crate::chosen::Chosen;
use crate::copy::{Base, GRAIN, by_width, check_mask, same_dtype, same_sizes};
use corten_base::alloc::room;
use corten_base::pool::parallel_for;
use corten_base::{Operand, Result, Scalar, fail, multiversion, with_dtype};
use corten_strided::Dims;

/// # Safety
/// `offset` must be that of an element of the bool `mask`.
#[inline(always)]
unsafe fn is_set(mask: &Operand, offset: isize) -> bool {
    // SAFETY: the caller's promise.
    unsafe { mask.ptr().offset(offset).read() != 0 }
}

/// Sets the elements of `out` where `mask` (of its sizes) is true.
pub fn masked_fill(out: Operand, mask: Operand, value: Scalar) -> Result<()> {
    check_mask(&mask)?;
    same_sizes(&out, &mask)?;
    let dims = Dims::new(out.sizes(), [out.strides(), mask.strides()]).sorted().coalesced();
    let mut bits = [0u64; 2];
    with_dtype!(out.dtype(), T => {
        // SAFETY: two words have room for any element, and are aligned as memory of elements is.
        unsafe { bits.as_mut_ptr().cast::<T>().write(value.to::<T>()) }
    });
    by_width!(out.dtype(), T => {
        // SAFETY: as many bytes as the element of the dtype has.
        let (base, value) = (Base::<T>::of(&out), unsafe { bits.as_ptr().cast::<T>().read() });
        parallel_for(dims.numel(), GRAIN, &|range| dims.runs(range, |[to, at], steps, count| {
            let (first, flags) = (base.0.wrapping_offset(to), mask.ptr().wrapping_offset(at));
            let apart = (first as usize + count * size_of::<T>() <= flags as usize)
                || (flags as usize + count <= first as usize);
            if steps == [1, 1] && apart {
                // SAFETY: a row of `out` and one of the mask, which do not overlap.
                let (row, flags) = unsafe {
                    (std::slice::from_raw_parts_mut(first, count), std::slice::from_raw_parts(flags, count))
                };
                return fill_row(row, flags, value);
            }
            for i in 0..count as isize {
                // SAFETY: elements of the mask and of `out`.
                unsafe {
                    if is_set(&mask, at + i * steps[1]) {
                        base.write(to + i * steps[0], value);
                    }
                }
            }
        }));
    });
    Ok(())
}

multiversion! {
    /// Without a branch, which a mask of no pattern would mislead.
    fn fill_row<T: Copy>(row: &mut [T], flags: &[u8], value: T) {
        for (element, &flag) in row.iter_mut().zip(flags) {
            *element = if flag != 0 { value } else { *element };
        }
    }
}

/// Writes the elements of `source`, in row-major order, where `mask` (of `out`'s sizes) is true.
pub fn masked_scatter(out: Operand, mask: Operand, source: Operand) -> Result<()> {
    same_dtype(&out, &source)?;
    same_sizes(&out, &mask)?;
    check_mask(&mask)?;
    let needed = Chosen::of(&mask)?.count();
    if needed > source.numel() {
        fail!(
            Runtime,
            "masked_scatter: expected the number of elements in source >= number of ones in mask, but got {} and {needed}",
            source.numel()
        );
    }
    let dims = Dims::new(out.sizes(), [out.strides(), mask.strides()]).coalesced();
    by_width!(out.dtype(), T => {
        let mut values = room(needed)?;
        let from = Dims::new(source.sizes(), [source.strides()]).coalesced();
        // SAFETY: elements of `source`.
        from.walk(0..needed, |[at]| values.push(unsafe { Base::<T>::of(&source).read(at) }));
        let mut values = values.into_iter();
        dims.walk(0..dims.numel(), |[to, at]| {
            // SAFETY: elements of the mask and of `out`.
            unsafe {
                if is_set(&mask, at)
                    && let Some(value) = values.next()
                {
                    Base::<T>::of(&out).write(to, value);
                }
            }
        });
    });
    Ok(())
}
