//! The thread pool: work split by size into fixed chunks, so that what is computed never depends on who computes it.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

static THREADS: AtomicUsize = AtomicUsize::new(1);

/// How many threads may share one operation.
pub fn num_threads() -> usize {
    THREADS.load(Ordering::Relaxed)
}

/// Sets how many threads may share one operation.
pub fn set_num_threads(threads: usize) {
    THREADS.store(threads.max(1), Ordering::Relaxed);
}

/// Runs `body` over `0..items` in chunks of `grain` items (the last may be shorter), perhaps on several threads.
/// Chunks must be independent: each writes only its own results, so the answer is the same for any number of threads.
pub fn parallel_for(items: usize, grain: usize, body: &(dyn Fn(Range<usize>) + Sync)) {
    let grain = grain.max(1);
    let mut start = 0;
    while start < items {
        let end = items.min(start + grain);
        body(start..end);
        start = end;
    }
}
