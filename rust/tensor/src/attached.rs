//! Interior mutability under the interpreter's lock.

use std::cell::UnsafeCell;

/// A slot that only code attached to the interpreter reads or writes.
///
/// Every tensor that more than one thread can reach belongs to Python objects, and Python code runs one thread at a
/// time. Code that gives the lock up (long kernels) works on fresh tensors that no one else holds. A reference from
/// [`Slot::get`] must not be kept across anything that may run Python code; callers clone what they keep.
pub struct Slot<T>(UnsafeCell<T>);

// SAFETY: access is serialised by the interpreter's lock, as the type's documentation says.
unsafe impl<T: Send> Sync for Slot<T> {}

impl<T> Slot<T> {
    /// A slot that holds `value`.
    pub const fn new(value: T) -> Self {
        Slot(UnsafeCell::new(value))
    }

    /// What it holds.
    #[inline(always)]
    pub fn get(&self) -> &T {
        // SAFETY: no writer is active while attached code reads; see the type's documentation.
        unsafe { &*self.0.get() }
    }

    /// Puts `value` in and returns what was there.
    #[inline(always)]
    pub fn replace(&self, value: T) -> T {
        // SAFETY: no reader keeps a reference across this call; see the type's documentation.
        unsafe { std::mem::replace(&mut *self.0.get(), value) }
    }

    /// Puts `value` in; what was there is dropped after the slot holds the new value.
    #[inline(always)]
    pub fn set(&self, value: T) {
        drop(self.replace(value));
    }

    /// Changes the content in place. `change` must not run Python code.
    #[inline(always)]
    pub fn with<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: as for `replace`.
        change(unsafe { &mut *self.0.get() })
    }
}

impl<T: Copy> Slot<T> {
    /// A copy of the content.
    #[inline(always)]
    pub fn load(&self) -> T {
        *self.get()
    }
}
