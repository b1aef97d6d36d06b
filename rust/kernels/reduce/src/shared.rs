//! Memory that the tasks of a loop fill together.

use std::marker::PhantomData;
use std::ops::Range;

/// Numbers of which each task writes a part of its own.
pub(crate) struct Shared<'a, C> {
    first: *mut C,
    count: usize,
    lifetime: PhantomData<&'a mut [C]>,
}
// SAFETY: `part` asks its callers for disjoint parts.
unsafe impl<C: Send> Sync for Shared<'_, C> {}

impl<'a, C> Shared<'a, C> {
    pub(crate) fn new(numbers: &'a mut [C]) -> Self {
        Shared { first: numbers.as_mut_ptr(), count: numbers.len(), lifetime: PhantomData }
    }

    /// The numbers of a range.
    ///
    /// # Safety
    /// No two parts may overlap.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn part(&self, range: &Range<usize>) -> &'a mut [C] {
        assert!(range.start <= range.end && range.end <= self.count);
        // SAFETY: the numbers lie in the slice, and nothing else uses them, as the caller promises.
        unsafe { std::slice::from_raw_parts_mut(self.first.add(range.start), range.len()) }
    }
}
