//! Elements chosen by a mask, and where elements differ from zero.

use crate::copy::{Base, GRAIN, by_width, int64, same_dtype, same_sizes};
use corten_base::alloc::room;
use corten_base::element::{Cast, b8};
use corten_base::pool::parallel_for;
use corten_base::{DType, Element, Operand, Result, Scalar, fail, multiversion, with_dtype};
use corten_strided::Dims;

/// Elements whose places are noted at a time, each in a byte.
const PIECE: usize = 256;

fn check_mask(mask: &Operand) -> Result<()> {
    if mask.dtype() == DType::Bool {
        return Ok(());
    }
    fail!(Runtime, "expected a mask of torch.bool, but got {}", mask.dtype())
}

/// # Safety
/// `offset` must be that of an element of the bool `mask`.
#[inline(always)]
unsafe fn is_set(mask: &Operand, offset: isize) -> bool {
    // SAFETY: the caller's promise.
    unsafe { mask.ptr().offset(offset).read() != 0 }
}

/// How many elements of the bool `mask` are true.
pub fn count_true(mask: Operand) -> Result<usize> {
    check_mask(&mask)?;
    Ok(count_nonzero(&mask))
}

/// How many elements differ from zero: the rows of [`nonzero`].
pub fn count_nonzero(x: &Operand) -> usize {
    let (outer, inner) = Dims::new(x.sizes(), [x.strides()]).sorted().coalesced().split_inner();
    let mut count = 0;
    with_dtype!(x.dtype(), T => outer.walk(0..outer.numel(), |[at]| {
        let first = Base::<T>::of(x).0.wrapping_offset(at);
        if inner.strides[0] == 1 {
            // SAFETY: a row of `x`.
            count += count_row(unsafe { std::slice::from_raw_parts(first, inner.size) });
            return;
        }
        for i in 0..inner.size as isize {
            // SAFETY: an element of `x`.
            count += is_true(unsafe { first.offset(i * inner.strides[0]).read() }) as usize;
        }
    }));
    count
}

/// True of an element that differs from zero.
#[inline(always)]
fn is_true<T: Cast<b8>>(element: T) -> bool {
    element.cast().0 != 0
}

multiversion! {
    fn count_row<T: Truth>(row: &[T]) -> usize {
        // Counts of a byte each, while a byte can hold them.
        row.chunks(255).map(|piece| piece.iter().fold(0u8, |count, &x| count + is_true(x) as u8) as usize).sum()
    }
}

/// An element that is true or false.
trait Truth: Element + Cast<b8> {}

impl<T: Element + Cast<b8>> Truth for T {}

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

/// The elements of `x` where `mask` (of its sizes) is true, in row-major order, into the one-dimensional `out` of
/// [`count_true`] elements.
pub fn masked_select(out: Operand, x: Operand, mask: Operand) -> Result<()> {
    check_mask(&mask)?;
    same_dtype(&out, &x)?;
    same_sizes(&x, &mask)?;
    let (&[total], &[stride]) = (out.sizes(), out.strides()) else {
        fail!(Runtime, "expected a result of one dimension, but got {:?}", out.sizes());
    };
    let dims = Dims::new(x.sizes(), [x.strides(), mask.strides()]).coalesced();
    let mut taken = 0;
    by_width!(x.dtype(), T => dims.runs(0..dims.numel(), |[from, at], steps, count| {
        for k in 0..count as isize {
            // SAFETY: elements of the mask, of `x`, and (below `total`) of `out`. What the mask does not choose is written
            // too, and over by the next that it does, so that nothing depends on a guess of what it holds.
            unsafe {
                if taken < total {
                    let value = Base::<T>::of(&x).read(from + k * steps[0]);
                    Base::<T>::of(&out).write((taken * stride) as isize, value);
                }
                taken += is_set(&mask, at + k * steps[1]) as i64;
            }
        }
    }));
    if taken != total {
        fail!(Runtime, "the mask chooses {taken} elements, but the result has {total}");
    }
    Ok(())
}

/// Writes the elements of `source`, in row-major order, where `mask` (of `out`'s sizes) is true.
pub fn masked_scatter(out: Operand, mask: Operand, source: Operand) -> Result<()> {
    same_dtype(&out, &source)?;
    same_sizes(&out, &mask)?;
    let needed = count_true(mask)?;
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

/// The indices of the elements of `x` that differ from zero, in row-major order: one row of `out` (int64,
/// [`count_nonzero`] × dimensions) each.
pub fn nonzero(out: Operand, x: Operand) -> Result<()> {
    int64(&out)?;
    let (&[rows, rank], &[down, across]) = (out.sizes(), out.strides()) else {
        fail!(Runtime, "expected a result of two dimensions, but got {:?}", out.sizes());
    };
    if rank != x.ndim() as i64 || rows != count_nonzero(&x) as i64 {
        fail!(Runtime, "expected a result of {} × {}, but got {rows} × {rank}", count_nonzero(&x), x.ndim());
    }
    // The last dimension is walked by itself, `at` counts the others along.
    let (last, step) = (x.sizes().last().copied().unwrap_or(1), x.strides().last().copied().unwrap_or(0) as isize);
    let lead = x.ndim().saturating_sub(1);
    let lines = Dims::new(&x.sizes()[..lead], [&x.strides()[..lead]]);
    let mut at = vec![0i64; lead];
    let mut row = 0;
    let base = Base::<i64>::of(&out);
    let mut found = [0u8; PIECE];
    with_dtype!(x.dtype(), T => lines.walk(0..if rows == 0 { 0 } else { lines.numel() }, |[line]| {
        for start in (0..last).step_by(PIECE) {
            let mut count = 0;
            for i in 0..(last - start).min(PIECE as i64) {
                // SAFETY: an element of `x`.
                let element = unsafe { Base::<T>::of(&x).read(line + (start + i) as isize * step) };
                // Each place is noted, and over by the next, so that nothing depends on a guess of what comes.
                found[count] = i as u8;
                count += is_true(element) as usize;
            }
            let found = &found[..count.min((rows - row) as usize)];
            for (k, &index) in at.iter().enumerate() {
                for j in 0..found.len() as i64 {
                    // SAFETY: an element of row `row + j` of `out`.
                    unsafe { base.write(((row + j) * down + k as i64 * across) as isize, index) }
                }
            }
            if rank > 0 {
                for (j, &i) in found.iter().enumerate() {
                    // SAFETY: as above.
                    unsafe { base.write(((row + j as i64) * down + lead as i64 * across) as isize, start + i as i64) }
                }
            }
            row += found.len() as i64;
        }
        for (index, &size) in at.iter_mut().zip(x.sizes()).rev() {
            *index += 1;
            if *index < size {
                break;
            }
            *index = 0;
        }
    }));
    Ok(())
}
