//! Working memory of kernels, recycled like that of storages: fresh pages cost more to touch than most kernels to run.

use crate::alloc::{ALIGN, Block};
use crate::{Result, error};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// Numbers that live as long as a kernel works.
pub struct Scratch<T> {
    block: Block,
    len: usize,
    of: PhantomData<T>,
}

impl<T: Copy> Scratch<T> {
    /// `len` times `value`; `MemoryError` where there is no room.
    pub fn filled(value: T, len: usize) -> Result<Self> {
        const { assert!(align_of::<T>() <= ALIGN) };
        let bytes = len.checked_mul(size_of::<T>()).filter(|&bytes| bytes <= isize::MAX as usize);
        let bytes = bytes.ok_or_else(|| error!(Memory, "cannot allocate working memory for {len} numbers"))?;
        let block = Block::new(bytes)?;
        // SAFETY: the block has room for them, and is aligned.
        (0..len).for_each(|i| unsafe { block.ptr().cast::<T>().add(i).write(value) });
        Ok(Scratch { block, len, of: PhantomData })
    }
}

impl<T> Deref for Scratch<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        // SAFETY: all of them were written when this was made.
        unsafe { std::slice::from_raw_parts(self.block.ptr().cast(), self.len) }
    }
}

impl<T> DerefMut for Scratch<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above, and they are this one's alone.
        unsafe { std::slice::from_raw_parts_mut(self.block.ptr().cast(), self.len) }
    }
}
