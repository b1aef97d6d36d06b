//! Indexing: elements and blocks gathered and scattered by indices, masks, rearrangements, windows, counts.
//!
//! Elements move by their width; only where several meet at one place does their dtype matter. There they join in the
//! order of the indices, so that results never depend on the number of threads. Indices are checked before anything is
//! written.

mod arithmetic;
mod arrange;
mod blocks;
mod border;
mod chosen;
mod copy;
mod count;
mod elements;
mod masks;
mod search;
mod windows;

pub use arrange::{cat, flip, roll, tril, triu};
pub use blocks::{
    embedding_backward, gather_nd, index_add, index_copy, index_fill, index_select, repeat_indices, scatter_nd,
};
pub use border::{Edge, border, border_backward};
pub use chosen::{Chosen, masked_select, nonzero};
pub use count::{bincount, extent, histc};
pub use elements::{Join, Source, gather, put, scatter, take};
pub use masks::{masked_fill, masked_scatter};
pub use search::search;
pub use windows::{Window, fold, unfold};
