//! Reductions, scans, softmax, normalisation, losses over classes, and sorting.
//!
//! Results depend on shapes and strides alone: sums run in a tree of constant lanes and leaves, whatever the instruction
//! set and the number of threads.

mod abreast;
mod arg;
mod batch_norm;
mod columns;
mod ctc;
mod extreme;
mod fold;
mod layer_norm;
mod lines;
mod loss;
mod math;
mod norm;
mod number;
mod places;
mod reduce;
#[doc(hidden)]
pub mod rows;
mod scan;
mod shared;
mod softmax;
mod sort;
mod source;

pub use arg::{Seek, arg_reduce};
pub use batch_norm::{batch_norm, batch_norm_backward, batch_statistics, reciprocal_deviation};
pub use ctc::{Sequence, ctc_loss, ctc_loss_backward};
pub use extreme::cum_extreme;
pub use layer_norm::{layer_norm, layer_norm_backward};
pub use loss::{Reduction, nll_loss, nll_loss_backward};
pub use reduce::{Reduce, logsumexp, reduce, var};
pub use scan::{Scan, cumulate};
pub use softmax::{softmax, softmax_backward};
pub use sort::{sort, topk};
