//! Anomaly mode: nodes remember where they were made, and gradients with NaN are errors.
//!
//! One setting for all threads, as PyTorch's: a program switches it on once, whichever thread trains.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

const ENABLED: u8 = 1;
const CHECK_NAN: u8 = 2;

static STATE: AtomicU8 = AtomicU8::new(CHECK_NAN);

/// Whether the mode is on, and whether it refuses NaN where it is.
#[derive(Clone, Copy)]
pub struct Anomaly {
    /// Nodes remember where they were made.
    pub enabled: bool,
    /// While it is on, a gradient with NaN is an error.
    pub check_nan: bool,
}

impl Anomaly {
    fn unpacked(bits: u8) -> Anomaly {
        Anomaly { enabled: bits & ENABLED != 0, check_nan: bits & CHECK_NAN != 0 }
    }

    /// True where gradients with NaN are errors now.
    pub fn refuses_nan(self) -> bool {
        self.enabled && self.check_nan
    }
}

/// True in anomaly mode.
#[inline(always)]
pub fn enabled() -> bool {
    STATE.load(Relaxed) & ENABLED != 0
}

/// The mode now.
pub fn get() -> Anomaly {
    Anomaly::unpacked(STATE.load(Relaxed))
}

/// Switches the mode; returns what it was.
pub fn set(to: Anomaly) -> Anomaly {
    let bits = if to.enabled { ENABLED } else { 0 } | if to.check_nan { CHECK_NAN } else { 0 };
    Anomaly::unpacked(STATE.swap(bits, Relaxed))
}
