//! Memory for storages: aligned blocks, recycled.
//!
//! Blocks below 1 MiB come from the thread's own free lists, one per size class; larger ones from a shared cache,
//! since fresh pages cost more to touch than most kernels cost to run.

use crate::{Result, error};
use std::alloc::Layout;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Alignment of every block: a cache line, and the widest vector.
pub const ALIGN: usize = 64;

/// Blocks from this size on are shared between threads.
const LARGE: usize = 1 << 20;

/// Blocks from this size on lie on huge pages where the system has them: a kernel that streams through megabytes spends
/// a good part of its time on the translation of addresses otherwise.
const HUGE_PAGE: usize = 2 << 20;

/// Classes below `LARGE`: four for each doubling from 256 bytes on, and one each for 64, 128, 192.
const CLASSES: usize = 4 + 4 * 12;

/// Most bytes that one class of one thread keeps, and most that the shared cache keeps.
const KEPT_IN_CLASS: usize = 32 << 20;
const KEPT_LARGE: usize = 1 << 30;

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
    #[inline]
    pub fn new(bytes: usize) -> Result<Block> {
        let ptr = if bytes < LARGE { allocate_small(bytes) } else { allocate_large(bytes) };
        match ptr {
            Some(ptr) => Ok(Block { ptr, bytes }),
            None => Err(error!(Memory, "cannot allocate {bytes} bytes for a tensor")),
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
    #[inline]
    fn drop(&mut self) {
        if self.bytes < LARGE { free_small(self.ptr, self.bytes) } else { free_large(self.ptr, self.bytes) }
    }
}

/// An empty `Vec` with room for `count` items; `MemoryError` where the system has none, in place of an abort.
pub fn room<T>(count: usize) -> Result<Vec<T>> {
    let mut items = Vec::new();
    match items.try_reserve_exact(count) {
        Ok(()) => Ok(items),
        Err(_) => Err(error!(Memory, "cannot allocate room for {count} items of {} bytes", size_of::<T>())),
    }
}

/// `count` times `value`; `MemoryError` where there is no room.
pub fn filled<T: Clone>(value: T, count: usize) -> Result<Vec<T>> {
    let mut items = room(count)?;
    items.resize(count, value);
    Ok(items)
}

/// Bytes in blocks that are in use, as their classes round them up.
pub fn allocated_bytes() -> usize {
    total(|counts| &counts.allocated)
}

/// Bytes kept for later blocks.
pub fn cached_bytes() -> usize {
    total(|counts| &counts.cached)
}

/// Gives back to the system what the shared cache and this thread keep. Other threads keep their small blocks.
pub fn empty_cache() {
    let _ = CACHE.try_with(Cache::empty);
    for (size, blocks) in std::mem::take(&mut *lock(&LARGE_BLOCKS)) {
        for Address(ptr) in blocks {
            SHARED.cached.fetch_sub(size as i64, Relaxed);
            // SAFETY: allocated with this very size.
            unsafe { release(ptr, size) };
        }
    }
}

/// The class of a small size, and the size of its blocks: 64, 128, 192, 256, 320, 384, 448, 512, 640, …
#[inline(always)]
fn class_of(bytes: usize) -> (usize, usize) {
    // In units of cache lines, less one: the leading bit and the two after it number the class.
    let lines = bytes.saturating_sub(1) / ALIGN;
    if lines < 4 {
        return (lines, (lines + 1) * ALIGN);
    }
    let shift = lines.ilog2() as usize - 2;
    let quarter = lines >> shift;
    (4 * shift + quarter, (quarter + 1) << (shift + 6))
}

/// The size that a large block is rounded up to: eighths of a power of two. `None` if none can be.
fn round_large(bytes: usize) -> Option<usize> {
    let step = (bytes.checked_next_power_of_two()? >> 4).max(4096);
    bytes.checked_next_multiple_of(step)
}

/// What one thread, or the shared cache, has handed out and keeps. Blocks may be freed by another thread than the one
/// that made them, so only the sums mean something.
#[derive(Default)]
struct Counts {
    allocated: AtomicI64,
    cached: AtomicI64,
}

/// Counts of threads that have ended, and of large blocks.
static SHARED: Counts = Counts { allocated: AtomicI64::new(0), cached: AtomicI64::new(0) };
static THREADS: Mutex<Vec<Arc<Counts>>> = Mutex::new(Vec::new());

fn total(part: impl Fn(&Counts) -> &AtomicI64) -> usize {
    let threads: i64 = lock(&THREADS).iter().map(|counts| part(counts).load(Relaxed)).sum();
    (threads + part(&SHARED).load(Relaxed)).max(0) as usize
}

/// Adds without a locked instruction: only the thread itself writes its counts.
#[inline(always)]
fn count(counter: &AtomicI64, bytes: i64) {
    counter.store(counter.load(Relaxed).wrapping_add(bytes), Relaxed);
}

/// A thread's free blocks: each holds the address of the next of its class.
struct Cache {
    heads: [Cell<*mut u8>; CLASSES],
    lengths: [Cell<u32>; CLASSES],
    counts: RefCell<Option<Arc<Counts>>>,
    /// Where `counts` points, without the borrow.
    direct: Cell<Option<&'static Counts>>,
}

thread_local! {
    static CACHE: Cache = const {
        Cache {
            heads: [const { Cell::new(std::ptr::null_mut()) }; CLASSES],
            lengths: [const { Cell::new(0) }; CLASSES],
            counts: RefCell::new(None),
            direct: Cell::new(None),
        }
    };
}

impl Cache {
    #[inline(always)]
    fn counts(&self) -> &Counts {
        match self.direct.get() {
            Some(counts) => counts,
            None => self.register(),
        }
    }

    #[cold]
    fn register(&self) -> &Counts {
        let counts = Arc::new(Counts::default());
        // SAFETY: the Arc in `counts` lives as long as this cache, and `direct` is read through the cache only.
        let direct: &'static Counts = unsafe { &*Arc::as_ptr(&counts) };
        lock(&THREADS).push(counts.clone());
        *self.counts.borrow_mut() = Some(counts);
        self.direct.set(Some(direct));
        direct
    }

    #[inline(always)]
    fn take(&self, class: usize, size: usize) -> Option<NonNull<u8>> {
        let counts = self.counts();
        let head = NonNull::new(self.heads[class].get());
        if let Some(head) = head {
            // SAFETY: a free block holds the address of the next.
            self.heads[class].set(unsafe { head.cast::<*mut u8>().read() });
            self.lengths[class].set(self.lengths[class].get() - 1);
            count(&counts.cached, -(size as i64));
            count(&counts.allocated, size as i64);
            return Some(head);
        }
        let fresh = obtain(size);
        if fresh.is_some() {
            count(&counts.allocated, size as i64);
        }
        fresh
    }

    #[inline(always)]
    fn put(&self, ptr: NonNull<u8>, class: usize, size: usize) {
        let counts = self.counts();
        count(&counts.allocated, -(size as i64));
        let length = self.lengths[class].get();
        if (length as usize + 1) * size > KEPT_IN_CLASS {
            // SAFETY: a small block was obtained with its class's size.
            return unsafe { release(ptr, size) };
        }
        // SAFETY: the block is free, and large enough for an address.
        unsafe { ptr.cast::<*mut u8>().write(self.heads[class].get()) };
        self.heads[class].set(ptr.as_ptr());
        self.lengths[class].set(length + 1);
        count(&counts.cached, size as i64);
    }

    fn empty(&self) {
        for class in 0..CLASSES {
            let size = size_of_class(class);
            let mut head = self.heads[class].replace(std::ptr::null_mut());
            let bytes = self.lengths[class].replace(0) as usize * size;
            if bytes > 0 {
                count(&self.counts().cached, -(bytes as i64));
            }
            while let Some(ptr) = NonNull::new(head) {
                // SAFETY: a free block holds the address of the next, and was obtained with its class's size.
                unsafe {
                    head = ptr.cast::<*mut u8>().read();
                    release(ptr, size);
                }
            }
        }
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        self.empty();
        if let Some(counts) = self.counts.take() {
            self.direct.set(None);
            let mut threads = lock(&THREADS);
            SHARED.allocated.fetch_add(counts.allocated.load(Relaxed), Relaxed);
            threads.retain(|other| !Arc::ptr_eq(other, &counts));
        }
    }
}

/// The inverse of [`class_of`].
fn size_of_class(class: usize) -> usize {
    if class < 4 { (class + 1) * ALIGN } else { (class % 4 + 5) << (class / 4 - 1 + 6) }
}

#[inline]
fn allocate_small(bytes: usize) -> Option<NonNull<u8>> {
    let (class, size) = class_of(bytes);
    CACHE.try_with(|cache| cache.take(class, size)).unwrap_or_else(|_| {
        // The thread is ending: its lists are gone.
        SHARED.allocated.fetch_add(size as i64, Relaxed);
        obtain(size)
    })
}

#[inline]
fn free_small(ptr: NonNull<u8>, bytes: usize) {
    let (class, size) = class_of(bytes);
    if CACHE.try_with(|cache| cache.put(ptr, class, size)).is_err() {
        SHARED.allocated.fetch_sub(size as i64, Relaxed);
        // SAFETY: a small block was obtained with its class's size.
        unsafe { release(ptr, size) };
    }
}

/// A free large block.
struct Address(NonNull<u8>);

// SAFETY: nobody else knows the address of a free block.
unsafe impl Send for Address {}

/// Free large blocks by size.
static LARGE_BLOCKS: Mutex<BTreeMap<usize, Vec<Address>>> = Mutex::new(BTreeMap::new());

#[cold]
fn allocate_large(bytes: usize) -> Option<NonNull<u8>> {
    let size = round_large(bytes)?;
    let kept = lock(&LARGE_BLOCKS).get_mut(&size).and_then(Vec::pop);
    let ptr = match kept {
        Some(Address(ptr)) => {
            SHARED.cached.fetch_sub(size as i64, Relaxed);
            ptr
        }
        None => obtain(size)?,
    };
    SHARED.allocated.fetch_add(size as i64, Relaxed);
    Some(ptr)
}

#[cold]
fn free_large(ptr: NonNull<u8>, bytes: usize) {
    // Rounded as when it was allocated, which did not overflow.
    let size = round_large(bytes).unwrap_or(bytes);
    SHARED.allocated.fetch_sub(size as i64, Relaxed);
    let mut blocks = lock(&LARGE_BLOCKS);
    let kept: usize = blocks.iter().map(|(size, blocks)| size * blocks.len()).sum();
    if kept + size <= KEPT_LARGE {
        blocks.entry(size).or_default().push(Address(ptr));
        SHARED.cached.fetch_add(size as i64, Relaxed);
    } else {
        drop(blocks);
        // SAFETY: obtained with this very size.
        unsafe { release(ptr, size) };
    }
}

/// Memory from the system; when it has none, again after giving back what is cached.
#[cold]
fn obtain(size: usize) -> Option<NonNull<u8>> {
    let layout = Layout::from_size_align(size, alignment(size)).ok()?;
    // SAFETY: no class has size zero.
    let ptr = NonNull::new(unsafe { std::alloc::alloc(layout) });
    let ptr = ptr.or_else(|| {
        empty_cache();
        // SAFETY: as above.
        NonNull::new(unsafe { std::alloc::alloc(layout) })
    })?;
    #[cfg(target_os = "linux")]
    if size >= HUGE_PAGE {
        // Only whole pages, so that a block never holds more memory than its size. Where it fails, pages stay small.
        // SAFETY: advice about pages that lie in the block.
        unsafe { libc::madvise(ptr.as_ptr().cast(), size / HUGE_PAGE * HUGE_PAGE, libc::MADV_HUGEPAGE) };
    }
    Some(ptr)
}

/// Alignment of a block of this size from the system.
fn alignment(size: usize) -> usize {
    if size >= HUGE_PAGE { HUGE_PAGE } else { ALIGN }
}

/// # Safety
/// `ptr` must come from [`obtain`] with this size, and nobody may use it any more.
#[cold]
unsafe fn release(ptr: NonNull<u8>, size: usize) {
    // SAFETY: `obtain` made the same layout, which was valid.
    unsafe { std::alloc::dealloc(ptr.as_ptr(), Layout::from_size_align_unchecked(size, alignment(size))) }
}

/// Locks even after a panic: what these locks guard is never left half-changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_hold_their_sizes() {
        let mut largest = 0;
        for bytes in (0..LARGE).step_by(7).chain([1, 64, 65, 256, 257, LARGE - 1]) {
            let (class, size) = class_of(bytes);
            assert!(size >= bytes && size % ALIGN == 0 && size <= (bytes + 63).max(64) * 5 / 4 + 64, "{bytes}: {size}");
            assert_eq!(size_of_class(class), size);
            largest = largest.max(class);
        }
        assert_eq!(largest, CLASSES - 1);
    }

    #[test]
    fn blocks_are_recycled_and_counted() {
        for bytes in [0, 1, 1000, 500_000, 3_000_000] {
            let block = Block::new(bytes).unwrap();
            assert!(allocated_bytes() >= bytes);
            assert_eq!(block.ptr() as usize % ALIGN, 0);
            assert_eq!(block.bytes(), bytes);
            let address = block.ptr() as usize;
            drop(block);
            let again = Block::new(bytes).unwrap();
            assert_eq!(again.ptr() as usize, address);
            // Freed by another thread.
            std::thread::spawn(move || drop(again)).join().unwrap();
        }
        empty_cache();
        Block::new(100).unwrap();
        assert!(cached_bytes() >= 128);
    }

    #[test]
    fn too_much_is_an_error() {
        for bytes in [usize::MAX, isize::MAX as usize, isize::MAX as usize - 4096] {
            assert!(Block::new(bytes).is_err());
        }
    }
}
