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

/// Copies `n` elements of `size` bytes, `stride` bytes apart in `x`, to contiguous memory.
///
/// # Safety
/// Both sides must be valid and aligned for such elements. They may overlap only where `stride == size`.
#[inline]
pub(crate) unsafe fn gather(size: usize, n: usize, out: *mut u8, x: *const u8, stride: isize) {
    if stride == size as isize {
        // SAFETY: the caller's promise.
        return unsafe { std::ptr::copy(x, out, n * size) };
    }
    // SAFETY: the caller's promise, by the size that the elements have.
    unsafe {
        match size {
            1 => gather_of::<u8>(n, out, x, stride),
            2 => gather_of::<u16>(n, out, x, stride),
            4 => gather_of::<u32>(n, out, x, stride),
            8 => gather_of::<u64>(n, out, x, stride),
            _ => gather_of::<[u64; 2]>(n, out, x, stride),
        }
    }
}

unsafe fn gather_of<T: Copy>(n: usize, out: *mut u8, x: *const u8, stride: isize) {
    let out = out.cast::<T>();
    // SAFETY: the caller's promise, for each of the `n` elements.
    unsafe {
        if stride == 0 {
            spread(std::slice::from_raw_parts_mut(out.cast(), n), x.cast::<T>().read());
        } else {
            (0..n).for_each(|i| out.add(i).write(x.offset(i as isize * stride).cast::<T>().read()));
        }
    }
}

multiversion! {
    fn spread<T: Copy>(out: &mut [MaybeUninit<T>], value: T) {
        out.fill(MaybeUninit::new(value));
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
