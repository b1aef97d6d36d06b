//! The thread's mode word: which keys count now, and which modes are on.

use crate::tensor::key;
use std::cell::Cell;

/// Bits of the mode word above the keys.
pub mod flag {
    /// Operations are recorded.
    pub const GRAD: u32 = 1 << 16;
    /// Inference mode.
    pub const INFERENCE: u32 = 1 << 17;
    /// The thread runs a kernel without the interpreter's lock.
    pub const DETACHED: u32 = 1 << 18;
    /// Someone packs what nodes save.
    pub const PACKING: u32 = 1 << 19;
}

/// Keys that leave the fast path whatever the mode.
const ALWAYS: u32 = key::CUDA | key::META | key::SUBCLASS;

/// What recording switches: views count too, since their base may have got a history that they must follow.
const RECORDING: u32 = flag::GRAD | key::AUTOGRAD | key::VIEW;

thread_local! {
    static MODE: Cell<u32> = const { Cell::new(ALWAYS | RECORDING) };
}

/// The mode word of this thread.
#[inline(always)]
pub fn get() -> u32 {
    MODE.get()
}

/// Replaces the mode word; returns the old one.
#[inline(always)]
pub fn set(mode: u32) -> u32 {
    MODE.replace(mode)
}

/// True where operations are recorded.
#[inline(always)]
pub fn grad_enabled() -> bool {
    MODE.get() & flag::GRAD != 0
}

/// Switches recording; returns whether it was on.
pub fn set_grad_enabled(on: bool) -> bool {
    let mode = MODE.get();
    MODE.set(if on { mode | RECORDING } else { mode & !RECORDING });
    mode & flag::GRAD != 0
}

/// Switches inference mode; returns the mode word before.
pub fn set_inference(on: bool) -> u32 {
    let before = MODE.get();
    MODE.set(if on { (before | flag::INFERENCE) & !RECORDING } else { (before & !flag::INFERENCE) | RECORDING });
    before
}

/// The keys that a tensor made now carries besides those of its device.
#[inline(always)]
pub fn new_tensor_keys() -> u32 {
    if MODE.get() & flag::INFERENCE != 0 { key::INFERENCE } else { 0 }
}

/// Puts the mode word back when dropped.
pub struct Restore(u32);

impl Drop for Restore {
    fn drop(&mut self) {
        MODE.set(self.0);
    }
}

/// Records nothing until the guard is dropped.
pub fn no_grad() -> Restore {
    let before = Restore(MODE.get());
    set_grad_enabled(false);
    before
}

/// Records, or not, until the guard is dropped.
pub fn grad_mode(on: bool) -> Restore {
    let before = Restore(MODE.get());
    set_grad_enabled(on);
    before
}

/// True where the thread runs without the interpreter's lock.
pub fn detached() -> bool {
    MODE.get() & flag::DETACHED != 0
}

/// Remembers until the guard is dropped that the interpreter's lock is given up, so that nothing gives it up again.
pub fn detach() -> Restore {
    let before = MODE.get();
    MODE.set(before | flag::DETACHED);
    Restore(before)
}

/// Ignores the given keys until the guard is dropped: a layer's way to call what lies below it.
pub fn without(keys: u32) -> Restore {
    let before = MODE.get();
    MODE.set(before & !keys);
    Restore(before)
}
