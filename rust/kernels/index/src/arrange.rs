//! The same elements elsewhere: joined, flipped, rolled, cut to triangles.

use crate::copy::{Base, GRAIN, by_width, check_dim, copy, same_dtype, same_sizes};
use corten_base::pool::parallel_for;
use corten_base::{Operand, Result, fail};
use corten_strided::{Dim, Dims};
use std::mem::MaybeUninit;

/// Address of the element at `offset`.
fn at(x: &Operand, offset: i64) -> *mut u8 {
    x.ptr().wrapping_offset(offset as isize * x.dtype().size() as isize)
}

/// Elements of a row of the result that is worth a task, so that its parts need not be joined at once.
const LONG: usize = GRAIN;
/// Bytes of a part of a row that is worth a copy of its own.
const PART_BYTES: usize = 32;

/// The inputs one after the other along `dim`, row by row of the result. False, and nothing is done, where they are of
/// other dtypes, have gaps, or have rows so long or short that they are better copied one by one.
pub fn cat(out: Operand, inputs: &[Operand], dim: usize) -> Result<bool> {
    check_dim(&out, dim)?;
    let mut size = 0;
    for (number, x) in inputs.iter().enumerate() {
        let fits = x.ndim() == out.ndim() && (0..x.ndim()).all(|i| i == dim || x.sizes()[i] == out.sizes()[i]);
        if !fits {
            fail!(
                Runtime,
                "Sizes of tensors must match except in dimension {dim}. Expected {:?} but got {:?} for tensor number {number} in the list.",
                out.sizes(),
                x.sizes()
            );
        }
        size += x.sizes()[dim];
    }
    if size != out.sizes()[dim] {
        fail!(Runtime, "inputs of size {size} along dimension {dim} do not fill {}", out.sizes()[dim]);
    }
    let rows = out.sizes()[..dim].iter().product::<i64>().max(1) as usize;
    let (row, bytes) = (out.numel() / rows, out.dtype().size());
    let plain = |x: &Operand| x.dtype() == out.dtype() && x.is_contiguous();
    if row >= LONG || row * bytes < PART_BYTES * inputs.len().max(1) || !plain(&out) || !inputs.iter().all(plain) {
        return Ok(false);
    }
    let to = Base(out.ptr());
    let parts: Vec<_> = inputs.iter().map(|x| (Base(x.ptr()), x.numel() / rows * bytes)).collect();
    parallel_for(rows, (GRAIN / row).max(1), &|range| {
        let (to, parts) = (to, &parts);
        for i in range {
            let mut at = i * row * bytes;
            for &(from, part) in parts {
                // SAFETY: row `i` of the input, and as many elements of the result's.
                unsafe { std::ptr::copy(from.0.add(i * part), to.0.add(at), part) };
                at += part;
            }
        }
    });
    Ok(true)
}

/// `x` backwards along each of `dims`.
pub fn flip(out: Operand, x: Operand, dims: &[usize]) -> Result<()> {
    same_dtype(&out, &x)?;
    same_sizes(&out, &x)?;
    let (mut strides, mut offset) = (out.strides().to_vec(), 0);
    for (i, &dim) in dims.iter().enumerate() {
        check_dim(&x, dim)?;
        if dims[..i].contains(&dim) {
            fail!(Runtime, "dim {dim} appears multiple times in the list of dims");
        }
        offset += (x.sizes()[dim] - 1) * strides[dim];
        strides[dim] = -strides[dim];
    }
    if x.numel() == 0 {
        return Ok(());
    }
    let dims = Dims::new(x.sizes(), [&strides, x.strides()]).sorted().coalesced();
    let to = at(&out, offset);
    by_width!(x.dtype(), T => {
        let (to, from) = (Base(to.cast::<T>()), Base::<T>::of(&x));
        parallel_for(dims.numel(), GRAIN, &|range| {
            let (to, from) = (to, from);
            dims.runs(range, |[t, f], steps, count| {
                // SAFETY: elements of `x`, and of `out` from its last along each of `dims`.
                unsafe { copy_run(to.0.wrapping_offset(t), from.0.wrapping_offset(f), steps, count) }
            });
        });
    });
    Ok(())
}

/// Copies `count` elements, `steps` apart.
///
/// # Safety
/// They must be elements, those written to used by nothing else.
#[inline(never)]
pub(crate) unsafe fn copy_run<T: Copy>(to: *mut T, from: *const T, steps: [isize; 2], count: usize) {
    // SAFETY: the caller's promise, in all three.
    unsafe {
        match steps {
            [1, 1] => std::ptr::copy(from, to, count),
            [-1, 1] => reverse(
                std::slice::from_raw_parts_mut(to.offset(1 - count as isize).cast::<MaybeUninit<T>>(), count),
                std::slice::from_raw_parts(from, count),
            ),
            _ => {
                for i in 0..count as isize {
                    to.offset(i * steps[0]).write(from.offset(i * steps[1]).read());
                }
            }
        }
    }
}

#[inline(never)]
fn reverse<T: Copy>(to: &mut [MaybeUninit<T>], from: &[T]) {
    for (to, &x) in to.iter_mut().rev().zip(from) {
        to.write(x);
    }
}

/// `x` moved along each dimension by a shift, around the end: `out[i + shift] = x[i]`. One shift a dimension.
pub fn roll(out: Operand, x: Operand, shifts: &[i64]) -> Result<()> {
    same_dtype(&out, &x)?;
    same_sizes(&out, &x)?;
    if shifts.len() != x.ndim() {
        fail!(Runtime, "{} shifts for {} dimensions", shifts.len(), x.ndim());
    }
    if x.numel() == 0 {
        return Ok(());
    }
    // Along each moved dimension there are two pieces: what stays before the end, and what comes around.
    let moved: Vec<(usize, i64)> =
        (0..x.ndim()).map(|i| (i, shifts[i].rem_euclid(x.sizes()[i]))).filter(|&(_, shift)| shift != 0).collect();
    for piece in 0..1u64 << moved.len() {
        let (mut sizes, mut to, mut from) = (x.sizes().to_vec(), 0, 0);
        for (bit, &(dim, shift)) in moved.iter().enumerate() {
            let (out_stride, x_stride) = (out.strides()[dim], x.strides()[dim]);
            if piece >> bit & 1 == 0 {
                sizes[dim] -= shift;
                to += shift * out_stride;
            } else {
                from += (sizes[dim] - shift) * x_stride;
                sizes[dim] = shift;
            }
        }
        // SAFETY: boxes of elements of `x` and `out`, inside their sizes.
        unsafe { copy(x.dtype(), &Dims::new(&sizes, [out.strides(), x.strides()]), at(&out, to), at(&x, from)) };
    }
    Ok(())
}

/// The lower triangles of the matrices in `x` up to their `k`th diagonal (or the upper ones from it on); zero elsewhere.
fn triangle(out: &Operand, x: &Operand, k: i64, lower: bool) -> Result<()> {
    same_dtype(out, x)?;
    same_sizes(out, x)?;
    let rank = x.ndim();
    if rank < 2 {
        fail!(Runtime, "{}: input tensor must have at least 2 dimensions", if lower { "tril" } else { "triu" });
    }
    let (rows, columns) = (x.sizes()[rank - 2], x.sizes()[rank - 1]);
    let (out_step, x_step) = (out.strides()[rank - 1] as isize, x.strides()[rank - 1] as isize);
    // All rows of all matrices; the row's number steps along as a third stride.
    let row_dims = (0..rank - 1).map(|i| Dim {
        size: x.sizes()[i] as usize,
        strides: [out.strides()[i] as isize, x.strides()[i] as isize, (i == rank - 2) as isize],
    });
    let all = Dims::from_dims(row_dims);
    if rows == 0 || columns == 0 {
        return Ok(());
    }
    by_width!(x.dtype(), T => {
        let (to, from) = (Base::<T>::of(out), Base::<T>::of(x));
        parallel_for(all.numel(), (GRAIN / columns as usize).max(1), &|range| {
            let (to, from) = (to, from);
            all.walk(range, |[o, f, row]| {
                let edge = (row as i64).saturating_add(k);
                let (first, end) =
                    if lower { (0, edge.saturating_add(1).clamp(0, columns)) } else { (edge.clamp(0, columns), columns) };
                let (to, from) = (to.0.wrapping_offset(o), from.0.wrapping_offset(f));
                // SAFETY: elements of the row in `x` and in `out`.
                unsafe {
                    zero_run(to, out_step, first as usize);
                    let (to, from) = (to.offset(first as isize * out_step), from.offset(first as isize * x_step));
                    copy_run(to, from, [out_step, x_step], (end - first) as usize);
                    zero_run(to.offset((end - first) as isize * out_step), out_step, (columns - end) as usize);
                }
            });
        });
    });
    Ok(())
}

/// Writes `count` zeros, `step` apart.
///
/// # Safety
/// They must be elements that nothing else uses.
#[inline(never)]
pub(crate) unsafe fn zero_run<T: Copy + Default>(to: *mut T, step: isize, count: usize) {
    // SAFETY: the caller's promise; the types that elements of a width are moved as are zero where their bits are.
    unsafe {
        if step == 1 {
            return to.write_bytes(0, count);
        }
        (0..count as isize).for_each(|i| to.offset(i * step).write(T::default()));
    }
}

/// The lower triangles of the matrices in `x` up to their `k`th diagonal, zero elsewhere.
pub fn tril(out: Operand, x: Operand, k: i64) -> Result<()> {
    triangle(&out, &x, k, true)
}

/// The upper triangles of the matrices in `x` from their `k`th diagonal on, zero elsewhere.
pub fn triu(out: Operand, x: Operand, k: i64) -> Result<()> {
    triangle(&out, &x, k, false)
}
