//! Memory for storages: aligned blocks, recycled.

use crate::{Result, error};
use std::alloc::Layout;
use std::ptr::NonNull;

/// Alignment of every block: a cache line, and the widest vector.
pub const ALIGN: usize = 64;

/// An owned block of bytes, uninitialised when new.
#[derive(Debug)]
pub struct Block {
    ptr: NonNull<u8>,
    bytes: usize,
}

// SAFETY: a Block owns its bytes and has no thread affinity.
unsafe impl Send for Block {}
// SAFETY: a shared Block only tells its address and length.
unsafe impl Sync for Block {}

impl Block {
    /// A block of `bytes` bytes; `MemoryError` where the system has none.
    pub fn new(bytes: usize) -> Result<Block> {
        let layout = Layout::from_size_align(bytes.max(1), ALIGN).map_err(|_| too_large(bytes))?;
        // SAFETY: the layout's size is not zero.
        let ptr = unsafe { std::alloc::alloc(layout) };
        match NonNull::new(ptr) {
            Some(ptr) => Ok(Block { ptr, bytes }),
            None => Err(too_large(bytes)),
        }
    }

    /// Address of the first byte.
    pub fn ptr(&self) -> *mut u8 {
        self.ptr.as_ptr()
    }

    /// Length in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this very layout.
        unsafe { std::alloc::dealloc(self.ptr.as_ptr(), Layout::from_size_align_unchecked(self.bytes.max(1), ALIGN)) }
    }
}

fn too_large(bytes: usize) -> crate::Error {
    error!(Memory, "cannot allocate {bytes} bytes for a tensor")
}
