//! Working memory: on the stack while small, so that small products allocate nothing.

use corten_base::alloc::Block;
use corten_base::{Result, error};
use std::mem::MaybeUninit;

const INLINE: usize = 8192;

#[repr(align(64))]
struct Inline(#[allow(dead_code, reason = "reached by its address")] MaybeUninit<[u8; INLINE]>);

/// Uninitialised memory that lives as long as this.
pub struct Scratch {
    inline: Inline,
    block: Option<Block>,
}

impl Scratch {
    /// No room yet.
    // Inlined, lest the uninitialised bytes be copied to where it lives.
    #[inline(always)]
    #[allow(clippy::new_without_default, reason = "a default would be copied")]
    pub fn new() -> Self {
        Scratch { inline: Inline(MaybeUninit::uninit()), block: None }
    }

    /// Room for `len` numbers of type `T`; what an earlier call gave is given up.
    pub fn room<T>(&mut self, len: usize) -> Result<Ptr<T>> {
        let bytes = len.checked_mul(size_of::<T>()).filter(|&bytes| bytes <= isize::MAX as usize);
        let bytes = bytes.ok_or_else(|| error!(Memory, "a product needs working memory for {len} numbers"))?;
        if bytes <= INLINE {
            return Ok(Ptr((&raw mut self.inline).cast()));
        }
        self.block = Some(Block::new(bytes)?);
        Ok(Ptr(self.block.as_ref().map_or(std::ptr::null_mut(), |b| b.ptr().cast())))
    }
}

/// An address that threads may share.
#[derive(Debug)]
pub struct Ptr<T>(pub *mut T);

impl<T> Clone for Ptr<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Ptr<T> {}
// SAFETY: an address; the drivers partition what they write between threads.
unsafe impl<T> Send for Ptr<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Ptr<T> {}

impl<T> Ptr<T> {
    /// The address `n` numbers further, or back.
    #[inline(always)]
    pub fn offset(self, n: isize) -> *mut T {
        self.0.wrapping_offset(n)
    }

    /// The address `n` numbers further; null stays null.
    #[inline(always)]
    pub fn add_unless_null(self, n: usize) -> *const T {
        if self.0.is_null() { self.0 } else { self.0.wrapping_add(n) }
    }

    /// The address `n` numbers further.
    #[inline(always)]
    pub fn add(self, n: usize) -> *mut T {
        self.0.wrapping_add(n)
    }
}
