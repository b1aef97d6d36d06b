//! Moving strided elements in and out of contiguous blocks, by their size alone.

use corten_base::multiversion;
use std::mem::MaybeUninit;

/// Bytes of a block: a thousand elements of the usual types, and several blocks together fit in L1.
pub(crate) const BLOCK_BYTES: usize = 4096;

/// Scratch memory for one run of elements.
#[repr(align(64))]
pub(crate) struct Block(MaybeUninit<[u8; BLOCK_BYTES]>);

impl Block {
    pub fn new() -> Self {
        Block(MaybeUninit::uninit())
    }

    pub fn ptr(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }
}

/// Rows of elements at regular distances: `rows` times `n` of them; from element to element it is `stride` bytes, from row
/// to row `step`.
#[derive(Clone, Copy)]
pub(crate) struct Rows {
    pub rows: usize,
    pub n: usize,
    pub step: isize,
    pub stride: isize,
}

impl Rows {
    /// A single row.
    pub fn one(n: usize, stride: isize) -> Self {
        Rows { rows: 1, n, step: 0, stride }
    }

    /// Number of elements.
    pub fn len(self) -> usize {
        self.rows * self.n
    }
}

/// Copies elements of `size` bytes that lie as `rows` in `x` to contiguous memory.
///
/// # Safety
/// Both sides must be valid and aligned for such elements. They may overlap only where there is one row without gaps.
#[inline]
pub(crate) unsafe fn gather(size: usize, rows: Rows, out: *mut u8, x: *const u8) {
    if rows.stride == size as isize {
        let bytes = rows.n * size;
        for i in 0..rows.rows {
            // SAFETY: the caller's promise.
            unsafe { std::ptr::copy(x.offset(i as isize * rows.step), out.add(i * bytes), bytes) };
        }
        return;
    }
    // SAFETY: the caller's promise, by the size that the elements have.
    unsafe {
        match size {
            1 => gather_of::<u8>(rows, out, x),
            2 => gather_of::<u16>(rows, out, x),
            4 => gather_of::<u32>(rows, out, x),
            8 => gather_of::<u64>(rows, out, x),
            _ => gather_of::<[u64; 2]>(rows, out, x),
        }
    }
}

unsafe fn gather_of<T: Copy>(rows: Rows, out: *mut u8, x: *const u8) {
    // SAFETY: the caller's promise, for each of the elements.
    let out = unsafe { std::slice::from_raw_parts_mut(out.cast::<MaybeUninit<T>>(), rows.len()) };
    if rows.stride == 0 {
        // SAFETY: as above.
        return unsafe { spread(out, rows, x) };
    }
    for (i, out) in out.chunks_exact_mut(rows.n.max(1)).enumerate() {
        // SAFETY: as above.
        unsafe { gather_row(out, x.wrapping_offset(i as isize * rows.step), rows.stride) };
    }
}

/// Elements that are read together before they are written, so that no read waits for a write.
const GROUP: usize = 8;

/// Fills a row with the elements from `x` on, `stride` bytes apart.
///
/// # Safety
/// There must be so many elements, valid to read.
unsafe fn gather_row<T: Copy>(out: &mut [MaybeUninit<T>], mut x: *const u8, stride: isize) {
    let (groups, rest) = out.as_chunks_mut::<GROUP>();
    for group in groups {
        // SAFETY: the caller's promise, here and below.
        *group = std::array::from_fn(|i| MaybeUninit::new(unsafe { x.offset(i as isize * stride).cast::<T>().read() }));
        x = x.wrapping_offset(GROUP as isize * stride);
    }
    for (i, out) in rest.iter_mut().enumerate() {
        // SAFETY: as above.
        out.write(unsafe { x.offset(i as isize * stride).cast::<T>().read() });
    }
}

multiversion! {
    /// Fills each row with the element at its place in `x`.
    ///
    /// # Safety
    /// Each row's element must be valid to read.
    unsafe fn spread<T: Copy>(out: &mut [MaybeUninit<T>], rows: Rows, x: *const u8) {
        for (i, out) in out.chunks_exact_mut(rows.n.max(1)).enumerate() {
            // SAFETY: the caller's promise.
            out.fill(MaybeUninit::new(unsafe { x.offset(i as isize * rows.step).cast::<T>().read() }));
        }
    }
}

/// Copies `n` contiguous elements of `size` bytes to places `stride` bytes apart.
///
/// # Safety
/// Both sides must be valid and aligned for such elements and must not overlap.
#[inline]
pub(crate) unsafe fn scatter(size: usize, n: usize, out: *mut u8, stride: isize, x: *const u8) {
    if stride == size as isize {
        // SAFETY: the caller's promise.
        return unsafe { std::ptr::copy_nonoverlapping(x, out, n * size) };
    }
    // SAFETY: the caller's promise, by the size that the elements have.
    unsafe {
        match size {
            1 => scatter_of::<u8>(n, out, stride, x),
            2 => scatter_of::<u16>(n, out, stride, x),
            4 => scatter_of::<u32>(n, out, stride, x),
            8 => scatter_of::<u64>(n, out, stride, x),
            _ => scatter_of::<[u64; 2]>(n, out, stride, x),
        }
    }
}

unsafe fn scatter_of<T: Copy>(n: usize, out: *mut u8, stride: isize, x: *const u8) {
    let x = x.cast::<T>();
    // SAFETY: the caller's promise, for each of the `n` elements.
    unsafe { (0..n).for_each(|i| out.offset(i as isize * stride).cast::<T>().write(x.add(i).read())) }
}
