//! What formulas of several families share.

pub mod strided;
