//! The thread pool: work split by size into fixed chunks, so that what is computed never depends on who computes it.
//!
//! The caller takes part and never waits for a thread that has not begun: workers join a call while it is open, and
//! the caller, out of chunks, closes it and waits for those inside. Idle workers spin for a moment, since calls come
//! in bursts, then sleep.

use crate::error::Result;
use std::any::Any;
use std::cell::Cell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering::*};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long an idle worker looks for work before it sleeps.
const SPIN: Duration = Duration::from_micros(30);

/// Zero until first asked for.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// How many threads may share one operation: `CORTEN_NUM_THREADS`, else as many as this process may run at once.
pub fn num_threads() -> usize {
    match THREADS.load(Relaxed) {
        0 => {
            let asked = std::env::var("CORTEN_NUM_THREADS").ok().and_then(|n| n.trim().parse().ok());
            let threads = asked.filter(|&n| n > 0).unwrap_or_else(available);
            // A concurrent `set_num_threads` wins.
            match THREADS.compare_exchange(0, threads, Relaxed, Relaxed) {
                Ok(_) => threads,
                Err(set) => set,
            }
        }
        threads => threads,
    }
}

/// Sets how many threads may share one operation.
pub fn set_num_threads(threads: usize) {
    THREADS.store(threads.max(1), Relaxed);
}

/// Processors that the scheduler's affinity and quota allow.
fn available() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get())
}

/// One call, on its caller's stack while it is open or has workers inside.
struct Job<'a> {
    body: &'a (dyn Fn(Range<usize>) + Sync),
    items: usize,
    grain: usize,
    /// The first item that nobody has taken.
    next: AtomicUsize,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Job<'_> {
    /// Takes chunks until none is left; after a panic none is.
    fn work(&self) {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            loop {
                let start = self.next.fetch_add(self.grain, Relaxed);
                if start >= self.items {
                    return;
                }
                (self.body)(start..self.items.min(start + self.grain));
            }
        }));
        if let Err(payload) = outcome {
            self.next.store(self.items, Relaxed);
            lock(&self.panic).get_or_insert(payload);
        }
    }
}

/// What the workers watch.
struct Pool {
    /// The call's number, whether it is open, and how many workers are inside.
    state: AtomicU64,
    job: AtomicPtr<()>,
    /// Workers with a lower number may join.
    wanted: AtomicUsize,
    /// True while a call owns the pool.
    busy: AtomicBool,
    stopping: AtomicBool,
    sleeping: AtomicUsize,
    bed: Mutex<()>,
    bell: Condvar,
    workers: Mutex<Vec<JoinHandle<()>>>,
}

const OPEN: u64 = 1 << 31;
const INSIDE: u64 = OPEN - 1;
const CALL: u64 = 1 << 32;

static POOL: Pool = Pool {
    state: AtomicU64::new(0),
    job: AtomicPtr::new(std::ptr::null_mut()),
    wanted: AtomicUsize::new(0),
    busy: AtomicBool::new(false),
    stopping: AtomicBool::new(false),
    sleeping: AtomicUsize::new(0),
    bed: Mutex::new(()),
    bell: Condvar::new(),
    workers: Mutex::new(Vec::new()),
};

thread_local! {
    /// True within a body: calls from there run inline.
    static WITHIN: Cell<bool> = const { Cell::new(false) };
}

/// Runs `body` over `0..items` in chunks of `grain` items (the last may be shorter), perhaps on several threads.
/// Chunks must be independent: each writes only its own results, so the answer is the same for any number of threads.
/// A panic in `body` is carried to the caller once every chunk that has begun is done.
pub fn parallel_for(items: usize, grain: usize, body: &(dyn Fn(Range<usize>) + Sync)) {
    let grain = grain.max(1);
    let threads = if items > grain { num_threads().min(items.div_ceil(grain)) } else { 1 };
    // The counter must not wrap round when every thread has overrun the end by a chunk.
    let countable = grain.checked_mul(threads + 1).and_then(|over| items.checked_add(over)).is_some();
    if threads == 1 || WITHIN.get() || !countable || POOL.busy.swap(true, Acquire) {
        return inline(items, grain, body);
    }
    let job = Job { body, items, grain, next: AtomicUsize::new(0), panic: Mutex::new(None) };
    POOL.share(&job, threads - 1);
    POOL.busy.store(false, Release);
    if let Some(payload) = job.panic.into_inner().unwrap_or_else(PoisonError::into_inner) {
        resume_unwind(payload);
    }
}

/// [`parallel_for`] over a body that may fail: answers with one of the failures.
pub fn try_parallel_for(items: usize, grain: usize, body: &(dyn Fn(Range<usize>) -> Result<()> + Sync)) -> Result<()> {
    let failure = Mutex::new(None);
    parallel_for(items, grain, &|range| {
        if let Err(error) = body(range) {
            *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    });
    failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

fn inline(items: usize, grain: usize, body: &(dyn Fn(Range<usize>) + Sync)) {
    let mut start = 0;
    while start < items {
        let end = items.min(start.saturating_add(grain));
        body(start..end);
        start = end;
    }
}

/// Ends the workers, as a process must before it forks; the next call starts new ones.
pub fn stop() {
    if WITHIN.get() {
        return;
    }
    while POOL.busy.swap(true, Acquire) {
        std::thread::yield_now();
    }
    POOL.stopping.store(true, SeqCst);
    POOL.ring();
    for worker in lock(&POOL.workers).drain(..) {
        // A worker's panics are caught, so joining cannot fail; were it to, the worker is gone all the same.
        let _ = worker.join();
    }
    POOL.stopping.store(false, SeqCst);
    POOL.busy.store(false, Release);
}

/// Forgets the workers, in a child process that was forked without [`stop`]: they were not copied into it.
pub fn forget_workers() {
    let mut workers = match POOL.workers.try_lock() {
        Ok(workers) => workers,
        Err(std::sync::TryLockError::Poisoned(workers)) => workers.into_inner(),
        // Held by a thread that is gone: no more workers will start, and calls run on their callers.
        Err(std::sync::TryLockError::WouldBlock) => return set_num_threads(1),
    };
    // Dropping a handle would detach a thread that does not exist here.
    workers.drain(..).for_each(std::mem::forget);
    POOL.sleeping.store(0, SeqCst);
    POOL.stopping.store(false, SeqCst);
    POOL.state.fetch_and(!(CALL - 1), SeqCst);
    POOL.busy.store(false, SeqCst);
}

impl Pool {
    /// Opens the job to `helpers` workers, takes part, and returns when nobody is inside any more.
    fn share(&'static self, job: &Job, helpers: usize) {
        self.start(helpers);
        self.wanted.store(helpers, Relaxed);
        self.job.store(std::ptr::from_ref(job).cast_mut().cast(), Relaxed);
        let call = (self.state.load(Relaxed) & !(CALL - 1)).wrapping_add(CALL);
        self.state.store(call | OPEN, SeqCst);
        if self.sleeping.load(SeqCst) > 0 {
            self.ring();
        }
        WITHIN.set(true);
        job.work();
        WITHIN.set(false);
        let mut spins = 0u32;
        let mut inside = self.state.fetch_and(!OPEN, AcqRel) & INSIDE;
        while inside > 0 {
            spins += 1;
            // A worker inside may have lost its processor.
            if spins.is_multiple_of(1 << 12) {
                std::thread::yield_now()
            } else {
                std::hint::spin_loop()
            }
            inside = self.state.load(Acquire) & INSIDE;
        }
    }

    /// Starts workers until there are `helpers`, or as many as the system allows.
    fn start(&'static self, helpers: usize) {
        let mut workers = lock(&self.workers);
        while workers.len() < helpers {
            let number = workers.len();
            let seen = self.state.load(Relaxed) & !(CALL - 1);
            let thread = std::thread::Builder::new().name(format!("corten-{number}"));
            match thread.spawn(move || self.serve(number, seen)) {
                Ok(worker) => workers.push(worker),
                Err(_) => return,
            }
        }
    }

    /// A worker's life: `seen` is the last call that it knows of.
    fn serve(&self, number: usize, mut seen: u64) {
        WITHIN.set(true);
        default_rounding();
        while let Some(state) = self.wait(seen) {
            seen = state & !(CALL - 1);
            if number < self.wanted.load(Relaxed) && self.join(state) {
                // SAFETY: the caller keeps its job until nobody is inside, and this worker is.
                let job = unsafe { &*self.job.load(Relaxed).cast::<Job>() };
                job.work();
                self.state.fetch_sub(1, Release);
            }
        }
    }

    /// Steps inside the call; false if it has been closed or followed by another.
    fn join(&self, mut state: u64) -> bool {
        let call = state & !(CALL - 1);
        while state & OPEN != 0 && state & !(CALL - 1) == call {
            match self.state.compare_exchange_weak(state, state + 1, Acquire, Relaxed) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        false
    }

    /// Waits for a call after `seen`; `None` when the pool stops.
    fn wait(&self, seen: u64) -> Option<u64> {
        let news = || {
            let state = self.state.load(SeqCst);
            (state & !(CALL - 1) != seen && state & OPEN != 0).then_some(state)
        };
        // More threads than processors: spinning would take the processor from those that work.
        let spin = if num_threads() > available_once() { Duration::ZERO } else { SPIN };
        let begin = Instant::now();
        loop {
            for _ in 0..64 {
                if self.stopping.load(Relaxed) {
                    return None;
                }
                if let Some(state) = news() {
                    return Some(state);
                }
                std::hint::spin_loop();
            }
            if begin.elapsed() >= spin {
                break;
            }
        }
        let mut bed = lock(&self.bed);
        self.sleeping.fetch_add(1, SeqCst);
        let outcome = loop {
            if self.stopping.load(SeqCst) {
                break None;
            }
            if let Some(state) = news() {
                break Some(state);
            }
            bed = self.bell.wait(bed).unwrap_or_else(PoisonError::into_inner);
        };
        self.sleeping.fetch_sub(1, SeqCst);
        outcome
    }

    /// Wakes the sleepers.
    fn ring(&self) {
        drop(lock(&self.bed));
        self.bell.notify_all();
    }
}

/// [`available`], asked once: the answer costs system calls.
fn available_once() -> usize {
    static ONCE: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    *ONCE.get_or_init(available)
}

/// Locks even after a panic: what these locks guard is never left half-changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Round to nearest with subnormals kept, whatever the thread that started this one had set.
fn default_rounding() {
    #[cfg(target_arch = "x86_64")]
    {
        let control = 0x1f80u32;
        // SAFETY: loads the control word that a process starts with.
        unsafe { std::arch::asm!("ldmxcsr [{}]", in(reg) &control, options(nostack, readonly)) }
    }
    #[cfg(target_arch = "aarch64")]
    {
        let control = 0u64;
        // SAFETY: as above.
        unsafe { std::arch::asm!("msr fpcr, {}", in(reg) control, options(nostack, nomem)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tests share the process's pool.
    static TURN: Mutex<()> = Mutex::new(());

    fn sum(items: usize, grain: usize) -> usize {
        let total = AtomicUsize::new(0);
        parallel_for(items, grain, &|range| {
            assert_eq!(range.start % grain, 0);
            total.fetch_add(range.sum::<usize>(), Relaxed);
        });
        total.into_inner()
    }

    #[test]
    fn every_item_once_for_any_number_of_threads() {
        let _turn = lock(&TURN);
        for threads in [1, 2, 7] {
            set_num_threads(threads);
            for (items, grain) in [(0, 1), (1, 1), (1000, 1), (1001, 10), (5, 100)] {
                assert_eq!(sum(items, grain), (0..items).sum());
            }
        }
    }

    #[test]
    fn nested_and_concurrent_calls() {
        let _turn = lock(&TURN);
        set_num_threads(3);
        let total = AtomicUsize::new(0);
        parallel_for(20, 1, &|_| {
            total.fetch_add(sum(100, 7), Relaxed);
        });
        assert_eq!(total.into_inner(), 20 * 4950);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..200).for_each(|_| assert_eq!(sum(1000, 10), 499_500)));
            }
        });
    }

    #[test]
    fn panics_reach_the_caller() {
        let _turn = lock(&TURN);
        set_num_threads(2);
        for bad in [0, 7, 99] {
            let outcome = catch_unwind(|| parallel_for(100, 1, &|range| assert_ne!(range.start, bad)));
            assert!(outcome.is_err());
            assert_eq!(sum(1000, 10), 499_500);
        }
    }

    #[test]
    fn stops_and_starts_again() {
        let _turn = lock(&TURN);
        set_num_threads(4);
        for _ in 0..20 {
            assert_eq!(sum(1000, 10), 499_500);
            stop();
            assert!(lock(&POOL.workers).is_empty());
        }
        // Workers that sleep hear of work too.
        assert_eq!(sum(1000, 10), 499_500);
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(sum(1000, 10), 499_500);
    }

    #[test]
    fn huge_ranges_do_not_wrap() {
        let _turn = lock(&TURN);
        set_num_threads(2);
        let calls = AtomicUsize::new(0);
        parallel_for(usize::MAX, usize::MAX / 2, &|_| {
            calls.fetch_add(1, Relaxed);
        });
        assert_eq!(calls.into_inner(), 3);
    }
}
