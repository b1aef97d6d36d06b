//! Working memory: on the stack while small, so that small products allocate nothing.

use corten_base::alloc::Block;
use corten_base::{Result, error};
use std::mem::MaybeUninit;

const INLINE: usize = 8192;

/// The bytes that a [`Scratch`] has before it allocates.
// Apart from the rest of it: a struct of uninitialised bytes and a pointer would be filled with zeros.
#[repr(align(64))]
pub struct Inline(MaybeUninit<[u8; INLINE]>);

impl Inline {
    /// Uninitialised bytes.
    #[inline(always)]
    pub const fn uninit() -> Self {
        Inline(MaybeUninit::uninit())
    }
}

/// Uninitialised memory that lives as long as this.
pub struct Scratch<'a> {
    inline: &'a mut Inline,
    block: Option<Block>,
}

impl<'a> Scratch<'a> {
    /// No room yet.
    pub fn new(inline: &'a mut Inline) -> Self {
        Scratch { inline, block: None }
    }

    /// Room for `len` numbers of type `T`; what an earlier call gave is given up.
    pub fn room<T>(&mut self, len: usize) -> Result<Ptr<T>> {
        let bytes = len.checked_mul(size_of::<T>()).filter(|&bytes| bytes <= isize::MAX as usize);
        let bytes = bytes.ok_or_else(|| error!(Memory, "a product needs working memory for {len} numbers"))?;
        if bytes <= INLINE {
            return Ok(Ptr(self.inline.0.as_mut_ptr().cast()));
        }
        self.block = Some(Block::new(bytes)?);
        Ok(Ptr(self.block.as_ref().map_or(std::ptr::null_mut(), |b| b.ptr().cast())))
    }

    /// `len` times `value`; what an earlier call gave is given up.
    pub fn filled<T: Copy>(&mut self, value: T, len: usize) -> Result<&mut [T]> {
        const { assert!(align_of::<T>() <= align_of::<Inline>()) };
        let room = self.room::<T>(len)?;
        // SAFETY: the room holds `len` numbers and is borrowed from this, and all of them are written first.
        unsafe {
            (0..len).for_each(|i| room.at(i).write(value));
            Ok(std::slice::from_raw_parts_mut(room.0, len))
        }
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
    pub fn at(self, n: usize) -> *mut T {
        self.0.wrapping_add(n)
    }
}
