//! Reductions, scans, softmax, normalisation, losses over classes, and sorting.
//!
//! Results depend on shapes and strides alone: sums run in a tree of constant lanes and leaves, whatever the instruction
//! set and the number of threads.

mod drive;
mod fold;
mod math;
mod number;
mod reduce;
mod source;

pub use reduce::{Reduce, logsumexp, reduce, var};
