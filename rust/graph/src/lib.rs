//! Corten's graph: what records operations, and the engine that runs them backward. No Python here.
//!
//! [`record`] is the layer that dispatch calls where something requires grad; it makes [`node`]s that save
//! [`snapshot`]s, perhaps in the form of [`packing`]; [`derivative`] and [`derivatives`] are the table of formulas; [`engine`] runs the graph; [`inplace`]
//! rewrites history for in-place changes and views, where [`part`] tells how a view lies in its base.

pub mod accumulate;
pub mod anomaly;
pub mod derivative;
pub mod derivatives;
pub mod engine;
pub mod inplace;
pub mod node;
pub mod packing;
pub mod part;
pub mod record;
pub mod rules;
pub mod running;
pub mod snapshot;

use corten_tensor::dispatch::HOOKS;
use corten_tensor::registry;
use std::sync::Once;
use std::sync::atomic::Ordering;

/// Installs the recording layer and joins each op to its derivative. Calling it again does nothing.
pub fn activate() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for (index, row) in derivatives::all().enumerate() {
            if let Some(op) = registry::find(row.op) {
                op.derivative.store(index + 1, Ordering::Relaxed);
            }
        }
        let _ = HOOKS.grad.set(record::layer);
    });
}
